"""Attention inside consecutive chunks: softmax or the Laplace function over keys of the own chunk."""

from .cost import cost
from .operation import Weighting, chunked_attention, laplace

__all__ = ["Weighting", "chunked_attention", "cost", "laplace"]
