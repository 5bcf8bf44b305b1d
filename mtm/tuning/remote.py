"""One training on a Ray cluster: its run folder, on a path that all see, is filled there and watched from here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import ray

from mtm.run_folder.status import Status
from mtm.runs import Run
from mtm.train_loop.recorder import record_training
from mtm.tuning.search import Resources, resolve_resources, started_ray

LOOK_SECONDS = 0.5


def train_remotely(run: Run, resources: Resources, on_status: Callable[[Status], None]) -> str:
    """Train the config of `run` on the cluster; the state it ends in. Ctrl-C asks it to stop and waits for that.

    Raises InputError where there is no such cluster, and what the training raised, as Ray passes it on.
    """
    assert run.config is not None
    with started_ray(resources.address):
        resources = resolve_resources(resources, run.config)
        work = ray.remote(num_cpus=resources.cpus, num_gpus=resources.gpus or 0, max_retries=0)(_work)
        task = work.remote(str(run.folder.absolute()), tuple(sys.path))
        while True:
            try:
                if ray.wait([task], timeout=LOOK_SECONDS)[0]:
                    return str(ray.get(task))
                on_status(run.status)
            except KeyboardInterrupt:
                if run.status.state == "queued":  # it waits for a place
                    ray.cancel(task)
                    run.finish("stopped")
                    return "stopped"
                run.request_stop()


def _work(folder: str, modules: Sequence[str]) -> str:
    sys.path.extend(module for module in modules if module not in sys.path)
    return record_training(Run.open(Path(folder)))
