"""The runs page: a table that reads like a lab notebook, newest first."""

from __future__ import annotations

import base64
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from explorer.library import Library
from explorer.notices import notice
from mtm.errors import InputError

PATH = "/runs"
NAME = "Runs"
REFRESH_MS = 2000
COLUMNS: list[dict[str, Any]] = [
    {"field": "name", "headerName": "Run", "flex": 2, "minWidth": 200, "cellRenderer": "RunLink"},
    {"field": "state", "headerName": "State", "width": 120, "cellRenderer": "RunState"},
    {"field": "dataset", "headerName": "Data set", "width": 130},
    {"field": "backbone", "headerName": "Backbone", "width": 110},
    {"field": "loss", "headerName": "Loss", "width": 130},
    {"field": "dim", "headerName": "D", "width": 75, "type": "rightAligned"},
    {"field": "epoch", "headerName": "Epoch", "width": 90, "type": "rightAligned",
     "valueFormatter": {"function": "params.value == null ? '' : d3.format('.3~g')(params.value)"}},
    {"field": "best", "headerName": "Best accuracy", "width": 150, "tooltipField": "all_best"},
    {"field": "accuracies", "headerName": "Accuracy over time", "width": 160, "cellRenderer": "Sparkline",
     "cellDataType": False, "sortable": False, "filter": False},
    {"field": "age", "headerName": "Age", "width": 100, "comparator": {"function": "NoComparator"}, "sortable": False},
    {"field": "megabytes", "headerName": "MB", "width": 85, "type": "rightAligned"},
]  # fmt: skip


def layout(library: Library, **query: str) -> Any:
    """The table and what can be done with the selected run."""
    return dmc.Stack(
        [
            dmc.Group(
                [
                    dmc.Title("Runs", order=3),
                    dmc.Text(f"in {library.runs_folder}, and the bundled ones", c="dimmed", size="sm"),
                    dmc.Group(
                        [
                            _button("Open", "runs-open", "Explore the selected run"),
                            _button("Rename", "runs-rename", "Give the selected run another name"),
                            _button("Delete", "runs-delete", "Delete the selected run for good"),
                            dcc.Upload(
                                dmc.Button("Import", variant="light", size="xs"),
                                id="runs-import",
                                accept=".npz,.parquet",
                                max_size=512 * 2**20,
                            ),
                        ],
                        gap="xs",
                        ml="auto",
                    ),
                ],
            ),
            dag.AgGrid(
                id="runs-table",
                rowData=rows(library),
                columnDefs=COLUMNS,
                getRowId="params.data.id",
                defaultColDef={"sortable": True, "resizable": True, "filter": False},
                dashGridOptions={
                    "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
                    "localeText": {"noRowsToShow": "No runs yet. Make one in a terminal with: mtm train"},
                    "tooltipShowDelay": 300,
                    "animateRows": False,
                },
                className="ag-theme-quartz",
                style={"height": "calc(100vh - 130px)", "width": "100%"},
            ),
            dcc.Interval(id="runs-tick", interval=REFRESH_MS),
            _dialogs(),
        ],
        p="md",
        gap="sm",
    )


def rows(library: Library) -> list[dict[str, Any]]:
    """The rows of the table."""
    now = datetime.now(UTC)
    found = []
    for summary in library.summaries():
        best = summary.get("best_accuracy") or {}
        top = max(best.items(), key=lambda item: item[1], default=None)
        found.append(
            {key: summary.get(key) for key in ("id", "name", "state", "dataset", "backbone", "loss", "dim", "epoch")}
            | {
                "href": f"/?{urlencode({'run': summary['id']})}",
                "is_demo": summary["is_demo"],
                "error": summary.get("error") or "; ".join(summary.get("problems") or []),
                "best": f"{top[1]:.2%} {top[0]}" if top else "",
                "all_best": "  ".join(f"{name} {value:.2%}" for name, value in best.items()),
                "accuracies": summary.get("accuracies") or [],
                "age": age(summary.get("created"), now),
                "megabytes": summary.get("megabytes"),
            }
        )
    return found


