"""S4D: a diagonal, time-invariant state-space model."""

from __future__ import annotations

import math
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..harness import Built, BuiltSequence, ParamGroup, Size, TaskSpec, UserError, assemble, register_model
from ..kernels.precision import accumulator
from .blocks.dropout import Dropout
from .blocks.norms import NormKind, make_norm
from .blocks.padding import zero_padding
from .blocks.residual import ResidualStack
from .blocks.spectrum import Spectrum, legs_modes, spectrum
from .blocks.time_step import log_steps

SSM_RATE = 1e-3
"""Maximum learning rate of A and the step."""


@register_model(
    "s4d",
    paper="arXiv:2206.11893",
    summary="Diagonal state-space model computed as one long convolution, followed by a gated linear map.",
    family="linear recurrence",
)
class S4D(ResidualStack):
    """Diagonal state-space layers in residual blocks (Gu et al. 2022), as in the S4 repository's LRA models.

    Each channel has a separate recurrence, ``h' = A h + x``, ``y = Re <C, h> + D x``, discretized by a
    zero-order hold with step ``exp(log_dt)``. A, C and the step do not depend on the input, so a layer
    is a convolution: its kernel is a sum of powers of ``exp(step A)`` and is applied by Fourier
    transform. GELU and a gated linear unit follow.

    Products: in the gated linear unit, one linear map of the filtered token with the sigmoid of
    another. Without the gate (``nonlinear=False``) the outputs are linear in the inputs.

    On non-causal tasks, a second kernel with a separate C covers later positions, as in the S4
    repository.

    Parameters
    ----------
    d_state
        Real numbers in the state of each channel (N): N / 2 complex modes, each with its conjugate.
    init
        Initialization of A: "legs", "lin", "inv" or "real"; see `spectrum`.
    nonlinear
        Whether to use GELU and the gate. Otherwise all norms are removed too, including the head's,
        and a plain linear map follows each layer, so the model is linear and time-invariant.
    norm, prenorm
        "layer", "batch" or "scale"; applied before each layer and once at the end if `prenorm`,
        otherwise after each layer.
    dt_min, dt_max
        Range of the initial steps, drawn log-uniformly.
    n_ssm
        Number of different A; channels take turns in using them. By default every channel has its own.
    cap_dt
        Whether the learning rate of the steps is limited to `SSM_RATE`, as that of A always is.
    dropout
        Dropout rate after the filter, before the gated linear unit and after it. Each mask zeroes
        whole channels of a row, as in the S4 repository.
    """

    bounds = {
        "d_state": (1, 4096),
        "n_ssm": (1, 2**20),
        "dt_min": (1e-9, 10),
        "dt_max": (1e-9, 10),
        "dropout": (0, 0.99),
    }

    def __init__(
        self,
        width: int,
        depth: int,
        causal: bool,
        *,
        d_state: int = 64,
        init: Spectrum = "legs",
        nonlinear: bool = True,
        norm: NormKind = "layer",
        prenorm: bool = True,
        dt_min: float = 1e-3,
        dt_max: float = 0.1,
        n_ssm: int | None = None,
        cap_dt: bool = True,
        dropout: float = 0.0,
    ):
        super().__init__()
        for name, choice, known in (("init", init, Spectrum), ("norm", norm, NormKind)):
            if choice not in get_args(known):
                raise UserError(f"s4d's {name} must be {', '.join(map(repr, get_args(known)))}: found '{choice}'.")
        if d_state < 2 or not 0 < dt_min <= dt_max:
            raise UserError(
                "s4d needs d_state of at least 2 and 0 < dt_min <= dt_max: "
                f"found d_state {d_state}, dt_min {dt_min} and dt_max {dt_max}."
            )
        if n_ssm is not None and (n_ssm < 1 or width % n_ssm):
            raise UserError(f"s4d's n_ssm must divide the width {width}: found {n_ssm}.")

        def make() -> nn.Module | None:
            return make_norm(norm, width) if nonlinear else None

        self.cap_dt = cap_dt
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            ssm = DiagonalSSM(width, d_state, causal, init, log_steps(width, dt_min, dt_max), n_ssm)
            close = GatedMap(width, dropout) if nonlinear else nn.Linear(width, width)
            self.blocks.append(Block(make(), prenorm, ssm, close))
        self.norm = make() if prenorm else None

    @classmethod
    def build(cls, spec: TaskSpec, size: Size, **hyperparameters: Any) -> Built:
        """Return a module that takes the task's inputs; if not `nonlinear`, its head has no norm."""
        built = assemble(cls, spec, size, **hyperparameters)
        assert isinstance(built, BuiltSequence)
        if not hyperparameters.get("nonlinear", True):
            built.head.norm = nn.Identity()
        return built

    def param_groups(self) -> list[ParamGroup]:
        """Return A and the steps, without weight decay and with a learning rate of at most `SSM_RATE`.

        Without `cap_dt`, the steps have the recipe's learning rate.
        """
        ssms = [module for module in self.modules() if isinstance(module, DiagonalSSM)]
        matrices = [p for ssm in ssms for p in (ssm.A_log, ssm.A_imag) if p is not None]
        steps: ParamGroup = {"params": [ssm.log_dt for ssm in ssms], "weight_decay": 0.0}
        if self.cap_dt:
            steps["max_rate"] = SSM_RATE
        return [{"params": matrices, "weight_decay": 0.0, "max_rate": SSM_RATE}, steps]


