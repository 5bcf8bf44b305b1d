"""Files that are whole or absent: atomic writing, and safetensors files read as views of a memory map.

A safetensors file is 8 bytes (the header's length, little endian), a JSON header (name -> dtype, shape, offsets) and
the arrays. The library writes it; reading is done here because the library's NumPy reader copies every array, and the
explorer scrolls through runs of many gigabytes.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from mtm.errors import InputError

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
COARSEST_CLOCK = 2 * 10**9  # ns, of file systems


class Stamp(NamedTuple):
    """What tells that a file or a folder has changed."""

    modified: int  # ns
    size: int
    inode: int  # another one after a file was replaced

    def is_settled(self) -> bool:
        """Whether a change from now on has another stamp: clocks of file systems are coarse."""
        return time.time_ns() - self.modified > COARSEST_CLOCK


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of a file or a folder; None if it is not there."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None
    return Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def open_regular(path: Path) -> IO[bytes]:
    """A regular file, open for reading. Raises OSError for any other: a pipe would keep its reader waiting for good."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def read_regular(path: Path, limit: int) -> bytes:
    """What a regular file holds. Raises OSError for another, and for one of more than `limit` bytes."""
    with open_regular(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
    return content


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        _rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _rename(temporary: Path, path: Path) -> None:
    """Rename over `path`; on Windows that is refused while somebody reads it, which does not take long."""
    for _ in range(20):
        try:
            temporary.replace(path)
            return
        except PermissionError:
            time.sleep(0.05)
    temporary.replace(path)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `path` whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file, without pickle. Raises InputError for one that is missing or damaged."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile, zlib and NumPy each have their own for a damaged file
        raise InputError(f"{path} is damaged or not an .npz file of plain arrays") from error


def decode_strings(values: NDArray[Any]) -> list[str]:
    """An array of names as Python strings, whether it holds text or bytes."""
    return [value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values.tolist()]


def write_json(path: Path, content: object) -> None:
    """Write `content` as JSON, whole or not at all; NaN and infinities become null."""
    write_bytes(path, json.dumps(jsonable(content), indent=1).encode())


def jsonable(content: object) -> Any:
    """`content` in JSON's own types: arrays as lists, NaN and infinities as None; InputError for anything else."""
    if isinstance(content, Mapping):
        return {str(key): jsonable(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [jsonable(value) for value in content]
    if hasattr(content, "tolist"):  # NumPy arrays and numbers, tensors of other libraries
        return jsonable(content.tolist())
    if isinstance(content, float) and not np.isfinite(content):
        return None
    if content is None or isinstance(content, str | int | float):
        return content
    raise InputError(f"{content!r} cannot be kept in JSON; use numbers, text, lists and dicts")


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, object]) -> None:
    """Write named arrays and a JSON header as one safetensors file, whole or not at all."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_bytes(path, save(contiguous, metadata={"header": json.dumps(jsonable(header))}))


def read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of a safetensors file, as read-only views of a memory map, and its JSON header.

    Raises InputError for a file that is missing, cut short or of another kind.
    """
    table, start, header = _read_table(path)
    data = np.memmap(path, dtype=np.uint8, mode="r", offset=0)
    arrays = {}
    for name, entry in table.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        arrays[name] = data[begin:end].view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays, header


def check_arrays(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, Any]]:
    """The shapes of the arrays in a safetensors file and its JSON header; no array is read.

    Raises InputError, as `read_arrays` does, for a file that is not as long as its arrays need.
    """
    table, _, header = _read_table(path)
    return {name: tuple(entry["shape"]) for name, entry in table.items()}, header


def _read_table(path: Path) -> tuple[dict[str, Any], int, dict[str, Any]]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= size - 8:
                raise InputError(f"{path} is cut short or not a safetensors file")
            table = json.loads(file.read(length))
        start = 8 + length
        header = json.loads(table.pop("__metadata__", {}).get("header", "{}"))
        for name, entry in table.items():
            begin, end = entry["data_offsets"]
            needed = int(np.prod(entry["shape"], dtype=np.int64)) * np.dtype(DTYPES[entry["dtype"]]).itemsize
            if end - begin != needed or begin < 0:
                raise InputError(f"{path} is damaged: the size of '{name}' does not fit its shape")
            if start + end > size:
                raise InputError(f"{path} is cut short: it has {size:,} bytes, '{name}' ends at {start + end:,}")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged or not a safetensors file") from error
    return table, start, header
