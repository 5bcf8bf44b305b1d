"""A cache of the latest results, by key, where requests for the same key at the same time share one computation."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class Cache:
    """Results that weigh at most `size` together, each 1 unless said otherwise; the least recently used are dropped.

    What is being computed counts already, so that memory, too, stays within the size: a computation begins when there
    is room for its result. Any thread may call.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._results: OrderedDict[Hashable, Any] = OrderedDict()
        self._running: dict[Hashable, Future[Any]] = {}  # a key is in one of the two at any time, or in neither
        self._weights: dict[Hashable, int] = {}  # of the keys in both
        self.weight = 0  # of all of them
        self._changed = threading.Condition()

    def get(self, key: Hashable, compute: Callable[[], Result], weight: int = 1) -> Result:
        """The result cached under a key, or that of `compute()`, which never runs twice at a time for one key.

        Whoever comes while it runs waits for its result. What it raises is raised to all of them and not cached: the
        next caller computes again. `compute` may not ask the same cache for another key.
        """
        with self._changed:
            self._changed.wait_for(lambda: key in self._weights or self._has_room(weight))
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
            running = self._running.get(key)
            if running is None:
                while self._results and self.weight + weight > self.size:
                    self.weight -= self._weights.pop(self._results.popitem(last=False)[0])
                future = self._running[key] = Future[Any]()
                self._weights[key] = weight
                self.weight += weight
        if running is not None:
            return running.result()
        try:
            result = compute()
        except BaseException as error:
            with self._changed:
                del self._running[key]
                self.weight -= self._weights.pop(key)
                self._changed.notify_all()
            future.set_exception(error)
            raise
        with self._changed:
            self._results[key] = result
            del self._running[key]
            self._changed.notify_all()
        future.set_result(result)
        return result

    def forget(self, is_meant: Callable[[Any], bool]) -> None:
        """Drop the results whose keys are meant."""
        with self._changed:
            for key in [key for key in self._results if is_meant(key)]:
                del self._results[key]
                self.weight -= self._weights.pop(key)

    def _has_room(self, weight: int) -> bool:
        """Whether a result fits beside those that are being computed; one that is larger than the cache comes alone."""
        return not self._running or sum(self._weights[key] for key in self._running) + weight <= self.size
