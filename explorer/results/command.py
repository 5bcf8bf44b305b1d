"""`explorer report RUNS --out DIR`: all tables, figures and claims of the paper from runs, as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtm.cli.output import say
from mtm.errors import InputError
from mtm.run_folder.files import write_bytes

if TYPE_CHECKING:
    from explorer.export.scene import Progress
    from explorer.results.chosen_runs import ChosenRuns
    from explorer.results.document import JudgedClaims


def report(
    runs: Annotated[Path, typer.Argument(metavar="RUNS", help="Folder with runs in it, also in folders within it")],
    out: Annotated[Path, typer.Option(help="Folder to write to; it is made if need be")],
    data_root: Annotated[Path, typer.Option(help="Folder of the data sets, for Figures 12 and 13")] = Path("data"),
) -> None:
    """Rebuild the paper's tables and figures from runs, beside the paper's own numbers, and test what it says.

    Writes report.html (one page with all of it), report.md, and every figure as SVG, PDF and interactive HTML.
    """
    from explorer.export.command import progress_bar  # here, as Plotly below: the command line starts without them
    from explorer.results.chosen_runs import choose_runs

    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: it is a file; name a folder")
    chosen_runs = choose_runs({"": runs})
    with progress_bar() as on_progress:
        claims = write_report(chosen_runs, out, data_root, on_progress)
    say(f"{'the runs':16} {'its own tables':20} the paper")
    for claim, on_paper, verdict in claims.verdicts:
        numbers = f" ({verdict.numbers})" if verdict.numbers else ""
        say(f"{verdict.word:16} {on_paper.word:20} {claim.text}{numbers}")
    for name, why in chosen_runs.passed_over.items():
        say(f"passed over      {name}: {why}")
    say("")
    say(claims.summary)
    say(f"Wrote {out / 'report.html'}, report.md and the figures.")


def write_report(
    runs: ChosenRuns, out: Path, data_root: Path | None = None, on_progress: Progress | None = None
) -> JudgedClaims:
    """Write the report to a folder, every file whole or not at all, and return the verdicts. Other files stay.

    Raises InputError if the folder cannot be made.
    """
    from plotly.offline import get_plotlyjs

    from explorer.results.document import JudgedClaims, build_document, drawable_figures
    from explorer.results.html import PLOTLY, build_figure_page, build_page
    from explorer.results.markdown import to_markdown
    from explorer.results.reports import print_figure

    folder = out / "figures"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from None
    sections = build_document(runs, data_root)
    figures = list(drawable_figures(sections))
    plots = {}
    for i, figure in enumerate(figures):
        if on_progress:
            on_progress(i / len(figures), f"drawing {figure.label or figure.title}")
        assert figure.draw is not None
        plots[figure.key] = figure.draw()
        kinds = ("svg", "pdf")
        for kind, content in zip(kinds, print_figure(figure, plots[figure.key], *kinds), strict=True):
            write_bytes(folder / f"{figure.key}.{kind}", content)
        write_bytes(folder / f"{figure.key}.html", build_figure_page(figure, plots[figure.key]).encode())
    write_bytes(folder / PLOTLY, get_plotlyjs().encode())
    write_bytes(out / "report.html", build_page(runs, sections, plots).encode(errors="replace"))
    write_bytes(out / "report.md", to_markdown(runs, sections).encode(errors="replace"))
    return next(part for section in sections for part in section.parts if isinstance(part, JudgedClaims))
