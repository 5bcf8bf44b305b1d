"""Dash's route to its callbacks, guarded: a body that no page of ours would send is refused in one sentence.

The values in it are checked by each callback itself, by the types of its arguments (pydantic's `validate_call`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import Dash
from flask import request
from pydantic import ValidationError

from explorer.web.http import answer_error, read_json_object
from mtm.errors import InputError

PATH = "/_dash-update-component"
REFUSAL = "the request is not one of this page; reload it"


def guard_callbacks(app: Dash) -> None:
    """Refuse what does not fit a callback of the app, before Dash reads it."""

    def check() -> None:
        if request.path == PATH and request.method == "POST":
            _check(read_json_object(), app.callback_map)

    app.server.before_request(check)
    app.server.register_error_handler(ValidationError, lambda error: answer_error(InputError(REFUSAL)))


def _check(body: Mapping[str, Any], callbacks: Mapping[str, Any]) -> None:
    """Raises InputError for a body that names no callback, or not all of its inputs, states and outputs."""
    output = str(body.get("output"))
    callback = callbacks.get(output)
    if callback is None or "callback" not in callback:  # none at all, or one that runs in the browser
        raise InputError(REFUSAL)
    expected = [tuple(name.rsplit(".", 1)) for name in output.strip(".").split("...")]
    outputs, changed = body.get("outputs"), body.get("changedPropIds", [])
    fits = _names(outputs if isinstance(outputs, list) else [outputs]) == expected
    fits = fits and all(_names(body.get(part, [])) == _names(callback[part]) for part in ("inputs", "state"))
    if not (fits and isinstance(changed, list) and all(isinstance(name, str) for name in changed)):
        raise InputError(REFUSAL)


def _names(parts: object) -> list[tuple[str, ...]]:
    """The ids and properties of inputs, states or outputs. Raises InputError where there are none."""
    if not isinstance(parts, list):
        raise InputError(REFUSAL)
    names = [(part.get("id"), part.get("property")) if isinstance(part, dict) else () for part in parts]
    return [tuple(map(str, pair)) for pair in names]
