"""The product at the heart of the Mu-Layer: two layer norms, their product and the first factor again, in one pass."""

from .cost import cost
from .operation import mu_product, path
from .shifting import shifted

__all__ = ["cost", "mu_product", "path", "shifted"]
