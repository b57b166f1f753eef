"""Precision, recall, density, coverage, memorisation: slow twins, known figures."""

import math

import numpy as np
import pytest
from scipy import stats

from mini import Tensor
from mini.metrics import (
    density_coverage,
    expected_coverage,
    features,
    memorisation,
    nearest_neighbours,
    precision_recall,
)

PAIRS = {"precision_recall": precision_recall, "density_coverage": density_coverage}


def scores(real, fake, k):
    return np.array(
        [*precision_recall(real, fake, k), *density_coverage(real, fake, k)]
    )


def slow_scores(real, fake, k):
    """Precision, recall, density and coverage by their definitions."""

    def distance(a, b):
        return math.sqrt(sum((a[d] - b[d]) ** 2 for d in range(len(a))))

    def reach(x):
        others = (
            [distance(a, b) for j, b in enumerate(x) if j != i] for i, a in enumerate(x)
        )
        return [sorted(row)[k - 1] for row in others]

    def inside(points, centres):
        radii = reach(centres)
        return np.array(
            [[distance(p, c) <= r for c, r in zip(centres, radii)] for p in points]
        )

    of_real, of_fake = inside(fake, real), inside(real, fake)
    return [
        of_real.any(axis=1).mean(), of_fake.any(axis=1).mean(),
        of_real.sum(axis=1).mean() / k, of_real.any(axis=0).mean(),
    ]  # fmt: skip


@pytest.mark.parametrize("N, M, D, k", [(2, 2, 1, 1), (25, 20, 3, 3), (20, 30, 12, 5)])
@pytest.mark.parametrize("at_once", [1, 100, 10**6])
def test_scores_are_those_of_slow_loops(N, M, D, k, at_once, rng, monkeypatch):
    monkeypatch.setattr(features, "NUMBERS", at_once)
    for _ in range(5):
        real, fake = rng.standard_normal((N, D)), 0.3 + rng.standard_normal((M, D))
        np.testing.assert_allclose(
            scores(real, fake, k), slow_scores(real, fake, k), rtol=1e-12
        )


@pytest.mark.parametrize("D", [1, 3])
def test_a_neighbour_at_the_very_edge_is_within_reach(D, rng):
    """Whole numbers: many equal distances, many equal samples."""
    for _ in range(10):
        real, fake = rng.integers(4, size=(2, 20, D))
        expected = slow_scores(real, fake, 2)
        np.testing.assert_allclose(scores(real, fake, 2), expected, rtol=1e-12)
        same = scores(0.1 * real, 0.1 * fake, 2)  # no longer exact
        np.testing.assert_allclose(same, expected, rtol=1e-12)


@pytest.mark.parametrize("D, published", [
    (2, [0.996, 0.997, 0.999, 0.967]),
    (16, [0.880, 0.874, 1.018, 0.971]),
    (64, [0.716, 0.743, 0.935, 0.963]),
])  # fmt: skip
def test_two_normal_samples_get_the_known_scores(D, published, rng):
    """N = 1000, k = 5. The published figures are of a draw or a few."""
    found = np.array([scores(*rng.standard_normal((2, 1000, D)), 5) for _ in range(12)])
    assert (np.abs(found.mean(axis=0) - published) < 2.5 * found.std(axis=0)).all()
    error = found.std(axis=0) / math.sqrt(12)
    # by symmetry precision is recall, density is 1, and coverage is known
    precision, recall, density, coverage = found.mean(axis=0)
    assert abs(precision - recall) < 4 * math.hypot(*error[:2])
    assert abs(density - 1) < 4 * error[2]
    assert abs(coverage - expected_coverage(1000, 1000, 5)) < 4 * error[3]


def test_expected_coverage_by_hand_and_by_trial(rng):
    assert expected_coverage(2, 1, 1) == 0.5  # the nearest of two is the fake one
    assert expected_coverage(3, 1, 2) == pytest.approx(1 - 2 / 3 * 1 / 2)
    assert expected_coverage(1000, 1000) == pytest.approx(0.96898, abs=1e-5)
    assert expected_coverage(10_000, 10_000, 5) == pytest.approx(1 - 2**-5, abs=1e-4)
    for N, M, k, D in [(60, 30, 3, 2), (40, 90, 2, 7)]:
        found = [
            density_coverage(rng.random((N, D)), rng.random((M, D)), k)[1]
            for _ in range(200)
        ]
        error = np.std(found) / math.sqrt(200)
        assert abs(np.mean(found) - expected_coverage(N, M, k)) < 4 * error < 0.05


