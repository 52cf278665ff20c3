"""Attention inside consecutive chunks: softmax, or a function of each score separately."""

from .operation import Weighting, chunked_attention, cost
from .torch_form import ELEMENTWISE, laplace, relu2

__all__ = ["ELEMENTWISE", "Weighting", "chunked_attention", "cost", "laplace", "relu2"]
