/* Explore is where people land: what it needs is asked for while Dash is still starting. */
if (location.pathname === "/") {
  import("/assets/explore/main.mjs");
  const src = "/_dash-component-suites/plotly/package_data/plotly.min.js"; // where Dash would look, once it has started
  document.head.append(Object.assign(document.createElement("script"), { src }));
}

/* The Explore page is a module; Dash calls it through this. */
(() => {
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.explorer = {
    update: async (run, view, classifier, regions, colour, shown, pointSize, pointOpacity, regionOpacity, camera, classes, query) => {
      const { update } = await import("/assets/explore/main.mjs");
      const wanted = { run, view, classifier, regions, colour, shown, pointSize, pointOpacity, regionOpacity, camera, classes };
      return update(wanted, query);
    },
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=range]), textarea, select, [contenteditable]");
    if (event.key === "?" && !typing) document.getElementById("shell-help")?.click();
  });
})();
