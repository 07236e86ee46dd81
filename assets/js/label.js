/* The labelling screen: holds the item, the draft of its answer and the order of acts, and puts the parts of the other scripts together.

   `LOWEST`, `HIGHEST`, `LONGEST_TEXT`, `FLAG_REASONS` and `SKIP_REASONS` and the texts of the other `label_*.js` come before this text; see
   app/labelling.py. Whatever a person does (a key, a click) waits its turn in one chain, so that a burst of keys is carried out in order and
   a key that follows Enter speaks of the next item. */
let person = null;
let projects = [];
let project = null;
let item = null;
let mode = null;
let draft = null;
let progress = null;
let undoable = 0;
let guidelines = { project: 0, number: -1, text: "" };
let at = { card: 0, row: 0, rank: 0 };
let painters = [];
let locked = false;
let begun = false;
let epoch = 0;
let chain = Promise.resolve();

/* `work` when all before it is done. What was pressed before or while the server could not be reached is dropped: nobody saw what it spoke of. */
function queue(work) {
  const born = epoch;
  chain = chain.then(() => (born === epoch ? work() : null)).catch((error) => {
    if (!element.isConnected) return;
    console.error(error);
    tell("error", `Something went wrong on this page: ${error.message}.`, "Reload it; your work is kept.");
  });
  return chain;
}

/* The draft: what was said of the item so far, kept in the browser at each change. */
function blankDraft() {
  const count = item.cards.length;
  const fresh = { strength: null, best: null, ranks: null, ratings: null, acceptable: new Array(count).fill(null), edited_from: null, writing: {}, flags: [], comment: "", active: 0, began: Date.now() };
  if (mode.blank) fresh[mode.part] = mode.blank(count);
  return fresh;
}

function draftName() { return `draft.${person.name}.${project.id}.${item.lease}`; }
function fingerprint() { return item.cards.map((card) => textOf(card.text).length).join("."); }

function draftOf() {
  const kept = shelf.read(draftName());
  if (kept && kept.cards === fingerprint()) return { ...blankDraft(), ...kept.draft };
  const fresh = blankDraft();
  const before = item.previous;
  if (!before) return fresh;
  for (const part of [mode.part, "flags", "comment"]) if (before[part] !== null && before[part] !== undefined) fresh[part] = before[part];
  if (before.acceptable && before.acceptable.length) fresh.acceptable = before.acceptable;
  if (before.edited) { fresh.edited_from = before.edited_from ?? null; fresh.writing = { [fresh.edited_from ?? ""]: before.edited }; }
  return fresh;
}

function keepDraft() {
  clearTimeout(keepSoon.timer);
  if (!item || locked) return;
  clock.touch();
  draft.active = clock.active;
  shelf.write(draftName(), { draft, cards: fingerprint(), saved: Date.now() });
}
function keepSoon() {
  clearTimeout(keepSoon.timer);
  keepSoon.timer = setTimeout(keepDraft, 250);
  refresh();
}

/* The answer as the server takes it. */
function answerOf() {
  const edited = written();
  return {
    [mode.part]: draft[mode.part],
    acceptable: draft.acceptable.some((mark) => mark !== null) ? draft.acceptable : [],
    flags: draft.flags, comment: draft.comment.trim(), edited, edited_from: edited === null ? null : draft.edited_from,
  };
}

/* Something was said. `final` choices are submitted at once where the person wants that. */
function chose(final = true) {
  refresh();
  if (final && atOnce() && !drawer && !mode.missing()) return submit();
  keepDraft();
}

function refresh() {
  for (const paint of painters) paint();
  paintFrame();
}

/* Acts */
function submit() {
  if (!item) return null;
  const missing = mode.missing();
  if (missing) { nudge(); return null; }
  clock.touch();
  return carryOut("submit", { lease: item.lease, answer: answerOf(), active_seconds: Math.round(clock.active * 1000) / 1000, wall_seconds: Math.max(0, (Date.now() - draft.began) / 1000) });
}

function skip(reason, note) { return carryOut("skip", { lease: item.lease, reason, note }); }

function undo() {
  if (!undoable) return tell("info", "There is nothing of yours to take back here.");
  keepDraft();
  return carryOut("undo", {});
}

async function carryOut(name, values) {
  const body = { project: project.id, ...values, key: newKey() };
  const act = { name, body, draft: name === "undo" ? null : draftName(), saved: Date.now() };
  shelf.write(pendingName(act), act);
  await settle(act);
}

function pendingName(act) { return `pending.${person.name}.${act.body.key}`; }

/* See an act through until the server has it, or says why it will not have it. */
async function settle(act) {
  locked = true;
  parts.work.classList.add("sending");
  saving("Saving …");
  try {
    const answer = await deliver(act.name, act.body, failing);
    locked = false;
    if (act.draft) shelf.drop(act.draft);
    clearNotice();
    show(answer);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await refused(error, act);
  }
  shelf.drop(pendingName(act));
  settled();
}

