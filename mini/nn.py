"""The layers that networks are built of: those with weights (module.py has the rest).

Names, arguments and state_dict keys are torch's. Images are (N, C, H, W). Whatever
draws random numbers takes a keyword `rng`.
"""

import math

import numpy as np

from . import functional as F
from .init import (  # noqa: F401  all of init and module is part of nn
    check_rng,
    check_sizes,
    fans,
    kaiming_normal,
    kaiming_uniform,
    normal,
    orthogonal,
    uniform,
    xavier_normal,
    xavier_uniform,
)
from .module import (  # noqa: F401
    ELU,
    AvgPool2d,
    Flatten,
    LeakyReLU,
    MaxPool2d,
    Module,
    PixelShuffle,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
    Upsample,
)
from .spectral import SpectralNorm  # noqa: F401
from .tensor import Tensor, value_of

# ---- linear maps ---------------------------------------------------------------------


def _start(layer, shape, outputs, bias, rng):
    """Give a layer weight and bias, uniform within ±1/√fan_in (torch's default)."""
    name = type(layer).__name__
    bound = 1 / math.sqrt(fans(name, shape)[0])
    layer.weight = Tensor(uniform(name, shape, bound, rng), requires_grad=True)
    layer.bias = None
    if bias:
        layer.bias = Tensor(uniform(name, outputs, bound, rng), requires_grad=True)


