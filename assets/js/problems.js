/* Writes each problem under the field that has it: the value is {element id: message}; "" is a problem of no field in particular. */
function clear() {
  for (const old of document.querySelectorAll(".field-problem")) old.remove();
  for (const field of document.querySelectorAll(".invalid-field")) {
    field.classList.remove("invalid-field");
    for (const input of field.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  }
}

function show() {
  clear();
  let first = null;
  for (const [id, message] of Object.entries(props.value || {})) {
    const field = id && document.getElementById(id);
    const note = luthier.make("div", "field-problem", message);
    note.setAttribute("role", "alert");
    if (!field) { element.append(note); continue; }
    field.classList.add("invalid-field");
    const input = field.querySelector("input, textarea");
    if (input) input.setAttribute("aria-invalid", "true");
    field.append(note);
    first ??= field;
  }
  const box = first && first.getBoundingClientRect();
  if (box && box.height && (box.top < 0 || box.bottom > innerHeight)) first.scrollIntoView({ block: "center", behavior: "smooth" });
}

watch("value", show);
