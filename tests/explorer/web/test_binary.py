"""The binary format: what is encoded is decoded, lies where a browser may view it, and is refused if not whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.web import binary
from mtm.errors import InputError


def test_arrays_and_meta_come_back() -> None:
    arrays: dict[str, NDArray[Any]] = {
        "bytes": np.arange(5, dtype=np.uint8),
        "words": np.arange(6, dtype=np.uint16).reshape(2, 3),
        "signed": np.array([-1, 2], np.int32),
        "floats": np.array([[0.5, np.nan]], np.float32),
        "doubles": np.array([[[1 / 3]]]),
        "empty": np.zeros((0, 4), np.float32),
        "big endian": np.arange(3, dtype=">f4"),
        "not contiguous": np.arange(12, dtype=np.int32).reshape(3, 4)[:, ::2],
    }
    data = binary.encode(arrays, {"name": "a name: ü", "epochs": np.array([0.0, 1.5]), "unknown": float("nan")})
    decoded, meta = binary.decode(data)
    assert list(decoded) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(decoded[name], array)
    assert meta == {"name": "a name: ü", "epochs": [0.0, 1.5], "unknown": None}


def test_every_array_lies_where_a_browser_may_view_it() -> None:
    data = binary.encode({f"a{i}": np.zeros(i, np.uint8) for i in range(1, 12)} | {"d": np.zeros(2)}, {})
    length = int.from_bytes(data[:4], "little")
    assert (4 + length) % 8 == 0
    header = json.loads(data[4 : 4 + length])
    assert all(entry["offset"] % 8 == 0 for entry in header["arrays"].values())
    assert header["bytes"] == len(data) - 4 - length


def test_a_dtype_the_browser_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="'x' is int64"):
        binary.encode({"x": np.arange(3)}, {})


@pytest.mark.parametrize("cut", [0, 3, 40, -1])
def test_a_cut_response_is_refused(cut: int) -> None:
    data = binary.encode({"x": np.arange(30, dtype=np.int32)}, {})
    with pytest.raises(InputError, match="response"):
        binary.decode(data[:cut])


def test_a_damaged_header_is_refused() -> None:
    data = binary.encode({"x": np.arange(30, dtype=np.int32)}, {})
    with pytest.raises(InputError, match="damaged"):
        binary.decode(data[:10] + b"\xff" + data[11:])
