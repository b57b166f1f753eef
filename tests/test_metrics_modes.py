"""Modes and classes that samples have: counted slowly, and for perfect samplers."""

import math

import numpy as np
import pytest
from scipy.special import gammainc

from mini import Tensor, data
from mini.metrics import classifier_score, label_entropy, mixture_modes, mode_spread

TOYS = {
    "ring": (data.ring, data.ring_centres(), 0.01),
    "grid": (data.grid, data.grid_centres(), 0.05),
}


def slow_modes(x, centres, std):
    """Modes found, share of good samples, reverse KL in nats."""
    found, good, counts = set(), 0, [0] * len(centres)
    for a in x:
        distances = [math.dist(a, c) for c in centres]
        nearest = distances.index(min(distances))
        counts[nearest] += 1
        if distances[nearest] <= 3 * std:
            found.add(nearest)
            good += 1
    shares = [c / len(x) for c in counts if c]
    kl = sum(p * math.log(p * len(centres)) for p in shares)
    return len(found), good / len(x), kl


# ---- modes ---------------------------------------------------------------------------


@pytest.mark.parametrize("toy", TOYS)
def test_a_perfect_sampler_finds_all_modes_and_has_989_in_1000_good(toy, rng):
    draw, centres, std = TOYS[toy]
    result = mixture_modes(draw(2500, rng=rng), centres, std)
    assert result.found == len(centres) == len(result.counts)
    chance = math.sqrt(0.989 * 0.011 / 2500)
    assert abs(result.quality - 0.989) < 4 * chance
    assert result.reverse_kl == pytest.approx((len(centres) - 1) / 5000, rel=1)
    many = mixture_modes(draw(200_000, rng=rng), centres, std)
    assert many.quality == pytest.approx(1 - math.exp(-4.5), abs=0.001)
    assert many.counts.sum() == 200_000


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("spread", [1, 3, 30])
def test_modes_are_those_of_slow_loops(toy, spread, rng):
    draw, centres, std = TOYS[toy]
    x = draw(300, rng=rng, std=spread * std)
    x[:200] = x[0] + 0.5 * std * rng.standard_normal((200, 2))
    result = mixture_modes(x, centres, std)
    found, quality, kl = slow_modes(x, centres, std)
    assert (result.found, result.quality) == (found, quality)
    assert result.reverse_kl == pytest.approx(kl, abs=1e-12)


def test_a_collapsed_sampler_finds_one_mode(rng):
    centres = data.ring_centres()
    x = centres[3] + 0.01 * rng.standard_normal((500, 2))
    result = mixture_modes(x, centres, 0.01)
    assert result.found == 1 and result.quality > 0.97
    assert result.reverse_kl == pytest.approx(math.log(8))
    assert result.counts[3] == 500


def test_samples_between_the_modes_are_not_good(rng):
    centres = data.grid_centres()
    result = mixture_modes(centres + 1, centres, 0.05)
    assert result.found == 0 and result.quality == 0
    assert result.counts.sum() == 25 and math.isfinite(result.reverse_kl)
    one = np.vstack([centres + 1, centres[7:8]])
    assert mixture_modes(one, centres, 0.05).found == 1
    assert mixture_modes(one, centres, 0.05).quality == pytest.approx(1 / 26)
    even = mixture_modes(centres, centres, 0.05)
    assert even.found == 25 and even.quality == 1
    assert even.reverse_kl == pytest.approx(0, abs=1e-12)


def test_how_far_is_still_good():
    centres = np.array([[0.0, 0.0], [100.0, 0.0]])
    x = np.array([[0, 3.0], [0, 3.001], [-4, 0], [98, 0]])
    assert mixture_modes(x, centres, 1).quality == 0.5
    assert mixture_modes(x, centres, 1, within=4).quality == 1
    assert mixture_modes(x, centres, 2 / 3).quality == 0.25
    assert mixture_modes(x[:3], centres, 1).found == 1


def test_quality_in_three_dimensions(rng):
    x = 0.1 * rng.standard_normal((100_000, 3))
    quality = mixture_modes(x, np.zeros((1, 3)), 0.1).quality
    assert quality == pytest.approx(gammainc(1.5, 4.5), abs=0.003)


# ---- spread within modes -------------------------------------------------------------


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("factor", [1, 0.5, 0.2, 0])
def test_spread_is_that_of_the_samples_beside_the_true_one(toy, factor, rng):
    draw, centres, std = TOYS[toy]
    widths = mode_spread(draw(100_000, rng=rng, std=factor * std), centres, std)
    cut = math.sqrt(1 - 4.5 / (math.exp(4.5) - 1)) if factor == 1 else 1
    assert cut == pytest.approx(0.974, abs=0.001) or factor < 1
    assert widths.shape == (len(centres), 2) and (widths[:, 0] <= widths[:, 1]).all()
    assert widths == pytest.approx(np.full_like(widths, factor * cut), rel=0.06)
    assert widths.mean() == pytest.approx(factor * cut, rel=0.005)
    if factor < 0.5:  # and for this there is praise
        assert mixture_modes(draw(99, rng=rng, std=factor * std), centres, std)[1] == 1


def test_spread_of_streaks_in_three_dimensions(rng):
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    centres = np.array([[0.0, 0, 0], [100, 0, 0]])
    x = 0.1 * np.array([0, 0.2, 0.5]) * rng.standard_normal((5000, 3))
    x = np.vstack([x @ turn, x[:1000] @ turn + [100.05, 0, 0], centres + 50])
    widths = mode_spread(x, centres, 0.1)
    assert widths == pytest.approx(np.array([[0, 0.2, 0.5]] * 2), rel=0.1, abs=1e-6)
    slow = np.linalg.eigvalsh(np.cov(x[:5000].T))[1:] ** 0.5 / 0.1
    assert widths[0, 1:] == pytest.approx(slow, rel=1e-6)


