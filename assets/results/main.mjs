/* The Results page: the report of the runs as they are now, fetched and drawn. */

import { make } from "../common/dom.mjs";
import { get } from "../common/http.mjs";
import { drawFigures } from "./draw.mjs";

let stop = () => {};

/** Fetch the report into the page. */
export async function show() {
  stop();
  const host = document.getElementById("results-report");
  try {
    const [content, plotly] = await Promise.all([get("/api/report"), loadPlotly()]);
    if (!host.isConnected) return; // another page is open by now
    host.innerHTML = content; // the server's own, with every text escaped
    host.dataset.state = "shown";
    stop = drawFigures(host, (key) => get(`/api/report/figures/${key}.json`), plotly);
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    host.textContent = `The report could not be made: ${error.message}`;
    host.dataset.state = "failed";
  }
}

/** Dash's Plotly if the page has it, else the server's. */
function loadPlotly() {
  if (globalThis.Plotly) return globalThis.Plotly;
  return new Promise((resolve, reject) => {
    const on = {
      load: () => resolve(globalThis.Plotly),
      error: () => reject(new Error("Plotly did not load; reload the page")),
    };
    document.head.append(make("script", { src: "/api/report/figures/plotly.min.js", on }));
  });
}
