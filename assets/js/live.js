/* A run as it happens. `PANELS` comes before this text; see app/live.py for what the server sends. */
const { make, number, figure, duration } = luthier;
const root = element.querySelector(".live");
const DASHES = ["solid", "dot", "dash", "dashdot"];
const DARK_COLOURS = ["#818cf8", "#fbbf24", "#2dd4bf", "#f472b6", "#38bdf8", "#a3e635", "#c4b5fd", "#fb923c"];
const COLOURS = ["#4f46e5", "#d97706", "#0d9488", "#be185d", "#0284c7", "#65a30d", "#7c3aed", "#b45309"];
const LIMIT = 2400;
const data = new Map();
const plots = new Map();
const options = { smoothing: 0, log: false };
let current = "";
let overlay = [];
let samplesHad = 0;
let logHad = "";
let lastState = "";
let live = true;
let library = null;
let drawn = false;

const stateLine = make("div", "run-state");
const badge = make("span", "badge");
const title = make("strong", "run-name");
const progressText = make("span", "run-where");
const bar = make("progress", "run-progress");
bar.setAttribute("aria-label", "Progress of the run");
const best = make("span", "best");
best.title = "The best value so far of the figure that decides which checkpoint is kept, on the held-out rows.";
const watchdog = make("span", "watchdog");
watchdog.title = "What the curves say about the learning so far.";
stateLine.append(title, badge, progressText, bar, best, watchdog);
const message = make("div", "notice");
message.hidden = true;
const tools = make("div", "chart-tools");
const smoothing = make("input");
Object.assign(smoothing, { type: "range", min: 0, max: 0.98, step: 0.02, value: 0 });
const smoothingValue = make("output", "", "off");
const logScale = make("input");
logScale.type = "checkbox";
tools.append(make("label", "", "Smoothing ", smoothing, smoothingValue), make("label", "", null, logScale, " Log scale"));
const grid = make("div", "chart-grid");
grid.append(...PANELS.map(cardOf));
const classes = make("div", "class-table");
const words = make("div", "run-words");
const samples = make("details", "samples", null, make("summary", "", "Samples at each evaluation"));
const sampleList = make("div", "sample-list");
samples.open = true;
samples.append(sampleList);
const log = make("details", "log", null, make("summary", "", "Log"));
const logText = make("pre");
logText.tabIndex = 0;
const copy = make("button", "link", "Copy the log");
copy.type = "button";
copy.addEventListener("click", () => navigator.clipboard.writeText(logText.textContent));
log.append(copy, logText);
words.append(samples, log);
root.append(stateLine, message, tools, grid, classes, words);

smoothing.addEventListener("input", () => {
  options.smoothing = Number(smoothing.value);
  smoothingValue.textContent = options.smoothing ? options.smoothing.toFixed(2) : "off";
  drawAll();
});
logScale.addEventListener("change", () => { options.log = logScale.checked; drawAll(); });

function loadLibrary() {
  library ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve();
    const tag = document.createElement("script");
    tag.src = "plotly.min.js";
    tag.onload = resolve;
    tag.onerror = () => { library = null; reject(new Error("plotly.min.js did not load")); };
    document.head.append(tag);
  });
  return library;
}

function choose(value) {
  const next = value && value.run ? value.run : "";
  const others = (value && value.overlay ? value.overlay : []).filter((name) => name !== next);
  if (next !== current) {
    current = next;
    samplesHad = 0;
    logHad = "";
    lastState = "";
    sampleList.replaceChildren();
    logText.textContent = "";
    badge.textContent = "";
    badge.className = "";
    progressText.textContent = next ? "Reading the run …" : "";
    for (const node of [best, watchdog]) node.textContent = "";
    bar.hidden = true;
    message.hidden = true;
    classes.replaceChildren();
    live = true;
  }
  overlay = others;
  for (const name of [...data.keys()]) if (name !== current && !overlay.includes(name)) data.delete(name);
  root.hidden = !current;
  title.textContent = current;
  drawAll();
  poller.soon();
}

/* Exponential moving average that starts unbiased (as in Adam), over the points as they are drawn. */
function smooth(values, weight) {
  if (!weight) return values;
  let mean = 0;
  return values.map((value, index) => {
    mean = weight * mean + (1 - weight) * value;
    return mean / (1 - Math.pow(weight, index + 1));
  });
}

