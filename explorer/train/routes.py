"""What the Train page fetches and asks for: its form, a preview of what would happen, and the queue.

Whatever changes something is a POST; a run is only ever named by an id that the library lists.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Flask

from explorer.train import form, log, presets
from explorer.train.devices import Devices
from explorer.train.preview import Preview
from explorer.train.queue import Job, JobQueue
from explorer.train.trainings import Trainings, Values
from explorer.web.http import Answer, Arguments, add_route
from mtm.errors import InputError

LONGEST_TEXT = 500  # characters of a value that is typed into a field
MOST_VALUES = 100


def register(server: Flask, queue: JobQueue, devices: Devices, preview: Preview, data_root: Path) -> None:
    """Add the routes to the app's server."""
    trainings = Trainings(queue, devices, preview, data_root)

    def job(arguments: Arguments) -> Job:
        return queue.get(arguments.text("run"))

    def preset(arguments: Arguments) -> Answer:
        """dataset backbone loss: the values of that row of the paper's tables."""
        return presets.paper_preset(*(arguments.text(name) for name in ("dataset", "backbone", "loss")))

    def start(arguments: Arguments) -> Answer:
        """values [name]: put a training in the queue."""
        return trainings.start(_values(arguments), arguments.optional_text("name") or "")

    def add_action(name: str, act: Callable[[str], None]) -> None:
        add_route(server, f"/api/jobs/{name}", lambda args: trainings.act(act, args.text("run")), "POST")

    add_route(server, "/api/train", lambda arguments: trainings.form())
    add_route(server, "/api/train/preset", preset)
    add_route(server, "/api/train/check", lambda arguments: trainings.check(_values(arguments)), "POST")
    add_route(server, "/api/train/start", start, "POST")
    add_route(server, "/api/jobs", lambda arguments: trainings.list_jobs())
    add_route(server, "/api/jobs/rows", lambda arguments: trainings.rows(arguments.text("run")))
    add_route(server, "/api/jobs/log", lambda arguments: log.read(job(arguments).run.folder))
    add_route(server, "/api/jobs/settings", lambda arguments: form.from_run(job(arguments).run.info["config"]))
    add_action("stop", queue.stop)
    add_action("resume", queue.resume)
    add_action("remove", queue.remove)


def _values(arguments: Arguments) -> Values:
    """The form's values, by field. Raises InputError for what no form would send."""
    values = arguments.values.get("values")
    if not isinstance(values, dict) or len(values) > MOST_VALUES:
        raise InputError("the request lacks 'values', the form's")
    if not all(isinstance(v, str | int | float | None) and len(str(v)) <= LONGEST_TEXT for v in values.values()):
        raise InputError("a value of the form is text or a number")
    return values
