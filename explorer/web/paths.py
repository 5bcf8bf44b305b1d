"""Paths of the browser code and the demo runs: in the checkout's folders if there is one, else in the wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent.parent
CHECKOUT = PACKAGE.parent


def assets_folder() -> Path:
    """The folder of the browser code and style sheet."""
    return _checkout_or_package("assets", "explorer.css")


def demo_folder() -> Path:
    """The folder of the bundled runs; it may be empty or missing in a checkout without them."""
    in_checkout = CHECKOUT / "data" / "demo"
    return in_checkout if in_checkout.is_dir() else PACKAGE / "demo"


def _checkout_or_package(name: str, file: str) -> Path:
    in_checkout = CHECKOUT / name
    return in_checkout if (in_checkout / file).is_file() else PACKAGE / name
