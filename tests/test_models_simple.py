"""The simple models: exact where all images can be listed, or a formula is known."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mini.models.simple import (
    ClassConditional,
    IndependentPixels,
    PCAGaussian,
    PixelMixture,
)


def all_images(values, shape):
    """Every image there is."""
    pixels = np.array(list(product(range(values), repeat=int(np.prod(shape)))))
    return pixels.reshape(-1, *shape)


def bars(n, rng):
    """2×2 images of a row or column, some pixels flipped; the label says which."""
    clean = np.array([[[1, 1], [0, 0]], [[0, 0], [1, 1]], [[1, 0], [1, 0]]])[:, None]
    labels = rng.integers(3, size=n)
    return clean[labels] ^ (rng.random((n, 1, 2, 2)) < 0.1), labels


def fitted(kind, values, rng):
    """A model of one of the three kinds, fitted to random images of 1×1×2×3."""
    x = rng.integers(values, size=(50, 1, 2, 3))
    if kind == "independent":
        model = IndependentPixels(values=values)
        model.fit(x)
    elif kind == "classes":
        model = ClassConditional(4, values=values)
        model.fit(x, rng.integers(4, size=50))
    else:
        model = PixelMixture(5, values=values)
        model.fit(x, rng=rng)
    return model


KINDS = pytest.mark.parametrize("kind", ["independent", "classes", "mixture"])
VALUES = pytest.mark.parametrize("values", [2, 3])


@KINDS
@VALUES
def test_probabilities_over_all_images_sum_to_one(kind, values, rng):
    model, x = fitted(kind, values, rng), all_images(values, (1, 2, 3))
    log_prob = model.log_prob(x)
    assert log_prob.shape == (values**6,)
    assert np.exp(log_prob).sum() == pytest.approx(1, abs=1e-5)


@KINDS
@VALUES
def test_log_prob_is_the_formula(kind, values, rng):
    model, x = fitted(kind, values, rng), rng.integers(values, size=(9, 1, 2, 3))
    for image, log_prob in zip(x, model.log_prob(x)):
        pixels = image.ravel()
        p = model.table[:, np.arange(6), pixels].prod(axis=1) @ model.weights
        assert log_prob == pytest.approx(np.log(p), rel=1e-5)


@KINDS
@VALUES
def test_samples_come_as_often_as_their_probability(kind, values, rng):
    model, x = fitted(kind, values, rng), all_images(values, (1, 2, 3))
    drawn = model.sample(20_000, rng=rng)
    assert drawn.dtype == np.uint8 and drawn.shape == (20_000, 1, 2, 3)
    place = values ** np.arange(5, -1, -1)
    counts = np.bincount(drawn.reshape(-1, 6) @ place, minlength=len(x))
    expected = 20_000 * np.exp(model.log_prob(x))
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < len(x) + 5 * np.sqrt(2 * len(x))


def test_independent_pixels_are_the_frequencies(rng):
    x = rng.integers(2, size=(30, 1, 4, 4))
    model = IndependentPixels(pseudocount=2)
    model.fit(x)
    assert model.means[0] == pytest.approx((x.sum(axis=0) + 1) / 32)
    assert model.parameter_count == 16


def test_a_class_conditional_model_is_one_model_per_class(rng):
    x, labels = bars(200, rng)
    model = ClassConditional(3)
    model.fit(x, labels)
    assert model.weights == pytest.approx((np.bincount(labels) + 1) / 203)
    for k in range(3):
        alone = IndependentPixels()
        alone.fit(x[labels == k])
        assert model.means[k] == pytest.approx(alone.means[0])
        given_k = model.log_joint(x)[:, k] - np.log(model.weights[k])
        assert given_k == pytest.approx(alone.log_prob(x), abs=1e-5)
    only = model.sample(500, rng=rng, component=2)
    assert only.mean(axis=0) == pytest.approx(model.means[2], abs=0.1)


def test_posterior_finds_the_class(rng):
    x, labels = bars(500, rng)
    model = ClassConditional(3)
    model.fit(x, labels)
    posterior = model.posterior(x)
    assert posterior.sum(axis=1) == pytest.approx(np.ones(500))
    assert (posterior.argmax(axis=1) == labels).mean() > 0.75


@VALUES
def test_em_never_lowers_the_likelihood(values, rng):
    x = rng.integers(values, size=(60, 1, 2, 3))
    for _ in range(5):
        # without a pseudocount it is the likelihood that cannot fall
        model = PixelMixture(4, values=values, pseudocount=1e-6)
        history = model.fit(x, rng=rng, steps=40)
        assert np.diff(history).min() > -1e-6
        assert history[-1] > history[0] + 0.1
        assert model.log_prob(x).mean() >= history[-1] - 1e-6


def test_em_with_a_pseudocount_never_lowers_likelihood_and_prior_together(rng):
    x = rng.integers(2, size=(60, 1, 2, 3))
    objective = []
    for steps in range(12):
        model = PixelMixture(4, pseudocount=3.0)
        model.fit(x, rng=np.random.default_rng(1), steps=steps)
        prior = 3.0 / 2 * np.log(model.table).sum() + 3.0 * np.log(model.weights).sum()
        objective.append(model.log_prob(x).sum() + prior)
    assert np.diff(objective).min() > -1e-4


def test_em_finds_the_bars(rng):
    x, _ = bars(5000, rng)
    mixture, independent = PixelMixture(3), IndependentPixels()
    mixture.fit(x, rng=rng, steps=60)
    independent.fit(x)
    states = all_images(2, (1, 2, 2))
    clean = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]])
    flips = (states.reshape(16, 1, 4) != clean).sum(axis=2)
    p = (0.1**flips * 0.9 ** (4 - flips)).mean(axis=1)
    assert p @ (np.log(p) - mixture.log_prob(states)) < 0.01
    assert p @ (np.log(p) - independent.log_prob(states)) > 0.3


def test_fitting_is_repeatable(rng):
    x, _ = bars(300, rng)
    models = [PixelMixture(4), PixelMixture(4)]
    for model in models:
        model.fit(x, rng=np.random.default_rng(5), steps=5)
    assert np.array_equal(models[0].table, models[1].table)


def test_bytes_are_a_large_sparse_product(rng):
    x = rng.integers(256, size=(40, 1, 3, 3), dtype=np.uint8)
    x[rng.random(x.shape) < 0.6] = 0
    model = PixelMixture(2, values=256)
    model.fit(x, rng=rng, steps=3)
    assert model.parameter_count == 1 + 2 * 9 * 255
    assert model.table.sum(axis=2) == pytest.approx(np.ones((2, 9)))
    p = model.table[:, np.arange(9), x[0].ravel()].prod(axis=1) @ model.weights
    assert model.log_prob(x[:1])[0] == pytest.approx(np.log(p), rel=1e-5)
    assert model.sample(3, rng=rng).max() <= 255


# ---- the Gaussian --------------------------------------------------------------------


@pytest.fixture
def gaussian(rng):
    x = rng.normal(size=(400, 1, 3, 4)) @ rng.normal(size=(4, 4)) + 0.5
    model = PCAGaussian(5)
    model.fit(x)
    return model, x


def covariance_of(model):
    """W Wᵀ + σ² I, built from the directions."""
    u = model.directions
    rest = np.eye(u.shape[1]) - u.T @ u
    return u.T * model.variances @ u + model.noise * rest


def test_gaussian_log_prob_is_scipys(gaussian):
    model, x = gaussian
    normal = multivariate_normal(model.mean, covariance_of(model))
    assert model.log_prob(x) == pytest.approx(normal.logpdf(x.reshape(400, -1)))


def test_gaussian_keeps_the_largest_variances(gaussian):
    model, x = gaussian
    values = np.linalg.eigvalsh(np.cov(x.reshape(400, -1).T, bias=True))[::-1]
    assert model.variances == pytest.approx(values[:5])
    assert model.noise == pytest.approx(values[5:].mean())
    assert model.directions @ model.directions.T == pytest.approx(np.eye(5))


def test_no_gaussian_of_its_kind_fits_better(gaussian, rng):
    model, x = gaussian
    best = model.log_prob(x).mean()
    for change in ("variances", "noise", "mean"):
        for factor in (0.97, 1.03):
            other = PCAGaussian(5)
            other.fit(x)
            setattr(other, change, getattr(model, change) * factor)
            assert other.log_prob(x).mean() < best


def test_gaussian_samples_have_its_moments(gaussian, rng):
    model, _ = gaussian
    drawn = model.sample(200_000, rng=rng).reshape(200_000, -1)
    covariance = covariance_of(model)
    scale = covariance.diagonal().max()
    assert drawn.mean(axis=0) == pytest.approx(model.mean, abs=0.02 * scale**0.5)
    assert np.cov(drawn.T) == pytest.approx(covariance, abs=0.02 * scale)


def test_encode_and_decode(gaussian, rng):
    model, x = gaussian
    z = rng.normal(size=(7, 5))
    assert model.encode(model.decode(z)) == pytest.approx(z)
    assert model.encode(x).std(axis=0) == pytest.approx(np.ones(5))


def test_gaussian_counts_its_free_numbers(gaussian):
    model, _ = gaussian  # 12 pixels, 5 directions: see Tipping & Bishop 1999, 3.3
    assert model.parameter_count == 12 + 12 * 5 + 1 - 5 * 4 // 2


# ---- bad input -----------------------------------------------------------------------


def test_bad_input(rng):
    x = rng.integers(2, size=(9, 1, 2, 2))
    with pytest.raises(ValueError, match="components is 0, expected at least 1"):
        PixelMixture(0)
    with pytest.raises(ValueError, match="pseudocount is 0, expected at least"):
        IndependentPixels(pseudocount=0)
    with pytest.raises(ValueError, match="log_prob: the model is empty"):
        PixelMixture(2).log_prob(x)
    with pytest.raises(ValueError, match="fit: x has 9 images, expected at least 10"):
        PixelMixture(10).fit(x, rng=rng)
    with pytest.raises(ValueError, match=r"fit: x is \(9, 4\), expected a numpy array"):
        PixelMixture(2).fit(x.reshape(9, 4), rng=rng)
    for wrong in (x * 0.5, x * 2, -x):
        with pytest.raises(ValueError, match="x has values .*, expected whole numbers"):
            PixelMixture(2).fit(wrong, rng=rng)
    with pytest.raises(
        ValueError, match="labels are .*, expected 9 whole numbers 0 … 1"
    ):
        ClassConditional(2).fit(x, np.arange(9))
    model = IndependentPixels()
    model.fit(x)
    with pytest.raises(ValueError, match=r"log_prob: x is \(9, 1, 1, 4\), expected"):
        model.log_prob(x.reshape(9, 1, 1, 4))
    with pytest.raises(
        ValueError, match="fit: 4 components, expected fewer than the 4"
    ):
        PCAGaussian(4).fit(x)
    with pytest.raises(ValueError, match="encode: the model is empty"):
        PCAGaussian(2).encode(x)
    flat = np.concatenate([x, 0 * x], axis=1)  # four pixels that are always 0
    with pytest.raises(ValueError, match="fit: beyond 5 directions x does not vary"):
        PCAGaussian(5).fit(flat)
