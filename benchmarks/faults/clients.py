"""Every address that is read, with values that it has to answer; and many clients who read them at once."""

from __future__ import annotations

import http.client
import statistics
import tempfile
import threading
import time
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

from faults.commands import check
from faults.server import PAGES, Server

CLIENTS = 50
RUN = "demo/fashion-cosine"
PICTURE = {"run": RUN, "view": "pca"}
REGIONS = PICTURE | {"classifier": "cos", "mode": "fitted"}
# Each GET under /api/ by what it has to be asked with; an address that is missing here makes the bench fail.
READS: dict[str, dict[str, Any]] = {
    "/api/attributes": {"run": RUN},
    "/api/certainty": {"run": RUN, "snapshot": 2},
    "/api/compare": {"run": RUN, "with": "demo/fashion-euclidean"},
    "/api/events": {"run": RUN},
    "/api/export/progress": {},
    "/api/frames": PICTURE,
    "/api/image": PICTURE | {"row": 0, "snapshot": 1},
    "/api/jobs": {},
    "/api/jobs/log": {"run": "good"},
    "/api/jobs/rows": {"run": "good"},
    "/api/jobs/settings": {"run": "good"},
    "/api/lab": {},
    "/api/lab/run": {"run": RUN},
    "/api/news": {"run": RUN},
    "/api/progress": PICTURE,
    "/api/regions": REGIONS,
    "/api/report": {},
    "/api/report/figures/<name>": {},
    "/api/search": {"name": "none"},
    "/api/searches": {},
    "/api/selections": {"run": RUN},
    "/api/sprite": {"run": RUN},
    "/api/thumbnail": {"run": RUN},
    "/api/train": {},
    "/api/train/preset": {"dataset": "mnist", "backbone": "resnet18", "loss": "euclidean"},
    "/api/trust": REGIONS,
}
MISSING = {"/api/search": 404, "/api/jobs/log": 404}  # by what they may say where there is nothing
NOT_READ = {"/api/export"}  # it takes the only place for exports


@cache
def routes() -> list[tuple[str, str]]:
    """Every address of ours and its method, as the app knows them."""
    from explorer.app import create_app

    with tempfile.TemporaryDirectory() as name:
        app = create_app(Path(name) / "runs", Path(name) / "demo", Path(name) / "cache").server
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    return sorted((rule.rule, "POST" if "POST" in (rule.methods or ()) else "GET") for rule in rules)


def addresses() -> list[str]:
    """Every address that is read, as a request has it. Raises Failure for one that nobody has said values for."""
    read = [rule for rule, method in routes() if method == "GET" and rule not in NOT_READ]
    unknown = [rule for rule in read if rule not in READS]
    check(not unknown, f"say in faults/clients.py what {unknown} have to be asked with")
    named = [rule.replace("<name>", "plotly.min.js") for rule in read]
    asked = [f"{path}?{urlencode(READS[rule])}" for path, rule in zip(named, read, strict=True)]
    return [*asked, *PAGES[:-1], "/_dash-layout", "/_dash-dependencies", "/assets/common/dom.mjs"]


class Crowd:
    """What many clients asked, and what they got."""

    def __init__(self, server: Server, seconds: float) -> None:
        self.server, self.end = server, time.monotonic() + seconds
        self.addresses = addresses()
        self.seconds: dict[str, list[float]] = {address: [] for address in self.addresses}
        self.errors: Counter[str] = Counter()

    def read(self, chance: Random) -> None:
        """One client: asks for one address after the other on one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        while time.monotonic() < self.end:
            address = chance.choice(self.addresses)
            began = time.monotonic()
            try:
                connection.request("GET", address)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                self.errors[f"{address.split('?')[0]}: {type(error).__name__} {error}"] += 1
                connection.close()
                continue
            self.seconds[address].append(time.monotonic() - began)
            if response.status not in (200, MISSING.get(address.split("?")[0])):
                self.errors[f"{address.split('?')[0]} is {response.status}"] += 1
        connection.close()


def many_clients(server: Server, seconds: float, seed: str) -> str:
    """Fifty clients read everything for a while: no error; how many requests a second, and how long they take."""
    crowd = Crowd(server, seconds)
    began = time.monotonic()
    clients = [threading.Thread(target=crowd.read, args=(Random(f"{seed}/{k}"),)) for k in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    lasted = time.monotonic() - began
    check(not crowd.errors, "; ".join(f"{count} x {error}" for error, count in crowd.errors.most_common(5)))
    server.check_alive()
    taken = sorted(seconds for times in crowd.seconds.values() for seconds in times)
    cuts = statistics.quantiles(taken, n=20)
    slowest = max(crowd.seconds, key=lambda address: statistics.mean(crowd.seconds[address] or [0]))
    return (
        f"{CLIENTS} clients, {lasted:.0f} s, {len(taken):,} requests to {len(crowd.addresses)} addresses: "
        f"{len(taken) / lasted:.0f} a second, median {cuts[9] * 1e3:.0f} ms, p95 {cuts[18] * 1e3:.0f} ms, "
        f"longest {taken[-1]:.2f} s; slowest on average {slowest.split('?')[0]}"
    )
