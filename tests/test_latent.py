"""Models with hidden causes: known answers, bounds in order, conditions, samples.

A VAE whose encoder and decoder are one Linear each, with Gaussian pixels, is a Gaussian
(the model of factor analysis): its probabilities, and the best encoder, are known. With
one latent, all others can be integrated numerically.
"""

import re

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chisquare, multivariate_normal, norm

from mini import Tensor, grad, latent, no_grad
from mini.distributions import Bernoulli, LogisticMixture, Normal
from mini.models.vae import VAE, ConvVAE, TwoLayerVAE
from mini.optim import Adam, cosine

pytestmark = pytest.mark.usefixtures("one_thread")

PIXELS = ["bernoulli", "gaussian", "logistic"]
MODELS = {
    "VAE": (VAE, {"hidden": (8,), "latent": 2}),
    "ConvVAE": (ConvVAE, {"channels": (3, 4), "hidden": 8, "latent": 2}),
    "TwoLayerVAE": (TwoLayerVAE, {"hidden": (8, 8), "latent": (2, 2)}),
}


def build(name, rng, pixels="bernoulli", shape=(1, 4, 4), size=0.4, **more):
    """A small model in float64 with random weights."""
    cls, options = MODELS[name]
    model = cls(shape, pixels=pixels, rng=rng, **options | more).to(np.float64)
    for key, parameter in model.named_parameters():
        if key != "log_scale":
            parameter.data[...] = size * rng.standard_normal(parameter.shape)
    return model


def images(model, n, rng):
    return rng.integers(model.levels, size=(n, *model.shape)).astype(np.uint8)


# ---- a Gaussian ----------------------------------------------------------------------


def factor_analysis(rng, conditions=0, wrong=0.0):
    """A linear VAE, and its exact log-density of images: x (N, C, H, W), c → (N,).

    x/255 = b + V c + W z + noise, whose scale Ψ differs from colour to colour. Here
    Wᵀ Ψ⁻¹ W is diagonal, so that the posterior is, and the encoder is the exact one,
    but for errors of size `wrong`.
    """
    shape, K, A = (3, 1, 2), 2, conditions
    model = VAE(shape, latent=K, hidden=(), pixels="gaussian", conditions=A, rng=rng)
    model.to(np.float64)
    log_scale, b, v = rng.normal(-1, 0.3, 3), rng.random(6), rng.random((6, A))
    scale = np.exp(log_scale).repeat(2)
    length = np.array([2.0, 0.7])
    q, _ = np.linalg.qr(rng.standard_normal((6, K)))
    w = scale[:, None] * q * length
    variance = 1 / (1 + length**2)
    up = variance[:, None] * w.T / scale**2
    rows = np.vstack([np.hstack([up, -up @ v]), np.zeros((K, 6 + A))])
    state = {
        "log_scale": log_scale.reshape(3, 1, 1),
        "encoder.0.weight": rows + wrong * rng.standard_normal(rows.shape),
        "encoder.0.bias": np.r_[-up @ b, np.log(variance) + wrong],
        "decoder.0.weight": np.hstack([w, v]),
        "decoder.0.bias": b,
    }
    model.load_state_dict(state)
    noise = multivariate_normal(np.zeros(6), w @ w.T + np.diag(scale**2))

    def exact(x, c=None):
        mean = b if c is None else b + c @ v.T
        return noise.logpdf(x.reshape(len(x), 6) / 255 - mean)

    return model, exact


def test_with_the_exact_posterior_every_bound_is_the_probability(rng):
    """All weights of an image are alike, whatever was drawn."""
    model, exact = factor_analysis(rng)
    x = images(model, 30, rng)
    expected = exact(x)
    weights = model.log_weights(x, rng=rng, k=4).data
    np.testing.assert_allclose(weights, np.tile(expected, (4, 1)), rtol=1e-10)
    for k in (2, 50):
        bound = model.elbo(x, rng=rng, k=k).data
        np.testing.assert_allclose(bound, expected, rtol=1e-10)
    np.testing.assert_allclose(model.log_prob(x, rng=rng, k=3).data, expected)
    fit = model.terms(np.repeat(x[:1], 40_000, 0), rng=rng)
    one = (fit[0] - fit[1].sum(1)).data  # here the draws do matter
    assert abs(one.mean() - expected[0]) < 4 * one.std() / 200


