"""Models of images that need no network: independent pixels, classes, mixtures, PCA.

The first three are one formula, a mixture of components with independent pixels,

    p(x) = Σ_k π_k Π_d p_kd(x_d),

and differ only in who says which component an image came from: there is but one, its
label says so, or the model itself guesses and improves its guess (EM). Pixels take the
values 0 … V − 1: V = 2 for binary images, V = 256 for bytes. The fourth is a Gaussian.
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.special import logsumexp


class PixelMixture:
    """Mixture of K components with independent pixels, fitted by EM.

    `weights` (K,), and `table` (K, D, V): the probability of each value of each pixel.
    Every component begins its counts with `pseudocount` images of equally frequent
    values, so that nothing is impossible only because it was never seen.
    """

    shape = None  # until fitted

    def __init__(self, components=1, *, values=2, pseudocount=1.0):
        self.components, self.values = components, values
        self.pseudocount = pseudocount
        for name, low in [("components", 1), ("values", 2), ("pseudocount", 1e-30)]:
            value = getattr(self, name)
            _require(value >= low, f"{name} is {value!r}, expected at least {low}")

    def fit(self, x, *, rng, steps=20):
        """Expectation–maximisation on x (N, C, H, W); steps: a count, or an iterable.

        Returns the mean log-likelihood in nats of the model before each step. It never
        falls, but for what the pseudocount costs (Dempster et al. 1977, theorem 1).
        """
        one_hot, N, K = self._start(x), len(x), self.components
        _require(N >= K, f"fit: x has {N} images, expected at least {K}")
        share = np.full((N, K), 1 / N)  # each begins with a little of every image,
        share[rng.choice(N, K, replace=False), np.arange(K)] += 1  # and one of its own
        self._maximise(one_hot, share)
        history = []
        for _ in range(steps) if isinstance(steps, int) else steps:
            share = self._log_joint(one_hot)
            top = share.max(axis=1, keepdims=True)
            share -= top  # in place, for share is large
            np.exp(share, out=share)
            total = share.sum(axis=1, keepdims=True)
            history.append(float((top + np.log(total)).mean()))
            share /= total
            share[share < 1e-20] = 0  # such tiny floats would slow the products down
            self._maximise(one_hot, share)
        return history

    def _start(self, x):
        self.shape = _images("fit", x).shape[1:]
        return self._one_hot("fit", x)

    def _maximise(self, one_hot, share):
        """The likeliest parameters if `share` (N, K) of each image is a component's."""
        total = share.sum(axis=0)
        parts = (
            (_floats(one_hot[i]).T, _floats(share[i])) for i in _slices(len(share))
        )
        seen = sum(x @ r for x, r in parts).T.astype(float)
        seen = seen.reshape(self.components, -1, self.values - 1)
        zeros = total[:, None, None] - seen.sum(axis=2, keepdims=True)
        counts = np.concatenate([np.maximum(zeros, 0), seen], axis=2)
        counts += self.pseudocount / self.values
        self.table = counts / counts.sum(axis=2, keepdims=True)
        self.weights = (total + self.pseudocount) / (total + self.pseudocount).sum()
        # probabilities sum to one, so that one of each distribution is not free
        self.parameter_count = len(total) - 1 + self.table[:, :, 1:].size

    def _one_hot(self, function, x):
        """Ones and zeros (N, D·(V − 1)) that say which value ≥ 1 each pixel has."""
        x, top = _images(function, x, self.shape), self.values - 1
        whole = x.dtype.kind in "ubi" or (x == np.floor(x)).all()
        inside, got = 0 <= x.min() and x.max() <= top, f"{x.min()} … {x.max()}"
        message = f"x has values {got}, expected whole numbers 0 … {top}"
        _require(whole and inside, f"{function}: {message} (see data.binarize)")
        flat = x.reshape(len(x), -1)
        if top == 1:
            return flat
        rows, pixels = np.nonzero(flat)  # most pixels are 0: list the others
        columns = (pixels * top + flat[rows, pixels] - 1).astype(np.int32)
        start = np.searchsorted(rows, np.arange(len(x) + 1))
        ones = np.ones(len(rows), np.uint8)
        return csr_array((ones, columns, start), (len(x), flat.shape[1] * top))

    def _log_joint(self, one_hot):
        table = np.log(self.table)
        blank = np.log(self.weights) + table[:, :, 0].sum(axis=1)
        # an image of zeros, then what every other value changes: a matrix product
        change = (table[:, :, 1:] - table[:, :, :1]).reshape(self.components, -1)
        change = np.ascontiguousarray(change.T, np.float32)
        parts = (_floats(one_hot[i]) @ change for i in _slices(one_hot.shape[0]))
        return blank + np.concatenate(list(parts))

    def log_joint(self, x):
        """log p(k, x) = log π_k + log p(x | k) in nats: x (N, C, H, W) → (N, K)."""
        return self._log_joint(self._one_hot("log_joint", x))

    def log_prob(self, x):
        """log p(x) = log Σ_k p(k, x) in nats: x (N, C, H, W) → (N,)."""
        return logsumexp(self._log_joint(self._one_hot("log_prob", x)), axis=1)

    def posterior(self, x):
        """p(k | x), by Bayes' rule: x (N, C, H, W) → (N, K), rows sum to one."""
        joint = self._log_joint(self._one_hot("posterior", x))
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))

    def sample(self, n, *, rng, component=None):
        """n images (n, C, H, W), uint8, of one component or of all by weight."""
        k = rng.choice(self.components, size=n, p=self.weights)
        k = k if component is None else np.full(n, component)
        x = np.empty((n, *self.shape), np.uint8)
        for i in range(n):  # how many of the cumulative probabilities does u exceed?
            cumulative = self.table[k[i]].cumsum(axis=1)[:, :-1]
            below = rng.random((len(cumulative), 1)) >= cumulative
            x[i] = below.sum(axis=1).reshape(self.shape)
        return x

    @property
    def means(self):
        """The expected image of each component, (K, C, H, W), in 0 … V − 1."""
        return (self.table @ np.arange(self.values)).reshape(-1, *self.shape)


