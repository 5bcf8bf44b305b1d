"""The histories of a library's runs, each loaded once and kept in memory while the run's files stay as they are."""

from __future__ import annotations

from collections.abc import Hashable

from explorer.library import Library
from explorer.space.history import History, load_history
from explorer.web.cache import Cache
from mtm.run_folder.files import stamp_of
from mtm.runs import Run

CACHED = 4  # histories in memory, fewer if they are long
SNAPSHOTS = 500  # of a history make it count as one more: every snapshot that is mapped keeps a file open


class Histories:
    """The most recently used histories of one server; two requests for the same one load it once."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._cache = Cache(CACHED)

    def load(self, run_id: str) -> tuple[Hashable, History]:
        """A key for the content of a run's files, which changes with its snapshots, and the run's history.

        The same key always comes with the same object, as long as it is cached. Raises InputError if there is no such
        run, or if it has no snapshots.
        """
        run = self.library.run(run_id)
        key = (run_id, snapshot_files_stamp(run))
        weight = 1 + len(run.snapshots) // SNAPSHOTS
        return key, self._cache.get(key, lambda: load_history(run), weight)


def snapshot_files_stamp(run: Run) -> Hashable:
    """Names, times and sizes of a run's snapshot files: what changes when a snapshot is added or replaced."""
    return tuple((path.name, stamp_of(path)) for path in run.snapshots)
