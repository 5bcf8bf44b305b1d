"""What the Train page shows and does: its form, the preview, and the trainings that run, wait and are over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from explorer.figures.curves import LINES
from explorer.train import form, log
from explorer.train.devices import Devices
from explorer.train.form import CheckedForm
from explorer.train.preview import Preview, time_in_words
from explorer.train.queue import ACTIVE, RESUMABLE, Job, JobQueue, waiting_jobs
from mtm.errors import InputError
from mtm.run_folder.listing import snapshot_files
from mtm.run_folder.names import check_name

MOST_ENDED = 12  # jobs listed that are over; the others are on the page of runs
Values = dict[str, Any]


class Trainings:
    """Computes the answers of the page from the queue, the devices of this machine and the preview."""

    def __init__(self, queue: JobQueue, devices: Devices, preview: Preview, data_root: Path) -> None:
        self.queue, self.devices, self.preview, self.data_root = queue, devices, preview, data_root

    def form(self) -> dict[str, Any]:
        """The form, and the devices of this machine."""
        devices = [asdict(device) for device in self.devices.all()]
        return form.catalogue(self.data_root) | {"devices": devices, "colours": LINES}

    def check(self, values: Values) -> dict[str, Any]:
        """The problems by field; or the command line of the same training, and its preview."""
        self.devices.refresh()
        checked = self._check_form(values)
        if checked.config is None:
            return {"problems": checked.problems}
        line = form.join_arguments(form.to_arguments(checked.config, self.queue.library.runs_folder))
        preview = self.preview.describe(checked.config)
        problems = {form.field_of(text, name): text for name, text in preview.pop("problems").items()}
        if preview["estimate"]:
            preview["estimate"]["time"] = time_in_words(preview["estimate"]["seconds"])
        device = self.devices.device_of(checked.config.device)
        waits = [job.id for job in self.queue.all() if job.state in ACTIVE and self._device_of(job) == device]
        return {"problems": problems, "command": line, "device": device, "waits_for": waits[:1], **preview}

    def start(self, values: Values, name: str) -> dict[str, Any]:
        """Put a training in the queue: its `run`; or the problems by field."""
        checked = self._check_form(values)
        if checked.config is None:
            return {"problems": checked.problems}
        try:
            named = check_name(name.strip()) if name else None
            self.preview.interrupt()
            command = form.to_arguments(checked.config, self.queue.library.runs_folder, named)
            return {"run": self.queue.add(checked.config, named, command)}
        except InputError as error:
            return {"problems": {"name": str(error)}}

    def act(self, action: Callable[[str], None], run_id: str) -> dict[str, Any]:
        """Stop, resume or remove a job; the lists of jobs afterwards."""
        action(run_id)
        self.queue.advance()
        return self.list_jobs()

    def list_jobs(self) -> dict[str, Any]:
        """The jobs that are at work, those that wait, in their order, and the latest that are over."""
        jobs = self.queue.all()
        active = sorted((job for job in jobs if job.state in ACTIVE), key=lambda job: job.id)
        over = [job for job in jobs if job.state in ("finished", *RESUMABLE)]
        over.sort(key=lambda job: job.status.heartbeat, reverse=True)
        holders = {self._device_of(job): job.id for job in active}
        waiting = [self._describe(job) | {"waits_for": holders.get(self._device_of(job))} for job in waiting_jobs(jobs)]
        return {
            "active": [self._describe(job) for job in active],
            "waiting": waiting,
            "over": [self._describe(job) for job in over[:MOST_ENDED]],
            "more": max(0, len(over) - MOST_ENDED),
        }

    def rows(self, run_id: str) -> list[dict[str, Any]]:
        """The rows of the small curves, one per snapshot: epoch, loss, accuracies, sigma and rho."""
        run = self.queue.get(run_id).run
        columns = ("snapshot", "epoch", "loss", "accuracy", "cluster_size", "centre_distance")
        return [{name: row.get(name) for name in columns} for row in run.metrics]

    def _check_form(self, values: Values) -> CheckedForm:
        return form.check(values, self.data_root, [device.name for device in self.devices.all()])

    def _device_of(self, job: Job) -> str:
        return self.devices.device_of(job.configured_device)

    def _describe(self, job: Job) -> dict[str, Any]:
        config, status, folder = job.run.info["config"], job.status, job.run.folder
        status_fields = ("progress", "images_per_second", "seconds_left", "loss")
        amiss = log.last_problem_line(folder) if job.state in (*ACTIVE, "interrupted") else None
        why = amiss.removeprefix("explorer: ") if amiss and job.state == "interrupted" else None
        return {
            "run": job.id,
            "state": job.state,
            **{name: config.get(name) for name in ("backbone", "dim", "head", "epochs")},
            "loss_name": config.get("loss"),
            "dataset": Path(str(config.get("dataset"))).stem,
            "device": self._device_of(job),
            **{name: getattr(status, name) for name in status_fields},
            "error": status.error or why,
            "epoch": job.epoch,
            "snapshots": _count_snapshots(folder / "snapshots"),
            "has_log": (folder / log.LOG).exists(),
            "warning": amiss if job.state in ACTIVE else None,
        }


def _count_snapshots(folder: Path) -> int:
    """The snapshots in a folder; one appears there whole or not at all."""
    try:
        return len(snapshot_files(folder)[0])
    except OSError:
        return 0
