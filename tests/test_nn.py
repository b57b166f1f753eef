"""Modules and layers, beside torch's."""

import re

import numpy as np
import pytest
import torch

from mini import functional as F
from mini import nn
from mini.tensor import Tensor, grad

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def torch_draws_the_same():
    """Torch's starting weights come from its global generator."""
    torch.manual_seed(0)


def send(ours, theirs):
    """Load our weights into torch's module, which insists on names and shapes."""
    state = {name: torch.from_numpy(a) for name, a in ours.state_dict().items()}
    theirs.load_state_dict(state, strict=True)


def differences(ours, theirs, x):
    """Values, first and second gradients of both, in float64: the largest difference.

    Second: of the squared first gradients of a random scalar, for x and all weights.
    """
    ours.to(np.float64)
    theirs.double()
    mine, yours = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    names = [name for name, _ in ours.named_parameters()]
    assert names == [name for name, _ in theirs.named_parameters()]
    xs, ys = [mine, *ours.parameters()], [yours, *theirs.parameters()]
    out, expected = ours(mine), theirs(yours)
    weights = np.random.default_rng(1).standard_normal(out.shape)
    once = grad((out * out * weights).sum(), xs, create_graph=True)
    loss = (expected * expected * torch.tensor(weights)).sum()
    wanted = torch.autograd.grad(loss, ys, create_graph=True)
    twice = grad(sum((g * g).sum() for g in once), xs)
    wanted_twice = torch.autograd.grad(sum((g * g).sum() for g in wanted), ys)
    pairs = [(out, expected), *zip(once, wanted, strict=True)]
    for a, b in [*pairs, *zip(twice, wanted_twice, strict=True)]:
        b = b.detach().numpy()
        np.testing.assert_allclose(a.data, b, rtol=1e-8, atol=1e-9 * (1 + abs(b).max()))


