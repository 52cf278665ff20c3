"""Compiles the C files of the kernels at first use and loads them.

The library lies in a cache folder under a name that is the hash of its source, its flags and everything the
compiler says of itself and of this processor, so that a new compiler or another machine on a shared home never
meets a foreign file.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from torch import Tensor

COMMON = Path(__file__).with_name("vector.c")
BASE = ("-O3", "-std=gnu11", "-fPIC", "-ffp-contract=fast", "-fno-math-errno", "-fvisibility=hidden")
EXTRAS = (("-march=native", "-fopenmp"), ("-march=native",), ("-fopenmp",), ())
"""Tried in turn: some compilers, that of macOS among them, refuse one or the other."""


class CompileError(Exception):
    """No library could be made, and why."""


class Rows(ctypes.Structure):
    """A (batch, length, width) float array whose last axis is contiguous, with its strides in floats."""

    _fields_ = (("data", ctypes.c_void_p), ("batch", ctypes.c_int64), ("step", ctypes.c_int64))

    @classmethod
    def of(cls, x: Tensor | None, *, reverse: bool = False) -> Rows:
        """Describe `x`, whose last axis is contiguous, from its last step where reversed; None is a null pointer."""
        if x is None:
            return cls(None, 0, 0)
        if reverse:
            return cls(x[:, -1].data_ptr(), _floats(x, 0), -_floats(x, 1))
        return cls(x.data_ptr(), _floats(x, 0), _floats(x, 1))


def _floats(x: Tensor, axis: int) -> int:
    """Return the stride along an axis in floats, of which a complex number is two."""
    return x.stride(axis) * (2 if x.is_complex() else 1)


def pointer(x: Tensor | None) -> int | None:
    """Return the address of a contiguous tensor, or of nothing."""
    return None if x is None else x.data_ptr()


def pointers(*names: str) -> tuple[tuple[str, type], ...]:
    """Return the fields of a structure for pointers of these names."""
    return tuple((name, ctypes.c_void_p) for name in names)


def as_rows(x: Tensor) -> Tensor:
    """Return `x`, copied only where its last axis is not contiguous, or a conjugation is still to be done."""
    x = x.resolve_conj()
    return x if x.stride(-1) == 1 else x.contiguous()


def library(source: Path) -> ctypes.CDLL | None:
    """Return the compiled `source`, or None where that cannot be had; `unavailable_reason` then tells why."""
    found = _load(source)
    return None if isinstance(found, str) else found


def unavailable_reason(source: Path) -> str | None:
    """Return why `source` is not to be had as a library, or None where it is."""
    found = _load(source)
    return found if isinstance(found, str) else None


def _load(source: Path) -> ctypes.CDLL | str:
    if os.environ.get("ARCHARENA_NATIVE") == "0":
        return "the environment variable ARCHARENA_NATIVE is 0"
    return _load_once(source)


@functools.cache
def _load_once(source: Path) -> ctypes.CDLL | str:
    try:
        return ctypes.CDLL(str(build(source)))
    except (CompileError, OSError) as error:
        warnings.warn(f"{source.stem} runs without its C kernel, slower: {error}", RuntimeWarning, stacklevel=2)
        return str(error)


def build(source: Path) -> Path:
    """Return the library made of `source`, from the cache where it is there already.

    Raises
    ------
    CompileError
        Where no compiler is found, or none of the sets of flags works.
    OSError
        Where the cache folder cannot be written.
    """
    code = (COMMON.read_text("utf-8") + source.read_text("utf-8")).encode()
    compiler, errors = find_compiler(), []
    for extra in EXTRAS:
        command = (*compiler, *BASE, *extra)
        try:
            target = cache_folder() / f"{source.stem}-{_key(command, code)}.so"
            if not target.exists():
                _compile(command, code, target)
            return target
        except CompileError as error:
            errors.append(str(error))
    raise CompileError(f"{shlex.join(compiler)} could not compile {source.name}: {errors[-1]}")


def find_compiler() -> tuple[str, ...]:
    """Return the command of the C compiler: that of the variable CC, else cc, gcc or clang."""
    if chosen := os.environ.get("CC"):
        return tuple(shlex.split(chosen))
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return (found,)
    raise CompileError("no C compiler found; install gcc or clang, or name one in the environment variable CC")


def cache_folder() -> Path:
    """Return the folder of compiled libraries, made where it is missing."""
    chosen = os.environ.get("ARCHARENA_CACHE")
    folder = (Path(chosen) if chosen else platformdirs.user_cache_path("archarena")) / "native"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _key(command: tuple[str, ...], code: bytes) -> str:
    """Hash the source, the flags, and the macros that the compiler predefines: its version and the processor's sets."""
    macros = _run((*command, "-dM", "-E", "-x", "c", os.devnull))
    return hashlib.sha256(b"\0".join((shlex.join(command).encode(), macros, code))).hexdigest()[:20]


def _compile(command: tuple[str, ...], code: bytes, target: Path) -> None:
    """Compile beside the target and move into place, so that no process ever sees half a file."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder, target.name)
        _run((*command, "-shared", "-x", "c", "-", "-o", str(made)), code)
        made.replace(target)


def _run(command: tuple[str, ...], given: bytes = b"") -> bytes:
    try:
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise CompileError(f"there is no {command[0]}") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise CompileError(lines[-1] if lines else f"it exited with {error.returncode}") from None
