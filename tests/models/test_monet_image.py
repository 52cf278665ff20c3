import pytest
import torch
from archarena.harness import Classes, Image, Size, TaskSpec, build
from archarena.kernels.mu_layer import shifted
from archarena.models.monet import MONet
from archarena.models.monet_image import ImageMONet, four_neighbours, patch_halvings, stage_depths


@pytest.mark.parametrize(
    ("depths", "widths", "parameters"),
    [((4, 8, 12, 10), (64, 128, 192, 192), 10_339_436), ((4, 6, 12, 14), (128, 192, 256, 384), 32_880_688)],
    ids=["MONet-T", "MONet-S"],
)
def test_published_models_have_their_numbers_of_parameters(depths, widths, parameters):
    spec = TaskSpec(Image(3, 224, 224), Classes(1000))
    with torch.device("meta"):
        model = build(MONet, spec, Size(widths[0], sum(depths)), depths=depths, widths=widths)
        assert [block.channel.A.out_features for block in model.core.stages[1].blocks] == [3 * widths[1]] * depths[1]
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_quarters_of_the_channels_move_one_place_and_edges_keep_their_own_value():
    x = torch.arange(2 * 3 * 4 * 8.0).view(2, 3, 4, 8)
    moved = shifted(x.flatten(1, 2), four_neighbours(3, 4)).view_as(x)
    for row in range(3):
        for column in range(4):
            sources = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
            for quarter, (r, c) in enumerate(sources):
                r, c = (r, c) if 0 <= r < 3 and 0 <= c < 4 else (row, column)
                part = slice(2 * quarter, 2 * quarter + 2)
                assert torch.equal(moved[:, row, column, part], x[:, r, c, part])


@pytest.mark.parametrize(
    ("side", "depth", "maps"),
    [(224, 34, [56, 28, 14, 7]), (8, 2, [8]), (28, 2, [14, 7]), (32, 2, [8]), (28, 1, [14]), (64, 6, [16, 8])],
)
def test_maps_of_the_stages(side, depth, maps):
    first = side // 2 ** patch_halvings(side)
    depths = stage_depths(first, depth)
    assert [first // 2**stage for stage in range(len(depths))] == maps
    assert sum(depths) == depth


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (2, 17, 31)])
def test_small_images_are_taken_whole(shape):
    model = ImageMONet(Image(*shape), 10, width=16, depth=2).eval()
    torch.nn.init.normal_(model.head.weight)
    x = torch.randn(1, *shape, requires_grad=True)
    model(x).square().sum().backward()
    assert x.grad.abs().amin() > 0


def test_it_starts_as_published():
    model = ImageMONet(Image(3, 32, 32), 10, width=64, depth=2)
    layer = model.stages[0].blocks[0].spatial
    assert all((part.bias == 1).all() for part in (layer.A, layer.B, layer.D))
    assert layer.C.bias.eq(0).all()
    assert layer.A.weight.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.1)
    assert model.stem[0].weight.std().item() == pytest.approx((1 / 12) ** 0.5, rel=0.1)
    assert not any(parameter.any() for parameter in model.head.parameters())


def test_only_the_head_learns_in_the_first_step():
    model = ImageMONet(Image(1, 8, 8), 3, width=16, depth=2)
    (model(torch.randn(4, 1, 8, 8)) * torch.randn(4, 3)).sum().backward()
    silent = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent == set(model.dead_parameters())


def test_sequences_and_images_have_forms_of_their_own():
    spec = TaskSpec(Image(1, 8, 8), Classes(3))
    built = build(MONet, spec, Size(16, 2))
    assert isinstance(built.core, ImageMONet)
    assert built.lift is None
