"""The one rule for names of runs: the same names are refused, in the same words, wherever somebody gives one."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from conftest import Command, small
from flask import Flask

from explorer.app import create_app
from explorer.library import Library
from explorer.runs.uploads import import_upload
from mtm.errors import InputError
from mtm.run_folder.names import LONGEST, RESERVED, check_name, make_name
from mtm.runs import Run, list_runs
from mtm.train_loop.locations import make_free_folder

REFUSED = {
    "": "it is empty",
    " ": "it is empty",
    ".hidden": "it begins with a dot, a dash or a space",
    "..": "it begins with a dot, a dash or a space",
    "-x": "it begins with a dot, a dash or a space",
    " a": "it begins with a dot, a dash or a space",
    "a.": "it ends with a dot or a space",
    "a ": "it ends with a dot or a space",
    **{f"a{c}b": f"it holds {c}" for c in '/\\:*?"<>|%'},
    "%2e%2e": "it holds %",
    **{
        f"a{c}b": "it holds a line break or another character that cannot be printed"
        for c in "\n\r\t\0\x1b\u2028\u202e"
    },
    **dict.fromkeys(("CON", "nul", "Com1", "lpt9.txt"), "Windows keeps it for a device"),
    "a" * (LONGEST + 1): "it is too long",
    "漢" * LONGEST: "it is too long",
}
TAKEN = ["a", "Größe 1.5 a_b-c", "σ ρ Ελληνικά", "lr=1e-3, dim=8 (b)", "console", "a.b", "2026-01-01", "a" * LONGEST]
GIVEN = [".hidden", "a:b", "a\nb"]  # of those refused: as options, in addresses and in forms


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_is_refused_with_what_is_wrong_in_one_line(name: str) -> None:
    with pytest.raises(InputError) as refused:
        check_name(name)
    sentence = str(refused.value)
    assert "cannot be the name of a run: " in sentence
    assert f": {REFUSED[name]}; use letters, digits, '-' and '_'" in sentence
    assert sentence.isprintable()


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_every_system_takes_is_taken(name: str, tmp_path: Path) -> None:
    assert check_name(name) == name
    assert Run.open(Run.create(tmp_path / name).folder).name == name


@pytest.mark.parametrize("text", [*REFUSED, *TAKEN])
def test_a_name_can_be_made_of_any_text(text: str) -> None:
    assert check_name(make_name(text))
    if text in TAKEN and len(text) < LONGEST:
        assert make_name(text) == text


def test_a_run_without_a_name_has_one_that_can_be(tmp_path: Path) -> None:
    config = small(dataset=".my:data\n.npz", loss="module:Class")
    folder = make_free_folder(tmp_path, config)
    assert folder.name == check_name("my-data--convnet-module.Class-1")
    assert RESERVED.fullmatch("nul")
    assert make_free_folder(tmp_path, small(dataset="nul.npz")).name == "nul-convnet-euclidean-1"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, finished_run: Path) -> Flask:
    folder = tmp_path_factory.mktemp("named")
    Run.create(folder / "runs" / "one")
    flask: Flask = create_app(folder / "runs", folder / "demos", folder / "cache").server
    return flask


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("command", [("train",), ("tune",), ("import", "mine.npz")], ids=lambda command: command[0])
def test_commands_refuse_a_name(mtm: Command, tmp_path: Path, command: tuple[str, ...], name: str) -> None:
    done = mtm(*command, "--name", name)
    assert (done.returncode, done.stdout) == (2, "")
    kind = "search" if command == ("tune",) else "run"
    assert done.stderr.count("\n") == 1
    assert f"cannot be the name of a {kind}: {REFUSED[name]}; use letters" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", GIVEN)
def test_pages_refuse_a_name(app: Flask, name: str) -> None:
    sentence = f"cannot be the name of a run: {REFUSED[name]}; use letters"
    answer = app.test_client().post("/api/train/start", json={"values": {}, "name": name}).get_json()
    assert sentence in answer["problems"]["name"]
    queue = app.extensions["queue"]
    library: Library = queue.library
    refusals = [
        lambda: queue.add(small(), name),
        lambda: library.rename("one", name),
        lambda: import_upload(library, f"{name}.npz", io.BytesIO()),
    ]
    for refused in refusals:
        with pytest.raises(InputError, match=sentence):
            refused()
    assert library.ids() == ["one"]


def test_a_folder_with_another_name_is_listed_and_opened(tmp_path: Path) -> None:
    for name in GIVEN:
        run = Run.create(tmp_path / name)
        run.log(embeddings=[[0.0, 1.0], [1.0, 0.0]], labels=[0, 1])
    assert {run.name for run in list_runs(tmp_path)} == set(GIVEN)
    library = Library(tmp_path)
    assert set(library.ids()) == set(GIVEN)
    for name in GIVEN:
        assert len(library.run(name).snapshots) == 1
