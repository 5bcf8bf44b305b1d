"""Files of embeddings, labels and archives that are damaged, hostile, or whole in an unusual way.

What has to hold: a file is refused in one sentence, and nothing is left of it; or it becomes a run that opens without a
problem. Of a file that is whole the answer is known: the classes are the file's, and each image lies on its target.
"""

from __future__ import annotations

import io
import json
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray
from safetensors import safe_open

from faults.commands import Commands, check, told
from faults.damages import DAMAGES_OF_A_FILE, cut, flip, overwrite

Arrays = dict[str, Any]


def plain(chance: Random) -> Arrays:
    """Embeddings that lie on the target of their class, so that every classifier of targets is right."""
    n, c, d = chance.randint(12, 60), chance.randint(2, 12), chance.randint(2, 9)
    rng = np.random.default_rng(chance.getrandbits(32))
    targets = 10 * rng.standard_normal((c, d))
    labels = np.concatenate([np.arange(c), rng.integers(0, c, n)])
    return {"embeddings": targets[labels], "labels": labels, "class_embeddings": targets}


def whole_npz(chance: Random, folder: Path) -> tuple[Path, list[str], list[str]]:
    """A whole file, its classes in order, and the class of each image.

    Labels are words, numerals as text or numbers, with names or without, of one epoch or several.
    """
    arrays = plain(chance)
    y, n = arrays["labels"], len(arrays["class_embeddings"])
    names = [f"{chance.choice('abcxyz')}{k}" for k in range(n)]
    chance.shuffle(names)
    kind = chance.choice(["words and names", "words", "numerals as text", "numbers", "bytes", "float labels"])
    if kind == "words and names":
        arrays |= {"labels": np.array(names)[y], "class_names": np.array(names)}
    elif kind in ("words", "bytes"):
        names.sort(key=natural)
        arrays["labels"] = np.array(names)[y].astype("S" if kind == "bytes" else "U")
        del arrays["class_embeddings"]  # whose they are, nothing says
    else:
        names = [str(k) for k in range(n)]
        arrays["labels"] = y.astype({"numerals as text": "U", "numbers": "i2"}.get(kind, "f8"))
    if chance.random() < 0.4:
        arrays["embeddings"] = np.stack([arrays["embeddings"]] * 3)
    arrays["embeddings"] = arrays["embeddings"].astype(chance.choice(["f4", "f8", ">f8", "f2"]))
    path = folder / "whole.npz"
    np.savez(path, **arrays)
    return path, names, [names[k] for k in y]


def natural(name: str) -> tuple[str, int]:
    return name[0], int(name[1:])


def whole_parquet(chance: Random, folder: Path) -> tuple[Path, list[str], list[str]]:
    """The same as a table, its columns in one of two forms."""
    arrays = plain(chance)
    y, n, e = arrays["labels"], len(arrays["class_embeddings"]), arrays["embeddings"]
    names = [str(k) for k in range(n)]
    if chance.random() < 0.5:
        names = sorted((f"{chance.choice('abc')}{k}" for k in range(n)), key=natural)
    columns: dict[str, Any] = {"label": np.array(names)[y]}
    columns |= {"embedding": list(e)} if chance.random() < 0.5 else {f"e{i}": e[:, i] for i in range(e.shape[1])}
    path = folder / "whole.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path, names, [names[k] for k in y]


# Hostile files: each writes one, and says what is wrong with it


