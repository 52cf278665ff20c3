"""Triton's interpreter must be chosen before Triton is imported, so these tests run in another process.

`tests/kernels/test_interpreted.py` starts it. To run them by hand:
``TRITON_INTERPRET=1 pytest tests/kernels/interpreted``.
"""

import importlib.util
import os
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from archarena.kernels import triton_launch


def load(name, folder):
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FOLDER = Path(__file__).parent
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1" and importlib.util.find_spec("triton") is not None
collect_ignore_glob = [] if INTERPRETED else ["test_*.py"]
if INTERPRETED:
    interpreter = load("interpreter", FOLDER)
    interpreter.scan_along_the_axis_only()
    interpreter.replace_the_language_once()


@pytest.fixture(scope="session")
def operands_of():
    """Return a function that draws operands like a test file of the CPU paths, given its name."""
    return lambda name, *arguments, **options: load(name, FOLDER.parent).operands(*arguments, **options)


@pytest.fixture
def short_segments(monkeypatch):
    """Cut sequences into segments of one tile, since long sequences are slow in the interpreter."""
    monkeypatch.setattr(triton_launch, "SHORTEST", 1)


@pytest.fixture
def guarded(monkeypatch):
    """Allocate each output inside a larger tensor of NaN, which must not change."""
    empty = torch.Tensor.new_empty

    @contextmanager
    def allocations():
        rooms = []

        def with_guards(self, *shape, **options):
            shape = torch.Size(shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)
            room = empty(self, (shape.numel() + 128,), **options).fill_(torch.nan)
            rooms.append((room, shape.numel()))
            return room[64:-64].view(shape)

        with monkeypatch.context() as patch:
            patch.setattr(torch.Tensor, "new_empty", with_guards)
            yield rooms
        for room, size in rooms:
            assert room[:64].isnan().all()
            assert room[size + 64 :].isnan().all()

    return allocations
