"""Damages of run folders: any file cut, altered, or replaced by something that is no file; odd files beside; odd names.

What has to hold: the run beside it is listed as before and looks the same, every page and command answers, and whatever
is said of the damaged run is a sentence. Nothing waits for what is not a regular file.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from faults.commands import Commands, check, told
from faults.server import Server
from faults.trainings import digests

GOOD, BAD = "good", "bad"
HUGE = 6 * 2**30  # bytes of a file with a hole

# Values that no program writes
HOSTILE: tuple[Callable[[Random], Any], ...] = (
    lambda chance: None,
    lambda chance: chance.choice([True, False]),
    lambda chance: chance.choice([-1, 0, 10**400, 2**63, -(2**63) - 1, 10**30]),
    lambda chance: chance.choice([1e308, -1e308, 0.5, -0.0]),
    lambda chance: RawNumber(chance.choice(["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "9" * 5000])),
    lambda chance: chance.choice(["", "x", "a" * 100_000, "\x1b[31mred\x1b[0m", "\ud800", "\x00", "../../etc/passwd"]),
    lambda chance: chance.choice([[], [[]], [None], [1, "x"], list(range(1000))]),
    lambda chance: chance.choice([{}, {"": None}, {"a": {"b": []}}]),
)


class RawNumber(str):
    """Text that stands in JSON as it is."""


def to_json(value: Any) -> str:
    """JSON, with numbers in it that Python's own writer would not write."""
    raw: list[str] = []

    def mark(node: Any) -> Any:
        if isinstance(node, RawNumber):
            raw.append(str(node))
            return f"@raw{len(raw) - 1}@"
        if isinstance(node, dict):
            return {key: mark(inner) for key, inner in node.items()}
        return [mark(inner) for inner in node] if isinstance(node, list) else node

    text = json.dumps(mark(value))
    for number, literal in enumerate(raw):
        text = text.replace(f'"@raw{number}@"', literal)
    return text


