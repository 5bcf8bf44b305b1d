"""What CONTRIBUTING.md says about adding something works as it stands there, in a copy of the packages.

Each block of Python begins with the file that it belongs to. A file that does not exist yet is the block; of one that
does, the lines that it has already say where the others go: right after them (before the first of them, if they come
first).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from mtm.runs import Run

BLOCK = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
Apply = Callable[[str], Path]


@pytest.fixture
def apply_section(tmp_path: Path) -> Apply:
    """Copies the packages and their tests, does what a section of CONTRIBUTING.md says, and gives the copy's folder."""

    def apply(heading: str) -> Path:
        for name in ("mtm", "explorer", "assets", "tests"):
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
            shutil.copy(ROOT / name, tmp_path)
        blocks = blocks_of(heading)
        assert blocks, f"CONTRIBUTING.md has no code under '{heading}'"
        for name, code in blocks:
            path = tmp_path / name
            path.write_text(merge(path.read_text(encoding="utf-8"), code) if path.is_file() else code, encoding="utf-8")
        return tmp_path

    return apply


def blocks_of(heading: str) -> list[tuple[str, str]]:
    """File and code of each block in a section."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return BLOCK.findall(section)


def merge(text: str, code: str) -> str:
    """A file's text with the new lines of a block; the lines of the block that it has are there once."""
    lines, at, new = text.splitlines(), None, list[str]()
    for line in code.splitlines():
        if not line or line not in lines:
            new.append(line)
            continue
        assert lines.count(line) == 1, f"'{line}' does not say where the new lines go"
        if at is None:  # what comes first goes before it
            at = lines.index(line)
            lines[at:at], new = new, []
        else:
            lines[at + 1 : at + 1] = "\n".join(new).rstrip().splitlines()
            new = []
        at = lines.index(line)
    assert at is not None, "no line of the block says where the new ones go"
    lines[at + 1 : at + 1] = "\n".join(new).rstrip().splitlines()
    return "\n".join(lines) + "\n"


