"""The search itself: Ray Tune with HyperOpt, ASHA and the plateau stopper over `mtm.tuning.trial`.

Nothing of Ray's own state is kept. A search that goes on begins with its old trials, which report what they had
measured instead of training: so HyperOpt and ASHA have their state again, whatever was killed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from mtm.config import TrainConfig
from mtm.errors import Failed, FolderGone, InputError
from mtm.run_folder.files import remove
from mtm.run_folder.lock import Lock, lock_folder
from mtm.runs import Run
from mtm.tuning.record import Search, Trial, has_plateaued, open_search
from mtm.tuning.space import Choice, Range

os.environ.update(  # read when Ray is imported or begins; no usage statistics are sent, nothing is printed
    RAY_USAGE_STATS_ENABLED="0",
    RAY_CHDIR_TO_TRIAL_DIR="0",
    RAY_AIR_NEW_OUTPUT="0",
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
    TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
    TUNE_PRINT_ALL_TRIAL_ERRORS="0",
)
try:
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.hyperopt import HyperOptSearch
    from ray.tune.stopper import TrialPlateauStopper

    from mtm.tuning.trial import METRIC, run_trial
except ImportError as error:
    raise InputError(f"a search needs Ray Tune and HyperOpt ({error}): pip install 'ray[tune]' hyperopt") from error

RETRIES = 1  # of a trial whose process died; it goes on from its checkpoint
HEARTBEAT_SECONDS = 10.0
CONNECT_SECONDS = 10.0
LONGEST_REASON = 300  # characters


@dataclass(frozen=True)
class Resources:
    """What a search may use. `gpus` of None: one a trial where there are any and the config wants them."""

    cpus: float = 1.0  # a trial
    gpus: float | None = None  # a trial; half a GPU lets two share it
    address: str | None = None  # of a Ray cluster; None starts Ray on this machine
    at_once: int | None = None  # trials; None as many as there is room for
    seconds: float | None = None  # until the search stops; it can be resumed


def run_search(
    search: Search,
    resources: Resources = Resources(),
    on_change: Callable[[Search], None] | None = None,
) -> str:
    """Run the trials that `search` still wants; `finished`, or `stopped` by Ctrl-C or when time was up.

    Trials that are done are not trained again, one that was cut goes on from its checkpoint. `on_change` is called when
    anything has. Raises InputError when another process runs the search, or there is no Ray that could.
    """
    refusal = f"the search '{search.name}' is running already"
    if open_search(search.runs, search.name).status.state == "training":  # on another machine, say
        raise InputError(refusal)
    with lock_folder(search.folder, refusal) as lock:
        search.trials = open_search(search.runs, search.name).trials  # who had the lock may have done some
        if search.is_finished:
            return "finished"
        with started_ray(resources.address), _signals_restored():
            resources = resolve_resources(resources, search.config)
            search.begun = set()
            search.set_status(state="training", error=None)
            try:
                make_tuner(search, resources, on_change or (lambda search: None)).fit()
            except Exception as error:
                if lock.is_in_place():
                    raise Failed(f"the search '{search.name}' failed: {_in_one_line(error)}") from error
            finally:
                _end(search, lock)
    return search.status.state


def _end(search: Search, lock: Lock) -> None:
    """Write how the search ended. Raises FolderGone, and leaves nothing of Ray's, if its folder was taken away."""
    if not lock.is_in_place():
        remove(search.folder / "ray")
        with contextlib.suppress(OSError):
            search.folder.rmdir()
        raise FolderGone(f"the folder {search.folder} was removed, renamed or replaced; nothing more is written there")
    _settle_runs(search)
    search.set_status(state="finished" if search.is_finished else "stopped")


def make_tuner(search: Search, resources: Resources, on_change: Callable[[Search], None]) -> tune.Tuner:
    """Ray's tuner for what is left of `search`, its old trials first."""
    config, runs, name, modules = search.config, str(search.runs), search.name, tuple(sys.path)
    window = config.plateau_epochs
    shutil.rmtree(search.folder / "ray", ignore_errors=True)
    return tune.Tuner(
        tune.with_resources(
            lambda params: run_trial(params, runs, name, modules), {"cpu": resources.cpus, "gpu": resources.gpus or 0}
        ),
        param_space={name: _domain(kind) for name, kind in search.space.items()},
        tune_config=tune.TuneConfig(
            metric=METRIC,
            mode="max",
            num_samples=search.wanted,
            search_alg=HyperOptSearch(
                points_to_evaluate=[trial.params for trial in search.trials] or None,
                random_state_seed=(config.seed + len(search.trials)) % 2**32,  # or it would suggest the same again
            ),
            # the last epoch ends a training by itself, so ASHA need not
            scheduler=ASHAScheduler(time_attr="epoch", max_t=config.epochs, stop_last_trials=False),
            max_concurrent_trials=resources.at_once,
            time_budget_s=resources.seconds,
            reuse_actors=True,
            trial_name_creator=lambda trial: search.begin(trial.config).run,
        ),
        run_config=tune.RunConfig(
            name="ray",
            storage_path=str(search.folder),
            stop=TrialPlateauStopper("accuracy", config.plateau_std, window, window) if window else None,
            callbacks=[_Recorder(search, on_change)],
            failure_config=tune.FailureConfig(max_failures=RETRIES),
            verbose=0,
        ),
    )


