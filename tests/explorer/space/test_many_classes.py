"""Runs of thousands of classes answer, or say at once what is not drawn; what takes C x C numbers is done in blocks."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from flask import Flask

from explorer.explore.certainty import measure_certainty
from explorer.explore.events import nearest_targets
from explorer.explore.selection_numbers import confusion_matrix
from explorer.export.entry import Options
from explorer.export.scene import ExportRequest
from explorer.export.writer import write_export
from explorer.figures.curves import MOST_CLASSES, rho_class
from explorer.lab.run_scene import load_run_scene
from explorer.library import Library
from explorer.space import regions, routes
from explorer.space.encoding import encode_vote
from explorer.space.history import load_history
from explorer.space.views import Picture, Views
from explorer.web import binary
from mtm import geometry
from mtm.classifiers import decide
from mtm.errors import InputError
from mtm.runs import Run

C = 1_100
NO_EDGES = "Regions with edges are not drawn for more than 1,000 classes"


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Views:
    rng = np.random.default_rng(0)
    targets, y = rng.normal(size=(C, 4)), np.arange(2 * C) % C
    run = Run.create(tmp_path_factory.mktemp("runs") / "many")
    for t in range(2):
        run.log(t * targets[y] + 0.1 * rng.normal(size=(2 * C, 4)), labels=y, class_embeddings=targets, epoch=t)
    return Views(Library(run.folder.parent), tmp_path_factory.mktemp("cache"))


def test_only_the_vote_is_drawn_and_that_is_said(views: Views) -> None:
    *_, modes = views.regions(Picture("many", "pca"), "euc_ce")
    assert (list(modes.modes), modes.best) == (["vote"], "vote")
    with pytest.raises(InputError, match=f"^{NO_EDGES}; choose from vote$"):
        modes.choose("fitted")
    server = Flask(__name__)
    routes.register(server, views)
    address = "/api/regions?run=many&view=pca&classifier=euc_ce&mode="
    for wanted in ("best", "fitted", "exact"):
        arrays, about = binary.decode(server.test_client().get(address + wanted).data)
        assert about["mode"] == "vote"
        assert about["note"] == f"{NO_EDGES}: showing vote of near images."
        assert arrays["classes"].dtype == np.uint16
        assert arrays["classes"].max() < C
    assert binary.decode(server.test_client().get(address + "vote").data)[1]["note"] == ""


def test_more_than_a_hundred_classes_are_not_fitted_and_others_are_drawn() -> None:
    n = regions.MOST_FITTED + 1
    centres = np.random.default_rng(0).normal(size=(1, n, 2)).astype(np.float32)
    view = SimpleNamespace(points=centres, targets=None, centres=centres, origin=None, basis=None)
    assert list(regions.region_modes(view, "euc", None, np.arange(n)[None])) == ["centres", "vote"]
    assert regions.why_left_out("fitted", n) == "Straight edges are not fitted for more than 128 classes"
    assert regions.why_left_out("fitted", n - 1) == regions.why_left_out("vote", 10**6) == ""


@pytest.mark.parametrize("n_classes", [3, 300, 70_000])
def test_a_vote_is_counted_whatever_the_number_of_classes(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    u, decisions, where = rng.normal(size=(200, 2)), rng.integers(0, n_classes, 200), rng.normal(size=(50, 2))
    classes, _ = regions.knn_vote(u, decisions, where)
    for place, winner in zip(where, classes, strict=True):
        near = decisions[np.argsort(np.linalg.norm(u - place, axis=1))[: regions.VOTERS]]
        assert winner == np.bincount(near).argmax()


@pytest.mark.parametrize(("largest", "kind", "none"), [(254, np.uint8, 255), (255, np.uint16, 65_535)])
def test_a_vote_map_tells_as_many_classes_apart_as_there_are(largest: int, kind: type, none: int) -> None:
    arrays, _ = binary.decode(encode_vote([[[largest, -1]]], [[[1.0, 0.0]]], [0, 0, 1, 1]))
    assert arrays["classes"].dtype == kind
    assert arrays["classes"].tolist() == [[[largest, none]]]


def test_what_cannot_be_drawn_of_so_many_classes_says_so(views: Views, tmp_path: Path) -> None:
    run = views.library.run("many")
    history = load_history(run)
    assert confusion_matrix(history, np.ones(2 * C, bool), 1, "euc").shape == (0, 0)
    with pytest.raises(InputError, match="the lab draws runs of at most 400 classes; 'many' has 1,100"):
        load_run_scene(run, 1, "c", image=0)
    figure = rho_class([{"epoch": 0}], [str(k) for k in range(MOST_CLASSES + 1)], ["red"])
    assert not figure.data
    assert "not drawn<br>for more than 500 classes; this run has 501" in figure.layout.annotations[0].text
    write_export(views, ExportRequest("many"), "figure", tmp_path / "a.svg", Options(curve="sigma_class"))
    assert "for more than 500 classes" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    write_export(views, ExportRequest("many"), "figure", tmp_path / "a.png", Options(scale=1.0))
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_certainty_of_very_many_scores_is_that_of_some_classes(views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    history = load_history(views.library.run("many"))
    (whole,) = measure_certainty(history, 1, "euc_ce")
    monkeypatch.setattr("explorer.explore.certainty.MOST_SCORES", 1000)
    monkeypatch.setattr("explorer.explore.certainty.ENOUGH_SCORES", 110_000)  # every tenth class
    (part,) = measure_certainty(history, 1, "euc_ce")
    assert (part.n, part.accuracy, part.relations) == (whole.n, whole.accuracy, whole.relations)
    assert 0 < part.reliability.n < whole.reliability.n
    assert 0.3 < part.reliability.temperature / whole.reliability.temperature < 3


def test_distances_between_classes_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    g = np.random.default_rng(0).normal(size=(50, 6))
    g[7] = np.nan
    whole = geometry.mean_centre_separation(g), geometry.nearest_separations(g), nearest_targets(g[None])
    monkeypatch.setattr(geometry, "BLOCK", 8)
    assert geometry.mean_centre_separation(g) == pytest.approx(whole[0])
    assert geometry.nearest_separations(g) == pytest.approx(whole[1], nan_ok=True)
    assert nearest_targets(g[None]).tolist() == whole[2].tolist()
    assert np.isnan(whole[1][7])


def test_decisions_are_made_in_blocks_and_stay_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    e, c = rng.normal(size=(100, 5)), rng.normal(size=(30, 5))
    whole = decide("euc", e, c)
    monkeypatch.setattr("mtm.classifiers.MOST_SCORES", 90)
    for parts, at_once in zip(decide("euc", e, c), whole, strict=True):
        assert parts == pytest.approx(at_once)
    assert decide("euc", e[:0], c)[0].shape == (0,)


def test_measures_of_thousands_of_classes_take_little_memory() -> None:
    rng = np.random.default_rng(0)
    c, e = rng.normal(size=(4_000, 8)), rng.normal(size=(2_000, 8))
    tracemalloc.start()
    try:
        geometry.mean_centre_separation(c)
        geometry.nearest_separations(c)
        decide("cos", e, c)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 128e6  # one matrix of all pairs has as much
