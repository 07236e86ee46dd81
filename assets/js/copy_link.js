// A button that copies the address of a page of this server, as this browser reaches it. See app/tabs/label.py.
element.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-path]");
  if (!button) return;
  const address = new URL(button.dataset.path, window.location.href).href;
  const shown = element.querySelector("[data-shown]");
  try {
    await navigator.clipboard.writeText(address);
    shown.textContent = `${address} is copied.`;
  } catch {
    shown.textContent = address;
  }
});
