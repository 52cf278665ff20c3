from __future__ import annotations

import ctypes
import os
import stat
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import torch
from archarena.kernels import native
from archarena.kernels.selective_scan import selective_scan

SOURCE = "EXPORT int answer(void) { return 42; }\n"


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A small C file, an empty cache, and nothing loaded."""
    monkeypatch.setenv("ARCHARENA_CACHE", str(tmp_path / "cache"))
    native._load_once.cache_clear()
    file = tmp_path / "answer.c"
    file.write_text(SOURCE)
    yield file
    native._load_once.cache_clear()


def made(tmp_path):
    return sorted((tmp_path / "cache").rglob("*"))


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_compiles_once_and_loads(source, tmp_path):
    assert native.library(source).answer() == 42
    target = native.build(source)
    before = target.stat().st_mtime_ns
    assert native.build(source) == target
    assert target.stat().st_mtime_ns == before
    assert made(tmp_path) == [target.parent, target]


def test_another_source_or_compiler_is_another_file(source, tmp_path, monkeypatch):
    first = native.build(source)
    source.write_text(SOURCE.replace("42", "43"))
    second = native.build(source)
    compiler = " ".join(native.find_compiler())
    monkeypatch.setenv("CC", f"{compiler} -DOTHER=1")
    assert len({first, second, native.build(source)}) == 3


def answer(source):
    return ctypes.CDLL(str(native.build(source))).answer()


def test_processes_at_once_all_get_a_whole_library(source, tmp_path):
    with ProcessPoolExecutor(3, get_context("fork")) as pool:
        assert list(pool.map(answer, [source] * 3)) == [42] * 3
    assert [file.suffix for file in made(tmp_path) if file.is_file()] == [".so"]


def test_flags_that_a_compiler_refuses_are_left_out(source, tmp_path, monkeypatch):
    real = native.find_compiler()[0]
    refuse = 'case "$*" in *-fopenmp*|*-march*) echo "unknown flag" >&2; exit 1;; esac'
    monkeypatch.setenv("CC", script(tmp_path / "picky", f'{refuse}\nexec {real} "$@"'))
    assert native.library(source).answer() == 42


def test_without_a_compiler_the_reason_is_reported_once(source, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.warns(
        RuntimeWarning,
        match="answer runs slower without its C kernel: no C compiler found; install gcc or clang",
    ) as caught:
        assert native.library(source) is None
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert native.library(source) is None


def test_a_missing_or_failing_compiler_is_named(source, tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(native.CompileError, match="there is no no-such-compiler"):
        native.build(source)
    monkeypatch.setenv("CC", script(tmp_path / "broken", "echo licence expired >&2; exit 3"))
    with pytest.raises(native.CompileError, match=r"could not compile answer\.c: licence expired"):
        native.build(source)


def test_a_failed_compilation_leaves_nothing_behind(source, tmp_path):
    source.write_text("this is not C")
    with pytest.raises(native.CompileError):
        native.build(source)
    assert [file for file in made(tmp_path) if file.is_file()] == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written_is_a_reason(source, tmp_path):
    (tmp_path / "cache").mkdir(mode=0o500)
    with pytest.warns(RuntimeWarning, match="Permission"):
        assert native.library(source) is None


def test_a_cache_path_that_is_a_file_is_a_reason(source, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.warns(RuntimeWarning, match="answer runs slower without its C kernel"):
        assert native.library(source) is None


def test_can_be_turned_off(source, tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHARENA_NATIVE", "0")
    assert native.library(source) is None
    assert made(tmp_path) == []


def test_a_machine_with_a_compiler_runs_the_scan_in_c():
    assert isinstance(native.library(native.source_of("selective_scan")), ctypes.CDLL)


@pytest.mark.parametrize("flag", ["-march=x86-64", "-march=x86-64-v3", "-fno-openmp"])
def test_older_processors_and_no_threads_give_the_same_scan(tmp_path, monkeypatch, flag):
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randn(2, 70, 20, generator=generator) for _ in range(5)]
    given = (rows[0], rows[1], -torch.ones(20, 3), rows[2][..., :3], rows[3][..., :3], None, rows[4])
    expected = selective_scan(*given, delta_softplus=True)
    monkeypatch.setattr(native, "EXTRAS", ((flag,),))
    monkeypatch.setenv("ARCHARENA_CACHE", str(tmp_path))
    native._load_once.cache_clear()
    try:
        if native.library(native.source_of("selective_scan")) is None:
            pytest.skip(f"this compiler does not take {flag}")
        torch.testing.assert_close(selective_scan(*given, delta_softplus=True), expected, rtol=0, atol=1e-5)
    finally:
        native._load_once.cache_clear()


def test_arguments_point_to_tensors_that_c_can_read_and_keep_them_alive():
    structure = native.arguments("batch threads", floats="eps", rows="x y", pointers="weight bias")
    x, weight = torch.arange(24.0).view(2, 3, 4), torch.ones(3, 2).mT
    given = structure(batch=2, eps=0.5, x=x[:, :, ::2], weight=weight, reverse=True)
    copied, whole = given._tensors
    assert (given.batch, given.threads, given.eps) == (2, torch.get_num_threads(), 0.5)
    assert torch.equal(copied, x[:, :, ::2])
    assert (given.x.data, given.x.batch, given.x.step) == (copied[:, -1].data_ptr(), 6, -2)
    assert given.y.data is None
    assert given.weight == whole.data_ptr()
    assert whole.is_contiguous()
    assert given.bias is None
    given.point("bias", x)
    assert given.bias == x.data_ptr()
    assert given._tensors[-1] is x
    with pytest.raises(KeyError, match="batch"):
        structure()


@pytest.mark.parametrize("keep", [0, 1000, 0.9])
def test_a_damaged_library_is_compiled_again_before_it_is_loaded(source, tmp_path, keep):
    """Loading a library that was cut off kills the process, so it must be noticed before."""
    target = native.build(source)
    whole = target.read_bytes()
    target.write_bytes(whole[: int(keep if keep > 1 else keep * len(whole))])
    assert native.library(source).answer() == 42
    assert native.build(source).read_bytes() == whole
    assert len(made(tmp_path)) == 2