def test_a_sample_beside_itself_and_far_away(rng):
    x = rng.standard_normal((200, 4))
    assert precision_recall(x, x[::-1]) == (1, 1)
    density, coverage = density_coverage(x, x[::-1], k=5)
    assert density == pytest.approx(6 / 5) and coverage == 1
    assert (scores(x, x + 100, 5) == 0).all()


def test_precision_knows_quality_and_recall_knows_variety(rng):
    real = rng.standard_normal((500, 4))
    few = real[rng.integers(5, size=500)] + 1e-3 * rng.standard_normal((500, 4))
    precision, recall, density, coverage = scores(real, few, 5)
    assert precision == 1 and density > 1 and recall < 0.02 and coverage < 0.1
    wide = 4 * rng.standard_normal((500, 4))
    precision, recall, density, _ = scores(real, wide, 5)
    assert precision < 0.3 and density < 0.2 and recall > 0.9


def test_an_outlier_raises_recall_but_not_coverage(rng):
    real = rng.standard_normal((100, 2))
    fake = [20, 0] + 0.01 * rng.standard_normal((100, 2))
    assert (scores(real, fake, 3) == 0).all()
    fake[0] = [-50, 0]  # its third neighbour is far beyond all real samples
    precision, recall, density, coverage = scores(real, fake, 3)
    assert recall == 1 and precision == density == coverage == 0


def test_the_origin_does_not_matter(rng):
    real, fake = rng.standard_normal((2, 300, 8))
    far = scores(real + 1e6, fake + 1e6, 5)
    np.testing.assert_allclose(far, scores(real, fake, 5), atol=1e-12)


# ---- nearest neighbours --------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 90, 10**6])
@pytest.mark.parametrize("k", [1, 4, 30])
def test_nearest_neighbours_are_those_of_a_full_sort(k, at_once, rng, monkeypatch):
    monkeypatch.setattr(features, "NUMBERS", at_once)
    x, points = rng.standard_normal((40, 5)), rng.standard_normal((30, 5))
    distances, index = nearest_neighbours(x, points, k)
    full = np.linalg.norm(x[:, None] - points, axis=2)
    np.testing.assert_array_equal(index, np.argsort(full, axis=1)[:, :k])
    np.testing.assert_allclose(distances, np.sort(full, axis=1)[:, :k], rtol=1e-14)


def test_a_copy_has_distance_zero_wherever_it_is(rng):
    points = 1e5 + rng.standard_normal((50, 30))
    distances, index = nearest_neighbours(points[::-1], points)
    assert not distances.any()
    np.testing.assert_array_equal(index[:, 0], np.arange(50)[::-1])


# ---- learning by heart ---------------------------------------------------------------


def test_new_draws_are_not_taken_for_copies(rng):
    found = [memorisation(*rng.standard_normal((3, 200, 6))) for _ in range(100)]
    auc, z, near = np.array(found).T
    assert abs(auc.mean() - 0.5) < 0.01
    assert abs(z.mean()) < 0.4 and 0.8 < z.std() < 1.2 and np.abs(z).max() < 4
    assert near.mean() == pytest.approx(0.01, abs=0.007)


def test_copies_are_found_and_so_are_a_few_among_many(rng):
    train, held_out, fake = rng.standard_normal((3, 1000, 6))
    copies = train[rng.integers(1000, size=400)]
    found = memorisation(train, held_out, copies)
    assert found.auc == 1 and found.near == 1 and found.z > 20
    noisy = copies + 0.05 * rng.standard_normal(copies.shape)
    assert memorisation(train, held_out, noisy).auc > 0.95
    fake[:50] = train[:50]
    found = memorisation(train, held_out, fake)
    assert found.auc < 0.56 and 0.05 <= found.near < 0.08
    far = memorisation(train, held_out, fake + 20)
    assert far.auc == 0 and far.near == 0 and far.z < -20


