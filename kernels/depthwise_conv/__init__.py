"""The depthwise convolution over time: Mamba's short filter and TCNCA's dilated stack."""

from .operation import cost, depthwise_conv

__all__ = ["cost", "depthwise_conv"]
