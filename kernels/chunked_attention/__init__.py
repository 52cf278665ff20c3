"""Attention inside consecutive chunks: softmax, or a function of each key alone."""

from .cost import cost
from .operation import chunked_attention, path
from .weighting import ELEMENTWISE, Weighting, laplace, relu2

__all__ = ["ELEMENTWISE", "Weighting", "chunked_attention", "cost", "laplace", "path", "relu2"]
