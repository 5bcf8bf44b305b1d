"""The dialogs of the Runs page: one to rename a run, two in a row to delete one."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html


def build_rename_dialog() -> Any:
    name = dmc.TextInput(id="runs-rename-name", label="New name", debounce=True, **{"data-autofocus": True})
    return dmc.Modal(
        dmc.Stack([name, dmc.Group(dmc.Button("Rename", id="runs-rename-do"), justify="flex-end")]),
        id="runs-rename-dialog",
        title="Rename the run",
        size="sm",
    )


def build_delete_dialogs() -> list[Any]:
    """Two questions. Where the first has the button that goes on, the second has the one that keeps the run.

    So a double click deletes nothing.
    """
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
