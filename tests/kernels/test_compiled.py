"""Every Triton kernel compiles for a Hopper GPU on a machine without one: no stack, and few enough registers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

triton = pytest.importorskip("triton")

from archarena.kernels.depthwise_conv import triton_kernels as conv  # noqa: E402
from archarena.kernels.mu_layer import triton_kernels as mu  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

HOPPER = GPUTarget("cuda", 90, 32)
TOOL = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"


def resources(kernel, kinds, constants, warps, file):
    """Compile and return (registers, bytes of stack) a thread.

    `kinds` names the type of each argument that is no constant; pointers and counts of channels are taken to be
    divisible by 16, as a launch finds them.
    """
    signature = {name: kinds.get(name, "constexpr") for name in kernel.arg_names}
    aligned = [
        i for i, name in enumerate(kernel.arg_names) if signature[name][0] == "*" or name.endswith(("s", "step"))
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
    return int(registers), int(stack)


def kinds(kernel, half, full, floats=()):
    """Return the types of arguments: half-precision pointers, float32 pointers, floats; all others are i32."""
    constants = {name for name in kernel.arg_names if name.isupper()}
    found = {name: "i32" for name in kernel.arg_names if name not in constants}
    found |= dict.fromkeys(half, "*bf16") | dict.fromkeys(full, "*fp32") | dict.fromkeys(floats, "fp32")
    return found


CONV = {"BIAS": True, "BLOCK_D": 64}
FEW, MANY = {"TAPS": 4}, {"TAPS": 17}
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
        {**CONV, **FEW, "SILU": True, "RESIDUAL": False, "BLOCK_T": 128},
        16,
        128,
    ),
    "conv backward, 17 taps": (
        conv.backward_kernel,
        kinds(conv.backward_kernel, ("x", "dy", "dsum", "dx"), ("weight", "bias", "dweight", "dbias")),
        {**CONV, **MANY, "SILU": False, "RESIDUAL": True, "BLOCK_T": 128},
        16,
        128,
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
}


@pytest.mark.parametrize("name", CASES)
def test_compiles_without_stack_and_within_its_registers(name, tmp_path):
    kernel, types, constants, warps, most = CASES[name]
    registers, stack = resources(kernel, types, constants, warps, tmp_path / "kernel.cubin")
    assert stack == 0
    assert registers <= most
