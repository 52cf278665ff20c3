"""State-space duality: a recurrence over matrix states whose decay is one number, or one vector, a head and step."""

from .cost import cost
from .dispatch import path
from .operation import ssd

__all__ = ["cost", "path", "ssd"]
