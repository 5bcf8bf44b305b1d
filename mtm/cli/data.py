"""The command `mtm data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtm.cli import output
from mtm.cli.options import Json


def list_datasets(
    data_root: Annotated[Path, typer.Option(help="Folder of the downloaded data sets")] = Path("data"),
    as_json: Json = False,
) -> None:
    """List the data sets, which of them are on disk, and how to use your own."""
    from mtm.data import DATASETS

    rows = [
        {
            "name": name,
            "title": source.title,
            "images": source.size,
            "transform": f"{source.resize or 'no resize'} / {source.crop or 'no crop'}",
            "on_disk": not source.where or any((data_root / source.where).glob("*")),
            "where": str(data_root / source.where) if source.where else "inside scikit-learn",
        }
        for name, source in DATASETS.items()
    ]
    if as_json:
        for row in rows:
            output.print_json(row)
        return
    output.data_table(rows)
