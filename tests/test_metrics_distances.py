"""Two distances between samples: exact answers, slow twins, published figures."""

import math

import numpy as np
import pytest
from scipy import linalg

from mini import Tensor
from mini.metrics import (
    density_coverage,
    features,
    frechet_distance,
    kernel_distance,
    real_against_real,
)

ASK = {"frechet_distance": frechet_distance, "kernel_distance": kernel_distance}


def correlated(rng, N, D):
    """Normal samples with a mean and a covariance of their own."""
    return rng.standard_normal((N, D)) @ rng.standard_normal((D, D)) + rng.random(D)


def with_moments(rng, N, mean, covariance):
    """Samples that have this mean and covariance, divisor N − 1, to rounding."""
    z = rng.standard_normal((N, len(mean)))
    z -= z.mean(axis=0)
    z = np.linalg.solve(np.linalg.cholesky(np.cov(z.T)), z.T).T
    return mean + z @ np.linalg.cholesky(covariance).T


# ---- Fréchet distance ----------------------------------------------------------------


def by_matrix_root(x, y, root=linalg.sqrtm):
    """The formula as it stands in the paper."""
    shift = x.mean(axis=0) - y.mean(axis=0)
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    return shift @ shift + np.trace(s + t - 2 * root(s @ t)).real


@pytest.mark.parametrize("N, M, D", [(50, 50, 2), (40, 90, 5), (300, 200, 20)])
def test_frechet_is_the_formula(N, M, D, rng):
    x, y = correlated(rng, N, D), correlated(rng, M, D)
    assert frechet_distance(x, y) == pytest.approx(by_matrix_root(x, y), rel=1e-9)
    assert frechet_distance(y, x) == pytest.approx(frechet_distance(x, y), rel=1e-12)


def test_frechet_of_known_gaussians(rng):
    """Σ = U diag(a) Uᵀ, Τ = U diag(b) Uᵀ: ‖shift‖² + Σ (√a − √b)²."""
    turn = linalg.qr(rng.standard_normal((4, 4)))[0]
    a, b = np.array([1, 4, 9, 0.25]), np.array([4, 1, 9, 1])
    shift = np.array([3, 0, 0, 4.0])
    x = with_moments(rng, 30, np.zeros(4), turn * a @ turn.T)
    y = with_moments(rng, 50, shift, turn * b @ turn.T)
    assert frechet_distance(x, y) == pytest.approx(25 + 1 + 1 + 0 + 0.25, rel=1e-10)
    x, y = rng.standard_normal((20, 1)), 3 + 2 * rng.standard_normal((30, 1))
    exact = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet_distance(x, y) == pytest.approx(exact, rel=1e-12)


def test_frechet_turns_stretches_and_shifts_as_it_should(rng):
    x, y = correlated(rng, 60, 5), correlated(rng, 70, 5)
    turn = linalg.qr(rng.standard_normal((5, 5)))[0]
    expected = frechet_distance(x, y)
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(expected, rel=1e-10)
    assert frechet_distance(x + 7, y + 7) == pytest.approx(expected, rel=1e-10)
    assert frechet_distance(3 * x, 3 * y) == pytest.approx(9 * expected, rel=1e-10)


@pytest.mark.parametrize("N, D", [(500, 8), (30, 100), (2, 5)])
def test_frechet_of_a_sample_from_itself_is_zero(N, D, rng):
    x = 10 * correlated(rng, N, D)
    found, size = frechet_distance(x, x[::-1]), (x.var(axis=0)).sum()
    assert 0 <= found < 1e-11 * size
    assert frechet_distance(x, x + 1) == pytest.approx(D, abs=1e-11 * size)


def test_frechet_with_fewer_samples_than_features(rng):
    """The root of a singular product, as sqrtm finds it, has only half the digits."""
    x, y = correlated(rng, 20, 6), correlated(rng, 25, 6)
    among = linalg.qr(rng.standard_normal((40, 40)))[0][:6]
    expected = frechet_distance(x, y)
    assert frechet_distance(x @ among, y @ among) == pytest.approx(expected, rel=1e-10)
    x, y = rng.standard_normal((10, 50)), rng.standard_normal((15, 50))
    s, t = np.cov(x.T), np.cov(y.T)
    roots = np.sqrt(np.maximum(linalg.eigvals(s @ t).real, 0)).sum()
    shift = x.mean(axis=0) - y.mean(axis=0)
    expected = shift @ shift + np.trace(s + t) - 2 * roots
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("N, published", [(500, 4.51), (1000, 2.21), (2000, 1.09)])
def test_frechet_bias_in_64_dimensions(N, published, rng):
    found = [frechet_distance(*rng.standard_normal((2, N, 64))) for _ in range(4)]
    assert np.mean(found) == pytest.approx(published, rel=0.04)
    assert np.mean(found) == pytest.approx(64 * 69 / (2 * N), rel=0.04)


