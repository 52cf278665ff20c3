import pytest
import torch
from archarena.harness import build
from archarena.harness.contract.spec import Classes, NextToken, Regression, Series, Size, TaskSpec, Tokens
from archarena.harness.errors import UserError
from archarena.harness.training.rows import Rows
from archarena.models.linear_cde import LinearCDE

AREA = TaskSpec(Series(2, 40), Regression(1))


def test_the_random_equation_learns_a_signed_area_by_its_head_alone(area_paths):
    paths, areas = area_paths(rows=1500, length=40)
    model = build(LinearCDE, AREA, Size(80, 2), trained=False)
    before = {name: p.clone() for name, p in model.core.named_parameters()}
    model.core.fit(model, Rows({"values": paths[:1200].numpy()}, areas[:1200].numpy(), torch.device("cpu")))
    with torch.no_grad():
        error = (model(values=paths[1200:]) - areas[1200:]).square().mean().sqrt()
    assert error < 0.05 * areas.std()
    assert all(torch.equal(p, before[name]) for name, p in model.core.named_parameters())


def test_only_the_head_of_the_random_equation_can_be_trained():
    model = build(LinearCDE, AREA, Size(16, 2), trained=False)
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {
        "head.linear.weight",
        "head.linear.bias",
    }
    assert model.core.flow.A.shape == (3, 16, 16)


def test_a_series_is_a_path_to_the_random_equation_and_all_else_a_velocity():
    tokens = TaskSpec(Tokens(9, 9), Classes(2))
    assert build(LinearCDE, AREA, Size(8, 1), trained=False).core.flow.drive == "path"
    assert build(LinearCDE, tokens, Size(8, 1), trained=False).core.flow.drive == "velocity"
    assert build(LinearCDE, AREA, Size(8, 1)).core.blocks[0].flow.forwards.drive == "velocity"
    assert build(LinearCDE, AREA, Size(8, 1), drive="path").core.blocks[0].flow.forwards.drive == "path"


def test_a_block_closes_with_a_map_a_sum_and_a_norm():
    model = LinearCDE(6, 1, True, 9).double().eval()
    (block,), x = model.blocks, torch.randn(2, 9, 6, dtype=torch.float64)
    mapped = torch.relu(block.flow.forwards(x) @ block.map[1].weight.T + block.map[1].bias)
    torch.testing.assert_close(model(x), block.norm(x + mapped))


def test_a_bidirectional_block_adds_the_equation_along_the_reversed_row():
    model = LinearCDE(6, 1, False, 9).double()
    flow, x = model.blocks[0].flow, torch.randn(1, 9, 6, dtype=torch.float64)
    backwards = flow.backwards(x[:, :7].flip(1)).flip(1)
    torch.testing.assert_close(flow(x, torch.arange(9)[None] < 7)[:, :7], flow.forwards(x[:, :7]) + backwards)


def test_autocast_leaves_the_states_in_the_precision_of_the_weights():
    flow, x = LinearCDE(6, 1, True, 300).blocks[0].flow.forwards, torch.randn(2, 300, 6)
    with torch.autocast("cpu", torch.bfloat16):
        found = flow(x)
    torch.testing.assert_close(found, flow(x), rtol=0, atol=0)


def test_compiling_does_not_unroll_the_steps():
    graphs = []

    def backend(graph, _):
        graphs.append(len(graph.graph.nodes))
        return graph.forward

    torch.compile(LinearCDE(6, 1, True, 300), backend=backend)(torch.randn(2, 300, 6))
    assert sum(graphs) < 100


def test_the_random_equation_answers_a_row():
    with pytest.raises(UserError, match="found NextToken"):
        build(LinearCDE, TaskSpec(Tokens(9, 9), NextToken(9), causal=True), Size(8, 1), trained=False)


def test_an_unknown_drive_is_refused():
    with pytest.raises(UserError, match="found 'paht'"):
        LinearCDE(8, 1, True, 9, drive="paht")
