"""All figures of the report in the paper's order: number, caption, missing runs, and the function that draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go

from explorer.results.chosen_runs import LETTERS, NETWORKS, ORDER, ChosenRuns
from explorer.results.figures import curves, embedding, images
from explorer.results.tables import shorten, slug
from mtm.paper.tables import Cell

DATASETS = ("MNIST", "K-MNIST", "F-MNIST", "CIFAR10", "CIFAR100")  # in the order of Appendix B
TEXT_DATASET = "F-MNIST"  # the data set of Figures 14-17


@dataclass(frozen=True)
class Kind:
    """A kind of figure of which there is one per data set."""

    key: str
    title: str
    first: int  # number of the first data set's figure in Appendix B
    in_text: int | None  # number of F-MNIST's figure in section IV
    draw: Callable[[ChosenRuns, str], go.Figure]
    caption: str


KINDS = (
    Kind("accuracy", "Accuracy", 20, 14, curves.draw_accuracy_bars,
         "Bars: ours at the best epoch, the thinnest ResNet-18, the widest ResNet-101; dashes: the paper's. The axis "
         "does not begin at 0."),
    Kind("accuracy-over-time", "Accuracy over time", 25, None, curves.draw_accuracy_over_time,
         "At the end of every epoch, by the classifier that is best at the best epoch."),
    Kind("centre-distance", "Centre distance ρ over time", 30, 16, curves.draw_centre_distance,
         "The mean distance of class centres to the global centre; logarithmic."),
    Kind("rho-sigma", "Centre distance ρ compared to cluster size σ", 35, 17, curves.draw_rho_sigma,
         "A point an epoch, the smallest ResNet-18, the largest ResNet-101; above the line ρ is greater than σ. ρ here "
         "is that of the class centres of training images to the global centre of the first epoch."),
    Kind("cosine", "Median cosine similarity over time", 40, None, curves.draw_cosine,
         "Between each output embedding and its own class centre."),
    Kind("cluster-size", "Cluster size σ over time", 45, 15, curves.draw_cluster_size,
         "The median distance of output embeddings to their class centre; logarithmic."),
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One figure of the report. `draw` is None without data; `lacks` says what is missing."""

    key: str  # also the name of its files
    label: str  # Figure 15; empty for a figure that the paper does not have
    title: str
    caption: str
    about: str  # its data: which run, how many models
    lacks: str
    draw: Callable[[], go.Figure] | None
    size: tuple[int, int] = (720, 440)  # pixels when printed, without its title

    @property
    def name(self) -> str:
        return f"{self.label}: {self.title}" if self.label else self.title


def model_figures(runs: ChosenRuns) -> list[Figure]:
    """Figures 1 to 4, 8 and 11, from a run in two dimensions."""
    run = runs.plane
    has_targets = run is not None and run.cell.loss != "P"
    entries: tuple[tuple[int, str, str, Callable[[embedding.Plane], go.Figure]], ...] = (
        (1, "The Moving Targets Model", "Output embeddings are blue, class embeddings red.", embedding.draw_model),
        (2, "Class centres divide the space", "Points are output embeddings in the colour of their class, crosses the "
         "class centres; each place has the colour of the closest one.", embedding.draw_centre_regions),
        (3, "Class embeddings divide the space", "As Figure 2, by the closest class embedding.",
         embedding.draw_target_regions),
        (4, "Cluster sizes and centre distances", "Half of the output embeddings of a class lie in its circle of "
         "radius σ; the dashed lines to the global centre are as long as ρ.", embedding.draw_sizes),
        (8, "The space between class embeddings", "Where classification may be impaired, and the images that are "
         "nearest to the class embedding of another class.", embedding.draw_between),
        (11, "The nearest-neighbour classifier", "An output embedding that is nearer to the class embedding of another "
         "class than to its own.", embedding.draw_wrong_image),
    )  # fmt: skip
    about = "" if run is None else f"the last snapshot of {run.name}, {len(run.run.labels):,} test images in D = 2"
    lacks = "no run with D = 2; train one with: mtm train --dim 2" if run is None else ""
    figures = []
    for number, title, caption, draw in entries:
        has_data = run is not None and (has_targets or number in (2, 4))
        draw_plane = None if run is None or not has_data else (lambda draw=draw: draw(embedding.Plane.of(run)))
        size = embedding.SCHEME if number == 1 else (embedding.WIDTH, embedding.HEIGHT)
        missing = lacks or ("" if has_data else "the run with D = 2 has no class embeddings")
        figures.append(Figure(_key(number), f"Figure {number}", title, caption, about, missing, draw_plane, size))
    return figures


