"""The selective scan: the input-dependent diagonal recurrence at the heart of Mamba."""

from .operation import cost, selective_scan

__all__ = ["cost", "selective_scan"]
