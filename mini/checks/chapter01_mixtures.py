"""Exercises of chapter 1 on mixtures: their logarithm, and filling in."""

import numpy as np
from scipy.special import logit, logsumexp, softmax

from .frame import exercise

CHAPTER = "chapter01"

# ---- 1.4 the logarithm of a mixture --------------------------------------------------


def log_mixtures(rng):
    """log π (K,) and log p(x | k) (N, K): small, and as small as those of images."""
    yield np.log([0.25, 0.75]), np.log(rng.uniform(0.1, 0.9, size=(1, 2)))
    yield np.log(rng.dirichlet(np.ones(3))), np.log(rng.uniform(0.01, 1, size=(4, 3)))
    yield np.log(rng.dirichlet(np.ones(5))), rng.normal(-200, 30, size=(3, 5))
    yield np.log(rng.dirichlet(np.ones(3))), rng.normal(-900, 3, size=(2, 3))
    far = np.array([[-900.0], [-2500.0], [-130.0]])  # images of very different sizes
    yield np.log(rng.dirichlet(np.ones(4))), far + rng.normal(0, 3, size=(3, 4))


@exercise("log_mixture", chapter=CHAPTER, inputs=log_mixtures, tolerance=1e-8)
def log_mixture(log_weights, log_p):
    return logsumexp(log_weights + log_p, axis=1)


@log_mixture.variant
def _(log_weights, log_p):
    joint = log_weights + log_p
    top = joint.max(axis=1)
    return top + np.log(np.exp(joint - top[:, None]).sum(axis=1))


@log_mixture.variant
def _(log_weights, log_p):
    return np.logaddexp.reduce(log_weights + log_p, axis=1)


@log_mixture.variant
def _(log_weights, log_p):
    top = log_p.max(axis=1, keepdims=True)
    return top[:, 0] + np.log(np.exp(log_p - top) @ np.exp(log_weights))


@log_mixture.mistake(
    "probabilities that have become zero on the way",
    hint="What is np.exp(-2500)? Which number can you take out of the sum first, so "
    "that the largest term becomes exp(0)?",
)
def _(log_weights, log_p):
    return np.log(np.exp(log_weights + log_p).sum(axis=1))


@log_mixture.mistake(
    "the largest logarithm of the whole batch taken out of the sum",
    hint="Does every image get to keep at least one term that is not zero?",
)
def _(log_weights, log_p):
    joint = log_weights + log_p
    return joint.max() + np.log(np.exp(joint - joint.max()).sum(axis=1))


@log_mixture.mistake(
    "the mean of the logarithms instead of the logarithm of the mean",
    hint="A mixture averages probabilities. What does one component that finds the "
    "image impossible do to each of the two averages?",
)
def _(log_weights, log_p):
    return (np.exp(log_weights) * log_p).sum(axis=1)


@log_mixture.mistake(
    "the logarithms added up",
    hint="Which operation on probabilities is a sum of logarithms?",
)
def _(log_weights, log_p):
    return (log_weights + log_p).sum(axis=1)


@log_mixture.mistake(
    "weights left out",
    hint="If all components agree on an image, by how much is yours too large?",
)
def _(log_weights, log_p):
    return logsumexp(log_p, axis=1)


@log_mixture.mistake(
    "equal weights",
    hint="Where does log_weights enter?",
)
def _(log_weights, log_p):
    return logsumexp(log_p, axis=1) - np.log(log_p.shape[1])


@log_mixture.mistake(
    "logarithms of the weights taken for the weights",
    hint="Is log_weights added to log_p, or does it multiply p?",
)
def _(log_weights, log_p):
    return np.log((log_weights * np.exp(log_p)).sum(axis=1))


@log_mixture.mistake(
    "only the best component",
    hint="It comes close, but the others could have made the image too. Can the sum be "
    "as small as its largest term?",
)
def _(log_weights, log_p):
    return (log_weights + log_p).max(axis=1)


@log_mixture.mistake(
    "the largest logarithm not put back",
    hint="You took a factor out so that nothing underflows. Where has it gone?",
)
def _(log_weights, log_p):
    joint = log_weights + log_p
    return np.log(np.exp(joint - joint.max(axis=1, keepdims=True)).sum(axis=1))


@log_mixture.mistake(
    "a sum over the images",
    hint="log_p is (N, K): which axis counts the components?",
)
def _(log_weights, log_p):
    return logsumexp(log_weights + log_p, axis=0)


# ---- 1.5 filling in ------------------------------------------------------------------


def half_seen(rng):
    """Images of which `visible` pixels are known, and a mixture of Bernoullis."""
    for N, D, K in [(1, 2, 2), (2, 4, 3), (5, 9, 4)]:
        x = rng.integers(2, size=(N, D)).astype(float)
        visible = np.arange(D) < (D + 1) // 2
        weights = rng.dirichlet(np.ones(K))
        yield x, visible, weights, rng.uniform(0.05, 0.95, size=(K, D))
    x = rng.integers(2, size=(2, 2000)).astype(float)
    visible = np.arange(2000) < 1500
    yield x, visible, np.array([0.3, 0.7]), rng.uniform(0.05, 0.95, size=(2, 2000))


