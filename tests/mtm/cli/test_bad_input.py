"""Bad input gets one clear line and exit code 2, never a traceback, and nothing is written.

The cases run `mtm.cli.main()` in this process, since importing torch takes seconds; a few run as real processes.
"""

from __future__ import annotations

import gzip
import json
import pickle
import shlex
import struct
import sys
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from conftest import Command
from PIL import Image

from mtm import cli
from mtm.backbones import ConvNet
from mtm.config import TrainConfig
from mtm.runs import Run

Make = Callable[[], object]  # puts the bad files into the current folder
Refuses = Callable[..., None]


def case(name: str, command: str, *fragments: str, make: Make = lambda: None) -> Any:
    """`fragments`: what the line must say, such as the offending value and what would be right."""
    return pytest.param(make, command, fragments, id=name)


@pytest.fixture
def refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refuses:
    """Runs a command in an empty folder that no network reaches, and checks all that holds for every refusal."""
    monkeypatch.chdir(tmp_path)
    unplug(monkeypatch)

    def check(make: Make, command: str, fragments: tuple[str, ...]) -> None:
        make()
        before = tree(tmp_path)
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["mtm", *shlex.split(command)])
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code
        else:
            code = 0
        out, err = capfd.readouterr()
        assert_one_line(code, err, fragments)
        assert out == "", "standard output belongs to results"
        assert tree(tmp_path) == before, "nothing is written"

    return check


