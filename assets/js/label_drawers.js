/* Labelling: the drawers above the foot, one open at a time: why an item is skipped, a flag, a comment, a better answer.

   A drawer is a function that gives its element; `press(key)` of it takes keys while it is open, typing goes into its field. */
let drawer = null;

function toggleDrawer(name) {
  if (drawer && drawer.name === name) closeDrawer(); else openDrawer(name);
}

function openDrawer(name) {
  const made = DRAWERS[name]();
  drawer = { name, ...made };
  made.node.classList.add("label-drawer");
  made.node.dataset.drawer = name;
  parts.drawer.replaceChildren(made.node);
  if (made.field) { made.field.focus(); made.field.setSelectionRange(made.field.value.length, made.field.value.length); }
  refresh();
}

function closeDrawer() {
  drawer = null;
  const typing = parts.drawer.contains(document.activeElement);
  parts.drawer.replaceChildren();
  if (typing) root.focus({ preventScroll: true });
  refresh();
}

/* A text field in which keys are letters; Escape and Ctrl+Enter are done, `enter` (when given) takes Enter. */
function field(tag, label, value, changed, enter) {
  const node = make(tag, "label-field");
  node.value = value;
  node.setAttribute("aria-label", label);
  node.maxLength = LONGEST_TEXT;
  node.addEventListener("input", () => changed(node.value));
  node.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const done = event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey));
    if (!done && !(enter && event.key === "Enter")) return;
    event.preventDefault();
    event.stopPropagation();
    queue(() => (done && !(enter && event.key === "Enter") ? closeDrawer() : enter()));
  });
  return node;
}

function button(words, key, work, className = "label-button") {
  const node = make("button", className, words);
  node.type = "button";
  if (key) node.append(hint(key));
  onPress(node, work);
  return node;
}

function reasonButtons(reasons, chosen, pick) {
  return reasons.map((reason, index) => {
    const node = button(reason, String(index + 1), () => pick(reason));
    if (chosen) node.setAttribute("aria-pressed", String(chosen(reason)));
    return node;
  });
}

function skipDrawer() {
  let note = "";
  const go = (reason) => skip(reason, note.trim());
  const box = field("input", "Why (optional)", "", (text) => { note = text; }, () => go("other"));
  box.placeholder = "In your own words (optional)";
  const pick = (reason) => (reason === "other" && !note.trim() ? box.focus() : go(reason));
  const node = make("div", "", null, make("strong", "", "Why do you skip it?"), make("div", "label-reasons", null, ...reasonButtons(SKIP_REASONS, null, pick)), box, button("Cancel", "Esc", closeDrawer, "label-button quiet"));
  return { node, press: (key) => (SKIP_REASONS[digit(key) - 1] ? pick(SKIP_REASONS[digit(key) - 1]) : null) };
}

function flagDrawer() {
  const noted = draft.flags.find((flag) => flag.note);
  let note = noted ? noted.note : "";
  const box = field("input", "What is wrong (optional)", note, (text) => {
    note = text;
    draft.flags = draft.flags.map((flag) => ({ ...flag, note: text.trim() }));
    keepSoon();
  }, closeDrawer);
  box.placeholder = "What is wrong (optional)";
  const pick = (reason) => {
    const there = draft.flags.some((flag) => flag.reason === reason);
    draft.flags = there ? draft.flags.filter((flag) => flag.reason !== reason) : [...draft.flags, { reason, note: note.trim() }];
    chose(false);
    if (there || reason !== "other") return closeDrawer();
    openDrawer("flag");
    drawer.box.focus();
  };
  const chosen = (reason) => draft.flags.some((flag) => flag.reason === reason);
  const node = make("div", "", null, make("strong", "", "What is wrong with it?"), make("div", "label-reasons", null, ...reasonButtons(FLAG_REASONS, chosen, pick)), box, button("Close", "Esc", closeDrawer, "label-button quiet"));
  return { node, box, press: (key) => { if (key === "Enter") closeDrawer(); else if (FLAG_REASONS[digit(key) - 1]) pick(FLAG_REASONS[digit(key) - 1]); } };
}

function commentDrawer() {
  const box = field("textarea", "Comment", draft.comment, (text) => { draft.comment = text; keepSoon(); });
  box.rows = 3;
  const node = make("div", "", null, make("strong", "", "Comment"), box, button("Done", "Ctrl+Enter", closeDrawer));
  return { node, field: box };
}

/* The better answer starts from one of those shown; what was written from each is remembered, so that trying another loses nothing. */
function editDrawer() {
  const start = draft.edited_from ?? favourite();
  const writing = (draft.writing ??= {});
  const original = (from) => (from === null ? "" : textOf(item.cards[from].text));
  const box = field("textarea", "The better answer", "", (text) => { writing[draft.edited_from ?? ""] = text; keepSoon(); });
  box.rows = 9;
  const from = make("div", "label-reasons");
  const begin = (index) => {
    draft.edited_from = index;
    box.value = writing[index ?? ""] ?? original(index);
    for (const node of from.querySelectorAll("button")) node.setAttribute("aria-pressed", String(node.dataset.from === String(index ?? "")));
  };
  for (const index of [...item.cards.keys(), null]) {
    const node = button(index === null ? "nothing" : letter(index), "", () => { begin(index); keepSoon(); box.focus(); });
    node.dataset.from = index ?? "";
    from.append(node);
  }
  begin(start);
  const remove = button("Take it back", "", () => { draft.writing = {}; draft.edited_from = null; chose(false); closeDrawer(); }, "label-button quiet");
  const node = make("div", "wide", null, make("div", "label-line", null, make("strong", "", "The better answer"), make("span", "label-caption", "starting from"), from, make("span", "label-space"), remove, button("Done", "Ctrl+Enter", closeDrawer)), box);
  return { node, field: box };
}

/* What was written, or null when nothing was, or nothing was changed. */
function written() {
  const from = draft.edited_from;
  const text = (draft.writing || {})[from ?? ""];
  if (text === undefined || !text.trim() || (from !== null && text === textOf(item.cards[from].text))) return null;
  return text;
}

/* The answer that is ahead so far. */
function favourite() {
  if (draft.strength) return draft.strength < 0 ? 0 : 1;
  if (draft.best !== null) return draft.best;
  if (draft.ranks) {
    const ranked = draft.ranks.filter((one) => one !== null);
    return ranked.length ? draft.ranks.indexOf(Math.min(...ranked)) : 0;
  }
  return 0;
}

const DRAWERS = { skip: skipDrawer, flag: flagDrawer, comment: commentDrawer, edit: editDrawer };
