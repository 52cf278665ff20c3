"""``archarena bench``: the speed of kernels, blocks of models and training steps on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .options import Data, Device, TierName, finite, usable_path

app = typer.Typer(no_args_is_help=True, help="Measure speed. Example: archarena bench kernels --only selective_scan")

Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="DIR", parser=usable_path, help="Folder for the JSON report.")
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, max=1024, help="Number of CPU threads. Default: all cores.")
]
Seconds = Annotated[float, typer.Option("--seconds", metavar="NUMBER", parser=finite, help="Seconds per timed call.")]
Longest = Annotated[
    int | None, typer.Option("--longest", min=1, max=2**24, help="Maximum sequence length. Default: see above.")
]
PeerPython = Annotated[str | None, typer.Option("--peer-python", help="Python with the peers. Default: this one.")]
DEFAULT_OUTPUT = Path("results/bench")


@app.command("kernels")
def kernels(
    only: Annotated[list[str] | None, typer.Option("--only", help="Kernel to time; repeat for several.")] = None,
    device: Device = "auto",
    threads: Threads = None,
    seconds: Seconds = 1.0,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Compare each kernel with its reference, plain torch, installed peers and the roofline.

    Exit code: 1 if a kernel disagrees with its reference. Such a kernel is not timed.

    Example: archarena bench kernels --only depthwise_conv
    """
    _launch("kernels", threads, device=device, only=only or [], seconds=seconds, output=str(output))


@app.command("lengths")
def lengths(
    only: Annotated[list[str] | None, typer.Option("--only", help="Model to time; repeat for several.")] = None,
    width: Annotated[
        int | None, typer.Option(min=1, max=2**16, help="Channels. Default: 64 on a CPU, 512 on a GPU.")
    ] = None,
    longest: Longest = None,
    device: Device = "auto",
    threads: Threads = None,
    seconds: Seconds = 1.0,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Time one block of each sequence model, forward and backward, from length 256 until memory runs out.

    Stops at length 16,384 on a CPU and 131,072 on a GPU. Prints the exponent fitted to the four longest lengths.

    Example: archarena bench lengths --only mamba --only transformer
    """
    options = {"only": only or [], "width": width, "longest": longest}
    _launch("lengths", threads, device=device, seconds=seconds, output=str(output), **options)


@app.command("filters")
def filters(
    longest: Longest = None,
    device: Device = "auto",
    threads: Threads = None,
    seconds: Seconds = 1.0,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Compare TCNCA's filter with three forms of MEGA's, at lengths 1,024 to 131,072.

    The published ratios, 7.07 forward and 2.86 backward, refer to the official form (powers and FFT). The ratio to
    the same filter as a plain recurrence is also printed.

    Example: archarena bench filters --longest 16384
    """
    _launch("filters", threads, device=device, seconds=seconds, output=str(output), longest=longest)


@app.command("ensemble")
def ensemble(
    only: Annotated[list[str] | None, typer.Option("--only", help="Model to time; repeat for several.")] = None,
    tier: Annotated[str, typer.Option("--tier", help="Tier that gives the body size.")] = "quick",
    seconds: Seconds = 1.0,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Time a training step of 1, 2, 4 and 8 seeds as one ensemble, on one CPU thread.

    Prints the time per seed, and its ratio to a step of one seed alone. Ratios below 1 say that seeds train faster
    together.

    Example: archarena bench ensemble --only fm --only mlp
    """
    _launch("ensemble", 1, seconds=seconds, output=str(output), only=only or [], tier=tier)


@app.command("step")
def step(
    peer_python: PeerPython = None,
    threads: Threads = None,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="NUMBER", parser=finite, help="Seconds per contestant.")
    ] = 10.0,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Compare a CPU training step of a small mamba language model with transformers and mambapy.

    Peers are imported in the environment of --peer-python. A missing peer is reported and left out.

    Example: archarena bench step --peer-python peers/bin/python
    """
    _launch("step", threads, seconds=seconds, output=str(output), peer_python=peer_python)


@app.command("epoch")
def epoch(
    peer_python: PeerPython = None,
    threads: Threads = None,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="NUMBER", parser=finite, help="Seconds per contestant.")
    ] = 20.0,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Time an epoch of FinalMLP on the CPU in the harness's training loop and in FuxiCTR's.

    FuxiCTR is imported in the environment of --peer-python. If it is missing, that is reported.

    Example: archarena bench epoch --peer-python peers/bin/python
    """
    _launch("epoch", threads, seconds=seconds, output=str(output), peer_python=peer_python)


@app.command("harness")
def harness(
    model: Annotated[list[str] | None, typer.Option("--model", "-m", help="A model; repeat for several.")] = None,
    task: Annotated[list[str] | None, typer.Option("--task", "-t", help="A task; repeat for several.")] = None,
    tier: TierName = "quick",
    data: Data = None,
    device: Device = "auto",
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Show where the time of cells goes: imports, set-up, training, validation, prediction, scoring and recording.

    The first cell has a model without layers and a single step, so all its seconds are the harness's.

    Example: archarena bench harness --model mamba --task recall-induction
    """
    from ..bench.overhead import MODELS, TASKS, bench_harness
    from ..contract.data_source import data_folder
    from ..running.environment import resolve_device

    chosen = resolve_device(device)
    rows = list(bench_harness(model or MODELS, task or TASKS, tier, data_folder(data), chosen))

    from ..bench import report  # imports torch, which would share the cores with the cells

    console = report.make_console()
    report.harness_table(console, rows)
    path = report.write_report(output, "harness", chosen, {"rows": rows})
    console.print(f"Wrote {path}", soft_wrap=True)


@app.command("all")
def everything(
    device: Device = "auto",
    threads: Threads = None,
    seconds: Seconds = 1.0,
    peer_python: PeerPython = None,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Run all six benchmarks in sequence. On a GPU, ensemble, step and epoch are left out: they are CPU benchmarks.

    Example: archarena bench all --output leaderboard/records/speed/bench
    """
    from ..running.environment import resolve_device

    common = {"seconds": seconds, "output": str(output)}
    on = {**common, "device": resolve_device(device)}
    jobs: list[tuple[str, dict[str, Any]]] = [
        ("kernels", {**on, "only": []}),
        ("filters", {**on, "longest": None}),
        ("lengths", {**on, "only": [], "width": None, "longest": None}),
    ]
    if on["device"] == "cpu":
        jobs.append(("ensemble", {**common, "only": [], "tier": "quick"}))
        jobs += [(what, {**common, "peer_python": peer_python}) for what in ("step", "epoch")]
    # A killed process has a negative exit code.
    raise typer.Exit(max(abs(_exit_code(what, threads, options)) for what, options in jobs))


def _launch(what: str, threads: int | None, **options: Any) -> None:
    raise typer.Exit(_exit_code(what, threads, options))


def _exit_code(what: str, threads: int | None, options: dict[str, Any]) -> int:
    """Run a benchmark in a child process with the allocator settings of a trial, on the first GPU if it uses one."""
    from ..processes.environment import child_environment
    from ..running.environment import gpus

    command = [sys.executable, "-m", "archarena.harness.bench.worker", what, json.dumps(options)]
    environment = child_environment(threads or os.cpu_count() or 1, next((gpu.id for gpu in gpus()), None))
    return subprocess.run(command, env=environment).returncode
