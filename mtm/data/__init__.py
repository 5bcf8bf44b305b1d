"""Data sets: where images come from (`sources`), how they become arrays to train on (`dataset`), which are chosen."""

from __future__ import annotations

from mtm.data.dataset import Dataset, Split, load, thumbnails, transform
from mtm.data.known import DATASETS
from mtm.data.sampling import balanced_sample, stratified_rows

__all__ = ["DATASETS", "Dataset", "Split", "balanced_sample", "load", "stratified_rows", "thumbnails", "transform"]
