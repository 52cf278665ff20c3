"""A recurrence that continues from a state equals one that never stopped."""

import pytest
import torch
from archarena.models.mamba import SelectiveSSM
from archarena.models.mamba2 import SelectiveSSM as SelectiveSSM2
from hypothesis import given, settings
from hypothesis import strategies as st

MAKE = {
    "mamba": lambda: SelectiveSSM(4, d_state=4, d_conv=4, dt_rank=2),
    "mamba-complex": lambda: SelectiveSSM(4, d_state=4, d_conv=4, dt_rank=2, complex=True),
    "mamba-without-conv": lambda: SelectiveSSM(4, d_state=4, d_conv=0, dt_rank=2),
    "mamba2": lambda: SelectiveSSM2(4, inner=4, heads=2, d_state=3, d_conv=4),
}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
@settings(max_examples=8)
@given(first=st.integers(1, 20), second=st.integers(1, 20))
def test_one_pass_is_two_passes_with_the_state_between(make, first, second):
    ssm = make().double()
    u, x = torch.randn(2, 3, first + second, 4, dtype=torch.float64)
    state, parts = ssm.init_state(3), []
    for u_part, x_part in zip(u.split([first, second], 1), x.split([first, second], 1), strict=True):
        y, state = ssm.go_on(u_part, x_part, state)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), ssm(u, x))
