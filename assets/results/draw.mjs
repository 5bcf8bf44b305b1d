/* The report's figures: each is drawn by Plotly when it comes into view, at the width that it has. */

const CONFIG = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
const NEAR = "400px"; // drawn before it is seen

/**
 * Draw the figures in `root` as they come near. The end of it: nothing is drawn any more.
 * @param {ParentNode} root holds elements with data-figure, the key of a figure
 * @param {(key: string) => Promise<{data: any[], layout: any}>} load
 * @param {any} plotly
 */
export function drawFigures(root, load, plotly) {
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting)) {
        seen.unobserve(entry.target);
        drawOne(entry.target, load, plotly);
      }
    },
    { rootMargin: NEAR },
  );
  for (const place of root.querySelectorAll("[data-figure]")) seen.observe(place);
  return () => seen.disconnect();
}

async function drawOne(place, load, plotly) {
  try {
    const { data, layout } = await load(place.dataset.figure);
    const { width, height, ...rest } = layout; // those of the printed figure
    await plotly.newPlot(place, data, { ...rest, autosize: true }, CONFIG);
    place.dataset.drawn = "true";
  } catch (error) {
    place.textContent = `This figure could not be drawn: ${error.message}`;
    place.dataset.drawn = "failed";
  }
}
