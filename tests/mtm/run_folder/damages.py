"""Damages of a recorded run, by name: what disks, sync tools, other programs and hands do to files, and worse.

`damages()` gives for each a function that does it to a run's folder. They are the same in every process.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

Damage = Callable[[Path], object]
JSON_FILES = ("config.json", "status.json", "metrics.jsonl")
ARRAYS = ("points.safetensors", "snapshots/000001.safetensors", "snapshots/000002.safetensors")
FILES = (*JSON_FILES, *ARRAYS, "log.txt", "process.json", "selections.json", "stop", "lock", "checkpoint", "snapshots")
DEEP = "[" * 100_000
# JSON texts of values that no reader expects; those of numbers that no float or no word of 64 bits holds among them
VALUES = (
    *("null", "true", "0", "-1", "1.5", "1e400", "-1e400", "NaN", "1e308", "1" * 400, "1" * 5000, str(2**63 - 1)),
    *('""', '"x"', '"\\ud800"', '"\\u0000"', '"../../etc"', "[]", "{}", '["x"]', "[[1]]", "[1e400]", '[null, "x"]'),
    *('{"a": {"b": []}}', "[" * 900 + "]" * 900),
)
NAMES = (  # of further files in snapshots/
    *("000002 (1).safetensors", "~lock", ".DS_Store", "٣.safetensors", "²00002.safetensors"),
    *(
        "9" * 200 + ".safetensors",
        "2.safetensors",
        "0000002.safetensors",
        "a.safetensors",
        "000002-conflict.safetensors",
    ),
    *(
        "-00001.safetensors",
        "00000x.safetensors",
        "000002.safetensors.tmp",
        "000003.SAFETENSORS",
        "caf\udce9.safetensors",
    ),
)
DTYPES: tuple[Any, ...] = (
    "F64",
    "F32",
    "F16",
    "BF16",
    "I64",
    "I32",
    "I8",
    "U8",
    "U64",
    "BOOL",
    "X",
    "",
    7,
    None,
    [],
    {},
)
SHAPES: tuple[Any, ...] = (
    *([], [0], [-1], [1], [10**30], [2**31, 2**33], [2**62, 4], [1.5], ["x"], [True], None, "x", 7, {}, [[1]]),
    *([1] * 40, [0, 2**62], [60, 0], [10**18, 0, 10**18]),
)
OFFSETS: tuple[Any, ...] = ([0, 0], [8, 0], [-8, 8], [0, 10**18], [0], [0, 1, 2], None, "x", {}, [0.0, 8.0], [None, 8])


def damages(seed: int = 0) -> dict[str, Damage]:
    """Every damage by its name, such as `status.json: heartbeat = "x"`."""
    return dict(_all(random.Random(seed)))


def _all(rng: random.Random) -> Iterator[tuple[str, Damage]]:
    for file in FILES:
        for name, damage in (*PLACES.items(), *(TEXTS.items() if file.endswith((".json", ".jsonl", ".txt")) else ())):
            yield f"{file}: {name}", partial(damage, file=file)
    for file in JSON_FILES:
        for value in VALUES:
            yield f"{file}: all of it is {value[:20]}", partial(write, file=file, content=value.encode())
            yield f"{file}: each value is {value[:20]}", partial(set_values, file=file, value=value)
    for file, keys in KEYS.items():
        for key in keys:
            for value in VALUES:
                yield f"{file}: {key} = {value[:20]}", partial(set_value, file=file, key=key, value=value)
    for file in ARRAYS:
        yield from _of_arrays(file, rng)
    for name in NAMES:
        yield f"snapshots/{name[:30]!a}", partial(copy_snapshot, name=name)
        yield f"snapshots/{name[:30]!a}, a folder", partial(make_folder, name=name)
    for _ in range(60):
        file, at, byte = rng.choice((*JSON_FILES, *ARRAYS)), rng.random(), rng.randrange(256)
        yield f"{file}: byte {at:.6f} is {byte}", partial(set_byte, file=file, at=at, byte=byte)
    for i in range(20):
        file, at = rng.choice((*JSON_FILES, *ARRAYS)), rng.random()
        yield f"{file}: cut at {at:.6f} ({i})", partial(cut, file=file, at=at)


def _of_arrays(file: str, rng: random.Random) -> Iterator[tuple[str, Damage]]:
    names = POINT_ARRAYS if file == "points.safetensors" else SNAPSHOT_ARRAYS
    for name in names:
        for key, values in (("dtype", DTYPES), ("shape", SHAPES), ("data_offsets", OFFSETS)):
            for value in values:
                yield (
                    f"{file}: {key} of {name} = {value!s:.30}",
                    partial(set_entry, file=file, name=name, key=key, value=value),
                )
        yield f"{file}: no {name}", partial(set_entry, file=file, name=name, key=None, value=None)
        for fill in ("nan", "inf", "ones", "zeros"):
            yield f"{file}: {name} all {fill}", partial(fill_array, file=file, name=name, fill=fill)
    keys = ("class_names",) if file == "points.safetensors" else ("epoch", "classifiers", "metrics")
    for key in keys:
        for value in VALUES:
            yield f"{file}: header's {key} = {value[:20]}", partial(set_header, file=file, key=key, value=value)
    for text in (DEEP, "{}", "[]", "7", '"x"', "", "{", "\ud800"):
        yield f"{file}: header is {text[:20]!a}", partial(set_metadata, file=file, text=text)
    for length in (0, 1, 2**20, 2**40, 2**63, 2**64 - 1):
        yield f"{file}: header of {length} bytes", partial(set_length, file=file, length=length)


# Places: what stands where a file or a folder was


def remove(folder: Path, file: str) -> Path:
    path = folder / file
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return path


def make_directory(folder: Path, file: str) -> None:
    (remove(folder, file) / "inner").mkdir(parents=True)


def make_fifo(folder: Path, file: str) -> None:
    if sys.platform != "win32":
        os.mkfifo(remove(folder, file))


def make_socket(folder: Path, file: str) -> None:
    path = remove(folder, file)
    if sys.platform != "win32":
        here = os.getcwd()
        os.chdir(path.parent)  # the path of a socket has to be short
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path.name)
        finally:
            os.chdir(here)


def link(folder: Path, file: str, to: str) -> None:
    remove(folder, file).symlink_to(to)


def link_to_itself(folder: Path, file: str) -> None:
    path = remove(folder, file)
    path.symlink_to(path.name)


def write(folder: Path, file: str, content: bytes) -> None:
    remove(folder, file).write_bytes(content)


def make_sparse(folder: Path, file: str) -> None:
    with remove(folder, file).open("wb") as made:
        made.truncate(2 << 30)


PLACES: dict[str, Any] = {
    "removed": remove,
    "a directory": make_directory,
    "a pipe": make_fifo,
    "a socket": make_socket,
    "a link to itself": link_to_itself,
    "a link to nothing": partial(link, to="nowhere"),
    "a link to a device": partial(link, to="/dev/zero"),
    "a link to its folder": partial(link, to="."),
    "empty": partial(write, content=b""),
    "zeros": partial(write, content=bytes(5000)),
    "noise": partial(write, content=random.Random(0).randbytes(5000)),
    "two gigabytes of nothing": make_sparse,
}


# Texts


def recode(folder: Path, file: str, encoding: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8") if path.exists() else "{}"
    path.write_bytes(text.encode(encoding))


TEXTS: dict[str, Any] = {
    "in UTF-16": partial(recode, encoding="utf-16"),
    "with a byte-order mark": partial(recode, encoding="utf-8-sig"),
    "no UTF-8": partial(write, content=b'{"state": "\xff\xfe", "epoch": "\xed\xa0\x80"}\n'),
    "100,000 deep": partial(write, content=DEEP.encode()),
    "100,000 objects deep": partial(write, content=b'{"a":' * 100_000),
    "half": partial(write, content=b'{"half": '),
}


def set_value(folder: Path, file: str, key: str, value: str) -> None:
    """Put the text of a value where the value of a key was; a key in the config is `config.KEY`."""
    marker = "@value@"
    lines = [json.loads(line) for line in _objects(folder / file)]
    for stored in lines[1:2] or lines:
        *within, last = key.split(".")
        inner = stored
        for part in within:
            inner = inner[part]
        inner[last] = marker
    _write_objects(folder / file, lines, marker, value)


def set_values(folder: Path, file: str, value: str) -> None:
    lines = [dict.fromkeys(json.loads(line), "@value@") for line in _objects(folder / file)]
    _write_objects(folder / file, lines, "@value@", value)


def _objects(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return text.splitlines() if path.suffix == ".jsonl" else [text]


def _write_objects(path: Path, stored: list[Any], marker: str, value: str) -> None:
    path.write_text("".join(json.dumps(each).replace(f'"{marker}"', value) + "\n" for each in stored), encoding="utf-8")


KEYS = {
    "config.json": (
        *("format", "config", "class_names", "created", "command", "versions", "device", "notes", "own"),
        *(f"config.{key}" for key in ("dataset", "backbone", "loss", "head", "dim", "epochs", "device", "batch_size")),
        *(f"config.{key}" for key in ("record", "validation", "held_out", "loss_args", "seed", "lr", "self")),
    ),
    "status.json": (
        *("state", "epoch", "progress", "images_per_second", "seconds_left", "loss", "error", "heartbeat"),
        *("host", "pid", "pid_started", "own"),
    ),
    "metrics.jsonl": (
        *("snapshot", "epoch", "loss", "n", "split", "accuracy", "accuracy.euc", "validation_accuracy", "accuracy_n"),
        *("cluster_size", "centre_distance", "mean_centre_separation", "median_cosine_similarity", "own"),
        *("cluster_size_per_class", "centre_distance_per_class", "target_gap", "target_gap_per_class"),
    ),
}


# Arrays

POINT_ARRAYS = ("labels", "indices", "thumbnails")
SNAPSHOT_ARRAYS = (
    *("embeddings", "class_embeddings", "reference_centres", "centre_distances", "target_distances"),
    *("predictions.euc", "margins.euc"),
)


def set_table(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the table of a safetensors file; what it describes stays where it was."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    table = json.loads(content[8 : 8 + length])
    change(table)
    text = json.dumps(table).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


def set_entry(folder: Path, file: str, name: str, key: str | None, value: Any) -> None:
    def change(table: dict[str, Any]) -> None:
        if key is None:
            del table[name]
        else:
            table[name][key] = value

    set_table(folder / file, change)


def fill_array(folder: Path, file: str, name: str, fill: str) -> None:
    path = folder / file
    content = bytearray(path.read_bytes())
    length = int.from_bytes(content[:8], "little")
    entry = json.loads(content[8 : 8 + length])[name]
    begin, end = (8 + length + offset for offset in entry["data_offsets"])
    content[begin:end] = ((end - begin) * _patterns(entry["dtype"])[fill])[: end - begin]
    path.write_bytes(content)


def _patterns(dtype: str) -> dict[str, bytes]:
    floats = {"F16": ("007e", "007c"), "F32": ("0000c07f", "0000807f"), "F64": ("000000000000f87f", "000000000000f07f")}
    nan, inf = floats.get(dtype, ("80", "7f"))
    return {"nan": bytes.fromhex(nan), "inf": bytes.fromhex(inf), "ones": b"\xff", "zeros": b"\0"}


def set_header(folder: Path, file: str, key: str, value: str) -> None:
    def change(table: dict[str, Any]) -> None:
        header = json.loads(table["__metadata__"]["header"]) | {key: "@value@"}
        table["__metadata__"]["header"] = json.dumps(header).replace('"@value@"', value)

    set_table(folder / file, change)


def set_metadata(folder: Path, file: str, text: str) -> None:
    set_table(folder / file, lambda table: table.update(__metadata__={"header": text}))


def set_length(folder: Path, file: str, length: int) -> None:
    path = folder / file
    path.write_bytes(length.to_bytes(8, "little") + path.read_bytes()[8:])


def copy_snapshot(folder: Path, name: str) -> None:
    shutil.copy(folder / "snapshots" / "000002.safetensors", folder / "snapshots" / name)


def make_folder(folder: Path, name: str) -> None:
    (folder / "snapshots" / name).mkdir()


def set_byte(folder: Path, file: str, at: float, byte: int) -> None:
    content = bytearray((folder / file).read_bytes())
    content[int(at * len(content))] = byte
    (folder / file).write_bytes(content)


def cut(folder: Path, file: str, at: float) -> None:
    os.truncate(folder / file, int(at * (folder / file).stat().st_size))
