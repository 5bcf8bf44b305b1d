"""Other people's names in Plotly's figures, which would read tags, entities and templates in them."""

from __future__ import annotations

import html
import re

SIGNS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "{": "&#123;"})  # %{x} is a value of Plotly's templates


def to_plotly(name: str) -> str:
    """A name as Plotly has to be given it to show it as it is."""
    return name.translate(SIGNS)


def from_plotly(text: str) -> str:
    """What Plotly shows of a text: without tags, with line ends."""
    return html.unescape(re.sub(r"</?(b|i)>", "", text.replace("<br>", "\n")))
