"""The selective scan: the input-dependent diagonal recurrence at the heart of Mamba."""

from .operation import selective_scan

__all__ = ["selective_scan"]
