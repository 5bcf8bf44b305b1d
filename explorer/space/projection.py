"""The old place of `explorer.space.projections` and `explorer.space.frames`, until nothing imports it."""

from explorer.space.frames import CODE_VERSION, Frames, load_cached, load_frames, save_frames, store
from explorer.space.projections import METHODS, Cancelled, Progress, cache_key, project, settings

__all__ = [
    "CODE_VERSION", "METHODS", "Cancelled", "Frames", "Progress", "cache_key", "load_cached", "load_frames", "project",
    "save_frames", "settings", "store",
]  # fmt: skip