@pytest.mark.parametrize("N, published", [(500, 17.2), (1000, 8.5), (2000, 4.3)])
def test_frechet_bias_in_128_dimensions(N, published, rng):
    found = [frechet_distance(*rng.standard_normal((2, N, 128))) for _ in range(2)]
    assert np.mean(found) == pytest.approx(published, rel=0.04)
    assert np.mean(found) == pytest.approx(128 * 133 / (2 * N), rel=0.04)


def test_known_mistakes_give_other_figures(rng):
    x, y = correlated(rng, 60, 6), correlated(rng, 60, 6)
    found = frechet_distance(x, y)

    def elementwise(product):
        return np.sqrt(np.abs(product))

    assert abs(by_matrix_root(x, y, root=elementwise) / found - 1) > 0.1
    # the covariance of the rows, which numpy gives unless told otherwise
    s, t, shift = np.cov(x), np.cov(y), x.mean(axis=0) - y.mean(axis=0)
    roots = np.sqrt(np.maximum(linalg.eigvals(s @ t).real, 0)).sum()
    assert abs((shift @ shift + np.trace(s + t) - 2 * roots) / found - 1) > 0.1
    root = math.sqrt(found)
    assert abs(root / found - 1) > 0.1  # the distance itself and not its square


# ---- kernel distance -----------------------------------------------------------------


def slow_kernel_distance(x, y):
    def k(a, b):
        return (sum(a[d] * b[d] for d in range(len(a))) / len(a) + 1) ** 3

    def mean(pairs):
        values = [k(a, b) for a, b in pairs]
        return sum(values) / len(values)

    N, M = len(x), len(y)
    return (
        mean((x[i], x[j]) for i in range(N) for j in range(N) if i != j)
        + mean((y[i], y[j]) for i in range(M) for j in range(M) if i != j)
        - 2 * mean((a, b) for a in x for b in y)
    )


@pytest.mark.parametrize("N, M, D", [(2, 2, 1), (12, 9, 3), (8, 15, 20)])
@pytest.mark.parametrize("at_once", [1, 40, 10**6])
def test_kernel_distance_is_the_definition(N, M, D, at_once, rng, monkeypatch):
    monkeypatch.setattr(features, "NUMBERS", at_once)
    x, y = correlated(rng, N, D), correlated(rng, M, D)
    found = kernel_distance(x, y)
    assert found == pytest.approx(slow_kernel_distance(x, y), rel=1e-10)
    assert kernel_distance(y, x) == pytest.approx(found, rel=1e-10)


def test_kernel_distance_compares_three_moments(rng):
    """In one dimension it is 3 Δ₁² + 3 Δ₂² + Δ₃² of the moments E xʲ."""
    m = 0.5
    exact = 3 * m**2 + 3 * m**4 + (m**3 + 3 * m) ** 2
    draws = [
        kernel_distance(
            rng.standard_normal((500, 1)), m + rng.standard_normal((500, 1))
        )
        for _ in range(60)
    ]
    error = np.std(draws) / math.sqrt(60)
    assert error < 0.05 * exact
    assert abs(np.mean(draws) - exact) < 4 * error


@pytest.mark.parametrize("N", [3, 30])
def test_kernel_distance_has_no_bias(N, rng):
    """Pairs of a sample and itself would add a positive amount, more the fewer."""
    pairs = rng.standard_normal((1000, 2, N, 5))
    found = np.array([kernel_distance(x, y) for x, y in pairs])
    error = found.std() / math.sqrt(1000)
    assert abs(found.mean()) < 4 * error
    assert (found < 0).any() and (found > 0).any()
    diagonal = (((pairs**2).mean(axis=3) + 1) ** 3).mean(axis=(1, 2)).mean() / N
    assert diagonal > 20 * error


