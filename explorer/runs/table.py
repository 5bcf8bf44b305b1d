"""The table of runs: its columns, and a row for each run of the library, newest first.

Cells, keys and widths are drawn by `assets/runs/table.js`.
"""

from __future__ import annotations

import math
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from explorer import words
from explorer.library import DEMO, Library
from mtm.classifiers import CLASSIFIERS

SPARKLINE_VALUES = 60  # at most
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
        *({"field": name, "headerName": name, "width": 70, "columnGroupShow": "open",
           "headerTooltip": words.CLASSIFIERS[name].help, **PERCENT, **LARGEST_FIRST,
           "cellClassRules": {"run-best": f"params.data.best_name === '{name}'"}}
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


def list_rows(library: Library) -> list[dict[str, Any]]:
    """A row for each run of the library, in the order of the table."""
    now = datetime.now(UTC)
    return [_row(library, summary, now) for summary in library.summaries()]


def _row(library: Library, summary: dict[str, Any], now: datetime) -> dict[str, Any]:
    run_id, snapshots = summary["id"], summary.get("snapshots") or 0
    is_demo, name = run_id.startswith(f"{DEMO}/"), run_id.removeprefix(f"{DEMO}/")
    best = summary.get("best_accuracy") or {}
    accuracies = {name: round(value, 4) for name, value in best.items() if math.isfinite(value)}
    best_name = summary.get("best_classifier")
    values = [None if a is None or not math.isfinite(a) else round(a, 3) for a in summary.get("accuracies") or []]
    step = math.ceil(len(values) / SPARKLINE_VALUES) or 1
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
        "best": accuracies.get(str(best_name)),
        "best_name": best_name,
        "accuracies": values[::-step][::-1],  # the last one stays
        "created": _seconds(summary.get("created")),
        "age": describe_age(summary.get("created"), now),
    }


def _problem(summary: dict[str, Any], folder: Path, name: str) -> str:
    """The problems of a run in one line, without the path of its folder."""
    sentences = [summary.get("error"), *(summary.get("problems") or [])]
    text = "; ".join(str(sentence) for sentence in sentences if sentence)
    return text.replace(f"{folder / name}{os.sep}", "").replace(f"{folder}{os.sep}", "")


def _progress(summary: dict[str, Any]) -> str:
    """Progress of a training: `epoch 2.5 / 30`, `30 epochs` when finished, `5 snapshots` for another program's run."""
    epoch, epochs, snapshots = summary.get("epoch"), summary.get("epochs"), summary.get("snapshots")
    if epoch is None:
        return ""
    if epochs is None:
        return f"{snapshots} snapshot{'s' * (snapshots != 1)}"
    number = f"{epoch:.2f}".rstrip("0").rstrip(".")
    return f"{number} epoch{'s' * (number != '1')}" if summary["state"] == "finished" else f"epoch {number} / {epochs}"


def describe_age(created: str | None, now: datetime) -> str:
    """Time since `created` in the largest unit that fits; empty if it is no time."""
    start = _seconds(created)
    if start is None:
        return ""
    seconds = now.timestamp() - start
    for size, unit in ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def _seconds(created: str | None) -> float | None:
    """Seconds since 1970 of a time in ISO format, UTC if it names no zone; None if it is not such a time."""
    try:
        time = datetime.fromisoformat(str(created))
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
