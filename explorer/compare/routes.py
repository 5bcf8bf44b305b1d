"""What the Compare page fetches: how alike two snapshots are, of one run or of two."""

from __future__ import annotations

from flask import Flask

from explorer.compare.comparisons import Comparisons
from explorer.space.neighbours import METRICS, NEIGHBOURS
from explorer.web.binary import encode
from explorer.web.http import Answer, Arguments, add_route


def register(server: Flask, comparisons: Comparisons) -> None:
    """Add the routes to the app's server."""

    def compare(arguments: Arguments) -> Answer:
        """run [snapshot] [classifier] with [with_snapshot] [with_classifier] [k] [metric]: how alike they are."""
        arrays, numbers = comparisons.compare(
            (arguments.text("run"), arguments.text("with")),
            (arguments.integer("snapshot"), arguments.integer("with_snapshot")),
            (arguments.optional_text("classifier"), arguments.optional_text("with_classifier")),
            arguments.count("k", NEIGHBOURS),
            arguments.optional_text("metric") or METRICS[0],
        )
        return encode(arrays, numbers)

    add_route(server, "/api/compare", compare)
