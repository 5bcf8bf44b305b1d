"""What resuming needs: weights, optimiser and position in one safetensors file, written whole or not at all."""

from __future__ import annotations

import errno
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from mtm.errors import InputError
from mtm.model import Model
from mtm.run_folder.files import atomic_path


@dataclass
class Position:
    """Where a training is: the next step of the epoch (0 is the first), and its sums so far."""

    epoch: int = 0
    step: int = 0
    snapshots: int = 0
    is_due: bool = False  # a snapshot of this position is still to be taken
    loss_sum: float = 0.0  # since the last snapshot
    loss_images: int = 0
    seconds: float = 0.0  # of training up to here
    plateau: bool = False
    scores: list[float] = field(default_factory=list)  # best accuracy of each epoch


class Checkpoint:
    """`state.safetensors` while training; `best.safetensors` and `last.safetensors`, weights only, when finished.

    With no folder nothing is kept.
    """

    def __init__(
        self,
        folder: Path | None,
        model: Model,
        optimiser: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
    ) -> None:
        self.folder, self.model, self.optimiser, self.scaler = folder, model, optimiser, scaler
        self.saved_at, self.cost = time.monotonic(), 0.0

    def is_due(self, share: float) -> bool:
        """Whether enough time has passed for a checkpoint to cost no more than `share` of it."""
        return self.folder is not None and time.monotonic() - self.saved_at > max(2.0, self.cost / share)

    def is_finished(self) -> bool:
        return self.folder is not None and (self.folder / "last.safetensors").exists()

    def save(self, position: Position) -> None:
        if self.folder is None:
            return
        began = time.monotonic()
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
        header = {"position": asdict(position), "scaler": self.scaler.state_dict()}
        self._write("state", tensors, {"header": json.dumps(header)})
        self.saved_at = time.monotonic()
        self.cost = self.saved_at - began

    def load(self, start: Position) -> Position:
        """Put back what `save` wrote and return its position; `start` where nothing was written yet.

        Raises InputError for a damaged checkpoint or one of another model.
        """
        path = self.folder / "state.safetensors" if self.folder else None
        if path is None or not path.exists():
            return start
        try:
            with safe_open(path, framework="pt") as file:
                header = json.loads(file.metadata()["header"])
            tensors = load_file(path, device="cpu")
            self.model.load_state_dict(_strip_prefix("model.", tensors))
            state: dict[int, dict[str, Tensor]] = {}
            parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
            for name, value in _strip_prefix("optimiser.", tensors).items():
                index, key = name.split(".", 1)
                state.setdefault(int(index), {})[key] = _in_format_of(parameters[int(index)], value)
            self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": state})
            self.scaler.load_state_dict(header["scaler"])
            return Position(**header["position"])
        except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise InputError(
                f"the checkpoint {path} is damaged or of another model; remove it to train again from the start"
            ) from error

    def keep(self, name: str) -> None:
        """Keep the weights as they are now under `name`."""
        self._write(name, self.model.state_dict(), None)

    def finish(self) -> None:
        """Leave only weights: of the last epoch, beside those of the best."""
        self.keep("last")
        self.remove_state()

    def remove_state(self) -> None:
        """Take away what only resuming needs."""
        if self.folder is not None:
            (self.folder / "state.safetensors").unlink(missing_ok=True)

    def _write(self, name: str, tensors: dict[str, Tensor], metadata: dict[str, str] | None) -> None:
        if self.folder is None:
            return
        contiguous = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        path = self.folder / f"{name}.safetensors"
        with atomic_path(path) as temporary:
            try:
                save_file(contiguous, temporary, metadata=metadata)
            except SafetensorError as error:  # what it makes of a full disk
                raise OSError(errno.EIO, str(error), str(path)) from error


def _in_format_of(parameter: Tensor, value: Tensor) -> Tensor:
    """`value` in the memory format of its parameter: fused optimisers go through both by memory, not by index."""
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value) if value.shape == parameter.shape else value


def _strip_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