/* The act is refused: say so, with what was written, and go on with what the server has for this person now. */
async function refused(error, act) {
  const answer = act.body.answer || {};
  const texts = [answer.edited, answer.comment, act.body.note].filter(Boolean).join("\n\n");
  const next = await deliver("next", { project: act.body.project }, failing).catch((second) => { if (second instanceof Refused) return null; throw second; });
  locked = false;
  if (!next || !item || !next.item || next.item.lease !== item.lease) {
    if (act.draft) shelf.drop(act.draft);
    show(next || { item: null, progress, undoable: 0 });
  } else refresh();
  tell("error", error.message, error.remedy, texts ? ["Copy what you wrote", () => copyText(texts)] : null);
}

function settled() {
  if (failing.told) { epoch += 1; clearNotice(); }
  failing.told = false;
  parts.work.classList.remove("sending");
  saving("");
  refresh();
}

function failing(error, seconds) {
  failing.told = true;
  epoch += 1;
  const what = locked ? "Not saved yet." : "Waiting.";
  const login = error.login ? ["Log in", () => { window.open(`${BASE}login`, "_blank"); }] : null;
  const remedy = error.login ? "Log in again in another tab and come back; nothing is lost." : `${locked ? "It is kept here and" : "It is"} tried again in ${Math.ceil(seconds)} s.`;
  tell("warning", `${what} ${error.message}`, remedy, login, ["Try now", () => endPause()]);
  refresh();
  saving(what, true);
}

/* Show an item, or that there is none. */
function show(answer) {
  item = answer.item;
  progress = answer.progress;
  undoable = answer.undoable || 0;
  if (project) {
    project.state = answer.state || "open";
    if (progress) project.left = progress.left_for_me;
    drawProjects();
  }
  closeDrawerQuietly();
  painters = [];
  root.dataset.project = project ? project.id : "";
  root.dataset.lease = item ? item.lease : "";
  if (item) {
    mode = MODES[item.mode];
    at = { card: 0, row: 0, rank: 0 };
    draft = draftOf();
    if (mode.start) mode.start();
    clock.start(draft.active);
    drawItem();
    askGuidelines(item.guideline);
  } else drawNothing();
  refresh();
  if (item) settleItem();
}

function heartbeat() {
  if (!item || locked || clock.idle) return null;
  const lease = item.lease;
  return post("heartbeat", { project: project.id, lease }).catch((error) => {
    if (error instanceof Refused && item && item.lease === lease && !locked) tell("warning", error.message, error.remedy, ["Get another item", () => queue(load)]);
  });
}

async function load() {
  show(await deliver("next", { project: project.id }, failing));
  settled();
}

/* Projects and the start */
async function ask(name) {
  try {
    return await deliver(name, {}, failing);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tell("error", error.message, error.remedy);
    return null;
  }
}

async function begin() {
  person = await fetchMe();
  if (!person) return;
  showPerson();
  fit();
  if (fit.whole) root.scrollIntoView({ block: "start", behavior: "smooth" });
  shelf.thin(MOST_DRAFTS);
  const known = await ask("projects");
  if (!known) return;
  projects = known.projects;
  const pending = shelf.names(`pending.${person.name}.`).map((name) => shelf.read(name)).filter(Boolean).reverse();
  const given = props.value && props.value.project;
  const wanted = given || (pending[0] && pending[0].body.project) || shelf.read(`project.${person.name}`);
  const first = projects.find((one) => one.id === wanted) || (given ? { id: given, name: "" } : projects.find((one) => one.left > 0) || projects[0]);
  for (const act of pending) await resend(act);
  if (first) await open(first.id);
  else if (!item) { drawNothing(); settled(); }
}

/* What the page could not send before it was closed or reloaded. */
async function resend(act) {
  project = projects.find((one) => one.id === act.body.project) || { id: act.body.project, name: "" };
  await settle(act);
}

async function open(id) {
  project = projects.find((one) => one.id === id) || { id, name: "" };
  shelf.write(`project.${person.name}`, project.id);
  drawProjects();
  try {
    await load();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    show({ item: null, progress: null, undoable: 0 });
    settled();
    tell("error", error.message, error.remedy);
  }
}

/* Keys */
const TYPING = "input:not([type=checkbox]):not([type=radio]):not([type=range]):not([type=button]), textarea, select, [contenteditable]";
const LETTER_KEYS = "acefgpstux";

