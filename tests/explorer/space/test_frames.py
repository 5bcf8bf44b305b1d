"""Cached frames: they come back as they were, under a key of content, and a damaged file counts as missing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from projected_runs import broken

from explorer.space import frames as frames_module
from explorer.space.digests import FileDigests
from explorer.space.frames import Frames, load_cached, store
from explorer.space.projections import cache_key, project
from mtm.errors import InputError
from mtm.runs import Run

pytest_plugins = ["space_fixtures"]


def test_frames_come_back_as_they_were(run: Run, pure: Run, tmp_path: Path) -> None:
    for number, frames in enumerate([project(run, "targets"), project(run, "umap"), project(pure, "pca")]):
        store(tmp_path / "cache", str(number), frames)
        again = load_cached(tmp_path / "cache", str(number))
        assert again is not None
        for name in Frames.__dataclass_fields__:
            stored, loaded = getattr(frames, name), getattr(again, name)
            if isinstance(stored, np.ndarray):
                assert stored.dtype == loaded.dtype
                np.testing.assert_array_equal(stored, loaded)
            else:
                assert stored == loaded


def test_the_key_is_made_of_content(run: Run, tmp_path: Path) -> None:
    key = cache_key(run, "targets", {})
    assert key == cache_key(run, "targets", {"classes": (0, 1, 2), "at": None, "seed": 5})
    copied = Run.open(shutil.copytree(run.folder, tmp_path / "copied"))
    assert key == cache_key(copied, "targets", {})
    others = [cache_key(run, "targets", {"classes": [1, 0, 2]}), cache_key(run, "targets", {"at": 1})]
    others += [cache_key(run, "pca", {}), cache_key(run, "umap", {}), cache_key(run, "umap", {"seed": 1})]
    others += [cache_key(run, "targets", {}, snapshots=["000001.safetensors"])]
    e = np.array(copied.snapshot(1).embeddings)
    e[3, 3] += 1
    broken(copied, 1, embeddings=e)
    others += [cache_key(copied, "targets", {})]
    assert len({key, *others}) == 1 + len(others)
    with pytest.raises(InputError, match="unknown parameter 'spread'"):
        cache_key(run, "pca", {"spread": 2})


def test_new_code_makes_every_cached_result_a_miss(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    key = cache_key(run, "pca", {})
    monkeypatch.setattr(frames_module, "CODE_VERSION", frames_module.CODE_VERSION + 1)
    assert key != cache_key(run, "pca", {})


def test_digests_are_remembered_until_a_file_changes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    key = cache_key(run, "pca", {}, FileDigests(folder))
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("a file was read again"))
    assert cache_key(run, "pca", {}, FileDigests(folder)) == key
    monkeypatch.undo()
    for damaged in ('{"half": [1, 2', '{"path": [1, 2, "of an earlier version"]}', "[]"):
        (folder / "digests.json").write_text(damaged)
        assert cache_key(run, "pca", {}, FileDigests(folder)) == key
        assert json.loads((folder / "digests.json").read_text())
    (folder / "digests.json").unlink()
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "digests.json")  # who opens it waits for good
    assert cache_key(run, "pca", {}, FileDigests(folder)) == key
    os.utime(run.snapshots[0], ns=(1, 1))
    assert cache_key(run, "pca", {}, FileDigests(folder)) == key  # read again, and the same


@pytest.mark.parametrize("damage", ["cut", "a bit", "empty", "text", "another file", "gone"])
def test_a_damaged_result_is_a_miss(run: Run, tmp_path: Path, damage: str) -> None:
    store(tmp_path, "key", replace(project(run, "pca"), targets=None))
    path = tmp_path / "key.safetensors"
    assert load_cached(tmp_path, "key") is not None
    content = path.read_bytes()
    if damage == "a bit":
        path.write_bytes(content[:-50] + bytes([content[-50] ^ 1]) + content[-49:])
    elif damage == "another file":
        shutil.copy(run.folder / "points.safetensors", path)
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": content[:-9], "empty": b"", "text": b"hello, this is no projection at all"}[damage])
    assert load_cached(tmp_path, "key") is None
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".tmp"] == []
