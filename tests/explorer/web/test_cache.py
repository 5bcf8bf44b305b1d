"""The cache: each result is computed once, also when several threads want it at the same time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from conftest import PATIENCE, until

from explorer.web.cache import Cache

THREADS = 8


def at_once(call: Callable[[], object]) -> list[object]:
    """What `call` returns to each of THREADS threads that make it at the same time; their exceptions are returned."""
    barrier = threading.Barrier(THREADS)

    def meet_and_call() -> object:
        barrier.wait(PATIENCE)
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(meet_and_call) for _ in range(THREADS)]]


def waits_for_a_result(thread: int | None) -> bool:
    """Whether a thread is where it waits for what another one computes."""
    frame = sys._current_frames().get(thread or 0)
    while frame and frame.f_code is not Future.result.__code__:
        frame = frame.f_back
    return frame is not None


class Result:
    """An object of its own, so that two results are told apart."""


def test_threads_that_meet_share_one_computation() -> None:
    cache, calls = Cache(2), []

    def compute() -> Result:
        calls.append(threading.get_ident())
        return Result()

    for key in range(200):  # the threads leave the barrier in another order each time
        calls.clear()
        results = at_once(lambda key=key: cache.get(key, compute))  # type: ignore[misc]
        assert len(calls) == 1
        assert len({id(result) for result in results}) == 1


def test_no_caller_comes_between_a_computation_and_its_storing() -> None:
    """Whenever the thread that computes lets go of the cache's lock, another meets it there and wants the same."""
    cache, calls, results = Cache(2), [], []
    barrier, first = threading.Barrier(2), threading.get_ident()

    def compute() -> Result:
        calls.append(threading.get_ident())
        return Result()

    def meet_and_call() -> None:
        barrier.wait(PATIENCE)
        results.append(cache.get("a", compute))

    class Lock(threading.Condition):
        def __exit__(self, *error: Any) -> None:
            super().__exit__(*error)
            if calls and threading.get_ident() == first:
                thread = threading.Thread(target=meet_and_call)
                thread.start()
                barrier.wait(PATIENCE)
                until(lambda: not thread.is_alive() or waits_for_a_result(thread.ident))
                threads.append(thread)

    threads: list[threading.Thread] = []
    cache._changed = Lock()
    results.append(cache.get("a", compute))
    for thread in threads:
        thread.join(PATIENCE)
    assert len(threads) > 0
    assert len(results) == 1 + len(threads)
    assert calls == [first]
    assert len({id(result) for result in results}) == 1


def test_other_keys_do_not_wait() -> None:
    cache, started, may_end = Cache(2), threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        assert may_end.wait(PATIENCE)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(cache.get, "slow", slow)
        assert started.wait(PATIENCE)
        assert cache.get("fast", lambda: "fast") == "fast"
        may_end.set()
        assert future.result(PATIENCE) == "slow"


def test_an_error_is_raised_to_all_that_wait_and_is_not_cached() -> None:
    cache, calls = Cache(2), []
    others = {thread.ident for thread in threading.enumerate()}

    def fail() -> int:
        calls.append(1)
        if len(calls) == 1:  # the others come while this one runs
            until(lambda: sum(map(waits_for_a_result, sys._current_frames().keys() - others)) == THREADS - 1)
        raise ValueError(f"attempt {len(calls)}")

    errors = at_once(lambda: cache.get("a", fail))
    assert all(isinstance(error, ValueError) for error in errors)
    assert len(calls) == len({id(error) for error in errors}) == 1
    with pytest.raises(ValueError, match="attempt 2"):
        cache.get("a", fail)
    assert cache.get("a", lambda: 3) == 3
    assert cache.get("a", fail) == 3


def test_the_least_recently_used_result_is_dropped() -> None:
    cache, calls = Cache(2), []

    def compute(key: str) -> str:
        calls.append(key)
        return key

    for key in "abacab":
        assert cache.get(key, lambda key=key: compute(key)) == key  # type: ignore[misc]
    assert calls == ["a", "b", "c", "b"]


def test_a_result_may_be_dropped_on_purpose() -> None:
    cache = Cache(2)
    assert cache.get("a", lambda: 1) == 1
    cache.forget(lambda key: key == "a")
    cache.forget(lambda key: key == "never there")
    assert cache.get("a", lambda: 2) == 2
    assert cache.weight == 1


def test_what_is_cached_and_being_computed_never_weighs_more_than_the_size() -> None:
    cache, weights = Cache(10), []

    def compute() -> int:
        weights.append(cache.weight)
        return cache.weight

    def ask(key: int) -> None:
        cache.get(key, compute, weight=4)

    for key in range(3):
        ask(key)
    assert weights == [4, 8, 8]  # the third has taken the place of the first
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, range(100, 300)))
    assert len(weights) == 203
    assert max(weights) == cache.weight == 8
    cache.get("large", compute, weight=25)  # larger than the cache: it comes alone, and goes with the next
    assert (weights[-1], cache.weight) == (25, 25)
    ask(0)
    assert cache.weight == 4