def odd_arrays(chance: Random, folder: Path) -> str:
    """An npz of which one array is not what it should be."""
    arrays = plain(chance)
    name = chance.choice(
        [*arrays, "thumbnails", "indices", "epochs", "class_names", "reference_centres", "weight", "x"]
    )
    n, c = len(arrays["labels"]), len(arrays["class_embeddings"])
    e = arrays["embeddings"]
    odd: dict[str, Callable[[], Any]] = {
        "complex": lambda: e + 1j,
        "NaN": lambda: np.where(np.arange(len(e))[:, None] == 1, np.nan, e),
        "infinite": lambda: np.full_like(e, np.inf),
        "objects": lambda: np.array([{"a": 1}, None], dtype=object),
        "text": lambda: np.array([["a", "b"]] * n),
        "empty": lambda: np.zeros((0, 3)),
        "one number": lambda: np.float64(3),
        "4 axes": lambda: np.zeros((2, 2, 2, 2)),
        "negative": lambda: -np.arange(n),
        "huge numbers": lambda: np.full(n, 2**62),
        "dates": lambda: np.full(n, np.datetime64("2026-01-01")),
        "names twice": lambda: np.array(["a"] * c),
        "names that look alike": lambda: np.array(["é", "é"] * c)[:c],
        "names of escape codes": lambda: np.array(["\x1b[31m", "=1+1", "\n", "\u202e"] * c)[:c],
        "a very long name": lambda: np.array(["x" * 100_000] * c),
        "records": lambda: np.zeros(n, dtype=[("a", "f4"), ("b", "i4")]),
        "booleans": lambda: np.ones(n, bool),
        "too many": lambda: np.arange(n + 1),
        "uint64": lambda: np.full(n, 2**64 - 1, np.uint64),
        "strided": lambda: np.lib.stride_tricks.as_strided(np.zeros(1), (n, 3), (0, 0)),
    }
    what = chance.choice(list(odd))
    arrays[name] = odd[what]()
    np.savez(folder / "odd.npz", **arrays)
    return f"odd.npz: {name} {what}"


def odd_header(chance: Random, folder: Path) -> str:
    """An .npy, alone or in an .npz, whose header promises what is not there."""
    shape = chance.choice(["(1000000000000, 8)", "(-1, 3)", "(3, " * 5000, f"({'9' * 400},)", "(2**70,)", "None", "()"])
    kind = chance.choice(["'<f8'", "'|O'", "'<U1000000000'", "[('a', '<f8')]", "'nonsense'", "'|V8'"])
    if chance.random() < 0.7:
        kind = "'<f8'"
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}}}".encode()
    header = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text
    content = header + bytes(chance.choice([0, 8, 4096]))
    if chance.random() < 0.5:
        (folder / "odd.npy").write_bytes(content)
        (folder / "labels.txt").write_text("0\n1\n" * 20)
        return f"odd.npy: shape {shape[:40]}, {kind}"
    with zipfile.ZipFile(folder / "odd.npz", "w") as archive:
        archive.writestr("embeddings.npy", content)
        archive.writestr("labels.npy", npy(np.arange(4)))
    return f"odd.npz: shape {shape[:40]}, {kind}"


def npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def bomb(chance: Random, folder: Path) -> str:
    """An archive of a few MB that would unpack to gigabytes, or to a hundred thousand files."""
    ending = chance.choice(["npz", "zip", "tar"])
    path = folder / f"bomb.{ending}"
    if ending == "tar":
        with path.open("wb") as file:  # a header that promises gigabytes, in a file with a hole
            info = tarfile.TarInfo("run/config.json")
            info.size = 6 * 2**30
            file.write(info.tobuf())
            file.truncate(6 * 2**30 + 2048)
        return "bomb.tar: 6 GB in a file with a hole"
    many = ending == "zip" and chance.random() < 0.5
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        if many:
            archive.writestr("run/config.json", "{}")
            for k in range(30_000):
                archive.writestr(f"run/snapshots/{k:06d}.safetensors", b"")
            return "bomb.zip: 30,000 snapshots"
        name = "embeddings.npy" if ending == "npz" else "run/points.safetensors"
        with archive.open(name, "w", force_zip64=True) as member:
            if ending == "npz":
                text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (50000000, 8)}"
                member.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)
            for _ in range(200):
                member.write(bytes(16 * 2**20))
        if ending == "npz":
            archive.writestr("labels.npy", npy(np.arange(4)))
    return f"{path.name}: {path.stat().st_size / 2**20:.1f} MB that unpack to 3.3 GB"


