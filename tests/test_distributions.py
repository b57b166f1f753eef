"""Distributions beside torch.distributions: values, gradients, draws, extremes."""

import numpy as np
import pytest
import torch

from mini.distributions import (
    Bernoulli,
    Categorical,
    LogisticMixture,
    Normal,
    kl_divergence,
)
from mini.gradcheck import gradcheck
from mini.tensor import Tensor, grad
from mini.twins.pixelcnn import logistic_mixture

torch.set_num_threads(1)
D = torch.distributions


def agree(ours, theirs, *inputs):
    """Values, first and second gradients of two functions of the same arrays."""
    xs = [Tensor(x, requires_grad=True) for x in inputs]
    ys = [torch.tensor(x, requires_grad=True) for x in inputs]
    out, expected = ours(*xs), theirs(*ys)
    assert out.shape == tuple(expected.shape)
    weights = np.random.default_rng(1).standard_normal(out.shape)
    once = grad((out * out * weights).sum(), xs, create_graph=True)
    loss = (expected * expected * torch.tensor(weights)).sum()
    unused = {"allow_unused": True, "materialize_grads": True}
    wanted = torch.autograd.grad(loss, ys, create_graph=True, **unused)
    twice = grad(sum((g * g).sum() for g in once), xs)
    wanted_twice = torch.autograd.grad(sum((g * g).sum() for g in wanted), ys, **unused)
    pairs = [(out, expected), *zip(once, wanted, strict=True)]
    for a, b in [*pairs, *zip(twice, wanted_twice, strict=True)]:
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-8, atol=1e-9)


BOTH = [
    (Normal, D.Normal, lambda a, b: (a, abs(b) + 0.1)),
    (Bernoulli, lambda a: D.Bernoulli(logits=a), lambda a, b: (a,)),
    (Categorical, lambda a: D.Categorical(logits=a), lambda a, b: (a,)),
]
IDS = ["Normal", "Bernoulli", "Categorical"]


@pytest.mark.parametrize("ours, theirs, choose", BOTH, ids=IDS)
@pytest.mark.parametrize("shape", [(3,), (4, 5), (2, 3, 4)])
def test_entropy_and_divergence_equal_torchs(ours, theirs, choose, shape, rng):
    p = choose(*rng.standard_normal((2, *shape)) * 2)
    q = choose(*rng.standard_normal((2, *shape)) * 2)
    agree(lambda *a: ours(*a).entropy(), lambda *a: theirs(*a).entropy(), *p)
    agree(
        lambda *a: kl_divergence(ours(*a[: len(p)]), ours(*a[len(p) :])),
        lambda *a: D.kl_divergence(theirs(*a[: len(p)]), theirs(*a[len(p) :])),
        *p,
        *q,
    )
    assert (kl_divergence(ours(*p), ours(*p)).data == 0).all()
    assert (kl_divergence(ours(*p), ours(*q)).data > 0).all()


@pytest.mark.parametrize("lead", [(), (6,)])
def test_log_probabilities_equal_torchs(lead, rng):
    a, b = rng.standard_normal((2, 4, 5)) * 2
    x = rng.standard_normal((*lead, 4, 5))
    agree(
        lambda loc, scale, x: Normal(loc, scale.exp()).log_prob(x),
        lambda loc, scale, x: D.Normal(loc, scale.exp()).log_prob(x),
        a,
        b,
        x,
    )
    bits = (x > 0) * 1.0
    agree(
        lambda logits: Bernoulli(logits).log_prob(bits),
        lambda logits: D.Bernoulli(logits=logits).log_prob(torch.tensor(bits)),
        a,
    )
    k = rng.integers(0, 5, (*lead, 4))
    agree(
        lambda logits: Categorical(logits).log_prob(k),
        lambda logits: D.Categorical(logits=logits).log_prob(torch.tensor(k)),
        a,
    )


