"""Small runs that several tests project."""

from __future__ import annotations

from pathlib import Path

import pytest
from projected_runs import clusters_run, linear_head_run

from mtm.runs import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return clusters_run(tmp_path / "run")


@pytest.fixture
def pure(tmp_path: Path) -> Run:
    return linear_head_run(tmp_path / "pure")
