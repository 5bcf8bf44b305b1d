"""The explorer: a Dash app at localhost that shows how an embedding space moves while a classifier learns.

It reads run folders (`mtm.runs`) and imports neither torch nor umap when it starts.
"""