def test_values_and_parameters_broadcast(rng):
    loc, x = rng.standard_normal((4, 1)), rng.standard_normal((3, 4, 5))
    agree(
        lambda loc, scale: Normal(loc, scale).log_prob(x),
        lambda loc, scale: D.Normal(loc, scale).log_prob(torch.tensor(x)),
        loc,
        np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
    )
    ours = Normal(0, np.ones(3))
    assert ours.shape == ours.mean.shape == ours.entropy().shape == (3,)
    logits, k = rng.standard_normal((1, 4, 7)), rng.integers(0, 7, (3, 1))
    agree(
        lambda logits: Categorical(logits).log_prob(k),
        lambda logits: D.Categorical(logits=logits).log_prob(torch.tensor(k)),
        logits,
    )


def test_categorical_over_the_channels_of_images(rng):
    logits = rng.standard_normal((2, 6, 3, 4, 5))
    x = rng.integers(0, 6, (2, 3, 4, 5))
    last = np.moveaxis(logits, 1, -1)
    ours, flat = Categorical(Tensor(logits), axis=1), Categorical(Tensor(last))
    assert ours.shape == flat.shape == x.shape
    for a, b in [
        (ours.log_prob(x), flat.log_prob(x)),
        (ours.log_prob(x.astype(np.uint8)), flat.log_prob(Tensor(x))),
        (ours.entropy(), flat.entropy()),
        (ours.mean, flat.mean),
        (kl_divergence(ours, ours), flat.entropy() * 0),
    ]:
        np.testing.assert_allclose(a.data, b.data, atol=1e-12)
    for shape in ((), (3,)):
        a, b = (d.sample(shape, rng=np.random.default_rng(0)) for d in (ours, flat))
        np.testing.assert_array_equal(a.data, b.data)
        assert a.shape == (*shape, 2, 3, 4, 5)
    np.testing.assert_allclose(ours.log_prob(a).data, flat.log_prob(b).data)
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(logits), torch.tensor(x), reduction="sum"
    )
    assert -ours.log_prob(x).sum().item() == pytest.approx(expected.item())


def test_means_are_the_means(rng):
    logits = rng.standard_normal((3, 4)).astype(np.float32)
    loc = rng.standard_normal((3, 1)).astype(np.float32)
    for p in (
        Normal(loc, np.full(4, 0.5, "f")),
        Bernoulli(logits),
        Categorical(logits),
    ):
        draws = p.sample((20_000,), rng=rng).data
        assert draws.shape == (20_000, *p.shape)
        np.testing.assert_allclose(draws.mean(axis=0), p.mean.data, atol=0.04)


# ---- draws ---------------------------------------------------------------------------


def test_draws_have_their_frequencies(rng):
    with np.errstate(divide="ignore"):
        p = Categorical(np.log([[0.5, 0.0, 0.3, 0.2], [0.0, 1.0, 0.0, 0.0]]))
    draws = p.sample((20_000,), rng=rng)
    assert draws.dtype == np.int64 and not draws.requires_grad
    share = [(draws.data == k).mean(axis=0) for k in range(4)]
    np.testing.assert_allclose(np.stack(share, axis=1), p.probs.data, atol=0.015)
    assert share[1][0] == 0 and share[1][1] == 1  # what is impossible never happens

    class Lowest:  # a generator at the very end of its range
        random = staticmethod(np.zeros)

    assert p.sample(rng=Lowest).data.tolist() == [0, 1]
    draws = Normal(2.0, 3.0).sample((20_000,), rng=rng).data
    assert draws.dtype == np.float32
    assert draws.mean() == pytest.approx(2, abs=0.1)
    assert draws.std() == pytest.approx(3, abs=0.1)