def run_in(folder: Path, *arguments: str) -> str:
    """What Python prints in a folder whose packages it imports; fails if it ends with an error."""
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def run_tests(folder: Path, *arguments: str) -> None:
    """Run tests of a copy; fails if one does or none was selected."""
    run_in(folder, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", *arguments)


def test_a_line_goes_where_the_lines_around_it_say() -> None:
    text = "import a\nimport c\n\nREGISTRY = {\n    1: a,\n}\n"
    assert merge(text, "import a\nimport b\n\n    1: a,\n    2: b,\n") == (
        "import a\nimport b\nimport c\n\nREGISTRY = {\n    1: a,\n    2: b,\n}\n"
    )
    assert merge(text, "def f():\n    pass\n\n\nREGISTRY = {\n").count("import c\n\ndef f():\n    pass\n\n\nREG") == 1
    with pytest.raises(AssertionError, match="where the new ones go"):
        merge(text, "import b\n")


def test_a_loss_is_one_file_and_one_line(apply_section: Apply) -> None:
    folder = apply_section("Add a loss")
    assert "comparison, triplet, or module:Class" in run_in(folder, "-m", "mtm", "train", "--help")
    training = "train --dataset digits --loss triplet --loss-args margin=2 --epochs 2 --train-images 300 --device cpu"
    lines = run_in(folder, "-m", "mtm", *training.split(), "--json").splitlines()
    assert [json.loads(line)["epoch"] for line in lines if '"epoch"' in line][-1] == 2
    in_lab = "from explorer.lab.own_losses import OwnLosses; from explorer.lab.panels import Panels; import json;"
    in_lab += "from explorer.library import Library; from pathlib import Path;"
    in_lab += "print(json.dumps(Panels(Library(Path('runs')), OwnLosses()).catalogue()['losses']))"
    (entry,) = [each for each in json.loads(run_in(folder, "-c", in_lab)) if each["name"] == "triplet"]
    assert entry["formula"].startswith("<math")
    assert [(field["name"], field["low"], field["high"]) for field in entry["fields"]] == [("margin", 0, 10)]
    run_tests(folder, "tests/mtm/test_losses.py", "-k", "triplet")


def test_a_classifier_is_one_file_and_one_line(apply_section: Apply, finished_run: Path) -> None:
    folder = apply_section("Add a classifier")
    training = "train --dataset digits --epochs 1 --dim 4 --train-images 300 --record 60 --device cpu --name a --json"
    run_in(folder, "-m", "mtm", *training.split())
    rows = (folder / "runs" / "a" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert all("dot" in json.loads(row)["accuracy"] for row in rows)
    assert "dot" in json.loads(run_in(folder, "-m", "mtm", "show", "a", "--json"))["best_accuracy"]
    assert "euc_ce, argmax or dot " in run_in(folder, "-m", "explorer", "events", "--help").replace("\n", " ")
    assert json.loads(run_in(folder, "-m", "explorer", "certainty", "a", "--classifier", "dot", "--json"))
    shutil.copytree(finished_run, folder / "runs" / "before")  # recorded without it
    run_in(folder, "-c", IN_PAGES)
    run_tests(folder, "tests/mtm/test_classifiers.py", "-k", "dot or every_")
    run_tests(folder, "tests/explorer/space/test_regions.py", "-k", "dot")


IN_PAGES = """
from pathlib import Path
from explorer import words
from explorer.app import create_app
from explorer.figures import curves

client = create_app(Path("runs"), Path("demos"), Path("cache")).server.test_client()

def get(path, **query):
    response = client.get(path, query_string=query)
    assert response.status_code == 200, (path, query, response.get_data(as_text=True))
    return response

assert words.CLASSIFIERS["dot"] == words.Term("target of largest product (dot)", help=words.CLASSIFIERS["dot"].help)
assert list(words.CLASSIFIERS)[-1] == "dot"
assert "dot" in curves.LINES
for run, first in (("a", "dot"), ("before", "euc_ce")):
    for mode in ("exact", "fitted", "vote", "best"):
        get("/api/regions", run=run, view="pca", classifier=first, mode=mode)
    assert (b'"dot"' in get("/api/attributes", run=run).data) == (run == "a")
    certainty = get("/api/certainty", run=run).get_json()["certainty"]
    assert ("dot" in [each["classifier"] for each in certainty]) == (run == "a")
    get("/api/events", run=run, classifier=first)
    get("/api/compare", run="a", **{"with": run, "classifier": "dot", "with_classifier": first})
refused = client.get("/api/regions", query_string={"run": "before", "view": "pca", "classifier": "dot"})
assert (refused.status_code, "unknown classifier 'dot'" in refused.get_json()["error"]) == (400, True)
"""


def test_a_projection_is_one_file_and_one_line(
    apply_section: Apply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = apply_section("Add a projection")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    demos, out = ROOT / "data" / "demo", tmp_path / "run.npz"
    code = "import json, sys; from pathlib import Path; from plotly.utils import PlotlyJSONEncoder as Encoder;"
    code += "from explorer.app import create_app; from explorer.compare import page as compare;"
    code += "from explorer.explore import page as explore; from explorer.library import Library;"
    code += "folder, demos = Path('none'), Path(sys.argv[1]); library = Library(folder, demos);"
    code += "client = create_app(folder, demos, Path('cache')).server.test_client();"
    code += "address = '/api/frames?run=demo/fashion-pure&view=random&seed=';"
    code += "frames = [client.get(f'{address}{seed}').data for seed in (0, 1, 0)];"
    code += "pages = [json.loads(json.dumps(page.layout(library), cls=Encoder)) for page in (explore, compare)];"
    code += "print(json.dumps([json.dumps(pages[0]), json.dumps(pages[1]), client.get('/').text,"
    code += "b'random' in frames[0], frames[0] == frames[1], frames[0] == frames[2]]))"
    in_explore, in_compare, page, *of_frames = json.loads(run_in(folder, "-c", code, str(demos)))
    assert '{"value": "random", "label": "Random plane"}' in in_explore
    assert '"random": "Random plane"' in in_compare
    assert '"random": {"short": "random plane", "options": ["seed"], "meanwhile": null}' in page
    assert of_frames == [True, False, True]
    run_in(
        folder, "-m", "explorer", "export", str(demos / "fashion-pure"), "--view", "random", "--what", "data",
        "--out", str(out),
    )  # fmt: skip
    with np.load(out) as arrays:
        basis, run = arrays["basis"], Run.open(demos / "fashion-pure")
        expected = (run.snapshot(-1).embeddings.astype(np.float64) - arrays["origin"]) @ basis
        np.testing.assert_allclose(arrays["positions"][-1], expected, atol=1e-3)
    np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-12)
    run_tests(folder, "tests/explorer/space/test_projections.py", "-k", "random")
