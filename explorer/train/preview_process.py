"""The process behind the preview of a training: it reads the images and measures the speed on this machine.

`python -m explorer.train.preview_process devices` prints the GPUs; `python -m explorer.train.preview_process` answers
requests, a line of JSON each, on its input, and ends with it. It is not part of the server because it imports torch,
and because it may be killed at any time.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mtm.config import TrainConfig
from mtm.data import DATASETS, transform
from mtm.data.pixels import quietly, read_picture
from mtm.data.raw import Raw, check_labels
from mtm.data.sources import find_source
from mtm.errors import InputError
from mtm.run_folder.snapshots import Array

MOST_IMAGES = 8  # one image per class
LARGEST = 96  # pixels of the longer side of an image as it is sent


def describe_images(parameters: dict[str, Any]) -> dict[str, Any]:
    """The first images of some classes before and after the transform (Fig. 12, 13), and the sizes of the data set."""
    config = TrainConfig(**parameters)
    source = find_source(config.dataset)
    raw = source.load(Path(config.data_root))
    check_labels(config.dataset, raw)
    resize = source.resize if config.resize is None else config.resize
    crop = source.crop if config.crop is None else config.crop
    rows = [int(np.flatnonzero(raw.train_labels == k)[0]) for k in range(min(MOST_IMAGES, len(raw.class_names)))]
    images: Any = raw.train_images
    with quietly():
        before = [_picture(images[i], raw) for i in rows]
    sources = [images[i] for i in rows] if isinstance(images, list) else images[rows]
    mixed = raw.mixed and not (resize and crop)
    after: Any = [] if mixed else transform(sources, resize, crop, raw.grey, raw.white)
    height, width = (0, 0) if mixed else after.shape[1:3]
    return {
        "train": len(raw.train_labels),
        "test": len(raw.test_labels),
        "class_names": list(raw.class_names),
        "account": []
        if config.dataset in DATASETS
        else raw.account(config.dataset).lines()[1:],  # the first has the sizes
        "channels": 1 if raw.grey else 3,
        "height": height,
        "width": width,
        "size_before": list(before[0].size),
        "shown": [raw.class_names[k] for k in range(len(rows))],
        "before": [_png(picture) for picture in before],
        "after": [_png(Image.fromarray(image.squeeze())) for image in after],
    }


def measure(parameters: dict[str, Any]) -> dict[str, Any]:
    """Images a second of a training, from a second of it on made-up images; its parameters and dimensions."""
    from mtm.train_loop.cost import measure_speed

    height, width, channels = parameters["shape"]
    return asdict(
        measure_speed(TrainConfig(**parameters["config"]), (height, width, channels), parameters["n_classes"])
    )


def list_gpus() -> list[dict[str, Any]]:
    """The GPUs that torch can use, with their free and total memory in bytes."""
    import torch

    if torch.cuda.is_available():
        gpus = []
        for i in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(i)
            gpus.append({"name": f"cuda:{i}", "title": torch.cuda.get_device_name(i), "free": free, "total": total})
        return gpus
    return [{"name": "mps", "title": "Apple GPU"}] if torch.backends.mps.is_available() else []


def _picture(image: Array | Path, raw: Raw) -> Image.Image:
    """An image as stored, grey or in colour."""
    return read_picture(image, raw.grey, raw.white) if isinstance(image, Path) else Image.fromarray(image)


def _png(picture: Image.Image) -> str:
    """An image as a data URL."""
    picture.thumbnail((LARGEST, LARGEST))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def main() -> None:
    if sys.argv[1:] == ["devices"]:
        print(json.dumps(list_gpus()))
        return
    if hasattr(os, "nice"):
        os.nice(5)  # the server and the trainings go first
    answers, sys.stdout = sys.stdout, sys.stderr  # so that what a library prints is not read as an answer
    kinds = {"look": describe_images, "speed": measure}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = kinds[request["kind"]](request["parameters"])
        except InputError as error:
            answer = {"problem": str(error)}
        except Exception as error:  # from torch, or a damaged file: one sentence for the page
            answer = {"problem": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
