"""A loss of a user's own that holds a worker in its training until the test lets it go: who waits there together trains
at the same time, and nothing ends before the test is ready.

`MTM_TEST_BARRIER` is a folder: a worker that waits makes a file there with the number of its process, all go on when
there is one called `go`. The first `MTM_TEST_FREE` trainings of a process do not wait.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mtm.losses import Euclidean

WAIT_SECONDS = 200
_met: list[object] = []  # a loss for each training of this process


@dataclass(frozen=True)
class Waiting(Euclidean):
    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        if not any(loss is self for loss in _met):
            _met.append(self)
            if len(_met) > int(os.environ["MTM_TEST_FREE"]):
                _wait(Path(os.environ["MTM_TEST_BARRIER"]))
        return super().__call__(e, c, y)


def _wait(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    end = time.monotonic() + WAIT_SECONDS
    while not (folder / "go").exists():
        assert time.monotonic() < end, "nobody said go"
        time.sleep(0.02)
