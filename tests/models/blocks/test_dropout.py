import torch
from archarena.models.blocks.dropout import Dropout


def test_the_given_share_is_dropped_and_the_rest_scaled():
    x, dropout = torch.ones(200, 500, requires_grad=True), Dropout(0.4)
    y = dropout(x)
    assert set(y.unique().tolist()) == {0.0, torch.tensor(1 / 0.6).item()}
    assert abs((y == 0).float().mean().item() - 0.4) < 0.01
    y.sum().backward()
    assert torch.equal(x.grad, y)


def test_nothing_is_dropped_at_inference_or_at_zero():
    x = torch.randn(3, 4)
    assert torch.equal(Dropout(0.4).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
    assert not Dropout(1.0)(x).any()


def test_the_seed_fixes_the_mask():
    masks = []
    for _ in range(2):
        torch.manual_seed(3)
        masks.append(Dropout(0.5)(torch.ones(64)))
    assert torch.equal(*masks)