# ---- what real samples get -----------------------------------------------------------


def test_real_against_real_takes_disjoint_sets_of_n(rng):
    real, seen = np.arange(20.0)[:, None], []

    def metric(x, y):
        assert len(x) == len(y) == 8
        assert len(np.unique([x, y])) == 16
        seen.append((x, y))
        return float(x.mean()), float(y.mean())

    found = real_against_real(metric, real, 8, rng=rng, draws=5)
    assert found.shape == (5, 2)
    np.testing.assert_array_equal(found, [(x.mean(), y.mean()) for x, y in seen])
    assert len({tuple(x[:, 0]) for x, _ in seen}) == 5
    assert set(np.ravel(seen)) == set(range(20))  # all of them have their turn
    twin = real_against_real(metric, real, 8, rng=np.random.default_rng(0), draws=5)
    np.testing.assert_array_equal(twin, found)


def test_the_floor_is_what_samples_of_the_same_distribution_get(rng):
    real = rng.standard_normal((4000, 16))
    x, y = rng.standard_normal((2, 1000, 16))
    for metric in (frechet_distance, kernel_distance):
        floor = real_against_real(metric, real, 1000, rng=rng)
        assert floor.shape == (10,)
        assert abs(metric(x, y) - floor.mean()) < 5 * floor.std()
        assert metric(x, y + 0.5) > floor.mean() + 20 * floor.std()
    ceiling = real_against_real(density_coverage, real, 500, rng=rng, draws=3)
    assert ceiling.shape == (3, 2) and (ceiling > 0.8).all()


# ---- errors --------------------------------------------------------------------------

TABLE = np.arange(40.0).reshape(20, 2)
HOLE = np.where(TABLE == 7, np.nan, TABLE)
WRONG = [
    (TABLE[:, 0], TABLE, r"real is float64 of shape \(20,\), expected numbers \(N, "),
    (TABLE, TABLE.reshape(5, 2, 2, 2), r"fake is float64 of shape \(5, 2, 2, 2\)"),
    (TABLE[:0], TABLE, r"real is float64 of shape \(0, 2\)"),
    (TABLE.astype(str), TABLE, r"real is <U32 of shape"),
    (TABLE, TABLE + 1j, r"fake is complex128 of shape"),
    (TABLE, HOLE, r"fake has nan, expected finite numbers"),
    (TABLE - np.inf, TABLE, r"real has -inf, expected finite numbers"),
    (TABLE, TABLE[:, :1], r"columns are {'real': 2, 'fake': 1}, expected equally many"),
    (TABLE[:1], TABLE, r"real has 1 row, expected 2 or more"),
]


@pytest.mark.parametrize("name", ASK)
@pytest.mark.parametrize("real, fake, message", WRONG)
def test_bad_samples_are_named(name, real, fake, message):
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        ASK[name](real, fake)


@pytest.mark.parametrize("name", ASK)
def test_tensors_bytes_and_float32_are_taken_and_not_changed(name, rng):
    x, y = rng.integers(256, size=(2, 30, 4), dtype=np.uint8)
    kept = x.copy(), y.copy()
    expected = ASK[name](x.astype(float), y.astype(float))
    assert isinstance(expected, float)
    assert ASK[name](x, y) == expected
    assert ASK[name](Tensor(x.astype(np.float32)), y.astype(np.float32)) == expected
    np.testing.assert_array_equal((x, y), kept)


def test_bad_draws_are_named(rng):
    name = "^real_against_real: "
    with pytest.raises(
        ValueError, match=name + "n is 11, expected at most half of .*20"
    ):
        real_against_real(frechet_distance, TABLE, 11, rng=rng)
    for n in (0, 2.5, "3"):
        with pytest.raises(
            ValueError, match=name + "n must be a whole number .*" + str(n)
        ):
            real_against_real(frechet_distance, TABLE, n, rng=rng)
    with pytest.raises(ValueError, match=name + "draws must be a whole number"):
        real_against_real(frechet_distance, TABLE, 5, rng=rng, draws=0)
    with pytest.raises(TypeError, match=name + "rng must be a numpy random Gen.* 0"):
        real_against_real(frechet_distance, TABLE, 5, rng=0)
    with pytest.raises(ValueError, match=name + "real has nan"):
        real_against_real(frechet_distance, HOLE, 5, rng=rng)
