"""What a code knows of the factors behind images.

Compared are codes (N, L), L numbers that an encoder gives for each of N images, with
factors (N, F), the F numbers that the images were drawn from.
"""

import numpy as np
from scipy import linalg
from scipy.special import entr, rel_entr

from .features import numbers


def entropy(factors, bins=20):
    """H(v) in nats of each factor, cut into bins as below: (N, F) → (F,)."""
    (factors,) = _tables("entropy", bins, factors=factors)
    return np.array([entr(np.bincount(v) / len(v)).sum() for v in _cut(factors, bins)])


def mutual_information(codes, factors, bins=20):
    """I(z; v) in nats of each latent and each factor: (N, L), (N, F) → (L, F).

    Counted in a histogram, the plain estimate Σ p(z, v) log(p(z, v) / p(z) p(v)). What
    has up to `bins` distinct values is taken as discrete. All else is cut into `bins`
    equally populated bins: stretching or bending a latent's scale changes nothing, as
    it changes nothing in I(z; v), and a few far values do not leave most bins empty, as
    they do with bins of equal width. Equal values share a bin. (For the same reason a
    latent that hardly moves counts as much as one that does. Where it matters, take
    draws of q(z | x) as codes, in which its noise hides it, and not their means.)

    Of independent variables the estimate is not 0 but on average about
    (bins of z − 1)(bins of v − 1) / 2N: with 20 and 20 bins 0.018 nats for 10,000
    images, 0.18 for 1,000. That is left in; in differences it cancels.
    """
    codes, factors = _tables("mutual_information", bins, codes=codes, factors=factors)
    factors = list(_cut(factors, bins))
    return np.array([[_shared(z, v) for v in factors] for z in _cut(codes, bins)])


def mutual_information_gap(codes, factors, bins=20):
    """How much better the best latent knows a factor than the second best: (F,), mean.

    The gap [I(z_best; v) − I(z_second; v)] / H(v) of each factor, from 0 to 1, and the
    mean of the gaps, which is the MIG (Chen et al. 2018, equation 6). It is 1 if each
    factor has a latent of its own, and no other latent knows of it.
    """
    name = "mutual_information_gap"
    codes, factors = _tables(name, bins, codes=codes, factors=factors)
    if codes.shape[1] < 2:
        raise ValueError(f"{name}: codes has 1 column, expected 2 latents or more")
    whole = entropy(factors, bins)
    if not whole.all():
        _constant(name, np.argmin(whole), "values")
    second, best = np.sort(mutual_information(codes, factors, bins), axis=0)[-2:]
    gaps = (best - second) / whole
    return gaps, float(gaps.mean())


def informativeness(codes, factors, *, ridge=1e-3):
    """R² of each factor when all latents together predict it: (N, L), (N, F) → (F,).

    In the spirit of Eastwood and Williams 2018, whose informativeness is an error of
    prediction. The prediction here is linear in the latents and their squares, by ridge
    regression (a penalty of `ridge` per image on coefficients of standardised columns).
    It is fitted to three rows of four, and measured on every fourth:
    R² = 1 − mean squared error / variance. That is 1 if nothing is missed, about 0 if
    nothing is known, and may fall below 0 by what was learnt from noise.

    For a factor of zeros and ones this is a share of variance too, not the share of
    right answers: a normal latent whose sign is the answer reaches 2/π = 0.64.
    """
    name = "informativeness"
    codes, factors = _tables(name, codes=codes, factors=factors)
    if len(codes) < 8:
        raise ValueError(f"{name}: codes has {len(codes)} rows, expected 8 or more")
    if not ridge > 0:
        raise ValueError(f"{name}: ridge is {ridge!r}, expected a number above 0")
    held_out = np.arange(len(codes)) % 4 == 3
    z = _standardised(codes, ~held_out)
    x = np.hstack([z, _standardised(z * z, ~held_out)])
    mean = factors[~held_out].mean(axis=0)
    seen, y = x[~held_out], factors[~held_out] - mean
    square = seen.T @ seen + ridge * len(seen) * np.eye(x.shape[1])
    weights = linalg.solve(square, seen.T @ y, assume_a="pos")
    y = factors[held_out]
    if not np.ptp(y, axis=0).all():
        _constant(name, np.argmin(np.ptp(y, axis=0)), "values among every fourth row")
    error = ((y - mean - x[held_out] @ weights) ** 2).mean(axis=0)
    return 1 - error / y.var(axis=0)


def _standardised(x, rows):
    """Columns of mean 0 and variance 1 in `rows`; constant ones become 0."""
    spread = x[rows].std(axis=0)
    return (x - x[rows].mean(axis=0)) / np.where(spread > 0, spread, 1)


def _cut(table, bins):
    """The number of its bin for each value, column by column."""
    for column in table.T:
        values, index = np.unique(column, return_inverse=True)
        if len(values) > bins:
            edges = np.quantile(column, np.arange(1, bins) / bins)
            index = np.searchsorted(edges, column, side="right")
        yield index


def _shared(z, v):
    """Mutual information of two columns of numbers of bins."""
    Z, V = z.max() + 1, v.max() + 1
    joint = np.bincount(z * V + v, minlength=Z * V).reshape(Z, V) / len(z)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    return max(0.0, rel_entr(joint, apart).sum())


def _tables(function, bins=2, **tables):
    """The tables as float64, if they hold numbers and are equally long."""
    if not isinstance(bins, (int, np.integer)) or bins < 2:
        raise ValueError(f"{function}: bins is {bins!r}, expected a count ≥ 2")
    arrays = numbers(function, **tables)
    lengths = {name: len(x) for name, x in zip(tables, arrays)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{function}: rows are {lengths}, expected equally many")
    return arrays


def _constant(function, column, what):
    raise ValueError(
        f"{function}: factors has the same value all over in column {column}, expected"
        f" two or more {what}"
    )
