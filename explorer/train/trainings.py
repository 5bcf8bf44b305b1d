"""What the Train page shows and does: its form, what would happen, and the trainings that run, wait and are over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from explorer.figures.curves import LINES
from explorer.train import form, log
from explorer.train.devices import Devices
from explorer.train.form import Checked
from explorer.train.preview import Preview, time_in_words
from explorer.train.queue import ACTIVE, RESUMABLE, Job, JobQueue, checked_name, in_turn
from mtm.errors import InputError

ENDED = 12  # jobs that are over and still listed; the others are on the page of runs
Values = dict[str, Any]


class Trainings:
    """What the page can ask for, put together from the jobs, this machine and the outlook."""

    def __init__(self, jobs: JobQueue, machine: Devices, outlook: Preview, data_root: Path) -> None:
        self.jobs, self.machine, self.outlook, self.data_root = jobs, machine, outlook, data_root

    def form(self) -> dict[str, Any]:
        """The form, and the devices that are really here."""
        self.machine.refresh()
        devices = [asdict(device) for device in self.machine.devices()]
        return form.catalogue(self.data_root) | {"devices": devices, "colours": LINES}

    def check(self, values: Values) -> dict[str, Any]:
        """What is wrong beside which field; or the line to type instead, and what would happen."""
        checked = self._checked(values)
        if checked.config is None:
            return {"problems": checked.problems}
        line = form.command_line(form.arguments(checked.config, self.jobs.library.runs_folder))
        outlook = self.outlook.of(checked.config)
        problems = {form.field_of(text, name): text for name, text in outlook.pop("problems").items()}
        if outlook["estimate"]:
            outlook["estimate"]["time"] = time_in_words(outlook["estimate"]["seconds"])
        device = self.machine.device_of(checked.config.device)
        waits = [job.id for job in self.jobs.all() if job.state in ACTIVE and self._device(job) == device]
        return {"problems": problems, "command": line, "device": device, "waits_for": waits[:1], **outlook}

    def start(self, values: Values, name: str) -> dict[str, Any]:
        """Put a training in the queue: its `run`; or the problems, beside their fields."""
        checked = self._checked(values)
        if checked.config is None:
            return {"problems": checked.problems}
        try:
            checked_name(name) if name else None
            self.outlook.interrupt()
            command = form.arguments(checked.config, self.jobs.library.runs_folder, name or None)
            return {"run": self.jobs.add(checked.config, name or None, command)}
        except InputError as error:
            return {"problems": {"name": str(error)}}

    def act(self, action: Callable[[str], None], run_id: str) -> dict[str, Any]:
        """Stop, resume or remove a job; then the jobs as they are."""
        action(run_id)
        return self.jobs_now()

    def jobs_now(self) -> dict[str, Any]:
        """The jobs that are at work, those that wait, in turn, and the latest that are over."""
        self.jobs.advance()
        jobs = self.jobs.all()
        active = sorted((job for job in jobs if job.state in ACTIVE), key=lambda job: job.id)
        over = [job for job in jobs if job.state in ("finished", *RESUMABLE)]
        over.sort(key=lambda job: job.status.heartbeat, reverse=True)
        holders = {self._device(job): job.id for job in active}
        waiting = [self._told(job) | {"waits_for": holders.get(self._device(job))} for job in in_turn(jobs)]
        return {
            "active": [self._told(job) for job in active],
            "waiting": waiting,
            "over": [self._told(job) for job in over[:ENDED]],
            "more": max(0, len(over) - ENDED),
        }

    def rows(self, run_id: str) -> list[dict[str, Any]]:
        """What the small curves need, a row a snapshot: epoch, loss, accuracies, sigma and rho."""
        run = self.jobs.get(run_id).run
        kept = ("snapshot", "epoch", "loss", "accuracy", "cluster_size", "centre_distance")
        return [{name: row.get(name) for name in kept} for row in run.metrics]

    def _checked(self, values: Values) -> Checked:
        return form.check(values, self.data_root, [device.name for device in self.machine.devices()])

    def _device(self, job: Job) -> str:
        return self.machine.device_of(job.wanted_device)

    def _told(self, job: Job) -> dict[str, Any]:
        config, status, folder = job.run.info["config"], job.status, job.run.folder
        shown = ("progress", "images_per_second", "seconds_left", "loss")
        amiss = log.last_amiss(folder) if job.state in (*ACTIVE, "interrupted") else None
        why = amiss.removeprefix("explorer: ") if amiss and job.state == "interrupted" else None
        return {
            "run": job.id,
            "state": job.state,
            **{name: config.get(name) for name in ("backbone", "dim", "head", "epochs")},
            "loss_name": config.get("loss"),
            "dataset": Path(str(config.get("dataset"))).stem,
            "device": self._device(job),
            **{name: getattr(status, name) for name in shown},
            "error": status.error or why,
            "epoch": job.epoch,
            "snapshots": _count(folder / "snapshots"),
            "has_log": (folder / log.LOG).exists(),
            "warning": amiss if job.state in ACTIVE else None,
        }


def _count(folder: Path) -> int:
    """The snapshots in a folder; one appears there whole or not at all."""
    try:
        return sum(path.suffix == ".safetensors" and not path.name.startswith(".") for path in folder.iterdir())
    except OSError:
        return 0
