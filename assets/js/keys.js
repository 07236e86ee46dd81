/* The keys of the screen: `?` or the button in the header opens them, Escape closes. To tell of another key, add a line to its tab. A component
   whose keys change pushes a function onto `luthier.screenKeys`: it gives `{title, keys}`, or null while the component cannot be seen. */
{
  const TABLE = [["↑ ↓", "next and previous row of a table that has the focus"], ["Enter", "open the row"]];
  const KEYS = {
    Data: TABLE,
    Train: [["Enter", "in a list: choose what is marked"], ["Backspace", "in Data: take the last dataset out"]],
    Runs: [["↑ ↓", "next and previous run, when a run's name has the focus"], ["Enter", "open the run"], ["Shift+Enter", "in Try it now: ask"], ["Space", "tick the run for comparison"], ["double click", "on a chart: show all of it again"]],
    Compare: TABLE,
    Label: TABLE,
    Chat: [["Enter", "send the message"], ["Shift+Enter", "a new line"], ["Ctrl+Enter", "in an edited message: save it"], ["Ctrl+Shift+Enter", "in an edited answer: save it as the better answer"], ...TABLE],
    Models: TABLE,
  };
  const EVERYWHERE = [["Tab", "next field or button"], ["?", "these keys"], ["Esc", "close"]];
  const { make } = luthier;

  function lines(keys) {
    return make("dl", "", null, ...keys.map(([key, words]) => make("div", "", null, make("dt", "", null, make("kbd", "", key)), make("dd", "", words))));
  }

  function currentTab() {
    const chosen = document.querySelector('#tabs > .tab-wrapper button[role="tab"][aria-selected="true"]');
    return chosen ? chosen.textContent.trim() : "";
  }

  luthier.showKeys = () => {
    const open = document.getElementById("keys");
    if (open) return open.close();
    const tab = currentTab();
    const own = (luthier.screenKeys || []).map((tell) => tell()).find(Boolean);
    const dialog = make("dialog", "keys");
    dialog.id = "keys";
    dialog.setAttribute("aria-label", "Keys of this screen");
    const close = make("button", "link", "Close");
    close.type = "button";
    close.addEventListener("click", () => dialog.close());
    dialog.append(make("h2", "", own ? own.title : tab ? `Keys of ${tab}` : "Keys"), lines(own ? own.keys : KEYS[tab] || []), make("h3", "", "Everywhere"), lines(EVERYWHERE), close);
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => dialog.remove());
    (document.querySelector(".gradio-container") || document.body).append(dialog);
    dialog.showModal();
  };

  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest && event.target.closest("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable]")) return;
    event.preventDefault();
    luthier.showKeys();
  });
}
