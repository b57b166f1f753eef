"""How far apart two sets of samples are: one number, from the features of each."""

import numpy as np
from scipy import linalg

from ..init import check_rng, check_sizes
from .features import numbers, rows_at_once, samples


def frechet_distance(real, fake):
    """Fréchet distance of the Gaussians fitted to two samples: (N, D), (M, D) → float.

    ‖μ − ν‖² + tr(Σ + Τ − 2 (Σ Τ)^½), Dowson and Landau 1982; with features of the
    Inception network it is the FID (Heusel et al. 2017, equation 6). It is a squared
    distance, in squared units of the features. Covariances have the divisor N − 1.

    Finite samples are found apart even if they come from one distribution. From N(0, I)
    with N each the figure is about D(D + 5) / 2N, so it compares with nothing that
    was computed from another N, and `real_against_real` says what to hold it against.

    No matrix square root is taken. With Σ = AᵀA and Τ = BᵀB (the triangles of a QR of
    the samples), tr (Σ Τ)^½ is the sum of the singular values of A Bᵀ. The square root
    of the product, as `scipy.linalg.sqrtm` gives it, has tiny negative or complex
    eigenvalues where a covariance is singular, and turns an error of 1e-16 into one of
    1e-8. Singular values are exact to rounding, with fewer samples than features too.
    """
    real, fake = samples("frechet_distance", 2, real=real, fake=fake)
    shift = real.mean(axis=0) - fake.mean(axis=0)
    a, b = _root(real), _root(fake)
    spread = (a * a).sum() + (b * b).sum() - 2 * linalg.svdvals(a @ b.T).sum()
    return float(shift @ shift + max(0.0, spread))  # below 0 by rounding alone


def _root(x):
    """A, at most (D, D), of which AᵀA is the covariance of x (N, D)."""
    x = (x - x.mean(axis=0)) / np.sqrt(len(x) - 1)
    return linalg.qr(x, mode="r")[0][: x.shape[1]]


def kernel_distance(real, fake):
    """Squared maximum mean discrepancy of two samples: (N, D), (M, D) → float.

    The mean of k(x, x′) and of k(y, y′) over pairs of two different samples, minus
    twice the mean of k(x, y), where k(x, y) = (x·y / D + 1)³; with features of the
    Inception network the KID (Bińkowski et al. 2018). No Gaussian is fitted: means,
    variances, … up to third moments are compared.

    Without bias: for two samples of one distribution it is 0 on average, whatever N
    and D, and often below 0. `real_against_real` says how far from 0 chance goes.
    """
    real, fake = samples("kernel_distance", 2, real=real, fake=fake)
    N, M = len(real), len(fake)
    apart = 2 * _kernel_sum(real, fake) / (N * M)
    return float(_mean_of_others(real) + _mean_of_others(fake) - apart)


def _mean_of_others(x):
    """The mean of k over all pairs of different rows."""
    with_itself = _kernel((x * x).sum(axis=1), x.shape[1]).sum()
    return (_kernel_sum(x, x) - with_itself) / (len(x) * (len(x) - 1))


def _kernel_sum(x, y):
    """The sum of k over all pairs of rows, some rows of x at a time."""
    step = rows_at_once(len(y))
    parts = (x[i : i + step] for i in range(0, len(x), step))
    return sum(_kernel(part @ y.T, x.shape[1]).sum() for part in parts)


def _kernel(products, D):
    base = products / D + 1
    return base * base * base


def real_against_real(metric, real, n, *, rng, draws=10):
    """What `metric` gives for n real samples beside n other real ones: (draws, …).

    For each of `draws` draws two sets without a sample in common are taken from real
    (N, D), N ≥ 2n. Their mean is what a perfect model would score: the floor of a
    distance, the ceiling of precision, recall, density and coverage. Their spread is
    what chance does, or somewhat less, since all draws share the N samples.

        floor = metrics.real_against_real(metrics.frechet_distance, real, 1000, rng=rng)
    """
    name = "real_against_real"
    (real,) = numbers(name, real=real)
    check_rng(name, rng)
    check_sizes(name, n=n, draws=draws)
    if 2 * n > len(real):
        raise ValueError(
            f"{name}: n is {n}, expected at most half of real's {len(real)} rows"
        )
    found = []
    for _ in range(draws):
        order = rng.permutation(len(real))
        found.append(metric(real[order[:n]], real[order[n : 2 * n]]))
    return np.array(found)
