"""Files that are whole or absent: atomic writing, and safetensors files read as views of a memory map.

A safetensors file is 8 bytes (the header's length, little endian), a JSON header (name -> dtype, shape, offsets) and
the arrays. The library writes it; reading is done here because the library's NumPy reader copies every array, and the
explorer scrolls through runs of many gigabytes.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from mtm.errors import InputError, NotFoundError
from mtm.run_folder.class_names import spell

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
COARSEST_CLOCK = 2 * 10**9  # ns, of file systems
LARGEST_TEXT = 64 << 20  # bytes that are read at once of JSON: a file, a line of one, the header of arrays
DEEPEST = 64  # JSON objects and lists within each other
MOST_AXES = 8  # of an array
TEMPORARY = re.compile(r"\..+\.tmp|\.tmp\w{6}")  # `.NAME.XXXX.tmp` is ours, `.tmpXXXXXX` the safetensors library's
BEGINNING = 50  # characters of a name that a temporary one begins with: a file system takes 255 bytes
ABANDONED_SECONDS = 3600.0  # without a change, in a folder that several processes write at a time


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


def open_regular(path: Path) -> BufferedReader:
    """A regular file, open for reading. Raises OSError for any other: a pipe would keep its reader waiting for good."""
    return os.fdopen(_open_descriptor(path, os.O_RDONLY), "rb")


def open_to_append(path: Path) -> IO[bytes]:
    """A regular file, made if need be, open for appending and reading. Raises OSError for any other."""
    return os.fdopen(_open_descriptor(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "ab+")


def _open_descriptor(path: Path, flags: int) -> int:
    is_new = flags & os.O_CREAT and not os.path.lexists(path)
    if is_new or stat.S_ISREG(os.stat(path).st_mode):  # to open a socket or a device is an error, or does something
        descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0), 0o666)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def read_regular(path: Path, limit: int) -> bytes:
    """What a regular file holds. Raises OSError for another, and for one of more than `limit` bytes."""
    with open_regular(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
    return content


def is_temporary(name: str) -> bool:
    """Whether a file or folder of this name is one that is being written, or that a killed writer left."""
    return TEMPORARY.fullmatch(name) is not None


def remove_leftovers(folder: Path, unchanged_for: float = 0.0, of: str = "") -> None:
    """Remove from `folder` (not from folders in it) what killed writers left there: the one place that does.

    Only for who knows that nobody else writes there, by its lock; `unchanged_for` so many seconds is for other folders,
    and `of` the name of a file for those where others may have files of such names.
    """
    begin = f".{of[:BEGINNING]}." if of else "."
    with suppress(OSError):  # it is no folder, or it goes away meanwhile
        for path in [p for p in folder.iterdir() if p.name.startswith(begin) and is_temporary(p.name)]:
            if time.time() - _last_change(path) >= unchanged_for:
                remove(path)


def remove(path: Path) -> None:
    """Remove a file or a whole folder, as far as the system allows."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _last_change(path: Path) -> float:
    """When a file, or anything in a folder, was last written."""
    times = [0.0]
    for each in (path, *path.rglob("*")):
        with suppress(OSError):
            times.append(each.lstat().st_mtime)
    return max(times)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:BEGINNING]}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        _rename(temporary, path)
    except BaseException:
        remove(temporary)
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


def decode_strings(values: NDArray[Any] | list[Any]) -> list[str]:
    """Names, text or bytes, as they are shown (`class_names.spell`): a byte that is not UTF-8 as its number."""
    texts = values if isinstance(values, list) else values.tolist()
    return [spell(text.decode(errors="surrogateescape") if isinstance(text, bytes) else str(text)) for text in texts]


def parse_json(content: bytes) -> Any:
    """What a text of JSON holds. Raises ValueError with the reason for one that is damaged, too deep or has a number
    of more than 64 bits: everything behind may go through it without a second thought."""
    if not content.strip():
        raise ValueError("it is empty")
    try:
        text = content.decode("utf-8-sig")  # editors put a byte-order mark before what they save
        parsed = json.loads(text, parse_int=_parse_whole)
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON from line {error.lineno}, column {error.colno} on") from None
    except RecursionError:
        raise ValueError(f"it is more than {DEEPEST} lists and objects deep") from None
    if text.count("[") + text.count("{") > DEEPEST and _is_too_deep(parsed):
        raise ValueError(f"it is more than {DEEPEST} lists and objects deep")
    return parsed


