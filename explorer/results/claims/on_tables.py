"""The paper's claims about accuracies: the same functions judge its own Tables 5-7 and ours.

Accuracies are percent by classifier, per experiment; differences are percentage points.
"""

from __future__ import annotations

from collections.abc import Iterable

from explorer.results.chosen_runs import LETTERS, NETWORKS, ORDER
from explorer.results.claims.verdict import Accuracies, Case
from mtm.paper.tables import COMPARISON, Cell, load_tables

SAME = 0.5  # points between accuracies that cannot be told apart: about two standard errors of 10,000 images at 93 %
LITTLE = 1.0  # points that are a minimal cost
CLOSE = 2.0  # points that are close to a model of Table 5
CLASSES = {**dict.fromkeys(ORDER, 10), "CIFAR100": 100, "digits": 10}
MOVING = tuple(letter for letter in LETTERS if letter != "P")
MLP = "(3x1024 / 3x3000) MLP"
EASIER = (("MNIST", "K-MNIST"), ("K-MNIST", "F-MNIST"), ("CIFAR10", "CIFAR100"))


def best(accuracy: dict[str, float]) -> float:
    """The accuracy of the best classifier."""
    return max(accuracy.values())


def beyond_chance(table: Accuracies) -> list[Case]:
    """Every model is better than guessing."""
    rows = [
        (cell, best(values), 100 / CLASSES[cell.dataset]) for cell, values in table.items() if cell.dataset in CLASSES
    ]
    return [Case(cell.name, value > chance, f"{value:.2f} %", value) for cell, value, chance in rows]


def smallest_best(table: Accuracies) -> list[Case]:
    """Of the networks with one loss on one data set the smallest does best."""
    cases = []
    for dataset, loss in _groups(table, "dataset", "loss"):
        tops = _by_network(table, dataset, loss)
        if len(tops) > 1 and "RN18" in tops:
            winner = max(tops, key=lambda network: tops[network])
            numbers = f"RN18 {tops['RN18']:.2f}, best {winner} {tops[winner]:.2f}"
            cases.append(Case(f"{dataset}/*-{loss}", tops["RN18"] >= tops[winner], numbers))
    return cases


def smallest_clearer_elsewhere(table: Accuracies) -> list[Case]:
    """The smallest network wins more often on the other data sets than on F-MNIST."""
    cases = smallest_best(table)
    on_fashion = [case.holds for case in cases if case.name.startswith("F-MNIST/")]
    elsewhere = [case.holds for case in cases if not case.name.startswith("F-MNIST/")]
    if not on_fashion or not elsewhere:
        return []
    clearer = sum(elsewhere) / len(elsewhere) > sum(on_fashion) / len(on_fashion)
    return [
        Case(
            "F-MNIST",
            clearer,
            f"{sum(on_fashion)} of {len(on_fashion)}, elsewhere {sum(elsewhere)} of {len(elsewhere)}",
        )
    ]


def exceptions_on_fashion(table: Accuracies) -> list[Case]:
    """On F-MNIST the pure network does best with ResNet-50 and class proximity with ResNet-101."""
    cases = []
    for loss, network in (("P", "RN50"), ("CP", "RN101")):
        tops = _by_network(table, "F-MNIST", loss)
        if len(tops) == len(NETWORKS):
            winner = max(tops, key=lambda name: tops[name])
            cases.append(Case(f"F-MNIST/*-{loss}", winner == network, f"best {winner} {tops[winner]:.2f}"))
    return cases


def cosine_lowest(table: Accuracies) -> list[Case]:
    """Of the four losses cosine has the lowest accuracy, each with its best classifier."""
    cases = []
    for dataset, network in _groups(table, "dataset", "network"):
        tops = {loss: best(table[c]) for loss in MOVING if (c := Cell(dataset, network, loss)) in table}
        if len(tops) == len(MOVING):
            lowest = min(tops, key=lambda loss: tops[loss])
            numbers = f"C {tops['C']:.2f}, lowest {lowest} {tops[lowest]:.2f}"
            cases.append(Case(f"{dataset}/{network}", lowest == "C", numbers))
    return cases


def cosine_by_distance_lowest(table: Accuracies) -> list[Case]:
    """A cosine-trained model classified by distance (euc) has the lowest accuracy of all models and classifiers."""
    cases = []
    for dataset, network in _groups(table, "dataset", "network"):
        models = {cell: values for cell, values in table.items() if (cell.dataset, cell.network) == (dataset, network)}
        accuracies = {(cell.loss, name): value for cell, values in models.items() for name, value in values.items()}
        if len(models) > 1 and ("C", "euc") in accuracies:
            (loss, name), value = min(accuracies.items(), key=lambda item: item[1])
            numbers = f"C with euc {accuracies['C', 'euc']:.2f}, lowest {loss} with {name} {value:.2f}"
            cases.append(Case(f"{dataset}/{network}", (loss, name) == ("C", "euc"), numbers))
    return cases


def cos_equals_euc(table: Accuracies) -> list[Case]:
    """After Euclidean training angles classify as well as distances."""
    return [_apart(cell, values["cos"], values["euc"]) for cell, values in _with(table, "E", ("cos", "euc"))]


def targets_as_good_as_centres(table: Accuracies) -> list[Case]:
    """With losses of the distance to the class embedding, class embeddings classify as class centres do."""
    pairs = (pair for loss in ("E", "CP", "PP") for pair in _with(table, loss, ("euc", "euc_ce")))
    return [_apart(cell, values["euc_ce"], values["euc"]) for cell, values in pairs]


