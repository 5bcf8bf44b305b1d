"""The Runs page: a table that reads like a lab notebook, newest first.

The rows come from the library every two seconds and are sent only when they have changed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from pydantic import BaseModel, validate_call

from explorer.library import Library
from explorer.runs.dialogs import build_delete_dialogs, build_rename_dialog
from explorer.runs.table import COLUMNS, EVENTS, GRID_OPTIONS, list_rows
from explorer.runs.uploads import ENDINGS
from explorer.web.notices import notice
from mtm.errors import InputError
from mtm.run_folder.imports.limits import LARGEST_UPLOAD

PATH = "/runs"
NAME = "Runs"
REFRESH_MS = 2000
UPLOADS: dict[str, Any] = {"data-endings": " ".join(ENDINGS), "data-largest": str(LARGEST_UPLOAD)}  # what may be sent


class Selected(BaseModel):
    """What the callbacks read of a selected row."""

    id: str
    name: str


def layout(library: Library, /, **query: str) -> Any:
    """The empty table and the buttons for the selected runs; the rows follow by callback."""
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
                "labels, (N,); or a .parquet file with an image a row. Or bring back a run from its .zip or .tar. "
                "Files may also be dropped on this page.",
                multiline=True,
                w=260,
            ),
            id="runs-import",
        ),
    ]
    location = dmc.Text(f"in {folder}", c="dimmed", size="sm", truncate="start", className="runs-folder")
    return html.Div(
        [
            dmc.Group(
                [dmc.Title("Runs", order=3), location, dmc.Group(tools, gap="xs", ml="auto", wrap="nowrap")],
                wrap="nowrap",
            ),
            dag.AgGrid(
                id="runs-table",
                columnDefs=COLUMNS,
                getRowId="params.data.id",
                selectedRows=[],  # without it the grid does not report selections when its rows arrive late
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
            build_rename_dialog(),
            *build_delete_dialogs(),
        ],
        className="runs",
        **UPLOADS,
    )


def register(app: Dash, library: Library) -> None:
    """Add the page's callbacks: of the table in the browser, its rows, renaming, deleting."""
    _register_browser(app)
    _register_rows(app, library)
    _register_rename(app, library)
    _register_delete(app, library)


def _register_browser(app: Dash) -> None:
    """What `assets/runs/table.js` does: fit the columns, select, enable the buttons, open and compare."""
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


def _register_rows(app: Dash, library: Library) -> None:
    @app.callback(
        Output("runs-table", "rowData"),
        Output("runs-stamp", "data"),
        Input("runs-tick", "n_intervals"),
        Input("runs-renamed", "data"),
        Input("runs-deleted", "data"),
        Input("runs-imported", "data"),
        State("runs-stamp", "data"),
        running=[(Output("runs-tick", "disabled"), True, False)],  # a tick meanwhile would discard this answer
    )
    @validate_call
    def refresh(_: int | None, __: Any, ___: Any, ____: Any, stamp: str | None) -> Any:
        rows = list_rows(library)
        digest = hashlib.blake2b(json.dumps(rows).encode(), digest_size=8).hexdigest()
        return (no_update if digest == stamp else rows), digest


def _register_rename(app: Dash, library: Library) -> None:
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
    @validate_call
    def rename(_: Any, __: Any, ___: Any, name: str | None, selected: list[Selected] | None) -> Any:
        if not selected:
            return no_update, no_update, no_update, no_update
        run = selected[0]
        if ctx.triggered_id == "runs-rename":
            return True, run.name, None, no_update
        renamed, problem = _attempt(lambda: library.rename(run.id, name or ""))
        if problem:
            return True, no_update, problem, no_update
        return False, no_update, None, {"id": renamed, "at": time.time()}


def _register_delete(app: Dash, library: Library) -> None:
    @app.callback(
        Output("runs-delete-dialog", "opened"),
        Output("runs-delete-text", "children"),
        Input("runs-delete", "n_clicks"),
        Input("runs-delete-ask", "n_clicks"),
        Input("runs-delete-keep", "n_clicks"),
        State("runs-table", "selectedRows"),
        prevent_initial_call=True,
    )
    @validate_call
    def ask_to_delete(_: Any, __: Any, ___: Any, selected: list[Selected] | None) -> Any:
        if not selected or ctx.triggered_id != "runs-delete":
            return False, no_update
        run = selected[0]
        row = next((row for row in list_rows(library) if row["id"] == run.id), {})  # as it is now
        n, size = row.get("snapshots", 0), row.get("megabytes") or 0
        return True, f"Delete '{run.name}' with its {n} snapshot{'s' * (n != 1)} ({size} MB)?"

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
    @validate_call
    def delete(_: Any, __: Any, ___: Any, selected: list[Selected] | None) -> Any:
        if not selected or ctx.triggered_id == "runs-delete-keep-again":
            return False, no_update, "", no_update, no_update
        run = selected[0]
        if ctx.triggered_id == "runs-delete-ask":
            return True, f"'{run.name}' cannot be brought back. Delete it for good?", "", no_update, no_update
        problem = _attempt(lambda: library.delete(run.id))[1]
        if problem:
            return True, no_update, problem, no_update, no_update
        message = notice(f"Deleted '{run.name}'.", good=True)
        return False, no_update, "", {"id": run.id, "at": time.time()}, [message]


def _attempt(action: Callable[[], Any]) -> tuple[Any, str | None]:
    """Do an action; returns its result, and the sentence that says why it failed, if it did."""
    try:
        return action(), None
    except InputError as error:
        return None, str(error)
    except OSError as error:  # a full disk, a folder that may not be changed
        return None, f"the system refused: {error.strerror or error}"


def _button(text: str, button_id: str, tooltip: str) -> Any:
    return dmc.Tooltip(dmc.Button(text, id=button_id, variant="light", size="xs", disabled=True), label=tooltip)
