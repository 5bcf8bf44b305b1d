"""Search for hyperparameters as the paper does (section IV-D): Ray Tune with HyperOpt, ASHA and the plateau stopper.

A trial is an ordinary run in the runs folder. A search is the folder `searches/NAME` beside them, with one file that
says everything about it; who reads that (the explorer) needs no Ray.

search = new_search(Path("runs"), config, trials=50)   # which run is which, by hyperparameters
run_search(search)                                     # goes on where it was cut, if it was
search.best.run, search.best.params
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mtm.tuning.record import Search, Trial, list_searches, new_search, open_search
from mtm.tuning.space import Choice, Range, space_of

if TYPE_CHECKING:
    from mtm.tuning.search import run_search


def __getattr__(name: str) -> Any:
    """`run_search` needs Ray, which takes seconds to import and which reading a search does without."""
    if name == "run_search":
        from mtm.tuning.search import run_search

        return run_search
    raise AttributeError(f"module 'mtm.tuning' has no attribute '{name}'")


__all__ = ["Choice", "Range", "Search", "Trial", "list_searches", "new_search", "open_search", "run_search", "space_of"]
