"""The product at the heart of the Mu-Layer: two layer norms, their product plus the first factor, in one pass."""

from .operation import cost, mu_product
from .torch_form import shifted

__all__ = ["cost", "mu_product", "shifted"]