def age(created: str | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits; empty if it is not known."""
    try:
        seconds = (now - datetime.fromisoformat(str(created))).total_seconds()
    except (TypeError, ValueError):
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def register(app: Dash, library: Library) -> None:
    """The page's callbacks."""

    @app.callback(Output("runs-table", "rowData"), Input("runs-tick", "n_intervals"), State("runs-table", "rowData"))
    def refresh(_: int | None, shown: list[dict[str, Any]]) -> Any:
        found = rows(library)
        return found if found != shown else no_update

    @app.callback(
        Output("runs-open", "disabled"),
        Output("runs-rename", "disabled"),
        Output("runs-delete", "disabled"),
        Input("runs-table", "selectedRows"),
    )
    def enable(selected: list[dict[str, Any]] | None) -> tuple[bool, bool, bool]:
        fixed = not selected or bool(selected[0]["is_demo"])
        return not selected, fixed, fixed

    @app.callback(
        Output("shell-url", "href"),
        Input("runs-open", "n_clicks"),
        State("runs-table", "selectedRows"),
        prevent_initial_call=True,
    )
    def open_run(clicks: int | None, selected: list[dict[str, Any]] | None) -> Any:
        return selected[0]["href"] if clicks and selected else no_update

    @app.callback(
        Output("runs-rename-dialog", "opened"),
        Output("runs-rename-name", "value"),
        Output("runs-rename-name", "error"),
        Input("runs-rename", "n_clicks"),
        Input("runs-rename-do", "n_clicks"),
        State("runs-rename-name", "value"),
        State("runs-table", "selectedRows"),
        prevent_initial_call=True,
    )
    def rename(_: int | None, __: int | None, name: str, selected: list[dict[str, Any]] | None) -> Any:
        if not selected:
            return no_update, no_update, no_update
        if ctx.triggered_id == "runs-rename":
            return True, selected[0]["name"], None
        try:
            library.rename(selected[0]["id"], name or "")
        except InputError as error:
            return True, no_update, str(error)
        return False, no_update, None

    @app.callback(
        Output("runs-delete-dialog", "opened"),
        Output("runs-delete-text", "children"),
        Output("shell-notices", "sendNotifications", allow_duplicate=True),
        Input("runs-delete", "n_clicks"),
        Input("runs-delete-do", "n_clicks"),
        State("runs-table", "selectedRows"),
        prevent_initial_call=True,
    )
    def delete(_: int | None, __: int | None, selected: list[dict[str, Any]] | None) -> Any:
        if not selected:
            return no_update, no_update, no_update
        run = selected[0]
        if ctx.triggered_id == "runs-delete":
            return (
                True,
                f"Delete '{run['name']}' ({run['megabytes']} MB) for good? It cannot be brought back.",
                no_update,
            )
        try:
            library.delete(run["id"])
        except InputError as error:
            return False, no_update, [notice(str(error))]
        return False, no_update, [notice(f"Deleted '{run['name']}'.", good=True)]

    @app.callback(
        Output("shell-notices", "sendNotifications", allow_duplicate=True),
        Input("runs-import", "contents"),
        State("runs-import", "filename"),
        prevent_initial_call=True,
    )
    def import_file(contents: str | None, filename: str) -> Any:
        if not contents:
            return no_update
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(filename.replace("\\", "/")).name
            path.write_bytes(base64.b64decode(contents.split(",", 1)[1]))
            try:
                name = library.import_file(path)
            except InputError as error:
                return [notice(str(error).replace(f"{folder}/", ""))]
        return [notice(f"Imported '{name}'.", good=True)]


def _button(text: str, button_id: str, tooltip: str) -> Any:
    return dmc.Tooltip(dmc.Button(text, id=button_id, variant="light", size="xs", disabled=True), label=tooltip)


def _dialogs() -> html.Div:
    rename = dmc.Modal(
        dmc.Stack([dmc.TextInput(id="runs-rename-name", label="New name"), dmc.Button("Rename", id="runs-rename-do")]),
        id="runs-rename-dialog",
        title="Rename the run",
        size="sm",
    )
    delete = dmc.Modal(
        dmc.Stack([dmc.Text(id="runs-delete-text"), dmc.Button("Delete for good", id="runs-delete-do", color="red")]),
        id="runs-delete-dialog",
        title="Delete the run",
        size="sm",
    )
    return html.Div([rename, delete])