def test_only_rsample_lets_gradients_through(rng):
    loc, scale = (Tensor(np.full(3, v, np.float32), requires_grad=True) for v in (1, 2))
    p = Normal(loc, scale)
    draw = p.rsample((4,), rng=np.random.default_rng(7))
    noise = (draw.data - 1) / 2
    for g, expected in zip(
        grad(draw.sum(), [loc, scale]), (4, noise.sum(0)), strict=True
    ):
        np.testing.assert_allclose(g.data, np.broadcast_to(expected, 3), rtol=1e-5)
    same = p.sample((4,), rng=np.random.default_rng(7))
    np.testing.assert_array_equal(same.data, draw.data)
    assert draw.requires_grad and draw.dtype == np.float32
    assert not any(
        d.sample(rng=rng).requires_grad for d in (p, Bernoulli(loc), Categorical(loc))
    )


def test_float32_stays_float32(rng):
    a = rng.standard_normal((3, 4)).astype(np.float32)
    for p, x in [
        (Normal(a, 1.0), a),
        (Normal(a, np.float64(2)), np.ones((3, 4), np.int64)),
        (Bernoulli(a), np.ones((3, 4), np.uint8)),
        (Bernoulli(a), np.ones((3, 4), bool)),
        (Bernoulli(a), np.ones((3, 4))),
        (Categorical(a), np.ones(3, int)),
    ]:
        results = (p.log_prob(x), p.entropy(), kl_divergence(p, p), p.mean)
        assert {r.dtype for r in results} == {np.dtype(np.float32)}, (p, x.dtype)
    assert Normal(a, 1).sample(rng=rng).dtype == np.float32
    assert Bernoulli(a).sample(rng=rng).dtype == np.float32


# ---- extremes ------------------------------------------------------------------------

EXTREME = np.array([-1e4, -100, -20, 0, 20, 100, 1e4], np.float32)


def test_extreme_logits_of_a_bernoulli():
    logits = Tensor(EXTREME, requires_grad=True)
    p, exact = Bernoulli(logits), D.Bernoulli(logits=torch.tensor(EXTREME).double())
    for x in (0.0, 1.0):
        out = p.log_prob(np.full(7, x))
        expected = exact.log_prob(torch.full((7,), x).double()).numpy()
        np.testing.assert_allclose(out.data, expected, rtol=1e-6, atol=1e-6)
        (g,) = grad(out.sum(), [logits], create_graph=True)
        np.testing.assert_allclose(g.data, x - exact.probs.numpy(), atol=1e-6)
        (h,) = grad(g.sum(), [logits])
        assert np.isfinite(h.data).all()
    np.testing.assert_allclose(p.entropy().data, exact.entropy().numpy(), atol=1e-5)
    kl = kl_divergence(p, Bernoulli(-EXTREME)).data
    np.testing.assert_allclose(kl, abs(EXTREME) * np.tanh(abs(EXTREME) / 2), rtol=1e-6)
    assert p.sample(rng=np.random.default_rng(0)).data[[0, 1, -1]].tolist() == [0, 0, 1]


def test_extreme_logits_of_a_categorical():
    logits = Tensor(np.stack([EXTREME, EXTREME[::-1]]), requires_grad=True)
    p = Categorical(logits)
    out = p.log_prob(np.array([0, 0]))
    assert out.data.tolist() == [-2e4, 0]
    for value in (out, p.entropy(), kl_divergence(p, Categorical(EXTREME))):
        assert np.isfinite(value.data).all()
        (g,) = grad(value.sum(), [logits], create_graph=True)
        (h,) = grad((g * g).sum(), [logits])
        assert np.isfinite(g.data).all() and np.isfinite(h.data).all()
    assert p.sample(rng=np.random.default_rng(0)).data.tolist() == [6, 0]


def test_impossible_classes_count_nothing():
    a = np.array([0.0, 1.0, -np.inf, 2.0])
    logits = Tensor(a, requires_grad=True)
    p, three = Categorical(logits), Categorical(a[[0, 1, 3]])
    assert p.entropy().item() == pytest.approx(three.entropy().item())
    assert p.log_prob(2).item() == -np.inf
    even = Categorical(np.zeros(4))
    assert kl_divergence(p, even).item() == pytest.approx(
        D.kl_divergence(
            D.Categorical(logits=torch.tensor(a)), D.Categorical(torch.ones(4).double())
        ).item()
    )
    assert kl_divergence(even, p).item() == np.inf
    assert kl_divergence(p, p).item() == 0
    for value in (p.entropy(), kl_divergence(p, even), p.log_prob(0)):
        (g,) = grad(value, [logits])
        assert np.isfinite(g.data).all() and g.data[2] == 0


