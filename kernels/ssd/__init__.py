"""State-space duality: a recurrence over matrix states, with one decay, or one vector of decays, per head and step."""

from .operation import cost, ssd

__all__ = ["cost", "ssd"]
