"""The snapshots that are shown together: what is damaged after the last look is left out, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from explorer.space.stack import load_stack
from mtm.runs import Run


def test_a_snapshot_damaged_since_the_last_look_shifts_no_other(tmp_path: Path) -> None:
    run, rng = Run.create(tmp_path / "a"), np.random.default_rng(0)
    for epoch in range(5):
        run.log(rng.normal(size=(20, 3)), np.arange(20) % 2, epoch=epoch)
    paths = run.snapshots
    os.utime(paths[0].parent, (0, 0))  # a folder that has not changed for long is looked at once
    other = Run.open(run.folder)
    assert other.snapshots == paths
    for path in (paths[1], paths[3]):
        path.write_bytes(path.read_bytes()[:-50])
    other.snapshot(paths[0])
    stack = load_stack(other)
    assert stack.epochs.tolist() == [0, 2, 4]
    for path, snapshot in zip(paths[::2], stack.snapshots, strict=True):
        assert snapshot.index == int(path.stem)
        assert np.array_equal(snapshot.embeddings, run.snapshot(path).embeddings)
