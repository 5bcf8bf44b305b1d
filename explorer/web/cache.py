"""What was computed of late: the latest used results, by key, each computed once even when two requests ask at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Result = TypeVar("Result")


class Cache:
    """Up to `size` results."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._results: OrderedDict[Hashable, Any] = OrderedDict()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def once(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """The result kept under a key, or `compute()`; what it raises is raised to every one that waits, in turn."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
            waiting = self._locks.setdefault(key, threading.Lock())
        with waiting:
            with self._lock:
                if key in self._results:
                    return self._results[key]
            try:
                result = compute()
            finally:
                with self._lock:
                    self._locks.pop(key, None)
            with self._lock:
                self._results[key] = result
                while len(self._results) > self.size:
                    self._results.popitem(last=False)
        return result
