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
    """List the data sets, which of them are on disk and whole, and how to use your own.

    A file counts as whole if it is there and, where its size is known (MNIST and its kind), has that size.
    """
    from mtm.data.known import DATASETS, look_for

    rows = []
    for name, source in DATASETS.items():
        files = look_for(source, data_root)
        row = {
            "name": name,
            "title": source.title,
            "images": source.size,
            "transform": f"{source.resize or 'no resize'} / {source.crop or 'no crop'}",
            "on_disk": files.state != "absent",
            "where": str(data_root / source.where) if source.where else "inside scikit-learn",
            "state": files.state,
            "problems": [] if files.state == "absent" else files.problems,
        }
        rows.append(row)
    if as_json:
        for row in rows:
            output.print_json(row)
        return
    output.data_table(rows)
