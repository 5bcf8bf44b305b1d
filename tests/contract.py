"""What `test_contract.py` stands on: the server and the commands asked from outside, and what is in their answers."""

from __future__ import annotations

import inspect
import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from conftest import small

from explorer.app import create_app
from mtm.losses import LOSSES, describe_loss
from mtm.runs import Run

PAPERS = [name for name in LOSSES if describe_loss(name).equation]  # further losses take nothing from anybody
DEMOS = Path(__file__).parent.parent / "data" / "demo"
Section = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A server over the bundled runs and over those that were made in `folder / "runs"`."""

    folder: Path
    server: Any

    def ask(self, key: str, entry: Section, headers: Any = ()) -> Any:
        """Send a request to the route of `GET /api/frames (2)`. A `?` at its end puts a POST's parts there."""
        method, path = key.partition(" (")[0].split()
        is_in_address = method == "GET" or path.endswith("?")
        how: Section = {"query_string": urlencode(entry)} if is_in_address else {"json": entry}
        return self.server.test_client().open(path.removesuffix("?"), method=method, headers=headers, **how)


def make_world(folder: Path) -> World:
    """Train `mine` with three classes held out; beside it `busy` seems to train, `later` waits, `first` searches.

    As `busy` has the processor, nothing that is asked of the server starts a process.
    """
    runs, rng, labels = folder / "runs", np.random.default_rng(0), np.arange(40) % 10
    options = "--train-images 300 --record 300 --dim 4 --epochs 1 --device cpu --held-out 7,8,9"
    assert command(f"mtm train --runs {runs} --name mine {options} --json")[0] == 0
    Run.create(runs / "busy", small()).log(rng.normal(size=(40, 8)), labels, rng.normal(size=(10, 8)), epoch=0.0)
    Run.create(runs / "later", small())
    np.savez(folder / "own.npz", embeddings=rng.normal(size=(40, 8)), labels=labels)
    trial = {"number": 1, "run": "mine", "params": {"lr": 0.001}, "state": "finished", "accuracies": [0.5]}
    search = {"config": small().model_dump(), "space": {"lr": {"low": 1e-4, "high": 1e-2, "log": True}}, "wanted": 1}
    search |= {"format": 1, "created": 1.0, "keep": 1, "status": {"state": "finished"}, "trials": [trial]}
    (runs / "searches" / "first").mkdir(parents=True)
    (runs / "searches" / "first" / "search.json").write_text(json.dumps(search), encoding="utf-8")
    return World(folder, create_app(runs, DEMOS, folder / "cache", data_root=folder / "data").server)


def command(line: str) -> tuple[int, str]:
    """Run `mtm ...` or `explorer ...` as its entry point does; its exit code and what it printed."""
    argv, path, out = sys.argv, list(sys.path), io.StringIO()
    sys.argv = line.split()
    try:
        with redirect_stdout(out), redirect_stderr(io.StringIO()):
            import_module(f"{sys.argv[0]}.cli").main()
        return 0, out.getvalue()
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    finally:
        sys.argv, sys.path[:] = argv, path


def request_of(entry: str | Section) -> Section:
    """A request as it is written down: `run=mine view=pca`, or the body itself."""
    return dict(part.split("=", 1) for part in entry.split()) if isinstance(entry, str) else entry


def changed(entry: Section, change: str) -> Section:
    """A request with one part left out (`-run`), or set (`at=x`, `release.steps=x`)."""
    first, _, rest = change.partition(".")
    if rest and "=" not in first:
        return entry | {first: changed(entry[first], rest)}
    name, _, value = change.removeprefix("-").partition("=")
    left = {key: part for key, part in entry.items() if key != name}
    return left if change.startswith("-") else left | {name: value}


def names(entry: Section) -> Iterator[str]:
    """The names in a request; those in a dictionary after a dot, but for the fields of a form and numbers of points."""
    for name, value in entry.items():
        yield name
        if isinstance(value, dict) and name not in ("values", "moved_e", "moved_c"):
            yield from (f"{name}.{inner}" for inner in names(value))


