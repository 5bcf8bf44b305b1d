"""Commands with values that nobody means: numbers out of range, names that cannot be, files that are something else.

What has to hold: the command does it, or refuses it in one sentence; what is refused leaves nothing behind.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from faults.commands import Commands, check, told

NUMBERS = ("-1", "0", "1", "2", "1e400", "nan", "-inf", "9" * 400, "1.5", "x", "", "٣", "1_000", "4294967296", "0x10")
TEXTS = (
    "", " ", "x" * 300, "x" * 5000, "../x", "a/b", "a\nb", "\x1b[31m", "nul", ".x", "-x", "é", "\udcff", "[bold]x",
)  # fmt: skip
WRITTEN = ("nowhere", "pipe", "runs/one", "x" * 5000, "")  # below the fault's own folder, whatever a command does there
READ = (*WRITTEN, "/dev/null", "/dev/zero", "/proc/self/mem", ".")
TRAIN = ("--dataset", "digits", "--train-images", "40", "--record", "20", "--epochs", "1", "--device", "cpu")
OF_A_TRAINING: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("--batch-size", "--dim", "--lr", "--momentum", "--weight-decay", "--seed", "--record"), NUMBERS),
    **dict.fromkeys(("--snapshots-per-epoch", "--plateau-std", "--resize", "--crop", "--class-init-scale"), NUMBERS),
    **dict.fromkeys(("--centre-images", "--first-epoch-snapshots", "--plateau-epochs", "--r", "--eps"), NUMBERS),
    "--validation": (*NUMBERS, "test", "0.5", "1"),
    "--held-out": ("0", "0,1", "99", "x", "-1", "0,0", *TEXTS[:4]),
    "--name": TEXTS,
    "--runs": WRITTEN,
    "--dataset": (*READ, *TEXTS),
    "--data-root": READ,
    "--loss": ("euclidean", "nowhere:Loss", "os:system", "json:loads", "x.py", *TEXTS),
    "--loss-args": ("r=", "=1", "r=x", "r=1,r=2", "margin=1", "eps=-1", *TEXTS),
    "--weights": ("imagenet", "none", *READ),
    "--backbone": ("resnet18", "vit", *TEXTS[:4]),
    "--device": ("cuda", "cuda:99", "tpu", *TEXTS[:4]),
    "--precision": ("float16", "bfloat16", "x"),
    "--optimiser": ("sgd", "lbfgs", ""),
    "--head": ("linear", "none", ""),
}
OF_AN_EXPORT: dict[str, tuple[str, ...]] = {
    "--what": ("data", "figure", "curve", "archive", "page", "animation", "x", ""),
    "--out": (*WRITTEN, "x.csv", "x.svg", "x.pdf", "x.exe", "deep/er/x.csv", "x" * 300 + ".csv", "x.npz", "x"),
    "--view": ("pca", "plane", "targets", "umap-x", ""),
    **dict.fromkeys(("--epoch", "--width", "--height", "--scale", "--fps", "--seconds"), NUMBERS),
    "--classifier": ("cos", "argmax", "euc", "x"),
    "--regions": ("fitted", "vote", "x"),
    "--curve": ("accuracy", "loss", "x"),
    "--theme": ("dark", "x"),
}
OTHERS: tuple[tuple[str, ...], ...] = (
    ("mtm", "show"), ("mtm", "prune"), ("mtm", "resume"), ("mtm", "fewshot"), ("mtm", "import"), ("mtm", "data"),
    ("mtm", "runs", "--runs"), ("explorer", "events"), ("explorer", "certainty"),
    ("mtm", "tune", "--resume"), ("explorer", "export"), ("mtm", "nonsense"), ("explorer", "--port"), ("mtm", "--x"),
)  # fmt: skip


def odd_options(commands: Commands, run: Path, chance: Random, folder: Path) -> str:
    """A command with one to three such values."""
    folder.mkdir()
    runs = folder / "runs"
    runs.mkdir()
    (runs / "one").symlink_to(run)  # a whole run
    os.mkfifo(folder / "pipe")
    arguments = _arguments(chance, runs)
    before = sorted(os.listdir(folder)), sorted(os.listdir(runs))
    story = " ".join(repr(argument[:40]) for argument in arguments)
    with told(story):
        command = commands.start(*arguments, where=folder)
        command.wait()
        command.check_end()
        if command.code == 2:
            left = sorted(os.listdir(folder)), sorted(os.listdir(runs))
            check(left == before, f"it was refused ({command.err.strip()}) and left {left}")
        check(chr(27) not in command.out + command.err, "raw escape codes were printed")
    return f"{story} ({command.code})"


def _arguments(chance: Random, runs: Path) -> list[str]:
    kind = chance.random()
    if kind < 0.5:
        return ["mtm", "train", *TRAIN, "--runs", str(runs), *_drawn(chance, OF_A_TRAINING)]
    if kind < 0.75:
        drawn = _drawn(chance, OF_AN_EXPORT)
        drawn = [part if part != "animation" else "figure" for part in drawn]  # a film takes a browser and a minute
        return ["explorer", "export", "one", "--runs", str(runs), *drawn]
    given = chance.choice([*TEXTS, *READ, *NUMBERS])
    return [*chance.choice(OTHERS), given]


def _drawn(chance: Random, options: dict[str, tuple[str, ...]]) -> list[str]:
    names = chance.sample(list(options), chance.choice([1, 1, 2, 3]))
    return [part for name in names for part in (name, chance.choice(options[name]))]
