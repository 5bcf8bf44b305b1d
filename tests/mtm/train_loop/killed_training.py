"""Run as a script by `test_kill.py`: kills a training at every file it writes, resumes it, and compares the bits.

One process imports torch once and forks a child for every moment. Prints one JSON object per moment, the first of them
in the middle of a checkpoint of megabytes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from unittest.mock import patch

from conftest import small

from mtm.data import load
from mtm.runs import Run
from mtm.train_loop.recorder import record_training

LARGE = small(dim=5_000, train_images=100, record=20)  # a checkpoint has 8 MB
CONFIG = small(snapshots_per_epoch=3, epochs=2, train_images=150)


def in_child(work) -> int:
    """The exit status of `work()` in a forked child."""
    if (pid := os.fork()) == 0:
        import torch

        torch.set_num_threads(1)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def train_and_die(folder: Path, at: int, when: str) -> None:
    """Kill -9 just before or just after the rename that completes file number `at`."""
    rename, count = Path.replace, 0

    def dying_replace(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == at and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = rename(self, target)
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    with patch.object(Path, "replace", dying_replace):
        record_training(Run.create(folder, CONFIG))


def kill_while_it_saves(folder: Path) -> list[str]:
    """Kill -9 a training that has begun to write the file of a checkpoint; what is there then, by name."""
    if (pid := os.fork()) == 0:
        record_training(Run.create(folder, LARGE))
        os._exit(0)
    while True:
        left = [path.name for path in (folder / "checkpoint").glob(".*") if path.stat().st_size]
        if left:
            os.kill(pid, signal.SIGSTOP)
            os.waitpid(pid, os.WUNTRACED)
            left = [path.name for path in (folder / "checkpoint").glob(".*")]  # now it stays so
            os.kill(pid, signal.SIGKILL if left else signal.SIGCONT)
            if left:
                os.waitpid(pid, 0)
                return left
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "it ended before it was seen to save"
        time.sleep(0)


def report_saving(folder: Path) -> None:
    left = kill_while_it_saves(folder / "killed")
    assert in_child(lambda: record_training(Run.open(folder / "killed"))) == 0
    assert in_child(lambda: record_training(Run.create(folder / "whole", LARGE))) == 0
    kept = sorted(str(path.relative_to(folder / "killed")) for path in (folder / "killed").rglob("*"))
    is_same = contents_without_times(folder / "killed") == contents_without_times(folder / "whole")
    print(json.dumps({"left": left, "kept": kept, "same_bits": is_same}), flush=True)


def contents(folder: Path) -> dict[str, bytes]:
    files = [*(folder / "snapshots").glob("*.safetensors"), *(folder / "checkpoint").glob("*.safetensors")]
    return {path.name: path.read_bytes() for path in files}


def main(folder: Path) -> None:
    load(CONFIG)  # imports what every child would import once more
    report_saving(folder / "large")
    assert in_child(lambda: record_training(Run.create(folder / "whole", CONFIG))) == 0
    reference = Run.open(folder / "whole")
    for at in range(1, 40):
        for when in ("before", "after"):
            path = folder / f"killed-{at}-{when}"
            code = in_child(lambda path=path, at=at, when=when: train_and_die(path, at, when))
            if code == 0:
                return  # it ended before writing so many files
            if not (path / "config.json").exists():
                continue  # there is no run yet
            killed = Run.open(path)
            result = {
                "at": at,
                "when": when,
                "killed_by": -code,
                "state": killed.status.state,
                "problems": killed.problems,
                "snapshots": len(killed.snapshots),
                "resumed": in_child(lambda path=path: record_training(Run.open(path))),
            }
            ended = Run.open(path)
            numbers = [json.loads(line)["snapshot"] for line in (path / "metrics.jsonl").read_text().splitlines()]
            result |= {
                "end_state": ended.status.state,
                "same_files": list(contents(path)) and set(contents(path)) == set(contents(folder / "whole")),
                "left_behind": [str(left) for left in path.rglob("*.tmp")],
                "same_bits": contents_without_times(path) == contents_without_times(folder / "whole"),
                "end_problems": ended.problems,
                "lines": numbers,
                "reference_lines": len(reference.metrics),
            }
            print(json.dumps(result), flush=True)


def contents_without_times(folder: Path) -> dict[str, object]:
    """Every array's bytes, and the rows of metrics without what depends on the clock."""
    from mtm.run_folder.files import read_arrays

    run = Run.open(folder)
    by_file: dict[str, object] = {}
    for path in [*run.snapshots, *sorted((folder / "checkpoint").iterdir())]:
        arrays, header = read_arrays(path)
        row = header.get("metrics", {})
        kept = {key: value for key, value in row.items() if key not in ("seconds", "images_per_second")}
        by_file[path.name] = ({name: array.tobytes() for name, array in arrays.items()}, kept)
    return by_file


if __name__ == "__main__":
    main(Path(sys.argv[1]))
