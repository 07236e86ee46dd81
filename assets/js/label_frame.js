/* Labelling: the frame around the item: bar, notices, foot, guidelines, what stands there when nothing is left; and the start of it all. */
const parts = {};
const LEAST_HEIGHT = 560;
const narrow = window.matchMedia("(max-width: 640px)");

function buildFrame() {
  root.tabIndex = -1;
  parts.question = make("h2", "label-question");
  parts.number = make("span", "label-number");
  parts.project = make("select", "label-project");
  parts.project.setAttribute("aria-label", "Project");
  parts.project.addEventListener("change", () => { const id = Number(parts.project.value); parts.project.blur(); queue(() => { keepDraft(); return open(id); }); });
  parts.bar = make("progress", "label-progress");
  parts.bar.setAttribute("aria-label", "Your progress");
  parts.count = make("span", "label-count");
  parts.guide = button("Guidelines", "G", toggleGuidelines);
  parts.undo = button("Undo", "U", undo);
  parts.skip = button("Skip", "S", () => toggleDrawer("skip"));
  parts.help = make("button", "label-button help", "?");
  parts.help.type = "button";
  parts.help.title = "Keys of this screen (?)";
  parts.help.setAttribute("aria-label", "Keys of this screen");
  parts.help.addEventListener("click", () => luthier.showKeys());
  parts.top = make("div", "label-bar", null, parts.question, parts.project, parts.number, make("span", "label-space"), make("span", "label-where", null, parts.bar, parts.count), make("span", "label-tools", null, parts.guide, parts.undo, parts.skip, parts.help));
  parts.notice = make("div", "label-notices");
  parts.notice.setAttribute("role", "alert");
  parts.prompt = make("div", "label-prompt");
  parts.cards = make("div", "label-cards");
  parts.drawer = make("div", "label-drawers");
  parts.work = make("div", "label-work", null, parts.prompt, parts.cards);
  parts.aside = make("aside", "label-guidelines");
  parts.aside.setAttribute("aria-label", "Guidelines");
  parts.aside.hidden = true;
  parts.main = make("div", "label-main", null, parts.work, parts.aside);
  parts.board = make("div", "label-answer");
  parts.edit = button("Better answer", "E", () => toggleDrawer("edit"));
  parts.comment = button("Comment", "C", () => toggleDrawer("comment"));
  parts.flag = button("Flag", "F", () => toggleDrawer("flag"));
  parts.once = make("input");
  parts.once.type = "checkbox";
  parts.once.addEventListener("change", () => { shelf.write(`once.${item.mode}`, parts.once.checked); parts.once.blur(); });
  parts.onceLabel = make("label", "label-once", null, parts.once, " Submit at once");
  parts.onceLabel.title = "What you choose by number or by click is submitted without Enter; Undo takes it back.";
  parts.status = make("span", "label-status");
  parts.status.setAttribute("role", "status");
  parts.submit = button("Submit", "Enter", submit, "label-submit");
  parts.foot = make("div", "label-foot", null, parts.drawer, parts.board, make("div", "label-line", null, parts.edit, parts.comment, parts.flag, make("span", "label-space"), parts.status, parts.onceLabel, parts.submit));
  parts.nothing = make("div", "empty label-nothing");
  /* Gradio's container clips in a way that keeps the foot from staying in sight on a phone. */
  if (props.value && props.value.alone) element.closest(".gradio-container").style.overflow = "clip";
  root.replaceChildren(parts.top, parts.notice, parts.main, parts.nothing, parts.foot);
  paintFrame();
}

function atOnce() {
  return Boolean(item) && ["pair", "forced", "best"].includes(item.mode) && shelf.read(`once.${item.mode}`) === true;
}

