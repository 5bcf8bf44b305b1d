"""The colours of the pictures: ten for classes, a ramp for numbers, two for right and wrong.

The class colours come from a search for the largest least distance between two of them (Euclidean in OKLab) as seen
with normal vision and, simulated after Machado et al. 2009 at full severity, without red, green or blue cones; contrast
at least 2.1 : 1 with a white page and with Mantine's dark one. Least distances 0.168, 0.120, 0.110 and 0.103; for
comparison the eight of Okabe and Ito have 0.156, 0.096, 0.076 and 0.085, Plotly's ten 0.105, 0.005, 0.024 and 0.058.
"""

from __future__ import annotations

CLASS_COLOURS = (
    "#3945c3",  # indigo
    "#ba7b04",  # ochre
    "#55bcfb",  # sky
    "#d13c6f",  # crimson
    "#9ac106",  # lime
    "#87247a",  # plum
    "#0c85ab",  # cerulean
    "#f593a2",  # pink
    "#575209",  # olive
    "#9674fd",  # lavender
)

# Low to high: lightness and hue both rise evenly (OKLCH 0.40 to 0.86), visible on a light and on a dark page
RAMP = ("#4e2999", "#304bb4", "#036daa", "#0c85a2", "#0a9d9e", "#15b491", "#51c96b", "#a8d044", "#ebd229")

NEUTRAL = "#7b8494"  # lines of reference and text: seen on white and on black; ink on paper
UNKNOWN = "#b4bac4"  # for a missing value, and with many classes for those outside the focus

RIGHT, WRONG = "#8b95a7", "#e8590c"  # a quiet grey and a loud orange: the wrong ones are what people look for


def class_colour(index: int) -> str:
    """The colour of a class; beyond ten classes the colours repeat."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]
