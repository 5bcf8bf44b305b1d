"""Archives of runs by strangers: only the files of one run come out, within the limits, and the rest is named."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from imported_files import import_npz, nothing_is_left

from mtm.errors import InputError
from mtm.run_folder.imports import import_file, limits
from mtm.runs import Run

Files = list[tuple[str, bytes]]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """The files of a run, as an archive has them."""
    run, _ = import_npz(tmp_path)
    run.folder.rename(tmp_path / "packed")
    paths = sorted(path for path in (tmp_path / "packed").rglob("*") if path.is_file())
    return [(f"own/{path.relative_to(tmp_path / 'packed').as_posix()}", path.read_bytes()) for path in paths]


def pack(path: Path, files: Files, *more: Any) -> Path:
    """Write an archive of files, and of `more` entries as they are."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                archive.writestr(name, content)
            for entry, content in more:
                archive.writestr(entry, content)
        return path
    with tarfile.open(path, "w") as packed:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
        for entry in more:
            packed.addfile(entry)
    return path


def links(kind: str) -> list[Any]:
    """A link, a pipe or a device where a file of the run should be."""
    if kind == "zip":
        entry = zipfile.ZipInfo("own/checkpoint/last.safetensors")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        return [(entry, b"/etc/passwd")]
    entries = []
    for k, what in enumerate([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]):
        link = tarfile.TarInfo(f"own/checkpoint/{k}.safetensors")
        link.type, link.linkname = what, "/etc/passwd"
        entries.append(link)
    return entries


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_only_the_files_of_the_run_come_out_and_the_rest_is_named(tmp_path: Path, files: Files, kind: str) -> None:
    strange = [
        ("own/notes.txt", b"x"),
        ("../../config.json", b"{}"),
        ("/etc/config.json", b"{}"),
        ("own/a\x1b[31m", b""),
    ]
    path = pack(tmp_path / f"own.{kind}", [*files, *strange], *links(kind))
    run, account = import_file(path, tmp_path / "runs" / "own")
    assert run.problems == []
    assert {f"own/{p.relative_to(run.folder).as_posix()}" for p in run.folder.rglob("*") if p.is_file()} == {
        name for name, _ in files
    }
    assert account.images == 24
    assert account.epochs == (0.0,)
    for name in ("own/notes.txt", "../../config.json", "/etc/config.json", "own/a[31m", "own/checkpoint"):
        assert name in account.ignored[0]
    assert not (tmp_path.parent / "config.json").exists()


def deep(files: Files, name: str) -> Files:
    return [(own, b"[" * 100_000 if own.endswith(name) else content) for own, content in files]


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda files: [*files, files[0]], "has config.json twice"),
        (lambda files: [*files, ("other/config.json", b"{}")], "files of several runs .other, own."),
        (lambda files: deep(files, "config.json"), "damaged"),
        (lambda files: deep(files, "status.json"), "damaged"),
        (lambda files: [("own/config.json", b"{}")], "no snapshots"),
        (lambda files: [("notes.txt", b"x")], "not the archive of a run"),
        (lambda files: [*files, *((f"{k}", b"") for k in range(60))], "more than 50 files"),
        (lambda files: [*files, ("own/metrics.jsonl", b"")], "twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_that_are_not_clear_or_too_large_are_refused(
    tmp_path: Path,
    files: Files,
    kind: str,
    change: Callable[[Files], Files],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = change(files)
    if len(changed) > 50:
        monkeypatch.setattr("mtm.run_folder.imports.archive.MOST_FILES", 50)
        assert limits.MOST_FILES == 100_000
    path = pack(tmp_path / f"strange.{kind}", changed)
    with pytest.raises(InputError, match=sentence) as refusal:
        import_file(path, tmp_path / "runs" / "own")
    assert "\n" not in str(refusal.value)
    assert nothing_is_left(tmp_path)


def test_a_zip_that_unpacks_to_far_more_than_it_has_is_refused(tmp_path: Path, files: Files) -> None:
    path = pack(tmp_path / "own.zip", [*files, ("own/checkpoint/last.safetensors", bytes(260 * 10**6))])
    with pytest.raises(InputError, match="unpacks to 260 MB; the limit is 250 MB, 100 times the file"):
        import_file(path, tmp_path / "runs" / "own")
    assert nothing_is_left(tmp_path)


def test_a_sparse_file_in_a_tar_is_not_unpacked_beyond_the_limit(tmp_path: Path, files: Files) -> None:
    """GNU's sparse files say how large they would be; nothing of that is in the archive."""
    path = pack(tmp_path / "own.tar", files)
    content = bytearray(path.read_bytes())
    hole = tarfile.TarInfo("own/checkpoint/last.safetensors")
    hole.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(hole.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = b"%011o\0" % (8**11 - 1)  # 8 GiB: the size that it would have
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + 8 * 32 + sum(block[156:512]))
    place = -(-len(content.rstrip(b"\0")) // 512) * 512  # where the last file ends
    path.write_bytes(bytes(content[:place]) + bytes(block) + bytes(1024))
    with pytest.raises(InputError, match=r"unpacks to 8.59 GB; the limit is"):
        import_file(path, tmp_path / "runs" / "own")
    assert nothing_is_left(tmp_path)


def test_a_compressed_tar_is_refused(tmp_path: Path, files: Files) -> None:
    pack(tmp_path / "own.tar", files)
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as archive:
        archive.add(tmp_path / "own.tar", "own.tar")
    with pytest.raises(InputError, match=r"packed.tar is damaged or not a .tar archive"):
        import_file(tmp_path / "packed.tar", tmp_path / "runs" / "own")


def test_a_run_that_is_damaged_in_part_comes_with_the_sentence(tmp_path: Path, files: Files) -> None:
    path = pack(tmp_path / "own.zip", [*files, ("own/snapshots/000007.safetensors", b"half")])
    run, account = import_file(path, tmp_path / "runs" / "own")
    assert len(run.snapshots) == 1
    assert any("000007" in note for note in account.notes)
    assert Run.open(run.folder).problems == list(account.notes)
