"""Import of an uploaded file as a run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, Any

from explorer.library import Library
from mtm.errors import InputError
from mtm.run_folder.imports.limits import LARGEST_UPLOAD, in_words
from mtm.run_folder.names import check_name

ENDINGS = (".npz", ".parquet", ".zip", ".tar")
CHUNK = 1 << 20  # bytes


def import_upload(library: Library, filename: str, stream: IO[bytes]) -> dict[str, Any]:
    """Make a run of a file that the browser sends: its id, and the account of what was taken of the file.

    The file is written to the disk as it comes. Raises InputError, a sentence with its name, for one that is refused.
    """
    name = filename.replace("\\", "/").rpartition("/")[2]
    stem, suffix = Path(name).stem, Path(name).suffix.lower()
    if suffix not in ENDINGS:
        raise InputError(f"{name}: '{suffix}' files cannot be imported here; use {' or '.join(ENDINGS)}")
    if check_name(stem) in library.ids():
        raise InputError(f"{name}: there is already a run '{stem}'; rename it, or the file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        with path.open("wb") as file:
            while part := stream.read(CHUNK):
                if file.tell() + len(part) > LARGEST_UPLOAD:
                    raise InputError(f"{name} is larger than {in_words(LARGEST_UPLOAD)}; use a terminal: mtm import")
                file.write(part)
        try:
            run_id, account = library.import_with_account(path)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from None
    return {"id": run_id, "account": account.as_dict()}