/* What of the frame follows from the state. */
function paintFrame() {
  const there = Boolean(item);
  for (const part of [parts.main, parts.foot, parts.skip, parts.number]) part.hidden = !there;
  parts.top.hidden = !person;
  parts.nothing.hidden = there || !parts.nothing.firstChild;
  parts.undo.disabled = locked || !undoable;
  parts.undo.title = undoable ? "Take back your last judgement and judge that item again" : "There is nothing to take back";
  parts.guide.hidden = !guidelines.text || !project || guidelines.project !== project.id;
  parts.guide.firstChild.textContent = `Guidelines v${guidelines.number}`;
  root.classList.toggle("guided", there && !parts.aside.hidden);
  parts.guide.setAttribute("aria-expanded", String(!parts.aside.hidden));
  const all = progress ? progress.done_by_me + progress.left_for_me : 0;
  parts.top.querySelector(".label-where").hidden = !all;
  if (progress) {
    parts.bar.max = all || 1;
    parts.bar.value = progress.done_by_me;
    parts.count.textContent = `${progress.done_by_me} of ${all}, ${progress.today} today`;
    parts.count.title = `All together: ${progress.project_done} of ${progress.project_wanted} judgements.`;
  }
  if (!there) return;
  const missing = mode.missing();
  parts.submit.disabled = Boolean(missing) || locked;
  parts.skip.setAttribute("aria-expanded", String(Boolean(drawer) && drawer.name === "skip"));
  const edited = written() !== null;
  paintTool(parts.edit, "edit", edited ? "Better answer written" : "Better answer", edited);
  paintTool(parts.comment, "comment", draft.comment.trim() ? "Comment written" : "Comment", Boolean(draft.comment.trim()));
  paintTool(parts.flag, "flag", draft.flags.length ? `Flagged: ${draft.flags.map((flag) => flag.reason).join(", ")}` : "Flag", draft.flags.length > 0);
  parts.edit.hidden = !item.edits;
  parts.onceLabel.hidden = !["pair", "forced", "best"].includes(item.mode);
  parts.once.checked = atOnce();
  if (!locked) parts.status.textContent = missing ? (narrow.matches ? missing.split(";")[0] : missing) : mode.said();
  parts.status.classList.toggle("ready", !missing);
}

function paintTool(node, name, words, used) {
  node.firstChild.textContent = words;
  node.classList.toggle("used", used);
  node.setAttribute("aria-expanded", String(Boolean(drawer) && drawer.name === name));
}

/* Somebody pressed Enter too early: what is missing stands out for a moment. */
function nudge() {
  parts.status.classList.remove("nudged");
  void parts.status.offsetWidth;
  parts.status.classList.add("nudged");
}

/* That something is on its way is said when it takes longer than a moment. */
function saving(words, now = false) {
  clearTimeout(saving.timer);
  if (!words) return;
  const say = () => { parts.status.textContent = words; };
  if (now) say(); else saving.timer = setTimeout(say, 300);
}

function tell(tone, message, remedy = "", ...buttons) {
  const node = make("div", `notice ${tone}`, null, make("strong", "", message), ` ${remedy} `);
  for (const one of buttons.filter(Boolean)) {
    const link = make("button", "link", one[0]);
    link.type = "button";
    link.addEventListener("click", () => one[1](link));
    node.append(link, " ");
  }
  if (tone !== "warning") {
    const close = make("button", "label-close", "×");
    close.type = "button";
    close.setAttribute("aria-label", "Close this message");
    close.addEventListener("click", clearNotice);
    node.append(close);
  }
  parts.notice.replaceChildren(node);
}

function clearNotice() { parts.notice.replaceChildren(); }

async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = make("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  return area.remove();
}

function closeDrawerQuietly() {
  drawer = null;
  if (parts.drawer.contains(document.activeElement)) document.activeElement.blur();
  parts.drawer.replaceChildren();
}

/* The item */
function drawItem() {
  parts.question.textContent = item.criteria.length && item.mode === "rating" && item.cards.length === 1 ? `Rate the answer ${LOWEST} to ${HIGHEST}` : mode.question;
  parts.number.textContent = `item ${item.task_number}`;
  const prompt = promptOf(item.prompt);
  const more = make("button", "link label-more", "Show all of the prompt");
  more.type = "button";
  more.append(hint("P"));
  more.hidden = true;
  onPress(more, togglePrompt);
  parts.prompt.classList.remove("whole");
  parts.prompt.replaceChildren(prompt, more);
  parts.cards.dataset.count = item.cards.length;
  edges.disconnect();
  parts.cards.replaceChildren(...item.cards.map(cardOf));
  parts.board.replaceChildren(...(mode.board ? [mode.board()] : []));
}

