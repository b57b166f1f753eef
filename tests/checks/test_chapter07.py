"""Chapter 7's exercises: their references agree with `mini`, which the chapter uses."""

import numpy as np
import pytest
from scipy.special import expit

from mini import checks, nn
from mini import functional as F
from mini.checks import chapter07 as museum
from mini.checks import chapter07_images as images
from mini.checks import chapter07_values as values
from mini.distributions import LogisticMixture
from mini.models.gated_pixelcnn import GatedPixelCNN


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def arguments(case):
    return str(case.args[:5])


@pytest.mark.parametrize("case", museum.centre_mask.cases(), ids=arguments)
def test_centre_mask_is_masked_conv2ds(case):
    kind, O, C, colours, halves = case.args
    rng = np.random.default_rng(0)
    layer = nn.MaskedConv2d(kind, C, O, 3, colours=colours, halves=halves, rng=rng)
    theirs = np.broadcast_to(layer.mask, (O, C, 3, 3))[:, :, 1, 1]
    assert np.array_equal(museum.centre_mask.reference(*case.args), theirs)


def test_halves_ignored_is_a_leak_and_the_reference_is_none():
    def reached(mask):
        "Which of three colours the gated output's colours depend on: (3, 3)."
        value, gate = mask(kind="B", O=6, C=3, colours=3, halves=2).reshape(2, 3, 3)
        return value | gate

    assert np.array_equal(reached(museum.centre_mask.reference), np.tri(3) > 0)
    mistakes = museum.centre_mask.mistakes
    (ignored,) = [m for m in mistakes if "as one sequence" in m.title]
    assert reached(ignored.function)[0, 1]  # red sees green


@pytest.mark.parametrize("case", museum.shifted_down.cases()[2:])
def test_shifting_turns_rows_up_to_here_into_rows_above(case):
    (v,) = case.args
    rows = np.arange(v.shape[2])
    knows = np.where(v == v, rows[:, None], 0)  # row i has seen rows ≤ i
    shifted = museum.shifted_down.reference(knows + 1.0)
    assert np.array_equal(shifted, 0 * shifted + rows[:, None])  # now rows < i
    rolled = museum.shifted_down.mistakes[0].function(knows + 1.0)
    assert v.shape[2] == 1 or (rolled[:, :, 0] > rows[0]).all()


@pytest.mark.parametrize("case", values.discretised_logistic.cases())
def test_discretised_logistic_is_logistic_mixtures(case):
    x, mean, log_scale, levels = case.args
    params = np.stack([np.zeros(len(x)), mean, log_scale], 1)
    theirs = LogisticMixture(params, levels).log_prob(x).data
    ours = values.discretised_logistic.reference(*case.args)
    assert np.allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize("levels", [2, 4, 16, 256])
def test_discretised_logistic_sums_to_one(levels):
    logs = values.discretised_logistic.reference(np.arange(levels), 0.4, -2.0, levels)
    assert np.isclose(np.exp(logs).sum(), 1)


def logistic_of(x, mean, scale, levels):
    """Equation (7) as it stands, for levels between the ends."""
    z, half = 2 * x / (levels - 1) - 1, 1 / (levels - 1)
    return expit((z + half - mean) / scale) - expit((z - half - mean) / scale)


@pytest.mark.parametrize(
    ("attempt", "title"),
    [
        (lambda a, bias: F.gate(a + bias[0].reshape(1, -1, 1, 1)), "first image"),
        (lambda a, bias: F.gate(a * bias.reshape(*bias.shape, 1, 1)), "multiplied"),
        (lambda a, bias: F.gate(a + bias), "without axes"),
        (lambda a, bias: F.tanh(a) * F.sigmoid(a), None),
    ],
)
def test_a_gate_is_told_what_it_did(attempt, title):
    verdict = checks.gated_unit.judge(attempt)
    assert verdict.kind == ("mistake" if title else "shape")
    assert (title or "Shape") in verdict.text


@pytest.mark.parametrize(
    ("wrong", "title"),
    [
        (lambda x, m, s, K: (x, m, s, 256), "255 in place"),
        (lambda x, m, s, K: (x, m, -s, K), "inverse scale"),
        (lambda x, m, s, K: (x, -m, s, K), None),
    ],
)
def test_a_logistic_is_told_what_it_did(wrong, title):
    def attempt(x, mean, log_scale, levels):
        x, mean, log_scale, levels = wrong(x, mean, log_scale, levels)
        params = np.stack([0 * mean, mean, log_scale], axis=-1)
        return LogisticMixture(params, levels).log_prob(x).data

    verdict = checks.discretised_logistic.judge(attempt)
    assert verdict.kind == ("mistake" if title else "value")
    assert (title or "Not the expected") in verdict.text


def test_two_factors_of_three_are_no_probability():
    mistakes = values.discretised_logistic.mistakes
    (two,) = [m.function for m in mistakes if "two factors" in m.title]
    x, mean, scale = np.arange(1, 15), np.full(14, 0.2), 0.1
    expected = logistic_of(x, mean, scale, 16)
    logs = (
        f(x, mean, np.log(scale), 16)
        for f in (two, values.discretised_logistic.reference)
    )
    assert [np.allclose(np.exp(p), expected) for p in logs] == [False, True]


@pytest.mark.parametrize("levels", [2, 4, 16, 256])
def test_levels_are_equally_wide(levels):
    every = np.arange(256, dtype=np.uint8)
    counts = np.bincount(images.to_levels.reference(every, levels))
    assert (counts == 256 // levels).all() and len(counts) == levels


def test_class_posterior_keeps_bayes_rule():
    for case in images.class_posterior.cases()[:2]:
        logs, prior = case.args
        joint = np.exp(logs) * prior
        expected = joint / joint.sum(1, keepdims=True)
        assert np.allclose(images.class_posterior.reference(*case.args), expected)


@pytest.mark.parametrize("case", images.usable_part.cases())
def test_usable_part_is_what_complete_accepts(case):
    (known,) = case.args
    rng = np.random.default_rng(0)
    C = known.shape[0]
    model = GatedPixelCNN(known.shape, channels=C, layers=1, hidden=C, rng=rng)
    blank = np.zeros((1, *known.shape), np.uint8)
    usable = images.usable_part.reference(known)
    model.complete(blank, usable, rng=rng)
    assert not (usable & ~known).any()
    if (usable != known).any():
        with pytest.raises(ValueError, match="known"):
            model.complete(blank, known, rng=rng)