def unplug(monkeypatch: pytest.MonkeyPatch) -> None:
    """No download can succeed, on machines with a network too."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(urllib.request, "_opener", None)  # it is kept with the proxies it was made with


def assert_one_line(code: object, err: str, fragments: tuple[str, ...]) -> None:
    assert code == 2, f"exit code {code}: {err}"
    assert "Traceback" not in err
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("mtm: ")
    assert len(lines[0]) > len("mtm: ")
    for fragment in fragments:
        assert fragment in lines[0]


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every path below `folder`, with the bytes of the files."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


# Options


@pytest.mark.parametrize(
    ("make", "command", "fragments"),
    [
        case("an unknown command", "trian", "'trian'", "train"),
        case("an unknown option", "train --los cosine", "--los ", "--loss"),
        case("an option far from any", "train --colour red", "--colour"),
        case("an extra word", "train digits", "digits"),
        case("an option without its value", "train --epochs", "--epochs"),
        case("a command without its run", "show", "RUN"),
        case("an unknown loss", "train --loss tripelt", "unknown loss 'tripelt'", "euclidean", "comparison"),
        case("an unknown data set", "train --dataset mnits", "unknown data set 'mnits'", "fashion-mnist", ".npz"),
        case("an unknown backbone", "train --backbone resnet19", "unknown backbone 'resnet19'", "convnet", "resnet18"),
        case("an unknown device", "train --device tpu", "unknown device 'tpu'", "auto", "cpu", "cuda", "mps"),
        case("a device that is not there", "train --device cuda:99", "'cuda:99' is not available here"),
        case("an unknown optimiser", "train --optimiser adma", "'adma'", "'adam', 'adamw' or 'sgd'"),
        case("an unknown precision", "train --precision float64", "'float64'", "'float32'", "'bfloat16'"),
        case("an unknown head", "train --head both", "'both'", "'targets' or 'linear'"),
        case("dim 0", "train --dim 0", "dim", "0", "greater than or equal to 1"),
        case("dim below 0", "train --dim -1", "dim", "-1", "greater than or equal to 1"),
        case("dim beyond memory", "train --dim 1000000000000", "dim"),
        case("lr 0", "train --lr 0", "lr", "0", "greater than 0"),
        case("lr below 0", "train --lr -0.1", "lr", "-0.1", "greater than 0"),
        case("lr in words", "train --lr abc", "lr", "abc", "number"),
        case("lr nan", "train --lr nan", "lr", "nan", "finite"),
        case("lr infinite", "train --lr inf", "lr", "inf", "finite"),
        case("epochs 0", "train --epochs 0", "epochs", "0", "greater than or equal to 1"),
        case("half an epoch", "train --epochs 2.5", "epochs", "2.5", "integer"),
        case("batch size 0", "train --batch-size 0", "batch", "0", "greater than or equal to 1"),
        case("momentum 1", "train --momentum 1", "momentum", "less than 1"),
        case("a seed below 0", "train --seed -1", "seed", "-1", "0"),
        case("a seed of more than 64 bits", "train --seed 99999999999999999999", "seed", "99999999999999999999"),
        case(
            "a fraction over 1", "train --validation 1.5", "validation", "1.5", "'test' or a fraction between 0 and 1"
        ),
        case(
            "a fraction in words", "train --validation x", "validation", "'x'", "'test' or a fraction between 0 and 1"
        ),
        case("fewer training images than classes", "train --train-images 5 --epochs 1", "train", "5", "10"),
        case("a validation split of nothing", "train --train-images 10 --validation 0.1 --epochs 1", "validation"),
        case("one image a batch where that cannot be", "train --backbone resnet18 --weights none --batch-size 1",
             "batch_size 1", "'resnet18'", "a single image of 16x16", "2 or more"),
        case("runs in a file", "train --runs file", "file is not a folder", make=lambda: Path("file").touch()),
        case("runs below a file", "train --runs file/a --name b", "file is not a folder",
             make=lambda: Path("file").touch()),
        case("searches in a file", "tune --runs file", "file is not a folder", make=lambda: Path("file").touch()),
        case("a name of 300 letters", f"train --name {300 * 'n'}", "too long"),
        case("a runs folder of 300 letters", f"train --runs {300 * 'n'}", "File name too long"),
        case("a data set of 300 letters", f"train --dataset {300 * 'n'}", "nnn"),
        case("weights of 300 letters", f"train --weights {300 * 'n'}", "nnn"),
        case("a run of 300 letters", f"resume {300 * 'n'}", "nnn"),
        case("a crop over the resize", "train --resize 20 --crop 36", "crop 36 is larger than resize 20"),
        case("a crop over the images", "train --crop 40", "crop 40 is larger than the images (16x16)", "--resize"),
    ],
)  # fmt: skip
def test_a_bad_option_is_refused(make: Make, command: str, fragments: tuple[str, ...], refuses: Refuses) -> None:
    refuses(make, command, fragments)


def own_loss(text: str) -> Make:
    return lambda: Path("own_loss.py").write_text(text)


@pytest.mark.parametrize(
    ("make", "command", "fragments"),
    [
        case("a loss for a linear head", "train --head linear --loss cosine", "loss", "'linear'", "'targets'"),
        case("dim for a linear head", "train --head linear --dim 32", "dim", "'linear'", "'targets'"),
        case("r where there is none", "train --loss cosine --r 1", "'cosine' has no hyperparameter 'r'"),
        case("eps where there is none", "train --loss push_pull --eps 1", "no hyperparameter 'eps'", "it has r"),
        case("r nan", "train --loss push_pull --r nan", "r = nan", "finite"),
        case("eps 0", "train --loss class_proximity --eps 0", "eps", "positive", "0.0"),
        case("an argument without a value", "train --loss-args margin", "margin", "name=value"),
        case("an argument that is no number", "train --loss-args margin=big", "margin=big", "name=value", "number"),
        case("an argument that is nan", "train --loss-args margin=nan", "nan", "finite"),
        case("an argument that the loss has not", "train --loss-args margin=1", "no hyperparameter 'margin'"),
        case("a module that is not there", "train --loss nowhere:Mine", "'nowhere:Mine'", "cannot import"),
        case("no module", "train --loss :Mine", "':Mine'", "module:Class"),
        case("a relative module", "train --loss .own:Mine", "'.own:Mine'"),
        case("a class that is not there", "train --loss math:Mine", "'math' has no 'Mine'"),
        case("something that is no class", "train --loss math:pi", "'pi' is not a class"),
        case("a loss that does not parse", "train --loss own_loss:Mine", "own_loss", make=own_loss("class Mine(:")),
        case("a loss that fails", "train --loss own_loss:Mine", "own_loss", "division by zero", make=own_loss("1 / 0")),
        case("a class that is no loss", "train --loss collections:OrderedDict --epochs 1", "OrderedDict"),
    ],
)
def test_a_bad_loss_is_refused(
    make: Make, command: str, fragments: tuple[str, ...], refuses: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "own_loss", raising=False)
    refuses(make, command, fragments)


# Data

GREY = np.arange(20 * 8 * 8, dtype=np.uint32).reshape(20, 8, 8).astype(np.uint8)
TWO = np.arange(20) % 2


def npz(compress: bool = False, keep: float = 1.0, **arrays: Any) -> Make:
    """own.npz with `arrays`, of which the share `keep` is written."""

    def make() -> None:
        (np.savez_compressed if compress else np.savez)("own.npz", **arrays)
        content = Path("own.npz").read_bytes()
        Path("own.npz").write_bytes(content[: int(keep * len(content))])

    return make


def split(**changes: Any) -> Make:
    whole: dict[str, Any] = {"x_train": GREY, "y_train": TWO, "x_test": GREY, "y_test": TWO} | changes
    return npz(**{name: array for name, array in whole.items() if array is not None})


OWN = "train --epochs 1 --dataset own.npz"


@pytest.mark.parametrize(
    ("make", "command", "fragments"),
    [
        case("no file", OWN, "own.npz", "there is no such file"),
        case("cut short", OWN, "own.npz is damaged", make=npz(x=GREY, y=TWO, keep=0.6)),
        case("empty", OWN, "own.npz is damaged", make=npz(x=GREY, y=TWO, keep=0)),
        case("not a zip", OWN, "own.npz is damaged", make=lambda: Path("own.npz").write_text("x, y\n1, 2\n")),
        case("a folder", OWN, "own.npz", "there is no such file", make=lambda: Path("own.npz").mkdir()),
        case("no arrays", OWN, "'x'", "x_train", make=npz()),
        case("no training labels", OWN, "no array 'y_train'", "x_train, x_test", make=split(y_train=None)),
        case("no test images", OWN, "no array 'x_test'", make=split(x_test=None)),
        case("complex images", OWN, "complex128", "uint8", make=npz(x=GREY * 1j, y=TWO)),
        case("images in words", OWN, "<U3", "uint8", make=npz(x=GREY.astype("U3"), y=TWO)),
        case("normalised images", OWN, "below 0 (-1)", make=npz(x=GREY / 127.5 - 1, y=TWO)),
        case("images with a gap", OWN, "not finite", make=npz(x=np.where(GREY > 9, GREY / 255, np.nan), y=TWO)),
        case("flat images", OWN, "(20, 64)", "(N, h, w)", make=npz(x=GREY.reshape(20, 64), y=TWO)),
        case("two channels", OWN, "(20, 8, 4, 2)", "(N, h, w, 3)", make=npz(x=GREY.reshape(20, 8, 4, 2), y=TWO)),
        case("no images", OWN, "(0, 8, 8)", make=npz(x=GREY[:0], y=TWO[:0])),
        case("fewer labels than images", OWN, "19", "20", make=npz(x=GREY, y=TWO[:-1])),
        case("one-hot labels", OWN, "(20, 2)", "20 images", make=npz(x=GREY, y=np.eye(2, dtype=int)[TWO])),
        case("labels over the names", OWN, "up to 2", "2 classes", make=split(y_train=TWO + 1, class_names=["a", "b"])),
        case("labels below 0", OWN, "-1", "from 0", make=npz(x=GREY, y=TWO - 1)),
        case("labels of halves", OWN, "y: labels must be whole numbers", "row 1 is 0.5", make=npz(x=GREY, y=TWO / 2)),
        case("a label that is missing", OWN, "y: the label in row 3 is missing",
             make=npz(x=GREY, y=np.where(np.arange(20) == 3, np.nan, TWO))),
        case("a word that is missing", OWN, "y: the label in row 1 is missing",
             make=npz(x=GREY, y=np.array(["cat", ""])[TWO])),
        case("complex labels", OWN, "complex128", "whole numbers", make=npz(x=GREY, y=TWO * 1j)),
        case("a word that is no class", OWN, "'dog' in row 1", "cat, emu",
             make=npz(x=GREY, y=np.array(["cat", "dog"])[TWO], class_names=["cat", "emu"])),
        case("numbers and words", OWN, "y_train and y_test differ", make=split(y_test=np.array(["cat", "dog"])[TWO])),
        case("names twice", OWN, "0 and 1 are both called 'cat'", make=npz(x=GREY, y=TWO, class_names=["cat", "cat "])),
        case("names that are fractions", OWN, "class_names is", make=npz(x=GREY, y=TWO, class_names=[0.5, 6])),
        case("an empty class", OWN, "class '1' is empty", make=npz(x=GREY, y=TWO * 2)),
        case("an empty named class", OWN, "class 'c' is empty", make=npz(x=GREY, y=TWO, class_names=["a", "b", "c"])),
        case("a class of the test split only", OWN, "class '2' is empty", make=split(y_test=TWO * 2)),
        case("one class", OWN, "one class", "two", make=npz(x=GREY, y=TWO * 0)),
        case("one image of each class", OWN, "own.npz", "test", make=npz(x=GREY[:2], y=TWO[:2])),
        case("two sizes", OWN, "8x8x1 and 8x4x1", "--resize and --crop", make=split(x_test=GREY[:, :, :4])),
        case("grey and colour", OWN, "8x8x1 and 8x8x3", make=split(x_test=np.stack([GREY] * 3, axis=3))),
        case("pickled objects", OWN, "own.npz", "plain arrays", make=npz(x=np.array([GREY[0], "a"], object), y=[0, 1])),
        case("a crop over the images", f"{OWN} --crop 9", "crop 9", "(8x8)", "--resize", make=npz(x=GREY, y=TWO)),
        case("a crop of one side", f"{OWN} --crop 6", "crop 6", "(4x8)", make=npz(x=GREY[:, :, :4], y=TWO)),
    ],
)  # fmt: skip
def test_a_bad_archive_is_refused(make: Make, command: str, fragments: tuple[str, ...], refuses: Refuses) -> None:
    refuses(make, command, fragments)


def pictures(**folders: list[tuple[int, int]]) -> Make:
    """photos/CLASS/0.png, ... of the given sizes (width, height); `__` in a name is a folder inside."""

    def make() -> None:
        Path("photos").mkdir()
        for name, sizes in folders.items():
            folder = Path("photos", *name.split("__"))
            folder.mkdir(parents=True)
            for i, size in enumerate(sizes):
                Image.new("RGB", size, (40 * i, 0, 0)).save(folder / f"{i}.png")

    return make


def with_file(name: str, content: Callable[[bytes], bytes]) -> Make:
    """Two good classes, but for one file, whose content is made from that of a good one."""

    def make() -> None:
        pictures(cats=SAME, dogs=SAME)()
        path = Path("photos", "dogs", name)
        path.write_bytes(content(Path("photos", "dogs", "0.png").read_bytes()))

    return make


def huge_png(_: bytes) -> bytes:
    """The start of a PNG that says it is 20,000 pixels wide and high."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


