"""Measures the limits of this machine: bandwidth with a large copy, FLOP/s with a large matrix product."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .timing import Clock, race

COPY_BYTES = {"cpu": 2**28, "cuda": 2**31}
SIDE = {"cpu": 2048, "cuda": 8192}


@dataclass(frozen=True)
class Roofline:
    """Measured limits.

    Attributes
    ----------
    bytes_per_second
        Bytes read plus bytes written per second in a copy on the device.
    flops_per_second
        FLOP/s of a square matrix product, by dtype; float32 does not use TF32.
    """

    bytes_per_second: float
    flops_per_second: dict[str, float]

    def floor_seconds(self, flops: float, moved: float, dtype: torch.dtype) -> float:
        """Return the minimum time for this amount of work."""
        return max(moved / self.bytes_per_second, flops / self.flops_per_second[str(dtype)])

    def binds(self, flops: float, moved: float, dtype: torch.dtype) -> str:
        """Return which limit determines the minimum time: "bytes" or "operations"."""
        by_bytes = moved / self.bytes_per_second >= flops / self.flops_per_second[str(dtype)]
        return "bytes" if by_bytes else "operations"


def measure(device: torch.device, dtypes: tuple[torch.dtype, ...], clock: Clock, scale: float = 1.0) -> Roofline:
    """Measure the limits; tests use a smaller `scale` of the sizes."""
    source = torch.rand(int(COPY_BYTES[device.type] * scale) // 8, device=device)
    target = torch.empty_like(source)
    copied = race({"copy": lambda _: target.copy_(source)}, clock)["copy"].seconds
    side, rates = max(8, int(SIDE[device.type] * scale)), {}
    for dtype in dtypes:
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        product = torch.empty_like(a)
        taken = race({"product": lambda _, a=a, b=b, out=product: torch.mm(a, b, out=out)}, clock)["product"].seconds
        rates[str(dtype)] = 2 * side**3 / taken
    return Roofline(2 * source.nbytes / copied, rates)