@contextlib.contextmanager
def started_ray(address: str | None) -> Iterator[None]:
    """Ray on this machine or the cluster at `address`, left running if it was.

    Raises InputError where there is no such cluster, and Failed where Ray cannot start here.
    """
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    was_running = ray.is_initialized()
    if not was_running:
        if address is not None:
            _check_reachable(address)
        try:
            with _signals_restored(), _quiet():
                ray.init(address=address or "local", include_dashboard=None if address else False,
                         log_to_driver=False, logging_level=logging.CRITICAL)  # fmt: skip
        except (Exception, SystemExit) as error:  # Ray has many for what a system refuses it
            if isinstance(error, SystemExit) and error.code == signal.SIGTERM:  # from Ray's own handler
                raise KeyboardInterrupt from error
            reason = _in_one_line(error)
            if address is None:
                short = "; give it a shorter folder: RAY_TMPDIR=/tmp" if "AF_UNIX" in reason else ""
                raise Failed(f"Ray could not start on this machine: {reason}{short}") from error
            token = "" if "RAY_AUTH_MODE" in os.environ else "; if it asks for a token, set RAY_AUTH_MODE=token"
            raise InputError(f"cannot reach Ray at {address}: {reason}{token}") from error
    try:
        yield
    finally:
        if not was_running:
            ray.shutdown()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Within the block nothing comes to standard error: of a start that fails one line is told, not Ray's pages."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _in_one_line(error: BaseException) -> str:
    """What an error says, without line breaks, tracebacks and colours, and not longer than people read."""
    text = re.sub(r"\x1b\[[\d;]*m", "", str(error)).split("Traceback (most recent")[0]
    text = " ".join(text.split()).removeprefix("validate_socket_filename failed: ").rstrip(".")
    return (text if len(text) <= LONGEST_REASON else text[:LONGEST_REASON] + "...") or type(error).__name__


def _check_reachable(address: str) -> None:
    """Raises InputError where no server answers: Ray itself would try for ten minutes, and print that it does."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdecimal():
        raise InputError(f"ray-address {address}: HOST:PORT is meant, as in 10.0.0.5:6379")
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"cannot reach Ray at {address}: {getattr(error, 'strerror', None) or error}") from error


@contextlib.contextmanager
def _signals_restored() -> Iterator[None]:
    """After the block Ctrl-C and SIGTERM have the handlers from before: Tune and Ray leave theirs behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def resolve_resources(resources: Resources, config: TrainConfig) -> Resources:
    """`resources` with a number for every None; raises InputError where Ray has no room for a single trial."""
    available: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    wants_one = config.device == "auto" or config.device.startswith("cuda")
    gpus = resources.gpus if resources.gpus is not None else float(wants_one and available.get("GPU", 0) > 0)
    room = []
    for kind, needed in (("CPU", resources.cpus), ("GPU", gpus)):
        if needed > available.get(kind, 0):
            raise InputError(
                f"a trial asks for {needed:g} {kind}s and Ray has {available.get(kind, 0):g}; ask for fewer"
            )
        room += [int(available[kind] / needed + 1e-9)] if needed else []
    return replace(resources, gpus=gpus, at_once=resources.at_once or min(room))


def _domain(kind: Range | Choice) -> Any:
    if isinstance(kind, Choice):
        return tune.choice(list(kind.values))
    if kind.whole:
        whole = tune.lograndint if kind.log else tune.randint
        return whole(int(kind.low), int(kind.high) + 1)
    return (tune.loguniform if kind.log else tune.uniform)(kind.low, kind.high)


class _Recorder(tune.Callback):
    """Writes the progress of Ray's trials into the search's record; trials that are done do not change."""

    def __init__(self, search: Search, on_change: Callable[[Search], None]) -> None:
        self.search, self.on_change, self.saved_at = search, on_change, 0.0

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if time.monotonic() - self.saved_at > HEARTBEAT_SECONDS:
            self._changed()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if record := self._open(trial):
            record.state, record.started = "training", record.started or time.time()
            self._changed()

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any) -> None:
        if record := self._open(trial):
            record.accuracies = list(result["accuracies"])
            self._changed()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if record := self._open(trial):
            record.end(*_ending(record, trial.last_result, self.search.config))
            self._changed(ended=True)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if record := self._open(trial):
            record.end("failed", "its process died, twice: killed, or out of memory")
            self._changed(ended=True)

    def _open(self, trial: Any) -> Trial | None:
        record = self.search.of_run(str(trial))
        return None if record.is_done else record

    def _changed(self, ended: bool = False) -> None:
        self.search.set_status(progress=sum(t.is_done for t in self.search.trials) / self.search.wanted)
        if ended:
            self.search.thin()
        self.saved_at = time.monotonic()
        self.on_change(self.search)

    def __getstate__(self) -> dict[str, Any]:
        """Ray pickles its callbacks, for a resumption that we have no use for; a terminal cannot be pickled."""
        return {}


def _ending(trial: Trial, last: dict[str, Any], config: TrainConfig) -> tuple[str, str | None]:
    if last.get("failed"):
        return "failed", last["failed"]
    if last.get("stopped"):
        return "stopped", last["stopped"]
    if len(trial.accuracies) >= config.epochs:
        return "finished", None
    if has_plateaued(trial.accuracies, config):
        return "finished", f"its accuracy hardly varied for {config.plateau_epochs} epochs"
    return "stopped", f"ASHA: among the worse at epoch {len(trial.accuracies)}"


def _settle_runs(search: Search) -> None:
    """Give a run whose worker died before it could write its end the state of its trial."""
    shutil.rmtree(search.folder / "ray", ignore_errors=True)
    for trial in search.trials:
        folder = search.runs / trial.run
        if trial.is_done and (folder / "config.json").exists():
            run = Run.open(folder)
            if run.status.state in ("training", "interrupted", "queued"):
                run.finish(trial.state, trial.reason if trial.state == "failed" else None)
        elif trial.state == "training":
            trial.state = "queued"  # when the search goes on
    search.thin()
