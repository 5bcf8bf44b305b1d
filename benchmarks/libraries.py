"""What we compute ourselves although scikit-learn or SciPy has it, side by side: the same numbers, and what they take.

(a) The fitted regions of a run (25 x 500 in a plane, 10 classes) over scikit-learn's LogisticRegression for each
    snapshot, started from the one before; and the share of decisions that either gets.
(b) Trustworthiness of 2,000 x 512 over scikit-learn's, and the memory of both.
(c) The orthogonal Procrustes problem of 500 x 1,351, fewer images than dimensions, over SciPy's.
(d) The 15 nearest of every image of a sample of 2,000 x 512 over scikit-learn's search by brute force.
(e) The 14 nearest of every image of 10,000 x 50, for UMAP's graph, over the same.
(f) The share of pairs in order (AUROC) of 10,000 images over scikit-learn's.
(g) What a first use of either library adds to a server that is running: seconds of import in a new process.

PCA of a whole run, beside scikit-learn's, is (a) of projection.py; the neighbours of one image are (b) of selection.py.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Mapping

import numpy as np
from common import Claim, interleave, parser, ratios, report, side_row
from scipy.linalg import orthogonal_procrustes
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import trustworthiness as their_trustworthiness
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from explorer.compare.comparison import procrustes
from explorer.explore.certainty import concordance
from explorer.space.neighbours import nearest_others
from explorer.space.projections.umap_graph import nearest
from explorer.space.quality import trustworthiness
from explorer.space.regions import RIDGE, agreement, fitted_regions

N_CLASSES = 10
NUMPY_FIRST = "import numpy, time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"


def clusters(n: int, dim: int) -> np.ndarray:
    """Embeddings (n, dim) of N_CLASSES clusters, by turns."""
    rng = np.random.default_rng(0)
    c = rng.standard_normal((N_CLASSES, dim))
    return c[np.arange(n) % N_CLASSES] + 0.5 * rng.standard_normal((n, dim))


def parting(n_snapshots: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture (T, N, 2) of clusters that part, and decisions (T, N) that are not quite the clusters."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % N_CLASSES
    shares = np.linspace(0, 1, n_snapshots)[:, None, None]
    u = 4 * shares * rng.standard_normal((N_CLASSES, 2))[y] + rng.standard_normal((n_snapshots, n, 2))
    return u, np.where(rng.random((n_snapshots, n)) < 0.1, rng.integers(0, N_CLASSES, (n_snapshots, n)), y)


def their_regions(u: np.ndarray, decisions: np.ndarray) -> float:
    """Fit scikit-learn's regression of the decisions snapshot by snapshot; the share that it gets."""
    model = LogisticRegression(C=1 / RIDGE, warm_start=True, max_iter=1000)
    scale = u.std(axis=(1, 2), keepdims=True)
    x = (u - u.mean(axis=1, keepdims=True)) / scale
    return float(np.mean([model.fit(x[t], decisions[t]).score(x[t], decisions[t]) for t in range(len(u))]))


def peak(action: Callable[[], object]) -> float:
    """MB that an action allocates at most at once."""
    tracemalloc.start()
    action()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def import_seconds(module: str) -> float:
    code = NUMPY_FIRST.format(module=module)
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(ended.stdout)


def main() -> None:
    options = parser(__doc__, repetitions=5).parse_args()
    n, dim = (200, 150) if options.quick else (2_000, 1351)
    measure(options, n, dim)


def measure(options: argparse.Namespace, n: int, dim: int) -> None:
    x, e = clusters(n, 512), clusters(n // 4, dim)
    many, plane = clusters(5 * n, 50).astype(np.float32), clusters(n, 512)[:, :2]
    u, decisions = parting(25, n // 4)
    rng = np.random.default_rng(1)
    right = rng.random(5 * n) < 0.9
    surety = rng.standard_normal(5 * n) + right
    other = e @ np.linalg.qr(rng.standard_normal((dim, dim)))[0] + 0.1 * rng.standard_normal(e.shape)
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "(a) fitted regions": (
            lambda: agreement(fitted_regions(u, decisions, N_CLASSES), u, decisions),
            lambda: their_regions(u, decisions),
        ),
        "(b) trustworthiness": (
            lambda: trustworthiness(x, plane, 15),
            lambda: their_trustworthiness(x, plane, n_neighbors=15),
        ),
        "(c) Procrustes": (lambda: procrustes(e, other), lambda: e @ orthogonal_procrustes(e, other)[0]),
        "(d) neighbours of a sample": (
            lambda: nearest_others(x, 15),
            lambda: NearestNeighbors(n_neighbors=15, algorithm="brute").fit(x).kneighbors()[1],
        ),
        "(e) neighbours for UMAP": (
            lambda: nearest(many, many, 14, halved=False, own=True)[0],
            lambda: NearestNeighbors(n_neighbors=14, algorithm="brute").fit(many).kneighbors()[1],
        ),
        "(f) pairs in order": (lambda: concordance(surety, right), lambda: roc_auc_score(right, surety)),
    }
    for name, (ours, theirs) in pairs.items():
        print(f"{name}: ours and theirs differ by {difference(ours(), theirs()):.2g} at most")
    sides = {f"{name}, {side}": each for name, pair in pairs.items() for side, each in zip(SIDES, pair, strict=True)}
    seconds = interleave(sides, options.repetitions)
    memory = {side: peak(pairs["(b) trustworthiness"][i]) for i, side in enumerate(SIDES)}
    imports = {module: [import_seconds(module) for _ in range(options.repetitions)] for module in MODULES}
    report(
        "Ours beside scikit-learn's and SciPy's",
        [
            *(side_row(name, [1e3 * s for s in each], "ms") for name, each in seconds.items()),
            *((f"(b) memory, {side}", f"{megabytes:,.0f} MB", "-") for side, megabytes in memory.items()),
            *(side_row(f"(g) import {module}", each, "s") for module, each in imports.items()),
        ],
        [Claim(f"{name}, ours over theirs", over(seconds, name)) for name in pairs],
        options,
    )


SIDES = ("ours", "theirs")
MODULES = ("sklearn.linear_model", "sklearn.manifold", "scipy.linalg")


def over(seconds: Mapping[str, list[float]], name: str) -> list[float]:
    return ratios(*(seconds[f"{name}, {side}"] for side in SIDES))


def difference(a: object, b: object) -> float:
    """The largest difference between two results; of rows of neighbours the share that is not in both."""
    first, second = np.asarray(a), np.asarray(b)
    if first.dtype.kind == "i":
        return float(
            np.mean([1 - len(np.intersect1d(*rows)) / len(rows[0]) for rows in zip(first, second, strict=True)])
        )
    return float(np.abs(first - second).max())


if __name__ == "__main__":
    main()
