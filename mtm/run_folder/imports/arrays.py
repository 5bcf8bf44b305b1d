"""Arrays from .npy and .npz files: never pickle, and never memory for what a header only claims.

Such a file is a header (type, shape) and the numbers. NumPy's own reader takes memory for the shape before it looks
whether the numbers are there.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections import Counter
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mtm.errors import InputError
from mtm.run_folder.files import open_regular
from mtm.run_folder.imports.limits import MOST_FILES, check_fits_memory

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
CHUNK = 2**20  # bytes


def open_file(path: Path) -> IO[bytes]:
    """A file to import, open. Raises InputError if it is none or may not be read."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; there is no such file")
    try:
        return open_regular(path)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def read_npy(path: Path) -> NDArray[Any]:
    """The array of an .npy file. Raises InputError for a file that is missing, damaged or holds Python objects."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        check_fits_memory(path, size, size)
        try:
            return _read_array(file, size)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        except Exception as error:  # a header is a text of Python, and may be anything
            raise InputError(f"{path} is damaged or not an .npy file of a plain array") from error


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file. Raises InputError as `read_npy` does, and beyond the limits of what it unpacks to."""
    with open_file(path) as file:
        try:
            with zipfile.ZipFile(file) as packed:
                entries = packed.infolist()
                _check_entries(path, entries, os.fstat(file.fileno()).st_size)
                return {entry.filename.removesuffix(".npy"): _read_entry(path, packed, entry) for entry in entries}
        except InputError:
            raise
        except Exception as error:  # zipfile, zlib and NumPy each have their own for a damaged file
            raise InputError(f"{path} is damaged or not an .npz file of plain arrays") from error


def _check_entries(path: Path, entries: list[zipfile.ZipInfo], size: int) -> None:
    if len(entries) > MOST_FILES:
        raise InputError(f"{path} has {len(entries):,} arrays; {MOST_FILES:,} is the most")
    names = Counter(entry.filename for entry in entries)
    for name, n in names.items():
        if not name.endswith(".npy"):
            raise InputError(f"{path} holds '{name}', which is no array; an .npz file is what np.savez writes")
        if n > 1:
            raise InputError(f"{path} has {n} arrays called '{name.removesuffix('.npy')}'; each has a name of its own")
    check_fits_memory(path, size, sum(entry.file_size for entry in entries))


def _read_entry(path: Path, packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    with packed.open(entry) as file:
        try:
            return _read_array(file, entry.file_size)
        except InputError as error:
            raise InputError(f"{path}: '{entry.filename.removesuffix('.npy')}': {error}") from None


def _read_array(file: IO[bytes], size: int) -> NDArray[Any]:
    """The array that a stream of `size` bytes holds. Raises ValueError for one whose header says another size."""
    shape, is_fortran, dtype = HEADERS[npy.read_magic(file)](file)
    if dtype.hasobject:
        raise InputError("it holds Python objects, which are not read; save plain arrays of numbers or text")
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes != size - file.tell() or min(shape, default=0) < 0:
        raise ValueError(f"{size - file.tell()} bytes for {shape} of {dtype}")
    if not n_bytes:
        return np.empty(shape, dtype)
    buffer = memoryview(bytearray(n_bytes))
    for begin in range(0, n_bytes, CHUNK):
        part = file.read(min(CHUNK, n_bytes - begin))
        buffer[begin : begin + len(part)] = part
        if len(part) < min(CHUNK, n_bytes - begin):
            raise EOFError
    file.read(1)  # at the end of a packed file its checksum is looked at
    return np.frombuffer(buffer, dtype).reshape(shape, order="F" if is_fortran else "C")
