/* The Results page: the report of the runs as they are now, fetched and drawn. */

import { drawFigures } from "./draw.mjs";

let stop = () => {};

/** Fetch the report into the page. */
export async function show() {
  stop();
  const host = document.getElementById("results-report");
  try {
    const answer = await fetch("/api/report");
    if (!answer.ok) throw new Error((await answer.json()).error);
    const [content, plotly] = await Promise.all([answer.text(), loadPlotly()]);
    if (!host.isConnected) return; // another page has been opened
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
  const answer = await fetch(`/api/report/figures/${key}.json`);
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
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
