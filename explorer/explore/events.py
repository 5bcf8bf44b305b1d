"""Events: what happens to images and targets while a run learns, as a ranked list with a sentence each.

    learned    an image is right for the first time          moved     an image's largest step, measured by the others'
    forgotten  an image that was right becomes wrong         neighbour another target becomes a target's nearest
    flips      an image's decision changes again and again   crossed   a target goes to the other side of avg(G)
    never      an image is never right                       sudden    a target is all at once faster than before

The functions on arrays are the definitions; `find_events` applies them to a run and ranks the events. A score is
between 0 and 1 and compares events of one kind; in the list the kinds take turns, the strongest event of each first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.space.history import CHUNK, History
from explorer.words import EVENTS
from mtm.fewshot import unseen_classes
from mtm.geometry import global_centre, median, nearest_of_others
from mtm.run_folder.snapshots import Array

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Events = Iterator["Event"]

KINDS = tuple(EVENTS)
LEAST_FLIPS = 3  # changes of one image's decision that make an event
LEAST_MOVE = 1.0  # sigma
LEAST_RATIO = 2.0  # times the step of the others, or the speed before, that makes an event
BEFORE = 3  # steps that a sudden one is compared with


@dataclass(frozen=True)
class Event:
    """Something that happened between a snapshot and the one before."""

    kind: str  # one of KINDS
    epoch: float
    snapshot: int  # place among the T shown
    image: int | None  # row of the recorded image, or None
    target: int | None  # class of the target, or None
    score: float  # 0..1 within its kind
    text: str  # for a student


# Definitions, on arrays


def first_right(right: ArrayLike) -> Rows:
    """(N,): the first of T snapshots at which each image is right, of right (T, N); T for never."""
    right = np.asarray(right, dtype=bool)
    return np.where(right.any(axis=0), right.argmax(axis=0), len(right))


def streaks(right: ArrayLike) -> Rows:
    """(T, N): for how many snapshots in a row, this one included, each image has been right."""
    lengths = np.zeros(np.shape(right), np.int64)
    for t, row in enumerate(np.asarray(right, dtype=bool)):
        lengths[t] = np.where(row, (lengths[t - 1] if t else 0) + 1, 0)
    return lengths


def changes(decided: ArrayLike) -> NDArray[np.bool_]:
    """(T, N): whether a decision (T, N) differs from the one before; never at the first."""
    decided = np.asarray(decided)
    return np.concatenate([np.zeros_like(decided[:1], dtype=bool), decided[1:] != decided[:-1]])


def find_moves(embeddings: Sequence[Array], sigma: Sequence[float]) -> Floats:
    """(T, N): the step of each image in D dimensions over sigma, the mean of those before and after; 0 at the first."""
    moved = np.zeros((len(embeddings), len(embeddings[0])))
    size = max(1, CHUNK // embeddings[0].shape[1])
    for t in range(1, len(embeddings)):
        scale = (sigma[t - 1] + sigma[t]) / 2
        for first in range(0, moved.shape[1], size):
            rows = slice(first, first + size)
            step = embeddings[t][rows].astype(np.float32) - embeddings[t - 1][rows].astype(np.float32)
            moved[t, rows] = np.sqrt(np.einsum("nd,nd->n", step, step)) / scale if scale > 0 else 0.0
    return moved


def nearest_targets(targets: ArrayLike) -> Rows:
    """(T, C): the class whose target is nearest to each class's, of targets (T, C, D)."""
    return np.array([nearest_of_others(points)[1] for points in np.asarray(targets, np.float64)])


def find_turns(targets: ArrayLike, origins: ArrayLike) -> Floats:
    """(T, C): the cosine between where each target is and was, seen from the global centres (T, D); 1 at the first.

    Below 0 a target has gone to the other side of the global centre within one step.
    """
    directions = np.asarray(targets, np.float64) - np.asarray(origins, np.float64)[:, None]  # (T, C, D)
    length = np.linalg.norm(directions, axis=-1)
    directions /= np.where(length == 0, 1, length)[..., None]
    return np.concatenate([np.ones_like(length[:1]), (directions[1:] * directions[:-1]).sum(axis=-1)])


