"""Losses of the user's own, from a Python file or `module:Class` named on the command line.

A file is read again when it has changed. An error in it becomes one sentence with its line, shown beside the loss
concerned; the other losses stay usable. Nothing here ever runs code that came from a browser.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from explorer.web.cache import Cache
from mtm.errors import InputError
from mtm.losses import Loss, hyperparameters_of, loss_class

if TYPE_CHECKING:
    from torch import Tensor

CACHED = 100  # files in memory


@dataclass(frozen=True)
class OwnLoss:
    """A loss of the user's own, or why there is none."""

    name: str  # module:Class, as `mtm train --loss` takes it from the file's folder; the file's name if it is broken
    source: str  # as named on the command line
    cls: type | None
    problem: str = ""

    def make(self, params: Mapping[str, float]) -> Loss:
        """The loss with these hyperparameters. Raises InputError, with the line, if its code fails."""
        if self.cls is None:
            raise InputError(self.problem)
        hyperparameters = hyperparameters_of(self.cls)
        for name in params:
            if name not in hyperparameters:
                raise InputError(f"loss '{self.name}' has no hyperparameter '{name}'")
        try:
            loss = self.cls(**params)
        except Exception as error:
            raise InputError(message_of(error, self.source)) from error
        return _Located(loss, self.source)


class OwnLosses:
    """The losses of the files and classes in `sources`; empty without any."""

    def __init__(self, sources: Sequence[str] = ()) -> None:
        self.sources = tuple(sources)
        self._files = Cache(CACHED)

    def all(self) -> list[OwnLoss]:
        """All losses as the files are now, in the order of the command line."""
        return [loss for source in self.sources for loss in self._from_source(source)]

    def find(self, name: str) -> OwnLoss | None:
        """The loss of this name, None if there is none."""
        return next((loss for loss in self.all() if loss.name == name), None)

    def _from_source(self, source: str) -> list[OwnLoss]:
        path = Path(source)
        if path.suffix != ".py":
            return [_from_module(source)]
        try:
            stat = path.stat()
            return self._files.get((path, stat.st_mtime_ns, stat.st_size), lambda: _from_file(path))
        except OSError as error:
            return [OwnLoss(path.name, source, None, f"{source} cannot be read: {error.strerror}")]


def message_of(error: BaseException, source: str) -> str:
    """What went wrong as one sentence, with the last line of the user's own file that led there."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}: {error.msg}"
    own = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == _file_name(source)
    ]
    where = f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else source
    lines = str(error).strip().splitlines() or [""]
    return f"{where}: {type(error).__name__}: {lines[0]}".rstrip(": ")


class _Located:
    """A loss whose exceptions say in which line they arose."""

    def __init__(self, loss: Callable[[Any, Any, Any], Any], source: str) -> None:
        self.loss, self.source, self.cls = loss, source, type(loss)

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        try:
            return self.loss(e, c, y)
        except Exception as error:
            raise InputError(message_of(error, self.source)) from error


def _from_file(path: Path) -> list[OwnLoss]:
    """The classes in the file that can be called, or the one reason why there are none."""
    module = ModuleType(f"own_losses_{hashlib.blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look up their module there
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except OSError:
        raise
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        return [OwnLoss(path.name, str(path), None, message_of(error, str(path)))]
    losses = [
        OwnLoss(f"{path.stem}:{name}", str(path), member)
        for name, member in vars(module).items()
        if isinstance(member, type)
        and member.__module__ == module.__name__
        and not name.startswith("_")
        and _is_callable(member)
    ]
    problem = f"{path.name} has no loss: a class with __call__(self, e, c, y) -> (B,)"
    return losses or [OwnLoss(path.name, str(path), None, problem)]


def _from_module(source: str) -> OwnLoss:
    try:
        cls = loss_class(source)
    except InputError as error:
        cause = error.__cause__
        return OwnLoss(source, source, None, message_of(cause, source) if cause is not None else str(error))
    if not _is_callable(cls):
        return OwnLoss(source, source, None, f"{source} cannot be called; it needs __call__(self, e, c, y) -> (B,)")
    return OwnLoss(source, source, cls)


def _is_callable(cls: type) -> bool:
    return any("__call__" in base.__dict__ for base in cls.__mro__)


def _file_name(source: str) -> str:
    """`my_losses.py` for that file and for `package.my_losses:Class`."""
    path = Path(source)
    return path.name if path.suffix == ".py" else source.partition(":")[0].rpartition(".")[2] + ".py"