def odd_archive(chance: Random, folder: Path, run: Path) -> str:
    """The archive of a run, damaged, or with names that lead out of it."""
    ending = chance.choice(["zip", "tar"])
    path = folder / f"odd.{ending}"
    extra = chance.choice(["../../out.txt", "/tmp/out.txt", "run/../../out", "run/config.json", "con", "run/snapshots"])
    files = sorted(file for file in run.rglob("*") if file.is_file())
    if chance.random() < 0.4:
        files = [file for file in files if chance.random() < 0.7]
    if ending == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, f"run/{file.relative_to(run)}")
            archive.writestr(extra, chance.choice(["{}", "x", "[" * 100_000]))
    else:
        with tarfile.open(path, "w") as packed:
            for file in files:
                packed.add(file, f"run/{file.relative_to(run)}")
            info = tarfile.TarInfo(extra)
            info.type = chance.choice(
                [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.REGTYPE, tarfile.DIRTYPE]
            )
            info.linkname = "/etc/passwd"
            packed.addfile(info)
    how = ""
    if chance.random() < 0.5:
        how = chance.choice((cut, flip, overwrite))(chance, path)
    return f"odd.{ending} with {extra} {how}"


def odd_table(chance: Random, folder: Path) -> str:
    """A parquet file with columns that are no dimensions, or rows that do not fit."""
    arrays = plain(chance)
    n = len(arrays["labels"])
    columns: dict[str, Any] = {
        "label": arrays["labels"],
        "e0": arrays["embeddings"][:, 0],
        "e1": arrays["embeddings"][:, 1],
    }
    odd: dict[str, dict[str, Any]] = {
        "a missing label": {"label": [None, *arrays["labels"][1:].tolist()]},
        "a column of text": {"note": ["x"] * n},
        "a column of lists": {"lists": [[1, 2]] * n},
        "vectors of two lengths": {"embedding": [[1.0]] + [[1.0, 2.0]] * (n - 1)},
        "booleans": {"is_right": [True] * n},
        "dates": {"when": np.full(n, np.datetime64("2026-01-01T00:00:00", "ms"))},
        "a missing number": {"e0": [None, *arrays["embeddings"][1:, 0].tolist()]},
        "epochs of other rows": {"epoch": [0] * (n - 1) + [1]},
        "structs": {"deep": [{"a": {"b": 1}}] * n},
        "labels of floats": {"label": arrays["labels"] + 0.5},
        "a column with a name of escape codes": {"\x1b[31m": np.zeros(n)},
        "decimals": {"label": pyarrow.array([1] * n).cast(pyarrow.decimal128(20))},
    }
    what = chance.choice(list(odd))
    pyarrow.parquet.write_table(pyarrow.table(columns | odd[what]), folder / "odd.parquet")
    return f"odd.parquet: {what}"


def odd_labels(chance: Random, folder: Path) -> str:
    """Embeddings that are whole, with a file of labels that is not."""
    arrays = plain(chance)
    y = [str(k) for k in arrays["labels"]]
    np.save(folder / "odd.npy", arrays["embeddings"])
    texts: dict[str, bytes] = {
        "a byte-order mark": b"\xef\xbb\xbf" + "\n".join(y).encode(),
        "a header": b"label\n" + "\n".join(y).encode(),
        "columns": b"\n".join(f"{k}\tx\t{i}".encode() for i, k in enumerate(y)),
        "UTF-16": "\n".join(y).encode("utf-16"),
        "no line": b"",
        "empty lines": "\n\n".join(y).encode(),
        "one too few": "\n".join(y[1:]).encode(),
        "a number of 5,000 digits": b"9" * 5000 + b"\n" + "\n".join(y[1:]).encode(),
        "a million lines": b"1\n" * 1_000_000,
        "bytes": chance.randbytes(1000),
        "zeros": bytes(1000),
        "carriage returns": "\r".join(y).encode(),
        "escape codes": "\n".join(f"\x1b[3{k[0]}m" for k in y).encode(),
        "floats": "\n".join(f"{k}.0" for k in y).encode(),
        "signs": "\n".join(f"+{k}" for k in y).encode(),
    }
    what = chance.choice(list(texts))
    (folder / "labels.txt").write_bytes(texts[what])
    return f"labels with {what}"