class Block(nn.Module):
    """One residual unit with a norm before it, after it, or none."""

    def __init__(self, norm: nn.Module | None, prenorm: bool, ssm: DiagonalSSM, close: nn.Module):
        super().__init__()
        self.before = norm if prenorm else None
        self.after = None if prenorm else norm
        self.ssm = ssm
        self.close = close

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        u = x if self.before is None else self.before(x, valid)
        y = x + self.close(self.ssm(u, valid))
        return y if self.after is None else self.after(y, valid)

    def init_state(self, batch: int) -> Tensor:
        return self.ssm.init_state(batch)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        u = x if self.before is None else self.before(x)
        y, state = self.ssm.step(u, state)
        y = x + self.close(y)
        return y if self.after is None else self.after(y), state


class GatedMap(nn.Module):
    """GELU and a gated linear unit (GLU), with dropout before, between and after them."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.dropout = TiedDropout(dropout)
        self.linear = nn.Linear(width, 2 * width)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(F.glu(self.linear(self.dropout(F.gelu(self.dropout(x))))))


class TiedDropout(Dropout):
    """Dropout of (batch, length, width) with one mask for all positions of a row."""

    def forward(self, x: Tensor) -> Tensor:
        return x * super().forward(torch.ones_like(x[:, :1])) if self.training and self.p else x


class DiagonalSSM(nn.Module):
    """``h[t] = exp(dt A) h[t-1] + x[t]``, ``y[t] = 2 Re <C (exp(dt A) - 1) / A, h[t]> + D x[t]`` per channel."""

    def __init__(
        self, width: int, d_state: int, causal: bool, init: Spectrum, log_dt: Tensor, n_ssm: int | None = None
    ):
        super().__init__()
        copies = n_ssm or width
        decay, frequency = spectrum(init, d_state)
        self.log_dt = nn.Parameter(log_dt)
        self.A_log = nn.Parameter(decay.log().repeat(copies, 1))
        self.A_imag = None if frequency is None else nn.Parameter(frequency.repeat(copies, 1))
        self.C = nn.Parameter(initial_output_weights(init, d_state, 1 if causal else 2, width))
        self.D = nn.Parameter(torch.randn(width))

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        x = zero_padding(x, valid)
        exponent, read = self.discretised()
        return long_convolution(x, power_sum(read, exponent, x.shape[1])) + self.D * x

    def init_state(self, batch: int) -> Tensor:
        """Return zeros (batch, width, modes)."""
        exponent, _ = self.discretised()
        return exponent.new_zeros(batch, *exponent.shape)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        exponent, (read, *_) = self.discretised()
        state = exponent.exp() * state + x[..., None]
        return (read * state).real.sum(-1).to(x.dtype) + self.D * x, state

    def discretised(self) -> tuple[Tensor, Tensor]:
        """Return the exponents ``dt A`` (width, modes) and the output weights (directions, width, modes)."""
        A, C = -self.A_log.exp(), self.C
        if self.A_imag is not None:
            # A mode and its conjugate sum to twice the real part.
            A, C = torch.complex(A, self.A_imag), 2 * torch.view_as_complex(C)
        A = A.repeat(len(self.log_dt) // len(A), 1)
        exponent = self.log_dt.exp()[:, None] * A
        return exponent, C * (exponent.exp() - 1) / A


def initial_output_weights(init: Spectrum, d_state: int, directions: int, width: int) -> Tensor:
    """Return a random C, with real and imaginary parts on a last axis if complex; "legs" scales it per mode."""
    if init == "real":
        return torch.randn(directions, width, d_state)
    C = torch.randn(directions, width, d_state // 2, 2) * math.sqrt(0.5)
    if init == "legs":
        C = C * torch.tensor(legs_modes(d_state)[1], dtype=C.dtype, device=C.device)[:, None]
    return C


def power_sum(weight: Tensor, exponent: Tensor, length: int) -> Tensor:
    """Return ``Re sum_n weight_n exp(l exponent_n)`` for l below `length`, (directions, width, length).

    Each power is split into two factors with about sqrt(length) distinct values each, so the sum over
    modes is a matrix product and no tensor of size (width, modes, length) is needed.

    Parameters
    ----------
    weight
        (directions, width, modes), real or complex.
    exponent
        (width, modes).
    """
    inner = math.ceil(math.sqrt(length))
    ticks = torch.arange(inner, device=exponent.device)
    outer = ticks[: math.ceil(length / inner)]
    fine = (exponent[..., None] * ticks).exp()
    coarse = weight[..., None] * (exponent[..., None] * (inner * outer)).exp()
    if exponent.is_complex():
        fine, coarse = torch.cat((fine.real, -fine.imag), 1), torch.cat((coarse.real, coarse.imag), 2)
    return (coarse.mT @ fine).flatten(2)[..., :length]


def long_convolution(x: Tensor, kernels: Tensor) -> Tensor:
    """Convolve each channel of `x` (batch, length, width) with a filter as long as the row, by Fourier transform.

    Parameters
    ----------
    kernels
        (directions, width, length): the first over lags 0, 1, ..., and an optional second over
        leads 1, 2, ....
    """
    length, precision = x.shape[1], accumulator(x.dtype)
    circle = F.pad(kernels[0], (0, length))
    if len(kernels) == 2:
        circle = circle + F.pad(kernels[1].flip(-1), (length, 0))
    transformed = torch.fft.rfft(x.mT.to(precision), 2 * length) * torch.fft.rfft(circle)
    return torch.fft.irfft(transformed, 2 * length)[..., :length].mT.to(x.dtype)
