"""Claim: nothing recorded is lost, and one bad thing spoils nothing else, whatever happens around the program.

Faults are drawn by kind: trainings that are killed, stopped, halted and run out of disk; run folders with any file
damaged; files that nobody should import; strangers, half requests and wrong values at the server; fifty clients.
What has to hold is said in each module of `faults/`. Everything is on this machine, in a temporary folder, bounded in
time and memory. Every fault has a seed of its own: a failure is repeated by the command printed with it (a signal's
moment is a time, so such a one may need a few tries). Ends with 1 if anything failed.

    python benchmarks/torture.py --seed 3 --faults 500
    python benchmarks/torture.py --seed 3 --only damage --fault 17
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from faults import damages, images, imports, options, restarts, strangers, trainings
from faults.clients import many_clients
from faults.commands import Commands, Failure
from faults.damages import GOOD, remove
from faults.server import Server

QUEUE_EVERY = 60  # faults of the server, after which a training has to begin by itself


class Kind(NamedTuple):
    """One kind of fault."""

    share: int  # of the faults, beside the other kinds' shares
    suffer: Callable[[Bench, Random, Path], str]  # raises Failure, or says what was done
    needs_server: bool
    meaning: str


class Bench:
    """What faults need: commands, undisturbed trainings, a server. Made when first asked for."""

    def __init__(self, folder: Path, patience: float, latest: float) -> None:
        self.folder, self.patience, self.latest = folder, patience, latest
        self.commands = Commands(folder, patience)
        self.trainings = trainings.Trainings(self.commands)
        self._server: Server | None = None

    @property
    def server(self) -> Server:
        """The server over a folder with one good run. A new one where the last has ended."""
        if self._server is None:
            self._server = Server(self.folder / f"server-{time.monotonic_ns()}", self.patience, self.latest)
            shutil.copytree(self.whole, self._server.runs / GOOD)
            (self._server.runs / GOOD / "log.txt").write_text("a log\n")
            self._server.begin()
        return self._server

    @property
    def whole(self) -> Path:
        return self.trainings.undisturbed(0)[0]

    def renew_server(self) -> None:
        """After a failure: what comes then is not judged by what it left."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def close(self) -> None:
        self.commands.close()
        self.renew_server()


def on_training(suffer: Callable[[trainings.Trainings, Random, Path], str]) -> Any:
    return lambda bench, chance, folder: suffer(bench.trainings, chance, folder)


def on_server(suffer: Callable[[Server, Random, Path], str]) -> Any:
    return lambda bench, chance, folder: suffer(bench.server, chance, folder)


def on_import(suffer: Callable[[Commands, Path, Random, Path], str]) -> Any:
    return lambda bench, chance, folder: suffer(bench.commands, bench.whole, chance, folder / "import")


def on_both(suffer: Callable[[Server, trainings.Trainings, Random, Path], str]) -> Any:
    return lambda bench, chance, folder: suffer(bench.server, bench.trainings, chance, folder)


def on_damage(bench: Bench, chance: Random, folder: Path) -> str:
    return damages.damaged_run(bench.commands, bench.server, bench.whole, chance)


KINDS: dict[str, Kind] = {
    "signal": Kind(18, on_training(trainings.signals), False, "training killed, stopped, halted, and resumed"),
    "disk": Kind(8, on_training(trainings.full_disk), False, "disk full while training"),
    "deleted": Kind(3, on_training(trainings.taken_away), False, "folder of a training deleted or renamed"),
    "others": Kind(4, on_training(trainings.two_at_once), False, "others at a run that trains"),
    "damage": Kind(32, on_damage, True, "run folder damaged, beside a good one"),
    "import": Kind(15, on_import(imports.hostile_import), False, "hostile file imported"),
    "whole": Kind(4, on_import(imports.whole_import), False, "whole file imported: the right answer"),
    "options": Kind(8, on_import(options.odd_options), False, "command with values that nobody means"),
    "images": Kind(3, on_import(images.odd_images), False, "odd files among one's own images"),
    "pictures": Kind(2, on_import(images.whole_images), False, "own images of any mode: the left half stays brighter"),
    "restart": Kind(1, on_both(restarts.killed_server), True, "server killed while what it began trains"),
    "cache": Kind(1, on_both(restarts.damaged_cache), True, "what the server kept damaged"),
    "search": Kind(3, on_both(restarts.damaged_search), True, "record of a search damaged"),
    "values": Kind(8, on_server(strangers.wrong_values), True, "request with wrong values"),
    "malformed": Kind(4, on_server(strangers.malformed), True, "malformed request"),
    "half-sent": Kind(1, on_server(strangers.half_sent), True, "hundreds of half-sent requests"),
    "body": Kind(1, on_server(strangers.large_body), True, "body of up to 100 MB"),
    "foreign": Kind(2, on_server(strangers.foreign_page), True, "page of another site"),
}