SAME = [(12, 12)] * 5
PHOTOS = "train --epochs 1 --dataset photos"


@pytest.mark.parametrize(
    ("make", "command", "fragments"),
    [
        case("no folder", "train --dataset my/photos", "my/photos", "there is no such image folder"),
        case("no class folders", PHOTOS, "photos has no class folders", "train/CLASS", make=pictures()),
        case("no training class", PHOTOS, "no class folders", make=pictures(train=[], test__a=SAME)),
        case("an empty class", PHOTOS, "class 'dogs' is empty", make=pictures(cats=SAME, dogs=[])),
        case("an empty training class", PHOTOS, "class 'a' is empty", make=pictures(train__a=[], train__b=SAME)),
        case("one class", PHOTOS, "one class", "two", make=pictures(cats=SAME)),
        case("one image of each class", PHOTOS, "photos", "test", make=pictures(cats=SAME[:1], dogs=SAME[:1])),
        case("mixed sizes", PHOTOS, "12x12", "14x12", "--resize", make=pictures(cats=SAME, dogs=[*SAME, (14, 12)])),
        case("mixed sizes only resized", f"{PHOTOS} --resize 8", "--crop", make=pictures(a=SAME, b=[(14, 12)] * 5)),
        case("a test class that was not trained", PHOTOS, "'emu'", "photos/train",
             make=pictures(train__a=SAME, train__b=SAME, test__a=SAME, test__emu=SAME)),
        case("classes a folder too deep", PHOTOS, "photos/more has folders but no images", "photos needs train/CLASS",
             make=pictures(more__a=SAME, more__b=SAME)),
        case("a validation class that was not trained", PHOTOS, "photos/val has class 'emu'", "photos/train",
             make=pictures(train__a=SAME, train__b=SAME, val__a=SAME, val__emu=SAME)),
        case("no test images", PHOTOS, "photos/test has no images",
             make=pictures(train__a=SAME, train__b=SAME, test=[])),
        case("text named .png", PHOTOS, "9.png is not an image", make=with_file("9.png", lambda good: b"cat")),
        case("an image cut short", PHOTOS, "9.png is not an image", make=with_file("9.png", lambda good: good[:50])),
        case("an empty image", PHOTOS, "9.png is not an image", make=with_file("9.png", lambda good: b"")),
        case("an image with a broken part", PHOTOS, "9.png is not an image",
             make=with_file("9.png", lambda good: good.replace(b"IDAT", b"\xd7DAT"))),
        case("an image that is too large", PHOTOS, "9.png", make=with_file("9.png", huge_png)),
        case("a crop over the images", f"{PHOTOS} --crop 13", "crop 13", "(12x12)", make=pictures(a=SAME, b=SAME)),
    ],
)  # fmt: skip
def test_a_bad_image_folder_is_refused(make: Make, command: str, fragments: tuple[str, ...], refuses: Refuses) -> None:
    refuses(make, command, fragments)


