"""The style of exported figures: light, quiet, readable in greyscale; text stays text in SVG and PDF."""

from __future__ import annotations

import io
import math
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unicodedata import category

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.text import Text

from explorer.export.print import MEDIA_TYPES
from explorer.figures.colours import RAMP
from mtm.errors import InputError, choose_from
from mtm.run_folder.files import write_bytes
from mtm.text import shorten

INK, QUIET, FRAME, PAGE = "#1f2329", "#5c636e", "#9aa1ab", "#ffffff"
PIXELS = 96  # of a figure's width and height, an inch
POINTS = 72 / PIXELS  # of a pixel
SMALLEST, LARGEST = 200, 10_000  # pixels a side
ROOM = 50  # pixels a side that axes have at least
MOST_PIXELS = 50e6  # of a PNG, and of what is rasterised within SVG and PDF
FONT = "DejaVu Sans"  # comes with matplotlib; Latin, Greek and Cyrillic
STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": [FONT],
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,  # a name may hold two dollar signs
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

# Distinct without colour, by Plotly's names: marks of classes and lines, dashes of lines
SHAPES = {
    "circle": "o", "square": "s", "triangle-up": "^", "diamond": "D", "triangle-down": "v", "cross": "P", "x": "X",
    "triangle-left": "<", "triangle-right": ">", "pentagon": "p",
}  # fmt: skip
DASHES: dict[str, Any] = {
    "solid": "-", "dash": (0, (5, 2)), "dot": (0, (1.2, 1.6)), "dashdot": (0, (6, 2, 1.2, 2))
}  # fmt: skip
SHADES = LinearSegmentedColormap.from_list("shades", RAMP)  # of numbers

_one_at_a_time = threading.RLock()


@contextmanager
def use_style() -> Iterator[None]:
    """A block in which figures are made and saved, in one thread at a time: matplotlib's style is the process's.

    Nothing is said on standard error of a sign that no font has, which `render` says on the picture, and of a log axis
    before it is made another.
    """
    with _one_at_a_time, matplotlib.rc_context(STYLE), warnings.catch_warnings():  # type: ignore[arg-type]
        warnings.filterwarnings("ignore", r"Glyph .* missing from font|Data has no positive values")
        yield


def new_figure(width: int, height: int, beside: tuple[int, int] = (0, 0)) -> Figure:
    """An empty figure of so many pixels. Raises InputError for a size that cannot be drawn.

    `beside` is the width and the height of what stands around its axes, which need ROOM.
    """
    check_size(width, height, (beside[0] + ROOM, beside[1] + ROOM))
    return Figure((width / PIXELS, height / PIXELS), dpi=PIXELS, facecolor=PAGE)


def check_size(width: int, height: int, least: tuple[int, int] = (0, 0)) -> None:
    """Raises InputError for a figure that is too small to hold what it shows, or too large to be drawn."""
    for name, value, need in (("width", width, least[0]), ("height", height, least[1])):
        smallest = max(SMALLEST, need)
        if not smallest <= value <= LARGEST:
            raise InputError(f"--{name} {value}: this figure has {smallest} to {LARGEST:,} pixels a side")


def check_scale(scale: float, width: int, height: int) -> None:
    """Raises InputError for a PNG that is made smaller than the figure, or so large that memory would not do."""
    if not 1 <= scale <= 4:
        raise InputError(f"--scale {scale:g}: a PNG is made 1 to 4 times as large")
    pixels = width * height * scale**2
    if pixels > MOST_PIXELS:
        raise InputError(
            f"--width {width} --height {height} --scale {scale:g}: a PNG has at most {MOST_PIXELS / 1e6:.0f} million "
            f"pixels, this one would have {pixels / 1e6:,.0f} million"
        )


def add_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place of the figure, in pixels."""
    w, h = figure.get_size_inches() * PIXELS
    return figure.add_axes((left / w, bottom / h, width / w, height / h))


def add_heading(figure: Figure, title: str, about: str, foot: str = "") -> None:
    """Title and a line beneath it at the upper left, and a quiet line at the foot."""
    width, height = figure.get_size_inches() * PIXELS
    figure.text(16 / width, 1 - 14 / height, shorten(title, 80), va="top", fontsize=11, fontweight="bold")
    figure.text(16 / width, 1 - 36 / height, about, va="top", fontsize=8, color=QUIET)
    if foot:
        figure.text(16 / width, 8 / height, foot, va="bottom", fontsize=7, color=QUIET)


def render(figure: Figure, kind: str, scale: float = 1.0, about: str = "", dots: int = 300) -> bytes:
    """A figure as PNG (`scale` times its pixels), SVG or PDF; the same figure gives the same bytes.

    What is rasterised within SVG and PDF has `dots` an inch, in a very large figure fewer. Raises InputError for
    another kind of file, and a scale that cannot be.
    """
    if kind not in MEDIA_TYPES:
        raise choose_from("kind of figure", kind, MEDIA_TYPES)
    inches = figure.get_size_inches()
    check_scale(scale if kind == "png" else 1.0, *(round(side) for side in inches * PIXELS))
    dots = min(dots, int(math.sqrt(MOST_PIXELS / inches.prod())))
    dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    dpi, file = PIXELS * scale if kind == "png" else dots, io.BytesIO()
    with use_style():
        lacking = complete_fonts([text for text in figure.findobj(Text) if isinstance(text, Text)])
        notes = []  # of this kind of file alone: the figure stays as it is
        if lacking and kind != "svg":  # whose reader may have such a font
            signs = ", ".join(f"U+{sign:04X}" for sign in sorted(lacking))
            notes = [figure.text(1, 0, f"no font here has {signs}", ha="right", va="bottom", fontsize=6, color=QUIET)]
        figure.savefig(file, format=kind, dpi=dpi, metadata={"Title": about, **dates[kind]})
        for note in notes:
            note.remove()
    return file.getvalue()


def save(figure: Figure, path: Path, scale: float = 1.0, about: str = "") -> None:
    """`render` a figure to `path`, whose ending says the kind; whole or not at all."""
    write_bytes(path, render(figure, path.suffix.lower().lstrip(".") or path.name, scale, about))


def complete_fonts(texts: Sequence[Text]) -> set[int]:
    """Let texts whose signs FONT lacks use other installed fonts too; returns the signs that no font has."""
    own = font_manager.get_font(font_manager.findfont(FONT))
    signs = {text: {ord(sign) for sign in text.get_text() if category(sign) not in ("Cc", "Cf")} for text in texts}
    lacking = {sign for each in signs.values() for sign in each if not own.get_char_index(sign)}
    if not lacking:
        return lacking
    wanted, families = set(lacking), ["sans-serif"]
    for entry in font_manager.fontManager.ttflist:
        if lacking and entry.name not in families and not entry.name.startswith("Last Resort"):  # which draws boxes
            font = font_manager.get_font(entry.fname)
            had = {sign for sign in lacking if font.get_char_index(sign)}
            families += [entry.name] if had else []
            lacking -= had
    for text in texts:
        if signs[text] & wanted:
            text.set_fontfamily(families)
    return lacking
