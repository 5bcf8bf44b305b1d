"""All figures of the report in the paper's order: number, caption, what each lacks, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go

from explorer.results.chosen_runs import LETTERS, NETWORKS, ORDER, Cell, ChosenRuns
from explorer.results.figures import curves, embedding, images
from explorer.results.tables import shortened, slug

DATASETS = ("MNIST", "K-MNIST", "F-MNIST", "CIFAR10", "CIFAR100")  # in the order of Appendix B
HERE = "F-MNIST"  # the data set of Figures 14-17


@dataclass(frozen=True)
class Kind:
    """A kind of figure of which there is one a data set."""

    key: str
    title: str
    first: int  # number in Appendix B of that of the first data set
    in_text: int | None  # number of that of F-MNIST in section IV
    draw: Callable[[ChosenRuns, str], go.Figure]
    caption: str


KINDS = (
    Kind("accuracy", "Accuracy", 20, 14, curves.accuracy_bars,
         "Bars: ours at the best epoch, the thinnest ResNet-18, the widest ResNet-101; dashes: the paper's. The axis "
         "does not begin at 0."),
    Kind("accuracy-over-time", "Accuracy over time", 25, None, curves.accuracy_over_time,
         "At the end of every epoch, by the classifier that is best at the best epoch."),
    Kind("centre-distance", "Centre distance ρ over time", 30, 16, curves.centre_distance,
         "The mean distance of class centres to the global centre; logarithmic."),
    Kind("rho-sigma", "Centre distance ρ compared to cluster size σ", 35, 17, curves.rho_sigma,
         "A point an epoch, the smallest ResNet-18, the largest ResNet-101; above the line ρ is greater than σ. ρ here "
         "is that of the class centres of training images to the global centre of the first epoch."),
    Kind("cosine", "Median cosine similarity over time", 40, None, curves.cosine,
         "Between each output embedding and its own class centre."),
    Kind("cluster-size", "Cluster size σ over time", 45, 15, curves.cluster_size,
         "The median distance of output embeddings to their class centre; logarithmic."),
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One figure of the report. `draw` is None where there is nothing to draw; `lacks` says what is missing."""

    key: str  # also the name of its files
    label: str  # Figure 15; empty for what the paper has not
    title: str
    caption: str
    about: str  # what it is drawn from
    lacks: str
    draw: Callable[[], go.Figure] | None
    size: tuple[int, int] = (720, 440)  # pixels when printed, without its title

    @property
    def name(self) -> str:
        return f"{self.label}: {self.title}" if self.label else self.title


def of_the_model(found: ChosenRuns) -> list[Figure]:
    """Figures 1 to 4, 8 and 11, from a run in two dimensions."""
    run = found.plane
    moving = run is not None and run.cell.loss != "P"
    drawn: tuple[tuple[int, str, str, Callable[[embedding.Plane], go.Figure]], ...] = (
        (1, "The Moving Targets Model", "Output embeddings are blue, class embeddings red.", embedding.model),
        (2, "Class centres divide the space", "Points are output embeddings in the colour of their class, crosses the "
         "class centres; each place has the colour of the closest one.", embedding.by_centres),
        (3, "Class embeddings divide the space", "As Figure 2, by the closest class embedding.", embedding.by_targets),
        (4, "Cluster sizes and centre distances", "Half of the output embeddings of a class lie in its circle of "
         "radius σ; the dashed lines to the global centre are as long as ρ.", embedding.sizes),
        (8, "The space between class embeddings", "Where classification may be impaired, and the images that are "
         "nearest to the class embedding of another class.", embedding.between),
        (11, "The nearest-neighbour classifier", "An output embedding that is nearer to the class embedding of another "
         "class than to its own.", embedding.wrong_image),
    )  # fmt: skip
    about = "" if run is None else f"the last snapshot of {run.name}, {len(run.run.labels):,} test images in D = 2"
    lacks = "no run with D = 2; train one with: mtm train --dim 2" if run is None else ""
    found_figures = []
    for number, title, caption, draw in drawn:
        is_there = run is not None and (moving or number in (2, 4))
        plane = None if run is None or not is_there else (lambda draw=draw: draw(embedding.Plane.of(run)))
        size = embedding.SCHEME if number == 1 else (embedding.WIDTH, embedding.HEIGHT)
        missing = lacks or ("" if is_there else "the run with D = 2 has no class embeddings")
        found_figures.append(Figure(_key(number), f"Figure {number}", title, caption, about, missing, plane, size))
    return found_figures


