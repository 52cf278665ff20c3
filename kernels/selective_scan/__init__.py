"""The selective scan: the input-dependent diagonal recurrence at the heart of Mamba."""

from .cost import cost
from .operation import selective_scan

__all__ = ["cost", "selective_scan"]
