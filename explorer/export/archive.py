"""A whole run as one file, .zip or .tar, that `mtm import` reads back."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

from explorer.export.entry import Export, Options, Row
from explorer.export.scene import ExportRequest, Progress
from explorer.space.views import Views
from mtm.errors import InputError
from mtm.run_folder.files import atomic_path, open_regular, read_regular
from mtm.runs import Run

LARGEST_FILE = 2 << 30  # bytes of one that is no file of arrays
RUN_FILES = ("config.json", "status.json", "metrics.jsonl", "points.safetensors")


def write_archive(run: Run, path: Path, weights: bool = False, on_progress: Progress | None = None) -> None:
    """Write a run to `path`, whole or not at all, its files in a folder with the run's name.

    Left out are files that are damaged or half written and, unless `weights`, the checkpoints. A .tar is not
    compressed, a .zip lightly. Raises InputError for a run without snapshots.
    """
    files = list_files(run, weights)
    total = sum(file.stat().st_size for file in files) or 1
    with atomic_path(path) as temporary:
        n_bytes = 0
        with _Zip(temporary) if path.suffix.lower() == ".zip" else _Tar(temporary) as archive:
            for file in files:
                size = file.stat().st_size
                archive.add(file, f"{run.name}/{file.relative_to(run.folder).as_posix()}")
                n_bytes += size
                if on_progress:
                    on_progress(min(1.0, n_bytes / total), "packing")


def list_files(run: Run, weights: bool = False) -> list[Path]:
    """The files of a run that go into its archive. Raises InputError for a run without snapshots or images."""
    snapshots = run.snapshots  # those that are whole
    if not snapshots:
        raise InputError(f"{run.name} has no snapshots to export yet")
    _ = run.points  # without which nobody could read it back
    checkpoints = sorted(run.checkpoints.glob("*.safetensors")) if weights else []
    fixed = [run.folder / name for name in RUN_FILES]
    return [path for path in (*fixed, *snapshots, *checkpoints) if path.is_file() and not path.name.startswith(".")]


class _Zip:
    def __init__(self, path: Path) -> None:
        self.file = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)

    def __enter__(self) -> _Zip:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def add(self, path: Path, name: str) -> None:
        with open_regular(path) as file, self.file.open(zipfile.ZipInfo.from_file(path, name), "w") as packed:
            shutil.copyfileobj(file, packed)


class _Tar:
    def __init__(self, path: Path) -> None:
        self.file = tarfile.open(path, "w")  # noqa: SIM115 - closed with this

    def __enter__(self) -> _Tar:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def add(self, path: Path, name: str) -> None:
        """Add a file without its owner and rights."""
        content = read_regular(path, LARGEST_FILE) if path.suffix != ".safetensors" else None  # may grow meanwhile
        entry = tarfile.TarInfo(name)
        entry.mtime = int(path.stat().st_mtime)
        if content is not None:
            entry.size = len(content)
            self.file.addfile(entry, io.BytesIO(content))
            return
        entry.size = path.stat().st_size
        with open_regular(path) as file:
            self.file.addfile(entry, file)


def _write(views: Views, request: ExportRequest, path: Path, options: Options, on_progress: Progress) -> None:
    write_archive(views.library.run(request.run), path, bool(options.weights), on_progress)


EXPORT = Export(
    noun="archive",
    help="the whole run, .zip or .tar, which mtm import reads back.",
    menu=(Row("The run, for mtm import"),),
    kinds={"zip": "application/zip", "tar": "application/x-tar"},
    options=("weights",),
    write=_write,
)
