"use strict";
// Draws the charts, in the colours of the page's style, light or dark, and sorts the tables.

const charts = JSON.parse(document.getElementById("charts").textContent);

function colour(name) {
  const property = typeof name === "number" ? `--run-${name}` : name;
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}

function paint({data, layout}) {
  for (const trace of data) {
    trace.line = {...trace.line, color: colour(trace.meta.colour)};
    trace.marker = {...trace.marker, color: colour(trace.meta.colour)};
  }
  layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
  layout.font = {family: "inherit", size: 12, color: colour("--text")};
  layout.hoverlabel = {
    bgcolor: colour("--card"), bordercolor: colour("--muted"), namelength: -1,
    font: {family: "inherit", size: 12, color: colour("--text")},
  };
  layout.modebar = {bgcolor: "rgba(0,0,0,0)", color: colour("--muted"), activecolor: colour("--accent")};
  for (const axis of [layout.xaxis, layout.yaxis]) {
    Object.assign(axis, {gridcolor: colour("--line"), linecolor: colour("--muted")});
  }
  for (const annotation of layout.annotations ?? []) annotation.bgcolor = colour("--card");
}

function place({data, layout}, axis, title) {
  if (!data.some((trace) => trace.meta.x)) return;
  for (const trace of data) if (trace.meta.x) trace.x = trace.meta.x[axis];
  layout.xaxis.title = {text: title};
  layout.xaxis.uirevision = axis;  // the zoom of one axis means nothing on another
}

function draw() {
  const chosen = document.querySelector("input[name=axis]:checked");
  const options = {responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"]};
  for (const [id, chart] of Object.entries(charts)) {
    if (chosen) place(chart, chosen.value, chosen.dataset.title);
    paint(chart);
    Plotly.react(id, chart.data, chart.layout, options);
  }
}

// A run that is hidden in the chart of losses is hidden in those below it.
function hideEverywhere(source, others) {
  source.on("plotly_restyle", () => {
    const visible = new Map(source.data.map((trace) => [trace.legendgroup, trace.visible ?? true]));
    for (const id of others) {
      const traces = document.getElementById(id).data;
      Plotly.restyle(id, {visible: traces.map((trace) => visible.get(trace.legendgroup) ?? true)});
    }
  });
}

function compare(first, second) {
  const numbers = [Number(first), Number(second)];
  if (numbers.every((number) => !Number.isNaN(number))) return numbers[0] - numbers[1];
  return first.localeCompare(second);
}

function sortBy(header) {
  const table = header.closest("table");
  const sign = header.ariaSort === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const key = (row) => row.cells[header.cellIndex].dataset.sort;
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    // What is missing comes last either way.
    if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
    return sign * compare(key(a), key(b));
  });
  table.tBodies[0].append(...rows);
}

draw();
if (charts["chart-loss"]) {
  hideEverywhere(document.getElementById("chart-loss"), ["chart-learning-rate", "chart-speed"]);
}
for (const input of document.querySelectorAll("input[name=axis]")) input.addEventListener("change", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
for (const header of document.querySelectorAll("table.sortable th")) {
  header.querySelector("button").addEventListener("click", () => sortBy(header));
}
