"""The preview of a training: its images, how long it takes, how much it writes.

Images and speed come from `explorer.train.preview_process`, which works in the background; its answers are cached in
the cache folder, for this machine. Nothing is measured while something trains: the measurement would be wrong, and slow
the training down.
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
from mtm.data.folders import last_change
from mtm.data.known import DATASETS, look_for
from mtm.run_folder.files import write_json
from mtm.run_folder.readers import read_json
from mtm.train_loop.cost import Sizes, Speed, estimate_cost

VERSION = 2  # of cached answers; raise it when `explorer.train.preview_process` answers differently
IDLE_SECONDS = 60.0  # without a request, after which the process is ended
TEST_IMAGES = 10_000  # of every data set that torchvision downloads
SPEED_FIELDS = ("backbone", "head", "loss", "dim", "batch_size", "device", "precision", "optimiser")


class Preview:
    """Answers at once from the cache; missing parts are computed in the background. Any thread may call."""

    def __init__(self, cache: Path, is_busy: Callable[[], bool]) -> None:
        self.cache, self.is_busy = cache, is_busy
        self._waiting: dict[str, tuple[str, dict[str, Any]]] = {}  # the newest request of each kind, with its key
        self._failures: dict[str, str] = {}  # why, by the key of a request that failed
        self._current: str | None = None  # the key of the request in progress
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def describe(self, config: TrainConfig) -> dict[str, Any]:
        """`look` and `estimate`, each None until it is known, `pending`, the work in progress, and `problems`."""
        images, missing = self._describe_images(config)
        answer: dict[str, Any] = {"look": images, "estimate": None, "pending": None, "problems": {}, "missing": missing}
        if images and "problem" in images:
            return {**answer, "look": None, "problems": {"dataset": images["problem"]}}
        sizes = _sizes(images) if images else _listed_sizes(config)
        if sizes is None:
            return {**answer, "pending": "looking at the images"}
        answer |= {"sizes": asdict(sizes), "pending": None if images or missing else "looking at the images"}
        speed = self._measure_speed(config, sizes)
        if speed is None:
            busy = self.is_busy()
            return {**answer, "pending": answer["pending"] or (None if busy else "measuring the speed"), "busy": busy}
        if "problem" in speed:
            return {**answer, "problems": {"backbone": speed["problem"]}}
        return {**answer, "estimate": estimate_cost(config, sizes, Speed(**speed)), "speed": speed}

    def interrupt(self) -> None:
        """Stop a measurement, since a training is about to begin."""
        with self._lock:
            self._waiting.pop("speed", None)
            if self._process and (self._current or "").startswith("speed"):
                self._current = None
                self._process.kill()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            if self._process:
                self._process.kill()
            self._lock.notify_all()
        if self._thread:
            self._thread.join()

    # Private

    def _describe_images(self, config: TrainConfig) -> tuple[dict[str, Any] | None, str | None]:
        """The answer of `preview_process.describe_images`, and the folder of a data set that is not on disk yet."""
        source = DATASETS.get(config.dataset)
        path = Path(config.data_root) / source.where if source else Path(config.dataset)
        if source and look_for(source, Path(config.data_root)).needs_download:
            return None, str(path)  # reading the images would download them
        parameters = {name: getattr(config, name) for name in ("dataset", "data_root", "resize", "crop")}
        stamp = "" if source and not source.where else str(_last_change(path))
        return self._request("look", {**parameters, "data_root": str(config.data_root)}, stamp), None

    def _measure_speed(self, config: TrainConfig, sizes: Sizes) -> dict[str, Any] | None:
        values = {name: getattr(config, name) for name in SPEED_FIELDS}
        if config.head == "linear":
            values = {name: value for name, value in values.items() if name not in ("loss", "dim")}
        shape = [sizes.height, sizes.width, sizes.channels]
        parameters = {"config": values, "shape": shape, "n_classes": sizes.n_classes}
        return self._request("speed", parameters, socket.gethostname())

    def _request(self, kind: str, parameters: dict[str, Any], stamp: str) -> dict[str, Any] | None:
        """The cached answer; without one the request waits for its turn, in place of an older one of its kind.

        `stamp` tells answers apart that have the same parameters.
        """
        text = json.dumps([VERSION, kind, parameters, stamp], sort_keys=True)
        key = f"{kind}-{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"
        answer, problem = read_json(self._path(key))
        if problem is None:
            return answer
        if key in self._failures:
            return {"problem": self._failures[key]}
        with self._lock:
            if not self._closed and self._current != key and not (kind == "speed" and self.is_busy()):
                self._waiting[kind] = key, {"kind": kind, "parameters": parameters}
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="preview", daemon=True)
                    self._thread.start()
                self._lock.notify_all()
        return None

    def _path(self, key: str) -> Path:
        return self.cache / "preview" / f"{key}.json"

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting and not self._closed:
                    self._lock.wait(IDLE_SECONDS)
                if self._closed or not self._waiting:
                    self._end_process()
                    self._thread = None if not self._closed else self._thread
                    return
                kind = min(self._waiting)  # "look" before "speed"
                key, request = self._waiting.pop(kind)
                self._current = key
                process = self._begin_process()
            answer = _exchange(process, request)
            with self._lock:
                was_interrupted, self._current = self._current is None, None
            if answer is None and was_interrupted:  # the page requests it again
                continue
            answer = answer or {"problem": "trying it out ended without an answer; perhaps memory ran out"}
            if "problem" in answer:
                self._failures[key] = answer["problem"]
                continue
            with contextlib.suppress(OSError):  # a full disk: it is computed again next time
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


def _last_change(path: Path) -> int:
    """When the images at a path changed last, in ns: 0 if nothing is there."""
    try:
        return last_change(path) if path.is_dir() else path.stat().st_mtime_ns
    except OSError:
        return 0


def _sizes(images: dict[str, Any]) -> Sizes | None:
    if not images["height"]:
        return None
    names = ("train", "test", "height", "width", "channels")
    return Sizes(n_classes=len(images["class_names"]), **{name: images[name] for name in names})


def _listed_sizes(config: TrainConfig) -> Sizes | None:
    """The sizes of a data set that is not on disk, from its entry in `DATASETS`."""
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
