"""What a code knows: known answers, invariances, codes of known quality."""

import math

import numpy as np
import pytest

from mini import Tensor
from mini.metrics import (
    entropy,
    informativeness,
    mutual_information,
    mutual_information_gap,
)

ASK = {
    "mutual_information": mutual_information,
    "mutual_information_gap": mutual_information_gap,
    "informativeness": informativeness,
}


def drawn(rng, N=5000):
    """Factors like those of faces: two uniform ones, a coin, one of five."""
    coin, five = rng.random(N) < 0.3, rng.integers(5, size=N)
    return np.column_stack([rng.uniform(-1, 1, (N, 2)), coin, five])


# ---- entropy and mutual information --------------------------------------------------


def test_entropy_of_counted_values():
    v = np.array([[0, 7], [0, 7], [0, 7], [3, 7]])
    expected = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    np.testing.assert_allclose(entropy(v), [expected, 0], atol=1e-15)
    v = np.repeat([0, 1, 1e3], [1, 2, 5])[:, None]  # as many values as bins
    p = np.array([1, 2, 5]) / 8
    assert entropy(v, bins=3)[0] == pytest.approx(-(p * np.log(p)).sum())


@pytest.mark.parametrize("bins", [2, 5, 20])
def test_continuous_factors_fill_all_bins_equally(bins, rng):
    v = np.exp(rng.standard_normal((1000, 1)))  # far from uniform
    assert entropy(v, bins)[0] == pytest.approx(math.log(bins), abs=1e-12)


def test_mutual_information_by_hand():
    """p(z, v) = ½, ¼, ¼, 0, by the definition."""
    z, v = np.array([[0, 0], [0, 0], [0, 1], [1, 0]]).T[:, :, None]
    expected = 0.5 * math.log(0.5 / (0.75 * 0.75)) + 2 * 0.25 * math.log(
        0.25 / (0.75 * 0.25)
    )
    assert mutual_information(z, v)[0, 0] == pytest.approx(expected, abs=1e-15)


def test_mutual_information_with_itself_is_the_entropy(rng):
    v = drawn(rng)
    found = mutual_information(v, v)
    assert found.shape == (4, 4)
    np.testing.assert_allclose(np.diag(found), entropy(v), atol=1e-12)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    assert (found >= 0).all() and (found <= entropy(v) + 1e-12).all()


@pytest.mark.parametrize("correlation", [0.3, 0.6, 0.9])
def test_two_normal_variables_have_the_known_mutual_information(correlation, rng):
    """−½ log(1 − ρ²); bins lose a little of it, and chance adds the floor."""
    a, b = rng.standard_normal((2, 100_000, 1))
    b = correlation * a + math.sqrt(1 - correlation**2) * b
    exact = -0.5 * math.log(1 - correlation**2)
    found = mutual_information(a, b)[0, 0]
    assert exact * 0.9 < found < exact + 19 * 19 / 2e5


def test_bending_a_latents_scale_changes_nothing(rng):
    v = drawn(rng)
    z = v + 0.3 * rng.standard_normal(v.shape)
    expected = mutual_information(z, v)
    for bent in (np.exp(3 * z), z**3, 1e-6 * z + 5, z.astype(np.float32)):
        np.testing.assert_allclose(mutual_information(bent, v), expected, atol=5e-3)
    np.testing.assert_allclose(mutual_information(-z, v), expected, atol=0.02)


@pytest.mark.parametrize("N", [1000, 10_000])
def test_independent_variables_have_the_floor_that_is_documented(N, rng):
    z, v = rng.standard_normal((N, 10)), rng.standard_normal((N, 10))
    found = mutual_information(z, v).mean()
    assert found == pytest.approx(19 * 19 / (2 * N), rel=0.15)
    coins = rng.integers(2, size=(N, 10))
    found = mutual_information(z, coins).mean()
    assert found == pytest.approx(19 / (2 * N), rel=0.15)


def test_equal_values_share_a_bin(rng):
    """Most values are one and the same; less than a bin of the others joins them."""
    z = np.where(rng.random(2000) < 0.7, -1, rng.random(2000))[:, None]
    known = (z > -1).astype(int)
    found = mutual_information(z, known)
    assert found[0] == pytest.approx(entropy(known), rel=0.05)
    order = rng.permutation(2000)
    same = mutual_information(z[order], known[order])
    assert same == pytest.approx(mutual_information(z, known), abs=1e-12)


# ---- the gap -------------------------------------------------------------------------


def test_a_latent_for_each_factor_has_a_gap_near_one(rng):
    v = drawn(rng)
    gaps, mean = mutual_information_gap(v[:, ::-1], v)
    assert gaps.shape == (4,) and isinstance(mean, float)
    assert mean == pytest.approx(gaps.mean())
    assert (gaps > 0.97).all() and (gaps <= 1).all()
    more = np.hstack([v, rng.standard_normal((len(v), 6))])  # six know nothing
    assert 0.95 < mutual_information_gap(more, v)[1] <= 1


def test_codes_that_know_nothing_have_none(rng):
    v = drawn(rng)
    gaps, mean = mutual_information_gap(np.zeros((len(v), 4)), v)
    assert not gaps.any() and mean == 0
    noise = rng.standard_normal((len(v), 10))
    assert 0 <= mutual_information_gap(noise, v)[1] < 0.01


