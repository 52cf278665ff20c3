"""The embeddings of categorical fields, looked up in one table for all fields."""

from .cost import cost
from .operation import field_embedding

__all__ = ["cost", "field_embedding"]
