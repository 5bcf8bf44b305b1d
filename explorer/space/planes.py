"""Planes through D dimensions: arrays in, an orthonormal basis (D, 2) and positions (N, 2) out.

Embeddings are converted to float32 some at a time, from views of the run's files, and never held as a whole. That is
why the axes are not scikit-learn's PCA, which needs all snapshots as one array: of 20 x 10,000 x 512 it takes 0.54 of
our time, and 410 MB beside our 8 (benchmarks/projection.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mtm.errors import InputError
from mtm.run_folder.snapshots import Array

Floats = NDArray[np.float64]

BLOCK_BYTES = 1 << 23  # of float32 embeddings converted at once: they stay in the processor's cache
EXACT_DIMENSIONS = 2560  # up to which the covariance matrix is formed
FLAT = 1e-6  # share of the first axis's standard deviation below which a second one is none


def main_axes(
    parts: Sequence[Array], names: Sequence[str], progress: Callable[[float], None] | None = None
) -> tuple[Floats, Floats]:
    """The mean (D,) of the rows of all parts (n, D), and the two axes (D, 2) along which they vary most; D = 1: (1, 0).

    `progress(share)` is called for each part and may raise. Raises InputError, with the part's name, for embeddings
    that are not finite.
    """
    dim, n = parts[0].shape[1], sum(len(part) for part in parts)
    sample = np.concatenate([np.asarray(part[:: max(1, len(part) // 100)], np.float64) for part in parts])
    about = sample.mean(axis=0)  # near enough to the mean that little cancels
    require_finite(about, "one of the snapshots")
    reach = float(np.abs(sample - about).max())
    # scaled only where squares would over- or underflow
    shift, scale = about.astype(np.float32), 1.0 if reach == 0 or 1e-6 < reach < 1e6 else 1 / reach
    exact = dim <= EXACT_DIMENSIONS
    sums, covariance = np.zeros(dim), np.zeros((dim, dim) if exact else (0, 0))
    for t, (part, name) in enumerate(zip(parts, names, strict=True)):
        if progress:
            progress(t / len(parts))
        before = sums.copy()
        for block in blocks([part], shift, scale):
            sums += block.sum(axis=0)
            if exact:
                covariance += block.T @ block
        require_finite(sums - before, name)
    offset = sums / n  # of the mean from the shift, scaled
    mean = shift.astype(np.float64) + offset / scale
    if dim == 1:
        return mean, np.eye(1, 2)
    if not exact:
        return mean, principal_axes(parts, 2, rounds=30, shift=mean.astype(np.float32), scale=scale)
    covariance = covariance / n - np.outer(offset, offset)
    axes, residual = _leading(lambda q: covariance @ q, dim, 2, rounds=200, enough=1e-11)
    if residual > 1e-9:  # many axes matter alike: rare, and the full decomposition of D = 2,000 takes seconds
        axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :2]
    return mean, axes


def principal_axes(
    parts: Sequence[Array], k: int, *, rounds: int, seed: int = 0, shift: Array | None = None, scale: float = 1.0
) -> Floats:
    """The k axes (D, k) along which the rows of all parts (n, D) vary most about `shift (D,)`, by subspace iteration.

    Orthonormal, the most important first. `rounds` passes over the data, starting from `seed`: the more, the closer to
    the exact axes. `scale` is a factor that keeps squares within float32.
    """
    dim = parts[0].shape[1]
    about = np.zeros(dim, np.float32) if shift is None else shift

    def covariance_times(q: Floats) -> Floats:
        small, product = q.astype(np.float32), np.zeros(q.shape)
        for block in blocks(parts, about, scale):
            product += block.T @ (block @ small)
        return product

    return _leading(covariance_times, dim, k, rounds, seed)[0]


def _leading(
    times: Callable[[Floats], Floats], dim: int, k: int, rounds: int, seed: int = 0, enough: float = 0.0
) -> tuple[Floats, float]:
    """The k leading eigenvectors (D, k) of the symmetric matrix that `times` multiplies with, largest first.

    And how far they are from being so: |A v - a v| over the largest eigenvalue. It stops after `rounds`, or when that
    is `enough`.
    """
    product, residual = np.random.default_rng(seed).standard_normal((dim, min(k + 10, dim))), math.inf
    for _ in range(rounds):
        q = np.linalg.qr(product)[0]  # (D, k + 10)
        product = times(q)
        values, turn = np.linalg.eigh(q.T @ product)
        values, turn = values[::-1][:k], turn[:, ::-1][:, :k]
        axes = q @ turn
        residual = float(np.abs(product @ turn - axes * values).max()) / (abs(float(values[0])) or 1.0)
        if residual <= enough:
            break
    return axes, residual


def replace_flat_axes(axes: Floats, points: Floats, candidates: Floats) -> Floats:
    """`axes (D, 2)`, but an axis along which points (P, D) do not vary gives way to one of the candidates (D, 2)."""
    deviation = (points @ axes).std(axis=0)
    columns = [axes[:, 0]] if deviation[0] > 0 else []
    columns += [axes[:, 1]] if deviation[1] > FLAT * deviation[0] else []
    for candidate in candidates.T:
        rest = candidate.copy()
        for column in columns:
            rest -= (rest @ column) * column
        if len(columns) < 2 and np.linalg.norm(rest) > 0.1:
            columns.append(rest / np.linalg.norm(rest))
    return np.stack(columns, axis=1)


def plane_through_points(a: Floats, b: Floats, c: Floats) -> Floats | None:
    """The plane through three points (D,): the first axis goes from a to b, c is above; None if they are on a line."""
    first, third = b - a, c - a
    length = float(np.linalg.norm(first))
    if not length > 0:
        return None
    first = first / length
    second = third - (third @ first) * first
    second = second - (second @ first) * first  # again: of the first, rounding the size of `third` is left
    height = float(np.linalg.norm(second))
    if not height > 1e-6 * max(length, float(np.linalg.norm(third))):
        return None
    return np.stack([first, second / height], axis=1)


def project_onto_plane(e: Array, origin: Floats, basis: Floats, name: str) -> tuple[NDArray[np.float32], float]:
    """Positions (N, 2) of embeddings e (N, D), and the share of their variance that is seen; NaN if they do not vary.

    Raises InputError, with `name`, for what is not finite.
    """
    u = np.empty((len(e), 2), np.float32)
    p = basis.astype(np.float32)
    at, squares, sums = 0, 0.0, np.zeros(e.shape[1])
    for block in blocks([e], origin.astype(np.float32)):
        u[at : at + len(block)] = block @ p
        at += len(block)
        sums += block.sum(axis=0)
        squares += float(np.vdot(block, block))
    require_finite(u, name)
    everything = squares / len(e) - float(np.square(sums / len(e)).sum())
    on_screen = float(u.var(axis=0, dtype=np.float64).sum())
    return u, min(1.0, on_screen / everything) if everything > 1e-9 * squares / len(e) else math.nan


def blocks(parts: Sequence[Array], shift: Array, scale: float = 1.0) -> Iterator[NDArray[np.float32]]:
    """The rows of all parts (n, D) as float32, some at a time, minus `shift (D,)` and times `scale`."""
    rows = max(1, BLOCK_BYTES // (4 * len(shift)))
    for part in parts:
        for at in range(0, len(part), rows):
            block = part[at : at + rows].astype(np.float32)
            block -= shift
            if scale != 1:
                block *= np.float32(scale)
            yield block


def require_finite(numbers: Array, name: str) -> None:
    if not np.isfinite(numbers).all():
        raise InputError(f"{name} holds embeddings that are not numbers: a training that diverged cannot be shown")