def described(response: Any) -> Section:
    """Status and content type; the name to save a file under; the keys, arrays or columns in it."""
    answer: Section = {"status": response.status_code, "type": response.content_type}
    if named := response.headers.get("Content-Disposition"):
        answer["saved as"] = named
    data = response.get_data()
    if response.is_json:
        answer["keys"] = sorted(paths(response.get_json()))
    elif response.mimetype == "text/csv":
        answer["columns"] = data.splitlines()[0].decode()
    elif response.mimetype == "application/octet-stream" and data[:2] == b"PK":
        answer["arrays"] = {
            name: f"{array.dtype.kind} {array.ndim}-d" for name, array in np.load(io.BytesIO(data)).items()
        }
    elif response.mimetype == "application/octet-stream":
        header = json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])
        answer["arrays"] = {
            name: f"{each['dtype']} {len(each['shape'])}-d" for name, each in header.pop("arrays").items()
        }
        answer["keys"] = sorted(paths(header))
    return answer


def paths(value: Any, before: str = "") -> set[str]:
    """The keys in JSON as `a.b[].c`, lists by their first element; of a Plotly figure only that it is one."""
    own = {before} - {""}
    if isinstance(value, dict) and {"data", "layout"} <= set(value):
        return {f"{before} (figure)"}
    if isinstance(value, dict):
        return own.union(*(paths(part, f"{before}.{key}" if before else key) for key, part in value.items()))
    if isinstance(value, list):
        return {f"{before}[]"}.union(*(paths(part, f"{before}[]") for part in value[:1]))
    return own


def properties(tree: Any) -> Iterator[Section]:
    """The properties of all components of a layout, outer ones first."""
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    if isinstance(tree, dict) and "props" in tree:
        yield tree["props"]
    for part in parts:
        yield from properties(part)


def shown_at(world: World, path: str, query: str) -> str:
    """What Dash puts into the page at an address: the answer of the callback that listens to the path."""
    values = {"pathname": path, "search": f"?{query}"}
    listed = world.ask("GET /_dash-dependencies", {}).get_json()
    each = next(each for each in listed if [one["property"] for one in each["inputs"]] == ["pathname"])
    outputs = [one.rsplit(".", 1) for one in each["output"].strip(".").split("...")]
    body = {"output": each["output"], "outputs": [{"id": id, "property": name} for id, name in outputs]}
    for kind in ("inputs", "state"):
        body[kind] = [one | {"value": values[one["property"]]} for one in each[kind]]
    return world.ask("POST /_dash-update-component", body | {"changedPropIds": []}).get_data(as_text=True)


def option(param: Any) -> tuple[str, str]:
    """An option or argument, and what is said of it."""
    kind = getattr(param, "type", None) or param  # older versions of Typer have the limits there
    about = {"default": param.default, "min": getattr(kind, "min", None), "max": getattr(kind, "max", None)}
    words = [f"{name} {value}" for name, value in about.items() if value is not None]
    words += [word for word in ("required", "multiple") if getattr(param, word, False)]
    name = "/".join([*param.opts, *param.secondary_opts]) + (f" {param.metavar}" if param.metavar else "")
    help = str(param.help).replace(", ".join(LOSSES), ", ".join(PAPERS))
    return name, f"{help}; {', '.join(words)}"


def signature(thing: Any) -> str:
    """What kind of thing a name is; of a function its parameters with their defaults."""
    if inspect.isclass(thing) or not callable(thing):
        return "class" if inspect.isclass(thing) else type(thing).__name__
    kept = [each.replace(annotation=each.empty) for each in inspect.signature(thing).parameters.values()]
    return str(inspect.Signature(kept))


def differences(was: Any, now: Any, where: str) -> Iterator[str]:
    """A line for everything that is not as it was."""
    if was == now:
        return
    if isinstance(was, dict) and isinstance(now, dict):
        yield from (f"{where} / {key} is gone" for key in was if key not in now)
        yield from (f"{where} / {key} is new: {now[key]}" for key in now if key not in was)
        for key in [key for key in was if key in now]:
            yield from differences(was[key], now[key], f"{where} / {key}")
    elif isinstance(was, list) and isinstance(now, list) and sorted(was) != sorted(now):
        yield from (f"{where}: {part} is gone" for part in was if part not in now)
        yield from (f"{where}: {part} is new" for part in now if part not in was)
    else:
        yield f"{where}: was {was}, is {now}"
