"""The errors that end a command or a training: refused input, a loss that diverged, a stop by the user."""


class InputError(ValueError):
    """Input that cannot be used; the message is one sentence for the user: what, where, what would be right."""


class NotFoundError(InputError):
    """What the input names is not there (any more): a run, a search, a figure."""


class Failed(RuntimeError):
    """Something that a command began could not be done; the message is one sentence for the user."""


class FolderGone(FileNotFoundError):
    """The folder that is being written was removed, renamed or replaced; nothing more is written there."""


class Diverged(RuntimeError):
    """The training loss became NaN or infinite; the message says at which epoch and what to lower."""


class Stopped(Exception):
    """The training was asked to stop and has written a checkpoint."""


def choose_from(kind: str, name: str, choices: object) -> InputError:
    """The sentence for an unknown name: `unknown loss 'tripelt'; choose from euclidean, ...`."""
    return InputError(f"unknown {kind} '{name}'; choose from {', '.join(map(str, choices))}")  # type: ignore[call-overload]