function tracesOf(panel) {
  const traces = [];
  const drawn = (name) => data.has(name) && panel.curves.some((curve) => data.get(name).curves[curve.key]);
  const runs = [current, ...overlay].filter(drawn);
  const colours = element.closest(".dark") ? DARK_COLOURS : COLOURS;
  runs.forEach((name, runIndex) => {
    panel.curves.forEach((curve, curveIndex) => {
      const points = data.get(name).curves[curve.key];
      if (!points || !points.x.length) return;
      const main = name === current;
      const colour = colours[(runs.length > 1 ? runIndex : curveIndex) % colours.length];
      const label = runs.length > 1 ? `${name}, ${curve.name}` : curve.name;
      const weight = curve.marked ? 0 : options.smoothing;
      const common = { x: points.x, type: "scatter", hovertemplate: `%{y:.5~g}<extra>${label.replace(/[<>&]/g, "")}, step %{x}</extra>` };
      if (weight && main) traces.push({ ...common, y: points.y, mode: "lines", line: { color: colour, width: 1 }, opacity: 0.25, hoverinfo: "skip", hovertemplate: null, showlegend: false });
      traces.push({
        ...common,
        y: smooth(points.y, weight),
        name: label.replace(/[<>&]/g, ""),
        mode: curve.marked || points.x.length < 3 ? "lines+markers" : "lines",
        marker: { size: 5, color: colour },
        line: { color: colour, width: main ? 1.75 : 1.25, dash: runs.length > 1 ? DASHES[curveIndex % DASHES.length] : "solid" },
      });
    });
  });
  return traces;
}

function layoutOf(panel, traces) {
  const style = getComputedStyle(element);
  const text = style.getPropertyValue("--body-text-color-subdued").trim() || "#666";
  const line = style.getPropertyValue("--border-color-primary").trim() || "#ddd";
  const axis = { gridcolor: line, linecolor: line, zeroline: false, tickfont: { size: 11 }, automargin: true };
  const positive = traces.every((trace) => trace.y.every((value) => value > 0));
  return {
    height: 218,
    margin: { l: 44, r: 8, t: traces.length > 1 ? 22 : 6, b: 28 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: text, size: 11, family: style.fontFamily },
    xaxis: { ...axis, title: { text: "step", standoff: 2, font: { size: 11 } }, rangemode: "tozero" },
    yaxis: { ...axis, type: options.log && positive && !panel.share ? "log" : "linear", tickformat: panel.share ? ".0%" : panel.id === "rate" ? ".1e" : "~g" },
    showlegend: traces.length > 1,
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)", font: { size: 11 } },
    hovermode: "x unified",
    hoverlabel: { bgcolor: style.getPropertyValue("--block-background-fill").trim(), bordercolor: line, font: { size: 12, color: style.getPropertyValue("--body-text-color").trim() } },
    uirevision: `${current}|${options.log}`,
    datarevision: Date.now(),
  };
}

function cardOf(panel) {
  const caption = make("figcaption", "", panel.title);
  caption.title = panel.meaning;
  const card = make("figure", "chart", null, caption, make("div", "plot"));
  card.dataset.panel = panel.id;
  card.hidden = true;
  plots.set(panel.id, card);
  return card;
}

function draw(panel, traces) {
  const card = plots.get(panel.id);
  if (!traces.length) return;
  const last = traces.filter((trace) => trace.name).map((trace) => trace.y[trace.y.length - 1]);
  card.dataset.points = traces[0].x.length;
  card.dataset.last = last[0];
  if (element.offsetParent === null) return;
  Plotly.react(card.querySelector(".plot"), traces, layoutOf(panel, traces), {
    displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"], displayModeBar: "hover",
  });
}

function drawAll() {
  if (!window.Plotly || !current) return;
  drawn = true;
  const traces = PANELS.map(tracesOf);
  PANELS.forEach((panel, index) => { plots.get(panel.id).hidden = !traces[index].length; });
  PANELS.forEach((panel, index) => draw(panel, traces[index]));
}

/* Charts follow the width of their card: tabs, sidebars and windows change it. */
const widths = new ResizeObserver(() => {
  if (!window.Plotly || element.offsetParent === null) return;
  for (const plot of grid.querySelectorAll(".chart:not([hidden]) .js-plotly-plot")) {
    if (Math.abs(plot.clientWidth - (plot._fullLayout ? plot._fullLayout.width : 0)) > 1) Plotly.Plots.resize(plot);
  }
});
widths.observe(grid);

function take(name, news) {
  const known = data.get(name);
  if (news.whole || !known) {
    data.set(name, { generation: news.generation, next: news.next, curves: news.curves });
    return true;
  }
  const grew = news.next !== known.next;
  known.next = news.next;
  for (const [key, points] of Object.entries(news.curves)) {
    const curve = (known.curves[key] ??= { x: [], y: [] });
    curve.x.push(...points.x);
    curve.y.push(...points.y);
    if (curve.x.length > LIMIT) known.generation = "0";
  }
  return grew;
}

function showState(state) {
  badge.textContent = state.words;
  badge.className = `badge ${state.state}`;
  const parts = [];
  if (state.state === "queued") parts.push(`place ${state.position} in the queue`);
  if (state.steps) parts.push(`step ${number(state.step, 9)} of ${number(state.steps, 9)}`);
  if (state.epoch !== null && state.epoch !== undefined && state.steps) parts.push(`epoch ${number(state.epoch, 3)}`);
  if (state.eta) parts.push(`${duration(state.eta)} left`);
  else if (state.seconds !== null) parts.push(duration(state.seconds));
  progressText.textContent = parts.join(", ");
  bar.max = state.steps || 1;
  bar.value = state.step || 0;
  bar.hidden = !state.steps;
  best.textContent = state.best && state.best.value !== undefined ? `best ${state.best.words} ${figure(state.best.words, state.best.value)} at step ${state.best.step}` : "";
  watchdog.textContent = state.watchdog ? state.watchdog.text : "";
  watchdog.className = `watchdog ${state.watchdog ? state.watchdog.kind : ""}`;
  message.hidden = !state.message || (state.state !== "failed" && state.state !== "interrupted" && !state.ended);
  message.textContent = state.message || "";
  message.className = `notice ${state.state === "failed" ? "error" : state.state === "interrupted" ? "warning" : "info"}`;
  live = !state.ended;
  const seen = `${state.name}|${state.state}|${state.position}|${state.model || ""}`;
  if (seen !== lastState) {
    lastState = seen;
    trigger("moved", { run: state.name, state: state.state });
  }
}

