/* The one script that Dash loads by itself: renderers of the runs table. */
(() => {
  const grid = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const element = (type, props, ...children) => window.React.createElement(type, props, ...children);

  /** The name of a run as a link to it, with a tag on bundled runs. */
  grid.RunLink = ({ data }) =>
    element(
      "span",
      null,
      element("a", { className: "run-link", href: data.href }, data.name),
      data.is_demo ? element("span", { className: "run-tag" }, "bundled") : null,
    );

  /** The state of a run with a coloured dot; what is wrong with it on hover. */
  grid.RunState = ({ data }) => element("span", { className: `run-state ${data.state}`, title: data.error || "" }, data.state);

  /** Accuracy over snapshots, from 0 to 1. */
  grid.Sparkline = ({ value }) => {
    const values = (value || []).filter((v) => v !== null);
    if (values.length < 2) return null;
    const [width, height] = [140, 22];
    const points = values.map((v, i) => `${((i / (values.length - 1)) * width).toFixed(1)},${((1 - v) * (height - 2) + 1).toFixed(1)}`);
    const label = `accuracy from ${(100 * values[0]).toFixed(1)} % to ${(100 * values[values.length - 1]).toFixed(1)} %`;
    return element("svg", { className: "spark", width, height, role: "img", "aria-label": label }, element("path", { d: `M${points.join("L")}` }));
  };
})();

/* The Explore page is a module; Dash calls it through this. */
(() => {
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.explorer = {
    update: async (run, view, classifier, regions, colour, shown, pointSize, pointOpacity, regionOpacity, camera, query) => {
      const { update } = await import("/assets/explore/main.mjs");
      return update({ run, view, classifier, regions, colour, shown, pointSize, pointOpacity, regionOpacity, camera }, query);
    },
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=range]), textarea, select, [contenteditable]");
    if (event.key === "?" && !typing) document.getElementById("shell-help")?.click();
  });
})();