def test_and_so_with_conditions(rng):
    model, exact = factor_analysis(rng, conditions=3)
    x, c = images(model, 30, rng), rng.standard_normal((30, 3))
    np.testing.assert_allclose(model.elbo(x, c, rng=rng, k=2).data, exact(x, c))
    np.testing.assert_allclose(model.log_prob(x, c, rng=rng, k=2).data, exact(x, c))
    classes = rng.integers(3, size=30)
    found = model.log_prob(x, classes, rng=rng, k=2).data
    np.testing.assert_allclose(found, exact(x, np.eye(3)[classes]))


def test_the_estimate_rises_to_the_exact_probability(rng):
    model, exact = factor_analysis(rng, wrong=0.5)
    x = rng.integers(40, 200, size=(100, *model.shape)).astype(np.uint8)
    truth = exact(x).mean()
    found = [model.log_prob(x, rng=rng, k=k).data.mean() for k in (1, 5, 50, 5000)]
    below = truth - np.array(found)
    assert below[0] > 0.5  # the encoder is wrong enough to matter
    assert (np.diff(found) > 0).all() and abs(below[-1]) < 0.01


def test_a_trained_linear_model_reaches_the_entropy():
    """Data N(0, diag) has −ELBO = entropy at best (and no model can do better)."""
    rng = np.random.default_rng(1)
    variances = np.array([1.0, 0.3, 0.05])
    x = rng.standard_normal((400, 3))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / len(x))).T  # exactly N(0, I)
    x = Tensor((x * np.sqrt(variances)).reshape(-1, 1, 1, 3))
    entropy = 0.5 * np.log(2 * np.pi * np.e * variances).sum()
    model = VAE((1, 1, 3), latent=2, hidden=(), pixels="gaussian", rng=rng)
    optimiser = Adam(model.to(np.float64).parameters())
    model.log_scale.data[...] = 0  # from a small scale one latent may never wake up
    for step in range(600):
        loss = -model.elbo(x, rng=rng).mean()
        optimiser.lr = cosine(step, 600, peak=0.05)
        optimiser.step(grad(loss, model.parameters()))
    with no_grad():
        found = -model.log_weights(x, rng=rng, k=100).data.mean()
    assert abs(found - entropy) < 0.01
    assert np.exp(2 * model.log_scale.item()) == pytest.approx(0.05, rel=0.1)


# ---- integrals -----------------------------------------------------------------------


def integrated(model, x, condition=None):
    """log p(x) by integration over the one latent, (N,); for two layers over both."""
    z = np.linspace(-8, 8, 1001)
    log_prior, step = norm.logpdf(z), z[1] - z[0]
    if isinstance(model, TwoLayerVAE):
        with no_grad():
            h = model.upper_decoder(Tensor(z[:, None])).data
        given_y = norm.logpdf(z[:, None], h[:, 0], np.exp(h[:, 1] / 2))  # (z, y)
        log_prior = logsumexp(given_y + log_prior + np.log(step), axis=1)
    result = []
    for i, image in enumerate(x):
        c = None if condition is None else np.tile(condition[i], (len(z), 1))
        with no_grad():
            logs = model.decode(z[:, None], c).log_prob(model.values(image[None]))
        logs = logs.data.sum((1, 2, 3)) + log_prior
        result.append(logsumexp(logs) + np.log(step))
    return np.array(result)