/* What depends on how much room the item takes: a long prompt can be opened and begins at the last message, and the page at its top. */
function settleItem() {
  const prompt = parts.prompt.firstElementChild;
  const long = prompt.scrollHeight > prompt.clientHeight + 2;
  const above = root.getBoundingClientRect().top < 0;
  if (long && item.prompt.length > 1) prompt.scrollTop = prompt.lastElementChild.offsetTop;
  prompt.nextElementSibling.hidden = !long;
  if (above) root.scrollIntoView();
}

function togglePrompt() {
  const whole = parts.prompt.classList.toggle("whole");
  const more = parts.prompt.querySelector(".label-more");
  more.firstChild.textContent = whole ? "Show less of the prompt" : "Show all of the prompt";
}

/* Nothing to judge: why, and what could be next. */
function drawNothing() {
  parts.question.textContent = (projects.length < 2 && project && project.name) || "Labelling";
  const others = projects.filter((one) => one.left > 0 && (!project || one.id !== project.id));
  const left = progress ? progress.left_for_me : 0;
  const closed = project && project.state && project.state !== "open" ? project.state : "";
  const [title, text] = !project
    ? ["Nothing to label yet", "When somebody opens a labelling project, its items appear here by themselves."]
    : closed
      ? [`This project is ${closed}`, closed === "paused" ? "Its items come back when it is opened again; this page looks by itself." : "What you judged is kept. Nothing is left to do here."]
    : left > 0
      ? ["Others hold the last items", `${left} may come free; this page looks again by itself.`]
      : ["All done", progress && progress.done_by_me ? `You have judged ${progress.done_by_me} ${progress.done_by_me === 1 ? "item" : "items"} of this project. Undo takes back the last.` : "There is no item for you in this project."];
  const steps = others.map((one, index) => button(`${one.name}, ${one.left} left`, "", () => open(one.id), index ? "label-button" : "step"));
  parts.nothing.replaceChildren(make("h2", "", title), make("p", "", text), ...(steps.length ? [make("p", "", "Go on with another project:"), make("div", "label-others", null, ...steps)] : []));
}

function drawProjects() {
  parts.project.hidden = projects.length < 2 || Boolean(props.value && props.value.project);
  parts.project.replaceChildren(...projects.map((one) => {
    const node = make("option", "", one.left ? `${one.name} (${one.left} left)` : one.name);
    node.value = one.id;
    node.selected = Boolean(project) && one.id === project.id;
    return node;
  }));
}

/* Look whether something came while there was nothing. */
async function lookAgain() {
  if (!begun || !person || item || locked) return;
  const known = await post("projects", {});
  const there = project || known.projects[0];
  const next = there ? await post("next", { project: there.id }) : null;
  await queue(() => {
    if (item || locked) return;
    projects = known.projects;
    project = projects.find((one) => there && one.id === there.id) || there || null;
    drawProjects();
    if (next) show(next); else drawNothing();
  });
}

/* Guidelines: beside the task, opened by themselves when somebody has not seen this version. */
async function askGuidelines(number) {
  const asked = project.id;
  if (guidelines.project === asked && guidelines.number === number) return;
  if (!number) { guidelines = { project: asked, number: 0, text: "" }; parts.aside.hidden = true; return; }
  const found = await post("guidelines", { project: asked }).catch(() => null);
  if (!found || !project || project.id !== asked) return;
  guidelines = { project: asked, number: found.number, text: found.text };
  const seen = shelf.read(`guidelines.${person.name}.${asked}`);
  const news = seen && seen.number < found.number ? make("span", "badge warn", "new version") : "";
  parts.aside.replaceChildren(make("div", "label-line", null, make("h3", "", `Guidelines v${found.number}`), news, make("span", "label-space"), button("Close", "G", toggleGuidelines, "label-button quiet")), ...guidelinesOf(found.text));
  parts.aside.hidden = Boolean(seen) && seen.number >= found.number && !seen.open;
  keepGuidelines();
  refresh();
}

function keepGuidelines() {
  shelf.write(`guidelines.${person.name}.${project.id}`, { number: guidelines.number, open: !parts.aside.hidden });
}

