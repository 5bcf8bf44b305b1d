"""The table of runs in a browser: its cells, its order, its selection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


@contextmanager
def browser_page(chromium: Any, width: int = 1440, scheme: str = "light") -> Iterator[Any]:
    """A page whose `errors` collects what the browser complains about."""
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(60_000)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    try:
        yield page
    finally:
        page.close()


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
