"""Files that are no plain arrays, or claim or unpack to too much: a sentence, and nothing is left of them."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from imported_files import STEPS, E, N, Y, import_npz, nothing_is_left

from mtm.cli.runs import import_embeddings
from mtm.errors import InputError
from mtm.run_folder.imports import import_file
from mtm.run_folder.imports.limits import GB, LARGEST_RATIO, LARGEST_UNPACKED, MOST_FILES
from mtm.runs import Run


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (E.astype(np.complex64), "embeddings must be numbers that are real, not complex64"),
        (E > 0, "embeddings must be numbers that are real, not bool"),
        (E.astype(str), "embeddings must be numbers"),
        (E.astype("M8[D]"), "embeddings must be numbers that are real, not datetime64"),
        (np.zeros(E.shape, [("x", "f4"), ("y", "f4")]), "embeddings must be numbers that are real"),
        (np.zeros(E.shape, "V2"), "embeddings must be numbers that are real"),
        (np.array([None, 1.0]), "embeddings.*Python objects"),
        (np.where(np.arange(N)[:, None] == 3, 1e39, E.astype(float)), "beyond the largest number of 32 bits.*row 3"),
        (np.where(np.arange(N)[:, None] == 3, np.inf, E), "NaN or infinity in 1 of 24 rows, first in row 3"),
        (np.where(np.arange(3 * N).reshape(3, N, 1) == N + 3, np.nan, STEPS), "at epoch 1: .*first in row 3"),
        (E[:0], r"labels have shape|empty"),
        (np.zeros((N, 0)), "empty"),
        (np.float32(3), r"embeddings has shape \(\)"),
    ],
)
def test_arrays_that_are_no_embeddings_are_refused(tmp_path: Path, array: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refusal:
        import_npz(tmp_path, embeddings=array)
    assert "own.npz" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize("kind", ["f2", "<f4", ">f8", "i1", "u8", "g"])
def test_numbers_of_every_kind_and_order_are_read(tmp_path: Path, kind: str) -> None:
    run, _ = import_npz(tmp_path, embeddings=np.asfortranarray(np.round(E).astype(kind)))
    np.testing.assert_array_equal(run.snapshot(0).embeddings, np.round(E))


def test_half_precision_of_other_packages_is_logged_and_complex_is_not(tmp_path: Path) -> None:
    import torch

    run = Run.create(tmp_path / "own")
    for array in (torch.zeros(N, 4, dtype=torch.complex64), torch.zeros(N, 4) > 0, E.astype(complex)):
        with pytest.raises(InputError, match="numbers that are real"):
            run.log(array, Y)
    run.log(torch.tensor(np.round(E)).bfloat16(), Y > 1)
    np.testing.assert_array_equal(run.snapshot(0).embeddings, np.round(E))
    assert run.points.class_names == ("0", "1")


def header(shape: str, kind: str = "<f8") -> bytes:
    """An .npy file that has only its header."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def stored(*members: tuple[str, bytes]) -> bytes:
    """A .zip file of these members."""
    file = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def zeros(megabytes: int) -> bytes:
    """An .npz file whose embeddings are zeros: a thousandth of what it unpacks to."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("embeddings.npy", "w") as array:
        array.write(header(f"({megabytes}, 125000)"))
        for _ in range(megabytes):
            array.write(bytes(10**6))
    return file.getvalue()


def runs_of_one_number(megabytes: int) -> bytes:
    """A .parquet file of a column of the same number again and again, of which it keeps the number and how often."""
    file = io.BytesIO()
    column = pa.array(np.zeros(10**6 // 8))
    with pq.ParquetWriter(file, pa.schema({"label": pa.int64(), "d": pa.float64()})) as writer:
        for _ in range(megabytes // 2):
            writer.write_table(pa.table({"label": column.cast(pa.int64()), "d": column}))
    return file.getvalue()


DAMAGED = {
    "own.npy": [
        *(header(shape) for shape in ("(1000000000000, 512)", f"(1{'0' * 40},)", "(-1, -8)", "(2, 2)", "(" * 5000)),
        header("(1,)", "O"),
        header("(1, 1)") + bytes(16),
        b"\x93NUMPY\x09\x00",
        b"",
    ],
    "own.npz": [
        stored(("embeddings.npy", header("(1000000000000, 512)"))),
        stored(("labels.npy", header("(" * 3000))),
        stored(*[("embeddings.npy", header("(0, 2)"))] * 2),
        stored(("readme.txt", b"hello")),
        b"PK\x03\x04",
        b"",
    ],
    "own.parquet": [b"PAR1" + bytes(20) + b"PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b""],
    "own.zip": [b"PK\x05\x06" + bytes(18), stored(("../../config.json", b"{}")), b""],
    "own.tar": [bytes(10240), b"x" * 600, b""],
}


@pytest.mark.parametrize(("name", "content"), [(name, content) for name in DAMAGED for content in DAMAGED[name]])
def test_what_is_damaged_or_claims_too_much_is_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name) as refusal:
        import_file(tmp_path / name, tmp_path / "runs" / "own")
    assert "\n" not in str(refusal.value)
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize(
    ("name", "make"), [("own.npz", zeros), ("own.parquet", runs_of_one_number)], ids=["npz", "parquet"]
)
def test_what_unpacks_to_far_more_than_it_has_is_refused_before(
    tmp_path: Path, name: str, make: Callable[[int], bytes]
) -> None:
    (tmp_path / name).write_bytes(make(400))
    assert (tmp_path / name).stat().st_size < 2 * 10**6
    tracemalloc.start()
    with pytest.raises(
        InputError, match=rf"{name} has .* MB and unpacks to 40[0-9] MB; the limit is 250 MB, 100 times"
    ):
        import_file(tmp_path / name, tmp_path / "runs" / "own")
    assert tracemalloc.get_traced_memory()[1] < 10 * 10**6, "no memory was taken for what it claims"
    tracemalloc.stop()
    assert nothing_is_left(tmp_path)


def test_the_help_states_the_limits() -> None:
    text = " ".join((import_embeddings.__doc__ or "").split())
    assert f"at most {LARGEST_UNPACKED / GB:.0f} GB, {LARGEST_RATIO} times its size and what the machine has" in text
    assert f"an archive to {MOST_FILES:,} files" in text


ODD = {"pipe": "regular", "folder": "folder", "link": "regular", "nowhere": "no such file", "no\0name": "cannot read"}


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices are files of Unix")
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("is_labels", [False, True])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, name: str, is_labels: bool) -> None:
    ending = "txt" if is_labels else "npz"
    os.mkfifo(tmp_path / f"pipe.{ending}")
    (tmp_path / f"folder.{ending}").mkdir()
    (tmp_path / f"link.{ending}").symlink_to("/dev/zero")
    (tmp_path / f"nowhere.{ending}").symlink_to(tmp_path / "nothing")
    np.save(tmp_path / "e.npy", E)
    odd = tmp_path / f"{name}.{ending}"
    with pytest.raises(InputError, match=ODD[name]):
        import_file(tmp_path / "e.npy" if is_labels else odd, tmp_path / "runs" / "own", odd if is_labels else None)
    assert nothing_is_left(tmp_path)


STOPPED = """
import os, signal, sys, time
from pathlib import Path
from mtm.run_folder.imports.new_folder import make_folder
with make_folder(Path(sys.argv[1])) as hidden:
    (hidden / "config.json").write_text("{}")
    print("writing", flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_import_that_is_stopped_leaves_nothing_behind(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C removes what was written; what a kill leaves is removed by the next import, and only then."""
    runs = tmp_path / "runs"
    command = [sys.executable, "-c", STOPPED, str(runs / "own")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        (hidden,) = runs.iterdir()
        os.utime(hidden, (time.time() - 3600,) * 2)  # as if it had been at work for an hour
        import_npz(tmp_path)
        assert hidden.exists(), "it is at work"
        process.send_signal(how)
        process.wait()
    assert hidden.exists() == (how == signal.SIGKILL)
    if how == signal.SIGKILL:
        os.utime(hidden, (time.time() - 3600,) * 2)
        np.savez(tmp_path / "more.npz", embeddings=E, labels=Y)
        import_file(tmp_path / "more.npz", runs / "more")
    assert not [path.name for path in runs.iterdir() if path.name.startswith(".")]
