"""The `explorer` command (also `moving-targets` and `python -m explorer`). Exit codes as for `mtm`."""

from __future__ import annotations

import inspect
import logging
import socket
import sys
import threading
import webbrowser
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from explorer.explore import commands
from explorer.export.command import HELP, export
from explorer.results.command import report
from mtm.cli.options import Version, make_app, set_parameters
from mtm.cli.output import say
from mtm.errors import InputError

app = make_app(
    "explorer", "Watch the embedding space of a classifier move while it learns.", invoke_without_command=True
)
PORTS_TO_TRY = 50
WARM_UP_AFTER = 5.0  # seconds after the start: UMAP is imported when the page has been served
RunsFolder = Annotated[Path, typer.Option("--runs", help="Folder of the runs; the bundled ones are always there")]
DataRoot = Annotated[Path, typer.Option(help="Folder of the data sets that trainings from the page read")]
Host = Annotated[
    str, typer.Option(help="Address to listen on; beyond this machine (0.0.0.0 is everywhere) a token is asked for")
]
Port = Annotated[int, typer.Option(help="Port; if it is busy the next free one is taken", min=1, max=65535)]
Losses = Annotated[
    list[str] | None, typer.Option("--loss", help="A loss of your own for the lab, FILE.py or module:Class; repeatable")
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open a browser")]


@app.command()
def serve(
    runs: RunsFolder = Path("runs"),
    data_root: DataRoot = Path("data"),
    host: Host = "127.0.0.1",
    port: Port = 8050,
    no_browser: NoBrowser = False,
    loss: Losses = None,
) -> None:
    """Serve the explorer and open it in the browser. Ctrl-C ends it."""
    if runs.exists() and not runs.is_dir():
        raise InputError(f"{runs} is not a folder; --runs names the folder of the runs")
    listener = _listen(host, port)
    free_port = listener.getsockname()[1]
    if free_port != port:
        say(f"Port {port} is busy; taking {free_port} instead.")
    from explorer.app import create_app
    from explorer.web import memory, security
    from explorer.web.server import make_server, raise_descriptor_limit

    token = None if security.is_loopback(host) else security.new_token()
    address = security.address(host, free_port, token)

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a page opens with more requests than threads
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # so that module:Class can be imported from there, as in `mtm train`
    flask = create_app(runs.resolve(), losses=loss or (), data_root=data_root, token=token, host=host).server
    views, queue, preview = (flask.extensions[name] for name in ("views", "queue", "preview"))
    views.worker.warm_up(after=WARM_UP_AFTER)
    queue.begin()
    raise_descriptor_limit()
    memory.begin_giving_back()
    server = make_server(flask, listener, partial(security.body_limit, flask))
    say(f"Moving targets at {address}  (runs in {runs}; Ctrl-C ends it)")
    if not no_browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    try:
        server.run()
    except KeyboardInterrupt:
        say("")  # behind the terminal's ^C
        say("Stopped.")
    finally:
        for part in (queue, preview, views):  # trainings go on
            part.close()


def default(context: typer.Context, version: Version = False, **options: Any) -> None:
    """With the options of `serve`: serve, if there is no command."""
    command = context.invoked_subcommand
    if command is None:
        serve(**options)
        return
    for name in context.params:  # the command has its own options and would ignore these
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} stands before '{command}'; write it after: explorer {command} {option} ...")


own = inspect.signature(default, eval_str=True).parameters
set_parameters(default, [own["context"], *inspect.signature(serve, eval_str=True).parameters.values(), own["version"]])
app.callback()(default)
app.command(help=HELP)(export)
app.command()(report)
app.command()(commands.events)
app.command()(commands.certainty)


def _listen(host: str, port: int) -> socket.socket:
    """A socket bound to `port`, or to the first free port after it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + PORTS_TO_TRY, 65536)):
        listener = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        return listener
    raise InputError(f"no free port from {port} to {port + PORTS_TO_TRY - 1} on {host}; give another --port")


def main() -> None:
    """Run the command; refused input is one line on standard error and exit code 2."""
    from mtm.cli import run_app

    run_app(app, "explorer")
