import torch
from archarena.kernels.depthwise_conv import depthwise_conv
from archarena.models.blocks.short_conv import convolve_on, initial_taps
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=15)
@given(taps=st.integers(1, 5), lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_pieces_of_any_length_join_to_the_convolution_of_the_whole(taps, lengths):
    weight, bias = (p.detach().double() for p in initial_taps(3, taps))
    x = torch.randn(2, sum(lengths), 3, dtype=torch.float64)
    before, pieces = torch.zeros(2, taps - 1, 3, dtype=torch.float64), []
    for part in x.split(lengths, 1):
        y, before = convolve_on(part, weight, bias, before)
        pieces.append(y)
    torch.testing.assert_close(torch.cat(pieces, 1), depthwise_conv(x, weight, bias, activation="silu"))


def test_first_values_are_those_of_a_torch_convolution():
    torch.manual_seed(1)
    ours = initial_taps(6, 4)
    torch.manual_seed(1)
    theirs = torch.nn.Conv1d(6, 6, 4, groups=6)
    bound = max(weight.abs().max() for weight in theirs.parameters())
    assert all(0.8 * bound < weight.abs().max() <= 0.5 for weight in ours)
