"""The paper's claims in its order, and the verdicts on its own tables and on runs."""

from __future__ import annotations

from explorer.results.chosen_runs import LETTERS, NETWORKS, ORDER, ChosenRuns
from explorer.results.claims import on_curves as curves
from explorer.results.claims import on_tables as tables
from explorer.results.claims.verdict import ALL, CONSISTENTLY, GENERALLY, UNKNOWN, Accuracies, Claim, Verdict, judge
from mtm.paper.tables import Cell

IN_FIGURES = "in its figures only"
NOT_TESTED = "not in its tables"

CLAIMS = (
    Claim("mean-target", "The average class embedding may serve as an approximation of the global centre", "III-B",
              CONSISTENTLY, on_runs=curves.mean_target_is_global_centre, unit=" ρ"),
    Claim("overlap", "The greater the cluster size σ is, compared to the centre distance ρ, the harder it is to "
              "classify", "III-B, Fig. 4", GENERALLY, on_runs=curves.overlap_decides),
    Claim("targets-in-clusters", "With Euclidean Distance class embeddings move to the centre of their cluster",
              "III-C1", CONSISTENTLY, on_runs=curves.targets_in_their_clusters),
    Claim("targets-as-centres", "Losses that minimise the distance to class embeddings preserve that these "
              "approximate class centres: euc_ce is as accurate as euc", "III-B", CONSISTENTLY,
              tables.targets_as_good_as_centres, unit=" points apart"),
    Claim("comparison", "Comparison loss yields no apparent improvement", "III-C5", CONSISTENTLY,
              tables.comparison_gains_nothing),
    Claim("harder", "K-MNIST is easier than F-MNIST but more difficult than MNIST; CIFAR100 is harder than CIFAR10",
              "IV-A", ALL, tables.harder_data),
    Claim("chance", "The accuracy is better than random guessing", "IV-E", ALL, tables.beyond_chance, unit=" %"),
    Claim("within-published", "On the MNIST-based data sets the model performs within the state-of-the-art models",
              "IV-E, Table 5", ALL, tables.within_published),
    Claim("beats-none", "… although it does not beat any of them", "IV-E, Table 5", ALL, tables.beats_no_published),
    Claim("mlp", "On CIFAR10 it outperforms the MLP, and on CIFAR100 it comes close", "IV-E, Table 5", ALL,
              tables.beats_the_mlp),
    Claim("who-is-best", "A moving-targets model is best on MNIST and K-MNIST, a pure one on the others", "Table 5",
              ALL, tables.who_is_best),
    Claim("smallest", "The smallest network, ResNet-18, tends to do best", "IV-E, V-C, Fig. 14", GENERALLY,
              tables.smallest_best),
    Claim("smallest-elsewhere", "… more clearly on the other data sets than on F-MNIST", "IV-E", ALL,
              tables.smallest_clearer_elsewhere),
    Claim("exceptions", "… but on F-MNIST ResNet-50 is best of the pure and ResNet-101 with Class Proximity",
              "IV-E", ALL, tables.exceptions_on_fashion),
    Claim("sigma-falls", "With Euclidean Distance the cluster size σ decreases significantly", "IV-F1, Fig. 15",
              CONSISTENTLY, on_runs=curves.sigma_falls),
    Claim("rho-falls", "With Euclidean Distance the centre distance ρ decreases", "IV-F1, Fig. 16", CONSISTENTLY,
              on_runs=curves.rho_falls),
    Claim("rho-slower", "… but slower than σ", "IV-F1, Fig. 15-16", CONSISTENTLY, on_runs=curves.rho_falls_slower),
    Claim("apart", "With Euclidean Distance ρ is initially greater than σ, and clusters stay off the global centre",
              "IV-F1, Fig. 17", CONSISTENTLY, on_runs=curves.clusters_apart),
    Claim("cosine-out", "With Cosine Distance images move away from the global centre and from their class centre",
              "IV-F2, Fig. 15-16", CONSISTENTLY, on_runs=curves.cosine_moves_out),
    Claim("cosine-outgrows", "… but σ increases less than ρ", "IV-F2, Fig. 15-17", CONSISTENTLY,
              on_runs=curves.cosine_rho_outgrows),
    Claim("cosine-aligns", "With Cosine Distance images of a class come to lie in one direction",
              "IV-F2, Fig. 40-44", CONSISTENTLY, on_runs=curves.cosine_aligns),
    Claim("cosine-lowest", "Cosine Distance consistently yields the lowest accuracies", "IV-F2, Tables 6-7",
              CONSISTENTLY, tables.cosine_lowest),
    Claim("cosine-euc-lowest", "… and the lowest of all when it is classified by Euclidean distance (euc)",
              "IV-F2, Tables 6-7", CONSISTENTLY, tables.cosine_by_distance_lowest),
    Claim("cos-equals-euc", "After Euclidean training cos is indistinguishable from euc", "IV-F2, Tables 6-7",
              CONSISTENTLY, tables.cos_equals_euc, unit=" points apart"),
    Claim("small-r", "Class Proximity with r from 10 to 1,000 is almost equivalent to Euclidean Distance", "IV-F3",
              CONSISTENTLY, on_runs=curves.small_r_is_euclidean),
    Claim("large-r", "… with r from 1,000 to 1,000,000 the distances between class embeddings change immediately",
              "IV-F3", CONSISTENTLY, on_runs=curves.large_r_separates),
    Claim("proximity-separates", "Class Proximity increases the distance between class centres", "IV-F3, Fig. 18",
              CONSISTENTLY, on_runs=curves.proximity_separates),
    Claim("proximity-sigma", "… and its σ neither increases nor decreases", "IV-F3, Fig. 15", CONSISTENTLY,
              on_runs=curves.proximity_keeps_sigma),
    Claim("push-pull-separates", "Push and Pull increases the distance between class centres", "IV-F4, Fig. 19",
              CONSISTENTLY, on_runs=curves.push_pull_separates),
    Claim("push-pull-sigma", "… and its σ increases slightly, less than that distance", "IV-F4, Fig. 15, 19",
              CONSISTENTLY, on_runs=curves.push_pull_grows_little),
    Claim("cost", "Accuracy is generally similar to the pure baseline: the best loss costs at most a point", "VI",
              GENERALLY, tables.little_cost, unit=" points"),
    Claim("cost-each", "… and so does every loss", "VI", GENERALLY, tables.little_cost_each, unit=" points"),
)  # fmt: skip


def paper_accuracies() -> Accuracies:
    """The accuracies of Tables 6 and 7."""
    cells = [Cell(dataset, network, loss) for dataset in ORDER for loss in LETTERS for network in NETWORKS]
    return {cell: {name: value for name, value in cell.accuracy.items() if value is not None} for cell in cells}


def our_accuracies(runs: ChosenRuns) -> Accuracies:
    """The accuracies of the chosen runs."""
    return {cell: run.accuracy for cell, run in runs.by_cell.items() if run.accuracy}


def judge_claims(runs: ChosenRuns) -> list[tuple[Claim, Verdict, Verdict]]:
    """Every claim with its verdict on the paper's tables and on the runs."""
    ours, theirs, verdicts = our_accuracies(runs), paper_accuracies(), []
    for claim in CLAIMS:
        if claim.on_tables:
            on_paper = judge(claim.on_tables(theirs), claim.share, claim.unit, NOT_TESTED)
            cases = claim.on_tables(ours)
        else:
            on_paper = Verdict(IN_FIGURES, "")
            cases = claim.on_runs(runs) if claim.on_runs else []
        verdicts.append((claim, on_paper, judge(cases, claim.share, claim.unit, UNKNOWN)))
    return verdicts