def test_a_nan_passes_through():
    nan = np.array([np.nan, 0.0])
    assert np.isnan(Bernoulli(nan).log_prob(np.ones(2)).data).tolist() == [True, False]
    assert np.isnan(Categorical(nan).entropy().data)
    assert np.isnan(Normal(nan, 1).entropy().data).tolist() == [False, False]
    assert np.isnan(Normal(0, nan + 1).log_prob(0).data).tolist() == [True, False]


# ---- mixtures of logistics -----------------------------------------------------------


def slow_mixture(params, levels):
    """p(x) for all levels x, float64: params (3, M) → (levels,), straight from σ.

    The difference of two values of σ, as the paper has it: exact as long as it is not
    small beside them.
    """
    logits, means, scales = params[0], params[1], np.exp(np.maximum(params[2], -7))
    weights = np.exp(logits - logits.max())
    edges = (2 * np.arange(levels + 1) - 1) / (levels - 1) - 1
    edges[0], edges[-1] = -np.inf, np.inf
    with np.errstate(over="ignore"):
        sums = 1 / (1 + np.exp(-(edges[:, None] - means) / scales))
    return np.diff(sums, axis=0) @ (weights / weights.sum())


@pytest.mark.parametrize("levels", [2, 3, 16, 256])
@pytest.mark.parametrize("M", [1, 3])
def test_logistics_beside_the_formula(levels, M, rng):
    for log_scale in (-3.0, -1.0, 0.0, 2.0):
        params = rng.standard_normal((3, M))
        params[2] += log_scale
        expected = slow_mixture(params, levels)
        p = LogisticMixture(params.reshape(-1), levels)
        found = np.exp(p.log_prob(np.arange(levels)).data)
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("levels", [2, 3, 16, 256])
@pytest.mark.parametrize("log_scale", [-50.0, -7.0, -4.0, 0.0, 5.0, 20.0])
@pytest.mark.parametrize("dtype, atol", [(np.float32, 2e-5), (np.float64, 1e-12)])
def test_logistics_sum_to_one(levels, log_scale, dtype, atol, rng):
    """From curves narrower than a level to some a hundred million times too wide."""
    params = rng.standard_normal((20, 3, 4))
    params[:, 1] *= 2  # some means lie far outside
    params[:, 2] = log_scale + 0.1 * params[:, 2]
    p = LogisticMixture(params.reshape(20, 12).astype(dtype), levels)
    logs = p.log_prob(np.arange(levels)[:, None])
    assert logs.shape == (levels, 20) and logs.dtype == dtype
    np.testing.assert_allclose(np.exp(logs.data).sum(0), 1, rtol=0, atol=atol)


@pytest.mark.parametrize("levels", [2, 5, 256])
def test_logistics_equal_torchs_to_second_order(levels, rng):
    params, x = rng.standard_normal((2, 9, 4)), rng.integers(levels, size=(2, 4))
    x[0, :2] = 0, levels - 1
    agree(
        lambda a: LogisticMixture(a, levels, 1).log_prob(x),
        lambda a: logistic_mixture(a, torch.tensor(x), levels),
        params,
    )


@pytest.mark.parametrize("levels", [2, 5])
def test_logistics_pass_the_gradient_check(levels, rng):
    params, x = rng.standard_normal((2, 6)), rng.integers(levels, size=2)
    assert gradcheck(
        lambda a: LogisticMixture(a, levels).log_prob(x), [params], rng=rng
    )


