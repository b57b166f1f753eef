"""Distributions beside torch.distributions: values, gradients, draws, extremes."""

import numpy as np
import pytest
import torch

from mini.distributions import Bernoulli, Categorical, Normal, kl_divergence
from mini.tensor import Tensor, grad

torch.set_num_threads(1)
D = torch.distributions


@pytest.fixture
def rng():
    return np.random.default_rng(0)


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


# ---- errors --------------------------------------------------------------------------

WRONG = [
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