def alter(chance: Random, value: Any) -> Any:
    """The value with one node of it, drawn at random, replaced, taken away or added to."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        if chance.random() < 0.1:
            return {name: inner for name, inner in value.items() if name != key}
        return value | {key: alter(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.7:
        at = chance.randrange(len(value))
        return [*value[:at], alter(chance, value[at]), *value[at + 1 :]]
    return chance.choice(HOSTILE)(chance)


# Damages of one file; each says what it did


def cut(chance: Random, path: Path) -> str:
    size = path.stat().st_size
    at = chance.choice([0, 1, 7, 8, 9, chance.randint(0, size), max(0, size - 1)])
    os.truncate(path, min(at, size))
    return f"cut to {at} bytes"


def flip(chance: Random, path: Path) -> str:
    content = bytearray(path.read_bytes())
    places = [chance.randrange(min(len(content), chance.choice([8, 400, 10**9]))) for _ in range(chance.randint(1, 8))]
    for place in places:
        content[place] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return f"bits of bytes {places} flipped"


def overwrite(chance: Random, path: Path) -> str:
    content = chance.choice(
        [
            b"",
            b"\x00" * 4096,
            b"\xff\xfe" + b"a\x00" * 50,
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"null",
            b"[]",
            b"\xef\xbb\xbf{}",
            chance.randbytes(5000),
            b"9" * 10_000,
            b'"' + b"x" * 1_000_000 + b'"',
            (2**63 - 1).to_bytes(8, "little") + b"{}",
            (2**32).to_bytes(8, "little") + b"{" * 1000,
        ]
    )
    path.write_bytes(content)
    return f"overwritten with {content[:12]!r}... ({len(content):,} bytes)"


def append(chance: Random, path: Path) -> str:
    more = chance.choice(
        [b"\n", b"{", b"\x00" * 100, b'{"snapshot": 1e400}\n', b'{"snapshot": -1}\n', b"[]\n", b"\xff\n"]
    )
    with path.open("ab") as file:
        file.write(more)
    return f"{more[:20]!r} appended"


def change_values(chance: Random, path: Path) -> str:
    """One or two values of the JSON in it replaced: in the file, a line of it, or a safetensors header."""
    for _ in range(chance.randint(1, 2)):
        if path.suffix == ".safetensors":
            _change_header(chance, path)
        elif path.suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines() or ["{}"]
            at = chance.randrange(len(lines))
            lines[at] = to_json(alter(chance, _loads(lines[at])))
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        else:
            path.write_text(
                to_json(alter(chance, _loads(path.read_text(encoding="utf-8", errors="replace")))), encoding="utf-8"
            )
    return "values replaced"


def _change_header(chance: Random, path: Path) -> None:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    table = _loads(content[8 : 8 + length].decode(errors="replace"))
    inner = table.get("__metadata__", {}) if isinstance(table, dict) else {}
    if isinstance(inner, dict) and "header" in inner and chance.random() < 0.5:
        table["__metadata__"]["header"] = to_json(alter(chance, _loads(inner["header"])))
    else:
        table = alter(chance, table)
    header = to_json(table).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def replace_by_other(chance: Random, path: Path) -> str:
    """No regular file any more."""
    path.unlink()
    what = chance.choice(
        ["fifo", "socket", "directory", "loop", "dangling link", "link to a device", "hole", "nothing"]
    )
    if what == "fifo":
        os.mkfifo(path)
    elif what == "socket":
        here = os.open(".", os.O_RDONLY)
        try:
            os.chdir(path.parent)  # the path of a socket is short
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(path.name)
        finally:
            os.fchdir(here)
            os.close(here)
    elif what == "directory":
        path.mkdir()
        (path / "inside").write_text("x")
    elif what == "hole":
        path.touch()
        os.truncate(path, HUGE)
    elif what != "nothing":
        target = {
            "loop": path.name,
            "dangling link": "nowhere",
            "link to a device": chance.choice(["/dev/zero", "/dev/tty"]),
        }
        path.symlink_to(target[what])
    return f"replaced by a {what}"


def swap(chance: Random, path: Path) -> str:
    """The content of another file of the run."""
    others = [other for other in path.parent.parent.rglob("*") if other.is_file() and other != path]
    other = chance.choice(sorted(others))
    path.write_bytes(other.read_bytes())
    return f"made a copy of {other.name}"


DAMAGES_OF_A_FILE = (cut, flip, overwrite, append, replace_by_other)
DAMAGES = (*DAMAGES_OF_A_FILE, change_values, change_values, change_values, swap)

# Names of files that other programs leave beside ours
STRAY: tuple[bytes, ...] = (
    b"snapshots/000001 (1).safetensors",
    b"snapshots/000001.sync-conflict-20260101-000000-ABCDEFG.safetensors",
    b"snapshots/000001 (conflicted copy 2026-01-01).safetensors",
    b"snapshots/._000001.safetensors",
    b"snapshots/1e3.safetensors",
    b"snapshots/0x10.safetensors",
    b"snapshots/" + b"9" * 230 + b".safetensors",
    "snapshots/٣.safetensors".encode(),
    "snapshots/1²3.safetensors".encode(),
    b"snapshots/00\xff001.safetensors",
    b"snapshots/-00001.safetensors",
    b"snapshots/000001.safetensors.part",
    b"snapshots/1.safetensors",
    b"snapshots/.000009.safetensors.x.tmp",
    b"metrics (1).jsonl",
    b"config (1).json",
    b".DS_Store",
    b"desktop.ini",
    b"\xff\xfe\x1b[31m",
    b"log.txt",
    b"process.json",
    b"stop",
    b"lock",
)
# Names that a folder can have and no run should
NAMES: tuple[bytes, ...] = (
    b"caf\xe9", b"\xff\xfe", b"line\nbreak", b"\x1b[31mred\x1b[0m", b"<script>alert(1)</script>", b"'; drop", b"-rf",
    b"a b  c", b"%2e%2e%2f", b"x" * 255, "́".encode(), "‮gnp".encode(), b"#?&=", b"nul", b"con.txt", b"tab\there",
)  # fmt: skip


def leave_stray(chance: Random, run: Path) -> str:
    """A file of another program in the folder: a copy of one of ours, hostile content, or something that is no file."""
    name = chance.choice(STRAY)
    target = os.fsencode(run) + b"/" + name
    source, path = choose_file(chance, run), Path(os.fsdecode(target))
    path.parent.mkdir(exist_ok=True)
    if not os.path.lexists(path):
        path.write_bytes(b"" if source is None else source.read_bytes())
    story = f"{name[:60]!r} beside, a copy of {source and source.name}"
    if chance.random() < 0.4 and path.is_file():
        story += f", {chance.choice((overwrite, replace_by_other))(chance, path)}"
    return story


def damage(chance: Random, run: Path) -> str:
    """Do one to four things to a run folder; what was done."""
    story = []
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        path = choose_file(chance, run)
        if path is None or chance.random() < 0.15:
            story.append(leave_stray(chance, run))
        else:
            how = chance.choice(DAMAGES) if path.stat().st_size else overwrite
            story.append(f"{path.relative_to(run)} {how(chance, path)}")
    return "; ".join(story)


def choose_file(chance: Random, run: Path) -> Path | None:
    """A regular file of the run that is not huge: any of them, the few at the top as often as the many below."""
    files = [path for path in sorted(run.rglob("*")) if path.is_file() and path.stat().st_size < 100 * 2**20]
    places = sorted({path.parent if path.parent != run else path for path in files})
    if not places:
        return None
    place = chance.choice(places)
    return place if place in files else chance.choice([path for path in files if path.parent == place])


def damaged_run(commands: Commands, server: Server, good: Path, chance: Random) -> str:
    """A run that is damaged, beside one that is whole, under a server that runs, or has looked at it, and commands."""
    name, before = os.fsdecode(chance.choice(NAMES)) if chance.random() < 0.15 else BAD, digests(server.runs / GOOD)
    story = [] if name == BAD else [f"called {os.fsencode(name)[:40]!r}"]
    shutil.copytree(good, server.runs / name)
    try:
        if chance.random() < 0.3:
            server.check_asks_of(name)
            story.append("after a look at it")
        story.append(damage(chance, server.runs / name))
        with told("; ".join(story)):
            server.check_reads(GOOD)
            server.check_asks_of(name)
            listed = commands.run("mtm", "runs", "--runs", server.runs, "--json")
            check(listed.code == 0, f"{listed} ended with {listed.code}: {listed.err}")
            _check_good_row(listed.out)
            if chance.random() < 0.5:
                _command_on(commands, server.runs, name, chance)
            check(digests(server.runs / GOOD) == before, "the good run has changed")
    finally:
        remove(server.runs / name)
    return "; ".join(story)


def _check_good_row(lines: str) -> None:
    rows = [json.loads(line) for line in lines.splitlines()]
    good = [row for row in rows if row.get("name") == GOOD]
    check(len(good) == 1, f"`mtm runs --json` lists the good run {len(good)} times")
    check(
        good[0]["snapshots"] and good[0].get("state") == "finished", f"`mtm runs --json` says of the good run {good[0]}"
    )


def _command_on(commands: Commands, runs: Path, name: str, chance: Random) -> None:
    """One command on the damaged run itself."""
    out = commands.folder / f"damaged.{chance.choice(['csv', 'npz'])}"
    every: tuple[tuple[object, ...], ...] = (
        ("mtm", "show", name, "--runs", runs),
        ("mtm", "show", name, "--runs", runs, "--json"),
        ("mtm", "runs", "--runs", runs),
        ("mtm", "resume", name, "--runs", runs),
        ("mtm", "prune", name, "--runs", runs),
        ("explorer", "export", name, "--runs", runs, "--what", "data", "--out", out),
        ("explorer", "events", name, "--runs", runs),
        ("explorer", "certainty", name, "--runs", runs),
    )
    program, *arguments = chance.choice(every)
    with contextlib.suppress(FileNotFoundError):
        out.unlink()
    commands.run(str(program), *arguments)


def remove(folder: Path) -> None:
    """Take a folder away, whatever is in it."""
    shutil.rmtree(os.fsencode(folder), ignore_errors=True)
    check(not os.path.lexists(os.fsencode(folder)), f"cannot remove {folder!r}")
