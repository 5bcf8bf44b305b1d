"""Histories in memory: each snapshot of one keeps a file open, so that long ones are fewer."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from explorer.library import Library
from explorer.space import histories
from explorer.space.histories import Histories
from mtm.runs import Run


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not limited there")
def test_long_histories_keep_no_more_files_open_than_some_short_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "SNAPSHOTS", 5)
    rng, names = np.random.default_rng(0), [f"run-{k}" for k in range(5)]
    for name in names:
        run = Run.create(tmp_path / name)
        for epoch in range(20):
            run.log(rng.standard_normal((9, 3)), np.arange(9) % 3, epoch=epoch)
    loaded = Histories(Library(tmp_path))
    loaded.load(names[0])
    one = psutil.Process().num_fds()
    for name in names[1:]:
        loaded.load(name)
    assert psutil.Process().num_fds() < one + 20
