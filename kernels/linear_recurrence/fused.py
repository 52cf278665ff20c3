"""The linear recurrence in C: shapes and pointers for `recurrence.c`."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from ..native import Rows, as_rows, library, pointer, pointers

SOURCE = Path(__file__).with_name("recurrence.c")


class _Recurrence(ctypes.Structure):
    """`recurrence` of recurrence.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("batch", "length", "channels", "parts", "is_complex", "threads")),
        *((name, Rows) for name in ("a", "b", "h")),
        *pointers("initial"),
    )


class _Gradients(ctypes.Structure):
    """`gradients` of recurrence.c."""

    _fields_ = (*((name, Rows) for name in ("dh", "da", "db")), *pointers("dinitial"))


def available() -> bool:
    """Return whether the C library is to be had."""
    return library(SOURCE) is not None


def forward(a: Tensor, b: Tensor, initial_state: Tensor | None, reverse: bool) -> Tensor:
    """Return all states."""
    a, b, initial_state = as_rows(a), as_rows(b), _whole(initial_state)
    h = b.new_empty(b.shape)
    _functions().recurrence_forward(ctypes.byref(_describe(a, b, h, initial_state, reverse)))
    return h


def backward(
    h: Tensor, dh: Tensor, a: Tensor, initial_state: Tensor | None, reverse: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the gradients of a, b and the initial state."""
    h, dh, a, initial_state = as_rows(h), as_rows(dh), as_rows(a), _whole(initial_state)
    da, db = h.new_empty(h.shape), h.new_empty(h.shape)
    dinitial = None if initial_state is None else torch.empty_like(initial_state)
    gradients = _Gradients(*(Rows.of(x, reverse=reverse) for x in (dh, da, db)), pointer(dinitial))
    recurrence = _describe(a, None, h, initial_state, reverse)
    _functions().recurrence_backward(ctypes.byref(recurrence), ctypes.byref(gradients))
    return da, db, dinitial


def _describe(a: Tensor, b: Tensor | None, h: Tensor, initial_state: Tensor | None, reverse: bool) -> _Recurrence:
    batch, threads = h.shape[0], torch.get_num_threads()
    parts = -(-threads // batch)
    rows = (Rows.of(x, reverse=reverse) for x in (a, b, h))
    return _Recurrence(*h.shape, parts, h.is_complex(), threads, *rows, pointer(initial_state))


def _whole(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.contiguous().resolve_conj()


def _functions() -> ctypes.CDLL:
    functions = library(SOURCE)
    assert functions is not None
    return functions
