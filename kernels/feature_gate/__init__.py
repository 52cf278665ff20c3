"""The gate of FinalMLP over the entries of field embeddings."""

from .operation import cost, feature_gate

__all__ = ["cost", "feature_gate"]
