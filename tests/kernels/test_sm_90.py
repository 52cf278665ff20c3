"""Triton kernels compile for a Hopper GPU on a machine without one: no stack, and few enough registers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

triton = pytest.importorskip("triton")

from archarena.kernels.chunked_attention import on_gpu as attention_sizes  # noqa: E402
from archarena.kernels.chunked_attention import triton_kernels as attention  # noqa: E402
from archarena.kernels.depthwise_conv import triton_kernels as conv  # noqa: E402
from archarena.kernels.feature_gate import triton_kernels as gate  # noqa: E402
from archarena.kernels.mu_layer import triton_kernels as mu  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

HOPPER = GPUTarget("cuda", 90, 32)
SHARED = 227 * 1024
"""Bytes of shared memory that a program may have on Hopper."""

TOOL = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"


def resources(kernel, kinds, constants, warps, file, aligned_sizes=True):
    """Compile and return registers and bytes of stack, a thread, and bytes of shared memory, a program.

    `kinds` names the type of each argument that is no constant; pointers are taken to be divisible by 16, and so are
    counts of channels and strides unless `aligned_sizes` is false.
    """
    signature = {name: kinds.get(name, "constexpr") for name in kernel.arg_names}
    aligned = [
        i
        for i, name in enumerate(kernel.arg_names)
        if signature[name][0] == "*" or (aligned_sizes and name.endswith(("s", "step")))
    ]
    source = ASTSource(
        fn=kernel,
        signature=signature,
        constexprs={(kernel.arg_names.index(name),): value for name, value in constants.items()},
        attrs={(i,): [["tt.divisibility", 16]] for i in aligned},
    )
    binary = triton.compile(source, target=HOPPER, options={"num_warps": warps})
    file.write_bytes(binary.asm["cubin"])
    usage = subprocess.run([TOOL, "--dump-resource-usage", file], capture_output=True, text=True, check=True).stdout
    registers, stack = re.search(r"REG:(\d+) STACK:(\d+)", usage).groups()
    return int(registers), int(stack), binary.metadata.shared


def kinds(kernel, half, full, floats=()):
    """Return the types of arguments: half-precision pointers, float32 pointers, floats; all others are i32."""
    constants = {name for name in kernel.arg_names if name.isupper()}
    found = {name: "i32" for name in kernel.arg_names if name not in constants}
    found |= dict.fromkeys(half, "*bf16") | dict.fromkeys(full, "*fp32") | dict.fromkeys(floats, "fp32")
    return found


CONV = {"BIAS": True, "BLOCK_D": 64}
FEW, MANY = {"TAPS": 4}, {"TAPS": 17}
GATE = {"BLOCK_ROWS": 8, "BLOCK_N": 128}
EACH_KEY = {"LAPLACE": True, "CAUSAL": True, "BIAS": True, "VALID": True}
EACH_KEY |= {"BLOCK": attention_sizes.LARGEST, "BLOCK_MET": attention_sizes.LARGEST_MET}
EXACT, HALF = (
    {
        **EACH_KEY,
        "PRECISION": precision,
        "WIDTH": attention_sizes.WIDTH[precision],
        "BLOCK_OUT": attention_sizes.WIDEST[precision],
    }
    for precision in ("tf32x3", "tf32")
)
ROWS = ("own", "other", "given", "through", "met_through", "out")


def attention_case(kernel, constants, most):
    half = constants["PRECISION"] == "tf32"
    given = {name for name in kernel.arg_names if name in ROWS}
    full = {name for name in kernel.arg_names if name in ("bias", "seen", "dbias")} | (set() if half else given)
    types = kinds(kernel, given if half else (), full) | {"valid": "*u8"}
    return kernel, types, constants, 8, most


CASES = {
    "conv forward, 4 taps": (
        conv.forward_kernel,
        kinds(conv.forward_kernel, ("x", "y"), ("weight", "bias")),
        {**CONV, **FEW, "SILU": True, "RESIDUAL": False, "BLOCK_T": 64},
        8,
        64,
    ),
    "conv forward, 17 taps": (
        conv.forward_kernel,
        kinds(conv.forward_kernel, ("x", "y"), ("weight", "bias")),
        {**CONV, **MANY, "SILU": True, "RESIDUAL": True, "BLOCK_T": 64},
        8,
        64,
    ),
    "conv gradient before SiLU": (
        conv.dsum_kernel,
        kinds(conv.dsum_kernel, ("x", "dy", "dsum"), ("weight", "bias")),
        {**CONV, **MANY, "BLOCK_T": 64},
        8,
        80,
    ),
    "conv backward, 4 taps": (
        conv.backward_kernel,
        kinds(conv.backward_kernel, ("x", "dy", "dsum", "dx"), ("weight", "bias", "dweight", "dbias")),
        {**CONV, **FEW, "SILU": True, "RESIDUAL": False, "BLOCK_T": 64},
        16,
        96,
    ),
    "conv backward, 17 taps": (
        conv.backward_kernel,
        kinds(conv.backward_kernel, ("x", "dy", "dsum", "dx"), ("weight", "bias", "dweight", "dbias")),
        {**CONV, **MANY, "SILU": False, "RESIDUAL": True, "BLOCK_T": 64},
        16,
        80,
    ),
    "mu forward": (
        mu.forward_kernel,
        kinds(
            mu.forward_kernel,
            ("a", "c", "y"),
            ("weight_a", "bias_a", "weight_c", "bias_c", "alpha", "stats"),
            ("eps",),
        )
        | {"source": "*i32"},
        {"GROUPS": 2, "BLOCK_ROWS": 2, "BLOCK_D": 512},
        8,
        96,
    ),
    "mu backward": (
        mu.backward_kernel,
        kinds(
            mu.backward_kernel,
            ("a", "c", "dy", "dc"),
            ("weight_a", "bias_a", "weight_c", "bias_c", "alpha", "stats", "da", "dweights", "dalpha"),
        )
        | {"source": "*i32"},
        {"GROUPS": 2, "TILES": 16, "BLOCK_ROWS": 2, "BLOCK_D": 512},
        8,
        128,
    ),
    "gate forward": (gate.forward_kernel, kinds(gate.forward_kernel, ("entries", "scores", "y"), ()), GATE, 8, 32),
    "gate backward, one row of scores": (
        gate.backward_kernel,
        kinds(gate.backward_kernel, ("entries", "scores", "dy", "dentries"), ("dscores",)),
        {**GATE, "ONE_ROW": True},
        8,
        64,
    ),
    "gate backward, scores a row": (
        gate.backward_kernel,
        kinds(gate.backward_kernel, ("entries", "scores", "dy", "dentries", "dscores"), ()),
        {**GATE, "ONE_ROW": False},
        8,
        64,
    ),
    "attention": attention_case(attention.attend, {**EXACT, "TURNED": False}, 176),
    "attention, half": attention_case(attention.attend, {**HALF, "TURNED": True}, 176),
    "attention backward": attention_case(attention.differentiate, {**EXACT, "TURNED": False}, 255),
    "attention backward, half": attention_case(attention.differentiate, {**HALF, "TURNED": False}, 255),
    "attention backward, turned": attention_case(
        attention.differentiate, {**EXACT, "TURNED": True, "dbias": None}, 255
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_compiles_without_stack_and_within_its_registers(name, tmp_path):
    kernel, types, constants, warps, most = CASES[name]
    registers, stack, shared = resources(kernel, types, constants, warps, tmp_path / "kernel.cubin")
    assert stack == 0
    assert registers <= most
    assert shared <= SHARED


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("conv backward")])
@pytest.mark.parametrize("aligned_sizes", [True, False])
def test_a_convolution_in_float32_spills_nothing_at_any_width(name, aligned_sizes, tmp_path):
    kernel, types, constants, warps, _ = CASES[name]
    types = {argument: kind.replace("*bf16", "*fp32") for argument, kind in types.items()}
    _, stack, _ = resources(kernel, types, constants, warps, tmp_path / "kernel.cubin", aligned_sizes)
    assert stack == 0
