"""Who may import whom, who opens runs, how large files and folders may be, and what the README promises."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT

from explorer.app import PAGES
from mtm.classifiers import CLASSIFIERS
from mtm.config import TrainConfig
from mtm.data import DATASETS
from mtm.losses import LOSSES, describe_loss

README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = sorted(path for package in ("mtm", "explorer") for path in (ROOT / package).rglob("*.py"))
SOURCES = [*PYTHON, *sorted(path for path in (ROOT / "assets").rglob("*") if path.suffix in (".mjs", ".js", ".css"))]
PAPERS = [name for name in LOSSES if describe_loss(name).equation]  # the README need not know of further losses
LONGEST_FILE, LARGEST_FOLDER, LONGEST_FUNCTION = 400, 14, 60
REPEATED = 6  # lines of the same logic, from which on they stand in one place

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


MODULES = {name_of(path): path for path in PYTHON}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> frozenset[str]:
    """What a file imports, at its top or later; our own modules by their whole name, others by their first."""
    return frozenset(name if name in MODULES else name.split(".")[0] for name in _imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
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


def below(folder: str, *endings: str) -> list[Path]:
    """The source files in a folder and its folders."""
    paths = sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in endings)
    assert paths, folder
    return paths


def holds(offenders: Iterable[object]) -> None:
    """A rule holds if nobody breaks it; who does is listed."""
    lines = [str(offender).removeprefix(f"{ROOT}/") for offender in offenders]
    assert not lines, "\n".join(lines)


def test_the_core_knows_nothing_of_the_explorer() -> None:
    foreign = {"explorer", "dash", "plotly", "umap", "flask"}
    holds(path for path in below("mtm", ".py") if foreign & {name.split(".")[0] for name in imports(path)})


def test_arrows_between_rooms_go_one_way() -> None:
    def offenders() -> Iterator[str]:
        for name, path in MODULES.items():
            here = room(name)
            if name.startswith("explorer.") and here in MAY_IMPORT:
                rooms = {room(other) for other in imports(path) if other.startswith("explorer.")}
                for there in rooms - MAY_IMPORT[here] - {here}:
                    yield f"{name} imports {there}; {here} may import {sorted(MAY_IMPORT[here])}"

    holds(offenders())
    unnamed = {room(name) for name in MODULES if name.startswith("explorer.")} - set(MAY_IMPORT)
    assert unnamed == {"app", "cli", "shell", "__main__"}  # the top, which may import everything


def test_no_files_import_each_other_in_a_circle() -> None:
    arrows = {name: {other for other in imports(path) if other in MODULES} - {name} for name, path in MODULES.items()}
    try:
        tuple(TopologicalSorter(arrows).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_browser_code_of_a_page_imports_no_other_page() -> None:
    specifiers = re.compile(r"""(?:from\s+|import\s*\(\s*|import\s+)["'](\.{1,2}/[^"']+)["']""")

    def offenders() -> Iterator[str]:
        for path in below("assets", ".mjs"):
            here = path.relative_to(ROOT / "assets").parts[0]
            for specifier in specifiers.findall(path.read_text(encoding="utf-8")):
                module = (path.parent / specifier).resolve()
                there = module.relative_to(ROOT / "assets").parts[0]
                if not module.is_file() or (there != here and there in PAGE_ROOMS):
                    yield f"{path}: {specifier}"

    holds(offenders())


@pytest.mark.parametrize(
    ("call", "module"), [(r"document\.createElement(NS)?\(", "dom.mjs"), (r"(?<![\w.])fetch\(", "http.mjs")]
)
def test_elements_and_requests_are_made_in_one_module_each(call: str, module: str) -> None:
    home = ROOT / "assets" / "common" / module
    assert re.search(call, home.read_text(encoding="utf-8"))
    holds(
        f"{path}:{n}: {home} does this"
        for path in below("assets", ".mjs")
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if path != home and re.search(call, line)
    )


def test_functions_of_the_browser_code_are_short() -> None:
    # of a module or a class: from a line that opens it to the brace in the same column
    function = re.compile(r"^((?:  )?)(?!(?:export )?class\b)[^\s/*}].*\{\n(?:(?!\1\}).*\n)*?\1\}", re.MULTILINE)
    holds(
        f"{path}: {found[0].splitlines()[0]}"
        for path in below("assets", ".mjs")
        for found in function.finditer(path.read_text(encoding="utf-8"))
        if found[0].count("\n") + 1 >= LONGEST_FUNCTION
    )


def test_only_the_library_opens_run_folders() -> None:
    holds(
        f"{path}:{node.lineno}: ask explorer.library"
        for path in below("explorer", ".py")
        if path.name != "library.py"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Run", "Run.open")
    )


def test_figures_know_no_dash() -> None:
    figures = [path for path in below("explorer", ".py") if path.parent.name == "figures"]
    assert len(figures) > 5
    holds(path for path in figures if imports(path) & {"dash", "dash_mantine_components", "dash_ag_grid", "flask"})


def test_every_module_says_what_it_is_for_and_is_no_function() -> None:
    holds(f"{path} has no docstring" for path in PYTHON if not ast.get_docstring(tree(path)))
    holds(
        f"{path}: a module is a noun, the function in it a verb"
        for path in PYTHON
        if path.stem in {node.name for node in tree(path).body if isinstance(node, ast.FunctionDef)}
    )


def test_files_are_short_and_folders_small() -> None:
    holds(path for path in SOURCES if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE)
    sizes = Counter(path.parent for path in SOURCES)
    holds(f"{folder}: {size} source files" for folder, size in sizes.items() if size > LARGEST_FOLDER)


def test_functions_are_short() -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    holds(
        f"{path}:{node.lineno}: {node.name} has {length} lines"
        for path in (*PYTHON, *below("tests", ".py"), *below("benchmarks", ".py"))
        for node in ast.walk(tree(path))
        if isinstance(node, functions) and (length := (node.end_lineno or 0) - node.lineno + 1) >= LONGEST_FUNCTION
    )


def test_no_six_lines_stand_twice() -> None:
    places: dict[tuple[str, ...], list[str]] = {}
    for path in SOURCES:
        lines = list(_lines_with_logic(path))
        for i in range(len(lines) - REPEATED + 1):
            run = tuple(line for _, line in lines[i : i + REPEATED])
            places.setdefault(run, []).append(f"{path}:{lines[i][0]}")
    holds(" and ".join(where) for where in places.values() if len(where) > 1)


def _lines_with_logic(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is more than a comment, a docstring, an import or brackets."""
    other: set[int] = set()
    for node in ast.walk(tree(path)) if path.suffix == ".py" else ():
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or isinstance(node, ast.Import | ast.ImportFrom):
            assert isinstance(node, ast.stmt)
            other |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if number not in other and re.search(r"\w", text) and not text.startswith(("#", "//", "*", "/*", "import ")):
            yield number, text


def test_every_page_is_a_folder_of_one_name_in_three_places() -> None:
    assert {"runs", "explore", "compare", "lab", "train", "tune", "results"} == PAGE_ROOMS
    for page in PAGE_ROOMS:
        for file in ("page.py", "routes.py"):
            assert (ROOT / "explorer" / page / file).is_file()
        assert any((ROOT / "assets" / page).iterdir())
        assert any((ROOT / "tests" / "explorer" / page).glob("test_*.py"))


def test_tests_lie_in_folders_of_the_code() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    holds(folder for folder in folders if not ((ROOT / folder).is_dir() or (ROOT / "assets" / folder.name).is_dir()))


def test_files_and_modules_that_are_mentioned_exist() -> None:
    files = re.compile(r"(?<![\w./])(?:mtm|explorer|assets|tests|benchmarks)/[\w/.-]*\w\.(?:py|mjs|js|css|json)\b")
    names = re.compile(r"(?<![\w./])(?:mtm|explorer)(?:\.[a-z_]+)+(?![\w(]*/)")

    def offenders() -> Iterator[str]:
        for path in [*SOURCES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md"))]:
            text = path.read_text(encoding="utf-8")
            text = re.sub(r"```python\n# .*", "", text)  # the file that a block of CONTRIBUTING.md would add
            yield from (f"{path}: {name}" for name in files.findall(text) if not (ROOT / name).is_file())
            for name in names.findall(text):
                if not {name, name.rpartition(".")[0]} & set(MODULES):
                    yield f"{path}: {name}"

    holds(offenders())


def test_reading_runs_needs_no_torch() -> None:
    code = (
        "import sys, mtm.runs, mtm.config, mtm.losses, mtm.classifiers, mtm.geometry, mtm.data, mtm.cli;"
        "import mtm.run_folder.external;"
    )
    code += "assert not {'torch', 'torchvision', 'sklearn', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", [*PAPERS, *CLASSIFIERS, *DATASETS, "resnet18", "convnet"])
def test_the_names_that_the_paper_and_the_data_give_are_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


def options_table() -> str:
    """The README's table of options, from the config: `python tests/test_architecture.py` writes it."""
    rows = ["| option | default | meaning |", "|---|---|---|"]
    for name, field in TrainConfig.model_fields.items():
        default = "" if field.default in (None, {}) else f"`{field.default}`"
        help = str(field.description).replace(", ".join(LOSSES), ", ".join(PAPERS))
        rows.append(f"| `--{name.replace('_', '-')}` | {default} | {help} |")
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
