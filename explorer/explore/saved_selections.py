"""Named selections, saved in the folder of their run, or in the cache folder for a bundled run, which is read-only."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

from explorer.explore.selection import Selection, read_selection
from explorer.library import DEMO, Library
from mtm.errors import InputError
from mtm.run_folder.files import LARGEST_TEXT, parse_json, read_regular, write_json

FILE = "selections.json"
LONGEST_NAME = 80
MOST = 200


class SavedSelections:
    """The named selections of a library's runs."""

    def __init__(self, library: Library, cache: Path) -> None:
        self.library, self.cache = library, cache
        self._lock = threading.Lock()

    def all(self, run_id: str) -> dict[str, Selection]:
        """The selections of a run by name, in the order in which they were first saved.

        Raises InputError if there is no such run, or its file cannot be understood.
        """
        path = self.path(run_id)
        try:
            content: Any = parse_json(read_regular(path, LARGEST_TEXT))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read; mend it, or delete it to begin anew") from error
        if not isinstance(content, dict):
            raise InputError(f"{path} is no object of selections by name; mend it, or delete it to begin anew")
        try:
            return {name: read_selection(value) for name, value in content.items()}
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def save(self, run_id: str, name: str, selection: Selection) -> None:
        """Save a selection under a name, in place of one of that name. Raises InputError for a name that cannot be."""
        name = name.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise InputError(f"'{name[:20]}' cannot be the name of a selection; use 1 to {LONGEST_NAME} characters")
        with self._lock:
            saved = self.all(run_id) | {name: selection.simplified()}
            if len(saved) > MOST:
                raise InputError(f"a run can have {MOST} named selections; delete one first")
            self._write(run_id, saved)

    def delete(self, run_id: str, name: str) -> None:
        """Delete a selection. Raises InputError if there is none of this name."""
        with self._lock:
            saved = self.all(run_id)
            if name not in saved:
                raise InputError(f"there is no selection '{name}' of '{run_id}' (any more)")
            del saved[name]
            self._write(run_id, saved)

    def path(self, run_id: str) -> Path:
        """The file with the selections of a run. Raises InputError if there is no such run."""
        folder = self.library.folder(run_id)
        if not run_id.startswith(f"{DEMO}/"):
            return folder / FILE
        return self.cache / "selections" / f"{hashlib.sha256(run_id.encode()).hexdigest()[:16]}.json"

    def _write(self, run_id: str, saved: dict[str, Selection]) -> None:
        path = self.path(run_id)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, {name: selection.to_json() for name, selection in saved.items()})
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error
