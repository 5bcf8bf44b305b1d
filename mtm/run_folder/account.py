"""What was taken of files that somebody else made, and what was not: the account that every import and every data set
of the user's own ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SHOWN = 12  # classes, epochs and files that a sentence names


@dataclass(frozen=True)
class Account:
    """What was read. Sentences name files, columns and rows as the user knows them."""

    source: str  # the file or folder
    class_names: tuple[str, ...]  # in the order of their numbers
    counts: Mapping[str, tuple[int, ...]]  # by split (an import has one, "recorded"): images of each class
    dim: int | None = None  # D of embeddings; None for images
    epochs: tuple[float, ...] = ()  # of embeddings, in order
    rows: str = ""  # how the rows of the epochs were matched
    notes: tuple[str, ...] = ()  # how something was read that could have been read otherwise
    ignored: tuple[str, ...] = field(default=())  # what was left out, and why

    @property
    def images(self) -> int:
        return sum(sum(counts) for counts in self.counts.values())

    def as_dict(self) -> dict[str, Any]:
        """The account in JSON's types: for `--json` and for the run's `config.json`."""
        return asdict(self) | {"images": self.images, "lines": self.lines()}

    def lines(self) -> list[str]:
        """The account in sentences."""
        splits = ", ".join(f"{sum(counts):,} {split}" for split, counts in self.counts.items())
        size = f"{splits} images of {len(self.class_names)} classes"
        size += "" if self.dim is None else f" in {self.dim} dimensions"
        epochs = "epoch" if len(self.epochs) == 1 else f"{len(self.epochs)} epochs:"
        size += f" at {epochs} {_some([f'{epoch:g}' for epoch in self.epochs])}" if self.epochs else ""
        totals = [sum(counts) for counts in zip(*self.counts.values(), strict=True)]
        classes = [f"{name} ({n:,})" for name, n in zip(self.class_names, totals, strict=True)]
        lines = [f"{self.source}: {size}", f"Classes in order: {_some(classes)}"]
        lines += [f"Rows: {self.rows}"] if self.rows else []
        return lines + list(self.notes) + [f"Ignored: {sentence}" for sentence in self.ignored]


def _some(items: list[str]) -> str:
    """The first of many items, and how many more there are."""
    rest = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
