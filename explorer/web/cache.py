"""A cache of the latest results, by key, where requests for the same key at the same time share one computation."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class Cache:
    """Up to `size` results, the least recently used are dropped. Any thread may call."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._results: OrderedDict[Hashable, Any] = OrderedDict()
        self._running: dict[Hashable, Future[Any]] = {}  # a key is in one of the two at any time, or in neither
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """The result cached under a key, or that of `compute()`, which never runs twice at a time for one key.

        Whoever comes while it runs waits for its result. What it raises is raised to all of them and not cached: the
        next caller computes again.
        """
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
            running = self._running.get(key)
            if running is None:
                future = self._running[key] = Future[Any]()
        if running is not None:
            return running.result()
        try:
            result = compute()
        except BaseException as error:
            with self._lock:
                del self._running[key]
            future.set_exception(error)
            raise
        with self._lock:
            self._results[key] = result
            while len(self._results) > self.size:
                self._results.popitem(last=False)
            del self._running[key]
        future.set_result(result)
        return result
