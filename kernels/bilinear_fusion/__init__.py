"""The bilinear form of FinalMLP between two streams, one per head."""

from .cost import cost
from .operation import bilinear_fusion

__all__ = ["bilinear_fusion", "cost"]
