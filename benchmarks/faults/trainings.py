"""Faults of a training: signals at random moments, a full disk, a folder that goes, others that meddle.

What has to hold: a snapshot that was whole stays as it was, byte by byte; resumed, the training ends with the same bits
as one that nobody disturbed; nothing is left behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from safetensors import safe_open

from faults.commands import Command, Commands, Failure, check, told, until

BASE = {"train-images": 300, "record": 60, "dim": 8, "batch-size": 25, "epochs": 3, "device": "cpu"}
CONFIGS: tuple[dict[str, object], ...] = (
    {"snapshots-per-epoch": 3},
    {"head": "linear", "dim": 64},
    {"loss": "cosine", "optimiser": "sgd", "epochs": 5},
    {"loss": "push_pull", "dim": 2, "snapshots-per-epoch": 2, "validation": 0.2},
)
CLOCK = ("seconds", "images_per_second")  # what a row of metrics says of time
AWAITED = (".*.tmp", "checkpoint/state.safetensors", "metrics.jsonl", "lock", "points.safetensors", "checkpoint/.*.tmp")
NAME = "one"


class Trainings:
    """Undisturbed trainings, to compare with, and how to begin one of the same config."""

    def __init__(self, commands: Commands) -> None:
        self.commands = commands
        self.whole: dict[int, tuple[Path, float]] = {}  # by config: its folder and seconds

    def arguments(self, config: int) -> list[object]:
        options = BASE | CONFIGS[config]
        return ["train", *(part for name, value in options.items() for part in (f"--{name}", value))]

    def undisturbed(self, config: int) -> tuple[Path, float]:
        """The folder of a training of this config that nothing happened to, and how long it took."""
        if config not in self.whole:
            runs = self.commands.folder / "undisturbed"
            self.commands.run("mtm", "runs")  # what commands begin from is there, and does not count
            began = time.monotonic()
            done = self.commands.run("mtm", *self.arguments(config), "--runs", runs, "--name", f"config-{config}")
            check(done.code == 0, f"{done} ended with {done.code}: {done.err}")
            self.whole[config] = runs / f"config-{config}", time.monotonic() - began
        return self.whole[config]


def digests(run: Path) -> dict[str, str]:
    """Of every snapshot and of the recorded images, the digest of the file."""
    paths = [*sorted((run / "snapshots").glob("[0-9]*.safetensors")), run / "points.safetensors"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.exists()}


def content(run: Path) -> dict[str, Any]:
    """Everything that a training computed: all arrays as bytes, all rows without what the clock says."""
    found: dict[str, Any] = {"rows": [_timeless(json.loads(line)) for line in _lines(run / "metrics.jsonl")]}
    for path in sorted(run.rglob("*.safetensors")):
        with safe_open(path, "np") as file:
            header = json.loads((file.metadata() or {}).get("header", "{}"))
            arrays = {key: file.get_tensor(key).tobytes() for key in file.keys()}  # noqa: SIM118 - it is no dict
        found[path.relative_to(run).as_posix()] = arrays, _timeless(header)
    return found


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _timeless(value) if isinstance(value, dict) else value for key, value in row.items() if key not in CLOCK
    }


def check_kept(run: Path, before: dict[str, str]) -> None:
    """Snapshots that were whole are there, and are what they were."""
    now = digests(run)
    lost = [name for name, digest in before.items() if now.get(name) != digest]
    check(not lost, f"{', '.join(lost)} of {run.name} was whole and is lost or another now")


def check_same(run: Path, whole: Path) -> None:
    """The training has ended with the same bits as the undisturbed one, and nothing is left behind."""
    mine, theirs = content(run), content(whole)
    names = set(mine) ^ set(theirs)
    check(not names, f"{run.name} differs from the undisturbed training in its files: {sorted(names)}")
    other = [name for name in mine if mine[name] != theirs[name]]
    check(not other, f"{run.name} ended with other bits than the undisturbed training in {other}")
    left = [str(path.relative_to(run)) for path in run.rglob("*") if path.name.endswith(".tmp")]
    ended = (run / "status.json").stat().st_mtime_ns
    left += [name for name in ("stop", "lock") if (run / name).exists() and (run / name).stat().st_mtime_ns < ended]
    check(not left, f"left behind in {run.name}: {left}")
    state = json.loads((run / "status.json").read_text())["state"]
    check(state == "finished", f"{run.name} is {state} in its status")


def finish(trainings: Trainings, runs: Path, config: int) -> None:
    """Go on with a disturbed training, or begin it once more if it never became a run, to its end; compare."""
    whole, _ = trainings.undisturbed(config)
    run, commands = runs / NAME, trainings.commands
    if not _is_finished(run):
        if (run / "config.json").exists():
            done = commands.run("mtm", "resume", NAME, "--runs", runs)
        else:
            done = commands.run("mtm", *trainings.arguments(config), "--runs", runs, "--name", NAME)
        check(done.code == 0, f"{done} after the fault ended with {done.code}: {done.err}")
    check_same(run, whole)
    shutil.rmtree(runs)


def _is_finished(run: Path) -> bool:
    with contextlib.suppress(OSError, ValueError, KeyError):
        return bool(json.loads((run / "status.json").read_text())["state"] == "finished")
    return False


def begin(trainings: Trainings, runs: Path, config: int, file_size: int | None = None) -> Command:
    """Start the training, or go on with it."""
    if (runs / NAME / "config.json").exists():
        return trainings.commands.start("mtm", "resume", NAME, "--runs", runs, file_size=file_size)
    arguments = (*trainings.arguments(config), "--runs", runs, "--name", NAME)
    return trainings.commands.start("mtm", *arguments, file_size=file_size)


def wait_for_moment(chance: Random, run: Path, command: Command, seconds: float) -> str:
    """Wait until a random moment of a training; which it was."""
    if chance.random() < 0.4:
        after = chance.uniform(0, seconds)
        until(lambda: command.code is not None, after)
        return f"after {after:.2f} s"
    if chance.random() < 0.5:
        n = chance.randint(1, 6)
        until(lambda: command.code is not None or len(list((run / "snapshots").glob("0*.safetensors"))) >= n, 20, 0.001)
        return f"at snapshot {n}"
    pattern = chance.choice(AWAITED)
    until(lambda: command.code is not None or any(run.glob(pattern)), 3 * seconds, 0.0005)
    return f"at {pattern}"


# The kinds


def signals(trainings: Trainings, chance: Random, folder: Path) -> str:
    """A training is killed, interrupted, stopped or halted up to three times, and resumed each time."""
    config = chance.randrange(len(CONFIGS))
    _, seconds = trainings.undisturbed(config)
    runs, story = folder / "runs", []
    for _ in range(chance.randint(1, 3)):
        command = begin(trainings, runs, config)
        moment = wait_for_moment(chance, runs / NAME, command, seconds)
        how = chance.choice(list(STRIKES))
        story.append(f"{how} {moment}")
        allowed = STRIKES[how](chance, command, runs / NAME)
        before = digests(runs / NAME)
        code = command.wait()
        story[-1] += f" ({code})"
        with told("; ".join(story)):
            command.check_end((0, *allowed))
            check_kept(runs / NAME, before)
        if _is_finished(runs / NAME):
            break
    with told("; ".join(story)):
        kept = digests(runs / NAME)
        finish_keeping(trainings, runs, config, kept)
    return ", ".join(story)


def finish_keeping(trainings: Trainings, runs: Path, config: int, kept: dict[str, str]) -> None:
    """`finish`, and the snapshots that were whole stay what they were: they are the undisturbed training's arrays."""
    run = runs / NAME
    if not _is_finished(run) and (run / "config.json").exists():
        done = trainings.commands.run("mtm", "resume", NAME, "--runs", runs)
        check(done.code == 0, f"{done} after the fault ended with {done.code}: {done.err}")
    check_kept(run, kept)
    finish(trainings, runs, config)


