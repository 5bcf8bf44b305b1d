"""What users and other programs hold on to, as `contract.json` has it: routes, answers, addresses, commands, names.

Everything is asked from outside, so code may move freely as long as this passes. What is asked stands in the file too:
requests, addresses, lines to type and names to import are written there by hand, and `python tests/test_contract.py`
fills in what comes of them: what has changed for a user is what has changed in the file. It holds no measured number.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any
from urllib.parse import urlencode

import pytest
import typer
from contract import (
    DEMOS,
    PAPERS,
    Section,
    World,
    changed,
    command,
    described,
    differences,
    make_world,
    names,
    option,
    paths,
    properties,
    request_of,
    shown_at,
    signature,
)
from safetensors.numpy import load_file

from mtm.backbones import BACKBONES
from mtm.classifiers import CLASSIFIERS
from mtm.config import TrainConfig
from mtm.data import DATASETS
from mtm.losses import LOSSES
from mtm.runs import Run

FILE = Path(__file__).parent / "contract.json"


# The sections of the file: what comes of what is asked in it


def routes(world: World, recorded: Section) -> Section:
    """The server's own routes and what they listen to."""
    ours = [rule for rule in world.server.url_map.iter_rules() if rule.rule.startswith("/api")]
    listens = {rule.rule: sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"}) for rule in ours}
    return {path: " ".join(methods) for path, methods in sorted(listens.items())}


def parameters(world: World, recorded: Section) -> Section:
    """Per route the names that it is asked with; a route that is not asked at all is missing here."""
    current: dict[str, set[str]] = {}
    for key, each in [*recorded["answers"].items(), *recorded["refused"].items()]:
        method, path = key.partition(" (")[0].removesuffix("?").split()
        rule, _ = world.server.url_map.bind("").match(path, method, return_rule=True)
        current.setdefault(f"{method} {rule.rule}", set()).update(names(request_of(each["request"])))
    return {route: sorted(each) for route, each in sorted(current.items())}


def answers(world: World, recorded: Section) -> Section:
    """To every request, in their order: status, type, and what is in it."""
    current = {}
    for key, each in recorded["answers"].items():
        with world.ask(key, request_of(each["request"])) as response:
            current[key] = {"request": each["request"], **described(response)}
    return current


def refused(world: World, recorded: Section) -> Section:
    """What becomes of a request without a part (`-run`), or with another one (`run=nowhere`)."""
    current: Section = {}
    for key, each in recorded["refused"].items():
        current[key] = {"request": each["request"]}
        for change in list(each)[1:]:
            with world.ask(key, changed(request_of(each["request"]), change)) as response:
                keys_or_type = response.get_json(silent=True) or [response.content_type]
                current[key][change] = " ".join([str(response.status_code), *keys_or_type])
    return current


def guarded(world: World, recorded: Section) -> Section:
    """Requests with headers that the page itself would not send."""
    current = {}
    for key in recorded["guarded"]:
        route, *headers = key.split(", ")
        with world.ask(f"{route}?", {}, [tuple(header.split(": ")) for header in headers]) as response:
            current[key] = f"{response.status_code} {response.content_type}"
    return current


def pages(world: World, recorded: Section) -> Section:
    """The links of the header in their order; of an address whether there is a page, and the names that it reads."""
    links = [each for each in properties(world.ask("GET /_dash-layout", {}).get_json()) if "href" in each]
    current: Section = {"header": [f"{a['href']} {a['children']}" for a in links if isinstance(a.get("children"), str)]}
    for path, each in recorded["pages"].items():
        if path != "header":
            query = request_of(each["address"])
            is_page = "There is no such page" not in shown_at(world, path, urlencode(query))
            status = world.ask(f"GET {path}", {}).status_code
            current[path] = {"address": each["address"], "status": status, "is a page": is_page, "reads": sorted(query)}
    return current


def commands(world: World, recorded: Section) -> Section:
    """The help of every command and option."""
    current = {}
    for name in ("mtm", "explorer"):
        top: Any = typer.main.get_command(import_module(f"{name}.cli").app)
        for each in (top, *top.commands.values()):
            text = {"": " ".join((each.help or "").split())} | dict(option(param) for param in each.params)
            current[name if each is top else f"{name} {each.name}"] = text
    return current


def printed(world: World, recorded: Section) -> Section:
    """The code that a line ends with, and the keys that it prints with `--json`."""
    current: Section = {}
    for line in recorded["printed"]:
        code, out = command(line.replace("FOLDER", str(world.folder)).replace("DEMOS", str(DEMOS)))
        rows = out.splitlines() if "--json" in line else []
        current[line] = {"exit": code, "keys": sorted({key for row in rows for key in paths(json.loads(row))})}
    return current


def run_folder(world: World, recorded: Section) -> Section:
    """The files of a run that was trained, and what is in them."""
    folder, current = world.folder / "runs" / "mine", {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".safetensors":
            arrays = {} if name.startswith("checkpoint") else load_file(path)
            current[name] = [f"{key} {array.ndim}-d" for key, array in sorted(arrays.items())]
        else:
            text = path.read_text(encoding="utf-8")
            rows = text.splitlines() if path.suffix == ".jsonl" else [text]
            current[name] = sorted({key for row in rows for key in paths(json.loads(row))})
    return current


def public(world: World, recorded: Section) -> Section:
    """Names to import; of functions also their parameters."""
    return {name: signature(resolve_name(name)) for name in recorded["public"]}


def registered(world: World, recorded: Section) -> Section:
    """The keys of the registries, hyperparameters of the paper's losses, the fields of a config and of a snapshot."""
    registries: Section = {"CLASSIFIERS": CLASSIFIERS, "DATASETS": DATASETS, "BACKBONES": BACKBONES, "LOSSES": PAPERS}
    current: Section = {name: list(registry) for name, registry in registries.items()}
    for name in PAPERS:
        current[f"loss {name}"] = {field.name: repr(field.default) for field in fields(LOSSES[name])}
    current["TrainConfig"] = {name: repr(value) for name, value in TrainConfig()}
    current["snapshot"] = sorted(field.name for field in fields(Run.open(DEMOS / "fashion-euclidean").snapshot(0)))
    return current


SECTIONS = (routes, parameters, answers, refused, guarded, pages, commands, printed, run_folder, public, registered)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("contract"))


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_a_user_finds_what_was_there(section: Callable[[World, Section], Section], world: World) -> None:
    recorded = json.loads(FILE.read_text(encoding="utf-8"))
    lines = list(differences(recorded[section.__name__], section(world, recorded), section.__name__))
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def test_every_route_is_asked() -> None:
    recorded = json.loads(FILE.read_text(encoding="utf-8"))
    routes = {f"{method} {path}" for path, methods in recorded["routes"].items() for method in methods.split()}
    assert routes == set(recorded["parameters"])


if __name__ == "__main__":
    content = json.loads(FILE.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        made = make_world(Path(name))
        for each in SECTIONS:
            content[each.__name__] = each(made, content)
    FILE.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
