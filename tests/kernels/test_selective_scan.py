from __future__ import annotations

import functools

import pytest
import torch
from archarena.kernels import paths_taken
from archarena.kernels.paths import path
from archarena.kernels.selective_scan import cost, operation, selective_scan, torch_form
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


def fast(*x, delta_softplus=True):
    """Run the scan; the initial state is the ninth of `operands`."""
    initial = x[8] if len(x) > 8 else None
    return selective_scan(*x[:8], delta_softplus=delta_softplus, initial_state=initial, return_final_state=True)


def slow(*x, delta_softplus=True):
    return reference(*x[:8], delta_softplus=delta_softplus, initial_state=x[8])


def assert_close(found, expected, tolerance=1e-5):
    """Compare with the expected tensor, relative to its largest entry."""
    assert found.shape == expected.shape
    expected = expected.to(torch.promote_types(expected.dtype, torch.float64))
    scale = max(1.0, expected.abs().max().item())
    torch.testing.assert_close(found.to(expected.dtype), expected, rtol=0, atol=tolerance * scale)


def in_double(given):
    return [x.to(torch.promote_types(x.dtype, torch.float64)) for x in given]


@pytest.mark.parametrize("length", LENGTHS)
def test_agrees_with_the_loop_in_float64(assert_agrees, each_path, length):
    given = operands(length=length)
    assert_agrees(fast, slow, given)
    assert path("selective_scan", given[0]) == each_path
    assert each_path in paths_taken()["selective_scan"]


@pytest.mark.parametrize("states", [1, 2, 5])
def test_complex_states_agree_with_the_loop_in_float64(assert_agrees, each_path, states):
    given = operands(length=70, states=states, complex_states=True)
    assert_agrees(fast, slow, given)


def test_a_complex_state_without_frequency_is_twice_a_real_one():
    u, delta, A, B, C, *_ = operands(states=3)
    real = selective_scan(u, delta, A, B, C, delta_softplus=True)
    B, C = (torch.stack((x, torch.zeros_like(x)), -1).flatten(2) for x in (B, C))
    found = selective_scan(u, delta, A.to(torch.complex64), B, C, delta_softplus=True)
    torch.testing.assert_close(found, 2 * real)


@pytest.mark.parametrize("complex_states", [False, True])
def test_decays_outside_the_range_agree_too(complex_states):
    given = operands(length=40, states=4, complex_states=complex_states)
    given[1][:, ::7] = 1e3
    for found, expected in zip(fast(*given), slow(*in_double(given)), strict=True):
        assert_close(found, expected)


