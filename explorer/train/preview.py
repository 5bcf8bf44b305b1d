"""What a training will be like, before it begins: its images, how long it takes, how much it writes.

Sizes and speed come from `explorer.train.preview_process`, a process that is asked in the background; what it says is
kept in the cache folder, for this machine. Nothing is measured while something trains: the measurement would be wrong,
and in the way.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mtm.config import TrainConfig
from mtm.data.sources import DATASETS
from mtm.run_folder.files import write_json
from mtm.run_folder.readers import read_json
from mtm.train_loop.cost import Sizes, Speed, estimate_cost

VERSION = 1  # of what is kept; raise it when `explorer.train.preview_process` answers differently
IDLE_SECONDS = 60.0  # how long the process waits for more questions
TEST_IMAGES = 10_000  # of every data set that torchvision downloads
SPEED_FIELDS = ("backbone", "head", "loss", "dim", "batch_size", "device", "precision", "optimiser")


class Preview:
    """Answers at once with what is known, and finds out the rest meanwhile. Any thread may call."""

    def __init__(self, cache: Path, is_busy: Callable[[], bool]) -> None:
        self.cache, self.is_busy = cache, is_busy
        self._wanted: dict[str, tuple[str, dict[str, Any]]] = {}  # the newest question of each kind
        self._failed: dict[str, str] = {}  # what cannot be answered, and why
        self._asked: str | None = None  # the question being answered
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def of(self, config: TrainConfig) -> dict[str, Any]:
        """`look` and `estimate`, each None until it is known, `pending`, what is being found out, and `problems`."""
        looked, where = self._look(config)
        told: dict[str, Any] = {"look": looked, "estimate": None, "pending": None, "problems": {}, "missing": where}
        if looked and "problem" in looked:
            return {**told, "look": None, "problems": {"dataset": looked["problem"]}}
        sizes = _sizes(looked) if looked else _known_sizes(config)
        if sizes is None:
            return {**told, "pending": "looking at the images"}
        told |= {"sizes": asdict(sizes), "pending": None if looked or where else "looking at the images"}
        speed = self._speed(config, sizes)
        if speed is None:
            busy = self.is_busy()
            return {**told, "pending": told["pending"] or (None if busy else "measuring the speed"), "busy": busy}
        if "problem" in speed:
            return {**told, "problems": {"backbone": speed["problem"]}}
        return {**told, "estimate": estimate_cost(config, sizes, Speed(**speed)), "speed": speed}

    def interrupt(self) -> None:
        """Give up measuring: a training is about to begin."""
        with self._lock:
            self._wanted.pop("speed", None)
            if self._process and (self._asked or "").startswith("speed"):
                self._asked = None
                self._process.kill()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._closed = True
            self._wanted.clear()
            if self._process:
                self._process.kill()
            self._lock.notify_all()
        if self._thread:
            self._thread.join()

    # Private

    def _look(self, config: TrainConfig) -> tuple[dict[str, Any] | None, str | None]:
        """What `preview_process.look` says, and where the files of a data set belong that is not on disk."""
        source = DATASETS.get(config.dataset)
        place = Path(config.data_root) / source.where if source else Path(config.dataset)
        if source and source.where and not any(place.glob("*")):
            return None, str(place)  # looking would download it
        asked = {name: getattr(config, name) for name in ("dataset", "data_root", "resize", "crop")}
        stamp = place.stat().st_mtime_ns if (source is None or source.where) and place.exists() else 0
        return self._ask("look", {**asked, "data_root": str(config.data_root)}, str(stamp)), None

    def _speed(self, config: TrainConfig, sizes: Sizes) -> dict[str, Any] | None:
        known = {name: getattr(config, name) for name in SPEED_FIELDS}
        if config.head == "linear":
            known = {name: value for name, value in known.items() if name not in ("loss", "dim")}
        shape = [sizes.height, sizes.width, sizes.channels]
        return self._ask("speed", {"config": known, "shape": shape, "n_classes": sizes.n_classes}, socket.gethostname())

    def _ask(self, kind: str, asked: dict[str, Any], more: str) -> dict[str, Any] | None:
        """The answer if it is known; else the question waits for its turn, in place of an older one of its kind."""
        text = json.dumps([VERSION, kind, asked, more], sort_keys=True)
        key = f"{kind}-{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"
        answer, problem = read_json(self._path(key))
        if problem is None:
            return answer
        if key in self._failed:
            return {"problem": self._failed[key]}
        with self._lock:
            if not self._closed and self._asked != key and not (kind == "speed" and self.is_busy()):
                self._wanted[kind] = key, {"kind": kind, "asked": asked}
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="outlook", daemon=True)
                    self._thread.start()
                self._lock.notify_all()
        return None

    def _path(self, key: str) -> Path:
        return self.cache / "outlook" / f"{key}.json"

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wanted and not self._closed:
                    self._lock.wait(IDLE_SECONDS)
                if self._closed or not self._wanted:
                    self._end_process()
                    self._thread = None if not self._closed else self._thread
                    return
                kind = min(self._wanted)  # "look" before "speed"
                key, request = self._wanted.pop(kind)
                self._asked = key
                process = self._begin_process()
            answer = _exchange(process, request)
            with self._lock:
                was_interrupted, self._asked = self._asked is None, None
            if answer is None and was_interrupted:  # whoever still wants to know asks again
                continue
            answer = answer or {"problem": "trying it out ended without an answer; perhaps memory ran out"}
            if "problem" in answer:
                self._failed[key] = answer["problem"]
                continue
            with contextlib.suppress(OSError):  # a full disk: it is found out again next time
                self._path(key).parent.mkdir(parents=True, exist_ok=True)
                write_json(self._path(key), answer)

    def _begin_process(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._end_process()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "explorer.train.preview_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
        return self._process

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if stream:
                        stream.close()


def _exchange(process: subprocess.Popen[str], request: dict[str, Any]) -> dict[str, Any] | None:
    """Send one request and wait for its answer; None if the process ended meanwhile."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer
    except (OSError, ValueError):
        return None


def _sizes(looked: dict[str, Any]) -> Sizes | None:
    if not looked["height"]:
        return None
    names = ("train", "test", "height", "width", "channels")
    return Sizes(n_classes=len(looked["class_names"]), **{name: looked[name] for name in names})


def _known_sizes(config: TrainConfig) -> Sizes | None:
    """The sizes of a known data set that is not on disk, from its entry."""
    source = DATASETS.get(config.dataset)
    numbers = re.match(r"([\d,]+) of (\d+)x(\d+) (\w+)", source.size) if source and source.where else None
    if source is None or numbers is None:
        return None
    total, side = int(numbers[1].replace(",", "")), int(numbers[2])
    resize = source.resize if config.resize is None else config.resize
    crop = source.crop if config.crop is None else config.crop
    side = crop or resize or side
    classes = 100 if config.dataset == "cifar100" else 10
    return Sizes(total - TEST_IMAGES, TEST_IMAGES, classes, side, side, 1 if numbers[4] == "grey" else 3)


def time_in_words(seconds: float) -> str:
    """A duration as people say it: about 20 s, 4 min, 1 h 20 min, 3 days."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if hours < 10 and rest else f"{hours} h"
    return f"{round(hours / 24)} days"
