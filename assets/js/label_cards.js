/* Labelling: what is read (the prompt, the cards, the guidelines) and the board on which ranks are dragged. Texts go in as text only. */
const ROLES = { user: "User", assistant: "Assistant", system: "System", tool: "Tool" };
const NEXT_MARK = new Map([[null, true], [true, false], [false, null]]);

/* The key of a control, as a small cap beside its words. */
function hint(key) {
  const cap = make("kbd", "", key);
  cap.setAttribute("aria-hidden", "true");
  return cap;
}

/* A control that is one of several choices. Enter on it submits, as everywhere; Space presses it. */
function choice(label, words, key, on, pick) {
  const node = make("button", "choice", label);
  node.type = "button";
  node.setAttribute("role", "radio");
  node.setAttribute("aria-label", words);
  node.title = key ? `${words} (${key})` : words;
  onPress(node, pick);
  painters.push(() => node.setAttribute("aria-checked", String(on())));
  return node;
}

/* What happens when `node` is pressed, in the order of all that was pressed. A mouse leaves no focus behind, so that Enter goes on submitting. */
function onPress(node, work) {
  node.addEventListener("click", (event) => {
    if (event.detail > 0) node.blur();
    queue(() => (locked ? null : work()));
  });
}

function textOf(content) {
  if (typeof content === "string") return content;
  return content === null || content === undefined ? "" : JSON.stringify(content, null, 1);
}

function verbatim(text) {
  return text ? make("div", "verbatim", text) : make("div", "verbatim muted", "(empty)");
}

function messageOf(message) {
  const role = make("div", "role", ROLES[message.role] || textOf(message.role));
  const calls = message.tool_calls && message.tool_calls.length ? [verbatim(textOf(message.tool_calls))] : [];
  const said = textOf(message.content);
  return make("div", `label-message ${message.role === "assistant" || message.role === "system" ? message.role : "user"}`, null, role, ...(said || !calls.length ? [verbatim(said)] : []), ...calls);
}

function promptOf(messages) {
  const box = make("div", "label-conversation", null, ...messages.map(messageOf));
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Prompt");
  return box;
}

function markWords(mark) {
  return mark === null ? "no mark" : mark ? "acceptable" : "not acceptable";
}

function setMark(index, mark) {
  draft.acceptable[index] = mark;
  chose(false);
}

function marksOf(index) {
  const group = make("div", "label-marks");
  group.setAttribute("role", "radiogroup");
  group.setAttribute("aria-label", `Is ${letter(index)} acceptable`);
  for (const [mark, label] of [[true, "✓ OK"], [false, "✗ Not OK"]]) {
    const node = choice(label, `${letter(index)} is ${markWords(mark)}`, `Shift+${index + 1}`, () => draft.acceptable[index] === mark, () => setMark(index, draft.acceptable[index] === mark ? null : mark));
    node.classList.add(mark ? "good" : "bad");
    group.append(node);
  }
  return group;
}

function cardOf(card, index) {
  const own = mode.onCard ? mode.onCard(index) : {};
  const tag = make("span", "label-tag");
  const head = make("header", "", null, make("strong", "label-letter", item.cards.length > 1 ? letter(index) : "Answer"), tag, make("span", "label-space"), ...(own.head || []), ...(item.marks ? [marksOf(index)] : []));
  const body = make("div", "label-text", null, ...(card.messages && card.messages.length ? card.messages.map(messageOf) : [verbatim(textOf(card.text))]));
  body.tabIndex = 0;
  body.setAttribute("role", "region");
  body.setAttribute("aria-label", `Text of answer ${letter(index)}`);
  const node = make("article", "label-card", null, head, make("div", "label-frame", null, body), ...(own.foot ? [make("div", "label-own", null, ...own.foot)] : []));
  node.dataset.card = index;
  node.setAttribute("aria-label", `Answer ${letter(index)}`);
  if (mode === rank) draggable(node, head, index);
  node.addEventListener("focusin", () => { if (at.card !== index && mode !== pair && mode !== forced) { at.card = index; at.row = 0; refresh(); } });
  node.addEventListener("pointerdown", () => { if (at.card !== index) { at.card = index; at.row = 0; refresh(); } });
  const edge = () => node.classList.toggle("more", body.scrollHeight - body.scrollTop - body.clientHeight > 4);
  body.addEventListener("scroll", edge, { passive: true });
  edges.observe(body);
  body.atEdge = edge;
  painters.push(() => {
    tag.textContent = mode.tag ? mode.tag(index) : "";
    node.classList.toggle("chosen", mode !== rank && tag.textContent !== "");
    node.classList.toggle("here", mode !== pair && mode !== forced && item.cards.length > 1 && at.card === index);
  });
  return node;
}

/* A shade at the lower edge tells that a text goes on. */
const edges = new ResizeObserver((entries) => { for (const entry of entries) entry.target.atEdge(); });

/* Ranks by dragging: a card by its head, or its letter on the board, onto a place; several on one place are a tie. */
let dragged = null;
function draggable(node, handle, index) {
  handle.draggable = true;
  handle.addEventListener("dragstart", (event) => {
    dragged = index;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", letter(index));
    node.classList.add("dragged");
    root.classList.add("dragging");
  });
  handle.addEventListener("dragend", () => { dragged = null; node.classList.remove("dragged"); root.classList.remove("dragging"); });
}

function placeOf(label, value) {
  const chips = make("span", "label-chips");
  const place = make("div", "label-place", null, make("span", "label-caption", label), chips);
  place.dataset.rank = value ?? "";
  place.addEventListener("dragover", (event) => { if (dragged !== null) { event.preventDefault(); place.classList.add("over"); } });
  place.addEventListener("dragleave", (event) => { if (!place.contains(event.relatedTarget)) place.classList.remove("over"); });
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    const index = dragged;
    if (index !== null) queue(() => (locked ? null : setRank(index, value)));
  });
  painters.push(() => {
    const here = draft.ranks.flatMap((one, index) => (one === value ? [index] : []));
    if (here.join() === chips.dataset.shown) return;
    chips.dataset.shown = here.join();
    chips.replaceChildren(...here.map((index) => {
      const chip = make("span", "label-chip", letter(index));
      draggable(chip, chip, index);
      return chip;
    }));
  });
  return place;
}

function rankBoard() {
  const places = item.cards.map((_, index) => placeOf(index === 0 ? "1 best" : index === item.cards.length - 1 ? `${index + 1} worst` : String(index + 1), index + 1));
  const board = make("div", "label-board", null, placeOf("not ranked", null), ...places);
  board.style.setProperty("--count", item.cards.length);
  board.setAttribute("aria-hidden", "true");
  board.title = "Drag an answer by its head, or its letter here, onto a place; two on one place are a tie.";
  return board;
}

/* Guidelines as they were written: lines that begin with # are headings, with - points of a list, everything else is text. */
function guidelinesOf(text) {
  const blocks = [];
  for (const line of text.split("\n")) {
    const [, marks, words] = /^\s*(#{1,6}\s|[-*]\s)?\s*(.*)$/.exec(line);
    const last = blocks[blocks.length - 1];
    if (marks && marks.startsWith("#")) blocks.push(make("h4", "", words));
    else if (marks && last && last.tagName === "UL") last.append(make("li", "", words));
    else if (marks) blocks.push(make("ul", "", null, make("li", "", words)));
    else if (!words) blocks.push(null);
    else if (last && last.tagName === "P") last.textContent += `\n${words}`;
    else blocks.push(make("p", "", words));
  }
  return blocks.filter(Boolean);
}
