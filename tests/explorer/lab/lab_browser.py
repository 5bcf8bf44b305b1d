"""What the tests of the lab page do in the browser: open, wait, drag, and read values and pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from conftest import visit

from explorer.figures.colours import RAMP
from explorer.lab.landscape import Scene

LAB = "document.querySelector('#lab-page')?.lab"


def settle(page: Any) -> None:
    """Wait until no request is in flight and the last response is drawn."""
    page.wait_for_function(
        f"(() => {{ const l = {LAB}; return l?.responseCount > 0 && !l.landscapes.inFlight && !l.landscapes.waiting"
        f" && l.request?.n === 192 && l.pending === null; }})()"
    )


def open_lab(page: Any, address: str, query: str = "") -> None:
    visit(page, f"{address}/lab{query}")
    page.wait_for_function(f"{LAB}?.responseCount > 0")
    settle(page)


def on_screen(page: Any, x: float, y: float, panel: int = 0) -> tuple[float, float]:
    """The position on the screen of a place in the scene."""
    return tuple(
        page.evaluate(
            f"""([x, y]) => {{
                const {{ canvas, picture: {{ frame: f, box: b }} }} = {LAB}.panels[{panel}];
                const r = canvas.getBoundingClientRect();
                return [r.left + f.left + ((x - b[0]) / (b[2] - b[0])) * f.side,
                        r.top + f.top + f.side - ((y - b[1]) / (b[3] - b[1])) * f.side];
            }}""",
            [x, y],
        )
    )


def pixel(page: Any, x: float, y: float) -> list[int]:
    """The colour at a place of the scene."""
    left, top = on_screen(page, x, y)
    return page.evaluate(
        f"""([x, y]) => {{
            const {{ canvas }} = {LAB}.panels[0];
            const r = canvas.getBoundingClientRect();
            return [...canvas.getContext("2d").getImageData(Math.round(x - r.left), Math.round(y - r.top), 1, 1).data];
        }}""",
        [left, top],
    )[:3]


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*on_screen(page, *start))
    page.mouse.down()
    page.mouse.move(*on_screen(page, *end), steps=8)
    page.mouse.up()
    settle(page)


def scene_of(page: Any) -> tuple[Scene, dict[str, Any]]:
    state = page.evaluate(f"(() => {{ const s = {LAB}.state; return {{ ...s, shown: [...s.shown] }}; }})()")
    points = state["points"]
    places = np.array(points["e"], float), np.array(points["c"], float)
    return Scene(*places, np.array(points["y"]), state["vary"], state["chosen"]), state


def shown_values(page: Any) -> np.ndarray:
    n = page.evaluate(f"{LAB}.panels[0].picture.n")
    return np.array(page.evaluate(f"[...{LAB}.panels[0].picture.values]")).reshape(n, n)


def colour_at(position: float) -> np.ndarray:
    stops = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in RAMP], float)
    at = min(1.0, max(0.0, position)) * (len(stops) - 1)
    low, share = int(at), at - int(at)
    return stops[low] + share * (stops[min(low + 1, len(stops) - 1)] - stops[low])
