"""The report of the runs of a library as they are now, and the files of its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.export.print import MEDIA_TYPES
from explorer.library import DEMO, Library
from explorer.results.chosen_runs import ChosenRuns, choose_runs, fingerprint
from explorer.results.figures import catalogue as figures
from explorer.results.figures.catalogue import Figure
from explorer.results.html_parts import KINDS
from explorer.web.cache import Cache
from mtm.errors import InputError, NotFoundError

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Reports:
    """The figures of a library's runs, which are read again when one of them has changed. Data sets are not used."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._cache = Cache(1)

    def runs(self) -> ChosenRuns:
        """The runs of the report as they are now."""
        prefixes = {"": self.library.runs_folder, f"{DEMO}/": self.library.demo_folder}
        folders = {prefix: folder for prefix, folder in prefixes.items() if folder and folder.is_dir()}
        return self._cache.get(fingerprint(folders), lambda: choose_runs(folders))

    def figure(self, key: str) -> Figure:
        """The figure with a key. Raises InputError if there is none, or no data for it."""
        for figure in figures.all_figures(self.runs(), None):
            if figure.key == key and figure.draw:
                return figure
        raise NotFoundError(f"there is no figure '{key}' of these runs")

    def figure_file(self, name: str) -> tuple[bytes | str, str]:
        """A figure as .json, .html, .svg or .pdf: content and media type. Raises InputError for any other name."""
        from explorer.results.html import build_figure_page, figure_json

        key, _, kind = name.rpartition(".")
        figure = self.figure(key)
        assert figure.draw is not None
        plot = figure.draw()
        if kind == "json":
            return figure_json(plot), "application/json"
        if kind == "html":
            return build_figure_page(figure, plot), "text/html"
        if kind not in KINDS:
            raise InputError(f"a figure is .html, .svg or .pdf, not .{kind}")
        return print_figure(figure, plot, kind)[0], MEDIA_TYPES[kind]


def print_figure(figure: Figure, plot: go.Figure, *kinds: str) -> list[bytes]:
    """A figure of the report, already drawn by Plotly, as SVG, PDF or PNG."""
    from explorer.export.print import plots, style  # only here: matplotlib takes a second to import

    size = plot.layout.width, plot.layout.height + plots.HEAD
    on_paper = plots.draw_plot(plot, size, figure.name, figure.about, figure.lacks)
    return [style.render(on_paper, kind, about=figure.name) for kind in kinds]
