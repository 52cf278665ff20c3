import torch
from archarena.models.blocks.rotary import rotary_angles, rotate


def test_rotated_products_depend_on_distance_alone():
    rotation = rotary_angles(torch.arange(20), 8)
    q, k = (rotate(torch.randn(8).expand(20, 8), rotation) for _ in range(2))
    products = q @ k.T
    for distance in (-3, 0, 7):
        line = products.diagonal(distance)
        torch.testing.assert_close(line, line[:1].expand_as(line), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(q.norm(dim=-1), q[0].norm().expand(20))
