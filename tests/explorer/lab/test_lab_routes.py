"""The routes of the lab by themselves: requests that are refused, and what is in the responses."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from lab_scenes import OWN_LOSS

from explorer.app import create_app
from explorer.web import binary
from mtm.runs import Run


@pytest.fixture
def server(finished_run: Path, tmp_path: Path) -> Any:
    shutil.copytree(finished_run, tmp_path / "runs" / "one")
    (tmp_path / "mine.py").write_text(OWN_LOSS)
    losses = [str(tmp_path / "mine.py")]
    return create_app(tmp_path / "runs", tmp_path / "no-demos", tmp_path / "cache", losses=losses).server


def post_landscape(server: Any, **changes: Any) -> Any:
    points = {"e": [[1, 2]], "y": [0], "c": [[0, 0], [3, 4]]}
    body = {"losses": [{"name": "euclidean"}], "points": points, "box": [0, 0, 1, 1]}
    return server.test_client().post("/api/landscape", json={**body, **changes})


@pytest.mark.parametrize(("changes", "message"), [
    ({"losses": []}, "losses"), ({"n": 5000}, "n: "), ({"points": None}, "either points or"), ({"vary": "x"}, "vary"),
    ({"code": "print(1)"}, "code"), ({"points": None, "in_run": {"run": "../x", "snapshot": 0, "image": 0}}, "no run"),
    ({"points": {"e": [], "y": [], "c": [[0, 0]]}}, "no output embedding"), ({"chosen": 10**30}, "chosen"),
    ({"points": {"e": [[0, 0]], "y": [10**30], "c": [[0, 0]]}}, "points.y.0"),
])  # fmt: skip
def test_an_invalid_request_is_refused_in_one_sentence(server: Any, changes: dict[str, Any], message: str) -> None:
    response = post_landscape(server, **changes)
    assert response.status_code == (404 if message == "no run" else 400)
    assert message in response.json["error"]


def test_one_loss_that_fails_leaves_the_others_alone(server: Any) -> None:
    names = [{"name": "nowhere:Loss"}, {"name": "euclidean"}, {"name": "push_pull", "params": {"x": 1}}]
    arrays, meta = binary.decode(post_landscape(server, losses=names).data)
    assert "unknown loss 'nowhere:Loss'" in meta["panels"][0]["error"]
    assert "has no hyperparameter 'x'" in meta["panels"][2]["error"]
    assert arrays["1.values"].shape == (128, 128)


def test_only_losses_named_on_the_command_line_are_ever_loaded(server: Any) -> None:
    _, meta = binary.decode(post_landscape(server, losses=[{"name": "os:system"}]).data)
    assert "unknown loss" in meta["panels"][0]["error"]


def test_a_printed_scene_of_a_run_has_the_names_of_its_classes_as_text(tmp_path: Path) -> None:
    names = ("σ ρ Ελληνικά", "Шапка")
    run, rng = Run.create(tmp_path / "runs" / "greek", class_names=names), np.random.default_rng(0)
    run.log(rng.normal(size=(20, 3)), np.arange(20) % 2, rng.normal(size=(2, 3)), epoch=1.0)
    client = create_app(tmp_path / "runs", tmp_path / "no-demos", tmp_path / "cache").server.test_client()
    place = {"run": "greek", "snapshot": 0, "image": 1}
    losses = [{"name": "euclidean"}, {"name": "push_pull", "params": {"r": 0.25}}]
    release = {"steps": 4, "step_size": 0.01, "at": 2}
    body = {
        "losses": losses,
        "vary": "e",
        "in_run": place,
        "n": 16,
        "arrows": 5,
        "shown": ["field"],
        "release": release,
    }
    svg, pdf = (client.post(f"/api/landscape/{kind}", json=body) for kind in ("svg", "pdf"))
    with pypdfium2.PdfDocument(pdf.data) as document:
        assert document[0].get_size() == (900, 450)
        text = document[0].get_textpage().get_text_range()
    for words in ("σ ρ Ελληνικά", "Шапка (cₑ)", "A · euclidean", "r = 0.25", "greek · epoch 1.00 · D = 3, a slice"):
        assert words in text
        assert f">{words}</text>" in svg.text


def test_the_archive_holds_the_scene_of_a_run(server: Any) -> None:
    place = {"run": "one", "snapshot": 1, "image": 4}
    body = {"losses": [{"name": "comparison"}], "vary": "e", "in_run": place, "n": 16}
    response = server.test_client().post("/api/landscape/npz", json=body)
    with np.load(io.BytesIO(response.data)) as arrays:
        assert arrays["c"].shape == (10, 8)
        assert arrays["basis"].shape == (8, 2)
        assert arrays["loss"].shape == (16, 16)
