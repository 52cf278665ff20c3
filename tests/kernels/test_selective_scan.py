from __future__ import annotations

import itertools

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.selective_scan import cost, dispatch, operation, path, selective_scan
from archarena.kernels.selective_scan.reference import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

LENGTHS = (1, 7, 64, 65, 128, 300)


def operands(batch=2, length=65, channels=20, states=16, *, seed=0, dtype=torch.float32, complex_states=False):
    """All operands of a scan, in the order of its arguments, the initial state last."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    rows, narrow = (batch, length, channels), (batch, length, states * (2 if complex_states else 1))
    A = -normal(channels, states).exp()
    given = [
        *(normal(*rows), normal(*rows) - 1, A, normal(*narrow), normal(*narrow)),
        *(normal(channels), normal(*rows), normal(channels), normal(batch, channels, states)),
    ]
    if complex_states:
        given[2] = torch.complex(A, 3 * normal(channels, states))
        given[8] = torch.complex(given[8], normal(batch, channels, states))
    return given


def with_gradients(scan, given, *, softplus=True):
    """Return output, final state and all gradients of a fixed weighted sum of both."""
    given = [None if x is None else x.detach().requires_grad_() for x in given]
    y, final = scan(*given[:8], delta_softplus=softplus, initial_state=given[8])
    generator = torch.Generator().manual_seed(1)
    weights = (torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.dtype) for x in (y, final))
    loss = torch.stack([(x * w).sum().real for x, w in zip((y, final), weights, strict=True)]).sum()
    return [y.detach(), final.detach(), *torch.autograd.grad(loss, [x for x in given if x is not None])]


def fast(*arguments, delta_softplus=True, **options):
    return selective_scan(*arguments, delta_softplus=delta_softplus, **options, return_final_state=True)


def in_double(given):
    return [None if x is None else double(x) for x in given]


def double(x):
    return x.to(torch.promote_types(x.dtype, torch.float64))


def assert_same(found, expected, tolerance=1e-5):
    """Compare against float64, relative to the largest entry of each tensor."""
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        torch.testing.assert_close(double(a), double(b), rtol=0, atol=tolerance * max(1.0, b.abs().max().item()))


@pytest.fixture(params=["c", "loop"])
def each_path(request, monkeypatch):
    if request.param == "loop":
        monkeypatch.setenv("ARCHARENA_NATIVE", "0")
    with torch._dynamo.config.patch(disable=request.param == "loop"):
        assert path(torch.zeros(1)) == request.param
        yield request.param


@pytest.mark.parametrize("length", LENGTHS)
def test_agrees_with_the_loop_in_float64(each_path, length):
    given = operands(length=length)
    assert_same(with_gradients(fast, given), with_gradients(reference, in_double(given)))
    assert each_path in paths_taken()["selective_scan"]


@pytest.mark.parametrize("states", [1, 2, 5])
def test_complex_states_agree_with_the_loop_in_float64(each_path, states):
    given = operands(length=70, states=states, complex_states=True)
    assert_same(with_gradients(fast, given), with_gradients(reference, in_double(given)))


def test_a_complex_state_without_frequency_is_twice_a_real_one():
    u, delta, A, B, C, *_ = operands(states=3)
    real = selective_scan(u, delta, A, B, C, delta_softplus=True)
    B, C = (torch.stack((x, torch.zeros_like(x)), -1).flatten(2) for x in (B, C))
    found = selective_scan(u, delta, A.to(torch.complex64), B, C, delta_softplus=True)
    torch.testing.assert_close(found, 2 * real)


@pytest.mark.parametrize("complex_states", [False, True])
def test_steps_whose_decays_leave_the_range_agree_too(complex_states):
    given = operands(length=40, states=4, complex_states=complex_states)
    given[1][:, ::7] = 1e3
    assert_same(with_gradients(fast, given)[:2], with_gradients(reference, in_double(given))[:2])


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(*(st.integers(1, n) for n in (3, 140, 40, 25))),
    absent=st.sets(st.sampled_from([5, 6, 7, 8])),
    softplus=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_shape_and_any_operand_left_out(shape, absent, softplus, seed):
    whole = operands(*shape, seed=seed)
    if not softplus:
        whole[1], whole[7] = whole[1].abs(), whole[7].abs()
    given = [None if i in absent else x for i, x in enumerate(whole)]
    found = with_gradients(fast, given, softplus=softplus)
    assert_same(found, with_gradients(reference, in_double(given), softplus=softplus))


@pytest.mark.parametrize("states", [1, 3, 8, 16, 24])
def test_any_number_of_states(each_path, states):
    given = operands(length=70, channels=5, states=states)
    assert_same(with_gradients(fast, given), with_gradients(reference, in_double(given)))


def test_float64_is_computed_in_float64():
    given = operands(1, 4, 3, 2, dtype=torch.float64)
    given = [x.requires_grad_() for x in given]

    def scan(*x):
        return selective_scan(*x[:8], delta_softplus=True, initial_state=x[8], return_final_state=True)

    assert path(given[0]) == "loop"
    assert torch.autograd.gradcheck(scan, given)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32_and_cast_back(dtype):
    given = operands(dtype=dtype)
    y, final = selective_scan(*given[:8], initial_state=given[8], delta_softplus=True, return_final_state=True)
    wide = [x.float() for x in given]
    expected = selective_scan(*wide[:8], initial_state=wide[8], delta_softplus=True)
    assert (y.dtype, final.dtype) == (dtype, torch.float32)
    assert torch.equal(y, expected.to(dtype))


@pytest.mark.parametrize("cut", [1, 64, 100])
def test_two_halves_through_the_state_are_the_whole(each_path, cut):
    given = operands(length=128)
    rows = (0, 1, 3, 4, 6)
    y, final = fast(*given[:8], initial_state=given[8])
    first = [x[:, :cut] if i in rows else x for i, x in enumerate(given)]
    second = [x[:, cut:] if i in rows else x for i, x in enumerate(given)]
    y_first, state = fast(*first[:8], initial_state=given[8])
    y_second, end = fast(*second[:8], initial_state=state)
    assert_same((torch.cat((y_first, y_second), 1), end), (y.double(), final.double()))


def test_a_long_gone_step_leaves_no_trace_however_large():
    given = operands(length=40)
    given[1][:, 20] = 1e6
    altered = [x.clone() for x in given]
    altered[0][:, :20] += 1
    y, other = (selective_scan(*x[:6], delta_softplus=True) for x in (given, altered))
    assert torch.equal(y[:, 21:], other[:, 21:])
    assert torch.isfinite(y).all()


def test_not_a_number_stays_where_it_can_reach():
    given = operands(batch=2, channels=20)
    given[0][0, 30, 4] = torch.nan
    bad = selective_scan(*given[:8], delta_softplus=True).isnan()
    assert bad[0, 30:, 4].all()
    assert bad.sum() == bad[0, 30:, 4].sum()


def test_the_final_state_alone_is_differentiable():
    given = [x.requires_grad_() for x in operands(length=9)]
    _, final = fast(*given[:8], initial_state=given[8])
    doubled = [x.detach().double().requires_grad_() for x in given]
    _, expected = reference(*doubled[:8], delta_softplus=True, initial_state=doubled[8])
    used = (0, 1, 2, 3, 7, 8)
    found = torch.autograd.grad(final.sum(), [given[i] for i in used])
    assert_same(found, torch.autograd.grad(expected.sum(), [doubled[i] for i in used]))


def test_views_with_strides_are_read_in_place_and_right(each_path):
    batch, length, channels, states = 2, 70, 24, 16
    u, delta, A, B, C, D, z, bias, initial = operands(batch, length, channels, states)
    packed = torch.cat((u, z, B, C), -1)
    u_view, z_view, B_view, C_view = packed.split((channels, channels, states, states), -1)
    turned = delta.mT.contiguous().mT
    viewed = fast(u_view, turned, A.mT.contiguous().mT, B_view, C_view, D, z_view, bias, initial_state=initial)
    plain = fast(u, delta, A, B, C, D, z, bias, initial_state=initial)
    assert_same(viewed, plain, tolerance=0 if each_path == "c" else 1e-6)


def test_same_bits_twice_and_with_any_number_of_threads(each_path):
    given, before = operands(batch=3, length=200, channels=40), torch.get_num_threads()
    runs = []
    try:
        for threads in (1, 1, 2, 3):
            torch.set_num_threads(threads)
            runs.append(with_gradients(fast, given))
    finally:
        torch.set_num_threads(before)
    for first, other in itertools.pairwise(runs):
        assert all(map(torch.equal, first, other))


def test_registration(each_path):
    given = [x.requires_grad_() for x in operands(length=9, channels=6, states=3)]
    torch.library.opcheck(operation.scan, (*given, True))
    torch.library.opcheck(operation.scan, (*given[:5], None, None, None, None, False))
    given = [x.requires_grad_() for x in operands(length=9, channels=6, states=3, complex_states=True)]
    torch.library.opcheck(operation.scan, (*given, True))


def test_composes_with_torch_compile():
    given = operands(length=9)

    def twice(u, *rest):
        return selective_scan(selective_scan(u, *rest[:7], delta_softplus=True) + u, *rest[:7], delta_softplus=True)

    compiled = torch.compile(twice, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(*given), twice(*given))


@pytest.mark.slow
def test_a_compiled_chunk_agrees(monkeypatch):
    monkeypatch.setenv("ARCHARENA_NATIVE", "0")
    given = operands(1, 32, 8, 4)
    assert path(given[0]) == "compiled"
    assert_same(with_gradients(fast, given), with_gradients(reference, in_double(given)))
    assert "compiled" in paths_taken()["selective_scan"]
    assert dispatch._cannot_compile == []


def test_where_compiling_fails_the_loop_runs_and_says_so(monkeypatch):
    from torch._dynamo.exc import TorchDynamoException

    def refuse(*_, **__):
        raise TorchDynamoException("no backend")

    monkeypatch.setenv("ARCHARENA_NATIVE", "0")
    monkeypatch.setattr(dispatch, "_cannot_compile", [])
    monkeypatch.setattr(dispatch, "_compiled", lambda chunk: refuse)
    given = operands(length=9)
    with pytest.warns(RuntimeWarning, match="uncompiled, slower: no backend"):
        found = selective_scan(*given[:8], delta_softplus=True)
    assert path(given[0]) == "loop"
    assert_same([found], [reference(*in_double(given)[:8], delta_softplus=True)[0]])


@pytest.mark.parametrize("complex_states", [False, True])
def test_vmap_over_the_inputs_and_over_the_weights(complex_states):
    u, delta, A, B, C, D, *_ = operands(length=9, complex_states=complex_states)
    inputs, weights = torch.stack((u, 2 * u)), torch.stack((A, A / 2))
    mapped = torch.vmap(lambda u, A: selective_scan(u, delta, A, B, C, D, delta_softplus=True))(inputs, weights)
    for i in range(2):
        assert torch.equal(mapped[i], selective_scan(inputs[i], delta, weights[i], B, C, D, delta_softplus=True))


@pytest.mark.parametrize(("gated", "complex_valued"), [(False, False), (True, False), (True, True)])
def test_the_flop_counter_sees_both_passes_on_every_path(each_path, gated, complex_valued):
    shape = (2, 65, 20, 16)
    u, delta, A, B, C, D, z, *_ = (x.requires_grad_() for x in operands(*shape, complex_states=complex_valued))
    with FlopCounterMode(display=False) as counter:
        y = selective_scan(u, delta, A, B, C, D, z if gated else None, delta_softplus=True)
        forward = counter.get_total_flops()
        y.sum().backward()
    backward = counter.get_total_flops() - forward
    assert forward == cost(*shape, gate=gated, complex_valued=complex_valued).flops
    assert backward == cost(*shape, gate=gated, complex_valued=complex_valued, backward=True).flops
    assert 2 < backward / forward < 4


def test_cost_counts_each_byte_once():
    batch, length, channels, states = 2, 3, 5, 7
    u, _, A, B, C, *_, z, _, initial = operands(batch, length, channels, states)
    once = 4 * sum(x.numel() for x in (u, u, A, B, C, z, u, initial))
    assert cost(batch, length, channels, states, gate=True).bytes == once
    assert cost(batch, length, channels, states, gate=True, itemsize=2).bytes == once // 2


@pytest.mark.parametrize("name", ["delta", "A", "B", "C", "D", "z", "delta_bias", "initial_state"])
def test_an_operand_of_another_shape_is_named(each_path, name):
    names = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias", "initial_state")
    given = dict(zip(names, operands(length=9), strict=True))
    given[name] = given[name][..., :-1] if name not in ("A", "B", "C") else given[name][:-1]
    with pytest.raises(ValueError, match=rf"^{name} has shape"):
        selective_scan(**given)


def test_a_real_state_where_the_rest_is_complex_is_named():
    given = operands(length=9, complex_states=True)
    with pytest.raises(ValueError, match=r"initial_state is torch.float32, where A is torch.complex64"):
        selective_scan(*given[:8], initial_state=given[8].real)


def test_an_empty_input_is_refused(each_path):
    with pytest.raises(ValueError, match="nothing to run over"):
        selective_scan(*operands(length=0)[:5])


@pytest.mark.parametrize(("softplus", "complex_states"), [(False, False), (True, False), (True, True)])
def test_what_lies_past_a_length_changes_nothing(each_path, softplus, complex_states):
    given = operands(length=70, complex_states=complex_states)
    given[1], given[7] = given[1].abs(), given[7].abs()
    lengths = torch.tensor([70, 41])
    altered = [x.clone() for x in given]
    for i in (0, 1, 3, 4, 6):
        altered[i][1, 41:] = torch.nan
    u, delta, A, B, C, D, z, bias, initial = altered
    options = {"delta_softplus": softplus, "return_final_state": True}
    y, final = selective_scan(u, delta, A, B, C, D, z, bias, lengths=lengths, initial_state=initial, **options)
    short = [x[1:, :41] if i in (0, 1, 3, 4, 6) else x for i, x in enumerate(given)]
    y_short, final_short = selective_scan(*short[:8], initial_state=initial[1:], **options)
    torch.testing.assert_close(y[1:, :41], y_short, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(final[1:], final_short, rtol=1e-4, atol=1e-5)
    assert not y[1, 41:].any()
