"""The depthwise convolution over time: Mamba's short filter and TCNCA's dilated stack."""

from .operation import depthwise_conv

__all__ = ["depthwise_conv"]