ONE_LATENT = [
    ("VAE", {"latent": 1}, 0),
    ("VAE", {"latent": 1}, 3),
    ("ConvVAE", {"latent": 1}, 2),
    ("TwoLayerVAE", {"latent": (1, 1)}, 0),
]


@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize("name, options, conditions", ONE_LATENT)
def test_the_estimate_is_the_integral(name, options, conditions, pixels, rng):
    if conditions:
        options = options | {"conditions": conditions}
    model = build(name, rng, pixels, size=0.25, **options)
    x = images(model, 8, rng)
    c = rng.standard_normal((8, conditions)) if conditions else None
    exact = integrated(model, x, c)
    found = model.log_prob(x, c, rng=rng, k=4000).data
    assert np.abs(found - exact).max() < 0.15
    assert abs((found - exact).mean()) < 0.05
    x, c = x.repeat(100, 0), None if c is None else c.repeat(100, 0)
    bound = model.elbo(x, c, rng=rng).data.reshape(8, 100)
    error = bound.std(1) / 10
    assert (bound.mean(1) < exact + 4 * error).all()
    assert bound.mean() < exact.mean()


@pytest.mark.parametrize("name", ["VAE", "TwoLayerVAE"])
def test_the_probabilities_of_all_images_sum_to_one(name, rng):
    model = build(name, rng, shape=(1, 2, 3))
    x = (np.arange(64)[:, None] >> np.arange(6) & 1).reshape(64, 1, 2, 3)
    total = np.exp(model.log_prob(x, rng=rng, k=4000).data).sum()
    assert total == pytest.approx(1, abs=0.02)


def test_the_256_levels_have_probabilities_that_sum_to_one(rng):
    model = build("VAE", rng, "logistic", shape=(3, 1, 1), size=2)
    for log_scale in (-9, -3, 1):
        model.log_scale.data[...] = log_scale
        p = model.decode(3 * rng.standard_normal((5, 2)))
        logs = [p.log_prob(np.full((5, 3, 1, 1), v)).data for v in range(256)]
        np.testing.assert_allclose(np.exp(logs).sum(0), 1, atol=1e-9)


# ---- bounds --------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("pixels", PIXELS)
def test_bounds_are_in_order(name, pixels, rng):
    model = build(name, rng, pixels)
    x = images(model, 1, rng).repeat(300, 0)
    with no_grad():
        bounds = [model.elbo(x, rng=rng, k=k).data for k in (1, 5, 50)]
    means = np.array([b.mean() for b in bounds])
    errors = np.array([b.std() / np.sqrt(300) for b in bounds])
    slack = 3 * np.hypot(errors[1:], errors[:-1])
    assert (np.diff(means) > -slack).all()
    assert means[2] - means[0] > 3 * errors[0]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("pixels", PIXELS)
def test_bounds_are_made_of_terms_and_weights(name, pixels, rng):
    model = build(name, rng, pixels)
    x = images(model, 5, rng)

    def again():
        return np.random.default_rng(7)

    fit, kl = model.terms(x, rng=again())
    assert fit.shape == (5,) and kl.shape == (5, 2)
    expected = fit.data - kl.data.sum(1)
    np.testing.assert_allclose(model.elbo(x, rng=again()).data, expected)
    logs = model.log_weights(x, rng=again(), k=6).data
    assert logs.shape == (6, 5)
    expected = np.log(np.exp(logs - logs.max(0)).mean(0)) + logs.max(0)
    np.testing.assert_allclose(model.elbo(x, rng=again(), k=6).data, expected)
    np.testing.assert_allclose(model.log_prob(x, rng=again(), k=6).data, expected)