T = torch.nn
LAYERS = {
    "Linear": (lambda r: nn.Linear(5, 7, rng=r), lambda: T.Linear(5, 7), (4, 5)),
    "Linear, three axes, no bias": (
        lambda r: nn.Linear(5, 3, bias=False, rng=r),
        lambda: T.Linear(5, 3, bias=False),
        (2, 4, 5),
    ),
    "Conv2d": (
        lambda r: nn.Conv2d(3, 4, 3, 2, 1, rng=r),
        lambda: T.Conv2d(3, 4, 3, 2, 1),
        (2, 3, 8, 7),
    ),
    "Conv2d, dilated, oblong, no bias": (
        lambda r: nn.Conv2d(
            2, 3, (3, 2), padding=(2, 1), dilation=2, bias=False, rng=r
        ),
        lambda: T.Conv2d(2, 3, (3, 2), padding=(2, 1), dilation=2, bias=False),
        (2, 2, 7, 6),
    ),
    "Conv2d, same": (
        lambda r: nn.Conv2d(2, 3, (3, 5), padding="same", dilation=2, rng=r),
        lambda: T.Conv2d(2, 3, (3, 5), padding="same", dilation=2),
        (2, 2, 7, 6),
    ),
    "ConvTranspose2d": (
        lambda r: nn.ConvTranspose2d(3, 2, 4, 2, 1, rng=r),
        lambda: T.ConvTranspose2d(3, 2, 4, 2, 1),
        (2, 3, 4, 5),
    ),
    "ConvTranspose2d, output_padding": (
        lambda r: nn.ConvTranspose2d(3, 2, 3, 2, 1, output_padding=1, rng=r),
        lambda: T.ConvTranspose2d(3, 2, 3, 2, 1, output_padding=1),
        (2, 3, 4, 5),
    ),
    "BatchNorm1d": (lambda r: nn.BatchNorm1d(4), lambda: T.BatchNorm1d(4), (6, 4)),
    "BatchNorm1d, sequences": (
        lambda r: nn.BatchNorm1d(4, eps=1e-3),
        lambda: T.BatchNorm1d(4, eps=1e-3),
        (3, 4, 5),
    ),
    "BatchNorm2d": (
        lambda r: nn.BatchNorm2d(3),
        lambda: T.BatchNorm2d(3),
        (4, 3, 5, 2),
    ),
    "BatchNorm2d, evaluating": (
        lambda r: nn.BatchNorm2d(3).eval(),
        lambda: T.BatchNorm2d(3).eval(),
        (4, 3, 5, 2),
    ),
    "LayerNorm": (lambda r: nn.LayerNorm(6), lambda: T.LayerNorm(6), (3, 4, 6)),
    "LayerNorm, two axes": (
        lambda r: nn.LayerNorm((4, 6), eps=1e-3),
        lambda: T.LayerNorm((4, 6), eps=1e-3),
        (3, 4, 6),
    ),
    "ReLU": (lambda r: nn.ReLU(), T.ReLU, (3, 4)),
    "LeakyReLU": (lambda r: nn.LeakyReLU(0.2), lambda: T.LeakyReLU(0.2), (3, 4)),
    "ELU": (lambda r: nn.ELU(1.5), lambda: T.ELU(1.5), (3, 4)),
    "Sigmoid": (lambda r: nn.Sigmoid(), T.Sigmoid, (3, 4)),
    "Tanh": (lambda r: nn.Tanh(), T.Tanh, (3, 4)),
    "Softplus": (lambda r: nn.Softplus(), T.Softplus, (3, 4)),
    "Softmax": (lambda r: nn.Softmax(1), lambda: T.Softmax(1), (3, 4, 2)),
    "Flatten": (lambda r: nn.Flatten(), T.Flatten, (3, 4, 2)),
    "MaxPool2d": (lambda r: nn.MaxPool2d(2), lambda: T.MaxPool2d(2), (2, 3, 6, 5)),
    "MaxPool2d, overlapping": (
        lambda r: nn.MaxPool2d(3, 2, 1),
        lambda: T.MaxPool2d(3, 2, 1),
        (2, 3, 6, 5),
    ),
    "AvgPool2d": (
        lambda r: nn.AvgPool2d(3, 2, 1),
        lambda: T.AvgPool2d(3, 2, 1),
        (2, 3, 6, 5),
    ),
    "Upsample": (
        lambda r: nn.Upsample(3),
        lambda: T.Upsample(scale_factor=3),
        (2, 3, 2, 4),
    ),
    "PixelShuffle": (
        lambda r: nn.PixelShuffle(2),
        lambda: T.PixelShuffle(2),
        (2, 8, 3, 2),
    ),
    "Sequential": (
        lambda r: nn.Sequential(nn.Linear(3, 4, rng=r), nn.Tanh(), nn.LayerNorm(4)),
        lambda: T.Sequential(T.Linear(3, 4), T.Tanh(), T.LayerNorm(4)),
        (5, 3),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_equals_torchs_to_second_order(name, rng):
    make, make_theirs, shape = LAYERS[name]
    ours, theirs = make(rng), make_theirs()
    for parameter in ours.parameters():  # away from the ones and zeros of the norms
        parameter.data += rng.standard_normal(parameter.shape).astype(np.float32)
    for buffer in ours.buffers():
        buffer.data += rng.integers(1, 3, buffer.shape).astype(buffer.dtype)
    send(ours, theirs)
    differences(ours, theirs, rng.standard_normal(shape))


def test_random_convolutions_equal_torchs(rng):
    for _ in range(8):
        C, O, KH, KW = rng.integers(1, 5, 4).tolist()
        stride, padding, dilation = (
            int(rng.integers(*r)) for r in [(1, 4), (0, 3), (1, 3)]
        )
        size = rng.integers(8, 12, 2)
        ours = nn.Conv2d(C, O, (KH, KW), stride, padding, dilation, rng=rng)
        theirs = T.Conv2d(C, O, (KH, KW), stride, padding, dilation)
        send(ours, theirs)
        differences(ours, theirs, rng.standard_normal((2, C, *size)))


def test_embedding_equals_torchs(rng):
    ours, theirs = nn.Embedding(7, 3, rng=rng), T.Embedding(7, 3)
    send(ours, theirs)
    x = rng.integers(0, 7, (4, 5))
    out, expected = ours(x), theirs(torch.from_numpy(x))
    np.testing.assert_array_equal(out.data, expected.detach().numpy())
    (g,) = grad((out * out).sum(), ours.parameters())
    (wanted,) = torch.autograd.grad((expected**2).sum(), theirs.parameters())
    np.testing.assert_allclose(g.data, wanted.numpy(), rtol=1e-6)
    np.testing.assert_array_equal(ours(Tensor(x.astype(np.uint8))).data, out.data)


# ---- masked convolutions -------------------------------------------------------------


@pytest.mark.parametrize("kernel", [3, 5, (1, 3), (3, 1)])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("kind", ["A", "B"])
def test_masked_convolution_sees_exactly_the_past(kind, dilation, kernel, rng):
    layer = nn.MaskedConv2d(kind, 1, 2, kernel, dilation=dilation, rng=rng)
    H, W = 6, 7
    reach = [dilation * (size // 2) for size in layer.kernel_size]
    x = rng.standard_normal((1, 1, H, W)).astype(np.float32)
    changes = np.eye(H * W, dtype=np.float32).reshape(H * W, 1, H, W)
    before, after = layer(Tensor(x)).data, layer(Tensor(x + changes)).data
    assert before.shape == (1, 2, H, W)
    for k, (i, j) in enumerate(np.ndindex(H, W)):  # pixel k was changed in image k
        changed = (after[k] != before[0]).any(axis=0)
        for m, (a, b) in enumerate(np.ndindex(H, W)):
            near = abs(a - i) <= reach[0] and abs(b - j) <= reach[1]
            near &= (a - i) % dilation == 0 and (b - j) % dilation == 0
            assert changed[a, b] == (near and (m > k or (m == k and kind == "B")))


@pytest.mark.parametrize("kind", ["A", "B"])
def test_masked_convolution_sees_the_colours_before(kind, rng):
    layer = nn.MaskedConv2d(kind, 6, 9, 3, colours=3, rng=rng)
    x = rng.standard_normal((1, 6, 3, 3)).astype(np.float32)
    before = layer(Tensor(x)).data[0].reshape(3, 3, 3, 3)  # colour, number, i, j
    for channel in range(6):
        y = x.copy()
        y[0, channel, 1, 1] += 1
        after = layer(Tensor(y)).data[0].reshape(3, 3, 3, 3)
        changed = (before != after).all(axis=1)
        assert ((before != after).any(axis=1) == changed).all()  # all or none
        assert not changed[:, :1].any() and not changed[:, 1, 0].any()
        assert changed[:, 1, 2].all() and changed[:, 2].all()
        colour = channel // 2
        sees = [colour < c or (kind == "B" and colour == c) for c in range(3)]
        assert changed[:, 1, 1].tolist() == sees


@pytest.mark.parametrize("kernel", [3, 5, (3, 1), (1, 3)])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("kind", ["vertical A", "vertical B"])
def test_vertical_masks_see_whole_rows(kind, dilation, kernel, rng):
    if kind == "vertical A" and kernel == (1, 3):
        return  # there is no row above: refused, see WRONG
    layer = nn.MaskedConv2d(kind, 1, 2, kernel, dilation=dilation, rng=rng)
    H, W = 6, 7
    reach = [dilation * (size // 2) for size in layer.kernel_size]
    x = rng.standard_normal((1, 1, H, W)).astype(np.float32)
    changes = np.eye(H * W, dtype=np.float32).reshape(H * W, 1, H, W)
    before, after = layer(Tensor(x)).data, layer(Tensor(x + changes)).data
    for k, (i, j) in enumerate(np.ndindex(H, W)):  # pixel k was changed in image k
        changed = (after[k] != before[0]).any(axis=0)
        for a, b in np.ndindex(H, W):
            near = a - i <= reach[0] and abs(b - j) <= reach[1]
            near &= (a - i) % dilation == 0 and (b - j) % dilation == 0
            above = a > i or (a == i and kind == "vertical B")
            assert changed[a, b] == (near and above)


@pytest.mark.parametrize("kind", ["A", "B"])
@pytest.mark.parametrize("colours, halves", [(1, 2), (3, 1), (3, 2), (2, 3)])
def test_each_half_has_the_mask_of_the_whole(kind, colours, halves):
    """halves=2 for a gate: both its parts see what a layer without a gate sees."""
    one = nn.past_mask(kind, (6, 12, 3, 5), colours)
    mask = nn.past_mask(kind, (6 * halves, 12, 3, 5), colours, halves)
    if colours == 1:
        np.testing.assert_array_equal(mask, one)
    else:
        np.testing.assert_array_equal(mask, np.concatenate([one] * halves))


def test_a_gate_sees_no_colour_too_many(rng):
    layer = nn.MaskedConv2d("B", 6, 12, 3, colours=3, halves=2, rng=rng)
    x = rng.standard_normal((1, 6, 3, 3)).astype(np.float32)
    before = F.gate(layer(Tensor(x))).data[0, :, 1, 1].reshape(3, 2)
    for channel in range(6):
        y = x.copy()
        y[0, channel, 1, 1] += 1
        after = F.gate(layer(Tensor(y))).data[0, :, 1, 1].reshape(3, 2)
        changed = (before != after).all(axis=1)
        assert ((before != after).any(axis=1) == changed).all()
        assert changed.tolist() == [channel // 2 <= c for c in range(3)]


def test_masks_of_the_paper_written_out():
    """A 3×3 mask A over red, green and blue, one channel each: [to, from, ., .]."""
    mask = nn.past_mask("A", (3, 3, 3, 3), 3)
    around = np.array([[1, 1, 1], [1, 0, 0], [0, 0, 0]], bool)
    for c, k in np.ndindex(3, 3):
        centre = mask[c, k, 1, 1]
        assert centre == (k < c)
        rest = mask[c, k].copy()
        rest[1, 1] = False
        np.testing.assert_array_equal(rest, around)
    mask = nn.past_mask("B", (3, 3, 3, 3), 3)
    np.testing.assert_array_equal(mask[:, :, 1, 1], np.tri(3, dtype=bool))
    single = nn.past_mask("B", (3, 3, 1, 1), 3)
    np.testing.assert_array_equal(single[:, :, 0, 0], np.tri(3, dtype=bool))
    for kind, rows in (("vertical A", 1), ("vertical B", 2)):
        mask = nn.past_mask(kind, (3, 3, 3, 3), 3)
        assert mask.tolist() == [[i < rows] * 3 for i in range(3)]


@pytest.mark.parametrize("colours", [1, 3])
def test_masked_convolution_is_a_convolution_with_zeros(colours, rng):
    ours = nn.MaskedConv2d("A", 3, 6, 5, dilation=2, colours=colours, rng=rng)
    theirs = T.Conv2d(3, 6, 5, padding=4, dilation=2)
    send(ours, theirs)
    with torch.no_grad():
        theirs.weight *= torch.tensor(np.broadcast_to(ours.mask, ours.weight.shape) * 1)
    ours.weight.data += 100 * (1 - ours.mask)  # what is hidden does not matter
    x = rng.standard_normal((2, 3, 6, 5)).astype(np.float32)
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours(Tensor(x)).data, expected, atol=1e-5)
    assert ours.mask.shape == ((5, 5) if colours == 1 else (6, 3, 5, 5))
    assert ours.state_dict().keys() == {"weight", "bias"}


def test_a_single_tap_at_the_centre_keeps_the_size(rng):
    layer = nn.MaskedConv2d("B", 2, 3, 1, rng=rng)
    assert layer(Tensor(np.ones((1, 2, 4, 5), np.float32))).shape == (1, 3, 4, 5)


# ---- batch norm, dropout -------------------------------------------------------------


@pytest.mark.parametrize("dimensions", [1, 2])
def test_batch_norm_tracks_as_torch_does(dimensions, rng):
    name = f"BatchNorm{dimensions}d"
    ours, theirs = getattr(nn, name)(3, momentum=0.3), getattr(T, name)(3, momentum=0.3)
    shape = (4, 3) if dimensions == 1 else (4, 3, 2, 5)
    for training in (True, True, True, False, True, False):
        ours.train(training)
        theirs.train(training)
        x = (rng.standard_normal(shape) * 3 + 2).astype(np.float32)
        expected = theirs(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(ours(Tensor(x)).data, expected, rtol=1e-5, atol=1e-5)
        state = ours.state_dict()
        assert state.keys() == theirs.state_dict().keys()
        for key, value in theirs.state_dict().items():
            assert state[key].dtype == value.numpy().dtype
            np.testing.assert_allclose(state[key], value.numpy(), rtol=1e-5)
    assert ours.num_batches_tracked.item() == 4


def test_dropout(rng):
    x = Tensor(np.ones((100, 100), np.float32))
    layer = nn.Dropout(0.25, rng=rng)
    y = layer(x).data
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.02)
    assert (layer(x).data != y).any()
    assert layer.eval()(x) is x


# ---- starting values -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["kaiming_uniform", "kaiming_normal"])
@pytest.mark.parametrize("shape", [(300, 200), (40, 30, 5, 7)])
def test_kaiming_spreads_as_torchs(name, shape, rng):
    expected = getattr(T.init, name + "_")(torch.empty(shape)).numpy()
    assert_same_spread(getattr(nn, name)(shape, rng=rng), expected)
    halved = getattr(nn, name)(shape, rng=rng, gain=2**0.5 / 2)
    assert_same_spread(2 * halved, expected)


@pytest.mark.parametrize("name", ["xavier_uniform", "xavier_normal"])
@pytest.mark.parametrize("shape", [(300, 200), (40, 30, 5, 7)])
def test_xavier_spreads_as_torchs(name, shape, rng):
    expected = getattr(T.init, name + "_")(torch.empty(shape), gain=3).numpy()
    assert_same_spread(getattr(nn, name)(shape, rng=rng, gain=3), expected)


def assert_same_spread(a, b):
    """Same dtype, shape, standard deviation and share within each quantile of b."""
    assert a.dtype == np.float32 and a.shape == b.shape
    assert a.std() == pytest.approx(b.std(), rel=0.02)
    for share in np.linspace(0.05, 0.95, 10):
        assert (a < np.quantile(b, share)).mean() == pytest.approx(share, abs=0.015)
    if abs(b).max() < 2 * b.std():  # uniform: the same sharp edges
        assert abs(a).max() == pytest.approx(abs(b).max(), rel=1e-3)


@pytest.mark.parametrize("shape", [(6, 6), (3, 8), (8, 3), (4, 2, 3, 3)])
def test_orthogonal(shape, rng):
    w = nn.orthogonal(shape, rng=rng, gain=2).reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_orthogonal_favours_no_direction(rng):
    corner = [nn.orthogonal((2, 2), rng=rng)[0, 0] for _ in range(400)]
    assert abs(np.mean(corner)) < 0.15


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (lambda r: nn.Linear(200, 300, rng=r), lambda: T.Linear(200, 300)),
        (lambda r: nn.Conv2d(20, 30, 5, rng=r), lambda: T.Conv2d(20, 30, 5)),
        (
            lambda r: nn.ConvTranspose2d(60, 30, 5, rng=r),
            lambda: T.ConvTranspose2d(60, 30, 5),
        ),
        (
            lambda r: nn.MaskedConv2d("A", 20, 30, 5, rng=r),
            lambda: T.Conv2d(20, 30, 5),
        ),
        (lambda r: nn.Embedding(100, 200, rng=r), lambda: T.Embedding(100, 200)),
    ],
    ids=["Linear", "Conv2d", "ConvTranspose2d", "MaskedConv2d", "Embedding"],
)
def test_layers_start_as_torchs(ours, theirs, rng):
    layer, other = ours(rng), theirs()
    assert_same_spread(layer.weight.data, other.weight.detach().numpy())
    if hasattr(layer, "bias"):
        bound = abs(layer.weight.data).max()
        assert 0.8 * bound < abs(layer.bias.data).max() <= 1.001 * bound


def test_the_same_generator_gives_the_same_layer():
    a, b = (nn.Linear(3, 4, rng=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a.weight.data, b.weight.data)


# ---- modules -------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self, rng):
        self.stem = nn.Conv2d(1, 4, 3, padding=1, bias=False, rng=rng)
        self.blocks = [
            nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1, rng=rng))
            for _ in range(2)
        ]
        self.head = nn.Linear(4, 3, rng=rng)
        self.scale = Tensor(np.ones(3, np.float32), requires_grad=True)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x.mean((2, 3))) * self.scale


class Twin(T.Module):
    def __init__(self):
        super().__init__()
        self.stem = T.Conv2d(1, 4, 3, padding=1, bias=False)
        self.blocks = T.ModuleList(
            T.Sequential(T.BatchNorm2d(4), T.ReLU(), T.Conv2d(4, 4, 1))
            for _ in range(2)
        )
        self.head = T.Linear(4, 3)
        self.scale = T.Parameter(torch.ones(3))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x.mean((2, 3))) * self.scale


def test_weights_travel_both_ways(rng):
    ours, theirs = Net(rng), Twin()
    x = rng.standard_normal((4, 1, 5, 5)).astype(np.float32)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for there in (True, False):
        if there:
            send(ours, theirs)
        else:
            theirs = Twin()
            ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
        expected = theirs(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(ours(Tensor(x)).data, expected, atol=1e-5)


def test_parameters_are_torchs_in_torchs_order(rng):
    ours, theirs = Net(rng), Twin()
    expected = [(name, tuple(p.shape)) for name, p in theirs.named_parameters()]
    assert [(name, p.shape) for name, p in ours.named_parameters()] == expected
    assert [p.shape for p in ours.parameters()] == [shape for _, shape in expected]
    assert [b.shape for b in ours.buffers()] == [
        tuple(b.shape) for b in theirs.buffers()
    ]
    assert len(ours.modules()) == len(list(theirs.modules())) - 1  # no ModuleList


def test_a_shared_tensor_is_one_parameter_with_two_names(rng):
    net = nn.Sequential(nn.Linear(3, 3, rng=rng), nn.Tanh(), nn.Linear(3, 3, rng=rng))
    net[2].weight = net[0].weight
    assert [name for name, _ in net.named_parameters()] == [
        "0.weight", "0.bias", "2.bias",
    ]  # fmt: skip
    assert "2.weight" in net.state_dict()


def test_frozen_parameters_stay_in_the_state(rng):
    net = nn.Linear(3, 3, rng=rng)
    net.bias.requires_grad = False
    assert net.parameters() == [net.weight] and net.buffers() == [net.bias]
    assert net.state_dict().keys() == {"weight", "bias"}


def test_results_kept_as_attributes_are_not_parameters(rng):
    net = nn.Linear(3, 3, rng=rng)
    net.last = net(Tensor(np.ones((2, 3), np.float32)))
    assert net.state_dict().keys() == {"weight", "bias"}


def test_train_and_eval_reach_everything(rng):
    net = Net(rng)
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())


def test_state_is_a_copy(rng):
    net = nn.Linear(3, 3, rng=rng)
    state, data = net.state_dict(), net.weight.data
    state["weight"][:] = 0
    assert (data != 0).all()
    net.load_state_dict(state)
    assert net.weight.data is data and (data == 0).all()  # filled in place
    state["weight"][:] = 1
    assert (data == 0).all()


def test_a_state_that_does_not_fit_changes_nothing(rng):
    net = nn.Linear(3, 2, rng=rng)
    before = net.state_dict()
    wrong = {"weight": np.zeros((3, 3)), "biases": np.zeros(2)}
    message = (
        "Linear.load_state_dict: missing 'bias'; unexpected 'biases';"
        " 'weight' has shape (3, 3), expected (2, 3)"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        net.load_state_dict(wrong)
    with pytest.raises(ValueError, match="'bias' is complex128, expected float32"):
        net.load_state_dict(before | {"bias": np.zeros(2, complex)})
    with pytest.raises(ValueError, match="missing '0.weight'.*and 4 more"):
        nn.Sequential(*(nn.Linear(1, 1, rng=rng) for _ in range(5))).load_state_dict(
            {"x": 1, "y": 2}
        )
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    net.load_state_dict({name: a.astype(np.float64) for name, a in before.items()})
    assert net.weight.dtype == np.float32


def test_repr_counts_parameters(rng):
    assert repr(nn.Sequential(nn.Linear(100, 20, rng=rng), nn.ReLU())) == (
        "Sequential(), 2,020 parameters\n"
        "  0: Linear(in_features=100, out_features=20), 2,020\n"
        "  1: ReLU()"
    )
    lines = repr(Net(rng).eval()).split("\n")
    assert lines[0] == "Net(), 110 parameters"
    assert lines[2:4] == [
        "  blocks.0: Sequential(), 28",
        "  blocks.0.0: BatchNorm2d(num_features=4, eps=1e-05, momentum=0.1), 8",
    ]


def test_sequential_is_a_list_of_layers(rng):
    net = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.ReLU(), nn.Linear(4, 2, rng=rng))
    assert len(net) == 3 and isinstance(net[1], nn.ReLU) and net[-1] is net[2]
    assert list(net[1:].state_dict()) == ["1.weight", "1.bias"]
    x = Tensor(rng.standard_normal((5, 3)).astype(np.float32))
    np.testing.assert_array_equal(net[1:](net[0](x)).data, net(x).data)


def test_empty_batches_pass(rng):
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=rng), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3, rng=rng)
    )
    assert net(Tensor(np.zeros((0, 1, 4, 4), np.float32))).shape == (0, 3)


