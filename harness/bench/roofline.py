"""What this machine reaches, measured in the same run: bytes by a large copy, operations by a large matrix product."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .timing import Clock, race

COPY_BYTES = {"cpu": 2**28, "cuda": 2**31}
SIDE = {"cpu": 2048, "cuda": 8192}


@dataclass(frozen=True)
class Roofline:
    """Measured ceilings.

    Attributes
    ----------
    bytes_per_second
        Of a device-to-device copy, bytes read plus bytes written.
    flops_per_second
        Of a square matrix product, by dtype; TF32 stays off for float32.
    """

    bytes_per_second: float
    flops_per_second: dict[str, float]

    def floor_seconds(self, flops: float, moved: float, dtype: torch.dtype) -> float:
        """Return the least time for this much work."""
        return max(moved / self.bytes_per_second, flops / self.flops_per_second[str(dtype)])

    def binds(self, flops: float, moved: float, dtype: torch.dtype) -> str:
        """Return which ceiling is met first: "bytes" or "operations"."""
        by_bytes = moved / self.bytes_per_second >= flops / self.flops_per_second[str(dtype)]
        return "bytes" if by_bytes else "operations"


def measure(device: torch.device, dtypes: tuple[torch.dtype, ...], clock: Clock, scale: float = 1.0) -> Roofline:
    """Measure the ceilings; `scale` shrinks the sizes, for tests."""
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
