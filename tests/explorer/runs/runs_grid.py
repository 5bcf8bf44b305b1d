"""The table of runs in a browser: its cells, its order, its selection."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from conftest import visit


def open_runs(page: Any, address: str) -> Any:
    """The page, with the table of runs on it."""
    visit(page, f"{address}/runs")
    page.wait_for_selector(".ag-row")
    return page


def cell(page: Any, run: str, column: str) -> Any:
    return page.locator(f'.ag-row[row-id="{run}"] [col-id="{column}"]')


def select(page: Any, run: str) -> None:
    cell(page, run, "age").click()
    page.wait_for_selector(f'.ag-row-selected[row-id="{run}"]')


def order(page: Any) -> list[str]:
    """The ids of the rows from top to bottom."""
    return page.evaluate(
        "[...document.querySelectorAll('.ag-row')].sort((a, b) => a.getAttribute('row-index') - b.getAttribute("
        "'row-index')).map((row) => row.getAttribute('row-id'))"
    )


def backdate(folder: Path, **ago: float) -> None:
    """Make a run look as if it had been made some time ago."""
    path = folder / "config.json"
    info = json.loads(path.read_text())
    info["created"] = (datetime.now(UTC) - timedelta(**ago)).isoformat()
    path.write_text(json.dumps(info))
