/* Writes each problem under the field that has it: the value is {element id: message}; "" is a problem of no field in particular. */
const PATIENCE = 3000;
let round = 0;
const marked = [];

/* Only what this component wrote: the page has several forms. */
function clear() {
  element.replaceChildren();
  for (const [field, note] of marked.splice(0)) {
    note.remove();
    field.classList.remove("invalid-field");
    for (const input of field.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  }
}

function noteOf(message) {
  const note = luthier.make("div", "field-problem", message);
  note.setAttribute("role", "alert");
  return note;
}

function mark(field, message) {
  field.classList.add("invalid-field");
  const input = field.querySelector("input, textarea");
  if (input) input.setAttribute("aria-invalid", "true");
  const note = noteOf(message);
  field.append(note);
  marked.push([field, note]);
  const box = field.getBoundingClientRect();
  if (box.height && (box.top < 0 || box.bottom > innerHeight)) field.scrollIntoView({ block: "center", behavior: "smooth" });
}

/* Fields inside a closed accordion come into being when it opens, so those that are not there yet are tried again. */
function place(problems, mine, since) {
  if (mine !== round) return;
  const left = [];
  for (const [id, message] of problems) {
    const field = id && document.getElementById(id);
    if (field) mark(field, message);
    else if (!id || performance.now() - since > PATIENCE) element.append(noteOf(message));
    else left.push([id, message]);
  }
  if (left.length) setTimeout(() => place(left, mine, since), 100);
}

watch("value", () => {
  clear();
  round += 1;
  place(Object.entries(props.value || {}), round, performance.now());
});