function showSamples(rows) {
  const groups = new Map();
  for (const row of rows) {
    if (!groups.has(row.step)) groups.set(row.step, []);
    groups.get(row.step).push(row);
  }
  sampleList.replaceChildren(...[...groups.entries()].reverse().map(([step, answers], index) => {
    const box = make("details", "sample-step", null, make("summary", "", `Step ${step}`));
    box.open = index < 2;
    for (const answer of answers) {
      const card = make("div", "sample", null, make("div", "asked", answer.prompt), make("div", "said", answer.text || "(no answer)"));
      if (answer.reference) card.append(make("div", "reference", `In the data: ${answer.reference}`));
      box.append(card);
    }
    return box;
  }));
}

function taskTable(rows) {
  const TITLES = {
    loss: ["Loss", "Held-out loss of this dataset; lower is better."],
    token_accuracy: ["Token accuracy", "Share of held-out tokens of this dataset that the model predicts."],
    accuracy: ["Accuracy", "Share of held-out rows of this dataset with the right label."],
    f1: ["F1", "Mean over the labels of the harmonic mean of precision and recall."],
  };
  const names = Object.keys(TITLES).filter((name) => rows.some((row) => name in row));
  const table = make("table", "plain");
  table.append(make("caption", "", "By dataset, at the newest evaluation"));
  const heads = names.map((name) => { const head = make("th", "number", TITLES[name][0]); head.title = TITLES[name][1]; head.scope = "col"; return head; });
  table.append(make("thead", "", null, make("tr", "", null, make("th", "", "Dataset"), ...heads)));
  const line = (row) => make("tr", "", null, make("td", "", row.task), ...names.map((name) => make("td", "number", name in row ? row[name].toFixed(3) : "")));
  table.append(make("tbody", "", null, ...rows.map(line)));
  return table;
}

function showTables(byClass, byTask) {
  classes.replaceChildren(...(byClass.length ? [classTable(byClass)] : []), ...(byTask.length ? [taskTable(byTask)] : []));
}

function classTable(rows) {
  const table = make("table", "plain");
  const MEANINGS = {
    Precision: "Of the rows that the model gave this label, the share that has it.",
    Recall: "Of the rows that have this label, the share that the model found.",
    F1: "The harmonic mean of precision and recall; 1 is best.",
    Rows: "Held-out rows that have this label.",
  };
  const row = (cells, tag) => make("tr", "", null, ...cells.map((cell, index) => make(tag, index ? "number" : "", typeof cell !== "number" ? cell : index < 4 ? cell.toFixed(3) : number(cell))));
  table.append(make("caption", "", "By class, at the newest evaluation"));
  table.append(make("thead", "", null, row(["Class", "Precision", "Recall", "F1", "Rows"], "th")));
  for (const head of table.querySelectorAll("th")) {
    head.scope = "col";
    if (MEANINGS[head.textContent]) head.title = MEANINGS[head.textContent];
  }
  table.append(make("tbody", "", null, ...rows.map((r) => row([r.label, r.precision ?? "", r.recall ?? "", r.f1 ?? r["f1-score"] ?? "", r.rows ?? r.support ?? ""], "td"))));
  return table;
}

async function update() {
  if (!current) return;
  const asked = current;
  const have = {};
  for (const name of [current, ...overlay]) {
    const known = data.get(name);
    have[name] = known ? [known.generation, known.next] : ["0", 0];
  }
  const answer = await server.follow({ run: current, have, samples: samplesHad, log: logHad });
  if (asked !== current) return;
  let changed = false;
  for (const [name, news] of Object.entries(answer.news)) {
    changed = take(name, news) || changed;
    if (name === current) showTables(news.by_class, news.by_task);
  }
  if (answer.state) showState(answer.state);
  if (answer.samples) { samplesHad = answer.samples.count; showSamples(answer.samples.rows); }
  if (answer.log) {
    logHad = answer.log.size;
    const low = logText.scrollTop + logText.clientHeight >= logText.scrollHeight - 24;
    logText.textContent = answer.log.text;
    if (low) logText.scrollTop = logText.scrollHeight;
  }
  await loadLibrary();
  if (changed || !drawn) drawAll();
}

const poller = luthier.poll(element, () => (live ? 2000 : 5000), update);
watch("value", () => choose(props.value));
choose(props.value);
