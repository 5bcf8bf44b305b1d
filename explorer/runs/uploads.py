"""Import of an uploaded file as a run."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from explorer.library import Library
from mtm.errors import InputError
from mtm.run_folder.names import check_name

SUFFIXES = (".npz", ".parquet")


def import_upload(library: Library, filename: str, contents: str) -> str:
    """Make a run of a file that the browser sent as a data URL; returns its id. Raises InputError for a bad file."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    stem, suffix = Path(name).stem, Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{name}: '{suffix}' files cannot be imported here; use {' or '.join(SUFFIXES)}")
    if check_name(stem) in library.ids():
        raise InputError(f"{name}: there is already a run '{stem}'; rename it, or the file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(base64.b64decode(contents.partition(",")[2]))
        try:
            return library.import_file(path)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from None
