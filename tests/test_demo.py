"""The bundled runs: what they must be, and that one plays in a real browser as its arrays say."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import eventually, served_explorer, visit
from PIL import Image

from explorer.app import create_app
from explorer.figures.colours import CLASS_COLOURS
from explorer.web.paths import demo_folder
from mtm.classifiers import predict
from mtm.paper.tables import LOSS_NAMES
from mtm.runs import Run

DEMO = demo_folder()
NAMES = sorted(path.name for path in DEMO.iterdir() if path.is_dir())
READY = "document.querySelector('#explore-stage')?.player?.data.regions && !!document.querySelector('.trust-row')"


def test_there_is_a_run_for_every_loss_of_the_paper_a_pure_one_and_one_in_two_dimensions() -> None:
    configs = [config for name in NAMES if (config := Run.open(DEMO / name).config) is not None]
    assert len(configs) == len(NAMES)
    losses = ["pure" if config.head == "linear" else config.loss for config in configs if config.dim == 64]
    assert sorted(map(str, losses)) == sorted(LOSS_NAMES)
    assert [config.loss for config in configs if config.dim != 64] == ["euclidean"]


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_run_is_whole_and_real(name: str) -> None:
    run = Run.open(DEMO / name)
    config = run.config
    assert config is not None
    assert (config.dataset, config.backbone, config.weights, config.train_images) == (
        "fashion-mnist", "resnet18", "none", 0,
    )  # fmt: skip
    assert run.problems == []
    assert (run.status.state, run.status.epoch) == ("finished", config.epochs)
    assert config.epochs >= 3
    assert len(run.snapshots) == len(run.metrics) >= 20
    assert run.snapshot(0).epoch == 0
    assert 500 <= len(run.labels) <= 1000
    assert len(set(np.bincount(run.labels, minlength=10))) == 1
    assert run.points.thumbnails is not None
    last = run.metrics[-1]
    assert (last["n"], last["split"]) == (10_000, "test")
    if config.dim > 2 or config.head == "linear":
        assert max(last["accuracy"].values()) > 0.86
    snapshot = run.snapshot(-1)  # the decisions are those of the embeddings
    assert len(snapshot.predictions) == (3 if config.head == "linear" else 4)
    for classifier, stored in snapshot.predictions.items():
        predictions = predict(classifier, snapshot.embeddings.astype(np.float64), snapshot.references[classifier])
        assert (predictions == stored).mean() > 0.99, classifier  # embeddings are rounded


@pytest.mark.parametrize("name", NAMES)
def test_what_made_a_bundled_run_is_recorded_and_names_no_machine(name: str) -> None:
    text = (DEMO / name / "config.json").read_text(encoding="utf-8")
    command = " ".join(json.loads(text)["command"])
    assert command.startswith("train --dataset fashion-mnist --backbone resnet18 --weights none")
    for file in ("config.json", "status.json"):
        assert not re.search(r'"/|[A-Z]:\\\\', (DEMO / name / file).read_text(encoding="utf-8"))
    assert not (DEMO / name / "checkpoint").exists()


def test_all_bundled_runs_together_are_small() -> None:
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) <= 30e6
    assert "MIT" in (DEMO / "README.md").read_text(encoding="utf-8")


# In the browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("demo")
    with served_explorer(folder / "none", folder, DEMO) as address:
        yield address


def player(page: Any, expression: str) -> Any:
    return page.evaluate(
        f"(() => {{ const p = document.querySelector('#explore-stage').player; return {expression}; }})()"
    )


def picture(page: Any) -> np.ndarray:
    """The stage as it is on the screen, (height, width, 3)."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    shot = page.locator("#explore-stage").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def places(page: Any, array: str, t: int, n: int) -> np.ndarray:
    """Where positions of the browser's frames (T, n, 2) are on the stage, (n, 2)."""
    expression = f"[...Array({n}).keys()].map((i) => {{ const at = 2 * ({t} * {n} + i);"
    expression += f" return p.screenOf({{ x: p.data.frames.{array}[at], y: p.data.frames.{array}[at + 1] }}); }})"
    return np.array([[place["x"], place["y"]] for place in player(page, expression)])


def test_without_runs_of_one_s_own_a_bundled_one_plays(page: Any, address: str) -> None:
    visit(page, address)
    page.wait_for_function(READY)
    assert page.input_value("#explore-run").startswith("fashion-")
    page.wait_for_function("document.querySelector('#explore-stage').player.state.playing")
    first = player(page, "p.state.time")
    page.wait_for_function(f"document.querySelector('#explore-stage').player.state.time > {first} + 1")