def test_nothing_is_lost_far_from_the_curve():
    """Where both values of σ round to 1 or 0, the log of their difference is there."""
    params = np.array([0.0, 0.9, -7.0])  # level 243 or so of 256, scale 0.0009
    for dtype, rtol in ((np.float32, 1e-5), (np.float64, 1e-12)):
        found = LogisticMixture(params.astype(dtype)).log_prob(np.arange(1, 200)).data
        x = np.arange(1, 200) / 127.5 - 1
        s = np.exp(-7.0)
        upper, lower = (x + 1 / 255 - 0.9) / s, (x - 1 / 255 - 0.9) / s
        expected = upper + np.log1p(-np.exp(lower - upper))  # log σ(u) = u here
        np.testing.assert_allclose(found, expected, rtol=rtol)
    mirrored = LogisticMixture(params * [1, -1, 1]).log_prob(255 - np.arange(1, 200))
    np.testing.assert_allclose(mirrored.data, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [2, 256])
def test_gradients_of_extreme_logistics_are_finite(dtype, levels):
    logits, means = [-1e4, -20, 0, 20, 1e4], [-1e4, -3, -1, 0, 1, 3, 1e4]
    log_scales = [-1e4, -20, -7, 0, 7, 30]
    grid = np.stack(np.meshgrid(logits, means, log_scales), -1).reshape(-1, 3)
    pairs = np.concatenate([grid, grid[::-1]], 1)[:, [0, 3, 1, 4, 2, 5]]
    params = Tensor(pairs.astype(dtype), requires_grad=True)
    p = LogisticMixture(params, levels)
    for x in (0, levels // 2, levels - 1):
        out = p.log_prob(x)
        (g,) = grad(out.sum(), [params])
        assert np.isfinite(out.data).all() and np.isfinite(g.data).all()
        assert (out.data <= 1e-6).all()
    for seed in range(3):
        draw = p.sample(rng=np.random.default_rng(seed)).data
        assert draw.min() >= 0 and draw.max() < levels


def test_narrower_than_the_narrowest(rng):
    """Log-scales below −7 count as −7, and their gradient is zero."""
    at = np.array([0.3, 0.1, -7.0])
    narrow = Tensor(np.array([0.3, 0.1, -9.0]), requires_grad=True)
    x = np.arange(120, 160)
    found = LogisticMixture(narrow).log_prob(x)
    np.testing.assert_array_equal(found.data, LogisticMixture(at).log_prob(x).data)
    (g,) = grad(found.sum(), [narrow])
    assert g.data[2] == 0 and g.data[1] != 0


@pytest.mark.parametrize("levels", [2, 5, 32])
@pytest.mark.parametrize("log_scale", [-6.0, -1.5, 1.0])
def test_draws_of_logistics_have_their_probabilities(levels, log_scale, rng):
    """50,000 draws beside the probabilities: total variation below 0.015.

    By chance alone it is about √(levels / 2πn), at most 0.010.
    """
    params = rng.standard_normal((3, 3))
    params[2] = log_scale + 0.3 * params[2]
    p = LogisticMixture(params.reshape(-1), levels)
    draws = p.sample((50_000,), rng=rng)
    assert draws.dtype == np.int64 and draws.shape == (50_000,)
    share = np.bincount(draws.data, minlength=levels) / 50_000
    assert len(share) == levels
    chances = np.exp(p.log_prob(np.arange(levels)).data)
    assert abs(share - chances).sum() / 2 < 0.015


def test_logistics_along_any_axis(rng):
    params, x = rng.standard_normal((2, 6, 3, 4)), rng.integers(256, size=(2, 3, 4))
    ours = LogisticMixture(params, axis=1)
    last = LogisticMixture(np.moveaxis(params, 1, -1))
    assert ours.shape == last.shape == (2, 3, 4)
    np.testing.assert_allclose(ours.log_prob(x).data, last.log_prob(x).data)
    for shape in ((), (3,)):
        a, b = (d.sample(shape, rng=np.random.default_rng(0)) for d in (ours, last))
        np.testing.assert_array_equal(a.data, b.data)
        assert a.shape == (*shape, 2, 3, 4)
    lead = ours.log_prob(a)  # draws have an axis in front
    assert lead.shape == (3, 2, 3, 4)
    np.testing.assert_allclose(lead.data[1], ours.log_prob(a.data[1]).data)
    one = ours.log_prob(7)
    np.testing.assert_allclose(one.data, ours.log_prob(np.full((2, 3, 4), 7)).data)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint32, np.int64])
