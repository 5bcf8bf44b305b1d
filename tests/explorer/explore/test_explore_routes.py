"""The routes of the panels: their numbers equal those of the files, and every error is one sentence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from explorer.compare import routes as compare_routes
from explorer.compare.comparisons import Comparisons
from explorer.explore import routes as explore_routes
from explorer.explore.certainty import measure_certainty
from explorer.explore.events import find_events
from explorer.explore.panels import Panels
from explorer.explore.selection import inside_polygon
from explorer.library import Library
from explorer.space.histories import Histories
from explorer.space.history import load_history
from explorer.space.neighbours import NeighbourIndex, compare_with_layout
from explorer.space.projections import project
from explorer.space.views import Views
from explorer.web import binary
from mtm.classifiers import classifiers_of
from mtm.run_folder.files import jsonable
from mtm.runs import Run

EVERYTHING = {"steps": [{"do": "invert"}]}
NOTHING: dict[str, Any] = {"steps": []}


@pytest.fixture
def runs(finished_run: Path, tmp_path: Path) -> Path:
    for folder in ("runs/one", "runs/two", "demo/bundled"):
        shutil.copytree(finished_run, tmp_path / folder)
    return tmp_path / "runs"


@pytest.fixture
def client(runs: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    server = Flask("test")
    views = Views(Library(runs, tmp_path / "demo"), tmp_path / "cache")
    histories = Histories(views.library)
    explore_routes.register(server, Panels(views, histories))
    compare_routes.register(server, Comparisons(histories))
    yield server.test_client()
    views.close()


def get(client: FlaskClient, path: str, status: int = 200, **parameters: object) -> Any:
    response = client.get(f"/api/{path}", query_string=parameters)
    assert response.status_code == status, response.get_data(as_text=True)
    return response.get_json()


def select(client: FlaskClient, selection: object, **parameters: object) -> tuple[np.ndarray, dict[str, Any]]:
    response = client.post("/api/selection", json={"run": "one", "selection": selection, **parameters})
    assert response.status_code == 200, response.get_data(as_text=True)
    arrays, numbers = binary.decode(response.get_data())
    return arrays["mask"].astype(bool), numbers


def test_events_are_those_of_the_run(client: FlaskClient, runs: Path) -> None:
    history = load_history(Run.open(runs / "one"))
    expected = find_events(history, "cos")
    answer = get(client, "events", run="one", classifier="cos", top=7)
    assert [event["text"] for event in answer["events"]] == [event.text for event in expected[:7]]
    assert answer["total"] == len(expected)
    assert answer["events"][0]["index"] in (None, *history.indices.tolist())
    assert sum(map(sum, answer["strip"].values())) == len(expected)
    only = get(client, "events", run="one", classifier="cos", kind="forgotten")["events"]
    assert {event["kind"] for event in only} <= {"forgotten"}
    assert len(only) == sum(event.kind == "forgotten" for event in expected)


def test_certainty_in_numbers_words_and_figures(client: FlaskClient, runs: Path) -> None:
    answer = get(client, "certainty", run="one", snapshot=1)
    expected = measure_certainty(load_history(Run.open(runs / "one")), 1)
    for answered, each in zip(answer["certainty"], expected, strict=True):
        assert answered["accuracy"] == each.accuracy
        assert [r["risk"]["aurc"] for r in answered["relations"]] == [r.risk.aurc for r in each.relations]
    assert set(answer["figures"]) == {"by_group", "risk_coverage", "reliability"}
    assert len(answer["figures"]["risk_coverage"]["margin"]["data"]) == len(expected)
    assert set(answer["words"]) == set(classifiers_of("targets"))
    assert len(get(client, "certainty", run="one", classifier="euc")["certainty"]) == 1


def test_a_lasso_gives_the_mask_and_every_number_at_once(client: FlaskClient, runs: Path) -> None:
    run = Run.open(runs / "one")
    u = project(run, "pca").points[1]
    low, high = u.min(axis=0), np.median(u, axis=0)
    corners = [
        [*map(float, low)],
        [float(high[0]), float(low[1])],
        [*map(float, high)],
        [float(low[0]), float(high[1])],
    ]
    shape = {"kind": "polygon", "view": {"method": "pca"}, "points": corners, "snapshot": 1}
    mask, numbers = select(client, {"steps": [{"do": "replace", "shape": shape}]}, snapshot=2, classifier="euc")
    assert mask.tolist() == inside_polygon(u, corners).tolist()
    assert 0 < numbers["n"] == mask.sum() < numbers["total"] == 60
    snapshot = run.snapshot(2)
    right = snapshot.predictions["euc"] == run.labels
    assert np.trace(numbers["confusion"]) == right[mask].sum()
    assert numbers["labels"] == np.bincount(run.labels[mask], minlength=10).tolist()
    assert numbers["label_totals"] == np.bincount(run.labels, minlength=10).tolist()
    assert numbers["curves"]["accuracy"][2] == right[mask].mean()
    assert numbers["all"]["accuracy"][2] == right.mean()
    assert numbers["all"]["sigma"][2] == pytest.approx(np.median(snapshot.centre_distances))
    assert numbers["curves"]["margin"][2] == pytest.approx(np.median(snapshot.margins["euc"][mask]))


def test_nothing_and_everything(client: FlaskClient) -> None:
    mask, numbers = select(client, NOTHING)
    assert not mask.any()
    assert numbers["curves"]["accuracy"] == [None] * 3
    mask, numbers = select(client, EVERYTHING)
    assert mask.all()
    assert numbers["curves"] == numbers["all"]
    absent = {"kind": "images", "indices": [10**9]}
    assert not select(client, {"steps": [{"do": "replace", "shape": absent}]})[0].any()


def test_a_distance_in_all_dimensions(client: FlaskClient, runs: Path) -> None:
    run = Run.open(runs / "one")
    shape = {"kind": "within", "distance": 2.0, "of_class": 3, "snapshot": 2}
    mask, _ = select(client, {"steps": [{"do": "replace", "shape": shape}]})
    snapshot = run.snapshot(2)
    assert snapshot.class_embeddings is not None
    apart = np.linalg.norm(snapshot.embeddings.astype(float) - snapshot.class_embeddings[3], axis=1)
    assert mask.tolist() == (apart <= 2.0).tolist()


def test_a_grid_comes_in_pages(client: FlaskClient, runs: Path) -> None:
    run = Run.open(runs / "one")
    request = {"run": "one", "selection": EVERYTHING, "by": "margin", "classifier": "euc", "size": 25}
    pages = [client.post("/api/selection/grid", json={**request, "start": s}).get_json() for s in (0, 25, 50, 75)]
    rows = [row for page in pages for row in page["rows"]]
    assert sorted(rows) == list(range(60))
    assert [len(page["rows"]) for page in pages] == [25, 25, 10, 0]
    assert [value for page in pages for value in page["values"]] == np.sort(run.snapshot(-1).margins["euc"]).tolist()
    assert pages[0]["indices"] == run.points.indices[pages[0]["rows"]].tolist()
    falling = client.post("/api/selection/grid", json={**request, "falling": True}).get_json()
    assert falling["values"][0] == pages[2]["values"][-1]


def test_selections_are_saved_and_forgotten(client: FlaskClient, runs: Path) -> None:
    named = {"run": "one", "name": "mine", "selection": EVERYTHING}
    assert client.post("/api/selections/save", json=named).get_json() == {"selections": {"mine": EVERYTHING}}
    assert get(client, "selections", run="one") == {"selections": {"mine": EVERYTHING}}
    assert json.loads((runs / "one" / "selections.json").read_text()) == {"mine": EVERYTHING}
    assert get(client, "selections", run="demo/bundled") == {"selections": {}}
    left = client.post("/api/selections/delete", json={"run": "one", "name": "mine"})
    assert left.get_json() == {"selections": {}}


def test_one_image(client: FlaskClient, runs: Path) -> None:
    run = Run.open(runs / "one")
    history, u = load_history(run), project(run, "pca").points
    answer = get(client, "image", run="one", row=7, snapshot=1, view="pca", k=5)
    near = NeighbourIndex(run.snapshot(1).embeddings).nearest(7, 5)
    assert answer["neighbours"]["rows"] == near.rows.tolist()
    assert answer["neighbours"]["distances"] == pytest.approx(near.distances.tolist())
    expected = compare_with_layout(7, near.rows, u[1])
    assert answer["neighbours"]["false"] == expected.false.tolist()
    assert answer["neighbours"]["missing"] == expected.missing.tolist()
    assert answer["trail"] == u[:, 7].tolist()
    image = jsonable(history.image_history(7, 1))
    assert {key: answer[key] for key in image} == image
    assert "trail" not in get(client, "image", run="one", row=7)
    by_cosine = get(client, "image", run="one", row=7, metric="cosine")
    assert by_cosine["neighbours"]["metric"] == "cosine"
    assert len(by_cosine["neighbours"]["rows"]) == 15


def test_comparing_two_runs_and_two_epochs(client: FlaskClient) -> None:
    response = client.get("/api/compare?run=one&with=two&k=6")
    arrays, summary = binary.decode(response.get_data())
    assert arrays["first"].tolist() == arrays["second"].tolist() == list(range(60))
    assert arrays["drift"].max() < 1e-3  # the same run twice
    assert summary["neighbours_kept"] == 6
    assert summary["agreement"]["same"] == 1
    arrays, summary = binary.decode(client.get("/api/compare?run=one&snapshot=0&with=one&with_snapshot=2").get_data())
    assert summary["snapshots"] == [0, 2]
    assert arrays["drift"].min() > 0
    assert summary["left"] is None
    agreement = summary["agreement"]
    assert sum(agreement[name] for name in ("both_right", "only_first", "only_second", "both_wrong")) == 60


def test_a_run_that_grows_is_read_again(client: FlaskClient, tmp_path: Path, runs: Path) -> None:
    run = Run.create(runs / "growing")
    e, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3
    for t in range(3):
        run.log(e * (1 + t), y, np.eye(3, 4), epoch=t)
        response = client.post("/api/selection", json={"run": "growing", "selection": EVERYTHING})
        numbers = binary.decode(response.get_data())[1]
        assert len(numbers["epochs"]) == len(numbers["curves"]["sigma"]) == t + 1
        assert numbers["snapshot"] == t
    shutil.rmtree(runs / "growing")
    assert "there is no run 'growing'" in get(client, "events", 404, run="growing")["error"]


@pytest.mark.parametrize(
    ("path", "parameters", "sentence"),
    [
        ("events", {}, "the request lacks 'run'"),
        ("events", {"run": "../one"}, "there is no run '../one'"),
        ("events", {"run": "one", "kind": "x"}, "unknown kind of event 'x'; choose from learned, forgotten"),
        ("events", {"run": "one", "top": "many"}, "top=many: a whole number is meant"),
        ("certainty", {"run": "one", "snapshot": 9}, "has snapshots 0 to 2, there is no number 9"),
        ("certainty", {"run": "one", "classifier": "argmax"}, "unknown classifier 'argmax'"),
        ("image", {"run": "one"}, "the request lacks 'row'"),
        ("image", {"run": "one", "row": 60}, "shows 60 images, number 60 is not among them"),
        ("image", {"run": "one", "row": 1, "k": 0}, "k = 0: 1 to 200"),
        ("image", {"run": "one", "row": 1, "metric": "l1"}, "unknown metric 'l1'"),
        ("image", {"run": "one", "row": 1, "view": "x"}, "unknown projection 'x'"),
        ("image", {"run": "one", "row": 1, "view": "targets", "classes": "1,b"}, "classes=1,b: three numbers"),
        ("image", {"run": "one", "row": 1, "view": "umap"}, "UMAP is not computed yet"),
        ("compare", {"run": "one"}, "the request lacks 'with'"),
        ("compare", {"run": "one", "with": "nothing"}, "there is no run 'nothing'"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    client: FlaskClient, path: str, parameters: dict[str, object], sentence: str
) -> None:
    error = get(client, path, 404 if "there is no run" in sentence else 400, **parameters)["error"]
    assert sentence in error
    assert "\n" not in error


@pytest.mark.parametrize("path", ["selection", "selection/grid", "selections/save", "selections/delete"])
def test_only_json_is_taken_by_post(client: FlaskClient, path: str) -> None:
    assert client.get(f"/api/{path}").status_code == 405
    plain = client.post(f"/api/{path}", data="{}")
    assert (plain.status_code, plain.get_json()) == (400, {"error": "the request is no JSON object"})
    half = client.post(f"/api/{path}", json={"run": "one", "name": "a", "selection": {"steps": [{"do": "jump"}]}})
    assert half.status_code == 400
    assert "jump" in half.get_json()["error"] or "no selection 'a'" in half.get_json()["error"]
    assert client.post(f"/api/{path}", json={"run": 5}).get_json() == {"error": "'run' has to be text"}


def test_panels_need_neither_torch_nor_umap() -> None:
    code = "import sys, explorer.explore.routes, explorer.explore.commands;"
    code += "assert not {'torch', 'umap', 'numba', 'sklearn', 'scipy.optimize'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