def idx(skip: str = "", cut: int | None = None, n: int = 60, magic: int = 0) -> Make:
    """FashionMNIST/raw in the folder `root`: n images a split, one file left out, all cut after `cut` bytes."""

    def make() -> None:
        raw = Path("root/FashionMNIST/raw")
        raw.mkdir(parents=True)
        for name in ("train", "t10k"):
            images = struct.pack(">IIII", 2051 + magic, n, 28, 28) + bytes(n * 784)
            labels = struct.pack(">II", 2049 + magic, n) + bytes(n)
            for file, content in ((f"{name}-images-idx3-ubyte", images), (f"{name}-labels-idx1-ubyte", labels)):
                if file != skip:
                    (raw / file).write_bytes(content[:cut])

    return make


def broken_download() -> None:
    raw = Path("root/MNIST/raw")
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(1000))[:20])


FASHION = "train --dataset fashion-mnist --data-root root"
DAMAGED = ("root/FashionMNIST/raw are damaged or incomplete: train-images-idx3-ubyte is damaged: it has",)


@pytest.mark.parametrize(
    ("make", "command", "fragments"),
    [
        case("mnist is not there", "train --dataset mnist --data-root root", "root/MNIST/raw", "--data-root"),
        case("cifar10 is not there", "train --dataset cifar10 --data-root root", "root/cifar-10-batches-py"),
        case("the folder is a file", "train --dataset kmnist --data-root root", "root/KMNIST/raw",
             make=lambda: Path("root").write_text("")),
        case("half a download", "train --dataset mnist --data-root root", "root/MNIST/raw", make=broken_download),
        case("images cut short", FASHION, *DAMAGED, make=idx(cut=1000)),
        case("a header cut short", FASHION, *DAMAGED, make=idx(cut=3)),
        case("empty files", FASHION, *DAMAGED, make=idx(cut=0)),
        case("files of another kind", FASHION, *DAMAGED, make=idx(magic=12)),
        case("too few images", FASHION, *DAMAGED, make=idx()),
        case("no labels", FASHION, "; t10k-labels-idx1-ubyte is missing", make=idx(skip="t10k-labels-idx1-ubyte")),
    ],
)  # fmt: skip
def test_bad_torchvision_files_are_refused(
    make: Make, command: str, fragments: tuple[str, ...], refuses: Refuses
) -> None:
    refuses(make, command, fragments)


