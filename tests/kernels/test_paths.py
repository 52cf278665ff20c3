import pytest
import torch
from archarena.kernels import paths
from archarena.kernels.feature_gate import feature_gate
from archarena.kernels.precision import stored


def test_noting_a_path_does_not_recompile_a_graph(monkeypatch):
    monkeypatch.setattr(paths, "taken", {})
    entries = torch.randn(4, 6)
    gate = torch.compile(lambda x: feature_gate(x, x), backend="eager", fullgraph=True)
    with torch._dynamo.config.patch(error_on_recompile=True):
        gate(entries)
        feature_gate(entries, entries)
        assert paths.paths_taken() == {"feature_gate": ["torch"]}
        gate(entries)


@pytest.mark.parametrize("operation", paths.PATHS)
def test_the_path_depends_on_dtype_compiler_and_interpreter(operation, monkeypatch):
    in_c = "c" if "c" in paths.PATHS[operation] else "torch"
    single, double = torch.zeros(1), torch.zeros(1, dtype=torch.float64)
    assert paths.path(operation, single) == in_c
    assert paths.path(operation, double) == paths.path(operation, single.bfloat16()) == "torch"
    assert paths.path(operation, single.to("meta")) == "torch"
    monkeypatch.setattr(paths, "INTERPRETED", True)
    monkeypatch.setattr(paths, "HAS_TRITON", True)
    assert paths.path(operation, single) == paths.path(operation, single.bfloat16(), single) == "triton"
    assert paths.path(operation, double) == "torch"
    assert paths.path(operation, single, double) == in_c
    monkeypatch.setattr(paths, "HAS_TRITON", False)
    assert paths.path(operation, single) == in_c
    monkeypatch.setenv("ARCHARENA_NATIVE", "0")
    assert paths.path(operation, single) == "torch"


def test_only_triton_reads_half_precision(monkeypatch):
    half = torch.zeros(1, dtype=torch.bfloat16)
    assert (stored(half), stored(half.double())) == (torch.float32, torch.float64)
    monkeypatch.setattr(paths, "INTERPRETED", True)
    monkeypatch.setattr(paths, "HAS_TRITON", True)
    assert (stored(half), stored(half.double())) == (torch.bfloat16, torch.float64)
