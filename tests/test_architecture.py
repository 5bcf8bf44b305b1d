"""Who may import whom, who opens runs, how large files and folders may be, and what the README promises."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT

from explorer.app import PAGES
from mtm.classifiers import CLASSIFIERS
from mtm.config import TrainConfig
from mtm.data import DATASETS
from mtm.losses import LOSSES

README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = sorted(path for package in ("mtm", "explorer") for path in (ROOT / package).rglob("*.py"))
SOURCES = [*PYTHON, *sorted(path for path in (ROOT / "assets").rglob("*") if path.suffix in (".mjs", ".js", ".css"))]
LONGEST_FILE, LARGEST_FOLDER = 400, 14

# Arrows go one way: app -> pages -> export -> figures, space -> library, web -> mtm; everybody may use the words.
PAGE_ROOMS = {page.__name__.split(".")[1] for page in PAGES}
GROUND = {"words", "web", "library"}
MAY_IMPORT = {
    "words": set(),
    "web": {"words"},
    "library": {"web", "words"},
    "figures": GROUND,
    "space": GROUND | {"figures"},  # the palette goes with the frames
    "export": GROUND | {"figures", "space"},
    **{page: GROUND | {"figures", "space", "export"} for page in PAGE_ROOMS},
}


def name_of(path: Path) -> str:
    """The dotted name of a module, a package's without `__init__`."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def place_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


MODULES = {name_of(path): path for path in PYTHON}


def imports(path: Path) -> set[str]:
    """What a file imports, at its top or later; our own modules by their whole name, others by their first."""
    return {name if name in MODULES else name.split(".")[0] for name in _imported(path)}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else str(node.module)


def room(module: str) -> str:
    """Of explorer's modules the folder, or the module itself where it lies at the top."""
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("path", sorted((ROOT / "mtm").rglob("*.py")), ids=name_of)
def test_the_core_knows_nothing_of_the_explorer(path: Path) -> None:
    names = {name.split(".")[0] for name in imports(path)}
    assert not names & {"explorer", "dash", "plotly", "umap", "flask"}


@pytest.mark.parametrize("path", sorted((ROOT / "explorer").glob("*/**/*.py")), ids=name_of)
def test_arrows_between_rooms_go_one_way(path: Path) -> None:
    here = room(name_of(path))
    rooms = {room(name) for name in imports(path) if name.startswith("explorer.")}
    assert rooms <= MAY_IMPORT[here] | {here}, f"{here} may import {', '.join(sorted(MAY_IMPORT[here]))}"


def test_the_ground_imports_nothing_above_it() -> None:
    for name in ("words", "library"):
        rooms = {room(module) for module in imports(ROOT / "explorer" / f"{name}.py") if module.startswith("explorer.")}
        assert rooms <= MAY_IMPORT[name]


def test_no_files_import_each_other_in_a_circle() -> None:
    arrows = {name: {other for other in imports(path) if other in MODULES} - {name} for name, path in MODULES.items()}
    try:
        tuple(TopologicalSorter(arrows).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("path", sorted((ROOT / "assets").glob("*/**/*.mjs")), ids=place_of)
def test_browser_code_of_a_page_imports_no_other_page(path: Path) -> None:
    here, *_ = path.relative_to(ROOT / "assets").parts
    for specifier in re.findall(
        r"""(?:from\s+|import\s*\(\s*|import\s+)["'](\.{1,2}/[^"']+)["']""", path.read_text(encoding="utf-8")
    ):
        module = (path.parent / specifier).resolve()
        assert module.is_file(), specifier
        folder = module.relative_to(ROOT / "assets").parts[0]
        assert folder == here or folder not in PAGE_ROOMS, specifier


@pytest.mark.parametrize("path", sorted((ROOT / "explorer").rglob("*.py")), ids=name_of)
def test_only_the_library_opens_run_folders(path: Path) -> None:
    if path.name == "library.py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("Run", "Run.open"), f"line {node.lineno}: ask explorer.library"


@pytest.mark.parametrize("path", sorted((ROOT / "explorer").rglob("figures/*.py")), ids=name_of)
def test_figures_know_no_dash(path: Path) -> None:
    assert not imports(path) & {"dash", "dash_mantine_components", "dash_ag_grid", "flask"}


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_every_module_says_what_it_is_for_and_is_no_function(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert path.stem not in functions or path.parent.name == "cli", "a module is a noun, the function in it a verb"


@pytest.mark.parametrize("path", SOURCES, ids=place_of)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("folder", sorted({path.parent for path in SOURCES}), ids=place_of)
def test_folders_are_small(folder: Path) -> None:
    assert sum(path.parent == folder for path in SOURCES) <= LARGEST_FOLDER


def test_every_page_is_a_folder_of_one_name_in_three_places() -> None:
    assert {"runs", "explore", "compare", "lab", "train", "tune", "results"} == PAGE_ROOMS
    for page in PAGE_ROOMS:
        for file in ("page.py", "routes.py"):
            assert (ROOT / "explorer" / page / file).is_file()
        assert any((ROOT / "assets" / page).iterdir())
        assert any((ROOT / "tests" / "explorer" / page).glob("test_*.py"))


def test_tests_lie_in_folders_of_the_code() -> None:
    for folder in {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}:
        assert (ROOT / folder).is_dir() or (ROOT / "assets" / folder.name).is_dir(), folder


TEXTS = [*SOURCES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md"))]


@pytest.mark.parametrize("path", TEXTS, ids=place_of)
def test_files_and_modules_that_are_mentioned_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for mention in re.findall(
        r"(?<![\w./])(?:mtm|explorer|assets|tests|benchmarks)/[\w/.-]*\w\.(?:py|mjs|js|css|json)\b", text
    ):
        assert (ROOT / mention).is_file(), mention
    for mention in re.findall(r"(?<![\w./])(?:mtm|explorer)(?:\.[a-z_]+)+(?![\w(]*/)", text):
        parts = mention.split(".")
        assert mention in MODULES or ".".join(parts[:-1]) in MODULES, mention


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