# Runs


def recorded(state: str = "finished", config: TrainConfig | None = None) -> Make:
    """runs/mine, which ended in `state`."""

    def make() -> None:
        run = Run.create("runs/mine", config)
        run.log(np.eye(4), [0, 1, 0, 1])
        run.set_status(state=state)

    return make


def info(content: object) -> Make:
    """runs/mine with this config.json."""

    def make() -> None:
        Path("runs/mine").mkdir(parents=True)
        Path("runs/mine/config.json").write_text(content if isinstance(content, str) else json.dumps(content))

    return make


CONFIG = TrainConfig(epochs=1)


@pytest.mark.parametrize(
    ("make", "command", "fragments"),
    [
        case("a name that is taken", "train --name mine", "runs/mine exists already", "--name", "mtm resume",
             make=recorded()),
        case("a name with a slash", "train --name a/b", "'a/b'", "name"),
        case("a name that goes up", "train --name ..", "'..'", "name"),
        case("a name of nothing", "train --name '' --epochs 1", "''", "name"),
        case("runs in a file", "train --runs taken", "taken", make=lambda: Path("taken").write_text("")),
        case("resume of nothing", "resume mine", "no run at mine", "mtm runs"),
        case("resume of a finished run", "resume mine", "runs/mine is finished", make=recorded(config=CONFIG)),
        case("resume of a run at work", "resume mine", "is being trained right now",
             make=recorded("training", CONFIG)),
        case("resume of an imported run", "resume mine", "config", make=recorded("stopped")),
        case("resume of a folder that is no run", "resume mine", "runs/mine is not a run", "config.json",
             make=lambda: Path("runs/mine").mkdir(parents=True)),
        case("resume of a damaged config", "resume mine", "config.json is damaged", make=info('{"format": 1')),
        case("resume of a config that cannot be", "resume mine", "lr", "-1",
             make=info({"format": 1, "config": {"lr": -1}})),
        case("resume without its data", "resume mine", "gone.npz", "no such file", "--dataset",
             make=recorded("stopped", TrainConfig(dataset="gone.npz"))),
        case("resume without its folder", "resume mine", "trained on photos", "no such file or folder", "--dataset",
             make=recorded("stopped", TrainConfig(dataset="photos"))),
        case("resume with other images", "resume mine", "snapshots of other images than digits has now",
             make=recorded("stopped", CONFIG)),
        case("resume of an unknown field", "resume mine", "'lrr'", make=info({"config": {"lrr": 1}})),
        case("resume of a newer format", "resume mine", "format 99", "up to 1", "update", make=info({"format": 99})),
        case("show of a format in words", "show mine", "format", "two", make=info({"format": "two"})),
        case("show of a newer format", "show mine", "format 99", "up to 1", make=info({"format": 99})),
        case("show of nothing", "show mine", "no run at mine", "mtm runs"),
        case("show of a file", "show mine", "no run at mine", make=lambda: Path("mine").write_text("")),
        case("prune of nothing", "prune mine", "no run at mine"),
        case("prune of a run at work", "prune mine", "is being trained right now", make=recorded("training", CONFIG)),
    ],
)  # fmt: skip
def test_a_bad_run_is_refused(make: Make, command: str, fragments: tuple[str, ...], refuses: Refuses) -> None:
    refuses(make, command, fragments)