def of_the_data(found: ChosenRuns, data_root: Path | None) -> list[Figure]:
    """Figures 12 and 13."""
    shown = images.samples(found, data_root)
    missing = [name for name in ORDER if name not in shown]
    recorded = [name for name, sample in shown.items() if not sample.is_original]
    about = f"as a run has recorded it: {', '.join(recorded)}" if recorded else "the first test image of each"
    twelve = Figure("fig12", "Figure 12", "An image of each data set", "", about,
                    f"no images of {', '.join(missing)}" if missing else "",
                    (lambda: images.examples(shown)) if shown else None, images.size(1, len(shown)))  # fmt: skip
    able = images.can_be_transformed(shown)
    unable = [name for name in images.TRANSFORMED if name not in able]
    lacks = f"{' and '.join(unable)}: the data is not there; --data-root names its folder" if unable else ""
    caption = "From left to right: as it is, resized, cropped, normalised (from −2.5 to 2.5 standard deviations)."
    thirteen = Figure("fig13", "Figure 13", "The transforms", caption, "the first test image",
                      lacks, (lambda: images.transforms(shown)) if able else None,
                      images.size(len(able), 4))  # fmt: skip
    return [twelve, thirteen]


def of_the_attributes(found: ChosenRuns) -> list[Figure]:
    """Figures 15 to 19: those of F-MNIST, then the separation on all data sets."""
    figures = [_of_kind(found, kind, HERE, kind.in_text) for kind in KINDS if kind.in_text and kind.in_text > 14]
    figures.sort(key=lambda figure: figure.label)
    for number, loss, name in ((18, "CP", "Class Proximity"), (19, "PP", "Push and Pull")):
        runs = {dataset: curves.smallest(found, dataset, loss) for dataset in found.datasets}
        missing = [dataset for dataset in ORDER if Cell(dataset, NETWORKS[0], loss) not in found.chosen]
        draw = (lambda loss=loss: curves.separation(found, loss)) if any(runs.values()) else None
        title = f"Mean distance between class centres, {name}"
        lacks = f"no run of {NETWORKS[0]}-{loss} on {', '.join(missing)}" if missing else ""
        figures.append(
            Figure(_key(number), f"Figure {number}", title, "ResNet-18; a line a data set.", "", lacks, draw)
        )
    return figures


def of_accuracy(found: ChosenRuns) -> Figure:
    """Figure 14."""
    return _of_kind(found, KINDS[0], HERE, 14)


def of_appendix(found: ChosenRuns) -> list[tuple[str, list[Figure]]]:
    """Figures 20 to 49 by kind, those of the paper's data sets first, then those of others."""
    others = [name for name in found.datasets if name not in ORDER]
    return [
        (
            kind.title,
            [_of_kind(found, kind, name, kind.first + i) for i, name in enumerate(DATASETS)]
            + [_of_kind(found, kind, name, None) for name in others],
        )
        for kind in KINDS
    ]


def all_figures(found: ChosenRuns, data_root: Path | None) -> list[Figure]:
    """All of them, in the paper's order."""
    first = [*of_the_model(found), *of_the_data(found, data_root), of_accuracy(found), *of_the_attributes(found)]
    return first + [figure for _, figures in of_appendix(found) for figure in figures]


def _of_kind(found: ChosenRuns, kind: Kind, dataset: str, number: int | None) -> Figure:
    missing, runs = curves.lacking(found, dataset), found.of(dataset)
    paper = sum(run.cell.network in NETWORKS and run.cell.loss in LETTERS for run in runs)
    about = f"{paper} of the paper's 15 models" if dataset in ORDER else f"{len(runs)} models"
    extra = len(runs) - paper if dataset in ORDER else 0
    about += f" and {extra} more" if extra else ""
    lacks = "" if not missing else f"no run of {shortened(missing)}" if runs else f"no run on {dataset}"
    draw = (lambda: kind.draw(found, dataset)) if runs else None
    key = _key(number) if number else f"{slug(dataset)}-{kind.key}"
    return Figure(
        key, f"Figure {number}" if number else "", f"{kind.title}, {dataset}", kind.caption, about, lacks, draw
    )


def _key(number: int) -> str:
    return f"fig{number:02d}"