images = Tensor(np.zeros((2, 3, 4, 4), np.float32))
WRONG = [
    (lambda r: nn.Linear(0, 3, rng=r), ValueError, "Linear: in_features .* got 0"),
    (lambda r: nn.Linear(2, 2.0, rng=r), ValueError, "Linear: out_features .* got 2.0"),
    (lambda r: nn.Linear(2, 3, rng=7), TypeError, "Linear: rng must be .* got 7"),
    (lambda r: nn.Linear(2, 3), TypeError, "rng"),
    (lambda r: nn.Linear(4, 3, rng=r)(images[:, :, :, :3]), ValueError, "3 features"),
    (lambda r: nn.Conv2d(1, True, 3, rng=r), ValueError, "out_channels .* got True"),
    (lambda r: nn.Conv2d(1, 2, (3, 3, 3), rng=r), ValueError, "Conv2d: kernel_size"),
    (lambda r: nn.Conv2d(1, 2, (3, 0), rng=r), ValueError, "Conv2d: kernel_size .* 0"),
    (lambda r: nn.Conv2d(1, 2, 3, 0, rng=r), ValueError, "Conv2d: stride .* got 0"),
    (lambda r: nn.Conv2d(1, 2, 2, padding="same", rng=r), ValueError, "odd kernel"),
    (lambda r: nn.Conv2d(1, 2, 3, 2, "same", rng=r), ValueError, "got stride 2"),
    (lambda r: nn.Conv2d(1, 2, 3, rng=r)(images), ValueError, "x has 3 channels"),
    (
        lambda r: nn.ConvTranspose2d(3, 2, 3, stride=-1, rng=r),
        ValueError,
        "ConvTranspose2d: stride .* got -1",
    ),
    (
        lambda r: nn.MaskedConv2d("C", 1, 1, 3, rng=r),
        ValueError,
        "kind must be 'A', 'B', 'vertical A' or 'vertical B', got 'C'",
    ),
    (lambda r: nn.MaskedConv2d("vertical", 1, 1, 3, rng=r), ValueError, "'vertical'"),
    (
        lambda r: nn.MaskedConv2d("vertical A", 1, 1, (1, 3), rng=r),
        ValueError,
        "'vertical A' with a 1×3 kernel sees nothing",
    ),
    (
        lambda r: nn.MaskedConv2d("B", 4, 6, 3, halves=4, rng=r),
        ValueError,
        "out_channels = 6 of colours × halves = 4",
    ),
    (
        lambda r: nn.MaskedConv2d("B", 3, 9, 3, colours=3, halves=2, rng=r),
        ValueError,
        "out_channels = 9 of colours × halves = 6",
    ),
    (
        lambda r: nn.MaskedConv2d("B", 4, 6, 3, colours=3, rng=r),
        ValueError,
        "in_channels = 4 must be a multiple of colours = 3",
    ),
    (
        lambda r: nn.MaskedConv2d("B", 4, 6, 3, colours=0, rng=r),
        ValueError,
        "MaskedConv2d: colours .* got 0",
    ),
    (
        lambda r: nn.MaskedConv2d("B", 4, 6, 3, halves=1.0, rng=r),
        ValueError,
        "MaskedConv2d: halves .* got 1.0",
    ),
    (lambda r: nn.MaskedConv2d("A", 1, 1, 1, rng=r), ValueError, "sees nothing"),
    (lambda r: nn.MaskedConv2d("A", 1, 1, 4, rng=r), ValueError, "odd kernel"),
    (
        lambda r: nn.MaskedConv2d("A", 3, 4, 3, colours=3, rng=r),
        ValueError,
        "in_channels = 3 must be a multiple of colours = 3, out_channels = 4 of",
    ),
    (lambda r: nn.Embedding(3, 2, rng=r)(np.array([3])), ValueError, "0 … 2, got 3"),
    (lambda r: nn.Embedding(3, 2, rng=r)(np.array([-1])), ValueError, "got -1"),
    (lambda r: nn.Embedding(3, 2, rng=r)(np.ones(1)), TypeError, "integers, got float"),
    (lambda r: nn.BatchNorm2d(4)(images), ValueError, "BatchNorm2d: .* with C = 4"),
    (lambda r: nn.BatchNorm1d(3)(images), ValueError, r"\(N, C\) or \(N, C, L\)"),
    (lambda r: nn.BatchNorm1d(3, momentum=2), ValueError, "momentum .* got 2"),
    (
        lambda r: nn.BatchNorm2d(3)(images[:1, :, :1, :1]),
        ValueError,
        "more than one value per channel",
    ),
    (lambda r: nn.LayerNorm((4, 5))(images), ValueError, r"\(4, 5\), got \(2, 3, 4, 4"),
    (lambda r: nn.LayerNorm("4"), ValueError, "normalized_shape .* got '4'"),
    (lambda r: nn.Dropout(1.0, rng=r), ValueError, "Dropout: p .* got 1.0"),
    (lambda r: nn.Dropout(0.5, rng=None), TypeError, "Dropout: rng .* got None"),
    (lambda r: nn.Sequential(nn.ReLU(), np.tanh), TypeError, r"layer 1\) is not a Mod"),
    (
        lambda r: nn.kaiming_normal((3,), rng=r),
        ValueError,
        r"kaiming_normal: .* \(3,\)",
    ),
    (lambda r: nn.orthogonal((3, 3), rng=0), TypeError, "orthogonal: rng"),
    (lambda r: nn.Module()(images), NotImplementedError, "Module does not define"),
]


@pytest.mark.parametrize("call, error, message", WRONG)
def test_bad_input_is_named(call, error, message, rng):
    with pytest.raises(error, match=message):
        call(rng)