function keyOf(event) {
  const { key, code } = event;
  if (/^Digit[0-9]$/.test(code || "")) return event.shiftKey ? `mark${code.slice(5)}` : code.slice(5);
  if (/^[0-9]$/.test(key)) return key;
  if (key.length === 1 && /[a-z]/i.test(key)) return key.toLowerCase();
  if (/^Key[A-Z]$/.test(code || "") && key.length === 1) return code.slice(3).toLowerCase();
  return event.altKey ? `Alt+${key}` : key;
}

/* Whether a key that is pressed now is ours: not while typing, not in a dialog, not for a control elsewhere that answers to it itself. */
function ours(event, key) {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || !inSight || document.querySelector("dialog[open]")) return false;
  if (event.altKey && !key.startsWith("Alt+Arrow")) return false;
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest(TYPING)) return false;
  const control = target.closest("button, a, summary, input, [tabindex]");
  if (!control || control === root) return true;
  if (!element.contains(control)) return /^[0-9a-z]$|^mark/.test(key);
  if (key === "Enter") return control.matches(".choice, .label-text, .label-conversation, input");
  return key !== " ";
}

const FIXED = {
  Enter: submit, s: () => toggleDrawer("skip"), f: () => toggleDrawer("flag"), c: () => toggleDrawer("comment"),
  e: () => (item.edits ? toggleDrawer("edit") : null), x: () => markAll(false), a: () => markAll(true), p: togglePrompt,
  Escape: () => (drawer ? closeDrawer() : clearNotice()),
};

function press(key) {
  if (locked) return null;
  if (key === "u") return undo();
  if (key === "g") return toggleGuidelines();
  if (!item) return null;
  if (drawer && drawer.press && (digit(key) || key === "Enter")) return drawer.press(key);
  if (/^mark[1-9]$/.test(key)) return item.marks && Number(key[4]) <= item.cards.length ? setMark(Number(key[4]) - 1, NEXT_MARK.get(draft.acceptable[Number(key[4]) - 1])) : null;
  if (!mode.press(key)) return FIXED[key] && FIXED[key]();
  const marked = parts.cards.children[at.card];
  if (item && marked && mode !== pair && mode !== forced) marked.scrollIntoView({ block: "nearest" });
  return null;
}

function markAll(mark) {
  if (!item.marks) return;
  const all = draft.acceptable.every((one) => one === mark);
  draft.acceptable = draft.acceptable.map(() => (all ? null : mark));
  chose(false);
}

/* Up, Down and the page keys read on: in all cards at once where no card is marked. False when there is nothing to scroll. */
function scrollCards(key) {
  const step = { ArrowUp: -60, ArrowDown: 60, PageUp: -0.85, PageDown: 0.85 }[key];
  if (!step || !item || (mode === rating && key.startsWith("Arrow"))) return false;
  const bodies = [...parts.cards.querySelectorAll(".label-text")].filter((body, index) => mode === pair || mode === forced || index === at.card);
  const able = bodies.filter((body) => body.scrollHeight > body.clientHeight + 1);
  for (const body of able) body.scrollTop += Math.abs(step) < 1 ? step * body.clientHeight : step;
  return able.length > 0;
}

/* What is typed after C or E while these still wait their turn goes into the field that they open. */
let typed = null;
function typeAhead(event) {
  event.preventDefault();
  if (event.key === "Escape") { typed.over = true; queue(closeDrawer); }
  else if (event.key === "Backspace") typed.text = typed.text.slice(0, -1);
  else if (event.key === "Enter") typed.text += "\n";
  else if (event.key.length === 1) typed.text += event.key;
}

function openToType(key) {
  const ahead = (typed = { text: "", over: false });
  queue(() => {
    press(key);
    const box = drawer && drawer.field;
    if (!box || !ahead.text) return;
    box.setRangeText(ahead.text, box.value.length, box.value.length, "end");
    box.dispatchEvent(new Event("input"));
  }).then(() => { if (typed === ahead) typed = null; });
}

const KNOWN = /^([1-9]|mark[1-9]|Enter|Escape|Backspace|Arrow(Left|Right)|Alt\+Arrow(Up|Down))$/;
function onKey(event) {
  const key = keyOf(event);
  if (!begun || !ours(event, key)) return undefined;
  if (typed && !typed.over) return typeAhead(event);
  if (event.target instanceof Element && event.target.closest(".label-conversation") && key.startsWith("Arrow")) return undefined;
  if (scrollCards(key)) return event.preventDefault();
  const ratingArrow = item && mode === rating && (key === "ArrowUp" || key === "ArrowDown");
  const zero = key === "0" || (key === " " && item && mode === best);
  if (!KNOWN.test(key) && !(key.length === 1 && LETTER_KEYS.includes(key)) && !ratingArrow && !zero) return undefined;
  event.preventDefault();
  if (event.repeat && !key.includes("Arrow")) return undefined;
  return key === "c" || key === "e" ? openToType(key) : queue(() => press(key));
}