class IndependentPixels(PixelMixture):
    """One component: every pixel is drawn alone, with its own frequencies."""

    def fit(self, x):
        """Count how often each pixel of x (N, C, H, W) has each value."""
        self._maximise(self._start(x), np.ones((len(x), 1)))


class ClassConditional(PixelMixture):
    """One component per class: independent pixels once the class is known."""

    def fit(self, x, labels):
        """Count within each class: x (N, C, H, W), labels (N,) in 0 … K − 1."""
        labels, K = np.asarray(labels), self.components
        _require(
            labels.shape == (len(x),) and np.isin(labels, range(K)).all(),
            f"fit: labels are {labels!r}, expected {len(x)} whole numbers 0 … {K - 1}",
        )
        self._maximise(self._start(x), np.eye(K)[labels.astype(int)])


class PCAGaussian:
    """Gaussian with K directions of large variance, and one variance for all the rest.

    x = mean + W z + σ ε with z ~ N(0, I_K) and ε ~ N(0, I_D), fitted exactly
    (Tipping & Bishop 1999, equations 7 and 8). Pixels on any scale.
    """

    shape = None  # until fitted

    def __init__(self, components):
        _require(components >= 1, f"components is {components!r}, expected at least 1")
        self.components = components

    def fit(self, x):
        """Mean, `variances` and `directions` of x (N, C, H, W), the largest first."""
        self.shape, flat = _images("fit", x).shape[1:], x.reshape(len(x), -1)
        (N, D), K = flat.shape, self.components
        _require(K < D, f"fit: {K} components, expected fewer than the {D} pixels")
        self.mean, covariance = flat.mean(axis=0, dtype=float), np.zeros((D, D))
        for part in np.array_split(flat, 1 + N // 5000):  # to save memory
            centred = part - self.mean
            covariance += centred.T @ centred / N
        values, vectors = np.linalg.eigh(covariance)  # in increasing order
        self.variances, self.noise = values[::-1][:K], values[: D - K].mean()
        varies = self.noise > 1e-12 * values[-1]
        _require(varies, f"fit: beyond {K} directions x does not vary; use fewer")
        u = vectors.T[::-1][:K]  # each up to a sign: let its largest pixel be positive
        largest = np.take_along_axis(u, np.abs(u).argmax(axis=1)[:, None], axis=1)
        self.directions = u * np.sign(largest)
        # mean, variances, noise; K orthogonal unit vectors have D − 1, D − 2, … free
        self.parameter_count = D + K + 1 + D * K - K * (K + 1) // 2

    def log_prob(self, x):
        """Log-density in nats: x (N, C, H, W) → (N,)."""
        centred = self._centred("log_prob", x)
        z = centred @ self.directions.T / np.sqrt(self.variances)
        rest = np.vecdot(centred, centred) - z**2 @ self.variances
        D, K = len(self.mean), self.components
        log_det = np.log(self.variances).sum() + (D - K) * np.log(self.noise)
        distance = (z**2).sum(axis=1) + rest / self.noise
        return -0.5 * (distance + log_det + D * np.log(2 * np.pi))

    def encode(self, x):
        """Coordinates along the directions, of variance 1: (N, C, H, W) → (N, K)."""
        centred = self._centred("encode", x)
        return centred @ self.directions.T / np.sqrt(self.variances)

    def decode(self, z):
        """The image with coordinates z (N, K), without noise: (N, C, H, W)."""
        flat = self.mean + z * np.sqrt(self.variances) @ self.directions
        return flat.reshape(-1, *self.shape)

    def sample(self, n, *, rng):
        """n images (n, C, H, W), float64; nothing holds them to the data's range."""
        W = np.sqrt(self.variances - self.noise)[:, None] * self.directions
        z = rng.standard_normal((n, self.components))
        flat = self.mean + z @ W
        flat += np.sqrt(self.noise) * rng.standard_normal(flat.shape)
        return flat.reshape(n, *self.shape)

    def _centred(self, function, x):
        return _images(function, x, self.shape).reshape(len(x), -1) - self.mean


def _slices(N):
    """Ranges that cover N images: products in float32 are made in parts, for memory."""
    return [slice(i, i + 5000) for i in range(0, N, 5000)]


def _floats(x):
    return x.astype(np.float32, copy=False)


def _require(ok, message):
    if not ok:
        raise ValueError(message)


def _images(function, x, fitted="any"):
    """x, if it is an array (N, C, H, W) of images like the `fitted` (C, H, W)."""
    got = getattr(x, "shape", type(x).__name__)
    _require(fitted, f"{function}: the model is empty, expected a call of fit first")
    ok = isinstance(x, np.ndarray) and x.ndim == 4 and x.size
    _require(ok, f"{function}: x is {got}, expected a numpy array (N, C, H, W)")
    ok = fitted in ("any", x.shape[1:])
    _require(ok, f"{function}: x is {got}, expected images {fitted} as in fit")
    return x