def damaged_file(chance: Random, folder: Path) -> str:
    """A whole file, damaged somewhere, or replaced by something that is no file."""
    path, *_ = chance.choice([whole_npz, whole_parquet])(chance, folder)
    damage = chance.choice(DAMAGES_OF_A_FILE)
    story = damage(chance, path)
    path.rename(folder / f"odd{path.suffix}")
    return f"{path.name} {story}"


def hostile_import(commands: Commands, run: Path, chance: Random, folder: Path) -> str:
    """`mtm import` of a file that nobody should have to import."""
    folder.mkdir()
    kinds: tuple[Callable[[], str], ...] = (
        lambda: odd_arrays(chance, folder),
        lambda: odd_header(chance, folder),
        lambda: odd_table(chance, folder),
        lambda: odd_labels(chance, folder),
        lambda: damaged_file(chance, folder),
        lambda: odd_archive(chance, folder, run),
    )
    is_bomb = chance.random() < 0.03
    story = bomb(chance, folder) if is_bomb else chance.choice(kinds)()
    runs = folder / "runs"
    arguments: list[object] = [next(folder.glob("bomb.*" if is_bomb else "odd.*")), "--runs", runs]
    if (folder / "labels.txt").exists():
        arguments += ["--labels", folder / "labels.txt"]
    if chance.random() < 0.1:
        arguments += ["--name", chance.choice(["x" * 300, "../x", "", "a\nb", "-x", ".x", "nul"])]
    with told(story):
        done = commands.run("mtm", "import", *arguments, *chance.choice([[], ["--json"]]))
        check(done.code in (0, 2), f"{done} ended with {done.code}: {done.err[-300:]}")
        _check_result(commands, runs, done.code == 0, may_lack="odd.zip" in story or "odd.tar" in story)
        check(chr(27) not in done.out + done.err, "raw escape codes were printed")
    return f"{story} ({done.code})"


def whole_import(commands: Commands, run: Path, chance: Random, folder: Path) -> str:
    """`mtm import` of a file that is whole: each image has its class, and lies on its target if it has one."""
    folder.mkdir()
    path, names, classes = chance.choice([whole_npz, whole_npz, whole_parquet])(chance, folder)
    with told(f"{path.name}, classes {names}"):
        done = commands.run("mtm", "import", path, "--runs", folder / "runs", "--json")
        check(done.code == 0, f"{done} ended with {done.code}: {done.err}")
        _check_result(commands, folder / "runs", True)
        made = folder / "runs" / "whole"
        with safe_open(made / "points.safetensors", "np") as file:
            taken = json.loads(file.metadata()["header"])["class_names"]
            labels = file.get_tensor("labels")
        check(taken == names, f"the classes became {taken}")
        check([taken[k] for k in labels] == classes, "images have other classes than in the file")
        row = json.loads((made / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        wrong = {name: share for name, share in row["accuracy"].items() if name.endswith("_ce") and share < 1}
        check(not wrong, f"images that lie on their targets are not all of their class: {wrong}")
    return f"{path.name}, {len(names)} classes"


def _check_result(commands: Commands, runs: Path, is_done: bool, may_lack: bool = False) -> None:
    """One run that opens, without a problem unless the file `may_lack` parts of it; or nothing at all."""
    there = sorted(os.listdir(runs)) if runs.exists() else []
    check(len(there) == (1 if is_done else 0), f"the folder of runs holds {there}")
    if is_done:
        listed = commands.run("mtm", "runs", "--runs", runs, "--json")
        row = json.loads(listed.out.splitlines()[0])
        check(may_lack or (not row.get("problems") and not row.get("problem")), f"the imported run has problems: {row}")
