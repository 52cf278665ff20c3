"""The DNN of the click-through tables."""

from __future__ import annotations

from ..harness.contract.registry import register_model
from .mlp import MLP


@register_model(
    "dnn",
    paper="arXiv:1606.07792",
    summary="The click-through tables' DNN: a multi-layer perceptron over the embeddings of all fields.",
    family="baseline",
)
class DNN(MLP):
    """The deep part of Wide & Deep (Cheng et al. 2016) by itself, as FuxiCTR has it.

    It is `mlp` under the name that the tables of FuxiCTR and BARS give it; its card holds the
    recipes they trained it by. Nothing multiplies with anything.
    """
