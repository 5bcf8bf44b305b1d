/* What every page needs before its module is there. Dash loads this script by itself. */

/* Explore is where people land: its module and Plotly are fetched while Dash is still starting. */
if (location.pathname === "/") {
  import("/assets/explore/main.mjs");
  const src = "/_dash-component-suites/plotly/package_data/plotly.min.js"; // where Dash would look, once it has started
  document.head.append(Object.assign(document.createElement("script"), { src }));
}

(() => {
  window.dash_clientside ??= {};
  /* Dash calls the module of the Explore page through this. */
  window.dash_clientside.explorer = {
    update: async (run, view, classifier, regions, colour, shown, pointSize, pointOpacity, regionOpacity, camera, classes, query) => {
      const { update } = await import("/assets/explore/main.mjs");
      const choices = { run, view, classifier, regions, colour, shown, pointSize, pointOpacity, regionOpacity, camera, classes };
      return update(choices, query);
    },
  };
  document.addEventListener("keydown", (event) => {
    const typing = /** @type {Element} */ (event.target).closest("input:not([type=range]), textarea, select, [contenteditable]");
    if (event.key === "?" && !typing) document.getElementById("shell-help")?.click();
  });
})();
