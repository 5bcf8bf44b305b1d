"""Moving Targets Model: train image classifiers with learned class embeddings and record how their space moves.

Importing `mtm` (and `mtm.config`, `mtm.runs`, `mtm.geometry`, `mtm.classifiers`, `mtm.losses`) does not import torch.
"""

__version__ = "0.2.0"
