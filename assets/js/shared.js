/* Helpers that the page's own components share. Loaded once, in the head. */
window.luthier = {
  /* Call `work` every `milliseconds()` while `element` can be seen; never two at a time, and never after it left the page. */
  poll(element, milliseconds, work) {
    let busy = false;
    let last = 0;
    let attached = false;
    const timer = setInterval(async () => {
      if (!element.isConnected) {
        if (attached) clearInterval(timer);
        return;
      }
      attached = true;
      if (busy || element.offsetParent === null || document.hidden) return;
      if (performance.now() - last < milliseconds()) return;
      busy = true;
      try {
        await work();
      } catch (error) {
        console.warn("The server did not answer:", error);
      } finally {
        last = performance.now();
        busy = false;
      }
    }, 200);
    return { soon() { last = -Infinity; } };
  },

  /* An element with a class, text (never markup) and children. */
  make(tag, className = "", text = null, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== null && text !== undefined) node.textContent = text;
    node.append(...children);
    return node;
  },

  /* Open a tab of the page by its label. */
  openTab(label) {
    for (const button of document.querySelectorAll('#tabs > .tab-wrapper button[role="tab"]')) {
      if (button.textContent.trim() === label) { button.click(); return true; }
    }
    for (const button of document.querySelectorAll("#tabs > .tab-wrapper .overflow-dropdown button")) {
      if (button.textContent.trim() === label) { button.click(); return true; }
    }
    return false;
  },

  duration(seconds) {
    if (seconds === null || seconds === undefined || !isFinite(seconds)) return "";
    const s = Math.round(seconds);
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60 ? `${s % 60} s` : ""}`.trim();
    return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  },

  /* A figure by its name: a loss as a number, a share as per cent. */
  figure(name, value) {
    return /loss|perplexity/.test(name) ? luthier.number(value) : `${luthier.number(100 * value, 3)} %`;
  },

  number(value, digits = 4) {
    if (value === null || value === undefined || !isFinite(value)) return "";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
    return Number(value.toPrecision(digits)).toLocaleString("en");
  },
};
