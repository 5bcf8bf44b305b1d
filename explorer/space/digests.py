"""The digests of files' contents, each computed once while the file's size and time stay as they are."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path

from explorer.web.cache import Cache
from mtm.errors import InputError
from mtm.run_folder.files import LARGEST_TEXT, open_regular, parse_object, read_regular, write_bytes

CACHED = 100_000  # digests in memory


class FileDigests:
    """Digests of files, remembered in a folder, if there is one, from one process to the next. Any thread may call."""

    def __init__(self, folder: Path | None = None) -> None:
        self._memory = folder / "digests.json" if folder else None
        self._cache = Cache(CACHED)

    def of(self, paths: Sequence[Path]) -> list[tuple[str, str]]:
        """Name and digest of each file. Raises InputError for one that cannot be read."""
        n_known, digests = len(self._known), []
        for path in paths:
            try:
                stat = path.stat()
                key = f"{path} {stat.st_size} {stat.st_mtime_ns}"
                digests.append((path.name, self._cache.get(key, partial(self._digest, path, key))))
            except OSError as error:
                raise InputError(f"cannot read {path}: {error.strerror}") from error
        if self._memory and len(self._known) > n_known:
            with contextlib.suppress(OSError):  # a full disk: they are computed again by the next process
                self._memory.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(self._memory, json.dumps(dict(self._known)).encode())  # a copy: other requests add to it
        return digests

    @cached_property
    def _known(self) -> dict[str, str]:
        """By path, size and time, from earlier processes and this one; empty if the file is missing or damaged."""
        if self._memory:
            with contextlib.suppress(OSError, ValueError):
                stored = parse_object(read_regular(self._memory, LARGEST_TEXT))
                return {key: digest for key, digest in stored.items() if isinstance(digest, str)}
        return {}

    def _digest(self, path: Path, key: str) -> str:
        if key not in self._known:
            with open_regular(path) as file:
                self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._known[key]
