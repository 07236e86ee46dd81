/* The table of runs; see app/run_list.py. Every text is set as text, never as markup. */
const { make, figure, duration } = luthier;
const body = element.querySelector("tbody");
const filter = element.querySelector(".filter");
const count = element.querySelector(".count");
let rows = [];
let ticked = new Set();
let drawn = "";

function button(label, title, data, className) {
  const node = make("button", className, label);
  node.type = "button";
  node.title = title;
  node.setAttribute("aria-label", title);
  Object.assign(node.dataset, data);
  return node;
}

function lineOf(row) {
  const tick = make("input");
  Object.assign(tick, { type: "checkbox", checked: ticked.has(row.name) });
  tick.dataset.tick = row.name;
  tick.setAttribute("aria-label", `Compare ${row.name}`);
  const state = make("span", `badge ${row.state}`, row.words);
  const progress = row.steps && ["running", "evaluating", "saving", "paused"].includes(row.state) ? ` ${Math.floor((100 * row.step) / row.steps)} %` : "";
  const queue = make("td");
  if (row.position) {
    queue.append(
      make("span", "place", `${row.position}`),
      button("▲", `Move ${row.name} up in the queue`, { move: row.name, to: row.position - 1 }, "icon"),
      button("▼", `Move ${row.name} down in the queue`, { move: row.name, to: row.position + 1 }, "icon"),
    );
  }
  const line = make("tr", row.name === (props.value && props.value.run) ? "open" : "", null,
    make("td", "", null, tick),
    make("td", "", null, button(row.name, `Open ${row.name}, made ${row.created}`, { open: row.name }, "name")),
    make("td", "", null, state, progress),
    make("td", "recipe", row.recipe),
    make("td", "number", row.best === undefined || row.best === null ? "" : `${row.metric} ${figure(row.metric, row.best)}`),
    make("td", "number", duration(row.seconds)),
    make("td", "note", row.note),
    queue,
  );
  line.dataset.run = row.name;
  return line;
}

function draw(force = false) {
  const wanted = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const kept = rows.filter((row) => {
    const text = `${row.name} ${row.words} ${row.recipe} ${row.note}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  const now = JSON.stringify([kept, props.value, [...ticked]]);
  if (now === drawn && !force) return;
  drawn = now;
  element.querySelector(".listing").hidden = !rows.length;
  count.textContent = kept.length === rows.length ? `(${rows.length})` : `(${kept.length} of ${rows.length})`;
  const focused = element.contains(document.activeElement) ? { ...document.activeElement.dataset } : {};
  body.replaceChildren(...kept.map(lineOf));
  for (const [key, value] of Object.entries(focused)) {
    const again = [...body.querySelectorAll("button, input")].find((node) => node.dataset[key] === value);
    if (again) { again.focus(); break; }
  }
  if (!kept.length) body.append(make("tr", "", null, Object.assign(make("td", "nothing", rows.length ? "No run matches the filter." : "No runs yet."), { colSpan: 8 })));
}

function tell() { trigger("marked", { runs: [...ticked] }); }

async function update() {
  rows = await server.listing();
  const names = new Set(rows.map((row) => row.name));
  const before = ticked.size;
  ticked = new Set([...ticked].filter((name) => names.has(name)));
  draw();
  if (ticked.size !== before) tell();
}

element.addEventListener("click", (event) => {
  const target = event.target;
  if (target.dataset.tick) {
    if (target.checked) ticked.add(target.dataset.tick); else ticked.delete(target.dataset.tick);
    tell();
    return;
  }
  if (target.dataset.move) {
    trigger("move", { run: target.dataset.move, to: Number(target.dataset.to) });
    poller.soon();
    return;
  }
  const line = target.closest("tr[data-run]");
  if (line && target.tagName !== "INPUT") trigger("pick", { run: line.dataset.run });
});
element.addEventListener("keydown", (event) => {
  const line = event.target.closest("tr[data-run]");
  if (!line || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const next = event.key === "ArrowDown" ? line.nextElementSibling : line.previousElementSibling;
  const name = next && next.querySelector("button.name");
  if (name) { event.preventDefault(); name.focus(); }
});
filter.addEventListener("input", () => draw());
watch("value", () => { draw(true); poller.soon(); });
const poller = luthier.poll(element, () => 2000, update);
