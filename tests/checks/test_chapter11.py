"""Chapter 11's exercises: their references agree with `mini` and with each other."""

import numpy as np
import pytest

from mini import Tensor, grad
from mini.checks import chapter11 as museum
from mini.checks import chapter11_bounds as bounds
from mini.distributions import Bernoulli, Normal, kl_divergence
from mini.models.vae import VAE


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("case", museum.hidden_cause.cases(), ids=lambda c: str(c.args))
def test_hidden_cause_is_bayes_rule(case):
    x, w, s = case.args
    log_p, mean, spread = museum.hidden_cause.reference(x, w, s)
    z = np.linspace(-3, 3, 7)
    wide = [np.full(7, v) for v in (x, s, mean, spread)]  # arrays stay float64
    joint = Normal(0 * z, 1 + 0 * z).log_prob(z) + Normal(w * z, wide[1]).log_prob(
        wide[0]
    )
    posterior = Normal(*wide[2:]).log_prob(z)
    assert np.allclose(joint.data - posterior.data, log_p)


def test_bound_and_divergence_make_log_p():
    x, w, s = 1.5, 1.2, 0.7
    log_p, mean, spread = museum.hidden_cause.reference(x, w, s)
    q = Normal(0.3, 0.9)
    z = q.sample((400_000,), rng=rng()).data
    weights = (
        Normal(0.0, 1.0).log_prob(z)
        + Normal(w * z, s).log_prob(np.full(z.shape, x))
        - q.log_prob(z)
    )
    gap = kl_divergence(q, Normal(mean, spread)).item()
    assert abs(weights.data.mean() + gap - log_p) < 0.01
    tight = bounds.importance_bound.reference(weights.data.reshape(100, -1))
    assert weights.data.mean() < tight.mean() < log_p + 0.01


def test_evidence_bound_is_the_models_own():
    model = VAE((1, 4, 4), latent=3, hidden=(5,), rng=rng()).to(np.float64)
    x = rng().integers(0, 2, size=(6, 1, 4, 4)).astype(float)
    q = model.encode(x)
    log_var = 2 * np.log(q.scale.data)
    noise = rng().standard_normal(q.shape)
    z = museum.reparameterise.reference(q.loc, Tensor(log_var), noise)
    logits = model.decode(z).logits
    ours = museum.evidence_bound.reference(logits, x, q.loc, Tensor(log_var))
    assert np.allclose(ours.data, model.elbo(x, rng=rng()).data)


def test_kl_is_the_mean_of_a_difference_of_logarithms():
    mu, log_var = Tensor(np.array([[0.5, -1.0]])), Tensor(np.array([[0.4, -0.8]]))
    q, p = Normal(mu, np.exp(0.5 * log_var.data)), Normal(0.0, 1.0)
    z = q.sample((200_000,), rng=rng())
    monte_carlo = (q.log_prob(z) - p.log_prob(z)).data.sum(2).mean()
    exact = museum.kl_to_standard_normal.reference(mu, log_var).item()
    assert abs(exact - monte_carlo) < 0.01


def test_importance_bound_is_the_models():
    model = VAE((1, 4, 4), latent=3, hidden=(5,), rng=rng()).to(np.float64)
    x = rng().integers(0, 2, size=(6, 1, 4, 4)).astype(float)
    weights = model.log_weights(x, rng=rng(), k=7)
    ours = bounds.importance_bound.reference(weights.data)
    assert np.allclose(ours, model.elbo(x, rng=rng(), k=7).data)


def test_score_gradient_and_reparameterised_draw_estimate_one_number():
    mu, sigma, noise = 0.7, 0.6, rng().standard_normal(400_000)
    at, log_var = Tensor(np.array(mu), requires_grad=True), Tensor(2 * np.log(sigma))
    z = museum.reparameterise.reference(at, log_var, noise)
    f = (z * z).mean()
    through_the_draw = grad(f, [at])[0].item()
    from_scores = bounds.score_gradient.reference(z.data**2, z.data, mu, sigma)
    assert abs(through_the_draw - 2 * mu) < 0.01
    assert abs(from_scores - 2 * mu) < 0.02


def test_great_circle_keeps_to_the_sphere_and_walks_evenly():
    a, b = rng().normal(size=(2, 10))
    a, b = 3 * a / bounds.length(a), 3 * b / bounds.length(b)
    path = [bounds.great_circle.reference(a, b, t) for t in np.linspace(0, 1, 6)]
    assert np.allclose(path[0], a) and np.allclose(path[-1], b)
    assert np.allclose([bounds.length(p) for p in path], 3)
    steps = [bounds.between(p, q) for p, q in zip(path, path[1:], strict=False)]
    assert np.allclose(steps, steps[0])


def test_free_bits_leave_a_latent_below_the_floor_alone():
    kl = Tensor(np.array([[0.1, 2.0], [0.3, 1.0]]), requires_grad=True)
    total = bounds.free_bits.reference(kl, 0.5)
    assert total.item() == 2.0
    assert np.array_equal(grad(total, [kl])[0].data, [[0, 0.5], [0, 0.5]])


def test_evidence_bound_lies_below_what_a_sum_over_codes_gives():
    """A decoder of one latent, integrated on a grid: the bound may not pass it."""
    w, mu, log_var = np.array([1.5, -1.0, 0.5, 2.0]), 0.4, -0.5
    x = np.array([1.0, 0.0, 1.0, 1.0]).reshape(1, 1, 2, 2)
    z = np.linspace(-9, 9, 3001)
    fits = Bernoulli(z[:, None] * w).log_prob(x.reshape(1, 4)).data.sum(1)
    joint = fits + Normal(0.0, 1.0).log_prob(z).data
    log_p = np.log(np.exp(joint).sum() * (z[1] - z[0]))
    noise = rng().standard_normal(50_000)
    draws = mu + np.exp(0.5 * log_var) * noise
    fit = Bernoulli(draws[:, None] * w).log_prob(x.reshape(1, 4)).data.sum(1).mean()
    arrays = Tensor(np.array([[mu]])), Tensor(np.array([[log_var]]))
    bound = fit - museum.kl_to_standard_normal.reference(*arrays).item()
    assert log_p - 1 < bound < log_p
