"""Where the browser code and the demo runs lie: in the checkout's folders if there is one, else in the wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent.parent
CHECKOUT = PACKAGE.parent


def assets_folder() -> Path:
    """The folder of the browser code and style sheet."""
    return _first("assets", "explorer.css")


def demo_folder() -> Path:
    """The folder of the bundled runs; it may be empty or missing in a checkout without them."""
    ours = CHECKOUT / "data" / "demo"
    return ours if ours.is_dir() else PACKAGE / "demo"


def _first(name: str, file: str) -> Path:
    ours = CHECKOUT / name
    return ours if (ours / file).is_file() else PACKAGE / name