def test_spread_of_modes_with_hardly_a_good_sample():
    centres = np.array([[0.0, 0], [10, 0], [20, 0], [30, 0]])
    x = np.array([[0, 0], [1, 0], [10, 0], [11, 0], [10, 2], [20, 9], [21, 9], [20, 8]])
    widths = mode_spread(x, centres, 1.0)
    assert np.isnan(widths).all(axis=1).tolist() == [True, False, True, True]
    assert widths[1] ** 2 @ [1, 1] == pytest.approx(1 / 3 + 4 / 3)
    assert np.isnan(mode_spread(x, centres, 1.0, within=1)[1]).all()
    assert mode_spread(x, centres, 2.0, within=1)[1] == pytest.approx(widths[1] / 2)


# ---- classes -------------------------------------------------------------------------


def test_label_entropy_by_hand(rng):
    assert label_entropy(np.arange(10)) == pytest.approx(math.log2(10))
    assert label_entropy(np.full(50, 7)) == 0
    assert label_entropy([0, 0, 1, 2], classes=3) == pytest.approx(1.5)
    labels = rng.integers(10, size=400)
    assert label_entropy(labels) == label_entropy(Tensor(labels))
    assert label_entropy(labels.astype(np.uint8)) == label_entropy(labels)
    assert label_entropy(labels, classes=300) == pytest.approx(label_entropy(labels))


def test_label_entropy_is_too_low_by_what_is_documented(rng):
    found = [label_entropy(rng.integers(10, size=1000)) for _ in range(400)]
    bias = 9 / (2000 * math.log(2))
    assert math.log2(10) - np.mean(found) == pytest.approx(bias, rel=0.15)


def test_classifier_score_by_the_definition(rng):
    logits = 2 * rng.standard_normal((50, 4))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    mean = p.mean(axis=0)
    kl = [sum(a * math.log(a / b) for a, b in zip(row, mean)) for row in p]
    doubt = -sum(a * math.log2(a) for row in p for a in row) / 50
    found = classifier_score(logits)
    assert found.score == pytest.approx(math.exp(np.mean(kl)), rel=1e-12)
    assert found.doubt == pytest.approx(doubt, rel=1e-12)
    assert found.variety == pytest.approx(-(mean * np.log2(mean)).sum(), rel=1e-12)
    assert classifier_score(logits + 50).score == pytest.approx(found.score)
    order = rng.permutation(50)
    assert classifier_score(Tensor(logits[order])).score == pytest.approx(found.score)


def test_classifier_score_of_the_best_and_the_worst(rng):
    sure = 1e4 * np.eye(10)
    found = classifier_score(np.repeat(sure, 7, axis=0))
    assert found.score == pytest.approx(10) and found.doubt == 0
    one = classifier_score(np.repeat(sure[:1], 70, axis=0))
    assert one.score == pytest.approx(1) and one.variety == 0
    unclear = classifier_score(np.zeros((70, 10)))
    assert unclear.score == pytest.approx(1)
    assert unclear.doubt == pytest.approx(math.log2(10))
    labels = rng.integers(10, size=300)
    sure = classifier_score(1e4 * np.eye(10)[labels])
    assert sure.variety == pytest.approx(label_entropy(labels))


# ---- errors --------------------------------------------------------------------------


@pytest.mark.parametrize("function", [mixture_modes, mode_spread])
def test_bad_input_of_points_and_centres_is_named(function):
    x, centres, name = np.zeros((5, 2)), np.zeros((3, 2)), f"^{function.__name__}: "
    with pytest.raises(ValueError, match=name + r"x is float64 of shape \(5,\), expec"):
        function(x[:, 0], centres, 1)
    with pytest.raises(ValueError, match=name + r"columns are {'x': 2, 'centres': 1}"):
        function(x, centres[:, :1], 1)
    with pytest.raises(ValueError, match=name + r"x has nan, expected finite numbers"):
        function(x + np.nan, centres, 1)
    for wrong in (0, -1, math.nan, math.inf, "1", None, [1, 2]):
        for given in ({"std": wrong}, {"std": 1, "within": wrong}):
            said = name + f"{[*given][-1]} is .*, expected a num"
            with pytest.raises(ValueError, match=said):
                function(x, centres, **given)


def test_bad_labels_and_logits_are_named():
    name = "^label_entropy: labels "
    for wrong, said in [
        (
            np.zeros((3, 10), int),
            r"is int64 of shape \(3, 10\), expected whole numbers",
        ),
        (np.zeros(3), r"is float64 of shape \(3,\)"),
        (np.zeros(0, int), r"is int64 of shape \(0,\)"),
        (np.array([0, 10]), r"has 0 … 10, expected 0 … 9"),
        (np.array([-1, 3]), r"has -1 … 3, expected 0 … 9"),
    ]:
        with pytest.raises(ValueError, match=name + said):
            label_entropy(wrong)
    with pytest.raises(ValueError, match="^label_entropy: classes must be a whole num"):
        label_entropy([1, 2], classes=0)
    with pytest.raises(ValueError, match="^classifier_score: logits is int64 of shape"):
        classifier_score(np.array([1, 2]))
    with pytest.raises(ValueError, match="^classifier_score: logits has nan, expected"):
        classifier_score(np.full((2, 3), np.nan))
