"""A share of `benchmarks/torture.py`, with a fixed seed: every kind of fault at least once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import PATIENCE, ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="pipes, sockets and signals as on Linux and macOS"),
    pytest.mark.timeout(3 * PATIENCE),
]


def test_random_faults_lose_nothing_and_spoil_nothing_else() -> None:
    options = ["--seed", "13", "--faults", "12", "--clients", "2"]
    patient = ["--patience", str(PATIENCE), "--latest", str(PATIENCE)]  # times are the bench's to judge
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "torture.py"), *options, *patient],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    tried, held = (int(cell) for cell in done.stdout.split("| all |")[1].split("\n")[0].strip(" |").split("|"))
    assert tried == held == 13, done.stdout
