"""``archarena bench filters``: TCNCA's dilated convolutions against MEGA's moving average, in each of its forms.

The TCNCA paper (arXiv:2312.05605) reports its filter up to 7.07 times faster forward and 2.86 times backward than
"MEGA's FFT-based recurrence" at lengths up to 131,072. That is the official form here: the kernel is built from all
powers of the decays at every step and applied by FFT. The same moving average is also a plain recurrence of one pass,
which no paper timed; the ratio to it is printed too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...kernels.ema import ema
from ...models.blocks.tcn import TCN, fewest_layers
from .kernels import relative_error
from .timing import Call, Clock, race

BATCH, CHANNELS, STATES = 1, 128, 16
KERNEL, FACTOR = 17, 8
LENGTHS = tuple(1024 * 2**i for i in range(8))
TCNCA, OFFICIAL, FFT, RECURRENCE = "tcnca", "official", "FFT alone", "recurrence"
"""The contestants: ours, and MEGA's filter by powers and FFT, without the powers, and as a plain recurrence."""

PUBLISHED = {"forward": 7.07, "backward": 2.86}
"""The largest published speedups of TCNCA's filter over the official form."""

Filter = tuple[Callable[[], Tensor], list[Tensor]]
"""A forward pass, and the tensors whose gradients its backward pass computes."""


def moving_average_kernel(decay: Tensor, weight: Tensor, length: int) -> Tensor:
    """Return (channels, length): at lag t, the sum over states of ``weight * decay ** t``, from all powers at once.

    The form of MEGA's code: (channels, states, length) exponentials, then a sum over the states.
    """
    lags = torch.arange(length, device=decay.device, dtype=decay.dtype)
    powers = torch.exp(lags * torch.log(decay)[..., None])
    return torch.einsum("dnl,dn->dl", powers, weight)


def convolve_by_fft(x: Tensor, kernel: Tensor) -> Tensor:
    """Return the causal convolution of `x` (batch, channels, length) with `kernel` (channels, length)."""
    length = x.shape[-1]
    spectrum = torch.fft.rfft(x, 2 * length) * torch.fft.rfft(kernel, 2 * length)
    return torch.fft.irfft(spectrum, 2 * length)[..., :length]


def bench_filters(
    device: torch.device, clock: Clock, *, lengths: tuple[int, ...] = LENGTHS, seconds: float = 1.0
) -> Iterator[dict[str, Any]]:
    """Yield one row per length: the seconds of each filter, forward and backward, and the ratios to TCNCA's.

    Raises `RuntimeError` if the three forms of the moving average do not agree.
    """
    for length in lengths:
        field = _filters(length, device)
        row: dict[str, Any] = {"length": length, "tcn_layers": fewest_layers(length, KERNEL, FACTOR)}
        _hold_that_forms_agree(field)
        for name, make in (("forward", _forward), ("backward", _backward)):
            calls = {filter_name: make(*entry) for filter_name, entry in field.items()}
            timings = race(calls, clock, seconds=seconds)
            row[name] = {filter_name: timing.seconds for filter_name, timing in timings.items()}
            row[f"{name}_by_tcnca"] = {other: row[name][other] / row[name][TCNCA] for other in field}
        yield row


def _filters(length: int, device: torch.device) -> dict[str, Filter]:
    random = torch.Generator().manual_seed(0)

    def leaf(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random).to(device).requires_grad_()

    # MEGA's initial decays: 1 - sigmoid(N(0, 0.2)) * sigmoid(N(0, 0.2)).
    p, q = (torch.sigmoid(0.2 * torch.randn(CHANNELS, STATES, generator=random)) for _ in range(2))
    decay = (1 - p * q).to(device).requires_grad_()
    weight, x = leaf(CHANNELS, STATES), leaf(BATCH, length, CHANNELS)
    across = x.detach().mT.contiguous().requires_grad_()
    kernel = moving_average_kernel(decay, weight, length).detach().requires_grad_()
    tcn = TCN(CHANNELS, KERNEL, FACTOR, fewest_layers(length, KERNEL, FACTOR)).to(device)
    return {
        TCNCA: (lambda: tcn(x), [x, *tcn.parameters()]),
        OFFICIAL: (
            lambda: convolve_by_fft(across, moving_average_kernel(decay, weight, length)),
            [across, decay, weight],
        ),
        FFT: (lambda: convolve_by_fft(across, kernel), [across, kernel]),
        RECURRENCE: (lambda: ema(x, decay, weight), [x, decay, weight]),
    }


def _hold_that_forms_agree(field: dict[str, Filter]) -> None:
    with torch.no_grad():
        expected = field[RECURRENCE][0]().mT
        for name in (OFFICIAL, FFT):
            error = relative_error(field[name][0](), expected)
            if not error < 1e-4:
                raise RuntimeError(f"{name} is off by {error:.1e} from the recurrence; nothing is timed.")


def _forward(run: Callable[[], Tensor], _: list[Tensor]) -> Call:
    return torch.no_grad()(lambda _: run())


def _backward(run: Callable[[], Tensor], leaves: list[Tensor]) -> Call:
    y = run()
    dy = torch.empty_like(y).normal_(generator=torch.Generator(y.device).manual_seed(0))
    return lambda _: torch.autograd.grad(y, leaves, dy, retain_graph=True)
