"""The exercises of chapter 1 are sound, and agree with the models of mini."""

import numpy as np
import pytest

from mini import checks
from mini.checks import chapter01, chapter01_mixtures
from mini.models.simple import PixelMixture


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def test_the_chapter_has_five_exercises():
    names = {"draw", "kl", "bits_per_dim", "log_mixture", "fill_in"}
    assert names == {e.name for e in checks.frame.all_exercises("chapter01")}


@pytest.fixture
def mixture():
    rng = np.random.default_rng(0)
    model = PixelMixture(3)
    model.fit(rng.integers(2, size=(40, 1, 2, 3)), rng=rng)
    return model


def test_log_mixture_is_the_models(mixture):
    x = np.random.default_rng(1).integers(2, size=(5, 1, 2, 3))
    log_weights = np.log(mixture.weights)
    log_p = mixture.log_joint(x) - log_weights
    assert chapter01_mixtures.log_mixture.reference(
        log_weights, log_p
    ) == pytest.approx(mixture.log_prob(x))


def test_fill_in_is_bayes_rule_over_all_images(mixture):
    """The expectation, summed over every way to complete the visible pixels."""
    every = (np.arange(64)[:, None] >> np.arange(6)) & 1
    mass = np.exp(mixture.log_prob(every.reshape(-1, 1, 2, 3)))
    visible = np.array([True, False, True, True, False, False])
    p = mixture.table[:, :, 1]
    x = np.array([[1.0, 0, 0, 1, 0, 0]])
    agree = (every[:, visible] == x[0, visible]).all(axis=1)
    expected = mass[agree] @ every[agree] / mass[agree].sum()
    got = chapter01_mixtures.fill_in.reference(x, visible, mixture.weights, p)[0]
    assert got == pytest.approx(expected, abs=1e-6)


def test_bits_per_dim_of_a_uniform_density():
    """On [−1, 1) the density is 1/2 per dimension, and a byte costs 8 bits."""
    shape = (3, 4, 5)
    assert chapter01.bits_per_dim.reference(-60 * np.log(2), shape) == pytest.approx(8)
