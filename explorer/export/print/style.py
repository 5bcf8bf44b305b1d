"""The style of exported figures: light, quiet, readable in greyscale; text stays text in SVG and PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from mtm.errors import InputError, choose_from
from mtm.run_folder.files import atomic_path

FORMATS = ("png", "svg", "pdf")
INK, QUIET, FRAME, PAGE = "#1f2329", "#5c636e", "#9aa1ab", "#ffffff"
PIXELS = 96  # of a figure's width and height, an inch
LARGEST = 10_000  # pixels a side
STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, and has the Greek letters
    "font.size": 8.5,
    "text.color": INK,
    "axes.edgecolor": FRAME,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",  # text, not outlines
    "svg.hashsalt": "moving-targets",  # the same picture gives the same file
    "pdf.fonttype": 42,
}

# Distinct without colour: shapes of classes, dashes of lines
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))


def use_style() -> Any:
    """A context in which figures are made and saved."""
    return matplotlib.rc_context(STYLE)  # type: ignore[arg-type]


def new_figure(width: int, height: int) -> Figure:
    """An empty figure of so many pixels. Raises InputError for a size that cannot be drawn."""
    for name, value in (("width", width), ("height", height)):
        if not 200 <= value <= LARGEST:
            raise InputError(f"--{name} {value}: a figure has 200 to {LARGEST:,} pixels a side")
    return Figure((width / PIXELS, height / PIXELS), dpi=PIXELS, facecolor=PAGE)


def add_heading(figure: Figure, title: str, about: str, foot: str = "") -> None:
    """Title and a line beneath it at the upper left, and a quiet line at the foot."""
    width, height = figure.get_size_inches() * PIXELS
    figure.text(16 / width, 1 - 14 / height, title, va="top", fontsize=11, fontweight="bold")
    figure.text(16 / width, 1 - 36 / height, about, va="top", fontsize=8, color=QUIET)
    if foot:
        figure.text(16 / width, 8 / height, foot, va="bottom", fontsize=7, color=QUIET)


def save(figure: Figure, path: Path, scale: float = 1.0, about: str = "") -> None:
    """Write a figure as PNG (`scale` times its pixels), SVG or PDF, whole or not at all.

    What is rasterised within SVG and PDF has 300 dots an inch. Raises InputError for another kind of file.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise choose_from("kind of figure", kind or path.name, FORMATS)
    if not 1 <= scale <= 4:
        raise InputError(f"--scale {scale:g}: a PNG is made 1 to 4 times as large")
    dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}  # the same picture, the same file
    dpi = PIXELS * scale if kind == "png" else 300
    with use_style(), atomic_path(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=dpi, metadata={"Title": about, **dates[kind]})
