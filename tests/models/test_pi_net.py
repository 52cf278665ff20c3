import pytest
import torch
from archarena.harness import Classes, Image, Size, TaskSpec, UserError, build
from archarena.models.pi_net import PiNet, Polynomial
from archarena.models.pi_net_conv import PiNetConv, ProductBlock

FORMS = ["ccp", "ncp", "ncp-skip"]


def count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_ccp_multiplies_by_one_map_after_another():
    net, z = Polynomial(5, rank=3, degree=3, form="ccp"), torch.randn(4, 5)
    u1, u2, u3 = (factor(z) for factor in net.factors)
    torch.testing.assert_close(net(z), u1 * (1 + u2) * (1 + u3))


@pytest.mark.parametrize("form", ["ncp", "ncp-skip"])
def test_ncp_maps_what_came_before_and_may_skip(form):
    net, z = Polynomial(5, rank=3, degree=2, form=form), torch.randn(4, 5)
    a1, a2 = (z @ factor.weight.T for factor in net.factors)
    x1 = a1 * net.first
    expected = a2 * (x1 @ net.inner[0].weight.T + net.inner[0].bias)
    if form == "ncp-skip":
        expected = expected + x1 @ net.skips[0].weight.T
    torch.testing.assert_close(net(z), expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("degree", [1, 2, 4])
def test_the_degree_along_any_line_is_the_number_of_factors(form, degree):
    net = Polynomial(5, rank=3, degree=degree, form=form).double()
    start, direction = torch.randn(2, 5, dtype=torch.float64)
    values = net(torch.stack([start + k * direction for k in range(degree + 2)]))
    top = values.diff(n=degree, dim=0)
    assert (top.abs().amax(0) > 1e-9).all()
    torch.testing.assert_close(top.diff(dim=0), torch.zeros(1, 3, dtype=torch.float64))


def test_the_published_toy_on_mnist_has_its_number_of_parameters():
    with torch.device("meta"):
        model = build(PiNet, TaskSpec(Image(1, 28, 28), Classes(10)), Size(width=16, depth=1))
    degree, d, k, o = 4, 784, 16, 10
    assert count(model) == degree * (d * k + k) + k * o + o


def test_an_unknown_form_is_refused_with_those_there_are():
    with pytest.raises(UserError, match=r"'cpp'. Known: ccp, ncp, ncp-skip"):
        Polynomial(5, 3, 2, "cpp")


def test_a_new_block_returns_its_shortcut():
    # constant_init(m.norm2, 0) in grigorisg9gr/polynomial_nets@210f0d3:
    # classification-NO-activation-function/backbones/pinet_norelu.py
    block, x = ProductBlock(3, 6, products=True, activation=False, pointwise=False), torch.randn(4, 3, 8, 8)
    torch.testing.assert_close(block(x), block.shortcut(x))


@pytest.mark.parametrize("options", [{}, {"pointwise": True}, {"products": False}])
def test_parameters_named_dead_have_no_initial_gradient(options):
    model = PiNetConv(Image(1, 8, 8), 3, width=4, depth=2, **options)
    model(torch.randn(4, 1, 8, 8)).square().sum().backward()
    silent = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent == set(model.dead_parameters())


def test_a_block_adds_both_branches_and_their_normed_product():
    block, x = ProductBlock(3, 6, products=True, activation=False, pointwise=False), torch.randn(4, 3, 8, 8)
    torch.nn.init.ones_(block.branch[-1].weight)
    u, s = block.branch(x), block.shortcut(x)
    product = u * s
    normed = (product - product.mean((0, 2, 3), keepdim=True)) / (
        product.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5
    ).sqrt()
    torch.testing.assert_close(block(x), u + s + normed)
    assert block(x).shape == (4, 6, 4, 4)


def conv_net(**options) -> torch.nn.Module:
    model = PiNetConv(Image(1, 8, 8), 3, width=4, depth=2, **options).double().eval()
    for block in model.blocks:
        torch.nn.init.ones_(block.branch[-1].weight)
    return model


@pytest.mark.parametrize(("options", "linear"), [({}, False), ({"products": False}, True)])
def test_without_products_the_skeleton_is_linear(options, linear):
    model = conv_net(**options)
    x, y = torch.randn(2, 5, 1, 8, 8, dtype=torch.float64)
    gap = model(x + y) - model(x) - model(y) + model(torch.zeros_like(x))
    assert (gap.abs().max() < 1e-9) == linear


def test_eight_blocks_are_resnet_18_with_norms_for_the_products_and_a_smaller_first_convolution():
    with torch.device("meta"):
        sizes = [
            count(PiNetConv(Image(3, 224, 224), 1000, width=64, depth=8, products=products))
            for products in (False, True)
        ]
    assert sizes[0] == 11_689_512 - 64 * 3 * (7 * 7 - 3 * 3)
    assert sizes[1] - sizes[0] == 2 * 2 * (64 + 128 + 256 + 512)


def stripes(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return noisy horizontal or vertical stripes of either sign; the class is the direction."""
    kind, sign = torch.randint(2, (rows,)), torch.randint(2, (rows, 1, 1, 1)) * 2.0 - 1
    wave = torch.tensor([1.0, -1.0]).repeat(4)
    lying = wave[:, None].expand(8, 8)
    patterns = torch.stack((lying, lying.T))[kind][:, None]
    return sign * patterns + 0.3 * torch.randn(rows, 1, 8, 8), kind


@pytest.mark.parametrize(("products", "lowest", "highest"), [(True, 0.95, 1.0), (False, 0.0, 0.75)])
def test_what_looks_the_same_with_either_sign_is_learnt_through_products_alone(products, lowest, highest):
    model = PiNetConv(Image(1, 8, 8), 2, width=4, depth=2, products=products)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(40):
        images, kind = stripes(32)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), kind).backward()
        optimizer.step()
    images, kind = stripes(200)
    both, kinds = torch.cat((images, -images)), kind.repeat(2)
    accuracy = (model.eval()(both).argmax(1) == kinds).float().mean()
    assert lowest <= accuracy <= highest
