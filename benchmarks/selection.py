"""Claims: a lasso over 60,000 images answers at once, and so does the question for an image's neighbours.

(a) From the request with a lasso of 120 corners over 60,000 points x 30 snapshots to the whole answer, through the
    app's route: the mask, the class counts, the confusion matrix and the curves of four measures over all snapshots,
    then the first page of the grid. 95th percentile: at most 500 ms. The run's history is in memory, as after the first
    lasso; that first one is shown beside it.
(b) The 15 nearest neighbours of one image among 60,000 x 1,351, exact, by distance and by cosine: at most 100 ms once
    its snapshot is resident, 95th percentile; at most 1.5 s cold, from a file that the page cache has let go of.
    Beside it scikit-learn's search by brute force in the same numbers, in memory as float32.
(c) What is held in memory for (b) over the embeddings as float32: at most 1.05, and never more than RESIDENT_BYTES.

The lassos are random stars of random size and place. The targets are the project's own.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from common import Claim, parser, ratios, report, side_row
from flask import Flask
from flask.testing import FlaskClient
from sklearn.neighbors import NearestNeighbors

from explorer.explore import routes as explore_routes
from explorer.explore.panels import Panels
from explorer.library import Library
from explorer.space.histories import Histories
from explorer.space.neighbours import METRICS, RESIDENT_BYTES, NeighbourIndex
from explorer.space.views import Picture, Views
from mtm.run_folder.files import read_arrays, write_arrays
from mtm.runs import Run

N_CLASSES, CORNERS, DIM, K = 10, 120, 1351, 15


def seconds_of(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def p95(values: list[float]) -> float:
    return float(np.quantile(values, 0.95))


# (a)


def record_clusters(folder: Path, n: int, n_snapshots: int) -> Run:
    """A run of n images in 16 dimensions: after training nothing of a selection depends on D."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % N_CLASSES
    c, noise = rng.standard_normal((N_CLASSES, 16)), rng.standard_normal((n, 16), dtype=np.float32)
    run = Run.create(folder)
    for t in range(n_snapshots):
        run.log(c[y] * (1 + t / 5) + noise, y, c * (1 + t / 4), epoch=t / 4, reference_centres=c * (1 + t / 5))
    run.finish()
    return run


def lasso(u: np.ndarray, rng: np.random.Generator) -> list[list[float]]:
    """A star about a random point of the picture u (N, 2)."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, CORNERS))
    radii = np.ptp(u, axis=0).max() * rng.uniform(0.05, 0.5) * rng.uniform(0.7, 1.3, CORNERS)
    middle = u[rng.integers(len(u))]
    return (middle + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)).tolist()


def post_lasso(client: FlaskClient, points: list[list[float]], snapshot: int) -> int:
    """A lasso to every number and the first page of the grid; returns how many images it holds."""
    shape = {"kind": "polygon", "view": {"method": "pca"}, "points": points, "snapshot": snapshot}
    selection = {"steps": [{"do": "replace", "shape": shape}]}
    request = {"run": "large", "selection": selection, "snapshot": snapshot, "classifier": "euc_ce"}
    numbers = client.post("/api/selection", json=request)
    grid = client.post("/api/selection/grid", json=request)
    assert numbers.status_code == grid.status_code == 200
    return int(grid.get_json()["total"])


def lassos(options: argparse.Namespace, folder: Path) -> None:
    n, n_snapshots = (2_000, 4) if options.quick else (60_000, 30)
    record_clusters(folder / "runs" / "large", n, n_snapshots)
    library = Library(folder / "runs")
    server, views = Flask("benchmark"), Views(library, folder / "cache")
    explore_routes.register(server, Panels(views, Histories(library)))
    client, rng = server.test_client(), np.random.default_rng(1)
    u = views.frames(Picture("large", "pca"))[1].points  # the page has it by then
    first = seconds_of(lambda: post_lasso(client, lasso(u[-1], rng), n_snapshots - 1))
    percentiles, medians = list[float](), list[float]()
    image_counts: list[int] = []
    for _ in range(options.repetitions):
        each = []
        for _ in range(options.lassos):
            t = int(rng.integers(n_snapshots))
            corners = lasso(u[t], rng)
            began = time.perf_counter()
            image_counts.append(post_lasso(client, corners, t))
            each.append(time.perf_counter() - began)
        percentiles.append(1e3 * p95(each))
        medians.append(1e3 * float(np.median(each)))
    views.close()
    report(
        "A lasso",
        [
            side_row("median of the lassos of a repetition", medians, "ms"),
            ("the first one, which reads the run", f"{1e3 * first:.4g} ms", "-"),
            (
                "images in a lasso, median",
                f"{np.median(image_counts):,.0f}",
                f"{min(image_counts):,} to {max(image_counts):,}",
            ),
        ],
        [Claim(f"(a) lasso over {n:,} x {n_snapshots} to all numbers, ms, p95", percentiles, at_most=500)],
        options,
        f"Each of {options.lassos} lassos of {CORNERS} corners.",
    )


# (b), (c)


def write_embeddings(path: Path, n: int) -> None:
    """A file like a snapshot's, of clusters (n, DIM) in float16."""
    rng = np.random.default_rng(0)
    c, e = rng.standard_normal((N_CLASSES, DIM)).astype(np.float32), np.empty((n, DIM), np.float16)
    for first in range(0, n, 2_000):
        rows = slice(first, min(n, first + 2_000))
        y = np.arange(n)[rows] % N_CLASSES
        e[rows] = c[y] + 0.3 * rng.standard_normal((len(y), DIM), dtype=np.float32)
    write_arrays(path, {"embeddings": e}, {})


