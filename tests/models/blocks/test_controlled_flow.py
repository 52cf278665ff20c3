import pytest
import torch
from archarena.models.blocks.controlled_flow import ControlledFlow
from hypothesis import given, settings
from hypothesis import strategies as st


def straight_piece(flow, z, increment):
    """The exact solution along a straight segment: one matrix exponential, with the constant as an extra entry."""
    hidden = len(z)
    generator = torch.zeros(hidden + 1, hidden + 1, dtype=z.dtype)
    generator[:hidden, :hidden] = torch.einsum("i,ihk->hk", increment, flow.A)
    generator[:hidden, hidden] = flow.B @ increment
    return (torch.linalg.matrix_exp(generator) @ torch.cat([z, torch.ones_like(z[:1])]))[:hidden]


@settings(max_examples=10)
@given(length=st.integers(1, 7), scale=st.floats(0.0, 4.0))
def test_a_path_is_followed_exactly(length, scale):
    flow, x = ControlledFlow(2, 4, 7, "path").double(), scale * torch.randn(1, length, 2, dtype=torch.float64)
    z = x[0, 0] @ flow.start.weight.T + flow.start.bias
    states = [z]
    for a, b in zip(x[0, :-1], x[0, 1:], strict=True):
        z = straight_piece(flow, z, torch.cat([torch.full_like(a[:1], 1 / 6), b - a]))
        states.append(z)
    expected = torch.stack(states)
    torch.testing.assert_close(flow(x)[0], expected, rtol=1e-6, atol=1e-6 * float(expected.detach().abs().max()))


def test_a_velocity_takes_the_papers_euler_steps():
    flow, x = ControlledFlow(3, 5, 8, "velocity").double(), torch.randn(8, 3, dtype=torch.float64)
    z = x[0] @ flow.start.weight.T + flow.start.bias
    for k in range(1, 8):
        velocity = torch.cat([torch.tensor([k / 7], dtype=torch.float64), x[k]])
        z = z + (torch.einsum("i,ihk,k->h", velocity, flow.A, z) + flow.B @ velocity) / 8
    torch.testing.assert_close(flow(x[None])[0, -1], z)


@settings(max_examples=10)
@given(length=st.integers(1, 12), rows=st.integers(1, 3), drive=st.sampled_from(["path", "velocity"]))
def test_steps_agree_with_the_whole_path(length, rows, drive):
    flow, x = ControlledFlow(2, 4, 9, drive).double(), torch.randn(rows, length, 2, dtype=torch.float64)
    state, steps = flow.init_state(rows), []
    for x_t in x.unbind(1):
        z, state = flow.step(x_t, state)
        steps.append(z)
    whole = flow(x)
    torch.testing.assert_close(torch.stack(steps, 1), whole, rtol=1e-6, atol=1e-6 * float(whole.detach().abs().max()))


def test_first_values_are_the_papers():
    flow = ControlledFlow(9, 100, 5, "path")
    assert (flow.A.std() * 10).item() == pytest.approx(1, abs=0.02)
    for weights in (flow.B, flow.start.weight, flow.start.bias):
        assert weights.std().item() == pytest.approx(1, abs=0.2)


def test_the_order_of_increments_matters():
    flow = ControlledFlow(2, 4, 3, "path").double()
    east, north = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    one, other = (torch.stack([torch.zeros_like(a), a, a + b])[None] for a, b in ((east, north), (north, east)))
    assert not torch.allclose(flow(one)[0, -1], flow(other)[0, -1], rtol=0.01)
