"""The paper's tables with the numbers of the runs beside its own: paper, ours, difference."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.results.chosen_runs import LETTERS, NETWORKS, ORDER, ChosenRuns, TrainedRun, format_number
from mtm.classifiers import CLASSIFIERS
from mtm.losses import loss_label
from mtm.paper.tables import BACKBONES, EPOCHS, LOSS_NAMES, Cell, load_tables

NONE = "–"
WORDS = {letter: loss_label(name).capitalize() for name, letter in LOSS_NAMES.items()}
OURS = ("RN18-PP", "RN50-P", "RN18-C", "RN18-P")  # the paper's own models in Table 5
MISPRINT = "Table 5 prints 96.68 for RN18-PP on K-MNIST; Table 6 has 96.98, which stands here."


@dataclass(frozen=True)
class Text:
    """The text of one table cell, with a word for its style."""

    text: str
    mark: str = ""  # paper, ours, up, down, best
    run: str = ""  # the id of the run that it names


@dataclass(frozen=True)
class Table:
    """Columns in groups; a row is a name and one text per column."""

    key: str  # table6-mnist
    label: str  # Table 6
    title: str
    groups: list[tuple[str, int]]  # name and number of columns; without the column of names
    columns: list[str]
    rows: list[tuple[str, list[Text]]]
    notes: list[str] = field(default_factory=list)
    first: str = ""  # heading of the column of names


def accuracy_table(runs: ChosenRuns, dataset: str) -> Table:
    """Tables 6 and 7: every classifier of every model of a data set at its best epoch, in percent."""
    label = {"CIFAR10": "Table 7", "CIFAR100": "Table 7"}.get(dataset, "Table 6" if dataset in ORDER else "")
    rows = []
    for cell in runs.models(dataset):
        run = runs.by_cell.get(cell)
        theirs, ours = cell.accuracy, run.accuracy if run else {}
        rows.append((cell.model, [text for name in CLASSIFIERS for text in compare(theirs.get(name), ours.get(name))]))
    notes = ["In percent on the test split, at the epoch with the best accuracy; the difference in percentage points."]
    if dataset not in ORDER:
        notes.append("The paper has no such data set.")
    missing = [cell.model for cell in runs.models(dataset) if cell not in runs.by_cell]
    if missing:
        notes.append(f"No run of {shorten(missing)}.")
    groups = [(f"{c.name_in_paper} ({name})" if c.name_in_paper else name, 3) for name, c in CLASSIFIERS.items()]
    title, key = f"Accuracy on {dataset}", f"accuracy-{slug(dataset)}"
    columns = ["paper", "ours", "diff."] * len(CLASSIFIERS)
    return Table(key, label, title, groups, columns, rows, notes, dataset)


def published_table(runs: ChosenRuns) -> Table:
    """Table 5: the best classifier of the paper's selected models and of the best of ours, among published models."""
    rows = [
        (name, [text for dataset in ORDER for text in compare(values[dataset], None)])
        for name, values in load_tables()["state_of_the_art"].items()
        if name not in OURS
    ]
    for model in OURS:
        network, loss = model.split("-")
        texts = []
        for dataset in ORDER:
            cell = Cell(dataset, network, loss)
            texts += compare(best_accuracy(cell.accuracy), best_accuracy_of(runs.by_cell.get(cell)))
        rows.append((model, texts))
    best, winners = list[Text](), list[str]()
    for dataset in ORDER:
        ours = max(runs.of(dataset), key=lambda run: max(run.accuracy.values()), default=None)
        best += compare(max(best_accuracy(cell.accuracy) or 0 for cell in runs.models(dataset)), best_accuracy_of(ours))
        winners += [f"{ours.cell.model} on {dataset}"] if ours else []
    rows.append(("best model of each", best))
    notes = ["In percent. The last row is the best of the paper's 15 models and the best of ours.", MISPRINT]
    notes += [f"Best of ours: {', '.join(winners)}."] if winners else []
    title = "Test accuracy among published models"
    groups, columns = [(dataset, 3) for dataset in ORDER], ["paper", "ours", "diff."] * len(ORDER)
    return Table("table5", "Table 5", title, groups, columns, rows, notes, "model")


def hyperparameter_table(runs: ChosenRuns, dataset: str) -> Table:
    """Tables 8 and 9: learning rate, D and r, and the factor from the paper's to ours."""
    rows = []
    for cell in runs.models(dataset):
        run = runs.by_cell.get(cell)
        theirs, ours = cell.hyperparameters, run.hyperparameters if run else {}
        rows.append(
            (
                cell.model,
                [text for name in ("lr", "d", "r") for text in _compare_factor(theirs.get(name), ours.get(name))],
            )
        )
    label = {"CIFAR10": "Table 8", "CIFAR100": "Table 8"}.get(dataset, "Table 9" if dataset in ORDER else "")
    groups = [("learning rate", 3), ("D", 3), ("r", 3)]
    title, key = f"Hyperparameters on {dataset}", f"hyperparameters-{slug(dataset)}"
    note = "Ours are those of the run in the tables of accuracy, not of a search unless a search made it."
    return Table(key, label, title, groups, ["paper", "ours", "factor"] * 3, rows, [note], dataset)


