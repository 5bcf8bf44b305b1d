"""Short messages in the corner of the page, for what cannot be shown beside a field."""

from __future__ import annotations

from typing import Any


def notice(message: str, good: bool = False) -> dict[str, Any]:
    """One notice, as the shell's container shows it; bad news stays until it is closed."""
    return {
        "action": "show",
        "message": message,
        "color": "teal" if good else "red",
        "autoClose": 4000 if good else False,
    }
