"""The runs page: a table that reads like a lab notebook, newest first.

The rows come from the library every two seconds and are sent only when they have changed; cells, keys and widths are
drawn by `assets/runs/table.js`. What may be done to a run is done here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update

from explorer.library import DEMO, Library
from explorer.web.notices import notice
from mtm.classifiers import CLASSIFIERS
from mtm.errors import InputError

PATH = "/runs"
NAME = "Runs"
REFRESH_MS = 2000
SPARKS = 60  # most values of a sparkline
IMPORTED = (".npz", ".parquet")
HELP = {
    "cos": "Nearest class centre by cosine",
    "cos_ce": "Nearest class target by cosine",
    "euc": "Nearest class centre by distance",
    "euc_ce": "Nearest class target by distance",
    "argmax": "Largest output of the linear head",
}
LARGEST_FIRST = {"type": "rightAligned", "sortingOrder": ["desc", "asc", None]}
PERCENT = {"valueFormatter": {"function": "params.value == null ? '' : d3.format('.2f')(100 * params.value)"}}
COLUMNS: list[dict[str, Any]] = [
    {"field": "thumbnail", "headerName": "", "width": 72, "cellRenderer": "RunThumbnail", "sortable": False,
     "resizable": False, "cellClass": "run-picture", "headerTooltip": "The newest snapshot"},
    {"field": "name", "headerName": "Run", "flex": 4, "minWidth": 180, "cellRenderer": "RunName",
     "valueGetter": {"function": "params.data.name + '\\n' + params.data.problem"}},
    {"field": "state", "headerName": "State", "flex": 1, "minWidth": 116, "cellRenderer": "RunState",
     "valueGetter": {"function": "params.data.state + ' ' + params.data.progress"}},
    {"field": "dataset", "headerName": "Data set", "flex": 1, "minWidth": 112, "tooltipField": "dataset"},
    {"field": "backbone", "headerName": "Backbone", "flex": 1, "minWidth": 94, "tooltipField": "backbone"},
    {"field": "loss", "headerName": "Loss", "flex": 1, "minWidth": 122, "tooltipField": "loss"},
    {"field": "dim", "headerName": "D", "width": 60, "headerTooltip": "Dimensions of the embedding space",
     **LARGEST_FIRST},
    {"headerName": "Accuracy, %", "groupId": "accuracy", "headerTooltip": "At the best epoch", "children": [
        {"field": "best", "headerName": "best", "width": 120, "columnGroupShow": "closed", "cellRenderer": "RunBest",
         "headerTooltip": "Of the classifier that is best there", **LARGEST_FIRST},
        *({"field": name, "headerName": name, "width": 70, "columnGroupShow": "open", "headerTooltip": HELP.get(name),
           "cellClassRules": {"run-best": f"params.data.best_name === '{name}'"}, **PERCENT, **LARGEST_FIRST}
          for name in CLASSIFIERS),
    ]},
    {"field": "accuracies", "headerName": "Over time", "width": 92, "cellRenderer": "RunSpark", "sortable": False,
     "headerTooltip": "The accuracy of the best classifier at each snapshot, from 0 to 100 %"},
    {"field": "age", "headerName": "Age", "width": 68, "comparator": {"function": "RunAgeOrder"}},
    {"field": "megabytes", "headerName": "Size", "width": 78, **LARGEST_FIRST, "valueFormatter": {
        "function": "params.value == null ? '' : params.value < 0.1 ? '< 0.1 MB' : params.value < 1000"
                    " ? d3.format('.3~r')(params.value) + ' MB' : d3.format('.3~r')(params.value / 1000) + ' GB'"}},
]  # fmt: skip
GRID_OPTIONS = {
    "rowSelection": {"mode": "multiRow", "checkboxes": True, "headerCheckbox": False, "enableClickSelection": True},
    "selectionColumnDef": {"width": 32, "suppressHeaderMenuButton": True, "resizable": False},
    "rowHeight": 72,
    "headerHeight": 32,
    "groupHeaderHeight": 26,
    "animateRows": False,
    "tooltipShowDelay": 300,
    "suppressDragLeaveHidesColumns": True,
    "tabToNextCell": {"function": "RunsLeave()"},
    "tabToNextHeader": {"function": "RunsToRows(params)"},
}
EVENTS = {
    "gridSizeChanged": ["RunsFit(params)"],
    "cellKeyDown": ["RunsKey(params)"],
    "rowDoubleClicked": ["RunsOpen(params)"],
}


def layout(library: Library, **query: str) -> Any:
    """The table and what can be done with the selected runs; the rows follow when the page is there."""
    folder = str(library.runs_folder.resolve())
    tools = [
        _button("Open", "runs-open", "Explore the selected run (Enter)"),
        _button("Compare", "runs-compare", "Two to four ticked runs side by side"),
        _button("Rename", "runs-rename", "Give the selected run another name; bundled ones keep theirs"),
        _button("Delete", "runs-delete", "Delete the selected run for good; bundled ones stay"),
        dcc.Upload(
            dmc.Tooltip(
                dmc.Button("Import", id="runs-import-button", variant="filled", size="xs"),
                label="Make a run of your own embeddings: an .npz file with embeddings, (N, D) or (T, N, D), and "
                "labels, (N,); or a .parquet file with an image a row",
                multiline=True,
                w=260,
            ),
            id="runs-import",
        ),
    ]
    where = dmc.Text(f"in {folder}", c="dimmed", size="sm", truncate="start", className="runs-folder")
    return html.Div(
        [
            dmc.Group(
                [dmc.Title("Runs", order=3), where, dmc.Group(tools, gap="xs", ml="auto", wrap="nowrap")],
                wrap="nowrap",
            ),
            dmc.Alert(id="runs-import-problem", color="red", withCloseButton=True, hide=True, p="xs"),
            dag.AgGrid(
                id="runs-table",
                columnDefs=COLUMNS,
                getRowId="params.data.id",
                selectedRows=[],  # without it rows that come late leave the grid deaf to what is selected
                defaultColDef={"sortable": True, "resizable": True, "filter": False, "cellDataType": False},
                dashGridOptions={
                    **GRID_OPTIONS,
                    "noRowsOverlayComponent": "NoRuns",
                    "noRowsOverlayComponentParams": {"folder": folder},
                },
                eventListeners=EVENTS,
                className="ag-theme-quartz",
                style={"height": None},
            ),
            dcc.Interval(id="runs-tick", interval=REFRESH_MS),
            *(dcc.Store(id=f"runs-{name}") for name in ("stamp", "renamed", "deleted", "imported")),
            _rename_dialog(),
            *_delete_dialogs(),
        ],
        className="runs",
    )


def rows(library: Library) -> list[dict[str, Any]]:
    """The rows of the table, in its order."""
    now = datetime.now(UTC)
    return [_row(library, summary, now) for summary in library.summaries()]


def _row(library: Library, summary: dict[str, Any], now: datetime) -> dict[str, Any]:
    run_id, snapshots = summary["id"], summary.get("snapshots") or 0
    is_demo, name = run_id.startswith(f"{DEMO}/"), run_id.removeprefix(f"{DEMO}/")
    found = summary.get("best_accuracy") or {}
    accuracies = {name: round(value, 4) for name, value in found.items() if math.isfinite(value)}
    top = summary.get("best_classifier")
    values = [None if a is None or not math.isfinite(a) else round(a, 3) for a in summary.get("accuracies") or []]
    address = urlencode({"run": run_id})
    is_whole = snapshots > 0 and summary["state"] != "unreadable"
    return {
        **{key: summary.get(key) for key in ("id", "state", "dataset", "backbone", "loss", "dim", "megabytes")},
        **{name: accuracies.get(name) for name in CLASSIFIERS},
        "name": name,
        "is_demo": is_demo,
        "href": f"/?{address}" if is_whole else None,
        "thumbnail": f"/api/thumbnail?{address}&n={snapshots}" if is_whole else None,
        "snapshots": snapshots,
        "problem": _problem(summary, (library.demo_folder if is_demo else library.runs_folder) or Path(), name),
        "progress": _progress(summary),
        "best": accuracies.get(str(top)),
        "best_name": top,
        "accuracies": values[:: -(math.ceil(len(values) / SPARKS) or 1)][::-1],  # the last is always there
        "created": _seconds(summary.get("created")),
        "age": age(summary.get("created"), now),
    }


def _problem(summary: dict[str, Any], folder: Path, name: str) -> str:
    """What is wrong with a run, in one line that does not repeat where it lies."""
    sentences = [summary.get("error"), *(summary.get("problems") or [])]
    text = "; ".join(str(sentence) for sentence in sentences if sentence)
    return text.replace(f"{folder / name}{os.sep}", "").replace(f"{folder}{os.sep}", "")


def _progress(summary: dict[str, Any]) -> str:
    """How far a training came: `epoch 2.5 / 30`, `30 epochs` when finished, `5 snapshots` of another program."""
    epoch, epochs, snapshots = summary.get("epoch"), summary.get("epochs"), summary.get("snapshots")
    if epoch is None:
        return ""
    if epochs is None:
        return f"{snapshots} snapshot{'s' * (snapshots != 1)}"
    at = f"{epoch:.2f}".rstrip("0").rstrip(".")
    return f"{at} epoch{'s' * (at != '1')}" if summary["state"] == "finished" else f"epoch {at} / {epochs}"


def age(created: str | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits; empty if it is not known."""
    since = _seconds(created)
    if since is None:
        return ""
    seconds = now.timestamp() - since
    for size, unit in ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def _seconds(created: str | None) -> float | None:
    """A time of the run folder as seconds since 1970; None if it is not one. Without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(str(created))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def register(app: Dash, library: Library) -> None:
    """The page's callbacks."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("runs", "fit"), Input("runs-table", "rowData")
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("runs", "select"), Input("runs-renamed", "data"), Input("runs-imported", "data")
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("runs", "buttons"),
        Output("runs-open", "disabled"),
        Output("runs-compare", "disabled"),
        Output("runs-rename", "disabled"),
        Output("runs-delete", "disabled"),
        Input("runs-table", "selectedRows"),
        Input("runs-table", "rowData"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("runs", "open"),
        Output("shell-url", "href"),
        Input("runs-open", "n_clicks"),
        Input("runs-compare", "n_clicks"),
        State("runs-table", "selectedRows"),
        State("runs-table", "rowData"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("runs-table", "rowData"),
        Output("runs-stamp", "data"),
        Input("runs-tick", "n_intervals"),
        Input("runs-renamed", "data"),
        Input("runs-deleted", "data"),
        Input("runs-imported", "data"),
        State("runs-stamp", "data"),
        running=[(Output("runs-tick", "disabled"), True, False)],  # the next tick would make this answer void
    )
    def refresh(_: int | None, __: Any, ___: Any, ____: Any, stamp: str | None) -> Any:
        found = rows(library)
        now = hashlib.blake2b(json.dumps(found).encode(), digest_size=8).hexdigest()
        return (no_update if now == stamp else found), now

    @app.callback(
        Output("runs-rename-dialog", "opened"),
        Output("runs-rename-name", "value"),
        Output("runs-rename-name", "error"),
        Output("runs-renamed", "data"),
        Input("runs-rename", "n_clicks"),
        Input("runs-rename-do", "n_clicks"),
        Input("runs-rename-name", "n_submit"),
        State("runs-rename-name", "value"),
        State("runs-table", "selectedRows"),
        prevent_initial_call=True,
    )
    def rename(_: Any, __: Any, ___: Any, name: str | None, selected: list[dict[str, Any]] | None) -> Any:
        if not selected:
            return no_update, no_update, no_update, no_update
        run = selected[0]
        if ctx.triggered_id == "runs-rename":
            return True, run["name"], None, no_update
        renamed, problem = _attempt(lambda: library.rename(run["id"], name or ""))
        if problem:
            return True, no_update, problem, no_update
        return False, no_update, None, {"id": renamed, "at": time.time()}

    @app.callback(
        Output("runs-delete-dialog", "opened"),
        Output("runs-delete-text", "children"),
        Input("runs-delete", "n_clicks"),
        Input("runs-delete-ask", "n_clicks"),
        Input("runs-delete-keep", "n_clicks"),
        State("runs-table", "selectedRows"),
        prevent_initial_call=True,
    )
    def ask(_: Any, __: Any, ___: Any, selected: list[dict[str, Any]] | None) -> Any:
        if not selected or ctx.triggered_id != "runs-delete":
            return False, no_update
        run = next((row for row in rows(library) if row["id"] == selected[0]["id"]), selected[0])  # as it is now
        n, size = run["snapshots"], run["megabytes"] or 0
        return True, f"Delete '{run['name']}' with its {n} snapshot{'s' * (n != 1)} ({size} MB)?"

    @app.callback(
        Output("runs-delete-again", "opened"),
        Output("runs-delete-text-again", "children"),
        Output("runs-delete-problem", "children"),
        Output("runs-deleted", "data"),
        Output("shell-notices", "sendNotifications", allow_duplicate=True),
        Input("runs-delete-ask", "n_clicks"),
        Input("runs-delete-do", "n_clicks"),
        Input("runs-delete-keep-again", "n_clicks"),
        State("runs-table", "selectedRows"),
        prevent_initial_call=True,
    )
    def delete(_: Any, __: Any, ___: Any, selected: list[dict[str, Any]] | None) -> Any:
        if not selected or ctx.triggered_id == "runs-delete-keep-again":
            return False, no_update, "", no_update, no_update
        run = selected[0]
        if ctx.triggered_id == "runs-delete-ask":
            return True, f"'{run['name']}' cannot be brought back. Delete it for good?", "", no_update, no_update
        problem = _attempt(lambda: library.delete(run["id"]))[1]
        if problem:
            return True, no_update, problem, no_update, no_update
        told = notice(f"Deleted '{run['name']}'.", good=True)
        return False, no_update, "", {"id": run["id"], "at": time.time()}, [told]

    @app.callback(
        Output("runs-import", "contents"),  # emptied: the same file again is a new import
        Output("runs-import-problem", "children"),
        Output("runs-import-problem", "hide"),
        Output("runs-imported", "data"),
        Output("shell-notices", "sendNotifications", allow_duplicate=True),
        Input("runs-import", "contents"),
        State("runs-import", "filename"),
        prevent_initial_call=True,
        running=[(Output("runs-import-button", "loading"), True, False)],
    )
    def import_file(contents: str | None, filename: str) -> Any:
        if not contents:
            return no_update, no_update, no_update, no_update, no_update
        name, problem = _attempt(lambda: import_upload(library, filename, contents))
        if problem:
            return None, problem, False, no_update, no_update
        return None, "", True, {"id": name, "at": time.time()}, [notice(f"Imported '{name}'.", good=True)]


def import_upload(library: Library, filename: str, contents: str) -> str:
    """Make a run of a file that the browser sent, as a data URL, and return its id. Raises InputError if it is none."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    stem, suffix = Path(name).stem, Path(name).suffix.lower()
    if suffix not in IMPORTED:
        raise InputError(f"{name}: '{suffix}' files cannot be imported here; use {' or '.join(IMPORTED)}")
    if stem in library.ids():
        raise InputError(f"{name}: there is already a run '{stem}'; rename it, or the file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(base64.b64decode(contents.partition(",")[2]))
        try:
            return library.import_file(path)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from None


def _attempt(action: Callable[[], Any]) -> tuple[Any, str | None]:
    """What an action returns, and the sentence that says why it could not be done."""
    try:
        return action(), None
    except InputError as error:
        return None, str(error)
    except OSError as error:  # a full disk, a folder that may not be changed
        return None, f"the system refused: {error.strerror or error}"


def _button(text: str, button_id: str, tooltip: str) -> Any:
    return dmc.Tooltip(dmc.Button(text, id=button_id, variant="light", size="xs", disabled=True), label=tooltip)


def _rename_dialog() -> Any:
    name = dmc.TextInput(id="runs-rename-name", label="New name", debounce=True, **{"data-autofocus": True})
    return dmc.Modal(
        dmc.Stack([name, dmc.Group(dmc.Button("Rename", id="runs-rename-do"), justify="flex-end")]),
        id="runs-rename-dialog",
        title="Rename the run",
        size="sm",
    )


def _delete_dialogs() -> list[Any]:
    """Two questions; where the first has the button that goes on, the second has the one that keeps the run."""
    keep, keep_again = (
        dmc.Button("Keep it", id=f"runs-delete-keep{again}", variant="default", **{"data-autofocus": True})
        for again in ("", "-again")
    )
    go_on = dmc.Button("Delete", id="runs-delete-ask", color="red", variant="light")
    do = dmc.Button("Delete for good", id="runs-delete-do", color="red")
    problem = html.Div(id="runs-delete-problem", className="runs-problem", role="alert")
    question, question_again = (
        dmc.Text(id=f"runs-delete-text{again}", size="sm", mih="3em") for again in ("", "-again")
    )
    first = [question, dmc.Group([keep, go_on], justify="flex-end")]
    second = [question_again, problem, dmc.Group([do, keep_again], justify="flex-end")]
    return [
        dmc.Modal(dmc.Stack(first), id="runs-delete-dialog", title="Delete the run", size="sm", returnFocus=False),
        dmc.Modal(dmc.Stack(second), id="runs-delete-again", title="Delete the run", size="sm", returnFocus=False),
    ]