def reference_tables(runs: ChosenRuns) -> list[Table]:
    """Tables 1 to 4: symbols, normalisation, the models with how many have been run, and their hyperparameters."""
    symbols = [
        ("e", "The embedding output by the neural network"), ("c_e", "The class embedding for the class of e"),
        ("E", "The set of output embeddings"), ("C", "The set of class embeddings"),
    ]  # fmt: skip
    variables = Table("table1", "Table 1", "The variables used in loss functions", [], ["description"],
                [(name, [Text(meaning)]) for name, meaning in symbols], first="symbol")  # fmt: skip
    scales = [
        (name, [Text(", ".join(f"{value:g}" for value in values[which])) for which in ("mean", "std")])
        for name, values in load_tables()["normalisation"].items()
    ]
    note = "Resize 44, centre crop 36 for all."
    normalisation = Table(
        "table2", "Table 2", "Normalisation", [], ["mean", "standard deviation"], scales, [note], "data set"
    )
    return [variables, normalisation, _models_table(runs), _searched_table()]


def runs_table(runs: ChosenRuns) -> Table:
    """The run that stands for each experiment, and how it differs from the paper's."""
    rows = []
    for cell, run in runs.by_cell.items():
        rivals = runs.rivals(cell)
        remarks = [
            f"best of {len(rivals) + 1} runs by validation accuracy (not {shorten([r.name for r in rivals])})"
        ] * bool(rivals)
        state = run.run.status.state
        remarks += ([state] if state != "finished" else []) + run.differences
        epochs = f"{run.best.row['epoch']:.3g} of {run.epochs:.3g}"
        rows.append(
            (
                cell.name,
                [
                    Text(run.name, run=run.name),
                    Text(epochs),
                    Text(run.best.classifier),
                    Text("; ".join(remarks) or NONE),
                ],
            )
        )
    rows += [
        (NONE, [Text(name), Text(NONE), Text(NONE), Text(f"passed over: {why}")])
        for name, why in runs.passed_over.items()
    ]
    columns = ["run", "best epoch", "chosen by", "what to know"]
    return Table("used", "", "Runs and experiments", [], columns, rows, first="experiment")


def _models_table(runs: ChosenRuns) -> Table:
    """Table 3, with the number of data sets that each model has been trained on."""
    rows = []
    for loss in LETTERS:
        counts = [sum(Cell(d, network, loss) in runs.by_cell for d in ORDER) for network in NETWORKS]
        texts = [Text(f"{n}-{loss} · {k} of 5", "best" if k else "") for n, k in zip(NETWORKS, counts, strict=True)]
        rows.append((WORDS[loss], texts))
    count = sum(cell.dataset in ORDER and cell.network in NETWORKS and cell.loss in LETTERS for cell in runs.by_cell)
    columns = [name.replace("resnet", "ResNet-") for name in BACKBONES]
    notes = [f"{count} of the 75 experiments have been run; beside each model on how many of the five data sets."]
    return Table("table3", "Table 3", "The models, and which have been run", [], columns, rows, notes, "loss")


def _searched_table() -> Table:
    columns = [f"RN#-{letter}" for letter in ("P", "E", "C", "CP", "PP")]
    has = {"Epoch": 5, "Batch": 5, "Learning rate (lr)": 5, "Dimension (d)": 4, "Scalar (r)": 2}
    rows = [(name, [Text("✓" if i >= 5 - n else "") for i in range(5)]) for name, n in has.items()]
    notes = [f"At most {EPOCHS} epochs."]
    return Table("table4", "Table 4", "The hyperparameters of the models", [], columns, rows, notes, "hyperparameter")


def best_accuracy(accuracy: dict[str, float | None]) -> float | None:
    """The accuracy of the best classifier."""
    return max((value for value in accuracy.values() if value is not None), default=None)


def best_accuracy_of(run: TrainedRun | None) -> float | None:
    return best_accuracy(dict(run.accuracy)) if run else None


def compare(theirs: float | None, ours: float | None) -> list[Text]:
    """Paper, ours and the difference, in percent."""
    is_known = theirs is not None and ours is not None
    difference = ours - theirs if ours is not None and theirs is not None else 0.0
    sign = "up" if difference >= 0.005 else "down" if difference <= -0.005 else ""
    difference_text = f"{difference:+.2f}".replace("-", "−") if sign else "0.00"
    return [
        Text(NONE if theirs is None else f"{theirs:.2f}", "paper"),
        Text(NONE) if ours is None else Text(f"{ours:.2f}", "ours"),
        Text(difference_text if is_known else NONE, sign),
    ]


def _compare_factor(theirs: float | None, ours: float | None) -> list[Text]:
    """Paper, ours, and the factor between them."""
    factor_text = NONE if not theirs or ours is None else f"× {ours / theirs:.3g}"
    return [
        Text(NONE if theirs is None else format_number(theirs), "paper"),
        Text(NONE) if ours is None else Text(format_number(ours), "ours"),
        Text("=" if factor_text == "× 1" else factor_text),
    ]


def shorten(names: list[str], max_named: int = 6) -> str:
    """Names in a sentence; all models of a network or of a loss as RN50-* or *-PP."""
    left, parts = list(names), list[str]()
    for pattern, members in [
        *((f"{network}-*", [f"{network}-{loss}" for loss in LETTERS]) for network in NETWORKS),
        *((f"*-{loss}", [f"{network}-{loss}" for network in NETWORKS]) for loss in LETTERS),
    ]:
        if set(members) <= set(names):
            if set(members) & set(left):
                parts.append(pattern)
            left = [name for name in left if name not in members]
    parts += left
    more = f" and {len(parts) - max_named} more" if len(parts) > max_named else ""
    return ", ".join(parts[:max_named]) + more


def slug(name: str) -> str:
    """A name as part of a file's name."""
    return "".join(c if c.isalnum() else "-" for c in name.lower())
