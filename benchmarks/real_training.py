"""ResNet-18 on all of Fashion-MNIST with Table 9's hyperparameters, beside the paper's figures (Table 6, Fig. 15, 16).

Prints a table per run from its `metrics.jsonl`; the runs are made by the commands in README.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

PAPER = {  # Table 6, best of at most 30 epochs from ImageNet weights
    "euclidean": {"cos": 90.39, "cos_ce": 90.30, "euc": 90.44, "euc_ce": 90.31},
    "cosine": {"cos": 90.75, "cos_ce": 90.69, "euc": 88.23, "euc_ce": 89.97},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", nargs="+", type=Path, help="LOSS=metrics.jsonl", metavar="LOSS=FILE")
    for argument in parser.parse_args().metrics:
        loss, _, path = str(argument).partition("=")
        rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
        names = list(rows[0]["accuracy"])
        print(f"\n### {loss}\n")
        print(f"| epoch | images | {' | '.join(f'{name} %' for name in names)} | sigma | rho | rho / sigma |")
        print("| ---: " * (len(names) + 5) + "|")
        for row in rows:
            scores = " | ".join(f"{100 * row['accuracy'][name]:.2f}" for name in names)
            sigma, rho = row["cluster_size"], row["centre_distance"]
            print(f"| {row['epoch']:.3f} | {row['n']:,} | {scores} | {sigma:.3g} | {rho:.3g} | {rho / sigma:.2f} |")
        whole = [row for row in rows if row["split"] == "test"]
        best = {name: 100 * max(row["accuracy"][name] for row in whole) for name in names}
        print(f"| best, ours | {whole[-1]['n']:,} | {' | '.join(f'{best[name]:.2f}' for name in names)} | | | |")
        paper = PAPER.get(loss, {})
        if paper:
            print(f"| best, paper | 10,000 | {' | '.join(f'{paper[name]:.2f}' for name in names)} | | | |")


if __name__ == "__main__":
    main()