def test_kl_in_closed_form_is_the_mean_of_its_draws(rng):
    model = build("VAE", rng, size=1)
    x = images(model, 3, rng)
    _, kl = model.terms(x, rng=rng)
    q, p = model.encode(x), Normal(0.0, 1.0)
    z = q.sample((20_000,), rng=rng)
    each = (q.log_prob(z) - p.log_prob(z)).data
    error = each.std(0) / np.sqrt(len(each))
    assert (np.abs(each.mean(0) - kl.data) < 4 * error).all()
    assert (kl.data > 0).all() and (error < 0.1 * kl.data + 0.02).all()
    mean, scale = q.loc.data, q.scale.data
    by_hand = 0.5 * (mean**2 + scale**2 - 1) - np.log(scale)
    np.testing.assert_allclose(kl.data, by_hand)


def test_the_mean_weight_is_the_bound_of_one_draw(rng):
    """fit − KL and log p(x, z) − log q(z | x) have the same mean."""
    model = build("VAE", rng)
    x = images(model, 1, rng).repeat(4000, 0)
    bound = model.elbo(x, rng=rng).data
    weight = model.log_weights(x, rng=rng, k=1).data[0]
    error = np.hypot(bound.std(), weight.std()) / np.sqrt(4000)
    assert abs(bound.mean() - weight.mean()) < 4 * error and error < 0.1


@pytest.mark.parametrize("name", MODELS)
def test_a_bound_trains_every_parameter(name, rng):
    model = build(name, rng, "logistic").to(np.float32)
    x = images(model, 4, rng)
    for k in (1, 3):
        named = list(model.named_parameters())
        loss = -model.elbo(x, rng=rng, k=k).mean()
        for (key, _), g in zip(named, grad(loss, [p for _, p in named]), strict=True):
            assert g.data.any() and g.dtype == np.float32, key


# ---- the estimate --------------------------------------------------------------------


@pytest.mark.parametrize("conditions", [0, 3])
def test_the_estimate_in_parts_is_the_one_in_one_go(conditions, rng, monkeypatch):
    model = build("VAE", rng, conditions=conditions)
    x = images(model, 12, rng)
    c = np.arange(12) % 3 if conditions else None

    def estimate(generator, part=slice(None)):
        given = None if c is None else c[part]
        return model.log_prob(x[part], given, rng=generator, k=11).data

    expected = estimate(np.random.default_rng(7))
    whole = model.log_weights(x, c, rng=np.random.default_rng(7), k=11).data
    np.testing.assert_allclose(expected, logsumexp(whole, axis=0) - np.log(11))
    monkeypatch.setattr(latent, "AT_ONCE", 12 * 16)  # a draw at a time
    found = estimate(np.random.default_rng(7))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    monkeypatch.setattr(latent, "AT_ONCE", 5 * 16)  # five images at a time
    generator, again = (np.random.default_rng(7) for _ in range(2))
    found = estimate(generator)
    parts = [estimate(again, slice(i, i + 5)) for i in (0, 5, 10)]
    np.testing.assert_array_equal(found, np.concatenate(parts))
    assert generator.random() == again.random()


def test_the_estimate_is_in_float64_and_without_gradient(rng):
    model = build("VAE", rng).to(np.float32)
    found = model.log_prob(images(model, 3, rng), rng=rng, k=10)
    assert found.shape == (3,) and found.dtype == np.float64
    assert not found.requires_grad


