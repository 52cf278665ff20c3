"""The DNN of the click-through benchmarks."""

from __future__ import annotations

from ..harness import register_model
from .mlp import MLP


@register_model(
    "dnn",
    paper="arXiv:1606.07792",
    summary="The DNN of click-through benchmarks: a multi-layer perceptron over all field embeddings.",
    family="baseline",
    together=64,
)
class DNN(MLP):
    """The deep part of Wide & Deep (Cheng et al. 2016), as implemented in FuxiCTR.

    This is `mlp` under the name used by FuxiCTR and BARS; its card has their published recipes. There
    are no products.
    """
