"""The losses of GANs and their penalties: beside torch, and by hand."""

import numpy as np
import pytest
import torch
from crosscheck import assert_same, differences
from torch.nn import functional as TF

from mini import Tensor, grad, nn
from mini import adversarial as A

pytestmark = pytest.mark.usefixtures("one_thread")

torch.set_num_threads(1)


def dice(seed=5):
    return np.random.default_rng(seed)


# ---- losses --------------------------------------------------------------------------


def entropy_of(x, target):
    """−log Bernoulli(target; σ(x)), the mean."""
    return TF.binary_cross_entropy_with_logits(x, torch.full_like(x, target))


def gap(x, target):
    return TF.mse_loss(x, torch.full_like(x, target)) / 2


LOSSES = {
    A.minimax: (
        lambda r, f, s=0.0: entropy_of(r, 1 - s) + entropy_of(f, 0.0),
        lambda f: -entropy_of(f, 0.0),
    ),
    A.non_saturating: (
        lambda r, f, s=0.0: entropy_of(r, 1 - s) + entropy_of(f, 0.0),
        lambda f: entropy_of(f, 1.0),
    ),
    A.least_squares: (
        lambda r, f, s=0.0: gap(r, 1 - s) + gap(f, 0.0), lambda f: gap(f, 1.0),
    ),
    A.hinge: (
        lambda r, f: TF.relu(1 - r).mean() + TF.relu(1 + f).mean(), lambda f: -f.mean(),
    ),
    A.wasserstein: (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
}  # fmt: skip
SMOOTHED = [A.minimax, A.non_saturating, A.least_squares]
SMOOTH = [(loss, s) for loss in SMOOTHED for s in (0.1, 0.5)]


def name(loss):
    return getattr(loss, "__name__", None)


@pytest.mark.parametrize("shapes", [((4,), (4,)), ((3, 1), (5,)), ((1,), (2, 1))])
@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_losses_are_torchs(loss, shapes, rng):
    discriminator, generator = LOSSES[loss]
    for _ in range(5):
        real, fake = (2 * rng.standard_normal(shape) for shape in shapes)
        assert_same(loss.discriminator, discriminator, [real, fake])
        assert_same(loss.generator, generator, [fake])


@pytest.mark.parametrize("loss, s", SMOOTH)
def test_smoothed_losses_are_torchs(loss, s, rng):
    real, fake = rng.standard_normal((2, 6))
    assert_same(
        lambda r, f: loss.discriminator(r, f, smoothing=s),
        lambda r, f: LOSSES[loss][0](r, f, s),
        [real, fake],
    )


@pytest.mark.parametrize("loss", LOSSES, ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_outputs_overflow_nothing(loss, dtype):
    x = np.array([-1e4, -200, -90, 90, 200, 1e4], dtype)
    assert_same(loss.discriminator, LOSSES[loss][0], [x, x[::-1].copy()], 1e-6)
    assert_same(loss.generator, LOSSES[loss][1], [x], 1e-6)
    y = loss.discriminator(Tensor(x), Tensor(x))
    assert y.shape == () and y.dtype == dtype and np.isfinite(y.data)


def test_losses_at_a_discriminator_that_knows_nothing():
    zero = Tensor(np.zeros(3))
    for loss in (A.minimax, A.non_saturating):
        assert loss.discriminator(zero, zero).item() == pytest.approx(np.log(4))
    assert A.minimax.generator(zero).item() == pytest.approx(-np.log(2))
    assert A.non_saturating.generator(zero).item() == pytest.approx(np.log(2))
    assert A.least_squares.discriminator(zero, zero).item() == 0.5
    assert A.least_squares.generator(zero).item() == 0.5
    assert A.hinge.discriminator(zero, zero).item() == 2
    assert A.wasserstein.discriminator(zero, zero).item() == 0


BEST = {
    A.minimax: lambda p, q, s: np.log((1 - s) * p / (q + s * p)),
    A.least_squares: lambda p, q, s: (1 - s) * p / (p + q),
}


@pytest.mark.parametrize("s", [0, 0.2])
@pytest.mark.parametrize("loss", BEST, ids=name)
def test_the_best_discriminator_is_that_of_the_papers(loss, s, rng):
    """Three kinds of samples, p of the real and q of the fake ones are of each: at
    log(p/q), or p/(p + q), every slope is zero, and elsewhere the loss is larger."""
    counts = np.array([6, 3, 1]), np.array([2, 3, 5])
    p, q = (c / 10 for c in counts)
    kinds = [np.repeat(np.arange(3), c) for c in counts]

    def loss_at(y):
        real, fake = (y[kind] for kind in kinds)
        return loss.discriminator(real, fake, smoothing=s)

    best = Tensor(BEST[loss](p, q, s), requires_grad=True)
    least = loss_at(best)
    (slope,) = grad(least, [best])
    np.testing.assert_allclose(slope.data, 0, atol=1e-15)
    for _ in range(20):
        assert loss_at(Tensor(best.data + rng.standard_normal(3))).data > least.data
    if loss is A.minimax and s == 0:
        m = (p + q) / 2
        jensen_shannon = (p * np.log(p / m) + q * np.log(q / m)).sum() / 2
        assert least.item() == pytest.approx(np.log(4) - 2 * jensen_shannon)


def test_minimax_saturates_where_its_namesake_does_not():
    y = Tensor(np.array([-30.0]), requires_grad=True)  # a fake that D sees through
    (flat,), (steep,) = (
        grad(loss.generator(y), [y]) for loss in (A.minimax, A.non_saturating)
    )
    assert -1e-12 < flat.data[0] < 0  # both pull it the same way
    assert steep.data[0] == pytest.approx(-1)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_a_column_is_as_good_as_a_row(loss, rng):
    """(N, 1) beside (N,) must not become (N, N)."""
    real, fake = rng.standard_normal((2, 7))
    expected = loss.discriminator(real, fake).data
    for r, f in ((real[:, None], fake), (real, fake[:, None])):
        np.testing.assert_array_equal(loss.discriminator(r, f).data, expected)


def test_feature_matching_is_torchs(rng):
    for real, fake in (((3, 4), (5, 4)), ((2, 2, 3, 3), (4, 2, 3, 3))):
        assert_same(
            A.feature_matching,
            lambda r, f: (r.mean(0) - f.mean(0)).square().sum(),
            [rng.standard_normal(real), rng.standard_normal(fake)],
        )
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert A.feature_matching(x, np.array([[2.0, 3.0]])).item() == 0  # means alone


# ---- penalties -----------------------------------------------------------------------


def critics(shape, rng):
    """A smooth critic of samples of this shape, in float64, and the same in torch."""
    inputs = int(np.prod(shape))
    if len(shape) == 1:
        ours = [nn.Linear(inputs, 5, rng=rng), nn.Tanh(), nn.Linear(5, 1, rng=rng)]
        theirs = [torch.nn.Linear(inputs, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1)]
    else:
        (C, H, W), conv = shape, (3, 3, 2, 1)
        flat = 3 * ((H + 1) // 2) * ((W + 1) // 2)
        ours = [
            nn.Conv2d(C, *conv, rng=rng),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(flat, 4, rng=rng),
            nn.Tanh(),
            nn.Linear(4, 1, rng=rng),
        ]
        theirs = [torch.nn.Conv2d(C, *conv), torch.nn.LeakyReLU(0.2),
                  torch.nn.Flatten(), torch.nn.Linear(flat, 4), torch.nn.Tanh(),
                  torch.nn.Linear(4, 1)]  # fmt: skip
    ours, theirs = nn.Sequential(*ours).to(np.float64), torch.nn.Sequential(*theirs)
    theirs.double().load_state_dict(
        {key: torch.tensor(a) for key, a in ours.state_dict().items()}
    )
    return ours, theirs


def slopes_in_torch(critic, x):
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.flatten(1)


def penalty_in_torch(critic, real, fake, rng):
    alpha = torch.tensor(rng.random((len(real), *(1,) * (real.ndim - 1))))
    norms = slopes_in_torch(critic, torch.lerp(fake, real, alpha)).norm(2, dim=1)
    return ((norms - 1) ** 2).mean()


@pytest.mark.parametrize("shape", [(2,), (6,), (1, 4, 5), (3, 5, 4)], ids=str)
def test_penalties_are_torchs_double_backward(shape, rng):
    """Their gradients are second derivatives of the critic, the second third ones."""
    ours, theirs = critics(shape, rng)
    real, fake = rng.standard_normal((2, 4, *shape))
    parameters = ours.parameters(), list(theirs.parameters())
    found = differences(
        lambda: A.gradient_penalty(ours, real, fake, rng=dice()),
        lambda: penalty_in_torch(
            theirs, torch.tensor(real), torch.tensor(fake), dice()
        ),
        [],
        parameters,
    )
    found += differences(
        lambda: A.r1_penalty(ours, real),
        lambda: slopes_in_torch(theirs, torch.tensor(real)).square().sum(1).mean() / 2,
        [],
        parameters,
    )
    assert max(found) < 1e-9


@pytest.mark.parametrize("shape", [(2,), (3, 4, 5)], ids=str)
def test_each_sample_has_its_own_penalty(shape, rng):
    """That of a batch is the mean of those of its samples, one after the other: no
    norm over the batch, no share of mixing for each pixel or one for all samples."""
    critic, _ = critics(shape, rng)
    real, fake = rng.standard_normal((2, 6, *shape))
    whole, one = dice(), dice()
    parts = [
        A.gradient_penalty(critic, r[None], f[None], rng=one).item()
        for r, f in zip(real, fake)
    ]
    assert np.std(parts) > 1e-3  # else this would say little
    batch = A.gradient_penalty(critic, real, fake, rng=whole)
    assert batch.item() == pytest.approx(np.mean(parts), rel=1e-12)
    parts = [A.r1_penalty(critic, x[None]).item() for x in real]
    assert A.r1_penalty(critic, real).item() == pytest.approx(np.mean(parts), rel=1e-12)


def test_penalties_by_hand(rng):
    """A plane of slope |a| everywhere, and a bowl whose slope is x itself."""
    a, x = rng.standard_normal((3, 4, 5)), rng.standard_normal((7, 3, 4, 5))
    norm = np.linalg.norm(a)

    def plane(x):
        return (x * a).sum((1, 2, 3))

    def bowl(x):
        return 0.5 * (x * x).sum((1, 2, 3))

    for column in (False, True):

        def critic(x, column=column):
            return plane(x).reshape(-1, 1) if column else plane(x)

        penalty = A.gradient_penalty(critic, x, -x, rng=rng)
        assert penalty.item() == pytest.approx((norm - 1) ** 2)
        assert A.r1_penalty(critic, x).item() == pytest.approx(norm**2 / 2)
    squares = (x**2).sum((1, 2, 3))
    assert A.r1_penalty(bowl, x).item() == pytest.approx(squares.mean() / 2)
    between = A.gradient_penalty(bowl, x, x, rng=rng).item()  # x, wherever between
    assert between == pytest.approx(((np.sqrt(squares) - 1) ** 2).mean())


def test_places_lie_evenly_on_the_line_between_real_and_fake(rng):
    seen = []

    def critic(x):
        seen.append(x.data)
        return (x * x).sum(1)

    real, fake = rng.standard_normal((2, 2000, 3))
    A.gradient_penalty(critic, real, fake, rng=rng)
    share = (seen[0] - fake) / (real - fake)
    np.testing.assert_allclose(share, share[:, :1].repeat(3, 1), rtol=1e-6)
    quantiles = (np.arange(2000) + 0.5) / 2000
    assert np.abs(np.sort(share[:, 0]) - quantiles).max() < 0.04


def test_where_the_critic_is_flat_the_penalty_has_no_gradient(rng):
    """As in torch, whose norm has none at zero: not NaN, which would end the run."""
    layer = nn.Linear(2, 3, rng=rng).to(np.float64)
    layer.bias.data[...] = [-100, 0.5, -100]  # two units sleep, one wakes for some
    layer.weight.data[...] = [[1, 2], [3, 0], [0, 4]]
    top = Tensor(np.ones((3, 1)), requires_grad=True)
    x = np.array([[1.0, 1.0], [-1.0, 0.0], [0.3, 0.2]])

    def critic(x):
        return nn.F.relu(layer(x)) @ top

    def in_torch(x):
        return torch.relu(x @ weight.T + torch.tensor(layer.bias.data)) @ torch_top

    weight = torch.tensor(layer.weight.data, requires_grad=True)
    torch_top = torch.tensor(top.data, requires_grad=True)
    penalty = A.gradient_penalty(critic, x, x, rng=dice())
    expected = penalty_in_torch(in_torch, torch.tensor(x), torch.tensor(x), dice())
    assert penalty.item() == pytest.approx((4 + 1 + 4) / 3)
    assert expected.item() == pytest.approx(penalty.item())
    ours = grad(penalty, [layer.weight, top])
    theirs = torch.autograd.grad(expected, [weight, torch_top])
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.data, b.numpy())


def test_nan_is_not_taken_for_flat(rng):
    x = np.full((2, 2), np.nan)
    penalty = A.gradient_penalty(lambda x: (x * x).sum(1), x, x, rng=rng)
    assert np.isnan(penalty.data)


def test_penalties_leave_the_generator_alone(rng):
    critic, _ = critics((2,), rng)
    fake = Tensor(rng.standard_normal((3, 2)), requires_grad=True)
    for penalty in (
        A.gradient_penalty(critic, 2 * fake, 3 * fake, rng=rng),
        A.r1_penalty(critic, 2 * fake),
    ):
        np.testing.assert_array_equal(grad(penalty, [fake])[0].data, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_penalties_keep_the_precision(dtype, rng):
    critic, _ = critics((2,), rng)
    critic.to(dtype)
    x = rng.standard_normal((3, 2)).astype(dtype)
    assert A.gradient_penalty(critic, x, 2 * x, rng=rng).dtype == dtype
    assert A.r1_penalty(critic, Tensor(x)).dtype == dtype


# ---- clipping and packs --------------------------------------------------------------


def test_weights_are_clipped_in_place(rng):
    layer = nn.Linear(30, 20, rng=rng)
    before, arrays = layer.state_dict(), [p.data for p in layer.parameters()]
    A.clip_weights(layer.parameters(), 0.1)
    for p, array, old in zip(layer.parameters(), arrays, before.values(), strict=True):
        assert p.data is array and p.requires_grad and not p.edges
        assert (np.abs(old) > 0.1).any()
        np.testing.assert_array_equal(p.data, np.clip(old, -0.1, 0.1))


def test_packs_hold_neighbours_side_by_side():
    x = np.arange(12.0).reshape(6, 2)
    np.testing.assert_array_equal(A.pack(x, 1), x)
    np.testing.assert_array_equal(A.pack(x, 3)[1], [6, 7, 8, 9, 10, 11])
    images = np.arange(4 * 3 * 2 * 5).reshape(4, 3, 2, 5)
    packed = A.pack(images, 2)
    assert packed.shape == (2, 6, 2, 5)
    np.testing.assert_array_equal(packed[1, :3], images[2])
    np.testing.assert_array_equal(packed[1, 3:], images[3])


def test_gradients_find_their_way_out_of_a_pack(rng):
    x = rng.standard_normal((6, 2))
    assert_same(
        lambda x: (A.pack(x, 3) ** 3).sum(1),
        lambda x: torch.cat([x[i::3] for i in range(3)], 1).pow(3).sum(1),
        [x],
    )


# ---- bad input -----------------------------------------------------------------------

x, y = np.ones((4, 2)), np.ones(4)
WRONG = {
    "minimax: shape": (
        lambda r: A.minimax.discriminator(x, y), ValueError,
        r"minimax.discriminator: real .*\(N, 1\).*\(4, 2\)"),
    "fake's shape": (
        lambda r: A.hinge.discriminator(y, x), ValueError,
        r"hinge.discriminator: fake .*\(4, 2\)"),
    "generator": (
        lambda r: A.non_saturating.generator(x), ValueError,
        r"non_saturating.generator: fake .*\(4, 2\)"),
    "none": (
        lambda r: A.wasserstein.generator(np.ones(0)), ValueError,
        r"wasserstein.generator: .*\(0,\)"),
    "a number": (
        lambda r: A.least_squares.generator(np.float64(1)), ValueError,
        r"least_squares.generator: .*\(\)"),
    "bytes": (
        lambda r: A.minimax.generator(np.ones(3, np.uint8)), ValueError, "uint8"),
    "smoothing": (
        lambda r: A.non_saturating.discriminator(y, y, smoothing=1), ValueError,
        "non_saturating.discriminator: smoothing .* got 1"),
    "smoothing, negative": (
        lambda r: A.least_squares.discriminator(y, y, smoothing=-0.1), ValueError,
        "smoothing .* got -0.1"),
    "smoothing of a margin": (
        lambda r: A.hinge.discriminator(y, y, smoothing=0.1), TypeError, "smoothing"),
    "features": (
        lambda r: A.feature_matching(x, np.ones((4, 3))), ValueError,
        r"feature_matching: .*\(4, 2\) and \(4, 3\)"),
    "no features": (lambda r: A.feature_matching(y, y), ValueError, r"\(4,\)"),
    "pairs": (
        lambda r: A.gradient_penalty(np.sum, x, x[:3], rng=r), ValueError,
        r"gradient_penalty: .*one shape.*\(4, 2\).*\(3, 2\)"),
    "dtypes": (
        lambda r: A.gradient_penalty(np.sum, x, x.astype("f"), rng=r), ValueError,
        "gradient_penalty: .*float64.*float32"),
    "images of bytes": (
        lambda r: A.r1_penalty(np.sum, x.astype(np.uint8)), ValueError,
        "r1_penalty: real must be floats.*uint8"),
    "no rng": (lambda r: A.gradient_penalty(np.sum, x, x), TypeError, "rng"),
    "a seed": (
        lambda r: A.gradient_penalty(np.sum, x, x, rng=3), TypeError,
        "gradient_penalty: rng .* got 3"),
    "a critic that sums": (
        lambda r: A.gradient_penalty(lambda x: x.sum(), x, x, rng=r), ValueError,
        r"gradient_penalty: critic .*4 samples.*\(\)"),
    "a critic of features": (
        lambda r: A.r1_penalty(lambda x: 2 * x, x), ValueError,
        r"r1_penalty: critic .*\(4, 2\)"),
    "limit": (
        lambda r: A.clip_weights([], 0), ValueError, "clip_weights: limit .* got 0"),
    "a pack too many": (
        lambda r: A.pack(x, 3), ValueError, r"pack: .*\(4, 2\) and m = 3"),
    "half a pack": (lambda r: A.pack(x, 0.5), ValueError, r"m = 0\.5"),
    "no pack": (lambda r: A.pack(x, 0), ValueError, "m = 0"),
    "a pack of numbers": (lambda r: A.pack(y, 2), ValueError, r"\(4,\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_named(name, refused):
    refused(*WRONG[name])