def data_figures(runs: ChosenRuns, data_root: Path | None) -> list[Figure]:
    """Figures 12 and 13."""
    samples = images.load_samples(runs, data_root)
    missing = [name for name in ORDER if name not in samples]
    recorded = [name for name, sample in samples.items() if not sample.is_original]
    about = f"as a run has recorded it: {', '.join(recorded)}" if recorded else "the first test image of each"
    lacks = f"no images of {', '.join(missing)}" if missing else ""
    draw = (lambda: images.draw_examples(samples)) if samples else None
    size = images.figure_size(1, len(samples))
    examples = Figure("fig12", "Figure 12", "An image of each data set", "", about, lacks, draw, size)
    transformable = images.transformable(samples)
    without_original = [name for name in images.TRANSFORMED if name not in transformable]
    names = " and ".join(without_original)
    lacks = f"{names}: the data is not there; --data-root names its folder" if names else ""
    caption = "From left to right: as it is, resized, cropped, normalised (from −2.5 to 2.5 standard deviations)."
    draw = (lambda: images.draw_transforms(samples)) if transformable else None
    size = images.figure_size(len(transformable), 4)
    transforms = Figure("fig13", "Figure 13", "The transforms", caption, "the first test image", lacks, draw, size)
    return [examples, transforms]


def attribute_figures(runs: ChosenRuns) -> list[Figure]:
    """Figures 15 to 19: those of F-MNIST, then the separation on all data sets."""
    kinds = [kind for kind in KINDS if kind.in_text and kind.in_text > 14]
    figures = [_figure_of_kind(runs, kind, TEXT_DATASET, kind.in_text) for kind in kinds]
    figures.sort(key=lambda figure: figure.label)
    for number, loss, name in ((18, "CP", "Class Proximity"), (19, "PP", "Push and Pull")):
        smallest_runs = {dataset: curves.smallest_run(runs, dataset, loss) for dataset in runs.datasets}
        missing = [dataset for dataset in ORDER if Cell(dataset, NETWORKS[0], loss) not in runs.by_cell]
        draw = (lambda loss=loss: curves.draw_separation(runs, loss)) if any(smallest_runs.values()) else None
        title = f"Mean distance between class centres, {name}"
        lacks = f"no run of {NETWORKS[0]}-{loss} on {', '.join(missing)}" if missing else ""
        figures.append(
            Figure(_key(number), f"Figure {number}", title, "ResNet-18; a line a data set.", "", lacks, draw)
        )
    return figures


def accuracy_figure(runs: ChosenRuns) -> Figure:
    """Figure 14."""
    return _figure_of_kind(runs, KINDS[0], TEXT_DATASET, 14)


def appendix_figures(runs: ChosenRuns) -> list[tuple[str, list[Figure]]]:
    """Figures 20 to 49 by kind, those of the paper's data sets first, then those of others."""
    others = [name for name in runs.datasets if name not in ORDER]
    return [
        (
            kind.title,
            [_figure_of_kind(runs, kind, name, kind.first + i) for i, name in enumerate(DATASETS)]
            + [_figure_of_kind(runs, kind, name, None) for name in others],
        )
        for kind in KINDS
    ]


def all_figures(runs: ChosenRuns, data_root: Path | None) -> list[Figure]:
    """All of them, in the paper's order."""
    first = [*model_figures(runs), *data_figures(runs, data_root), accuracy_figure(runs), *attribute_figures(runs)]
    return first + [figure for _, figures in appendix_figures(runs) for figure in figures]


def _figure_of_kind(runs: ChosenRuns, kind: Kind, dataset: str, number: int | None) -> Figure:
    missing, dataset_runs = curves.models_without_run(runs, dataset), runs.of(dataset)
    paper = sum(run.cell.network in NETWORKS and run.cell.loss in LETTERS for run in dataset_runs)
    about = f"{paper} of the paper's 15 models" if dataset in ORDER else f"{len(dataset_runs)} models"
    extra = len(dataset_runs) - paper if dataset in ORDER else 0
    about += f" and {extra} more" if extra else ""
    lacks = "" if not missing else f"no run of {shorten(missing)}" if dataset_runs else f"no run on {dataset}"
    draw = (lambda: kind.draw(runs, dataset)) if dataset_runs else None
    key = _key(number) if number else f"{slug(dataset)}-{kind.key}"
    return Figure(
        key, f"Figure {number}" if number else "", f"{kind.title}, {dataset}", kind.caption, about, lacks, draw
    )


def _key(number: int) -> str:
    return f"fig{number:02d}"
