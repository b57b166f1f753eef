"""What all autoregressive models share: exact likelihoods, samples, completions.

    p(x) = Π_k p(x_k | x_1, …, x_{k − 1})

A model gives the parameters of every factor at once; here they become probabilities.
"""

import math

import numpy as np

from .distributions import Bernoulli, Categorical, LogisticMixture
from .images import ImageModel
from .init import check_sizes
from .sampling import Rerun, draw
from .streams import Stream, Whole
from .tensor import Tensor, no_grad, value_of


class Autoregressive(ImageModel):
    """Base of the models of images of `shape` (C, H, W) with values 0 … levels − 1.

    Each value's distribution is Bernoulli if there are two levels; a mixture of
    `components` logistics, if that is given; else categorical. Subclasses define
    `forward(x, label)`: the distributions' parameters, (N, P, C, H, W). Values are
    drawn in reading order, colours innermost, unless `order` says otherwise: a
    permutation of 0 … D − 1, positions in the flattened image, D = C·H·W.
    """

    classes = None  # how many labels the model knows

    def __init__(self, shape, levels=2, components=None, order=None):
        name = type(self).__name__
        super().__init__(shape, levels)
        if components is not None:
            check_sizes(name, components=components)
        C, H, W = self.shape
        self.components = components
        self.order = np.arange(C * H * W).reshape(C, H * W).T.reshape(-1)
        if order is not None:
            given, reading = np.array(order), np.sort(self.order)
            whole = given.dtype.kind in "iu" and given.shape == reading.shape
            if not whole or (np.sort(given) != reading).any():
                raise ValueError(
                    f"{name}: order must be a permutation of 0 … {reading[-1]},"
                    f" got {order!r}"
                )
            self.order = given

    @property
    def params_per_value(self):
        """P, how many numbers describe the distribution of one value."""
        if self.components is not None:
            return 3 * self.components
        return 1 if self.levels == 2 else self.levels

    def distribution(self, params, temperature=1.0):
        """The values' distributions: params (N, P, …) → one of shape (N, …).

        A temperature divides logits, and multiplies the scales of logistics.
        """
        params = params if isinstance(params, Tensor) else Tensor(params)
        if self.components is not None:
            return LogisticMixture(self._cooled(params, temperature), self.levels, 1)
        params = params if temperature == 1 else params / temperature
        return Bernoulli(params[:, 0]) if self.levels == 2 else Categorical(params, 1)

    def _cooled(self, params, temperature):
        if temperature == 1:
            return params
        M, shape = self.components, (1, -1) + (1,) * (params.ndim - 2)
        times = np.r_[np.full(M, 1 / temperature), np.ones(2 * M)].reshape(shape)
        plus = np.r_[np.zeros(2 * M), np.full(M, math.log(temperature))].reshape(shape)
        return params * times.astype(params.dtype) + plus.astype(params.dtype)

    def inputs(self, x, label):
        """x as a Tensor scaled to 0 … 1, and the labels (N,) or None, both checked.

        A Tensor x is taken as scaled already, and gradients reach it.
        """
        x = x if isinstance(x, Tensor) else Tensor(self.scaled(self.check(x)))
        self.check_shape(x)
        return x, self.check_label(label, len(x))

    def log_prob(self, x, label=None):
        """log p(x), or log p(x | label), in nats: x (N, C, H, W) → (N,)."""
        x = self.check(x)
        values = x if self.levels == 2 else x.astype(np.int64)
        log_prob = self.distribution(self(x, label)).log_prob(values)
        return log_prob.sum((1, 2, 3))

    def sample(self, n, *, rng, label=None, temperature=1.0, bar=False, slow=False):
        """n images, uint8 (n, C, H, W); label: one number for all, or one for each.

        `bar` shows progress; `slow` reruns the whole network for every value, which
        draws the same images from the same rng (sums are rounded otherwise, so that
        once in many images a value that was all but undecided may differ).
        """
        check_sizes("sample", n=n)
        blank = np.zeros((n, *self.shape), np.uint8)
        return self.complete(
            blank, False, rng=rng, label=label, temperature=temperature, bar=bar,
            slow=slow,
        )  # fmt: skip

    def complete(
        self, images, known, *, rng, label=None, temperature=1.0, bar=False, slow=False
    ):
        """Draw what is not `known` of images (N, C, H, W), given what is: uint8.

        known is boolean and broadcasts to the images. In the order in which the model
        draws, all known values must come first, else ValueError.
        """
        x, known = self.check(images).astype(np.uint8), np.asarray(known)
        if known.dtype != bool or not _fits(known.shape, x.shape):
            raise ValueError(
                f"complete: known must be boolean and broadcast to {x.shape}, got"
                f" {known.dtype} of shape {known.shape}"
            )
        label = self.check_label(label, len(x))
        with no_grad():
            new = Rerun(self, len(x), label) if slow else self.stream(len(x), label)
        known = np.broadcast_to(known, x.shape)
        return draw(self, x, known, new, rng=rng, temperature=temperature, bar=bar)

    def check_label(self, label, n):
        """Labels (n,), whole numbers 0 … classes − 1; None if the model has none."""
        name = type(self).__name__
        if (label is None) != (self.classes is None):
            expected = "no labels" if self.classes is None else "one for every image"
            raise ValueError(f"{name}: label is {label!r}, expected {expected}")
        if label is None:
            return None
        label = np.asarray(value_of(label))
        whole = label.dtype.kind in "iu" and np.isin(label, range(self.classes)).all()
        if not whole or not _fits(label.shape, (n,)):
            raise ValueError(
                f"{name}: label must be whole numbers 0 … {self.classes - 1}, one for"
                f" all images or for each of {n}, got {label!r}"
            )
        return np.broadcast_to(label, (n,))


def _fits(shape, target):
    """Whether an array of the shape can be broadcast to the target."""
    pairs = zip(shape[::-1], target[::-1], strict=False)
    return len(shape) <= len(target) and all(n in (1, N) for n, N in pairs)


class Convolutional(Autoregressive):
    """An autoregressive model that is one network of masked convolutions.

    Subclasses define `network(f, x, label)` in the verbs of streams.py; its output has
    for each colour in turn P channels.
    """

    def forward(self, x, label=None):
        """Parameters (N, P, C, H, W) of images x (N, C, H, W); see `inputs`."""
        x, label = self.inputs(x, label)
        C, P = self.shape[0], self.params_per_value
        y = self.network(Whole, x, label).reshape(len(x), C, P, *self.shape[1:])
        return y.transpose((0, 2, 1, 3, 4))

    def stream(self, n, label=None):
        """The same network, one pixel at a time, for n images."""
        stream = Stream(n, self.shape, self.levels)
        return stream.finish(self.network(stream, stream.image, label))
