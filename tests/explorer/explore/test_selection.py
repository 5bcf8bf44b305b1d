"""Selections: what they select, against slow twins; their JSON; their numbers, against the files; saving them."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from explorer.explore.saved_selections import SavedSelections
from explorer.explore.selection import (
    Box,
    Context,
    Decided,
    Images,
    Invert,
    OfClass,
    Polygon,
    Selection,
    Step,
    View,
    Within,
    Wrong,
    evaluate,
    inside_box,
    inside_polygon,
    read_selection,
)
from explorer.explore.selection_numbers import CURVES, ORDERS, measure_selection, sort_images
from explorer.library import Library
from explorer.space.history import History, load_history
from mtm.errors import InputError
from mtm.geometry import cluster_size, own_distances
from mtm.runs import Run

VIEW = View(method="pca")


def times_round(place: tuple[float, float], corners: Any) -> int:
    """How often a polygon goes round a place: by the sum of the angles under which its edges are seen."""
    total = 0.0
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        a, b = math.atan2(ay - place[1], ax - place[0]), math.atan2(by - place[1], bx - place[0])
        total += (b - a + math.pi) % (2 * math.pi) - math.pi
    return round(total / (2 * math.pi))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n_corners", [3, 4, 9, 60])
def test_a_polygon_encloses_what_it_goes_round_an_odd_number_of_times(seed: int, n_corners: int) -> None:
    rng = np.random.default_rng(seed)
    corners, u = rng.normal(size=(n_corners, 2)), 1.5 * rng.normal(size=(300, 2))  # it crosses itself, often
    expected = [times_round(tuple(place), corners.tolist()) % 2 == 1 for place in u]
    assert inside_polygon(u, corners).tolist() == expected
    assert inside_polygon(u, corners[::-1]).tolist() == expected
    assert inside_polygon(u + 100, corners + 100).tolist() == expected


def test_a_rectangle_by_hand() -> None:
    u = [[0.5, 0.5], [0.5, 1.5], [-0.1, 0.5], [np.nan, 0.5], [0.5, np.nan]]
    square = [[0, 0], [1, 0], [1, 1], [0, 1]]
    assert inside_polygon(u, square).tolist() == [True, False, False, False, False]
    assert not inside_polygon(u, square * 2).any()  # twice round is out again, as in the player
    assert inside_box(u, (1, 1), (0, 0)).tolist() == [True, False, False, False, False]
    assert inside_polygon(np.empty((0, 2)), square).tolist() == []
    assert not inside_polygon(u, [[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]]).any()  # a line has no inside


def test_places_on_shared_edges_belong_to_one_side() -> None:
    rng = np.random.default_rng(0)
    u = rng.integers(0, 5, size=(200, 2)).astype(float)  # on corners and edges
    left, right = [[0, 0], [2, 0], [2, 4], [0, 4]], [[2, 0], [4, 0], [4, 4], [2, 4]]
    both = inside_polygon(u, left).astype(int) + inside_polygon(u, right)
    assert set(both[(u[:, 0] < 4) & (u[:, 1] < 4)]) == {1}


# --- Evaluating


@pytest.fixture
def context(finished_run: Path) -> Context:
    """A real run, in an invented view that moves by 1 to the right at each snapshot."""
    history = load_history(Run.open(finished_run))
    u = np.random.default_rng(0).uniform(0, 1, (len(history.labels), 2))
    picture = np.stack([u + np.array([t, 0.0]) for t in range(len(history))])
    return Context(history, lambda view: picture, history.distances_to)


def one(shape: Any, do: Any = "replace") -> Selection:
    return Selection(steps=(Step(do=do, shape=shape),))


def then(selection: Selection, *steps: Step | Invert) -> Selection:
    """The selection with more steps."""
    return Selection(steps=(*selection.steps, *steps))


def test_every_shape_selects_what_it_says(context: Context) -> None:
    history, last = context.history, len(context.history) - 1
    y, snapshot = history.labels, history.snapshots[-1]
    u = context.layout(VIEW)[last]
    square = ((last, 0.0), (last + 0.5, 0.0), (last + 0.5, 0.5), (last, 0.5))
    expected = {
        Polygon(view=VIEW, points=square): inside_polygon(u, square),
        Box(view=VIEW, corners=(square[0], square[2])): (u >= square[0]).all(axis=1) & (u <= square[2]).all(axis=1),
        Images(indices=(int(history.indices[3]), 10**9)): np.arange(len(y)) == 3,
        OfClass(classes=(2, 5)): (y == 2) | (y == 5),
        Wrong(classifier="euc"): snapshot.predictions["euc"] != y,
        Decided(classifier="cos", label=1, decision=8): (y == 1) & (snapshot.predictions["cos"] == 8),
    }
    for shape, mask in expected.items():
        assert evaluate(one(shape), context).tolist() == mask.tolist(), shape
    assert evaluate(one(OfClass(classes=(2, 5))), context).any()


def test_within_a_distance_of_a_target_in_all_dimensions(context: Context) -> None:
    history = context.history
    snapshot = history.snapshots[1]
    assert snapshot.class_embeddings is not None
    assert snapshot.target_distances is not None
    apart = own_distances(snapshot.embeddings, np.full(len(history.labels), 4), snapshot.class_embeddings)
    q = float(np.median(apart)) + 1e-4
    mask = evaluate(one(Within(distance=q, of_class=4, snapshot=1)), context)
    assert mask.tolist() == (apart <= q).tolist()
    own = np.flatnonzero(history.labels == 4)
    assert history.distances_to(1, "target", 4)[own] == pytest.approx(snapshot.target_distances[own], rel=2e-2)
    assert evaluate(one(Within(distance=1e9, of_class=4, to="centre")), context).all()


def test_a_shape_with_a_snapshot_holds_on_to_its_images(context: Context) -> None:
    corners = ((0.0, 0.0), (0.5, 1.0))
    fixed, following = one(Box(view=VIEW, corners=corners, snapshot=0)), one(Box(view=VIEW, corners=corners))
    assert evaluate(fixed, context, 0).tolist() == evaluate(fixed, context, 2).tolist()
    assert evaluate(following, context, 0).tolist() == evaluate(fixed, context).tolist()
    assert not evaluate(following, context, 2).any()  # the picture has moved on


def test_between_two_snapshots_images_are_where_the_player_shows_them(context: Context) -> None:
    u = 0.75 * context.layout(VIEW)[0] + 0.25 * context.layout(VIEW)[1]
    corners = ((0.5, 0.0), (1.0, 0.5))
    mask = evaluate(one(Box(view=VIEW, corners=corners, snapshot=0.25)), context)
    assert mask.tolist() == inside_box(u, *corners).tolist()
    assert mask.any()
    with pytest.raises(InputError, match="there is no number 3"):
        evaluate(one(Box(view=VIEW, corners=corners, snapshot=2.1)), context)


def test_steps_are_sets(context: Context) -> None:
    y = context.history.labels
    a, b = OfClass(classes=(1, 2)), OfClass(classes=(2, 3))
    start = one(a)
    expected: dict[Literal["replace", "add", "subtract", "keep"], tuple[int, ...]]
    expected = {"replace": (2, 3), "add": (1, 2, 3), "subtract": (1,), "keep": (2,)}
    for do, classes in expected.items():
        selection = then(start, Step(do=do, shape=b))
        assert evaluate(selection, context).tolist() == np.isin(y, classes).tolist()
    assert evaluate(then(start, Invert()), context).tolist() == (~np.isin(y, (1, 2))).tolist()
    assert evaluate(then(start, Invert(), Invert()), context).tolist() == evaluate(start, context).tolist()
    assert not evaluate(Selection(), context).any()
    assert evaluate(Selection(steps=(Invert(),)), context).all()


def test_a_simplified_selection_selects_the_same_images(context: Context) -> None:
    selection = then(one(OfClass(classes=(1,))), Invert(), *one(OfClass(classes=(3,))).steps, Invert())
    assert evaluate(selection.simplified(), context).tolist() == evaluate(selection, context).tolist()
    assert len(selection.simplified().steps) == 2
    assert Selection(steps=(Invert(),)).simplified().steps == (Invert(),)


def test_json_comes_back_as_it_was() -> None:
    everything = then(
        Selection(),
        Step(do="replace", shape=Polygon(view=VIEW, points=((0, 0), (1, 0.1), (1, 1)), snapshot=3)),
        Step(
            do="add",
            shape=Box(
                view=View.model_validate({"method": "targets", "classes": (0, 1, 2), "at": 4}), corners=((0, 0), (1, 1))
            ),
        ),
        Step(do="keep", shape=Images(indices=(5, 6))),
        Step(do="subtract", shape=OfClass(classes=(1,))),
        Step(do="add", shape=Wrong(classifier="euc")),
        Step(do="add", shape=Decided(classifier="euc", label=1, decision=2)),
        Step(do="add", shape=Within(distance=1.5, of_class=0, to="centre")),
        Invert(),
    )
    assert read_selection(json.loads(json.dumps(everything.to_json()))) == everything


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (5, "selection: it has to be an object"),
        ({"stepz": []}, "selection: it cannot have 'stepz'"),
        ([{"do": "jump"}], "step 1: unknown 'do' 'jump'; choose from 'replace', 'add', 'subtract', 'keep', 'invert'"),
        ([{"do": "invert"}, {"do": "add"}], "step 2: it has no 'shape'"),
        ([{"do": "add", "shape": {"kind": "star"}}], "step 1: unknown 'kind' 'star'; choose from 'polygon'"),
        ([{"do": "add", "shape": {"kind": "wrong"}}], "step 1: it has no 'classifier'"),
        ([{"do": "add", "shape": {"kind": "class", "classes": [-1]}}], "step 1: classes: it has to be greater"),
        ([{"do": "add", "shape": {"kind": "within", "distance": -1, "of_class": 0}}], "step 1: distance: it has to"),
        (
            [{"do": "add", "shape": {"kind": "polygon", "view": {"method": "pca"}, "points": [[0, 0], [1, 1]]}}],
            "step 1: points are 2, 3 or more are needed",
        ),
        (
            [{"do": "add", "shape": {"kind": "box", "view": {"method": "pca"}, "corners": [[0, 0], [1, math.inf]]}}],
            "step 1: corners: it has to be a finite number",
        ),
        ([{"do": "invert"}] * 201, "steps are 201, at most 200 are possible"),
    ],
)
def test_a_malformed_selection_is_an_error_of_one_sentence(content: object, sentence: str) -> None:
    with pytest.raises(InputError) as raised:
        read_selection({"steps": content} if isinstance(content, list) else content)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (OfClass(classes=(10,)), "has classes 0 to 9, there is no number 10"),
        (Wrong(classifier="argmax"), "unknown classifier 'argmax'"),
        (Wrong(classifier="euc", snapshot=9), "has snapshots 0 to 2, there is no number 9"),
        (Decided(classifier="euc", label=0, decision=99), "has classes 0 to 9"),
        (Within(distance=1, of_class=77), "has classes 0 to 9"),
    ],
)
def test_what_a_run_does_not_have_is_an_error(context: Context, shape: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        evaluate(one(shape), context)


def test_a_view_may_be_behind_its_run(context: Context) -> None:
    behind = Context(context.history, lambda view: context.layout(view)[:1], context.distances)
    with pytest.raises(InputError, match="the view 'pca' shows snapshots 0 to 0, there is no number 2"):
        evaluate(one(Box(view=VIEW, corners=((0, 0), (1, 1)))), behind)


# --- Numbers


def test_numbers_equal_those_of_the_files(finished_run: Path) -> None:
    run = Run.open(finished_run)
    history, y = load_history(run), run.labels
    for mask in (np.ones(len(y), dtype=bool), y == 3, np.arange(len(y)) % 7 == 1):
        numbers = measure_selection(history, mask, 1, "cos")
        decided = run.snapshot(1).predictions["cos"]
        expected = np.zeros((10, 10), dtype=int)
        for label, decision in zip(y[mask], decided[mask], strict=True):
            expected[label, decision] += 1
        assert numbers.confusion.tolist() == expected.tolist()
        assert numbers.labels.tolist() == expected.sum(axis=1).tolist()
        assert numbers.decisions.tolist() == expected.sum(axis=0).tolist()
        assert numbers.n == numbers.n_judged == mask.sum()
        for t in range(len(history)):
            snapshot = run.snapshot(t)
            assert snapshot.target_distances is not None
            medians = [np.median(each[mask]) for each in (snapshot.target_distances, snapshot.margins["cos"])]
            assert [numbers.curves[name][t] for name in ("target_distance", "margin")] == pytest.approx(medians)
            assert numbers.curves["accuracy"][t] == (snapshot.predictions["cos"] == y)[mask].mean()
    sigma = measure_selection(history, np.ones(len(y), dtype=bool)).curves["sigma"]
    for t in range(len(history)):  # from the embeddings of the file, to float16's rounding
        e = run.snapshot(t).embeddings
        assert sigma[t] == pytest.approx(cluster_size(e, y, history.recording.centres(t)), rel=2e-3)


def test_nothing_selected_and_no_targets(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run")
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    run.log(rng.normal(size=(200, 500)), y, weight=rng.normal(size=(2, 500)))
    history = load_history(run)
    empty = measure_selection(history, np.zeros(200, dtype=bool))
    assert empty.n == empty.confusion.sum() == 0
    assert all(np.isnan(empty.curves[name]).all() for name in CURVES)
    whole = measure_selection(history, np.ones(200, dtype=bool), 0, "euc")
    assert np.isnan(whole.curves["target_distance"]).all()
    assert whole.n_judged == 100  # the others gave the centres
    assert whole.curves["accuracy"][0] == run.metrics[0]["accuracy"]["euc"]


@pytest.mark.parametrize("by", ORDERS)
@pytest.mark.parametrize("falling", [False, True])
def test_a_grid_is_in_order(finished_run: Path, by: str, falling: bool) -> None:
    history = load_history(Run.open(finished_run))
    mask = history.labels != 4
    rows, values = sort_images(history, mask, by, 1, "euc", falling)
    assert sorted(rows) == np.flatnonzero(mask).tolist()
    assert (np.diff(values.astype(float)) * (-1 if falling else 1) >= 0).all()
    same = np.diff(values.astype(float)) == 0
    assert (np.diff(rows)[same] > 0).all()
    with pytest.raises(InputError, match="unknown order 'size'"):
        sort_images(history, mask, "size")


def test_unknown_values_come_last(finished_run: Path) -> None:
    history = load_history(Run.open(finished_run))
    margins = {name: values.copy() for name, values in history.margins.items()}
    margins["euc"][1, :5] = np.nan
    changed = History(**{**vars(history), "margins": margins})
    for falling in (False, True):
        rows, _ = sort_images(changed, np.ones(len(history.labels), dtype=bool), "margin", 1, "euc", falling)
        assert sorted(rows[-5:]) == [0, 1, 2, 3, 4]
    assert np.isfinite(
        measure_selection(changed, np.ones(len(history.labels), dtype=bool), 1, "euc").curves["margin"]
    ).all()


# --- Saved with the run


@pytest.fixture
def saved(finished_run: Path, tmp_path: Path) -> SavedSelections:
    shutil.copytree(finished_run, tmp_path / "runs" / "one")
    shutil.copytree(finished_run, tmp_path / "demo" / "bundled")
    return SavedSelections(Library(tmp_path / "runs", tmp_path / "demo"), tmp_path / "cache")


@pytest.mark.parametrize("run_id", ["one", "demo/bundled"])
def test_selections_are_kept_with_the_run(saved: SavedSelections, run_id: str, tmp_path: Path) -> None:
    first, second = one(OfClass(classes=(1,))), then(one(Wrong(classifier="euc")), Invert())
    assert saved.all(run_id) == {}
    saved.save(run_id, " shirts ", first)
    saved.save(run_id, "right", second)
    saved.save(run_id, "shirts", second)
    again = SavedSelections(saved.library, saved.cache)
    assert list(again.all(run_id).items()) == [("shirts", second), ("right", second)]
    again.delete(run_id, "shirts")
    assert list(saved.all(run_id)) == ["right"]
    with pytest.raises(InputError, match="there is no selection 'shirts'"):
        saved.delete(run_id, "shirts")
    is_own = run_id == "one"
    assert (tmp_path / "runs" / "one" / "selections.json").exists() == is_own
    assert not list((tmp_path / "demo").rglob("selections.json"))
    assert Run.open(saved.library.folder(run_id)).problems == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb"])
def test_names_that_cannot_be(saved: SavedSelections, name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name of a selection"):
        saved.save("one", name, Selection())


@pytest.mark.parametrize("content", ["{", "[]", '{"a": {"steps": [{"do": "jump"}]}}'])
def test_a_damaged_file_is_said_and_never_written_over(saved: SavedSelections, content: str) -> None:
    path = saved.path("one")
    path.write_text(content)
    for action in (lambda: saved.all("one"), lambda: saved.save("one", "new", Selection())):
        with pytest.raises(InputError, match=r"selections\.json"):
            action()
    assert path.read_text() == content
    with pytest.raises(InputError, match="there is no run"):
        saved.path("../one")
