"""The explorer as a process, and the questions that it has to answer whatever is in its folder of runs."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import psutil

from faults.commands import TRACEBACK, check, until

PAGES = ("/", "/runs", "/compare", "/train", "/tune", "/lab", "/results", "/no-such-page")
LISTS = ("/api/jobs", "/api/searches", "/api/lab", "/api/train")
OF_A_RUN = (
    "frames?view=pca",
    "attributes?",
    "regions?view=pca&classifier=euc&mode=fitted",
    "trust?view=pca&classifier=euc&mode=fitted",
    "news?",
    "sprite?",
    "events?",
    "certainty?snapshot=1",
    "image?row=0&snapshot=1&view=pca",
    "thumbnail?",
    "jobs/rows?",
    "jobs/log?",
    "jobs/settings?",
    "lab/run?",
    "selections?",
    f"compare?with={quote('demo/fashion-cosine')}",
)
MEMORY = 3 * 2**30  # bytes that the server may take


class Answer(NamedTuple):
    """What came back, and after how long."""

    status: int
    body: bytes
    seconds: float
    kind: str  # its Content-Type


class Server:
    """`explorer` at work over a folder of runs of its own."""

    def __init__(self, folder: Path, patience: float, latest: float) -> None:
        self.folder, self.patience = folder, patience
        self.latest = latest  # seconds until a whole request has its answer, whatever else there is
        self.runs, self.log = folder / "runs", folder / "server.txt"
        self.cache = folder / "cache"
        self.runs.mkdir(parents=True)
        self.process: psutil.Popen | None = None
        self.port = 0

    def begin(self) -> None:
        command = [sys.executable, "-m", "explorer", "--no-browser", "--port", "8600", "--runs", str(self.runs)]
        environment = os.environ | {"XDG_CACHE_HOME": str(self.cache), "PYTHONUNBUFFERED": "1"}
        with self.log.open("wb") as log:
            self.process = psutil.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=self.folder)
        check(until(lambda: b"http://" in self.log.read_bytes(), 3 * self.patience), "the server does not start")
        self.port = int(self.log.read_text().split("http://127.0.0.1:")[1].split()[0].rstrip("/"))
        check(until(lambda: self.get("/").status == 200, self.patience), "the server does not answer")

    def close(self) -> None:
        if self.process is not None:
            with contextlib.suppress(psutil.Error):  # some may have ended
                for child in self.process.children(recursive=True):
                    child.kill()
            with contextlib.suppress(psutil.Error):
                self.process.kill()
            self.process.wait()

    def end_alone(self) -> None:
        """Kill the server; what it has started may go on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask("GET", path, None, headers or {})

    def post(self, path: str, body: Any) -> Answer:
        return self.ask("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """One request on a connection of its own."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            content = response.read()
        except TimeoutError:
            check(False, f"{method} {path[:200]} had no answer within {self.patience:g} s")
            raise
        finally:
            connection.close()
        kind = response.headers.get("Content-Type", "")
        return Answer(response.status, content, time.monotonic() - began, kind)

    def page(self, path: str, search: str = "") -> Answer:
        """What the browser asks for when it shows a page."""
        names = [("shell-page", "children"), ("shell-links", "children")]
        url = {"id": "shell-url", "property": "pathname", "value": path}
        return self.post(
            "/_dash-update-component",
            {
                "output": f"..{'...'.join(f'{name}.{part}' for name, part in names)}..",
                "outputs": [{"id": name, "property": part} for name, part in names],
                "inputs": [url],
                "state": [{"id": "shell-url", "property": "search", "value": search}],
                "changedPropIds": ["shell-url.pathname"],
            },
        )

    def check_alive(self) -> None:
        """The process is there, said nothing of a defect, and has not taken too much memory."""
        assert self.process is not None
        check(self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE, "the server has ended")
        said = self.log.read_text(encoding="utf-8", errors="replace")
        self.log.write_bytes(b"")
        check(TRACEBACK not in said, f"the server printed a traceback: ...{said[-1500:]}")
        memory = self.process.memory_info().rss
        check(memory < MEMORY, f"the server has taken {memory / 2**20:,.0f} MB")

    def check_reads(self, good: str) -> None:
        """Every list and page answers, and the good run is in them."""
        for path in LISTS:
            answer = self.get(path)
            check(answer.status == 200, f"{path} is {answer.status}: {answer.body[:300]!r}")
        jobs = json.loads(self.get("/api/jobs").body)
        ids = [job["run"] for kind in ("active", "waiting", "over") for job in jobs[kind]]
        check(good in ids, f"/api/jobs does not know the good run: {ids}")
        for path in PAGES:
            answer = self.page(path)
            check(answer.status == 200, f"the page {path} is {answer.status}: {answer.body[:300]!r}")
        answer = self.get(f"/api/frames?run={good}&view=pca")
        check(answer.status == 200, f"the good run's picture is {answer.status}: {answer.body[:300]!r}")
        self.check_alive()

    def check_asks_of(self, name: str) -> None:
        """Whatever is asked of a run, the answer is one or a sentence; never a defect."""
        run = quote(os.fsencode(name))
        for path in OF_A_RUN:
            answer = self.get(f"/api/{path}&run={run}")
            check_answer(f"/api/{path} of the damaged run", answer)
        for path in ("/", "/compare", "/lab"):
            answer = self.page(path, f"?run={run}")
            check(answer.status == 200, f"the page {path} of the damaged run is {answer.status}: {answer.body[:300]!r}")
        self.check_alive()

    def check_queue(self, whole: Path) -> None:
        """The thread that begins trainings is alive: what waits is trained."""
        name = "waits"
        run = self.runs / name
        shutil.copytree(whole, run, ignore=shutil.ignore_patterns("snapshots", "checkpoint", "*.jsonl", "points*"))
        status = {"state": "queued", "heartbeat": time.time(), "host": socket.gethostname(), "pid": 1}
        (run / "status.json").write_text(json.dumps(status))
        state = lambda: json.loads((run / "status.json").read_text())["state"]  # noqa: E731
        ended = until(lambda: state() in ("finished", "failed"), 3 * self.patience, 0.1)
        log = (run / "log.txt").read_text(errors="replace")[-500:] if (run / "log.txt").exists() else "nothing began"
        check(ended and state() == "finished", f"what waits in the queue is {state()}: {log}")
        time.sleep(0.5)  # the process ends
        shutil.rmtree(run)


def check_answer(what: str, answer: Answer) -> None:
    """An answer, or a refusal in one sentence."""
    check(answer.status < 500, f"{what} is {answer.status}: {answer.body[:400]!r}")
    if answer.status >= 400 and "json" in answer.kind:
        sentence = json.loads(answer.body).get("error", "")
        check(
            sentence and TRACEBACK not in sentence, f"{what} is {answer.status} without a sentence: {sentence[:300]!r}"
        )


def address(path: str, **values: Any) -> str:
    return f"{path}?{urlencode(values)}"
