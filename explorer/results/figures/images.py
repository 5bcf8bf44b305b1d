"""Figures 12 and 13: an image of each data set, and the transforms of section IV-B step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.results.chosen_runs import ORDER, ChosenRuns
from explorer.results.figures.embedding import rgb
from explorer.results.figures.style import apply_style, hide_axes
from mtm.data import transform
from mtm.data.known import DATASETS as SOURCES
from mtm.data.known import look_for
from mtm.errors import InputError
from mtm.paper.tables import DATASETS

Image = NDArray[np.uint8]
RESIZE, CROP = 44, 36  # Table 2
MAX_DEVIATIONS = 2.5  # standard deviations either way that a normalised image is drawn with
TRANSFORMED = ("F-MNIST", "CIFAR100")  # of Figure 13
SIDE, TEXT = 160, 22  # pixels of an image, and of the name above it


@dataclass(frozen=True)
class Sample:
    """One image of a data set, from the data itself or else as a run has recorded it."""

    image: Image  # (h, w, 3)
    is_original: bool


def load_samples(runs: ChosenRuns, data_root: Path | None) -> dict[str, Sample]:
    """An image of each of the paper's data sets, where there is one. Without a folder of data torch is not imported."""
    samples = {}
    for key, name in DATASETS.items():
        image = None if data_root is None else _load_original(key, data_root)
        if image is not None:
            samples[name] = Sample(image, True)
            continue
        recorded = [run.points.thumbnails for run in runs.of(name) if run.points]
        thumbnails = [images for images in recorded if images is not None]
        if thumbnails:
            samples[name] = Sample(rgb(thumbnails[0][0]), False)
    return {name: samples[name] for name in ORDER if name in samples}


def draw_examples(samples: dict[str, Sample]) -> go.Figure:
    """Figure 12: an image from each data set, side by side."""
    return _draw_rows([[(name, sample.image) for name, sample in samples.items()]])


def draw_transforms(samples: dict[str, Sample]) -> go.Figure:
    """Figure 13: an image as it is, resized, cropped and normalised, a row a data set."""
    rows = []
    for name in transformable(samples):
        original = samples[name].image
        resized = transform(original[None], RESIZE, 0, False)[0]
        cropped = transform(original[None], RESIZE, CROP, False)[0]
        h, w = original.shape[:2]
        steps = [(f"{name}, {w} × {h}", original), (f"resized, {RESIZE} × {RESIZE}", resized),
                 (f"cropped, {CROP} × {CROP}", cropped), ("normalised", normalise(cropped, name))]  # fmt: skip
        rows.append(steps)
    return _draw_rows(rows)


def transformable(samples: dict[str, Sample]) -> list[str]:
    """The data sets of Figure 13 of which there is an untransformed image."""
    return [name for name in TRANSFORMED if name in samples and samples[name].is_original]


def normalise(image: Image, dataset: str) -> Image:
    """An image after Table 2's shift and scale, drawn with MAX_DEVIATIONS standard deviations from black to white."""
    keys = {name: key for key, name in DATASETS.items()}
    mean, std = (np.array(values) for values in SOURCES[keys[dataset]].normalisation or ((0,), (255,)))
    z = (image.astype(np.float64) - mean) / std
    return np.asarray(np.clip((z / MAX_DEVIATIONS + 1) / 2, 0, 1) * 255, np.uint8)


def _load_original(key: str, data_root: Path) -> Image | None:
    """The first test image, if the data is on disk; nothing is downloaded."""
    if look_for(SOURCES[key], data_root).state != "whole":
        return None
    try:
        return rgb(np.asarray(SOURCES[key].load(data_root).test_images[0], np.uint8))
    except InputError:  # incomplete
        return None


def figure_size(rows: int, columns: int) -> tuple[int, int]:
    """Pixels of a figure of so many images."""
    return columns * (SIDE + 12) + 32, rows * (SIDE + TEXT + 12) + 44


def _draw_rows(rows: Sequence[Sequence[tuple[str, Image]]]) -> go.Figure:
    """Images in rows, each with its name above it."""
    figure, most = go.Figure(), max(len(row) for row in rows)
    figure.update_layout(xaxis={"range": [0, most]}, yaxis={"range": [0, len(rows)]})
    figure.add_scatter(x=[None], y=[None], showlegend=False, hoverinfo="skip")
    number = 2
    for i, row in enumerate(rows):
        for j, (name, image) in enumerate(row):
            figure.add_trace(go.Image(z=image, xaxis=f"x{number}", yaxis=f"y{number}", hoverinfo="skip"))
            top, bottom = 1 - (i + 0.13) / len(rows), 1 - (i + 0.98) / len(rows)
            figure.layout[f"xaxis{number}"] = {"domain": [(j + 0.03) / most, (j + 0.97) / most], "anchor": f"y{number}"}
            figure.layout[f"yaxis{number}"] = {"domain": [bottom, top], "anchor": f"x{number}"}
            figure.add_annotation(x=j + 0.5, y=len(rows) - i - 0.06, text=name, showarrow=False, font={"size": 12})
            number += 1
    apply_style(figure, *figure_size(len(rows), most), showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return hide_axes(figure, "", *(str(n) for n in range(2, number)))