def test_a_duplicated_latent_closes_the_gap(rng):
    v = drawn(rng)
    assert mutual_information_gap(np.hstack([v, v]), v)[1] < 1e-12
    noisy = v + 0.01 * rng.standard_normal(v.shape)
    assert mutual_information_gap(np.hstack([v, noisy]), v)[1] < 0.1
    gaps, _ = mutual_information_gap(np.hstack([v, v[:, :1]]), v)
    assert gaps[0] < 1e-12 and (gaps[1:] > 0.97).all()


def test_turning_two_latents_closes_the_gap(rng):
    """All is still known, but by both: informativeness stays, the gap goes."""
    v = rng.uniform(-1, 1, (5000, 2))
    turn = np.array([[1, 1], [-1, 1]]) / math.sqrt(2)
    assert mutual_information_gap(v, v)[1] > 0.97
    assert mutual_information_gap(v @ turn, v)[1] < 0.05
    assert (informativeness(v @ turn, v) > 0.999).all()


# ---- informativeness -----------------------------------------------------------------


def test_what_is_in_the_code_is_found(rng):
    v = drawn(rng)
    mixed = v @ rng.standard_normal((4, 6))
    assert (informativeness(mixed, v) > 0.9999).all()
    assert (informativeness(1e4 * mixed + 3, v) > 0.9999).all()
    assert (informativeness(np.hstack([mixed, mixed]), v) > 0.9999).all()


def test_what_is_not_there_is_not_found(rng):
    v = drawn(rng)
    assert np.abs(informativeness(np.zeros((5000, 3)), v)).max() < 0.01
    found = informativeness(rng.standard_normal((5000, 30)), v)
    assert (found < 0.01).all() and (found > -0.06).all()


def test_learning_by_heart_does_not_help(rng):
    """As many columns as rows: the rows that were fitted would be hit exactly."""
    z, v = rng.standard_normal((80, 40)), rng.standard_normal((80, 1))
    assert informativeness(z, v)[0] < 0


def test_known_shares_of_the_variance(rng):
    z, noise = rng.standard_normal((2, 200_000, 1))
    for v, share in (
        (z + noise / 2, 1 / 1.25),  # linear
        (z * z + noise, 2 / 3),  # the variance of z² is 2
        (z > 0, 2 / math.pi),  # corr(z, sign z)²
        (np.abs(z) * np.sign(noise), 0),
    ):
        assert informativeness(z, v)[0] == pytest.approx(share, abs=0.02)


# ---- errors --------------------------------------------------------------------------

TABLE = np.arange(40.0).reshape(20, 2)
HOLE = np.where(TABLE == 7, np.nan, TABLE)
WRONG = [
    (TABLE[:, 0], TABLE, r"codes is float64 of shape \(20,\), expected numbers \(N, "),
    (TABLE, TABLE[0], r"factors is float64 of shape \(2,\)"),
    (TABLE[:, :0], TABLE, r"codes is float64 of shape \(20, 0\)"),
    (TABLE.astype(str), TABLE, r"codes is <U32 of shape"),
    (TABLE, HOLE, r"factors has nan, expected finite numbers"),
    (TABLE - np.inf, TABLE, r"codes has -inf, expected finite numbers"),
    (TABLE[:9], TABLE, r"rows are {'codes': 9, 'factors': 20}, expected equally many"),
]


@pytest.mark.parametrize("name", ASK)
@pytest.mark.parametrize("codes, factors, message", WRONG)
def test_bad_tables_are_named(name, codes, factors, message):
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        ASK[name](codes, factors)


@pytest.mark.parametrize("bins", [1, 0, -2, 3.5, "20", None])
def test_bad_bins_are_named(bins):
    for name in ("mutual_information", "mutual_information_gap"):
        with pytest.raises(ValueError, match=f"^{name}: bins is {bins!r}, expected"):
            ASK[name](TABLE, TABLE, bins)
    with pytest.raises(ValueError, match=f"^entropy: bins is {bins!r}, expected"):
        entropy(TABLE, bins)


def test_what_has_no_answer_is_refused():
    name = "mutual_information_gap"
    with pytest.raises(ValueError, match=f"^{name}: codes has 1 column, expected 2"):
        mutual_information_gap(TABLE[:, :1], TABLE)
    still = TABLE * [1, 0]
    with pytest.raises(ValueError, match=f"^{name}: factors .* in column 1, expected"):
        mutual_information_gap(TABLE, still)
    with pytest.raises(ValueError, match="^informativeness: factors .* in column 1,"):
        informativeness(TABLE, still)
    with pytest.raises(ValueError, match="^informativeness: codes has 7 rows, exp"):
        informativeness(TABLE[:7], TABLE[:7])
    with pytest.raises(ValueError, match="^informativeness: ridge is 0, expected"):
        informativeness(TABLE, TABLE, ridge=0)


def test_tensors_whole_numbers_and_booleans_are_taken(rng):
    v = drawn(rng, 200)
    expected = mutual_information(v, v[:, 2:])
    found = mutual_information(Tensor(v), Tensor(v[:, 2:]))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(mutual_information(v, v[:, 2:].astype(int)), expected)
    np.testing.assert_array_equal(
        mutual_information(v, v[:, 2:3] > 0.5), expected[:, :1]
    )
