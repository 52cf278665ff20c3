"""Compiles the C files of the kernels at first use, loads them and calls them.

A library is kept in a cache folder. Its name is a hash of its source, its flags and everything the compiler reports
about itself and this processor, so a new compiler, or another machine that shares the home folder, never loads a
library that does not fit it. The name ends with a hash of the library itself, because loading a damaged one can kill
the process: a file that does not match its name is compiled again.
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
from typing import Any, ClassVar

import platformdirs
import torch
from torch import Tensor

COMMON = Path(__file__).with_name("vector.c")
BASE = ("-O3", "-std=gnu11", "-fPIC", "-ffp-contract=fast", "-fno-math-errno", "-fvisibility=hidden")
EXTRAS = (("-march=native", "-fopenmp"), ("-march=native",), ("-fopenmp",), ())
"""Tried in turn: some compilers refuse one or the other, for example Apple's."""


class CompileError(Exception):
    """No library could be made; the message gives the reason."""


class RowArray(ctypes.Structure):
    """`rows` of vector.c: a (batch, length, width) float array, its last axis contiguous, and its strides in floats."""

    _fields_ = (("data", ctypes.c_void_p), ("batch", ctypes.c_int64), ("step", ctypes.c_int64))

    @classmethod
    def of(cls, x: Tensor | None, *, reverse: bool) -> RowArray:
        """Describe `x`, from its last step backward if `reverse`; None is a null pointer."""
        if x is None:
            return cls(None, 0, 0)
        floats = 2 if x.is_complex() else 1
        batch, step = floats * x.stride(0), floats * x.stride(1)
        return cls(x[:, -1].data_ptr(), batch, -step) if reverse else cls(x.data_ptr(), batch, step)


class Arguments(ctypes.Structure):
    """A structure that a C function takes; keeps the tensors alive to which it points."""

    kinds: ClassVar[tuple[tuple[str, type], ...]] = ()
    """The same as `_fields_`."""

    def __init__(self, **values: Any) -> None:
        """Set fields by name. Tensors that C cannot read in place are copied; with `reverse`, time runs backward."""
        reverse = values.pop("reverse", False)
        values.setdefault("threads", torch.get_num_threads())
        fields, self._tensors = [], []
        for name, kind in self.kinds:
            if kind is not RowArray and kind is not ctypes.c_void_p:
                fields.append(values[name])
                continue
            x = values.get(name)
            if x is not None:
                x = as_rows(x) if kind is RowArray else x.contiguous().resolve_conj()
                self._tensors.append(x)
            if kind is RowArray:
                fields.append(RowArray.of(x, reverse=reverse))
            else:
                fields.append(None if x is None else x.data_ptr())
        super().__init__(*fields)

    def point(self, name: str, x: Tensor) -> None:
        """Let a field point to a contiguous tensor."""
        self._tensors.append(x)
        setattr(self, name, x.data_ptr())


def arguments(integers: str = "", *, floats: str = "", rows: str = "", pointers: str = "") -> type[Arguments]:
    """Return a structure with these fields, named as in C and in this order."""
    kinds = ((integers, ctypes.c_int64), (floats, ctypes.c_float), (rows, RowArray), (pointers, ctypes.c_void_p))
    fields = tuple((name, kind) for names, kind in kinds for name in names.split())
    return type("Arguments", (Arguments,), {"_fields_": fields, "kinds": fields})


def as_rows(x: Tensor) -> Tensor:
    """Return `x`, copied only if its last axis is not contiguous or a conjugation is still pending."""
    x = x.resolve_conj()
    return x if x.stride(-1) == 1 else x.contiguous()


def call(operation: str, function: str, *given: Arguments) -> int:
    """Call a function of an operation's library, and return its integer if it has one."""
    functions = library(source_of(operation))
    assert functions is not None, f"the path of {operation} is C, but it has no library"
    run = getattr(functions, function)
    run.restype = ctypes.c_int64
    return run(*map(ctypes.byref, given))


@functools.cache
def source_of(operation: str) -> Path:
    return Path(__file__).parent / operation / f"{operation}.c"


def library(source: Path) -> ctypes.CDLL | None:
    """Return the compiled `source`, or None if ARCHARENA_NATIVE is 0 or it could not be compiled or loaded."""
    return None if os.environ.get("ARCHARENA_NATIVE") == "0" else _load_once(source)


@functools.cache
def _load_once(source: Path) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(str(build(source)))
    except (CompileError, OSError) as error:
        warnings.warn(f"{source.stem} runs slower without its C kernel: {error}", RuntimeWarning, stacklevel=3)
        return None


def build(source: Path) -> Path:
    """Return the library compiled from `source`, from the cache if possible.

    Raises
    ------
    CompileError
        If no compiler is found, or none of the sets of flags works.
    OSError
        If the cache folder cannot be written.
    """
    code = (COMMON.read_text("utf-8") + source.read_text("utf-8")).encode()
    compiler, errors = find_compiler(), []
    for extra in EXTRAS:
        command = (*compiler, *BASE, *extra)
        try:
            stem = f"{source.stem}-{_key(command, code)}"
            return _cached(stem) or _compile(command, code, stem)
        except CompileError as error:
            errors.append(str(error))
    raise CompileError(f"{shlex.join(compiler)} could not compile {source.name}: {errors[-1]}")


def find_compiler() -> tuple[str, ...]:
    """Return the command of the C compiler: the variable CC if set, else cc, gcc or clang."""
    if chosen := shlex.split(os.environ.get("CC", "")):
        if not shutil.which(chosen[0]):
            raise CompileError(f"there is no {chosen[0]}, which the environment variable CC names")
        return tuple(chosen)
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return (found,)
    raise CompileError("no C compiler found; install gcc or clang, or name one in the environment variable CC")


def cache_folder() -> Path:
    """Return the folder of compiled libraries; create it if needed."""
    chosen = os.environ.get("ARCHARENA_CACHE")
    folder = (Path(chosen) if chosen else platformdirs.user_cache_path("archarena")) / "native"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _key(command: tuple[str, ...], code: bytes) -> str:
    """Hash the source, the flags, and the macros that the compiler predefines: its version and the processor's sets."""
    macros = _run((*command, "-dM", "-E", "-x", "c", os.devnull))
    return _hash(b"\0".join((shlex.join(command).encode(), macros, code)))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]


def _cached(stem: str) -> Path | None:
    """Return the library in the cache, and delete those that do not match the hash in their name."""
    for file in sorted(cache_folder().glob(f"{stem}-*.so")):
        if _hash(file.read_bytes()) == file.stem.rpartition("-")[2]:
            return file
        file.unlink(missing_ok=True)
    return None


def _compile(command: tuple[str, ...], code: bytes, stem: str) -> Path:
    """Compile inside the cache folder and move into place, so that no process ever loads half a file."""
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        made = Path(folder, "library.so")
        _run((*command, "-shared", "-x", "c", "-", "-o", str(made)), code)
        target = cache_folder() / f"{stem}-{_hash(made.read_bytes())}.so"
        made.replace(target)
    return target


def _run(command: tuple[str, ...], given: bytes = b"") -> bytes:
    try:
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise CompileError(lines[-1] if lines else f"it exited with {error.returncode}") from None
