"""The depthwise convolution over time: Mamba's short filter and TCNCA's dilated stack."""

from .cost import cost
from .operation import depthwise_conv

__all__ = ["cost", "depthwise_conv"]
