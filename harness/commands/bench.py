"""``archarena bench``: speed of kernels, mixers and training steps on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import Device

app = typer.Typer(no_args_is_help=True, help="Measure speed. Example: archarena bench kernels --only selective_scan")

Output = Annotated[Path, typer.Option("--output", "-o", help="The folder that the report (JSON) goes into.")]
Threads = Annotated[int | None, typer.Option("--threads", help="Threads on a CPU. Default: all cores.")]
Seconds = Annotated[float, typer.Option("--seconds", help="Time for each thing that is timed.")]
Longest = Annotated[int | None, typer.Option("--longest", help="No sequence is longer. Default: see above.")]
PeerPython = Annotated[str | None, typer.Option("--peer-python", help="The Python that has the peers. Default: this.")]
DEFAULT_OUTPUT = Path("results/bench")


@app.callback()
def group() -> None:
    """Measure speed: of kernels, of mixers by length, of TCNCA's filter against MEGA's, of a step, of an epoch."""


@app.command("kernels")
def kernels(
    only: Annotated[list[str] | None, typer.Option("--only", help="A kernel; repeat for several.")] = None,
    device: Device = "auto",
    threads: Threads = None,
    seconds: Seconds = 1.0,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Time each kernel against its reference, plain torch, peers that are installed, and the roofline.

    Exit code: 1 where a kernel disagrees with its reference; such a kernel gets no time.

    Example: archarena bench kernels --only depthwise_conv
    """
    _launch("kernels", threads, device=device, only=only or [], seconds=seconds, output=str(output))


@app.command("lengths")
def lengths(
    only: Annotated[list[str] | None, typer.Option("--only", help="A model; repeat for several.")] = None,
    width: Annotated[int | None, typer.Option(help="Channels. Default: 64 on a CPU, 512 on a GPU.")] = None,
    longest: Longest = None,
    device: Device = "auto",
    threads: Threads = None,
    seconds: Seconds = 1.0,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Time one block of each sequence model, forward and backward, from length 256 to as far as memory goes.

    Ends at 16,384 on a CPU and at 131,072 on a GPU, and prints the exponent fitted to the four longest lengths.

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
    """Time TCNCA's filter against MEGA's in its three forms, length 1,024 to 131,072.

    The published ratios, 7.07 forward and 2.86 backward, are against the official form by powers and FFT; the ratio
    against the same filter as a plain recurrence is printed beside.

    Example: archarena bench filters --longest 16384
    """
    _launch("filters", threads, device=device, seconds=seconds, output=str(output), longest=longest)


@app.command("step")
def step(
    peer_python: PeerPython = None,
    threads: Threads = None,
    seconds: Annotated[float, typer.Option("--seconds", help="Time for each contestant.")] = 10.0,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Time a training step of a small mamba language model on the CPU, against transformers and mambapy.

    Peers are looked for in the environment of --peer-python; one that is not there is told and left out.

    Example: archarena bench step --peer-python peers/bin/python
    """
    _launch("step", threads, seconds=seconds, output=str(output), peer_python=peer_python)


@app.command("epoch")
def epoch(
    peer_python: PeerPython = None,
    threads: Threads = None,
    seconds: Annotated[float, typer.Option("--seconds", help="Time for each contestant.")] = 20.0,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Time an epoch of FinalMLP on the CPU, in the harness's training loop and in FuxiCTR's.

    FuxiCTR is looked for in the environment of --peer-python; where it is not there, that is told.

    Example: archarena bench epoch --peer-python peers/bin/python
    """
    _launch("epoch", threads, seconds=seconds, output=str(output), peer_python=peer_python)


@app.command("all")
def everything(
    device: Device = "auto",
    threads: Threads = None,
    seconds: Seconds = 1.0,
    peer_python: PeerPython = None,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Run all five, one after the other; on a GPU step and epoch are left out, as they are timed on a CPU.

    Example: archarena bench all --output leaderboard/records/speed/bench
    """
    from ..bench.launch import launch
    from ..running.environment import resolve_device

    common = {"seconds": seconds, "output": str(output)}
    on = {**common, "device": resolve_device(device)}
    jobs: list[tuple[str, dict[str, Any]]] = [
        ("kernels", {**on, "only": []}),
        ("filters", {**on, "longest": None}),
        ("lengths", {**on, "only": [], "width": None, "longest": None}),
    ]
    if on["device"] == "cpu":
        jobs += [(what, {**common, "peer_python": peer_python}) for what in ("step", "epoch")]
    # Of one that was killed the code is negative.
    raise typer.Exit(max(abs(launch(what, threads, options)) for what, options in jobs))


def _launch(what: str, threads: int | None, **options: Any) -> None:
    from ..bench.launch import launch

    raise typer.Exit(launch(what, threads, options))
