"""Every Triton kernel compiles for Hopper (sm_90) without a GPU, spills nothing, and keeps to its registers."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import pytest
import torch

triton = pytest.importorskip("triton")

from archarena.kernels.ema import triton_averages  # noqa: E402
from archarena.kernels.linear_recurrence import triton_walk  # noqa: E402
from archarena.kernels.selective_scan import triton_backward, triton_forward  # noqa: E402
from archarena.kernels.ssd import triton_backward as ssd_backward  # noqa: E402
from archarena.kernels.ssd import triton_outputs, triton_states  # noqa: E402
from archarena.kernels.triton_support import channels_a_program  # noqa: E402

HALVES = ("u", "delta", "B", "C", "z", "y", "dy", "du", "ddelta", "dz", "x", "given", "written", "out", "dB", "dC")
SIZES = {"length", "channels", "averages", "states", "segment", "heads", "p", "n"}
SHARED = 227 * 1024
"""Bytes of shared memory that a program may have on Hopper."""


def compiled(kernel, constants, options=(), halves=(), aligned_sizes=True):
    """Return registers, stack and shared bytes of a kernel whose pointers are to float32, but `halves` to bfloat16.

    Widths and strides are multiples of 16, unless `aligned_sizes` is false.
    """
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    signature, aligned = {}, {}
    for i, name in enumerate(kernel.arg_names):
        if name in constants:
            signature[name] = "constexpr"
        elif name in SIZES or name.endswith(("_batch", "_step", "_head")):
            signature[name] = "i32"
        else:
            signature[name] = "*bf16" if name in halves else "*fp32"
        taken_as_any = (
            name in ("length", "states", "averages", "heads")
            or kernel.params[i].do_not_specialize_on_alignment
            or (signature[name] == "i32" and not aligned_sizes)
        )
        if signature[name] != "constexpr" and not taken_as_any:
            aligned[(i,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=aligned)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 1, **dict(options)})
    return {**resources(made.asm["cubin"]), "SHARED": made.metadata.shared}


def resources(cubin):
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        told = subprocess.run([tool, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True)
    return {name: int(re.search(rf"{name}:(\d+)", told.stdout)[1]) for name in ("REG", "STACK", "LOCAL")}


WALK = {"REVERSE": False, "STEPS": triton_walk.STEPS, "CHANNELS": triton_walk.CHANNELS, "HAS_INITIAL": True}
EMA = {"REVERSE": False, "AVERAGES": 16, "CHANNELS": channels_a_program(128)}
SCAN = {"SOFTPLUS": True, "HAS_D": True, "HAS_Z": True, "HAS_BIAS": True, "COMPLEX": False, "STATES": 16}
COMPLEX = {"COMPLEX": True, "STATES": 8, "CHUNK": triton_forward.COMPLEX_CHUNK}
FORWARD, BACKWARD = (
    {**SCAN, "CHUNK": triton_forward.CHUNK, "CHANNELS": channels}
    for channels in (channels_a_program(128), triton_backward.CHANNELS)
)
NOTHING_OPTIONAL = {"HAS_D": False, "HAS_Z": False, "HAS_BIAS": False, "D": None, "z": None, "bias": None, "dz": None}

KERNELS = {
    "recurrence": (triton_walk.walk, 128, {**WALK, "BACKWARD": False, "ENDS": False, "COMPLEX": False}),
    "recurrence, ends": (triton_walk.walk, 128, {**WALK, "BACKWARD": False, "ENDS": True, "COMPLEX": False}),
    "recurrence, backward": (triton_walk.walk, 168, {**WALK, "BACKWARD": True, "ENDS": False, "COMPLEX": False}),
    "complex recurrence": (triton_walk.walk, 168, {**WALK, "BACKWARD": False, "ENDS": False, "COMPLEX": True}),
    "complex recurrence, backward": (triton_walk.walk, 255, {**WALK, "BACKWARD": True, "ENDS": False, "COMPLEX": True}),
    "averages": (triton_averages.run, 255, {**EMA, "WEIGH_INPUT": False}),
    "averages, backward": (triton_averages.run, 255, {**EMA, "WEIGH_INPUT": True}),
    "averages, parameters": (triton_averages.sensitivity, 255, EMA),
    "scan": (triton_forward.scan, triton_forward.REGISTERS, {**FORWARD, "ENDS": False}),
    "scan, ends": (triton_forward.scan, triton_forward.REGISTERS, {**FORWARD, "ENDS": True}),
    "scan, backward": (triton_backward.scan_backward, 255, {**BACKWARD, "ENDS": False}),
    "scan, backward ends": (triton_backward.scan_backward, 255, {**BACKWARD, "ENDS": True}),
    "complex scan": (triton_forward.scan, triton_forward.REGISTERS, {**FORWARD, **COMPLEX, "ENDS": False}),
    "complex scan, ends": (triton_forward.scan, triton_forward.REGISTERS, {**FORWARD, **COMPLEX, "ENDS": True}),
    "complex scan, backward": (triton_backward.scan_backward, 255, {**BACKWARD, **COMPLEX, "ENDS": False}),
    "complex scan, backward ends": (triton_backward.scan_backward, 255, {**BACKWARD, **COMPLEX, "ENDS": True}),
    "bare scan": (
        triton_forward.scan,
        triton_forward.REGISTERS,
        {**FORWARD, "ENDS": False, **{k: v for k, v in NOTHING_OPTIONAL.items() if k != "dz"}},
    ),
    "bare scan, backward": (triton_backward.scan_backward, 255, {**BACKWARD, "ENDS": False, **NOTHING_OPTIONAL}),
}


@pytest.mark.parametrize(
    ("name", "halves"), [*((name, ()) for name in KERNELS), ("scan", HALVES), ("scan, backward", HALVES)]
)
def test_compiles_for_hopper_without_spills(name, halves):
    kernel, registers, constants = KERNELS[name]
    used = compiled(kernel, constants, {"maxnreg": registers} if kernel is triton_forward.scan else {}, halves)
    assert (used["STACK"], used["LOCAL"]) == (0, 0), used
    assert used["REG"] <= registers, used


@pytest.mark.parametrize("name", ["averages", "averages, parameters", "scan", "scan, backward", "complex scan"])
def test_widths_that_are_no_multiples_of_16_spill_nothing_either(name):
    kernel, registers, constants = KERNELS[name]
    if kernel is not triton_backward.scan_backward:
        constants = {**constants, "CHANNELS": channels_a_program(152, 40)}
    options = {"maxnreg": registers} if kernel is triton_forward.scan else {}
    used = compiled(kernel, constants, options, aligned_sizes=False)
    assert (used["STACK"], used["LOCAL"]) == (0, 0), used


SSD = {
    "states": (triton_states.walk, {"REVERSE": False, "ENDS": False}),
    "ends, backward": (triton_states.walk, {"REVERSE": True, "ENDS": True}),
    "outputs": (triton_outputs.read, {"BACKWARD": False}),
    "inputs, backward": (triton_outputs.read, {"BACKWARD": True}),
    "backward": (ssd_backward.gradients, {}),
}
SINGLE = dict.fromkeys(("length", "heads", "p", "n", "segment"), 1)
"""A launch makes a constant of an argument that is one."""


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
def test_matrix_states_compile_for_hopper_without_spills(name, by_channel, dtype, single):
    kernel, constants = SSD[name]
    x = torch.empty(1, 1, 1, 128, dtype=dtype)
    constants = {**constants, **triton_states.sizes(x, x, by_channel)}
    constants |= {size: one for size, one in single.items() if size in kernel.arg_names}
    warps = constants.pop("num_warps")
    used = compiled(kernel, constants, {"num_warps": warps}, HALVES if dtype == torch.bfloat16 else ())
    assert (used["STACK"], used["LOCAL"]) == (0, 0), used
    assert used["REG"] <= (192 if by_channel else 240), used
    assert used["SHARED"] <= SHARED, used
