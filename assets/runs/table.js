/* The table of runs: its cells, keys and widths, and what its buttons do. Dash loads this script by itself. */
(() => {
  const grid = (window.dashAgGridComponentFunctions ??= {});
  const functions = (window.dashAgGridFunctions ??= {});
  window.dash_clientside ??= {};
  const element = (type, props, ...children) => window.React.createElement(type, props, ...children);
  const FOLDED = ["dataset", "backbone", "loss", "dim"]; // columns that stand as text beneath the name where there is no room
  const ACCURACY = 70; // pixels of width of a classifier's column
  const ROOM_FOR_ACCURACIES = 650; // pixels beside these columns, from which they are shown
  const ROOM_FOR_COLUMNS = 1050; // and from which the folded columns are shown too

  /** The newest snapshot; an empty frame if there is none, or it cannot be drawn. */
  grid.RunThumbnail = ({ value }) => {
    const show = (visibility) => (event) => { event.target.style.visibility = visibility; };
    const image = { src: value, alt: "", loading: "lazy", width: 64, height: 64, onLoad: show("visible"), onError: show("hidden") };
    return element("span", { className: "run-thumbnail" }, value ? element("img", image) : null);
  };

  /** The name as a link to the run; beneath it loss, data set and backbone where their columns are folded, and its problems. */
  grid.RunName = ({ data }) => {
    const about = [data.loss, data.dim && `D = ${data.dim}`, data.dataset, data.backbone].filter(Boolean);
    const parts = about.flatMap((part, i) => [i ? " · " : "", element("span", { key: i, className: "run-part" }, part)]);
    const name = data.href
      ? element("a", { className: "run-link", href: data.href, title: data.name, tabIndex: -1 }, data.name)
      : element("span", { className: "run-link", title: data.name }, data.name);
    const tag = data.is_demo ? element("span", { className: "run-tag", title: "Comes with the program; it cannot be changed" }, "bundled") : null;
    return element(
      "div",
      { className: "run-name" },
      element("div", { className: "run-title" }, name),
      element("div", { className: "run-second" }, tag, element("span", { className: "run-about", title: about.join(" · ") }, parts)),
      data.problem ? element("div", { className: "run-problem", title: data.problem }, data.problem) : null,
    );
  };

  /** The state with a coloured dot, and the progress of the training. */
  grid.RunState = ({ data }) =>
    element(
      "div",
      null,
      element("div", { className: `run-state ${data.state}` }, data.state),
      element("div", { className: "run-progress" }, data.progress),
    );

  /** The best accuracy and its classifier; those of all classifiers as the tooltip. */
  grid.RunBest = ({ value, data, api }) => {
    if (value == null) return null;
    const names = api.getColumnGroup("accuracy").getProvidedColumnGroup().getChildren().map((column) => column.getColId());
    const percent = (v) => (100 * v).toFixed(2);
    const all = names.filter((name) => name !== "best" && data[name] != null).map((name) => `${name} ${percent(data[name])} %`);
    return element("span", { title: all.join("\n") }, percent(value), element("span", { className: "run-whose" }, data.best_name));
  };

  /** Accuracy over snapshots, from 0 to 1, with a dot at the newest. */
  grid.RunSpark = ({ value }) => {
    const values = (value || []).filter((v) => v !== null);
    if (!values.length) return null;
    const [width, height] = [72, 36];
    const pointAt = (v, i) => `${(2 + (i / Math.max(1, values.length - 1)) * (width - 6)).toFixed(1)},${((1 - v) * (height - 6) + 3).toFixed(1)}`;
    const points = values.map(pointAt);
    const [x, y] = points[points.length - 1].split(",");
    const percent = (v) => `${(100 * v).toFixed(1)} %`;
    const label = `accuracy from ${percent(values[0])} to ${percent(values[values.length - 1])}`;
    return element(
      "svg",
      { className: "run-spark", width, height, role: "img", "aria-label": label },
      element("title", null, label),
      element("path", { className: "run-spark-area", d: `M2,${height - 3}L${points.join("L")}L${x},${height - 3}Z` }),
      element("path", { className: "run-spark-line", d: `M${points.join("L")}` }),
      element("circle", { cx: x, cy: y, r: 2.2 }),
    );
  };

  /** What to do when there is no run at all. */
  grid.NoRuns = ({ folder }) =>
    element(
      "div",
      { className: "runs-none" },
      element("h4", null, "No runs yet"),
      element("p", null, "Train a network in a terminal; its row appears here as soon as it starts:"),
      element("code", null, `mtm train --dataset digits --runs ${/\s/.test(folder) ? `"${folder}"` : folder}`),
      element("p", null, "Or press Import to bring embeddings of your own: an .npz file with embeddings and labels."),
    );

  /** Youngest first. */
  functions.RunAgeOrder = (_a, _b, one, other) => (other.data.created ?? -Infinity) - (one.data.created ?? -Infinity) || 0;

  /** Show as many columns as there is room for; only when the room has changed, so that a group the user opened stays open. */
  const fit = ({ api }) => {
    const table = document.getElementById("runs-table");
    if (!table) return;
    const accuracies = api.getColumns().filter((column) => column.getColDef().columnGroupShow === "open");
    const width = table.clientWidth - ACCURACY * accuracies.length;
    const room = width >= ROOM_FOR_COLUMNS ? "wide" : width >= ROOM_FOR_ACCURACIES ? "middle" : "narrow";
    if (table.dataset.room === room) return;
    table.dataset.room = room;
    api.setColumnsVisible(FOLDED, room === "wide");
    api.setColumnGroupOpened("accuracy", room !== "narrow");
  };
  functions.RunsFit = fit;

  /** Tab goes from the header to the rows and from there out of the table; the arrow keys move within it. */
  functions.RunsLeave = () => false;
  functions.RunsToRows = ({ api, backwards }) => {
    if (backwards || !api.getDisplayedRowCount()) return false;
    setTimeout(() => api.setFocusedCell(api.getSelectedNodes()[0]?.rowIndex ?? 0, "name"));
    return true; // the grid then leaves the focus alone
  };

  const open = (href) => href && window.dash_clientside.set_props("shell-url", { href });
  functions.RunsOpen = ({ data }) => open(data.href);
  functions.RunsKey = ({ data, event }) => event.key === "Enter" && open(data.href);

  /** The current rows of the selected runs, in the order of the table: `selected` has the rows of when they were selected. */
  const selectedRuns = (selected, rows) => (rows || []).filter((row) => (selected || []).some(({ id }) => id === row.id));
  const comparable = (runs) => runs.length >= 2 && runs.length <= 4 && runs.every((run) => run.href);
  window.dash_clientside.runs = {
    /** When rows arrive: the grid may have been made before it had a size. */
    fit: async () => fit({ api: await window.dash_ag_grid.getApiAsync("runs-table") }),
    /** Select the run that was just renamed or imported, as soon as the grid has its row. */
    select: async (renamed, imported) => {
      const run = [renamed, imported].filter(Boolean).sort((one, other) => other.at - one.at)[0];
      const api = run && (await window.dash_ag_grid.getApiAsync("runs-table"));
      const trySelect = (attempts) => {
        const node = !attempts || api.isDestroyed() ? null : api.getRowNode(run.id);
        if (node?.isSelected()) return;
        node?.setSelected(true, true);
        if (node) window.dash_clientside.set_props("runs-table", { selectedRows: [node.data] });
        if (attempts) setTimeout(() => trySelect(attempts - 1), 100);
      };
      if (run) trySelect(100);
    },
    /** Whether Open, Compare, Rename and Delete are disabled. */
    buttons: (selected, rows) => {
      const runs = selectedRuns(selected, rows);
      const run = runs.length === 1 ? runs[0] : null;
      return [!run?.href, !comparable(runs), !run || run.is_demo, !run || run.is_demo];
    },
    /** The address that the pressed button leads to: the run, or all selected runs side by side. */
    open: (_open, _compare, selected, rows) => {
      const { callback_context: context, no_update: noUpdate } = window.dash_clientside;
      const runs = selectedRuns(selected, rows);
      if (context.triggered_id === "runs-open") return runs[0]?.href || noUpdate;
      const query = new URLSearchParams(runs.map(({ id }) => ["run", id]));
      return comparable(runs) ? `/compare?${query}` : noUpdate;
    },
  };

  /** A file that is chosen, or dropped anywhere on the page, is sent by the page's module: Dash would read it as text. */
  const importFiles = (event) => {
    const isDrop = event.type === "drop";
    const files = [...((isDrop ? event.dataTransfer : event.target).files ?? [])];
    if (!files.length || !event.target.closest?.(isDrop ? ".runs" : "#runs-import")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!isDrop) event.target.value = ""; // the same file once more is a new import
    import("/assets/runs/import_dialog.mjs").then((module) => module.importFiles(files));
  };
  document.addEventListener("change", importFiles, true);
  document.addEventListener("drop", importFiles, true);
  document.addEventListener("dragover", (event) => event.target instanceof Element && event.target.closest(".runs") && event.preventDefault());
})();