def _send(*numbers: int) -> Callable[[Random, Command, Path], tuple[int, ...]]:
    """Signals, one right after the other; the exit codes that a training may have after them."""

    def strike(chance: Random, command: Command, run: Path) -> tuple[int, ...]:
        for number in numbers:
            _signal(command, number)
        return 130, *(-number for number in numbers)

    return strike


def _halt(chance: Random, command: Command, run: Path) -> tuple[int, ...]:
    """Stopped for a while, as a laptop that sleeps."""
    _signal(command, signal.SIGSTOP)
    time.sleep(chance.uniform(0.05, 0.5))
    _signal(command, signal.SIGCONT)
    return (0,)


def _halt_and_kill(chance: Random, command: Command, run: Path) -> tuple[int, ...]:
    _signal(command, signal.SIGSTOP)
    time.sleep(chance.uniform(0.01, 0.1))
    _signal(command, signal.SIGKILL)
    return (-signal.SIGKILL,)


def _ask(chance: Random, command: Command, run: Path) -> tuple[int, ...]:
    """The file that asks a training to stop; it may come at any time, also too late."""
    with contextlib.suppress(OSError):
        (run / "stop").touch()
    return (130,)


def _signal(command: Command, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if command.code is None and command.process.pid:
            os.kill(command.process.pid, number)


STRIKES: dict[str, Callable[[Random, Command, Path], tuple[int, ...]]] = {
    "SIGKILL": _send(signal.SIGKILL),
    "SIGTERM": _send(signal.SIGTERM),
    "SIGINT": _send(signal.SIGINT),
    "SIGHUP": _send(signal.SIGHUP),
    "SIGINT twice": _send(signal.SIGINT, signal.SIGINT),
    "SIGTERM and SIGKILL": _send(signal.SIGTERM, signal.SIGKILL),
    "SIGSTOP and SIGCONT": _halt,
    "SIGSTOP and SIGKILL": _halt_and_kill,
    "a stop file": _ask,
}  # fmt: skip


def full_disk(trainings: Trainings, chance: Random, folder: Path) -> str:
    """The disk is full, or files may not grow, at a random point of a training; there is room again when it goes on."""
    config = chance.randrange(len(CONFIGS))
    whole, _ = trainings.undisturbed(config)
    disk = folder / "disk"
    if chance.random() < 0.5 and mount_small(disk):
        size = sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
        room = int(chance.uniform(0, 1.5 * size))
        try:
            (disk / "filling").write_bytes(bytes(max(0, SMALL_DISK - room)))
            story = f"{room:,} bytes left on the disk"
            command = begin(trainings, disk / "runs", config)
            code = command.wait()
            before = digests(disk / "runs" / NAME)
            with told(story):
                command.check_end((0, 1, 2))
            (disk / "filling").unlink()
            with told(story):
                check_kept(disk / "runs" / NAME, before)
                finish_keeping(trainings, disk / "runs", config, before)
        finally:
            subprocess.run(["umount", disk], check=True)
        return f"{story} ({code})"
    largest = max(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    limit = int(chance.choice([chance.uniform(800, 4000), chance.uniform(800, 1.1 * largest)]))
    story = f"no file beyond {limit:,} bytes"
    command = begin(trainings, folder / "runs", config, file_size=limit)
    code = command.wait()
    before = digests(folder / "runs" / NAME)
    with told(story):
        command.check_end((0, 1, 2))
        finish_keeping(trainings, folder / "runs", config, before)
    return f"{story} ({code})"


SMALL_DISK = 8 * 2**20


def mount_small(folder: Path) -> bool:
    """Put a small disk at `folder`, where the system lets us."""
    folder.mkdir()
    with contextlib.suppress(OSError):
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "torture", str(folder)]
        return subprocess.run(mount, capture_output=True, check=False).returncode == 0
    return False


def taken_away(trainings: Trainings, chance: Random, folder: Path) -> str:
    """The folder of a run that trains is deleted or renamed: it ends with a sentence, and no half run comes back."""
    config = chance.randrange(len(CONFIGS))
    _, seconds = trainings.undisturbed(config)
    runs = folder / "runs"
    run, story = runs / NAME, []
    command = begin(trainings, runs, config)
    if not until(lambda: (run / "config.json").exists(), 60, 0.001):
        raise Failure("the training did not begin")
    story.append(wait_for_moment(chance, run, command, seconds))
    is_renamed = chance.random() < 0.3
    over = command.code is not None
    with contextlib.suppress(OSError):  # it writes there meanwhile
        if is_renamed:
            run.rename(runs / "elsewhere")
        else:
            until(lambda: _is_removed(run), 5)  # again, while it writes there
    story.append("renamed" if is_renamed else "deleted")
    command.wait()
    if not is_renamed:
        shutil.rmtree(runs / "elsewhere", ignore_errors=True)
    with told("; ".join(story)):
        command.check_end()
        check(command.code in (1, 2, 130) or over or command.code == 0, f"it ended with {command.code}")
        _check_no_half_run(trainings, runs)
    return ", ".join(story)


def _is_removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _check_no_half_run(trainings: Trainings, runs: Path) -> None:
    """No folder that is no run: what is there has its config, and is listed."""
    there = [path for path in runs.iterdir() if path.is_dir() and not (path / "config.json").exists()]
    check(not there, f"half a run is left: {[sorted(p.name for p in path.rglob('*')) for path in there]}")
    listed = trainings.commands.run("mtm", "runs", "--runs", runs, "--json")
    check(listed.code == 0, f"{listed} ended with {listed.code}")


def two_at_once(trainings: Trainings, chance: Random, folder: Path) -> str:
    """Others resume, list or show a run that trains: they are refused or answered, and change nothing."""
    config = chance.randrange(len(CONFIGS))
    _, seconds = trainings.undisturbed(config)
    runs, story = folder / "runs", []
    command = begin(trainings, runs, config)
    moment = wait_for_moment(chance, runs / NAME, command, seconds)
    if not (runs / NAME / "config.json").exists():
        command.wait()
    others = [trainings.commands.start("mtm", *other, "--runs", runs) for other in _others(chance)]
    story.append(f"{', '.join(other.argv[1] for other in others)} {moment}")
    with told("; ".join(story)):
        for other in others:
            other.wait()
            other.check_end()
        command.wait()
        command.check_end()
        finish_keeping(trainings, runs, config, digests(runs / NAME))
    return story[0]


def _others(chance: Random) -> list[list[str]]:
    every = [["resume", NAME], ["runs"], ["show", NAME], ["runs", "--json"]]
    return chance.choices(every, [3, 1, 1, 1], k=chance.randint(1, 3))