def draw(seed: int, n: int, kinds: list[str]) -> list[tuple[str, int]]:
    """The faults: each a kind and its number within the kind; first every kind once."""
    chance = Random(seed)
    more = chance.choices(kinds, [KINDS[kind].share for kind in kinds], k=n)
    names = [*chance.sample(kinds, len(kinds)), *more][:n]
    seen: Counter[str] = Counter()
    faults = []
    for name in names:
        faults.append((name, seen[name]))
        seen[name] += 1
    return faults


def suffer(bench: Bench, seed: int, kind: str, number: int) -> str | None:
    """One fault; what failed, None if it held."""
    folder = bench.folder / "fault"
    folder.mkdir()
    try:
        said = KINDS[kind].suffer(bench, Random(f"{seed}/{kind}/{number}"), folder)
        if VERBOSE:
            print(f"held: {kind} {number}: {said}", flush=True)
    except Exception as error:  # the bench's own defects count as failures too
        bench.commands.close()
        if KINDS[kind].needs_server:
            bench.renew_server()
        return str(error) if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
    finally:
        remove(folder)
    return None


def torture(bench: Bench, given: argparse.Namespace) -> bool:
    """All faults, then the clients; prints the table; whether everything held."""
    kinds = list(KINDS) if given.only is None else [given.only]
    faults = draw(given.seed, given.faults, kinds)
    if given.fault is not None:
        faults = [(given.only, given.fault)]
    tried, held, failures = Counter[str](), Counter[str](), []
    end = time.monotonic() + (given.seconds or float("inf"))
    at_server = 0
    for kind, number in faults:
        if time.monotonic() > end:
            break
        failed = suffer(bench, given.seed, kind, number)
        at_server += KINDS[kind].needs_server
        if failed is None and KINDS[kind].needs_server and at_server % QUEUE_EVERY == 0:
            failed = queue_failure(bench)
        tried[kind] += 1
        held[kind] += failed is None
        if failed is not None:
            repeat = f"python benchmarks/torture.py --seed {given.seed} --only {kind} --fault {number}"
            failures.append(f"{failed}\n    {repeat}")
            print(f"FAILED: {failures[-1]}", flush=True)
        elif sum(tried.values()) % 50 == 0:
            print(f"{sum(tried.values())} tried, {sum(held.values())} held", flush=True)
    crowd = ""
    if given.clients and given.only is None:
        tried["clients"] += 1
        try:
            crowd = many_clients(bench.server, given.clients, str(given.seed))
            held["clients"] += 1
        except Exception as error:
            failures.append(f"clients: {error}")
    print_table(tried, held, failures, crowd, given)
    return not failures


def queue_failure(bench: Bench) -> str | None:
    try:
        bench.server.check_queue(bench.whole)
    except Exception as error:
        bench.renew_server()
        return f"after damages: {error}"
    return None


def print_table(
    tried: Counter[str], held: Counter[str], failures: list[str], crowd: str, given: argparse.Namespace
) -> None:
    print(f"\n## torture.py, seed {given.seed}\n\n| kind | tried | held |\n| --- | --- | --- |")
    for kind in [*KINDS, "clients"]:
        if tried[kind]:
            meaning = KINDS[kind].meaning if kind in KINDS else "fifty clients read every address"
            print(f"| {kind}: {meaning} | {tried[kind]:,} | {held[kind]:,} |")
    print(f"| all | {sum(tried.values()):,} | {sum(held.values()):,} |")
    print(f"\n{crowd}" if crowd else "")
    for failure in failures:
        print(f"FAILED: {failure[:200]}...\n{failure.splitlines()[-1]}" if len(failure) > 300 else f"FAILED: {failure}")


def options_given() -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seed", type=int, default=0, help="what is drawn (%(default)s)")
    made.add_argument("--faults", type=int, default=500, help="how many (%(default)s)")
    made.add_argument("--only", choices=list(KINDS), help="faults of one kind")
    made.add_argument("--fault", type=int, help="with --only: this one alone")
    made.add_argument("--seconds", type=float, help="begin no fault after so many")
    made.add_argument("--clients", type=float, default=10.0, help="seconds of fifty clients; 0 for none (%(default)s)")
    made.add_argument("--patience", type=float, default=60.0, help="seconds until something hangs (%(default)s)")
    made.add_argument("--latest", type=float, default=1.0, help="seconds a whole request may take (%(default)s)")
    made.add_argument("--verbose", action="store_true", help="say what was done and held, too")
    given = made.parse_args()
    if given.fault is not None and given.only is None:
        made.error("--fault needs --only: each kind counts its own")
    return given


def main() -> int:
    given = options_given()
    globals()["VERBOSE"] = given.verbose
    os.environ |= {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, lambda *_: sys.exit(130))  # clean up
    with tempfile.TemporaryDirectory(prefix="torture-", ignore_cleanup_errors=True) as name:
        bench = Bench(Path(name).resolve(), given.patience, given.latest)
        try:
            return 0 if torture(bench, given) else 1
        except KeyboardInterrupt:
            return 130
        finally:
            bench.close()


VERBOSE = False

if __name__ == "__main__":
    sys.exit(main())