class Linear(Module):
    """x (…, in_features) → x · weightᵀ + bias (…, out_features); weight (out, in)."""

    def __init__(self, in_features, out_features, bias=True, *, rng):
        check_sizes("Linear", in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        _start(self, (out_features, in_features), out_features, bias, rng)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


def mlp(*sizes, rng):
    """A multilayer perceptron: Linear layers of these sizes with ReLU between them."""
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [Linear(inputs, outputs, rng=rng), ReLU()]
    return Sequential(*layers[:-1])


class _Conv(Module):
    """What all convolutions share: their channels and the size of the kernel."""

    def _set(self, in_channels, out_channels, kernel_size, **sizes):
        name = type(self).__name__
        pair = kernel_size if isinstance(kernel_size, tuple) else (kernel_size,) * 2
        if len(pair) != 2:
            raise ValueError(
                f"{name}: kernel_size must be one or two numbers, got {kernel_size!r}"
            )
        for size in pair:
            check_sizes(name, kernel_size=size)
        check_sizes(name, in_channels=in_channels, out_channels=out_channels, **sizes)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = pair
        vars(self).update(sizes)


class Conv2d(_Conv):
    """F.conv2d with its own weight (O, C, KH, KW) and bias (O,).

    kernel_size and padding are a number or a pair (rows, columns); padding "same"
    keeps the image's size and needs stride 1 and odd kernels.
    """

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1,
        bias=True, *, rng,
    ):  # fmt: skip
        sizes = {"stride": stride, "dilation": dilation}
        self._set(in_channels, out_channels, kernel_size, **sizes)
        self.padding = self._same() if padding == "same" else padding
        shape = (out_channels, in_channels, *self.kernel_size)
        _start(self, shape, out_channels, bias, rng)

    def _same(self):
        if self.stride != 1 or any(size % 2 == 0 for size in self.kernel_size):
            raise ValueError(
                f"{type(self).__name__}: padding 'same' needs stride 1 and odd kernel"
                f" sizes, got stride {self.stride} and kernel_size {self.kernel_size}"
            )
        return tuple(self.dilation * (size // 2) for size in self.kernel_size)

    def forward(self, x, mask=None):
        return F.conv2d(
            x, self.weight, self.bias, stride=self.stride, padding=self.padding,
            dilation=self.dilation, mask=mask,
        )  # fmt: skip


class ConvTranspose2d(_Conv):
    """F.conv_transpose2d with its own weight (C, O, KH, KW) and bias (O,)."""

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0,
        output_padding=0, bias=True, *, rng,
    ):  # fmt: skip
        self._set(in_channels, out_channels, kernel_size, stride=stride)
        self.padding, self.output_padding = padding, output_padding
        shape = (in_channels, out_channels, *self.kernel_size)
        _start(self, shape, out_channels, bias, rng)

    def forward(self, x):
        return F.conv_transpose2d(
            x, self.weight, self.bias, stride=self.stride, padding=self.padding,
            output_padding=self.output_padding,
        )  # fmt: skip


class MaskedConv2d(Conv2d):
    """A convolution that sees only the past, in reading order, and keeps the size.

    Kind "A" leaves the centre out, kind "B" includes it. The kinds "vertical A" and
    "vertical B" see whole rows: those above the centre, or also the centre's own. With
    `colours` > 1 the channels are that many equal blocks (first all of red, …): at the
    centre a block sees the blocks before it (A), or also itself (B); elsewhere it sees
    all colours. The output may be several such sequences of blocks, one after the
    other: `halves=2` for a gate. van den Oord et al. 2016a, section 3.4; 2016b, 2.2.
    """

    def __init__(
        self, kind, in_channels, out_channels, kernel_size, *, dilation=1, colours=1,
        halves=1, bias=True, rng,
    ):  # fmt: skip
        self.kind, self.colours, self.halves = kind, colours, halves
        super().__init__(
            in_channels, out_channels, kernel_size, padding="same", dilation=dilation,
            bias=bias, rng=rng,
        )  # fmt: skip
        self.mask = past_mask(kind, self.weight.shape, colours, halves)

    def forward(self, x):
        return super().forward(x, self.mask)


def past_mask(kind, shape, colours=1, halves=1):
    """Which weights (O, C, KH, KW) see the past: boolean, (KH, KW) if colours is 1."""
    if kind not in ("A", "B", "vertical A", "vertical B"):
        raise ValueError(
            "MaskedConv2d: kind must be 'A', 'B', 'vertical A' or 'vertical B',"
            f" got {kind!r}"
        )
    check_sizes("MaskedConv2d", colours=colours, halves=halves)
    O, C, KH, KW = shape
    if O % (colours * halves) or C % colours:
        raise ValueError(
            f"MaskedConv2d: in_channels = {C} must be a multiple of colours ="
            f" {colours}, out_channels = {O} of colours × halves = {colours * halves}"
        )
    past = np.zeros((KH, KW), bool)
    past[: KH // 2] = True  # the rows above
    if kind.startswith("vertical"):
        past[KH // 2] = kind == "vertical B"
    else:
        past[KH // 2, : KW // 2] = True
        past[KH // 2, KW // 2] = kind == "B" and colours == 1
    if colours == 1 or kind.startswith("vertical"):
        if not past.any():
            raise ValueError(
                f"MaskedConv2d: kind {kind!r} with a {KH}×{KW} kernel sees nothing"
            )
        return past
    mask = np.broadcast_to(past, shape).copy()
    block = O // halves
    source = np.arange(C) * colours // C
    target = np.arange(O)[:, None] % block * colours // block
    mask[:, :, KH // 2, KW // 2] = source < target if kind == "A" else source <= target
    return mask


class Embedding(Module):
    """A learnt vector for each of num_embeddings things: integers (…) → (…, dim)."""

    def __init__(self, num_embeddings, embedding_dim, *, rng):
        shape = (num_embeddings, embedding_dim)
        check_sizes("Embedding", num_embeddings=shape[0], embedding_dim=shape[1])
        self.num_embeddings, self.embedding_dim = shape
        self.weight = Tensor(normal("Embedding", shape, 1, rng), requires_grad=True)

    def forward(self, x):
        x, K = np.asarray(value_of(x)), self.num_embeddings
        if x.dtype.kind not in "iu":
            raise TypeError(f"Embedding: x must be integers, got {x.dtype}")
        if x.size and not 0 <= x.min() <= x.max() < K:
            raise ValueError(
                f"Embedding: x must lie in 0 … {K - 1}, got {x.min()} … {x.max()}"
            )
        return self.weight[x]


# ---- normalisation and noise ---------------------------------------------------------


class _BatchNorm(Module):
    """Standardise each channel over the batch, then scale by weight and shift by bias.

    In training it also moves running_mean and running_var by `momentum` towards the
    batch's (whose variance is taken with n − 1, as torch does). In evaluation it uses
    those in place of the batch's. Ioffe and Szegedy 2015.
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        name, C = type(self).__name__, num_features
        check_sizes(name, num_features=C)
        if not 0 <= momentum <= 1:
            raise ValueError(f"{name}: momentum must be in [0, 1], got {momentum!r}")
        self.num_features, self.eps, self.momentum = C, eps, momentum
        self.weight = Tensor(np.ones(C, np.float32), requires_grad=True)
        self.bias = Tensor(np.zeros(C, np.float32), requires_grad=True)
        self.running_mean = Tensor(np.zeros(C, np.float32))
        self.running_var = Tensor(np.ones(C, np.float32))
        self.num_batches_tracked = Tensor(np.zeros((), np.int64))

    def forward(self, x):
        C = self.num_features
        if x.ndim not in self.ndims or x.shape[1] != C:
            raise ValueError(
                f"{type(self).__name__}: x must be {self.layout} with C = {C},"
                f" got shape {x.shape}"
            )
        if self.training:
            y, mean, var = F.batch_norm(x, self.weight, self.bias, self.eps)
            self._track(x, mean, var)
            return y
        # one number per channel first: the images are gone through as seldom as can be
        shape = (1, C) + (1,) * (x.ndim - 2)
        scale = self.weight / F.sqrt(self.running_var + self.eps)
        shift = self.bias - self.running_mean * scale
        return x * scale.reshape(shape) + shift.reshape(shape)

    def _track(self, x, mean, var):
        count, m = x.size // self.num_features, self.momentum
        if count < 2:
            raise ValueError(
                f"{type(self).__name__}: training needs more than one value per"
                f" channel, got shape {x.shape}"
            )
        for running, new in (
            (self.running_mean, mean),
            (self.running_var, var * (count / (count - 1))),
        ):
            running.data[...] = (1 - m) * running.data + m * new
        self.num_batches_tracked.data += 1


class BatchNorm1d(_BatchNorm):
    __doc__ = _BatchNorm.__doc__
    ndims, layout = (2, 3), "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    __doc__ = _BatchNorm.__doc__
    ndims, layout = (4,), "images (N, C, H, W)"


class LayerNorm(Module):
    """Standardise over the last axes (their sizes are normalized_shape), scale, shift.

    Ba et al. 2016, equation 4.
    """

    def __init__(self, normalized_shape, eps=1e-5):
        given = normalized_shape
        shape = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        for size in shape:
            check_sizes("LayerNorm", normalized_shape=size)
        self.normalized_shape, self.eps = shape, eps
        self.weight = Tensor(np.ones(shape, np.float32), requires_grad=True)
        self.bias = Tensor(np.zeros(shape, np.float32), requires_grad=True)

    def forward(self, x):
        shape = self.normalized_shape
        if x.shape[-len(shape) :] != shape:
            raise ValueError(f"LayerNorm: x must end in axes {shape}, got {x.shape}")
        centred, var = F.moments(x, tuple(range(-len(shape), 0)))
        return centred * (1 / F.sqrt(var + self.eps)) * self.weight + self.bias


class Dropout(Module):
    """In training, zero numbers with probability p and scale the rest by 1/(1 − p)."""

    def __init__(self, p=0.5, *, rng):
        if not 0 <= p < 1:
            raise ValueError(f"Dropout: p must be 0 ≤ p < 1, got {p!r}")
        self.p, self.rng = p, check_rng("Dropout", rng)

    def forward(self, x):
        return F.dropout(x, self.p, rng=self.rng, training=self.training)
