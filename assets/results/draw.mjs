/* The report's figures: each is drawn by Plotly when it comes into view, at the width that it has. */

const CONFIG = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
const NEAR = "400px"; // so far outside the window a figure is drawn already

/**
 * Draw the figures in `root` as they come into view. Returns a function that stops it.
 * @param {ParentNode} root with elements whose data-figure is the key of a figure
 * @param {(key: string) => Promise<{data: any[], layout: any}>} load
 * @param {any} plotly
 */
export function drawFigures(root, load, plotly) {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting)) {
        observer.unobserve(entry.target);
        drawOne(entry.target, load, plotly);
      }
    },
    { rootMargin: NEAR },
  );
  for (const element of root.querySelectorAll("[data-figure]")) observer.observe(element);
  return () => observer.disconnect();
}

async function drawOne(element, load, plotly) {
  try {
    const { data, layout } = await load(element.dataset.figure);
    const size = { width: undefined, height: undefined, autosize: true }; // not those of the printed figure
    await plotly.newPlot(element, data, { ...layout, ...size }, CONFIG);
    element.dataset.drawn = "true";
  } catch (error) {
    element.textContent = `This figure could not be drawn: ${error.message}`;
    element.dataset.drawn = "failed";
  }
}