@settings(max_examples=30)
@given(
    shape=st.tuples(*(st.integers(1, n) for n in (3, 140, 40, 25))),
    absent=st.sets(st.sampled_from([5, 6, 7, 8])),
    softplus=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_shape_and_any_operand_left_out(assert_agrees, shape, absent, softplus, seed):
    whole = operands(*shape, seed=seed)
    if not softplus:
        whole[1], whole[7] = whole[1].abs(), whole[7].abs()
    given = [None if i in absent else x for i, x in enumerate(whole)]
    assert_agrees(*(functools.partial(run, delta_softplus=softplus) for run in (fast, slow)), given)


@pytest.mark.parametrize("states", [1, 3, 8, 16, 24])
def test_any_number_of_states(assert_agrees, each_path, states):
    given = operands(length=70, channels=5, states=states)
    assert_agrees(fast, slow, given)


def test_float64_is_computed_in_float64():
    given = operands(1, 4, 3, 2, dtype=torch.float64)
    assert path("selective_scan", given[0]) == "torch"
    assert torch.autograd.gradcheck(fast, [x.requires_grad_() for x in given])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32_and_cast_back(dtype):
    given = operands(dtype=dtype)
    y, final = selective_scan(*given[:8], initial_state=given[8], delta_softplus=True, return_final_state=True)
    wide = [x.float() for x in given]
    expected = selective_scan(*wide[:8], initial_state=wide[8], delta_softplus=True)
    assert (y.dtype, final.dtype) == (dtype, torch.float32)
    assert torch.equal(y, expected.to(dtype))


@pytest.mark.parametrize("cut", [1, 64, 100])
def test_two_halves_joined_by_the_state_are_the_whole(each_path, cut):
    given = operands(length=128)
    rows = (0, 1, 3, 4, 6)
    y, final = fast(*given)
    first = [x[:, :cut] if i in rows else x for i, x in enumerate(given)]
    second = [x[:, cut:] if i in rows else x for i, x in enumerate(given)]
    y_first, state = fast(*first)
    y_second, end = fast(*second[:8], state)
    assert_close(torch.cat((y_first, y_second), 1), y)
    assert_close(end, final)


def test_an_earlier_large_step_leaves_no_trace():
    given = operands(length=40)
    given[1][:, 20] = 1e6
    altered = [x.clone() for x in given]
    altered[0][:, :20] += 1
    y, other = (selective_scan(*x[:6], delta_softplus=True) for x in (given, altered))
    assert torch.equal(y[:, 21:], other[:, 21:])
    assert torch.isfinite(y).all()


def test_not_a_number_spreads_only_where_it_can():
    given = operands(batch=2, channels=20)
    given[0][0, 30, 4] = torch.nan
    bad = selective_scan(*given[:8], delta_softplus=True).isnan()
    assert bad[0, 30:, 4].all()
    assert bad.sum() == bad[0, 30:, 4].sum()


def test_only_the_final_state_is_differentiated():
    given = [x.requires_grad_() for x in operands(length=9)]
    _, final = fast(*given)
    doubled = [x.detach().double().requires_grad_() for x in given]
    _, expected = slow(*doubled)
    used = (0, 1, 2, 3, 7, 8)
    found = torch.autograd.grad(final.sum(), [given[i] for i in used])
    for a, b in zip(found, torch.autograd.grad(expected.sum(), [doubled[i] for i in used]), strict=True):
        assert_close(a, b)


def test_views_with_strides_are_right(each_path):
    batch, length, channels, states = 2, 70, 24, 16
    u, delta, A, B, C, D, z, bias, initial = operands(batch, length, channels, states)
    packed = torch.cat((u, z, B, C), -1)
    u_view, z_view, B_view, C_view = packed.split((channels, channels, states, states), -1)
    turned = delta.mT.contiguous().mT
    viewed = fast(u_view, turned, A.mT.contiguous().mT, B_view, C_view, D, z_view, bias, initial)
    for found, expected in zip(viewed, fast(u, delta, A, B, C, D, z, bias, initial), strict=True):
        assert_close(found, expected, tolerance=0 if each_path == "c" else 1e-6)


def test_any_number_of_threads_gives_the_same_bits(same_with_any_number_of_threads, each_path):
    same_with_any_number_of_threads(fast, operands(batch=3, length=200, channels=40))


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


@pytest.fixture
def compile_short_chunks(monkeypatch):
    """Run without C, and compile chunks of two steps."""
    monkeypatch.setenv("ARCHARENA_NATIVE", "0")
    monkeypatch.setattr(torch_form, "CHUNK", 2)
    monkeypatch.setattr(torch_form, "compile_failures", [])
    monkeypatch.setattr(torch_form, "compiled", functools.cache(torch_form.compiled.__wrapped__))


@pytest.mark.slow
def test_a_compiled_chunk_agrees(assert_agrees, compile_short_chunks):
    assert_agrees(fast, slow, operands(1, 4, 8, 4))
    assert "torch.compile" in paths_taken()["selective_scan"]
    assert torch_form.compile_failures == []


def test_if_compiling_fails_the_plain_chunks_run_with_a_warning(monkeypatch, compile_short_chunks):
    from torch._dynamo.exc import TorchDynamoException

    def refuse(*_, **__):
        raise TorchDynamoException("no backend")

    monkeypatch.setattr(torch_form, "compiled", lambda chunk: refuse)
    given = operands(length=9)
    with pytest.warns(RuntimeWarning, match="runs slower, uncompiled: no backend"):
        found = fast(*given)
    for a, b in zip(found, slow(*in_double(given)), strict=True):
        assert_close(a, b)
    monkeypatch.setattr(torch_form, "compiled", None)
    assert torch.equal(fast(*given)[0], found[0]), "it is not compiled again"


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
    with pytest.raises(ValueError, match=r"initial_state is torch.float32, but A is torch.complex64"):
        selective_scan(*given[:8], initial_state=given[8].real)


def test_an_empty_input_is_refused(each_path):
    with pytest.raises(ValueError, match="the input is empty"):
        selective_scan(*operands(length=0)[:5])
