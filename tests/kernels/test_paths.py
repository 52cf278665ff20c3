import torch
from archarena.kernels import paths
from archarena.kernels.feature_gate import feature_gate


def test_a_path_that_is_noted_later_has_no_graph_compiled_again(monkeypatch):
    monkeypatch.setattr(paths, "_taken", {})
    entries = torch.randn(4, 6)
    gate = torch.compile(lambda x: feature_gate(x, x), backend="eager", fullgraph=True)
    with torch._dynamo.config.patch(error_on_recompile=True):
        gate(entries)
        feature_gate(entries, entries)
        assert paths.paths_taken() == {"feature_gate": ["torch"]}
        gate(entries)