@pytest.mark.parametrize("ties", [False, True])
def test_memorisation_counts_pairs(ties, rng):
    train, new, fake = rng.standard_normal((3, 40, 2))
    new, fake = new[:30], 0.7 * fake[:25]
    if ties:
        train, new, fake = (np.rint(2 * x) for x in (train, new, fake))

    def nearest(x):
        return [min(math.dist(a, b) for b in train) for a in x]

    wins = [
        1 if a < b else 0.5 if a == b else 0
        for a in nearest(fake)
        for b in nearest(new)
    ]
    assert not ties or 0.5 in wins
    found = memorisation(train, new, fake, quantile=0.2)
    assert found.auc == pytest.approx(np.mean(wins), abs=1e-12)
    near = np.mean([a <= np.quantile(nearest(new), 0.2) for a in nearest(fake)])
    assert found.near == near
    if not ties:
        p = stats.mannwhitneyu(
            nearest(fake), nearest(new), use_continuity=False, method="asymptotic"
        ).pvalue
        assert math.erfc(abs(found.z) / math.sqrt(2)) == pytest.approx(p, rel=1e-9)


# ---- errors --------------------------------------------------------------------------

TABLE = np.arange(40.0).reshape(20, 2)
HOLE = np.where(TABLE == 7, np.nan, TABLE)
WRONG = [
    (TABLE[:, 0], TABLE, r"real is float64 of shape \(20,\), expected numbers \(N, "),
    (TABLE, TABLE[:, :, None], r"fake is float64 of shape \(20, 2, 1\)"),
    (TABLE, HOLE, r"fake has nan, expected finite numbers"),
    (TABLE, TABLE[:, :1], r"columns are {'real': 2, 'fake': 1}, expected equally many"),
    (TABLE[:1], TABLE, r"real has 1 row, expected 2 or more"),
    (TABLE, TABLE[:3], r"k is 3, expected a count 1 … 2, one less than fake's 3 rows"),
    (TABLE[:2], TABLE, r"k is 3, expected a count 1 … 1, one less than real's 2 rows"),
]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("real, fake, message", WRONG)
def test_bad_samples_are_named(name, real, fake, message):
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        PAIRS[name](real, fake, k=3)


@pytest.mark.parametrize("k", [0, -1, 2.0, "3", None, 20])
def test_bad_k_is_named(k):
    for name in PAIRS:
        with pytest.raises(ValueError, match=f"^{name}: k is {k!r}, expected a count"):
            PAIRS[name](TABLE, TABLE, k)
    with pytest.raises(ValueError, match=f"^expected_coverage: k is {k!r}, expected"):
        expected_coverage(20, 20, k)
    k = 21 if k == 20 else k  # a point's own set is not asked for
    with pytest.raises(ValueError, match=f"^nearest_neighbours: k is {k!r}, expected"):
        nearest_neighbours(TABLE, TABLE, k)


def test_bad_input_of_memorisation_is_named():
    with pytest.raises(ValueError, match="^memorisation: held_out has nan, expected"):
        memorisation(TABLE, HOLE, TABLE)
    with pytest.raises(ValueError, match="^memorisation: columns are {'train': 2, 'he"):
        memorisation(TABLE, TABLE[:, :1], TABLE)
    for quantile in (0, 1, -0.5, math.nan):
        with pytest.raises(
            ValueError, match=f"^memorisation: quantile is {quantile}, "
        ):
            memorisation(TABLE, TABLE, TABLE, quantile=quantile)


def test_tensors_whole_numbers_and_float32_are_taken_and_not_changed(rng):
    x, y = rng.integers(256, size=(2, 30, 4), dtype=np.uint8)
    kept = x.copy(), y.copy()
    expected = scores(x.astype(float), y.astype(float), 3)
    assert (scores(x, y, 3) == expected).all()
    as_tensor, as_float32 = Tensor(x.astype(np.float32)), y.astype(np.float32)
    assert (scores(as_tensor, as_float32, 3) == expected).all()
    np.testing.assert_array_equal((x, y), kept)