def parse_object(content: bytes) -> dict[str, Any]:
    """The object in a text of JSON. Raises ValueError as `parse_json` does, and for anything but an object."""
    parsed = parse_json(content)
    if not isinstance(parsed, dict):
        raise ValueError("it is no object, { ... }")
    return parsed


def _parse_whole(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
        raise ValueError(f"it holds a whole number of {len(digits.lstrip('-'))} digits")
    return int(digits)


def _is_too_deep(parsed: Any) -> bool:
    level = [parsed]
    for _ in range(DEEPEST + 1):
        inner = (value for each in level for value in (each.values() if isinstance(each, dict) else each))
        level = [value for value in inner if isinstance(value, dict | list)]
        if not level:
            return False
    return True


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
    with _reading(path) as file:
        table, start, header = _read_table(path, file)
        data = np.memmap(file, dtype=np.uint8, mode="r", offset=0)
        arrays = {}
        for name, (dtype, shape, (begin, end)) in table.items():
            arrays[name] = data[start + begin : start + end].view(DTYPES[dtype]).reshape(shape)
    return arrays, header


def check_arrays(path: Path) -> tuple[dict[str, tuple[np.dtype[Any], tuple[int, ...]]], dict[str, Any]]:
    """The dtypes and shapes of the arrays in a safetensors file and its JSON header; no array is read.

    Raises InputError, as `read_arrays` does, for a file that is not as long as its arrays need.
    """
    with _reading(path) as file:
        table, _, header = _read_table(path, file)
    return {name: (np.dtype(DTYPES[entry.dtype]), entry.shape) for name, entry in table.items()}, header


class _Entry(NamedTuple):
    """What the table of a safetensors file says of one array."""

    dtype: str
    shape: tuple[int, ...]
    offsets: tuple[int, int]  # where it begins and ends, counted from the end of the table


@contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    """An open file; whatever the system refuses, and arrays too large for it, are an InputError."""
    try:
        with open_regular(path) as file:
            yield file
    except FileNotFoundError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror}") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except InputError:
        raise
    except (ValueError, MemoryError) as error:
        raise InputError(f"{path} is damaged: it cannot be read as arrays") from error


def _read_table(path: Path, file: IO[bytes]) -> tuple[dict[str, _Entry], int, dict[str, Any]]:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= size - 8:
        raise InputError(f"{path} is cut short or not a safetensors file")
    if length > LARGEST_TEXT:
        raise InputError(f"{path} is damaged: its header has {length:,} bytes, {LARGEST_TEXT:,} is the most")
    try:
        table = parse_object(file.read(length))
        metadata = table.pop("__metadata__", {})
        text = metadata.get("header", "{}") if isinstance(metadata, dict) else None
        if not isinstance(text, str):
            raise ValueError("its header is no text")
        header = parse_object(text.encode(errors="replace"))
        entries = {name: _entry(name, entry) for name, entry in table.items()}
    except ValueError as error:
        raise InputError(f"{path} is damaged or not a safetensors file: {error}") from error
    taken = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].offsets):
        begin, end = entry.offsets
        if end - begin != math.prod(entry.shape) * np.dtype(DTYPES[entry.dtype]).itemsize:
            raise InputError(f"{path} is damaged: the size of '{name}' does not fit its shape")
        if 8 + length + end > size:
            raise InputError(f"{path} is cut short: it has {size:,} bytes, '{name}' ends at {8 + length + end:,}")
        if begin < taken:
            raise InputError(f"{path} is damaged: '{name}' lies where another array is")
        taken = end
    return entries, 8 + length, header


def _entry(name: str, entry: Any) -> _Entry:
    """Raises ValueError for an entry that does not describe an array."""
    about = entry if isinstance(entry, dict) else {}
    dtype, shape, offsets = about.get("dtype"), _sizes(about.get("shape")), _sizes(about.get("data_offsets"))
    if not isinstance(dtype, str) or dtype not in DTYPES or shape is None or len(shape) > MOST_AXES:
        raise ValueError(f"its entry '{name}' describes no array")
    if offsets is None or len(offsets) != 2:
        raise ValueError(f"its entry '{name}' does not say where it lies")
    return _Entry(dtype, shape, (offsets[0], offsets[1]))


def _sizes(values: Any) -> tuple[int, ...] | None:
    are_sizes = isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)
    return tuple(values) if are_sizes else None