def speeds(targets: ArrayLike, epochs: ArrayLike) -> Floats:
    """(T, C): how far each target moved since the snapshot before, an epoch; NaN at the first."""
    steps = np.linalg.norm(np.diff(np.asarray(targets, np.float64), axis=0), axis=-1)  # (T-1, C)
    passed = np.diff(np.asarray(epochs, np.float64))[:, None]
    steps = np.divide(steps, passed, out=np.full_like(steps, np.nan), where=passed > 0)
    return np.concatenate([np.full((1, steps.shape[1]), np.nan), steps])


def suddenness(speed: ArrayLike) -> Floats:
    """(T, C): speed over its median in up to BEFORE steps before; NaN where there is none, or it stood still."""
    speed = np.asarray(speed, np.float64)
    ratio = np.full_like(speed, np.nan)
    for t in range(2, len(speed)):
        usual = np.median(speed[max(1, t - BEFORE) : t], axis=0)
        np.divide(speed[t], usual, out=ratio[t], where=usual > 0)
    return ratio


# Of a run


def find_events(history: History, classifier: str | None = None, *, moved: Floats | None = None) -> list[Event]:
    """All events of a run, ranked; decisions are those of `classifier`, by default the best at the end.

    `moved` is `find_run_moves` of the run, if it is at hand: computing it reads every embedding. Raises InputError for
    a classifier that the model does not have.
    """
    name = history.classifier(classifier)
    moves = find_run_moves(history) if moved is None else moved
    return rank_events([*_of_decisions(history, name), *_of_targets(history), *_of_moves(history, moves)])


def find_run_moves(history: History) -> Floats:
    """`find_moves` of a run."""
    return find_moves(history.recording.embeddings, [median(distances) for distances in history.centre_distances])


def rank_events(events: Sequence[Event]) -> list[Event]:
    """The strongest event of each kind, then the second of each, and so on; within a round by score."""
    kinds: dict[str, list[Event]] = {kind: [] for kind in KINDS}
    for event in sorted(events, key=lambda e: (-e.score, e.snapshot, e.image or 0, e.target or 0)):
        kinds[event.kind].append(event)
    rounds = [(place, -e.score, KINDS.index(e.kind), e) for each in kinds.values() for place, e in enumerate(each)]
    return [event for *_, event in sorted(rounds, key=lambda item: item[:3])]


def count_by_snapshot(events: Sequence[Event], n_snapshots: int) -> dict[str, list[int]]:
    """How many events of each kind there are at each of T snapshots: the ticks of the time line."""
    counts = {kind: [0] * n_snapshots for kind in KINDS}
    for event in events:
        counts[event.kind][event.snapshot] += 1
    return counts


def _of_decisions(history: History, classifier: str) -> Events:
    right, decided = history.right(classifier), history.predictions[classifier]
    n_snapshots, n = right.shape
    steps = max(1, n_snapshots - 1)
    event, names = _event_maker(history), history.class_names
    first, streak, changed = first_right(right), streaks(right), changes(decided)
    ever = first < n_snapshots
    before = np.searchsorted(np.sort(first), first) / n  # share of all images that were right earlier
    for row in np.flatnonzero(ever & (first > 0)):
        text = f"{{image}} is right for the first time; {100 * before[row]:.0f} % of the images were before it"
        yield event("learned", int(first[row]), before[row], text, image=row)
    for t, row in np.argwhere(right[:-1] & ~right[1:]):
        length = int(streak[t, row])
        text = f"{{image}}, right for {_counted(length, 'snapshot')}, is forgotten: now {names[decided[t + 1, row]]}"
        yield event("forgotten", int(t) + 1, length / steps, text, image=row)
    counts = changed.sum(axis=0)
    for row in np.flatnonzero(counts >= LEAST_FLIPS):
        last = int(np.flatnonzero(changed[:, row])[-1])
        text = f"{{image}} was given another class in {counts[row]} of {steps} steps, here the last time: now "
        yield event("flips", last, counts[row] / steps, text + names[decided[last, row]], image=row)
    can_be_right = ~np.isin(history.labels, unseen_classes(history.snapshots[-1]))  # (N,) held-out classes cannot
    for row in np.flatnonzero(~ever & can_be_right):
        usual, times = _commonest(decided[:, row])
        text = f"{{image}} is never right; taken for {names[usual]} in {times} of {_counted(n_snapshots, 'snapshot')}"
        yield event("never", n_snapshots - 1, times / n_snapshots, text, image=row)


