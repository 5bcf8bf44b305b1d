"""Names of classes and runs are text in every file, however odd: also those that are not UTF-8, formulas and markup."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pypdfium2
import pytest
from pyarrow import parquet

from explorer.compare.curves import MEASURES, Line, overlay_runs
from explorer.export.entry import Options
from explorer.export.print.plots import draw_plot
from explorer.export.scene import ExportRequest
from explorer.export.writer import EXPORTS, write_export
from explorer.figures import curves
from explorer.figures.text import from_plotly, to_plotly
from explorer.library import Library
from explorer.space.views import Views
from mtm.run_folder.files import read_arrays, write_arrays
from mtm.runs import Run

NAMES = (
    "caf\udce9", "$x^2$", "_under", "=1+1", "<b>bold</b> & <i>", "a\\b", "two\nlines", "\x1b[31mred", "猫 👩\u200d🔬",
    "שלום", "long " * 40, "%{x} {y}", "-1.5", "\ufffe", "</script><script>alert(1)</script>",
)  # fmt: skip
SHOWN = ("caf\\udce9", "$x^2$", "_under", "=1+1", "<b>bold</b> & <i>", "a\\b", "two\\nlines", "\\x1b[31mred")
KINDS = [(what, kind) for what, export in EXPORTS.items() if what != "animation" for kind in export.kinds]


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Views:
    """A run named with markup, whose classes have NAMES as another program wrote them."""
    run = Run.create(tmp_path_factory.mktemp("runs") / "$a_1$ <b>&{x}", class_names=NAMES)
    labels = np.repeat(np.arange(len(NAMES)), 4)
    for epoch in range(2):
        e = np.random.default_rng(epoch).normal(size=(len(labels), 3)) + labels[:, None]
        run.log(e, labels=labels, epoch=epoch)
    path = run.folder / "points.safetensors"
    arrays, header = read_arrays(path)
    write_arrays(path, {name: array.copy() for name, array in arrays.items()}, header | {"class_names": NAMES})
    return Views(Library(run.folder.parent), tmp_path_factory.mktemp("cache"))


def export(views: Views, path: Path, what: str, curve: str | None = None) -> Path:
    write_export(views, ExportRequest(views.library.ids()[0]), what, path, Options(curve=curve))
    return path


def words_of(path: Path) -> set[str]:
    texts = ElementTree.fromstring(path.read_bytes()).findall(".//{*}text")
    return {"".join(text.itertext()).strip() for text in texts}


@pytest.mark.parametrize(("what", "kind"), KINDS)
def test_every_kind_of_file_is_written(views: Views, tmp_path: Path, what: str, kind: str) -> None:
    assert export(views, tmp_path / f"out.{kind}", what).stat().st_size > 1000


def test_a_figure_has_names_as_they_are(views: Views, tmp_path: Path) -> None:
    words = words_of(export(views, tmp_path / "out.svg", "figure"))
    assert {*SHOWN, "$a_1$ <b>&{x}", "%{x} {y}"} <= words
    assert max(map(len, words - {max(words, key=len)})) < 80  # but for the line at the foot
    with pypdfium2.PdfDocument(export(views, tmp_path / "out.pdf", "figure")) as document:
        text = str(document[0].get_textpage().get_text_range())
    assert all(name in text for name in ("caf\\udce9", "$x^2$", "_under", "<b>bold</b> & <i>"))


def test_a_curve_has_names_as_they_are(views: Views, tmp_path: Path) -> None:
    assert words_of(export(views, tmp_path / "out.svg", "figure", "sigma_class")) >= set(SHOWN)


def test_a_csv_runs_no_formula_and_parquet_has_the_name_itself(views: Views, tmp_path: Path) -> None:
    with export(views, tmp_path / "out.csv", "data").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(dict.fromkeys(row["label_name"] for row in rows))
    assert names[:4] == ["caf\\udce9", "$x^2$", "_under", "'=1+1"]
    assert "-1.5" in names
    assert all(re.fullmatch(r"[-+.\de]+|nan", row["x"]) for row in rows)
    assert any(row["x"].startswith("-") for row in rows)
    table = parquet.read_table(export(views, tmp_path / "out.parquet", "data"))
    assert "=1+1" in set(table["label_name"].to_pylist())


def test_a_page_has_the_names_in_no_place_where_they_would_be_markup(views: Views, tmp_path: Path) -> None:
    page = export(views, tmp_path / "out.html", "html").read_text(encoding="utf-8")
    assert "alert(1)" not in page
    assert "<title>$a_1$ &lt;b&gt;&amp;{x}</title>" in page


@pytest.mark.parametrize("name", ["<b>a</b>", "a<br>b", "&lt;", "%{x}", "{x}", '<a href="javascript:1">'])
def test_plotly_gets_names_as_text(name: str) -> None:
    row = {"epoch": 0, "cluster_size_per_class": [1.0], "accuracy": {"euc": 1.0}}
    line = Line(name, 0, [row], "euc")
    for figure in (curves.sigma_class([row], [name], ["red"]), overlay_runs([line], MEASURES["accuracy"])):
        (trace,) = figure.data
        for text in (trace.name, trace.hovertemplate.partition("<extra>")[2]):
            assert not re.search(r"[<{]", text.removesuffix("</extra>"))
        assert from_plotly(trace.name) == name


def test_a_printed_legend_has_a_name_that_matplotlib_would_hide(tmp_path: Path) -> None:
    plot = go.Figure([go.Scatter(x=[0, 1], y=[0, 1], name=to_plotly(name)) for name in ("_a", "<b>b</b>", "x" * 300)])
    figure = draw_plot(plot.update_layout(showlegend=True), (720, 400), "title", "about")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[:2] == ["_a", "<b>b</b>"]
    assert len(texts[2]) == 40


def test_what_an_archive_says_is_json_in_ascii(views: Views) -> None:
    assert json.dumps(views.library.run(views.library.ids()[0]).points.class_names).isascii()
