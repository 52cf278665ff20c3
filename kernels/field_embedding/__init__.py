"""The embeddings of categorical fields, looked up in one table for all fields."""

from .operation import cost, field_embedding

__all__ = ["cost", "field_embedding"]