def drop_from_page_cache(path: Path) -> None:
    """Ask the system to drop the file from its page cache, where it can be asked."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def neighbours(options: argparse.Namespace, folder: Path) -> None:
    n = 2_000 if options.quick else 60_000
    path = folder / "embeddings.safetensors"
    write_embeddings(path, n)
    rng = np.random.default_rng(2)
    cold, warm, theirs = list[float](), list[float](), list[float]()
    resident: dict[str, list[float]] = {metric: [] for metric in METRICS}
    x = read_arrays(path)[0]["embeddings"].astype(np.float32)
    search = NearestNeighbors(n_neighbors=K + 1, algorithm="brute").fit(x)
    resident_bytes = 0
    for _ in range(options.repetitions):
        drop_from_page_cache(path)
        cold.append(seconds_of(lambda: NeighbourIndex(read_arrays(path)[0]["embeddings"]).nearest(5)))
        space = NeighbourIndex(read_arrays(path)[0]["embeddings"])
        warm.append(seconds_of(lambda: NeighbourIndex(read_arrays(path)[0]["embeddings"]).nearest(5)))
        resident_bytes = space.nbytes
        rows = rng.integers(0, n, options.questions).tolist()
        for metric in METRICS:
            each = [seconds_of(partial(space.nearest, row, K, metric)) for row in rows]
            resident[metric].append(1e3 * p95(each))
        each = [seconds_of(partial(search.kneighbors, x[row : row + 1])) for row in rows]
        theirs.append(1e3 * p95(each))
    report(
        "Neighbours of one image",
        [
            side_row("explorer.space.neighbours, euclidean, p95", resident["euclidean"], "ms"),
            side_row("scikit-learn, euclidean, brute force, float32 in memory, p95", theirs, "ms"),
            side_row("the first question, file in the page cache", warm, "s"),
            ("memory held", f"{resident_bytes / 2**20:,.0f} MiB", f"at most {RESIDENT_BYTES / 2**20:,.0f} MiB in all"),
        ],
        [
            *(Claim(f"(b) resident, {metric}, ms, p95", resident[metric], at_most=100) for metric in METRICS),
            Claim("(b) cold, s", cold, at_most=1.5),
            Claim("(b) resident over scikit-learn", ratios(resident["euclidean"], theirs)),
            Claim("(c) memory held over the embeddings in float32", [resident_bytes / x.nbytes], at_most=1.05),
        ],
        options,
        f"{K} neighbours among {n:,} x {DIM:,}, {options.questions} images a repetition.",
    )


def main() -> None:
    options = parser(__doc__, repetitions=5)
    options.add_argument("--lassos", type=int, default=40, help="of one repetition (%(default)s)")
    options.add_argument("--questions", type=int, default=30, help="of one repetition and metric (%(default)s)")
    arguments = options.parse_args()
    if arguments.quick:
        arguments.repetitions, arguments.lassos, arguments.questions = 2, 5, 5
    with tempfile.TemporaryDirectory() as folder:
        lassos(arguments, Path(folder))
        neighbours(arguments, Path(folder))


if __name__ == "__main__":
    main()
