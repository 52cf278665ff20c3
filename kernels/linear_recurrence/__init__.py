"""The diagonal linear recurrence: each state is a multiple of the one before, plus an input."""

from .operation import cost, linear_recurrence

__all__ = ["cost", "linear_recurrence"]
