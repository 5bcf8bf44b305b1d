"""The old place of `explorer.space.projections.aligned_umap` and `umap_graph`, until nothing imports it."""

from explorer.space.projections.aligned_umap import compile_ahead, ties, umap_over_time
from explorer.space.projections.umap_graph import nearest, neighbour_graph, strengths

__all__ = ["compile_ahead", "nearest", "neighbour_graph", "strengths", "ties", "umap_over_time"]
