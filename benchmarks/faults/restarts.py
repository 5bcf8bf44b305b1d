"""What the server leaves to others: trainings that outlive it, files that it computed before, records of searches.

What has to hold: a server that is killed takes no training with it, and the next one finds all of them; what it kept of
earlier computations may be damaged or gone; the record of a search, damaged, is one bad line.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from random import Random

from faults.commands import check, told, until
from faults.damages import DAMAGES_OF_A_FILE, GOOD, choose_file, remove, replace_by_other
from faults.server import OF_A_RUN, Server
from faults.trainings import Trainings, check_same
from mtm.config import TrainConfig
from mtm.tuning.record import Trial, new_search


def killed_server(server: Server, trainings: Trainings, chance: Random, folder: Path) -> str:
    """The server is killed while what it began still trains; another one finds it; it ends with the same bits."""
    config = chance.choice([0, 2])
    whole, _ = trainings.undisturbed(config)
    name = "outlives"
    values = json.loads((whole / "config.json").read_text(encoding="utf-8"))["config"]
    keys = (
        "train_images",
        "record",
        "dim",
        "batch_size",
        "epochs",
        "device",
        "snapshots_per_epoch",
        "loss",
        "optimiser",
    )
    answer = server.post("/api/train/start", {"values": {key: values[key] for key in keys}, "name": name})
    check(
        answer.status == 200 and b"problems" not in answer.body, f"a training cannot be started: {answer.body[:300]!r}"
    )
    run = server.runs / name
    moment = chance.choice(["at once", "when it is there", "while it trains"])
    if moment == "when it is there":
        until(lambda: (run / "process.json").exists(), server.patience)
    elif moment == "while it trains":
        until(lambda: any((run / "snapshots").glob("0*.safetensors")), server.patience)
    with told(f"killed {moment}"):
        server.end_alone()
        server.begin()
        server.check_reads(GOOD)
        state = lambda: json.loads((run / "status.json").read_text(encoding="utf-8"))["state"]  # noqa: E731
        ended = until(lambda: state() == "finished", 3 * server.patience, 0.1)
        check(ended, f"its training is {state()}: {_log(run)}")
        time.sleep(0.5)  # its process ends
        _without_what_the_queue_keeps(run)
        check_same(run, whole)
    shutil.rmtree(run)
    return f"killed {moment}"


def _log(run: Path) -> str:
    return (run / "log.txt").read_text(errors="replace")[-300:] if (run / "log.txt").exists() else "no log"


def _without_what_the_queue_keeps(run: Path) -> None:
    for name in ("process.json", "log.txt"):
        (run / name).unlink(missing_ok=True)


def damaged_cache(server: Server, trainings: Trainings, chance: Random, folder: Path) -> str:
    """Files that the server computed before are damaged, and another server finds them."""
    for path in OF_A_RUN:
        server.get(f"/api/{path}&run={GOOD}")
    check(until(lambda: _has_layout(server), 5 * server.patience, 0.3), "UMAP never came")
    server.end_alone()
    story = []
    for _ in range(chance.randint(1, 5)):
        file = choose_file(chance, server.cache / "moving-targets")
        if file is not None:
            how = chance.choice(DAMAGES_OF_A_FILE) if file.stat().st_size else replace_by_other
            story.append(f"{file.relative_to(server.cache)} {how(chance, file)}")
    with told("; ".join(story)):
        server.begin()
        server.check_reads(GOOD)
        server.check_asks_of(GOOD)
        server.post("/api/selections/save", {"run": GOOD, "name": "x", "selection": {"kind": "rows", "rows": [1]}})
        check(until(lambda: _has_layout(server), 5 * server.patience, 0.3), "UMAP does not come again")
        server.check_alive()
    shutil.rmtree(server.cache / "moving-targets", ignore_errors=True)
    return "; ".join(story)


def _has_layout(server: Server) -> bool:
    """Whether the picture by UMAP is there; it is asked for."""
    server.post("/api/layout", {"view": "umap", "run": GOOD})
    return server.get(f"/api/frames?view=umap&run={GOOD}").status == 200


def damaged_search(server: Server, trainings: Trainings, chance: Random, folder: Path) -> str:
    """The record of a search is damaged, beside one that is whole."""
    for name in ("whole", "bad"):
        search = new_search(server.runs, TrainConfig(epochs=3, dim=8), 4, name=name)
        search.trials = [Trial(n, f"{GOOD}", {"lr": 0.1 * n}, "finished", accuracies=[0.1 * n, 0.2]) for n in (1, 2, 3)]
        search.set_status(state="finished")
    bad = server.runs / "searches" / "bad"
    story = []
    for _ in range(chance.choice([1, 1, 2])):
        path = bad / "search.json"
        if path.is_file() and not path.is_symlink() and path.stat().st_size:
            story.append(chance.choice(DAMAGES_OF_A_FILE)(chance, path))
    try:
        with told("search.json " + "; ".join(story)):
            listed = [search["name"] for search in json.loads(server.get("/api/searches").body)]
            check("whole" in listed, f"/api/searches does not know the whole search: {listed}")
            for name in ("whole", "bad"):
                answer = server.get(f"/api/search?name={name}")
                check(answer.status == 200 or (name == "bad" and answer.status < 500), f"{name}: {answer.body[:300]!r}")
                answer = server.page("/tune", f"?search={name}")
                check(answer.status == 200, f"the page is {answer.status}: {answer.body[:300]!r}")
            server.check_reads(GOOD)
            trainings.commands.run("mtm", "runs", "--runs", server.runs)
    finally:
        remove(server.runs / "searches")
    return "; ".join(story)
