"""Attention inside consecutive chunks: softmax, or a function of each key alone."""

from .cost import cost
from .operation import ELEMENTWISE, Weighting, chunked_attention, laplace, relu2

__all__ = ["ELEMENTWISE", "Weighting", "chunked_attention", "cost", "laplace", "relu2"]