class SameNoise:
    """A generator that draws the same numbers in float32 as in float64."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def standard_normal(self, shape, dtype):
        return self.rng.standard_normal(shape, np.float32).astype(dtype)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("pixels", PIXELS)
def test_float32_bears_huge_numbers(name, pixels, rng):
    """Logits of thousands, wide and narrow q: log-weights far below −10,000, and at
    last small ones. With the same noise float32 finds what float64 does, to 1e-4."""
    model = build(name, rng, pixels)
    far = 6 if name == "TwoLayerVAE" else 30  # whose z goes through exp once more
    for size, log_variance in ((1e4, 0), (1, far), (1, -far), (1e-6, 0)):
        for key, parameter in model.named_parameters():
            if key.startswith(("decoder.2.", "decoder.4.", "painter.3.")):
                parameter.data *= size
        list(model.encoder)[-1].bias.data[2:] = log_variance
        x = images(model, 2, rng)
        model.to(np.float32).to(np.float64)  # the same weights, too
        exact = [
            logsumexp(model.log_weights(x, rng=SameNoise(7), k=k).data, axis=0)
            - np.log(k)
            for k in (2000, 50)
        ]
        assert (exact[0] < -10_000).all() if size >= 1 else (exact[0] > -1000).all()
        model.to(np.float32)
        found = model.log_prob(x, rng=SameNoise(7), k=2000).data
        bound = model.elbo(x, rng=SameNoise(7), k=50)
        assert bound.dtype == np.float32
        np.testing.assert_allclose(found, exact[0], rtol=1e-4)
        np.testing.assert_allclose(bound.data, exact[1], rtol=1e-4)
        for g in grad(bound.sum(), model.parameters()):
            assert np.isfinite(g.data).all()
        model.to(np.float64)


# ---- images --------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("pixels", PIXELS)
def test_shapes_and_dtypes(name, pixels, rng):
    model = build(name, rng, pixels, shape=(3, 4, 8)).to(np.float32)
    x = images(model, 5, rng)
    q = model.encode(x)
    assert type(q) is Normal and q.shape == (5, 2) and q.loc.dtype == np.float32
    p = model.decode(q.sample(rng=rng))
    kinds = {"bernoulli": Bernoulli, "gaussian": Normal, "logistic": LogisticMixture}
    assert type(p) is kinds[pixels] and p.shape == x.shape
    seen = model.mean_image(q.loc)
    assert type(seen) is np.ndarray
    assert seen.dtype == np.float32 and seen.shape == x.shape
    assert seen.min() >= 0 and seen.max() <= 1
    drawn = model.sample(7, rng=rng)
    assert drawn.dtype == np.uint8 and drawn.shape == (7, 3, 4, 8)
    assert drawn.max() < model.levels
    expected = model.elbo(x, rng=np.random.default_rng(3)).data
    for other in (x.astype(int), x.astype(np.float32), x.astype(float)):
        found = model.elbo(other, rng=np.random.default_rng(3)).data
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize("name", ["VAE", "TwoLayerVAE"])
def test_samples_have_the_models_frequencies(name, pixels, rng):
    """One pixel: its levels, in groups, are drawn as often as the integral says."""
    size = {"VAE": 1, "TwoLayerVAE": (1, 1)}[name]
    model = build(name, rng, pixels, (1, 1, 1), size=0.8, latent=size)
    if pixels != "bernoulli":
        model.log_scale.data[...] = -1.5
        last, z = list(model.decoder)[-1], Tensor(np.linspace(-2, 2, 9)[:, None])
        last.weight.data *= 0.5 / np.ptp(model.draw(z).data)
        last.bias.data += 0.5 - model.draw(z).data.mean()
    drawn = model.sample(4000, rng=rng).ravel()
    levels = np.arange(model.levels).reshape(-1, 1, 1, 1).astype(np.uint8)
    p = np.exp(integrated(model, levels))
    if pixels == "gaussian":  # a density; what is beyond 0 … 1 is drawn as 0 or 1
        drawn, p = drawn[(drawn > 0) & (drawn < 255)], p[1:-1] / p[1:-1].sum()
        counts = np.bincount(drawn, minlength=256)[1:-1]
    else:
        assert p.sum() == pytest.approx(1, abs=1e-6)
        counts = np.bincount(drawn, minlength=len(p))
    groups = np.minimum(np.cumsum(p) * 10, 9.999).astype(int)
    seen = np.bincount(groups, counts, minlength=10)
    expected = np.bincount(groups, p, minlength=10) * counts.sum()
    filled = expected > 0
    assert chisquare(seen[filled], expected[filled]).pvalue > 1e-3


def test_the_mean_image_is_the_mean_of_its_distribution(rng):
    z = rng.standard_normal((4, 2))
    for pixels in PIXELS:
        model = build("VAE", rng, pixels)
        if pixels == "bernoulli":
            expected = model.decode(z).mean.data
        elif pixels == "gaussian":
            expected = np.clip(model.decode(z).mean.data, 0, 1)
        else:
            model.log_scale.data[...] = -5
            model.decoder[2].bias.data += 0.5
            model.decoder[2].weight.data *= 0.2
            draws = model.decode(z).sample((2000,), rng=rng).data.mean(0) / 255
            np.testing.assert_allclose(model.mean_image(z), draws, atol=2e-3)
            continue
        np.testing.assert_allclose(model.mean_image(z), expected, rtol=1e-6)


# ---- conditions ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["VAE", "ConvVAE"])
def test_whole_numbers_stand_for_classes(name, rng):
    model = build(name, rng, conditions=3)
    x, classes = images(model, 4, rng), np.array([0, 2, 1, 2])
    one_hot = np.eye(3)[classes]

    def answers(c):
        g = np.random.default_rng(7)
        yield model.elbo(x, c, rng=g).data
        yield model.elbo(x, c, rng=g, k=3).data
        yield model.log_prob(x, c, rng=g, k=3).data
        yield model.encode(x, c).loc.data
        yield model.mean_image(np.ones((4, 2)), c)
        yield model.sample(4, rng=g, condition=c)

    for other in (
        classes,
        classes.astype(np.uint8),
        one_hot.astype("f"),
        Tensor(one_hot),
    ):
        for a, b in zip(answers(other), answers(one_hot), strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(answers(2), answers(np.full(4, 2)), strict=True):
        np.testing.assert_array_equal(a, b)
    both = [list(answers(np.full(4, i))) for i in (0, 1)]
    for a, b in list(zip(*both, strict=True))[:-1]:
        assert (a != b).any()
    mixed = list(answers(0.5 * np.eye(3)[[0] * 4] + 0.5 * np.eye(3)[[1] * 4]))
    assert (mixed[3] != both[0][3]).all()


# ---- errors --------------------------------------------------------------------------

BAD = [
    ({"pixels": "grey"}, ValueError, "{}: pixels is 'grey', expected one of 'bern"),
    ({"shape": (28, 28)}, ValueError, "{}: shape must be (C, H, W), got (28, 28)"),
    ({"shape": (1, 0, 4)}, ValueError, "{}: shape[1]"),
    ({"latent": 0}, ValueError, "{}: latent"),
    ({"latent": 2.5}, ValueError, "{}: latent"),
    ({"conditions": -1}, ValueError, "{}: conditions"),
    ({"rng": None}, TypeError, "rng"),
]


@pytest.mark.parametrize("options, error, message", BAD)
@pytest.mark.parametrize("cls", [VAE, ConvVAE])
def test_bad_arguments_are_named(cls, options, error, message, rng):
    options = {"shape": (1, 4, 4), "rng": rng} | options
    with pytest.raises(error, match=re.escape(message.format(cls.__name__))):
        cls(**options)


def test_other_bad_arguments_are_named(rng):
    for call, error, message in (
        (lambda: VAE(hidden=3, rng=rng), TypeError, "VAE: .*tuple.* got 3"),
        (lambda: VAE(hidden=(3, 0), rng=rng), ValueError, "VAE: .* got 0"),
        (lambda: VAE(), TypeError, "rng"),
        (lambda: ConvVAE((1, 6, 8), rng=rng), ValueError, r"ConvVAE: .*\(1, 6, 8\)"),
        (lambda: TwoLayerVAE(latent=3, rng=rng), TypeError, "TwoLayerVAE: .* got 3"),
        (lambda: TwoLayerVAE(latent=(3, 0), rng=rng), ValueError, "TwoLayerVAE.* 0"),
    ):
        with pytest.raises(error, match=message):
            call()


ASK = {
    "encode": lambda model, x, rng: model.encode(x),
    "terms": lambda model, x, rng: model.terms(x, rng=rng),
    "elbo": lambda model, x, rng: model.elbo(x, rng=rng),
    "weights": lambda model, x, rng: model.log_weights(x, rng=rng, k=2),
    "log_prob": lambda model, x, rng: model.log_prob(x, rng=rng, k=2),
}
WRONG = [
    (
        np.zeros((2, 1, 4, 5)),
        r"x must be images \(N, 1, 4, 4\), got shape \(2, 1, 4, 5",
    ),
    (np.zeros((1, 4, 4)), r"got shape \(1, 4, 4\)"),
    (np.full((1, 1, 4, 4), 2), "values 0 … 1, got 2 … 2"),
    (np.full((1, 1, 4, 4), -1.0), "got -1"),
    (np.full((1, 1, 4, 4), 0.5), "whole numbers 0 … 1.*0.5"),
    (np.full((1, 1, 4, 4), np.nan), "got nan"),
]


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize("x, message", WRONG)
def test_other_images_are_refused(ask, x, message, rng):
    with pytest.raises(ValueError, match=f"VAE: .*{message}"):
        ASK[ask](build("VAE", rng), x, rng)


def test_bad_counts_codes_and_generators_are_named(rng):
    model = build("VAE", rng)
    x = images(model, 2, rng)
    for call, error, message in (
        (lambda: model.elbo(x, rng=rng, k=0), ValueError, "elbo: k must .* got 0"),
        (lambda: model.log_prob(x, rng=rng, k=1.5), ValueError, "log_prob: k .* 1.5"),
        (lambda: model.log_weights(x, rng=rng, k=-1), ValueError, "log_weights: k"),
        (lambda: model.sample(0, rng=rng), ValueError, "sample: n must .* got 0"),
        (lambda: model.elbo(x), TypeError, "rng"),
        (lambda: model.decode(np.zeros(2)), ValueError, r"VAE: z must .* \(2,\)"),
        (lambda: model.decode(np.zeros((3, 4))), ValueError, r"z .*\(N, 2\).*\(3, 4\)"),
        (lambda: model.mean_image(np.zeros((3, 1))), ValueError, r"z must be"),
        (lambda: model.encode(Tensor(np.zeros((2, 1, 4, 5)))), ValueError, "VAE: x"),
    ):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize(
    "condition",
    [None, 3, -1, 0.5, np.array([0, 1]), np.array([[0], [1], [2]]), np.zeros((3, 2)),
     np.full((3, 3), np.nan), np.zeros((3, 3), int), "two"],
)  # fmt: skip
def test_other_conditions_are_refused(condition, rng):
    model = build("VAE", rng, conditions=3)
    x = images(model, 3, rng)
    for call in (
        lambda: model.elbo(x, condition, rng=rng),
        lambda: model.elbo(x, condition, rng=rng, k=2),
        lambda: model.log_prob(x, condition, rng=rng, k=2),
        lambda: model.decode(np.zeros((3, 2)), condition),
        lambda: model.sample(3, rng=rng, condition=condition),
    ):
        with pytest.raises(ValueError, match="VAE: condition (is None|must be)"):
            call()


def test_a_condition_for_a_model_that_knows_none_is_refused(rng):
    for name in MODELS:
        model = build(name, rng)
        with pytest.raises(ValueError, match=f"{name}: condition is 1, expected None"):
            model.elbo(images(model, 2, rng), 1, rng=rng)


def test_weights_are_kept(rng, tmp_path):
    for name in MODELS:
        model, other = (build(name, rng, "gaussian") for _ in range(2))
        x = images(model, 3, rng)
        np.savez(tmp_path / "weights.npz", **model.state_dict())
        with np.load(tmp_path / "weights.npz") as arrays:
            other.load_state_dict(dict(arrays))
        a, b = (m.elbo(x, rng=np.random.default_rng(7), k=2) for m in (model, other))
        np.testing.assert_array_equal(a.data, b.data)
