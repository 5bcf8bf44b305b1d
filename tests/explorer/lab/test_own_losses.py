"""Losses of one's own are read from files, and their errors name the line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lab_scenes import BOX, positions_of, scene

from explorer.lab.landscape import compute_landscape
from explorer.lab.own_losses import OwnLosses
from mtm.errors import InputError
from mtm.losses import Euclidean

GOOD = '''
from dataclasses import dataclass

@dataclass(frozen=True)
class Absolute:
    """The distance itself."""
    weight: float = 2.0

    def __call__(self, e, c, y):
        return self.weight * (e - c[y]).norm(dim=-1)
'''


def test_a_file_s_loss_is_found_drawn_and_read_again_when_it_changes(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    own = OwnLosses([str(path)])
    (own_loss,) = own.all()
    assert (own_loss.name, own_loss.problem) == ("mine:Absolute", "")
    around = scene("e")
    grid = compute_landscape(own_loss.make({"weight": 3.0}), around, BOX, 9)
    np.testing.assert_allclose(
        grid.values.ravel(), 3 * np.linalg.norm(positions_of(grid) - around.c[around.label], axis=1)
    )
    path.write_text(GOOD.replace("Absolute", "Better"))
    assert [loss.name for loss in own.all()] == ["mine:Better"]


@pytest.mark.parametrize(("code", "message"), [
    ("def f(:\n", "mine.py, line 1: invalid syntax"),
    ("x = 1\nimport nowhere_at_all\n", "mine.py, line 2: ModuleNotFoundError"),
    ("x = 1\n", "no loss: a class with __call__"),
    ("import sys\nsys.exit(3)\n", "mine.py, line 2: SystemExit: 3"),
])  # fmt: skip
def test_an_error_in_a_file_names_its_line(tmp_path: Path, code, message):
    (tmp_path / "mine.py").write_text(code)
    (own_loss,) = OwnLosses([str(tmp_path / "mine.py")]).all()
    assert message in own_loss.problem
    with pytest.raises(InputError):
        own_loss.make({})


def test_an_error_in_a_call_names_its_line(tmp_path: Path):
    (tmp_path / "mine.py").write_text(GOOD.replace("self.weight *", "self.wait *"))
    own_loss = OwnLosses([str(tmp_path / "mine.py")]).find("mine:Absolute")
    assert own_loss is not None
    loss = own_loss.make({})
    with pytest.raises(InputError, match=r"mine\.py, line 10: AttributeError: .*wait"):
        compute_landscape(loss, scene("e"), BOX, 9)


def test_a_file_that_is_not_there_and_a_class_of_a_module():
    (gone,) = OwnLosses(["nowhere.py"]).all()
    assert "cannot be read" in gone.problem
    (importable,) = OwnLosses(["mtm.losses:Euclidean"]).all()
    assert importable.cls is Euclidean
    (broken,) = OwnLosses(["mtm.losses:LOSSES"]).all()
    assert "not a class" in broken.problem