def _of_moves(history: History, moved: Floats) -> Events:
    """Of each image the step that is largest beside the median step of all images at that snapshot."""
    usual = np.median(moved, axis=1, keepdims=True)  # (T, 1)
    ratio = np.divide(moved, usual, out=np.zeros_like(moved), where=usual > 0)
    ratio[moved < LEAST_MOVE] = 0
    event = _event_maker(history)
    for row, t in enumerate(ratio.argmax(axis=0)):
        times = float(ratio[t, row])
        if times >= LEAST_RATIO:
            text = f"{{image}} moves by {moved[t, row]:.1f} sigma, {times:.1f} times as far as the median image"
            yield event("moved", int(t), 1 - 1 / times, text, image=row)


def _of_targets(history: History) -> Events:
    if history.recording.targets is None or history.n_classes < 2:
        return
    targets = np.stack([np.asarray(c, np.float64) for c in history.recording.targets])  # (T, C, D)
    origins = np.stack([global_centre(history.recording.centres(t)) for t in range(len(history))])  # (T, D)
    n_snapshots, steps = len(targets), max(1, len(targets) - 1)
    event, names = _event_maker(history), history.class_names
    near = nearest_targets(targets)
    for t, k in np.argwhere(changes(near)):
        stay = int(np.argmax(np.append(near[t:, k] != near[t, k], True)))
        until = "to the end" if t + stay == n_snapshots else f"for {_counted(stay, 'snapshot')}"
        text = f"the target nearest to {{target}} is no longer {names[near[t - 1, k]]} but {names[near[t, k]]}, {until}"
        yield event("neighbour", int(t), stay / steps, text, target=k)
    cosines = find_turns(targets, origins)
    for t, k in np.argwhere(cosines < 0):
        text = "the target of {target} goes to the other side of the global centre"
        yield event("crossed", int(t), (1 - cosines[t, k]) / 2, text, target=k)
    ratio = suddenness(speeds(targets, history.epochs))
    for t, k in np.argwhere(ratio >= LEAST_RATIO):
        text = f"the target of {{target}} is suddenly {ratio[t, k]:.1f} times as fast as just before"
        yield event("sudden", int(t), 1 - 1 / ratio[t, k], text, target=k)


def _event_maker(history: History) -> Callable[..., Event]:
    """A function that makes an event; its text may name {image} or {target}."""

    def event(kind: str, t: int, score: float, text: str, image: Any = None, target: Any = None) -> Event:
        who = {"image": history.image_name(image)} if image is not None else {"target": history.class_names[target]}
        for key, words in who.items():
            text = text.replace(f"{{{key}}}", words)
        row, k = (None if number is None else int(number) for number in (image, target))
        return Event(kind, float(history.epochs[t]), t, row, k, float(score), f"{text[0].upper()}{text[1:]}.")

    return event


def _commonest(values: Array) -> tuple[int, int]:
    """The most frequent value, and how often it occurs."""
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[counts.argmax()]), int(counts.max())


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
