"""Depthwise convolution over time, causal or centred, with dilation."""