function toggleGuidelines() {
  if (!guidelines.text) return;
  parts.aside.hidden = !parts.aside.hidden;
  keepGuidelines();
  paintFrame();
}

/* Who is logged in; on the page of its own the name and the way out stand in the bar. */
async function fetchMe() {
  for (let wait = 500; ; wait = Math.min(LONGEST_WAIT, 2 * wait)) {
    try {
      const answer = await fetch(`${BASE}api/me`);
      if (answer.ok && !answer.redirected) { clearNotice(); return await answer.json(); }
      failing(new Unreached(answer.status === 401 ? "You are logged out." : "The server has a problem.", answer.status === 401), wait / 1000);
    } catch {
      if (!element.isConnected) return null;
      failing(new Unreached("The server does not answer."), wait / 1000);
    }
    await pause(wait);
  }
}

function showPerson() {
  if (!(props.value && props.value.alone) || !person.accounts) return;
  const out = make("a", "", "Log out");
  out.href = `${BASE}logout`;
  parts.top.append(make("span", "label-person", null, make("span", "", person.name), out));
}

/* The screen fills the window below whatever stands above it, or, where that leaves too little, the window. */
function fit() {
  const top = Math.round(root.getBoundingClientRect().top + window.scrollY);
  fit.whole = !narrow.matches && window.innerHeight - top < LEAST_HEIGHT;
  root.style.setProperty("--label-top", `${fit.whole ? 0 : top}px`);
}

function keysNow() {
  if (root.offsetParent === null) return null;
  const own = item ? mode.keys : [];
  const marks = item && item.marks ? [["Shift+1 … 9", "mark an answer: acceptable, not acceptable, no mark"], ["A, X", "all are acceptable, none is"]] : [];
  const edit = item && item.edits ? [["E", "write the better answer"]] : [];
  return { title: "Keys of labelling", keys: [...own, ["Enter", "submit"], ["U", "undo: judge the last item again"], ["S", "skip, with a reason"], ...marks, ...edit, ["C", "comment"], ["F", "flag"], ["G", "guidelines"], ["P", "the whole prompt"], ["↑ ↓", item && item.mode === "rating" ? "PageUp and PageDown read on" : "read on in the answers"]] };
}

/* Begin, or begin anew with another project, once the screen can be seen and knows what to show: nobody holds an item that they have not
   asked for. */
function startWhenSeen() {
  const came = !inSight && root.offsetParent !== null;
  inSight = root.offsetParent !== null;
  /* keys go to the tab or the button that brought somebody here; from now on they judge */
  if (came && document.activeElement && document.activeElement.closest("button, [role=tab]")) root.focus({ preventScroll: true });
  if (begun || !inSight || !(props.value && (props.value.alone || props.value.project))) return;
  begun = true;
  queue(begin);
}

/* Listen for as long as the screen is part of the page. */
function listen(target, kind, work, options) {
  const heard = (event) => (element.isConnected ? work(event) : target.removeEventListener(kind, heard));
  target.addEventListener(kind, heard, options);
}

startWhenSeen.given = (props.value && props.value.project) || 0;
buildFrame();
(luthier.screenKeys ??= []).push(() => (element.isConnected ? keysNow() : null));
listen(document, "keydown", onKey);
for (const kind of ["pointerdown", "pointermove", "wheel", "keydown", "touchstart"]) listen(document, kind, () => clock.touch(), { passive: true });
listen(document, "visibilitychange", () => { clock.seen(!document.hidden); if (document.hidden) keepDraft(); });
listen(window, "pagehide", keepDraft);
for (const kind of ["online", "focus"]) listen(window, kind, () => endPause());
listen(window, "beforeunload", (event) => { if (locked && failing.told) event.preventDefault(); });
listen(window, "resize", fit);
new ResizeObserver(startWhenSeen).observe(root);
watch("value", () => queue(() => {
  const given = (props.value && props.value.project) || 0;
  if (given === startWhenSeen.given) return;
  startWhenSeen.given = given;
  keepDraft();
  begun = false;
  startWhenSeen();
}));
luthier.poll(element, () => (item ? 30000 : 15000), () => (item ? heartbeat() : lookAgain()));
startWhenSeen();