def test_a_bundled_run_is_drawn_where_its_arrays_say_and_moves(page: Any, address: str) -> None:
    """D = 2: what is on the screen can be computed from the snapshot files alone."""
    run = Run.open(DEMO / "fashion-euclidean-2d")
    visit(page, f"{address}/?run=demo/fashion-euclidean-2d&classifier=euc_ce&regions=exact&shown=boundaries&epoch=1")
    page.wait_for_function(READY)
    player(page, "p.set('pointOpacity', 0) || p.set('regionOpacity', 1)")
    epochs = [row["epoch"] for row in run.metrics]
    decisions = []
    for t in (epochs.index(1.0), len(epochs) - 1):
        player(page, f"p.seek({t})")
        image = picture(page)
        snapshot = run.snapshot(t)
        height, width = image.shape[:2]
        y, x = (part.ravel() for part in np.mgrid[40 : height - 60 : 7, 90 : width - 40 : 7])
        expression = (
            f"{json.dumps(np.stack([x, y], axis=-1).tolist())}.map(([x, y]) => p.dataAt({{ x: x + 0.5, y: y + 0.5 }}))"
        )
        positions = np.array([[place["x"], place["y"]] for place in player(page, expression)])
        scores = ((positions[:, None] - np.asarray(snapshot.class_embeddings, np.float64)) ** 2).sum(-1)
        predicted, gap = scores.argmin(axis=1), np.diff(np.sort(scores, axis=1)[:, :2], axis=1)[:, 0]
        colours = np.stack([rgb(colour) for colour in CLASS_COLOURS])
        classes = np.abs(image[y, x][:, None] - colours).sum(-1).argmin(axis=1)
        clear = gap > np.quantile(gap, 0.1)  # away from edges, which are lines
        inside = np.abs(image[y, x] - colours[classes]).sum(-1) < 12
        assert inside.mean() > 0.6
        assert (classes == predicted)[clear & inside].mean() > 0.995
        decisions.append(classes)
    assert (decisions[0] != decisions[1]).mean() > 0.02  # the regions have moved

    visit(page, f"{address}/?run=demo/fashion-euclidean-2d&regions=off&shown=targets&epoch=3")
    page.wait_for_function("document.querySelector('#explore-stage')?.player?.data.frames")
    page.wait_for_function("!!document.querySelector('.trust-row')")
    image, marks = picture(page), places(page, "targets", len(epochs) - 1, 10)
    targets = np.asarray(run.snapshot(-1).class_embeddings, np.float64)
    scale = np.linalg.norm(marks[0] - marks[1]) / np.linalg.norm(targets[0] - targets[1])
    distances = np.linalg.norm(targets[:, None] - targets, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(marks[:, None] - marks, axis=-1), scale * distances, atol=0.5)
    for k, (x, y) in enumerate(marks.round().astype(int)):
        around = image[y - 10 : y + 11, x - 10 : x + 11].reshape(-1, 3)
        assert (np.abs(around - rgb(CLASS_COLOURS[k])).sum(-1) < 40).sum() > 20, f"no mark of class {k}"


def test_hover_shows_the_image_of_the_point_under_the_pointer(page: Any, address: str) -> None:
    run = Run.open(DEMO / "fashion-cosine")
    visit(page, f"{address}/?run=demo/fashion-cosine&regions=off&shown=gaps&epoch=3")
    page.wait_for_function("!!document.querySelector('.trust-row')")
    n = len(run.labels)
    expression = (
        f"[...Array({n}).keys()].map((i) => ({{i, ...p.screenOf(i)}})).filter(({{i, x, y}}) => p.pick({{x, y}}) === i)"
    )
    point = player(page, expression)[7]
    box = page.locator("#explore-stage").bounding_box()
    page.mouse.move(box["x"] + point["x"] + 1, box["y"] + point["y"])
    page.mouse.move(box["x"] + point["x"], box["y"] + point["y"])
    page.wait_for_selector(".card:not([hidden]) .card-image:not([hidden])")
    index = player(page, "p.pointer.hovered.index")
    assert page.inner_text(".card-title") == run.points.class_names[run.labels[index]]
    assert run.points.thumbnails is not None
    thumbnails = run.points.thumbnails.astype(float)
    side = thumbnails.shape[1]

    def most_alike() -> int | None:
        shot = Image.open(io.BytesIO(page.locator(".card-image").screenshot())).convert("L")
        small = np.asarray(shot.resize((side, side), Image.Resampling.BOX), dtype=float)
        if small.std() < 1:
            return None  # the sheet of thumbnails has not arrived
        return int(np.argmax([np.corrcoef(small.ravel(), image.ravel())[0, 1] for image in thumbnails]))

    eventually(page, lambda: most_alike() is not None)
    assert most_alike() == index


def test_every_bundled_run_opens_without_an_error(page: Any, address: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for name in NAMES:
        visit(page, f"{address}/?run=demo/{name}&epoch=1")
        page.wait_for_function(READY)
        assert page.inner_text("#explore-message") == ""
        assert page.locator(".trust-row").count() >= 6
    assert errors == []


def test_bundled_runs_can_be_explored_where_nothing_may_be_written(tmp_path: Path) -> None:
    copied = tmp_path / "demo"
    shutil.copytree(DEMO / NAMES[0], copied / NAMES[0])
    for path in copied.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    client = create_app(tmp_path / "none", copied, tmp_path / "cache").server.test_client()
    assert client.get(f"/api/frames?run=demo/{NAMES[0]}&view=pca").status_code == 200
    for path in (copied, *copied.rglob("*")):
        path.chmod(0o755)