def test_a_damaged_checkpoint_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Run.create("runs/mine", CONFIG).set_status(state="stopped")
    checkpoint = Path("runs/mine/checkpoint/state.safetensors")
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"half")
    Path("runs/mine/snapshots").mkdir()
    before = tree(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mtm", "resume", "mine"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert_one_line(stop.value.code, capfd.readouterr().err, ("checkpoint/state.safetensors", "damaged"))
    status = str(Path("runs/mine/status.json"))  # may tell why it failed; all else stays
    assert {k: v for k, v in tree(tmp_path).items() if k != status} == {k: v for k, v in before.items() if k != status}


# Weights


class Trap:
    """A pickle that makes the file `marker` when it is loaded."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return open, ("marker", "w")


def saved(content: object) -> Make:
    return lambda: torch.save(content, "own.pt")


def bytes_of(name: str, content: bytes) -> Make:
    return lambda: Path(name).write_bytes(content)


def state(**changes: torch.Tensor) -> dict[str, torch.Tensor]:
    return dict(ConvNet().state_dict()) | {name.replace("_", ".", 1): value for name, value in changes.items()}


@pytest.mark.parametrize(
    ("make", "command", "fragments"),
    [
        case("no file", "train --weights own.pt", "own.pt", "imagenet, none or a state-dict file"),
        case("an unknown word", "train --weights imagnet", "imagnet", "imagenet, none"),
        case("a folder", "train --weights own.pt", "own.pt", make=lambda: Path("own.pt").mkdir()),
        case("text", "train --weights own.pt", "own.pt", "not a state dict", make=bytes_of("own.pt", b"weights")),
        case("an empty file", "train --weights own.pt", "own.pt", "not a state dict", make=bytes_of("own.pt", b"")),
        case("a list", "train --weights own.pt", "own.pt", "no state dict", make=saved([1, 2])),
        case("numbers", "train --weights own.pt", "own.pt", "no state dict", make=saved({"epoch": 3})),
        case("a whole model", "train --weights own.pt", "own.pt", "state dict", make=saved(ConvNet())),
        case("a pickle with code", "train --weights own.pt", "own.pt", "safely", make=saved({"a": Trap()})),
        case("a bare pickle with code", "train --weights own.pth", "own.pth", "safely",
             make=bytes_of("own.pth", pickle.dumps(Trap()))),
        case("text named .safetensors", "train --weights a.safetensors", "a.safetensors", "state dict",
             make=bytes_of("a.safetensors", b"weights")),
        case("nothing in it", "train --weights own.pt", "own.pt", "do not fit", make=saved({})),
        case("another shape", "train --weights own.pt", "do not fit", "1 differ", "'0.weight'",
             make=saved(state(**{"0_weight": torch.zeros(32, 1, 5, 5)}))),
        case("another backbone's", "train --backbone resnet18 --weights own.pt", "do not fit", "conv1.weight",
             make=saved(state())),
        case("imagenet for convnet", "train --weights imagenet", "'convnet'", "none"),
        case("no network to fetch them", "train --backbone resnet18", "resnet18", "--weights none"),
        case("a backbone without a linear layer", "train --backbone squeezenet1_1 --weights none", "squeezenet1_1"),
        case("a backbone that answers otherwise", "train --backbone googlenet --weights none --resize 48", "googlenet"),
        case("images too small for it", "train --backbone alexnet --weights none", "alexnet", "16x16", "--resize"),
    ],
)  # fmt: skip
def test_bad_weights_are_refused(
    make: Make,
    command: str,
    fragments: tuple[str, ...],
    refuses: Refuses,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    cache = tmp_path_factory.mktemp("torch")
    monkeypatch.setenv("TORCH_HOME", str(cache))
    refuses(make, command, fragments)
    assert not Path("marker").exists(), "code in a weights file was run"
    assert not [path for path in cache.rglob("*") if path.is_file()]


# Embeddings to import

E = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
Y = np.array([0, 1, 2, 0, 1, 2])


def archive(keep: float = 1.0, compress: bool = False, **changes: Any) -> Make:
    whole = {"embeddings": E, "labels": Y} | changes
    return npz(compress, keep, **{name: array for name, array in whole.items() if array is not None})


def changed(array: Any, place: Any, value: float) -> Any:
    copy = array.copy()
    copy[place] = value
    return copy


def npy(embeddings: Any, labels: str | None = None) -> Make:
    def make() -> None:
        np.save("own.npy", embeddings)
        if labels is not None:
            Path("labels.txt").write_text(labels)

    return make


def parquet(**columns: Any) -> Make:
    return lambda: pq.write_table(pa.table(columns), "own.parquet")


def truncated_parquet() -> None:
    parquet(label=Y, embedding=E.tolist())()
    Path("own.parquet").write_bytes(Path("own.parquet").read_bytes()[:-30])


NPZ, NPY, PARQUET = "import own.npz", "import own.npy --labels labels.txt", "import own.parquet"


@pytest.mark.parametrize(
    ("make", "command", "fragments"),
    [
        case("no file", NPZ, "own.npz", "there is no such file"),
        case("another kind of file", "import own.csv", "'.csv'", ".npz, .npy, .parquet",
             make=lambda: Path("own.csv").write_text("1,2\n")),
        case("cut short", NPZ, "own.npz is damaged", make=archive(keep=0.7)),
        case("cut inside an array", NPZ, "own.npz is damaged",
             make=lambda: Path("own.npz").write_bytes(packed_and_scratched())),
        case("not a zip", NPZ, "own.npz is damaged", make=bytes_of("own.npz", b"0.1 0.2\n")),
        case("an .npy that is text", NPY, "own.npy is damaged", make=bytes_of("own.npy", b"0.1 0.2\n")),
        case("pickled objects", NPZ, "own.npz", "plain arrays", make=archive(embeddings=np.array([E, "a"], object))),
        case("no embeddings", NPZ, "no array 'embeddings'", "it has labels", make=archive(embeddings=None)),
        case("no labels", NPZ, "no array 'labels'", make=archive(labels=None)),
        case("no labels beside .npy", "import own.npy", "'labels'", "--labels", make=npy(E)),
        case("no labels file", NPY, "labels.txt", "no such file", make=npy(E)),
        case("a label that is none", "import own.npy --labels own.npy", "labels have shape (6, 3)", make=npy(E)),
        case("odd signs", NPY, "labels", make=npy(E, "0\n1\n--2\n0\n1\n2\n")),
        case("too few labels", NPZ, "(5,)", "6 embeddings", make=archive(labels=Y[:5])),
        case("too few text labels", NPY, "(2,)", "6 embeddings", make=npy(E, "cat\ndog\n")),
        case("labels below 0", NPZ, "-1", "from 0", make=archive(labels=Y - 1)),
        case("half labels", NPZ, "whole numbers", make=archive(labels=Y + 0.5)),
        case("labels over the names", NPZ, "up to 2", "2 classes", make=archive(class_names=["a", "b"])),
        case("NaN", NPZ, "embeddings", "NaN", "1 of 6 rows", "row 4", make=archive(embeddings=changed(E, 4, np.nan))),
        case("NaN in the second epoch", NPZ, "NaN", make=archive(embeddings=changed(np.stack([E, E]), 1, np.nan))),
        case("infinity", NPZ, "infinity", make=archive(embeddings=changed(E, (4, 1), np.inf))),
        case("beyond float32", NPZ, "embeddings", "row 4",
             make=archive(embeddings=changed(E.astype(float), (4, 1), 1e300))),
        case("text for numbers", NPZ, "embeddings must be numbers", make=archive(embeddings=np.full((6, 3), "a"))),
        case("one axis", NPZ, "embeddings", "(6,)", "2 axes", make=archive(embeddings=E[:, 0])),
        case("a single number", NPZ, "embeddings", "()", make=archive(embeddings=np.float32(1))),
        case("four axes", NPZ, "embeddings", make=archive(embeddings=E[None, None])),
        case("no rows", NPZ, "embeddings", "(0, 3)", make=archive(embeddings=E[:0], labels=Y[:0])),
        case("no epochs", NPZ, "embeddings", "(0, 6, 3)", make=archive(embeddings=E[None][:0])),
        case("too few epochs", NPZ, "1 epochs for 2 snapshots", make=archive(embeddings=np.stack([E, E]), epochs=[1])),
        case("epochs in words", NPZ, "epochs", make=archive(epochs=["first"])),
        case("epoch NaN", NPZ, "epoch", make=archive(epochs=[np.nan])),
        case("targets of other dimensions", NPZ, "class_embeddings", "(3, 4)", "(3, 3)",
             make=archive(class_embeddings=np.ones((3, 4)))),
        case("too few targets", NPZ, "class_embeddings", "(2, 3)", "(3, 3)",
             make=archive(class_embeddings=np.ones((2, 3)))),
        case("targets of one axis", NPZ, "class_embeddings", "(3,)", make=archive(class_embeddings=np.ones(3))),
        case("targets with NaN", NPZ, "class_embeddings", "NaN",
             make=archive(class_embeddings=np.full((3, 3), np.nan))),
        case("targets of too few epochs", NPZ, "class_embeddings", "(1, 3, 3)",
             make=archive(embeddings=np.stack([E, E]), class_embeddings=np.ones((1, 3, 3)))),
        case("targets of too many epochs", NPZ, "class_embeddings", "(3, 3, 3)",
             make=archive(embeddings=np.stack([E, E]), class_embeddings=np.ones((3, 3, 3)))),
        case("too few centres", NPZ, "reference_centres", "(2, 3)", make=archive(reference_centres=np.ones((2, 3)))),
        case("centres in words", NPZ, "reference_centres", make=archive(reference_centres=np.full((3, 3), "a"))),
        case("an unknown array", NPZ, "unknown array 'lables'", "mtm import --help", make=archive(lables=Y)),
        case("float thumbnails", NPZ, "thumbnails", "uint8", "float64", make=archive(thumbnails=np.zeros((6, 4, 4)))),
        case("flat thumbnails", NPZ, "thumbnails", "(6, 16)", make=archive(thumbnails=np.zeros((6, 16), np.uint8))),
        case("thumbnails with alpha", NPZ, "thumbnails", "(6, 4, 4, 4)",
             make=archive(thumbnails=np.zeros((6, 4, 4, 4), np.uint8))),
        case("too few thumbnails", NPZ, "5 thumbnails", make=archive(thumbnails=np.zeros((5, 4, 4), np.uint8))),
        case("too few indices", NPZ, "5 indices", make=archive(indices=np.arange(5))),
        case("indices in words", NPZ, "indices", make=archive(indices=list("abcdef"))),
        case("a parquet file cut short", PARQUET, "own.parquet is damaged", make=truncated_parquet),
        case("no label column", PARQUET, "no column 'label'", "it has embedding", make=parquet(embedding=E.tolist())),
        case("no other column", PARQUET, "own.parquet", "column", make=parquet(label=Y)),
        case("a column of text", PARQUET, "own.parquet", "'name'", make=parquet(label=Y, x=Y, name=list("abcdef"))),
        case("ragged vectors", PARQUET, "'embedding'", "length",
             make=parquet(label=Y, embedding=[*E.tolist()[:5], [1.0]])),
        case("a missing vector", PARQUET, "'embedding'", make=parquet(label=Y, embedding=[*E.tolist()[:5], None])),
        case("a missing number", PARQUET, "NaN", "row 5", make=parquet(label=Y, x=[*E[:5, 0].tolist(), None])),
        case("a missing label", PARQUET, "label", make=parquet(label=[0, 1, 2, 0, 1, None], embedding=E.tolist())),
        case("no rows of parquet", PARQUET, "(0, 1)", "empty", make=parquet(label=Y[:0], x=E[:0, 0])),
        case("epochs of other images", PARQUET, "every epoch",
             make=parquet(label=Y, embedding=E.tolist(), epoch=[0, 0, 0, 0, 1, 1])),
        case("a name that is taken", f"{NPZ} --name mine", "runs/mine exists already",
             make=lambda: (archive()(), recorded()())),
        case("a name with a slash", f"{NPZ} --name a/b", "'a/b'", make=archive()),
        case("runs in a file", f"{NPZ} --runs own.npz", "own.npz", make=archive()),
    ],
)  # fmt: skip
def test_bad_embeddings_are_not_imported(
    make: Make, command: str, fragments: tuple[str, ...], refuses: Refuses
) -> None:
    refuses(make, command, fragments)


def packed_and_scratched() -> bytes:
    """A compressed .npz whose directory is whole and whose arrays are not."""
    archive(compress=True)()
    content = bytearray(Path("own.npz").read_bytes())
    content[60:100] = bytes(40)
    return bytes(content)


# Real processes


@pytest.mark.parametrize(
    ("make", "command", "fragments"),
    [
        case("an unknown loss", "train --loss tripelt", "unknown loss 'tripelt'"),
        case("resume of nothing", "resume mine", "no run at mine"),
        case("an archive cut short", NPZ, "own.npz is damaged", make=archive(keep=0.7)),
        case("a pickle with code", "train --weights own.pt", "safely", make=saved({"a": Trap()})),
    ],
)
def test_a_real_process_ends_with_code_2(
    make: Make,
    command: str,
    fragments: tuple[str, ...],
    mtm_process: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    make()
    before = tree(tmp_path)
    done = mtm_process(*shlex.split(command))
    assert_one_line(done.returncode, done.stderr, fragments)
    assert done.stdout == ""
    assert tree(tmp_path) == before


def test_no_command_shows_the_help_and_no_empty_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mtm"])
    with pytest.raises(SystemExit):
        cli.main()
    out, err = capfd.readouterr()
    assert "Usage" in out + err
    assert "mtm: \n" not in err