def test_logistics_of_whole_numbers_of_any_kind(dtype, rng):
    p = LogisticMixture(rng.standard_normal((4, 6)).astype(np.float32))
    x = np.array([0, 100, 127, 27])
    expected = p.log_prob(x)
    np.testing.assert_array_equal(p.log_prob(x.astype(dtype)).data, expected.data)
    assert expected.dtype == np.float32
    high = np.array([128, 200, 254, 255])
    if dtype != np.int8:
        found = p.log_prob(Tensor(high.astype(dtype)))
        np.testing.assert_array_equal(found.data, p.log_prob(high).data)


# ---- errors --------------------------------------------------------------------------

WRONG = [
    (
        lambda: LogisticMixture(np.zeros((2, 4))),
        ValueError,
        r"LogisticMixture: axis -1 .* 3·M numbers, got shape \(2, 4\)",
    ),
    (lambda: LogisticMixture(np.zeros((2, 0))), ValueError, r"got shape \(2, 0\)"),
    (lambda: LogisticMixture(1.0), ValueError, r"got shape \(\)"),
    (lambda: LogisticMixture(np.zeros(3), axis=1), ValueError, "axis 1"),
    (lambda: LogisticMixture(np.zeros(3), 1), ValueError, "levels must be ≥ 2, got 1"),
    (
        lambda: LogisticMixture(np.zeros(3), 16).log_prob(np.array([3, 16])),
        ValueError,
        "LogisticMixture.log_prob: x must lie in 0 … 15, got 3 … 16",
    ),
    (lambda: LogisticMixture(np.zeros(3)).log_prob(-1), ValueError, "got -1 … -1"),
    (
        lambda: LogisticMixture(np.zeros(3)).log_prob(0.5),
        TypeError,
        "x must be integers, got float64",
    ),
    (lambda: LogisticMixture(np.zeros(3)).sample(), TypeError, "rng"),
    (
        lambda: kl_divergence(*[LogisticMixture(np.zeros(3))] * 2),
        TypeError,
        "got LogisticMixture and LogisticMixture",
    ),
    (lambda: Normal(0, np.array([1.0, 0.0])), ValueError, "Normal: scale .* got 0.0"),
    (lambda: Normal(np.zeros(2), np.ones(3)), ValueError, "shape"),
    (
        lambda: Bernoulli(np.zeros(2)).log_prob(np.array([0, 255], np.uint8)),
        ValueError,
        r"Bernoulli.log_prob: x must lie in \[0, 1\], got 0.0 … 255.0",
    ),
    (
        lambda: Categorical(np.zeros(3)).log_prob(np.array([0, 3])),
        ValueError,
        "Categorical.log_prob: x must lie in 0 … 2, got 0 … 3",
    ),
    (
        lambda: Categorical(np.zeros(3)).log_prob(0.5),
        TypeError,
        "x must be integers, got float64",
    ),
    (
        lambda: Categorical(np.zeros(3), axis=1),
        ValueError,
        r"axis 1 is none of logits of \(3,\)",
    ),
    (
        lambda: kl_divergence(Normal(0, 1), Bernoulli(0.0)),
        TypeError,
        "got Normal and Bernoulli",
    ),
    (lambda: kl_divergence(1, 1), TypeError, "got int and int"),
    (
        lambda: kl_divergence(Categorical(np.zeros(3)), Categorical(np.zeros(4))),
        ValueError,
        "p has 3 classes along axis -1, q has 4",
    ),
    (lambda: Normal(0, 1).sample((3,)), TypeError, "rng"),
]


@pytest.mark.parametrize("call, error, message", WRONG)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
