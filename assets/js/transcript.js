/* A conversation in the Chat tab: copy, edit, ask again, and saying which answers are good. See app/transcript.py. */
const done = (button, word) => {
  const was = button.textContent;
  button.textContent = word;
  setTimeout(() => { button.textContent = was; }, 1500);
};
const copyText = async (text) => {
  if (navigator.clipboard && window.isSecureContext) { await navigator.clipboard.writeText(text); return; }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.appendChild(area);
  area.select();
  document.execCommand("copy");
  area.remove();
};
const textOf = (message) => {
  const block = message.querySelector(".verbatim");
  return block.classList.contains("muted") ? "" : block.textContent;
};
const indexOf = (message) => Number(message.dataset.index);

const actButton = (className, words, title, press) => {
  const button = luthier.make("button", `act ${className}`, words);
  button.type = "button";
  button.title = title;
  button.onclick = press;
  return button;
};

const openEditor = (message) => {
  if (message.querySelector(".editor")) return;
  const block = message.querySelector(".verbatim");
  const area = luthier.make("textarea");
  area.value = textOf(message);
  area.rows = Math.min(12, area.value.split("\n").length + 2);
  area.setAttribute("aria-label", "Message text");
  const editor = luthier.make("div", "editor", null, area);
  const close = () => { editor.remove(); block.style.display = ""; };
  const keep = (event) => () => { const text = area.value; close(); trigger(event, { index: indexOf(message), text }); };
  const asked = message.classList.contains("user");
  const save = actButton("save", asked ? "Save and ask again" : "Save", "Ctrl+Enter", keep("edit"));
  editor.append(save);
  let better = null;
  if (message.dataset.improvable) {
    better = actButton("save-better", "Save as the better answer", "Ctrl+Shift+Enter: also kept as a judgement that your text beats the model's", keep("improve"));
    editor.append(better);
  }
  editor.append(actButton("", "Cancel", "Escape", close));
  area.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === "Escape") close();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) (event.shiftKey && better ? better : save).click();
  };
  message.append(editor);
  block.style.display = "none";
  area.focus();
};

const acts = {
  copy: async (button, message) => { await copyText(textOf(message)); done(button, "Copied"); },
  edit: (button, message) => openEditor(message),
  retry: () => trigger("retry", {}),
  label: () => luthier.openTab("Label"),
};
element.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-act]");
  if (!button || !element.contains(button)) return;
  const message = button.closest(".message");
  const act = acts[button.dataset.act];
  if (act) await act(button, message);
  else trigger("rate", { index: indexOf(message), what: button.dataset.act });
});
watch("value", () => {
  const box = element.querySelector(".transcript");
  if (box && box.dataset.live === "true") box.scrollTop = box.scrollHeight;
});
