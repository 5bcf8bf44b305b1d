"""Who may import whom, and that what is promised in the README is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from mtm.classifiers import CLASSIFIERS
from mtm.config import TrainConfig
from mtm.data import DATASETS
from mtm.losses import LOSSES

README = (ROOT / "README.md").read_text(encoding="utf-8")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module).split(".")[0])
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "mtm").rglob("*.py")), ids=lambda path: path.stem)
def test_the_core_knows_nothing_of_the_explorer(path: Path) -> None:
    assert not imports(path) & {"explorer", "dash", "plotly", "umap", "flask"}


@pytest.mark.parametrize("path", sorted((ROOT / "mtm").rglob("*.py")), ids=lambda path: path.stem)
def test_every_module_says_what_it_is_for_and_is_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 400


def test_reading_runs_needs_no_torch() -> None:
    code = (
        "import sys, mtm.runs, mtm.config, mtm.losses, mtm.classifiers, mtm.geometry, mtm.data, mtm.cli;"
        "import mtm.run_folder.external;"
    )
    code += "assert not {'torch', 'torchvision', 'sklearn', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", [*LOSSES, *CLASSIFIERS, *DATASETS, "resnet18", "convnet"])
def test_every_registered_name_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


def options_table() -> str:
    """The README's table of options, from the config: `python tests/test_architecture.py` writes it."""
    rows = ["| option | default | meaning |", "|---|---|---|"]
    for name, field in TrainConfig.model_fields.items():
        default = "" if field.default in (None, {}) else f"`{field.default}`"
        rows.append(f"| `--{name.replace('_', '-')}` | {default} | {field.description} |")
    return "\n".join(rows)


def test_the_readme_has_every_option_with_its_default_and_help() -> None:
    assert f"<!-- options -->\n{options_table()}\n<!-- /options -->" in README


def test_the_ci_runs_the_readme_s_own_test_command() -> None:
    command = re.search(r"<!-- test -->\n```\w*\n(.*?)\n```", README, re.DOTALL)
    assert command
    assert "README.md" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


if __name__ == "__main__":
    block = f"<!-- options -->\n{options_table()}\n<!-- /options -->"
    (ROOT / "README.md").write_text(
        re.sub(r"<!-- options -->.*<!-- /options -->", lambda _: block, README, flags=re.DOTALL), encoding="utf-8"
    )
