"""The binary format of responses: named arrays and what describes them, in a form that a browser views where it lies.

A response is the length of a JSON header (uint32, little endian), the header, the arrays. The header has `arrays`
(name -> dtype, shape, offset in bytes from the end of the header), `bytes` (of all arrays together, so that a cut
response is noticed) and whatever else describes them. Header and arrays end on multiples of 8 bytes: the browser views
them where they lie. `assets/common/binary.mjs` reads this; `decode` here is for Python: exported pages, tests, other
programs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtm.errors import InputError
from mtm.run_folder.files import jsonable

Array = NDArray[Any]

DTYPES = {"u8": "<u1", "u16": "<u2", "i32": "<i4", "f32": "<f4", "f64": "<f8"}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
ALIGNMENT = 8


def encode(arrays: Mapping[str, Array], meta: Mapping[str, object]) -> bytes:
    """Named arrays and what describes them (JSON types) as one response.

    Raises TypeError for a dtype that the browser does not know.
    """
    table, blocks, at = {}, [], 0
    for name, array in arrays.items():
        array = np.asarray(array)
        dtype = NAMES.get(array.dtype.newbyteorder("<") if array.dtype.byteorder == ">" else array.dtype)
        if dtype is None:
            raise TypeError(f"array '{name}' is {array.dtype}; the browser reads {', '.join(DTYPES)}")
        block = np.ascontiguousarray(array, DTYPES[dtype]).tobytes()
        table[name] = {"dtype": dtype, "shape": list(array.shape), "offset": at}
        blocks.append(block + bytes(-len(block) % ALIGNMENT))
        at += len(blocks[-1])
    header = json.dumps({**jsonable(meta), "arrays": table, "bytes": at}, separators=(",", ":")).encode()
    header += b" " * (-(4 + len(header)) % ALIGNMENT)
    return b"".join([len(header).to_bytes(4, "little"), header, *blocks])


def decode(data: bytes) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays (views of `data`) and the rest of the header. Raises InputError for a response that is not whole."""
    length = int.from_bytes(data[:4], "little")
    if len(data) < 4 or not 2 <= length <= len(data) - 4:
        raise InputError(f"the response is cut short or of another kind: {len(data):,} bytes, a header of {length:,}")
    try:
        meta = json.loads(data[4 : 4 + length])
        table, size = meta.pop("arrays"), meta.pop("bytes")
        if 4 + length + size != len(data):
            raise InputError(f"the response has {len(data) - 4 - length:,} bytes of arrays instead of {size:,}")
        arrays = {
            name: np.frombuffer(
                data, DTYPES[entry["dtype"]], math.prod(entry["shape"]), 4 + length + entry["offset"]
            ).reshape(entry["shape"])
            for name, entry in table.items()
        }
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"the response is damaged: {error}") from error
    return arrays, meta
