"""Chapter 12's exercises: their references agree with `mini` and with each other."""

import numpy as np
import pytest

from mini import Tensor, grad, metrics, optim
from mini.checks import chapter12 as museum
from mini.checks import chapter12_codes as walks
from mini.checks import chapter12_measures as measures
from mini.distributions import Normal, kl_divergence


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def rng():
    return np.random.default_rng(0)


def test_capacity_loss_ends_at_the_capacity():
    """One pixel, one latent, all linear: the fit wants a larger rate than it gets."""
    w, m, log_s = (Tensor(np.array([v]), requires_grad=True) for v in (0.5, 0.5, 0.0))
    adam = optim.Adam([w, m, log_s])
    for step in range(3000):
        adam.lr = optim.cosine(step, 3000, peak=0.02)
        kl = kl_divergence(Normal(2 * m, log_s.exp()), Normal(0.0, 1.0)).reshape(1, 1)
        wrong = 4 * (1 - w * m) ** 2 + w**2 * (2 * log_s).exp()
        loss = museum.capacity_loss.reference(-wrong / 0.02, kl, 500.0, 0.5)
        adam.step(grad(loss, [w, m, log_s]))
    assert abs(kl.item() - 0.5) < 0.02  # β = 1 would end at ½ ln(4 / 0.01) = 3 nats


@pytest.mark.parametrize("case", museum.rates.cases()[:3], ids=lambda c: str(c.args))
def test_rates_are_where_training_ends(case):
    variances, sigma, beta = case.args
    K = len(variances)
    w, m, log_s = (Tensor(v, requires_grad=True) for v in (0.5 * np.ones((3, K))))
    adam, steps = optim.Adam([w, m, log_s]), 3000
    for step in range(steps):
        adam.lr = optim.cosine(step, steps, peak=0.05)
        q = Normal(m * variances**0.5, log_s.exp())
        kl = kl_divergence(q, Normal(0.0, 1.0))  # of x one standard deviation out
        wrong = variances * (1 - w * m) ** 2 + w**2 * q.scale**2
        loss = (wrong / (2 * sigma**2) + beta * kl).sum()
        adam.step(grad(loss, [w, m, log_s]))
    assert np.allclose(kl.data, museum.rates.reference(*case.args), atol=2e-3)


def test_r_squared_of_the_best_guess_of_the_mean_and_of_a_regression():
    x = rng().normal(size=(5000, 3))
    truth = x @ np.array([[1, 0], [2, 1], [0, 0.5]]) + rng().normal(size=(5000, 2))
    assert np.allclose(walks.r_squared.reference(truth, truth), 1)
    mean = np.tile(truth.mean(axis=0), (5000, 1))
    assert np.allclose(walks.r_squared.reference(mean, truth), 0)
    guess = x @ np.linalg.lstsq(x, truth, rcond=None)[0]
    known = metrics.informativeness(x, truth)
    assert np.abs(walks.r_squared.reference(guess, truth) - known).max() < 0.05


def test_direction_apart_finds_what_was_added_though_another_thing_goes_with_it():
    other, arrow = rng().random(8000) < 0.4, np.array([2.0, -1.0, 0.0])
    has = np.random.default_rng(1).random(8000) < np.where(other, 0.9, 0.2)
    codes = rng().normal(size=(8000, 3)) + has[:, None] * arrow
    codes += other[:, None] * np.array([0, 0, 3.0])
    found = walks.direction_apart.reference(codes, has, other)
    assert np.abs(found - arrow).max() < 0.15
    assert walks.between(codes, has)[2] > 1.5  # the plain difference of means is not


def test_gaps_of_one_latent_for_a_factor_and_of_two():
    alone, twice = np.eye(3) * np.log(2), np.repeat(np.eye(3), 2, axis=0) * np.log(2)
    entropies = np.full(3, np.log(2))
    assert np.allclose(measures.gaps.reference(alone, entropies), 1)
    assert np.allclose(measures.gaps.reference(twice, entropies), 0)


def test_gaps_are_those_of_the_metrics():
    factors = rng().integers(0, 4, size=(3000, 2)).astype(float)
    noise = rng().normal(size=(3000, 4))
    codes = factors @ np.array([[1, 0.3, 0, 0.5], [0, 1, 0.2, 0]]) + 0.3 * noise
    information = metrics.mutual_information(codes, factors)
    entropies = np.diag(metrics.mutual_information(factors, factors))
    theirs, mean = metrics.mutual_information_gap(codes, factors)
    ours = measures.gaps.reference(information, entropies)
    assert np.allclose(ours, theirs, atol=1e-6) and np.isclose(mean, ours.mean())


def test_sharpness_of_an_edge_and_of_the_same_edge_spread_out():
    sharp, soft = np.zeros((2, 1, 1, 4, 6), np.uint8)
    sharp[..., 3:], soft[..., 3:], soft[..., 3] = 254, 254, 127
    edge, spread = measures.sharpness.reference(np.concatenate([sharp, soft]))
    assert np.isclose(edge, (254 / 255) ** 2 / 5) and np.isclose(spread, edge / 2)


def test_nothing_is_better_than_the_best_gaussian():
    images = measures.best_gaussian.cases()[2].args[0]
    mean, scale = measures.best_gaussian.reference(images)

    def fit(mean, scale):
        p = Normal(mean, scale[:, None, None])
        return p.log_prob(images).sum().item()

    best, draw = fit(mean, scale), rng()
    for _ in range(20):
        other = mean + 0.02 * draw.normal(size=mean.shape)
        assert fit(other, scale) < best
        assert fit(mean, scale * np.exp(0.05 * draw.normal(size=scale.shape))) < best


def test_hidden_beta_is_the_beta_of_the_same_gradients():
    fit, kl = rng().normal(size=4), rng().gamma(2, size=(4, 20))
    beta = measures.hidden_beta.reference()
    averaged = kl.sum(1) - fit / (3 * 32 * 32)
    assert np.allclose(3072 * averaged, beta * kl.sum(1) - fit)