def little_cost(table: Accuracies) -> list[Case]:
    """The best of the losses costs little accuracy against the pure network."""
    cases = []
    for dataset, network in _groups(table, "dataset", "network"):
        pure = table.get(Cell(dataset, network, "P"))
        moving = [
            best(values)
            for c, values in table.items()
            if (c.dataset, c.network) == (dataset, network) and c.loss != "P"
        ]
        if pure and moving:
            cases.append(_cost(f"{dataset}/{network}", max(moving), best(pure)))
    return cases


def little_cost_each(table: Accuracies) -> list[Case]:
    """Every loss costs little accuracy against the pure network."""
    pairs = ((cell, table.get(Cell(cell.dataset, cell.network, "P"))) for cell in table if cell.loss != "P")
    return [_cost(cell.name, best(table[cell]), best(pure)) for cell, pure in pairs if pure]


def who_is_best(table: Accuracies) -> list[Case]:
    """On MNIST and K-MNIST the best model has moving targets, on the others it is pure (Table 5)."""
    cases = []
    for dataset in ORDER:
        tops = {cell: best(values) for cell, values in table.items() if cell.dataset == dataset}
        if {cell.loss for cell in tops} >= set(LETTERS):
            winner = max(tops, key=lambda cell: tops[cell])
            expected = dataset not in ("MNIST", "K-MNIST")
            cases.append(Case(dataset, (winner.loss == "P") == expected, f"{winner.model} {tops[winner]:.2f}"))
    return cases


def harder_data(table: Accuracies) -> list[Case]:
    """MNIST is easier than K-MNIST, that easier than F-MNIST, and CIFAR10 easier than CIFAR100."""
    cases = []
    for easy, hard in EASIER:
        for cell, values in table.items():
            other = table.get(Cell(hard, cell.network, cell.loss))
            if cell.dataset == easy and other:
                numbers = f"{best(values):.2f} and {best(other):.2f}"
                cases.append(Case(f"{cell.model} on {easy} and {hard}", best(values) > best(other), numbers))
    return cases


def within_published(table: Accuracies) -> list[Case]:
    """On the MNIST-like sets the best model lies within the published ones."""
    tops = _tops(table, ORDER[:3])
    return [
        Case(
            dataset,
            min(published) <= value <= max(published),
            f"{value:.2f}, published {min(published):.2f} to {max(published):.2f}",
        )
        for dataset, value in tops.items()
        if (published := list(_published(dataset).values()))
    ]


def beats_no_published(table: Accuracies) -> list[Case]:
    """On the MNIST-like sets it beats none of the published ones."""
    cases = []
    for dataset, value in _tops(table, ORDER[:3]).items():
        beaten = [f"{name} {accuracy:.2f}" for name, accuracy in _published(dataset).items() if accuracy < value]
        cases.append(Case(dataset, not beaten, f"{value:.2f} beats {', '.join(beaten) or 'none'}"))
    return cases


def beats_the_mlp(table: Accuracies) -> list[Case]:
    """The published MLP is beaten on CIFAR10, and nearly on CIFAR100."""
    rooms = {"CIFAR10": 0.0, "CIFAR100": CLOSE}
    tops = ((dataset, value, _published(dataset)[MLP]) for dataset, value in _tops(table, ORDER[3:]).items())
    return [Case(d, value > mlp - rooms[d], f"{value:.2f}, the MLP {mlp:.2f}") for d, value, mlp in tops]


def comparison_gains_nothing(table: Accuracies) -> list[Case]:
    """The comparison loss is not apparently better than the best of the others."""
    cases = []
    for cell, values in table.items():
        others = [best(table[c]) for loss in MOVING if (c := Cell(cell.dataset, cell.network, loss)) in table]
        if cell.loss == COMPARISON and others:
            numbers = f"{best(values):.2f}, best of the others {max(others):.2f}"
            cases.append(Case(f"{cell.dataset}/{cell.network}", best(values) <= max(others) + SAME, numbers))
    return cases


def _groups(table: Accuracies, *parts: str) -> list[tuple[str, ...]]:
    """The different data sets and networks, or data sets and losses, in the order of the table."""
    return list(dict.fromkeys(tuple(getattr(cell, part) for part in parts) for cell in table))


def _by_network(table: Accuracies, dataset: str, loss: str) -> dict[str, float]:
    return {network: best(table[cell]) for network in NETWORKS if (cell := Cell(dataset, network, loss)) in table}


def _with(table: Accuracies, loss: str, names: tuple[str, str]) -> Iterable[tuple[Cell, dict[str, float]]]:
    return ((cell, values) for cell, values in table.items() if cell.loss == loss and set(names) <= set(values))


def _apart(cell: Cell, a: float, b: float) -> Case:
    return Case(cell.name, abs(a - b) <= SAME, f"{a:.2f} and {b:.2f}", abs(a - b))


def _cost(name: str, moving: float, pure: float) -> Case:
    return Case(name, moving >= pure - LITTLE, f"{moving - pure:+.2f}".replace("-", "−"), moving - pure)


def _tops(table: Accuracies, datasets: Iterable[str]) -> dict[str, float]:
    """The best accuracy on each data set with a model."""
    tops = {d: [best(values) for cell, values in table.items() if cell.dataset == d] for d in datasets}
    return {d: max(values) for d, values in tops.items() if values}


def _published(dataset: str) -> dict[str, float]:
    """Accuracies of Table 5 that are not the paper's own."""
    accuracies = {
        name: values[dataset] for name, values in load_tables()["state_of_the_art"].items() if name[:2] != "RN"
    }
    return {name: value for name, value in accuracies.items() if value is not None}
