"""The bilinear form of FinalMLP between two streams, one per head."""

from .operation import bilinear_fusion, cost

__all__ = ["bilinear_fusion", "cost"]
