"""The one table of names and terms that people read: menus, legends, captions, what stands on hover.

Python imports it; the browser gets `for_browser()` once, with the page (`assets/common/words.mjs`). A key stands in
addresses and options and never changes; its words may.
"""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any, NamedTuple

from mtm import classifiers
from mtm.losses import describe_loss


class Term(NamedTuple):
    """What one thing is called."""

    name: str  # in menus and legends
    caption: str = ""  # in a figure's title or caption
    help: str = ""  # on hover: what it is, or what it does to the picture


REGIONS = {
    "exact": Term("exact slice of this plane", "exact slice of this plane"),
    "fitted": Term("fitted straight edges", "straight edges fitted to the decisions"),
    "targets": Term("nearest drawn target", "nearest drawn target"),
    "centres": Term("nearest drawn centre", "nearest drawn class centre"),
    "vote": Term("vote of near images", "vote of the 15 nearest images"),
}
BEST_REGIONS, NO_REGIONS = "whichever agrees most", "none"
COLOURS = {  # what the colour of a point tells
    "label": Term("class", "class"),
    "prediction": Term("decision", "decision"),
    "right": Term("right or wrong", "decision"),
    "distance": Term("distance to own target", "distance to own target"),
    "margin": Term("margin", "margin of the decision"),
}
MARKS = {
    "targets": Term("targets", help="The learned class embeddings, as ringed marks"),
    "centres": Term("centres", help="The mean of each class's images, as crosses"),
    "trails": Term("trails", help="Where targets and centres came from"),
    "gaps": Term("gaps", help="A line from each target to its class centre"),
    "labels": Term("names", help="Class names beside their targets"),
    "boundaries": Term("edges", help="Lines where one region ends and the next begins"),
}
MARKS_BY_DEFAULT = ("targets", "centres", "trails", "labels", "boundaries")
CAMERAS = {"fixed": Term("fixed"), "scale": Term("follows the scale")}
CAMERA_THAT_FITS = "fixed, or follows what shrinks"  # of each run compared
CURVES = {
    "sigma_rho": Term("Cluster size σ and centre distance ρ", "Cluster size σ and centre distance ρ"),
    "accuracy": Term("Accuracy of the classifiers", "Accuracy of the classifiers"),
    "separation": Term("Mean distance between classes", "Mean distance between classes"),
    "cosine": Term("Median cosine to the own centre", "Median cosine to the own class centre"),
    "rho_sigma": Term("ρ against σ", "Centre distance ρ against cluster size σ"),
    "sigma_class": Term("σ of each class", "Cluster size σ of each class"),
    "rho_class": Term("ρ of each class", "Centre distance ρ of each class"),
}
CLASSIFIERS = {  # the first that a run has decides at first
    name: Term(f"{classifiers.CLASSIFIERS[name].meaning} ({name})", help=classifiers.CLASSIFIERS[name].help)
    for name in classifiers.PREFERRED
}
EVENTS = {
    "learned": "learned",
    "forgotten": "forgotten",
    "flips": "undecided",
    "never": "never right",
    "moved": "moved far",
    "neighbour": "new neighbour",
    "crossed": "crossed the centre",
    "sudden": "suddenly fast",
}
MARKS_EXPLAINED = {  # what is seen in a picture, in the help of every page
    "point": "a test image: its output embedding, brought from D dimensions to two",
    "target": "a target: the class embedding that pulls its images, and moves",
    "centre": "a class centre: the mean of the images of a class",
    "region": "a region: where the chosen classifier decides for a class",
    "trail": "a trail: where a target or a centre came from",
}
KEYS = (
    ("space", "play or pause"),
    ("← →", "one snapshot back or on"),
    ("Home End", "first or last snapshot"),
    ("click", "one image; on a target: the images of its class"),
    ("shift click", "add an image to the selection, or take it off"),
    ("?", "this list"),
    ("r s esc", "in the lab: release, one step, reset"),
    ("f", "in the lab: fit the view"),
)


def usual_classifier(available: Container[str], loss: str | None) -> str | None:
    """The classifier that goes with a loss, of those that are available; None where none is."""
    preferred = (describe_loss(loss).classifier, *CLASSIFIERS)
    return next((name for name in preferred if name in available), None)


def names(terms: dict[str, Term]) -> dict[str, str]:
    """Key -> name, for a menu."""
    return {key: term.name for key, term in terms.items()}


def region_choices() -> dict[str, str]:
    """Key -> name of every kind of regions, with the best and none of them, for a menu."""
    return {"best": BEST_REGIONS, **names(REGIONS), "off": NO_REGIONS}


def for_browser() -> dict[str, Any]:
    """What browser code needs of this table, in JSON's types."""
    return {
        "colours": names(COLOURS),
        "marks": {key: [term.name, term.help] for key, term in MARKS.items()},
        "events": EVENTS,
        "classifiers": list(CLASSIFIERS),
    }


def as_script(**more: Any) -> str:
    """`for_browser()` and more as an element of a page, which `assets/common/words.mjs` reads."""
    content = json.dumps(for_browser() | more, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="words">{content}</script>'
