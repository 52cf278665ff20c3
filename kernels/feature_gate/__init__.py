"""The gate of FinalMLP over the entries of field embeddings."""

from .cost import cost
from .operation import feature_gate

__all__ = ["cost", "feature_gate"]
