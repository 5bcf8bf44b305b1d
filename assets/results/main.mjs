/* The Results page: the report of the runs as they are now, fetched and drawn. */

import { drawFigures } from "./draw.mjs";

let stop = () => {};

/** Fetch the report into the page. */
export async function show() {
  stop();
  const host = document.getElementById("results-report");
  try {
    const response = await fetch("/api/report");
    if (!response.ok) throw new Error((await response.json()).error);
    const [content, plotly] = await Promise.all([response.text(), loadPlotly()]);
    if (!host.isConnected) return; // another page is open by now
    host.innerHTML = content; // the server's own, with every text escaped
    host.dataset.state = "shown";
    stop = drawFigures(host, loadFigure, plotly);
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    host.textContent = `The report could not be made: ${error.message}`;
    host.dataset.state = "failed";
  }
}

async function loadFigure(key) {
  const response = await fetch(`/api/report/figures/${key}.json`);
  const figure = await response.json();
  if (!response.ok) throw new Error(figure.error);
  return figure;
}

/** Dash's Plotly if the page has it, else the server's. */
function loadPlotly() {
  if (globalThis.Plotly) return globalThis.Plotly;
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/api/report/figures/plotly.min.js";
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("Plotly did not load; reload the page"));
    document.head.append(script);
  });
}