def _log_bernoulli(x, p):
    return x @ np.log(p).T + (1 - x) @ np.log1p(-p).T


def _share(log_joint, axis=1):
    return np.exp(log_joint - logsumexp(log_joint, axis=axis, keepdims=True))


@exercise("fill_in", chapter=CHAPTER, inputs=half_seen)
def fill_in(x, visible, weights, p):
    seen = _log_bernoulli(x[:, visible], p[:, visible])
    share = _share(np.log(weights) + seen)
    return np.where(visible, x, share @ p)


@fill_in.variant
def _(x, visible, weights, p):
    out = x.copy()
    for n in range(len(x)):
        a = np.where(x[n], p, 1 - p)[:, visible]
        a = np.log(a).sum(axis=1) + np.log(weights)
        a = np.exp(a - a.max())
        out[n, ~visible] = (a / a.sum()) @ p[:, ~visible]
    return out


@fill_in.variant
def _(x, visible, weights, p):
    seen, table = x[:, visible], p[:, visible]
    all_black = np.log(weights) + np.log1p(-table).sum(axis=1)
    out = softmax(all_black + seen @ logit(table).T, axis=1) @ p
    out[:, visible] = seen
    return out


@fill_in.variant
def _(x, visible, weights, p):
    a = np.einsum("nd,kd->nk", x * visible, np.log(p)) + np.log(weights)
    a = a + np.einsum("nd,kd->nk", (1 - x) * visible, np.log(1 - p))
    share = 1 / np.exp(a[:, None, :] - a[:, :, None]).sum(axis=2)
    return x * visible + share @ p * ~visible


@fill_in.mistake(
    "hidden pixels used as evidence",
    hint="Change a hidden pixel of x: should anything in the result change?",
)
def _(x, visible, weights, p):
    share = _share(np.log(weights) + _log_bernoulli(x, p))
    return np.where(visible, x, share @ p)


@fill_in.mistake(
    "hidden pixels read as zeros",
    hint="Not to know a pixel is not the same as to know that it is black. Which "
    "factors of the product may the posterior use?",
)
def _(x, visible, weights, p):
    share = _share(np.log(weights) + _log_bernoulli(x * visible, p))
    return np.where(visible, x, share @ p)


@fill_in.mistake(
    "the average image, whatever is visible",
    hint="weights are what you believe before you look. What do you believe after?",
)
def _(x, visible, weights, p):
    return np.where(visible, x, weights @ p)


@fill_in.mistake(
    "weights left out of Bayes' rule",
    hint="p(k | seen) is in proportion to p(seen | k) times …?",
)
def _(x, visible, weights, p):
    share = _share(_log_bernoulli(x[:, visible], p[:, visible]))
    return np.where(visible, x, share @ p)


@fill_in.mistake(
    "black pixels left out of the evidence",
    hint="A pixel that is 0 speaks too: what is its probability under component k?",
)
def _(x, visible, weights, p):
    share = _share(np.log(weights) + x[:, visible] @ np.log(p[:, visible]).T)
    return np.where(visible, x, share @ p)


@fill_in.mistake(
    "only the likeliest component",
    hint="The expectation is over everything that is not known, the component "
    "included. What are the others' shares?",
)
def _(x, visible, weights, p):
    seen = _log_bernoulli(x[:, visible], p[:, visible])
    return np.where(visible, x, p[(np.log(weights) + seen).argmax(axis=1)])


@fill_in.mistake(
    "shares that sum to one over the images instead of the components",
    hint="For each image: which numbers must sum to one?",
)
def _(x, visible, weights, p):
    seen = _log_bernoulli(x[:, visible], p[:, visible])
    return np.where(visible, x, _share(np.log(weights) + seen, axis=0) @ p)


@fill_in.mistake(
    "visible pixels replaced as well",
    hint="What is the expected value of a pixel that you can see?",
)
def _(x, visible, weights, p):
    return _share(np.log(weights) + _log_bernoulli(x[:, visible], p[:, visible])) @ p


@fill_in.mistake(
    "visible and hidden exchanged",
    hint="Where `visible` is True the pixel is known. Which pixels do you keep?",
)
def _(x, visible, weights, p):
    seen = _log_bernoulli(x[:, ~visible], p[:, ~visible])
    return np.where(visible, _share(np.log(weights) + seen) @ p, x)


@fill_in.mistake(
    "probabilities multiplied until they are zero",
    hint="With 1500 visible pixels the product underflows, and 0/0 is nan. How do you "
    "multiply many probabilities?",
)
def _(x, visible, weights, p):
    a = np.where(x[:, None], p, 1 - p)[:, :, visible].prod(axis=2) * weights
    return np.where(visible, x, a / a.sum(axis=1, keepdims=True) @ p)
