import torch
from archarena.models.blocks.padding import valid_positions, zero_padding


def test_full_rows_need_no_mask():
    x = torch.ones(2, 3, 1)
    assert valid_positions(x, None) is None
    assert valid_positions(x, torch.tensor([3, 3])) is None
    assert zero_padding(x, None) is x


def test_positions_past_a_rows_length_are_padding_but_an_empty_row_keeps_one():
    valid = valid_positions(torch.ones(3, 3, 1), torch.tensor([2, 3, 0]))
    assert valid.tolist() == [[True, True, False], [True, True, True], [True, False, False]]


def test_padding_becomes_zero():
    valid = torch.tensor([[True, False]])
    assert zero_padding(torch.ones(1, 2, 1), valid).flatten().tolist() == [1.0, 0.0]
