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

async function draw() {
  const charts = props.value || [];
  for (const old of board.querySelectorAll(".plot")) window.Plotly?.purge(old);
  board.replaceChildren();
  waiting = charts.length > 0 && !board.offsetWidth;
  if (waiting || !charts.length) return;
  await library();
  const dark = Boolean(element.closest(".dark"));
  for (const chart of charts) {
    const figure = document.createElement("figure");
    figure.id = `chart-${chart.id}`;
    const title = document.createElement("figcaption");
    const strong = document.createElement("strong");
    strong.textContent = chart.title;
    const meaning = document.createElement("span");
    meaning.className = "muted";
    meaning.textContent = chart.meaning;
    title.append(strong, meaning);
    const plot = document.createElement("div");
    plot.className = "plot";
    figure.append(title, plot);
    board.append(figure);
    const drawing = dark ? chart.dark : chart.light;
    await window.Plotly.newPlot(plot, drawing.data, { ...drawing.layout, autosize: true, width: undefined }, { displayModeBar: false, responsive: true });
  }
}

watch("value", draw);
draw();
