// Draws plotly figures that the server made in a light and a dark version, and draws them anew when they change.
const board = document.createElement("div");
board.className = "figures";
element.replaceChildren(board);

function library() {
  window.luthierPlotly ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve();
    const tag = document.createElement("script");
    tag.src = "plotly.min.js";
    tag.onload = resolve;
    tag.onerror = () => { window.luthierPlotly = null; reject(new Error("plotly.min.js did not load")); };
    document.head.append(tag);
  });
  return window.luthierPlotly;
}

// A chart drawn in a tab that is not shown gets the wrong width, so drawing waits until its place is seen.
let waiting = false;
new ResizeObserver(() => { if (waiting && board.offsetWidth) draw(); }).observe(board);

function place(chart) {
  const figure = document.createElement("figure");
  figure.id = `chart-${chart.id}`;
  figure.className = chart.wide ? "wide" : "";
  const title = document.createElement("figcaption");
  const meaning = document.createElement("span");
  meaning.className = "muted meaning";
  title.append(document.createElement("strong"), meaning);
  const plot = document.createElement("div");
  plot.className = "plot";
  figure.append(title, plot);
  board.append(figure);
}

// Charts that stand there already are changed in place, so that figures that follow something live do not flicker.
async function draw() {
  const charts = props.value || [];
  const ids = charts.map((chart) => `chart-${chart.id}`);
  if (String([...board.children].map((figure) => figure.id)) !== String(ids)) {
    for (const old of board.querySelectorAll(".plot")) window.Plotly?.purge(old);
    board.replaceChildren();
  }
  waiting = charts.length > 0 && !board.offsetWidth;
  if (waiting || !charts.length) return;
  if (!board.children.length) charts.forEach(place);
  await library();
  const dark = Boolean(element.closest(".dark"));
  charts.forEach((chart, index) => {
    const figure = board.children[index];
    if (figure?.id !== ids[index]) return;
    figure.querySelector("strong").textContent = chart.title;
    figure.querySelector(".meaning").textContent = chart.meaning;
    const drawing = dark ? chart.dark : chart.light;
    window.Plotly.react(figure.querySelector(".plot"), drawing.data, { ...drawing.layout, autosize: true, width: undefined }, { displayModeBar: false, responsive: true });
  });
}

watch("value", draw);
draw();
