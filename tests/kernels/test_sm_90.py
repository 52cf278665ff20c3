"""Every Triton kernel compiles for a Hopper GPU (sm_90), spills nothing, and stays within its limit of registers."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import pytest
import torch

triton = pytest.importorskip("triton")

from archarena.kernels.chunked_attention import triton_backward as attention_backward  # noqa: E402
from archarena.kernels.chunked_attention import triton_forward as attention  # noqa: E402
from archarena.kernels.depthwise_conv import triton_backward as conv_backward  # noqa: E402
from archarena.kernels.depthwise_conv import triton_forward as conv  # noqa: E402
from archarena.kernels.ema import triton_backward as ema_backward  # noqa: E402
from archarena.kernels.ema import triton_forward as ema  # noqa: E402
from archarena.kernels.feature_gate import triton_backward as gate_backward  # noqa: E402
from archarena.kernels.feature_gate import triton_forward as gate  # noqa: E402
from archarena.kernels.linear_recurrence import triton_forward as recurrence  # noqa: E402
from archarena.kernels.mu_layer import triton_backward as mu_backward  # noqa: E402
from archarena.kernels.mu_layer import triton_forward as mu  # noqa: E402
from archarena.kernels.selective_scan import triton_backward as scan_backward  # noqa: E402
from archarena.kernels.selective_scan import triton_forward as scan  # noqa: E402
from archarena.kernels.ssd import triton_backward as ssd_backward  # noqa: E402
from archarena.kernels.ssd import triton_forward as ssd  # noqa: E402
from archarena.kernels.ssd.operation import Operands as SsdOperands  # noqa: E402
from archarena.kernels.triton_launch import channels_per_program  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

HOPPER = GPUTarget("cuda", 90, 32)
SHARED = 227 * 1024
"""Bytes of shared memory that a program may have on Hopper."""

TOOL = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"

ALIGNED = {"channels", "segment", "p", "n", "rows"}
"""Numbers that are multiples of 16, as are strides, unless a test states otherwise."""

SIZES = ALIGNED | {"length", "states", "averages", "heads", "batch", "size", "shared", "value", "chunks", "share"}
SIZES |= {"tiles", "dilation", "left"}
OTHERS = {"source": "*i32", "valid": "*u8", "eps": "fp32"}
"""All arguments but these, numbers and strides are pointers to rows or to parameters."""


def compiled(kernel, constants, options, halves=(), aligned_sizes=True):
    """Return registers, stack, local and shared bytes; pointers are to bfloat16 if in `halves`, else to float32."""
    signature, aligned = {}, {}
    for i, name in enumerate(kernel.arg_names):
        is_stride = name.endswith(("_batch", "_step", "_head"))
        if name in constants:
            signature[name] = "constexpr"
        elif name in SIZES or is_stride:
            signature[name] = "i32"
        else:
            signature[name] = OTHERS.get(name, "*bf16" if name in halves else "*fp32")
        number = signature[name] == "i32"
        divisible = aligned_sizes and (is_stride or name in ALIGNED) if number else signature[name][0] == "*"
        if divisible and not kernel.params[i].do_not_specialize_on_alignment:
            aligned[(i,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=aligned)
    made = triton.compile(source, target=HOPPER, options=options)
    return {**resources(made.asm["cubin"]), "SHARED": made.metadata.shared}


def resources(cubin):
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        shown = subprocess.run([TOOL, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True)
    return {name: int(re.search(rf"{name}:(\d+)", shown.stdout)[1]) for name in ("REG", "STACK", "LOCAL")}


CONV_ROWS = ("x", "y", "dy", "dsum", "dx")
CONV = {"BIAS": True, "BLOCK_D": 64, "BLOCK_T": 64}
FEW, MANY = {**CONV, "TAPS": 4}, {**CONV, "TAPS": 17}
MU = {"GROUPS": 2, "BLOCK_ROWS": 2, "BLOCK_D": 512}
GATE_ROWS = ("entries", "scores", "y", "dy", "dentries")
GATE = {"BLOCK_ROWS": 8, "BLOCK_N": 128}
ATTENTION_ROWS = ("own", "other", "given", "through", "met_through", "out")
EACH_KEY = {"LAPLACE": True, "CAUSAL": True, "BIAS": True, "VALID": True}
EACH_KEY |= {"BLOCK": attention.LARGEST, "BLOCK_MET": attention.LARGEST_MET}
EXACT, HALF = (
    {
        **EACH_KEY,
        "PRECISION": precision,
        "WIDTH": attention.WIDTH[precision],
        "BLOCK_OUT": attention.WIDEST[precision],
    }
    for precision in ("tf32x3", "tf32")
)
SCAN_ROWS = ("u", "delta", "B", "C", "z", "y", "dy", "du", "ddelta", "dz")
RECURRENCE = {"REVERSE": False, "STEPS": recurrence.STEPS, "CHANNELS": recurrence.CHANNELS, "HAS_INITIAL": True}
FORTH, BACK = {**RECURRENCE, "BACKWARD": False, "ENDS": False}, {**RECURRENCE, "BACKWARD": True, "ENDS": False}
EMA = {"REVERSE": False, "AVERAGES": 16, "CHANNELS": channels_per_program(128)}
SCAN = {"SOFTPLUS": True, "HAS_D": True, "HAS_Z": True, "HAS_BIAS": True, "COMPLEX": False, "STATES": 16}
SCAN |= {"CHUNK": scan.CHUNK, "ENDS": False}
COMPLEX = {"COMPLEX": True, "STATES": 8, "CHUNK": scan.COMPLEX_CHUNK}
FORWARD, BACKWARD = ({**SCAN, "CHANNELS": channels} for channels in (channels_per_program(128), scan_backward.CHANNELS))
BARE = {"HAS_D": False, "HAS_Z": False, "HAS_BIAS": False, "D": None, "z": None, "bias": None}
CAPPED = {"maxnreg": scan.REGISTERS}

CASES = {
    # name: kernel, constants, most registers, warps, bfloat16 rows
    "conv forward, 4 taps": (conv.forward_kernel, {**FEW, "SILU": True, "RESIDUAL": False}, 64, 8, CONV_ROWS),
    "conv forward, 17 taps": (conv.forward_kernel, {**MANY, "SILU": True, "RESIDUAL": True}, 64, 8, CONV_ROWS),
    "conv gradient before SiLU": (conv_backward.dsum_kernel, MANY, 80, 8, CONV_ROWS),
    "conv backward, 4 taps": (
        conv_backward.backward_kernel,
        {**FEW, "SILU": True, "RESIDUAL": False},
        96,
        16,
        CONV_ROWS,
    ),
    "conv backward, 17 taps": (
        conv_backward.backward_kernel,
        {**MANY, "SILU": False, "RESIDUAL": True},
        80,
        16,
        CONV_ROWS,
    ),
    "mu forward": (mu.forward_kernel, MU, 96, 8, ("a", "c", "y")),
    "mu backward": (mu_backward.backward_kernel, {**MU, "TILES": 16}, 128, 8, ("a", "c", "dy", "dc")),
    "gate forward": (gate.forward_kernel, GATE, 32, 8, GATE_ROWS),
    "gate backward, one row of scores": (gate_backward.backward_kernel, {**GATE, "ONE_ROW": True}, 64, 8, GATE_ROWS),
    "gate backward, one row of scores per row": (
        gate_backward.backward_kernel,
        {**GATE, "ONE_ROW": False},
        64,
        8,
        (*GATE_ROWS, "dscores"),
    ),
    "attention": (attention.attend, {**EXACT, "TURNED": False}, 176, 8, ()),
    "attention, half": (attention.attend, {**HALF, "TURNED": True}, 176, 8, ATTENTION_ROWS),
    "attention backward": (attention_backward.differentiate, {**EXACT, "TURNED": False}, 255, 8, ()),
    "attention backward, half": (attention_backward.differentiate, {**HALF, "TURNED": False}, 255, 8, ATTENTION_ROWS),
    "attention backward, turned": (
        attention_backward.differentiate,
        {**EXACT, "TURNED": True, "dbias": None},
        255,
        8,
        (),
    ),
    "recurrence": (recurrence.walk, {**FORTH, "COMPLEX": False}, 128, 1, ()),
    "recurrence, ends": (recurrence.walk, {**FORTH, "ENDS": True, "COMPLEX": False}, 128, 1, ()),
    "recurrence, backward": (recurrence.walk, {**BACK, "COMPLEX": False}, 168, 1, ()),
    "complex recurrence": (recurrence.walk, {**FORTH, "COMPLEX": True}, 168, 1, ()),
    "complex recurrence, backward": (recurrence.walk, {**BACK, "COMPLEX": True}, 255, 1, ()),
    "averages": (ema.run, {**EMA, "WEIGH_INPUT": False}, 255, 1, ()),
    "averages, backward": (ema.run, {**EMA, "WEIGH_INPUT": True}, 255, 1, ()),
    "averages, parameters": (ema_backward.sensitivity, EMA, 255, 1, ()),
    "scan": (scan.scan, FORWARD, scan.REGISTERS, 1, ()),
    "scan, half": (scan.scan, FORWARD, scan.REGISTERS, 1, SCAN_ROWS),
    "scan, ends": (scan.scan, {**FORWARD, "ENDS": True}, scan.REGISTERS, 1, ()),
    "scan, backward": (scan_backward.scan_backward, BACKWARD, 255, 1, ()),
    "scan, backward, half": (scan_backward.scan_backward, BACKWARD, 255, 1, SCAN_ROWS),
    "scan, backward ends": (scan_backward.scan_backward, {**BACKWARD, "ENDS": True}, 255, 1, ()),
    "complex scan": (scan.scan, {**FORWARD, **COMPLEX}, scan.REGISTERS, 1, ()),
    "complex scan, ends": (scan.scan, {**FORWARD, **COMPLEX, "ENDS": True}, scan.REGISTERS, 1, ()),
    "complex scan, backward": (scan_backward.scan_backward, {**BACKWARD, **COMPLEX}, 255, 1, ()),
    "complex scan, backward ends": (scan_backward.scan_backward, {**BACKWARD, **COMPLEX, "ENDS": True}, 255, 1, ()),
    "bare scan": (scan.scan, {**FORWARD, **BARE}, scan.REGISTERS, 1, ()),
    "bare scan, backward": (scan_backward.scan_backward, {**BACKWARD, **BARE, "dz": None}, 255, 1, ()),
}


def options_of(kernel, warps):
    return {"num_warps": warps, **(CAPPED if kernel is scan.scan else {})}


@pytest.mark.parametrize("name", CASES)
def test_compiles_without_spills_and_within_its_registers(name):
    kernel, constants, registers, warps, halves = CASES[name]
    used = compiled(kernel, constants, options_of(kernel, warps), halves)
    assert (used["STACK"], used["LOCAL"]) == (0, 0), used
    assert used["REG"] <= registers, used
    assert used["SHARED"] <= SHARED, used


@pytest.mark.parametrize("name", ["averages", "averages, parameters", "scan", "scan, backward", "complex scan"])
def test_widths_that_are_not_multiples_of_16_do_not_spill(name):
    kernel, constants, _, warps, halves = CASES[name]
    if kernel is not scan_backward.scan_backward:
        constants = {**constants, "CHANNELS": channels_per_program(152, 40)}
    used = compiled(kernel, constants, options_of(kernel, warps), halves, aligned_sizes=False)
    assert (used["STACK"], used["LOCAL"]) == (0, 0), used


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("conv backward")])
@pytest.mark.parametrize("aligned_sizes", [True, False])
def test_a_convolution_in_float32_spills_nothing_at_any_width(name, aligned_sizes):
    kernel, constants, _, warps, _ = CASES[name]
    used = compiled(kernel, constants, options_of(kernel, warps), aligned_sizes=aligned_sizes)
    assert (used["STACK"], used["LOCAL"]) == (0, 0), used


SSD_ROWS = ("x", "given", "written", "B", "C", "dy", "out", "dB", "dC")
SSD = {
    "states": (ssd.walk, {"REVERSE": False, "ENDS": False}),
    "ends, backward": (ssd.walk, {"REVERSE": True, "ENDS": True}),
    "outputs": (ssd.read, {"BACKWARD": False}),
    "inputs, backward": (ssd.read, {"BACKWARD": True}),
    "backward": (ssd_backward.gradients, {}),
}
SINGLE = dict.fromkeys(("length", "heads", "p", "n", "segment"), 1)
"""A launch turns an argument that is one into a constant."""


@pytest.mark.parametrize(
    ("name", "by_channel", "dtype", "single"),
    [
        *((name, False, torch.float32, {}) for name in SSD),
        *((name, False, torch.bfloat16, {}) for name in ("states", "outputs", "backward")),
        *((name, True, torch.float32, {}) for name in ("states", "inputs, backward", "backward")),
        ("states", False, torch.float32, SINGLE),
        ("outputs", True, torch.float32, SINGLE),
    ],
)
def test_matrix_states_compile_without_spills(name, by_channel, dtype, single):
    kernel, constants = SSD[name]
    x = torch.empty(1, 1, 1, 128, dtype=dtype)
    constants = {**constants, **ssd.sizes(SsdOperands(x, x if by_channel else x[..., 0], x, x, None), x, x)}
    constants |= {size: one for size, one in single.items() if size in kernel.arg_names}
    warps = constants.pop("num_warps")
    used = compiled(kernel, constants, {"num_warps": warps}, SSD_ROWS if dtype == torch.bfloat16 else ())
    assert (used["STACK"], used["LOCAL"]) == (0, 0), used
    assert used["REG"] <= (192 if by_channel else 240), used
    assert used["SHARED"] <= SHARED, used
