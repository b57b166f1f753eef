"""F: the functions that networks are made of, each differentiable to any order.

Names and argument order are torch's. Images are (N, C, H, W).
"""

import numpy as np

from . import kernels
from .convolution import (  # noqa: F401  convolutions are part of F
    check_images,
    check_whole,
    conv2d,
    conv_taps,
    conv_taps_input,
    conv_taps_weight,
    conv_transpose2d,
    grid_of_taps,
)
from .normalisation import batch_norm, moments  # noqa: F401
from .operations import (  # noqa: F401  and so are the primitives
    broadcast_to,
    clip,
    concatenate,
    exp,
    gather,
    log,
    pad,
    reduce_max,
    reshape,
    sqrt,
    stack,
    tanh,
    transpose,
    where,
)
from .tensor import Tensor, as_tensor, is_recording, record, silent, value_of

# ---- activations ---------------------------------------------------------------------


@silent
def relu(x):
    """max(x, 0)."""
    return leaky_relu(x, 0.0)


@silent
def leaky_relu(x, negative_slope=0.01):
    """x where positive, else negative_slope · x."""
    x = as_tensor(x)
    value = kernels.relu(x.data, negative_slope)
    return record(value, (x, lambda g, out: _leak(g, x.data, negative_slope)))


def _leak(g, x, slope):
    """g where x > 0, else slope · g: leaky_relu's rule, and its own."""
    value = kernels.relu_back(g.data, x, slope)
    return record(value, (g, lambda h, out: _leak(h, x, slope)))


@silent
def elu(x, alpha=1.0):
    """x where positive, else alpha · (exp(x) − 1)."""
    x = as_tensor(x)
    return where(x.data > 0, x, alpha * (exp(clip(x, None, 0)) - 1))


@silent
def sigmoid(x):
    """1 / (1 + exp(−x))."""
    x = as_tensor(x)
    value = 1 / (1 + np.exp(-x.data))
    return record(value, (x, lambda g, out: g * (out * (1 - out))))


@silent
def softplus(x):
    """log(1 + exp(x)), without overflow."""
    x = as_tensor(x)
    value = np.maximum(x.data, 0) + np.log1p(np.exp(-np.abs(x.data)))
    return record(value, (x, lambda g, out: g * sigmoid(x)))


def sin(x):
    """The sine, x in radians."""
    x = as_tensor(x)
    return record(np.sin(x.data), (x, lambda g, out: g * cos(x)))


def cos(x):
    """The cosine, x in radians."""
    x = as_tensor(x)
    return record(np.cos(x.data), (x, lambda g, out: -g * sin(x)))


def gate(x):
    """tanh(a) · sigmoid(b) for the two halves a, b of the channels.

    (N, 2C, H, W) → (N, C, H, W);     van den Oord et al. 2016b, equation 2.
    """
    x = as_tensor(x)
    if x.ndim < 2 or x.shape[1] % 2:
        raise ValueError(f"gate: axis 1 of x must be even in length, got {x.shape}")
    if x.dtype != np.float32:
        return _gate(x)[0]

    def rule(g, out):
        if not is_recording():
            return Tensor(kernels.gate_back(x.data, g.data))
        _, t, s = _gate(x)
        return concatenate([g * s * (1 - t * t), g * t * s * (1 - s)], axis=1)

    return record(kernels.gate(x.data), (x, rule))


def _gate(x):
    """The same, composed: the value and its two factors."""
    half = x.shape[1] // 2
    t, s = tanh(x[:, :half]), sigmoid(x[:, half:])
    return t * s, t, s


@silent
def softmax(x, axis=-1):
    """exp(x) / Σ exp(x) along an axis."""
    x = as_tensor(x)
    return record(
        np.exp(_log_softmax(x.data, axis)),
        (x, lambda g, out: out * (g - (g * out).sum(axis, keepdims=True))),
    )


@silent
def log_softmax(x, axis=-1):
    """log softmax(x), without overflow."""
    x = as_tensor(x)
    return record(
        _log_softmax(x.data, axis),
        (x, lambda g, out: g - exp(out) * g.sum(axis, keepdims=True)),
    )


def _log_softmax(x, axis):
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


@silent
def logsumexp(x, axis=-1, keepdims=False):
    """log Σ exp(x) along an axis, without overflow."""
    x = as_tensor(x)
    top = x.data.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    out = log(exp(x - top).sum(axis, keepdims=True)) + top
    return out if keepdims else reshape(out, np.squeeze(out.data, axis).shape)


# ---- layers' functions ---------------------------------------------------------------


def linear(x, w, b=None):
    """x (…, I) times w (O, I) transposed, plus b (O,): → (…, O)."""
    x, w, b = as_tensor(x), as_tensor(w), None if b is None else as_tensor(b)
    if w.ndim != 2 or x.ndim < 1:
        raise ValueError(f"linear: w must be (O, I), got shape {w.shape}, x {x.shape}")
    if x.shape[-1] != w.shape[1]:
        raise ValueError(
            f"linear: x has {x.shape[-1]} features, w expects {w.shape[1]}"
        )
    if b is not None and b.shape != (len(w),):
        raise ValueError(f"linear: b must have shape ({len(w)},), got {b.shape}")
    if not x.dtype == w.dtype == (w if b is None else b).dtype:
        raise TypeError(
            f"linear: x is {x.dtype}, w {w.dtype}, b {None if b is None else b.dtype}"
        )
    if x.ndim != 2:
        y = linear(reshape(x, (-1, x.shape[-1])), w, b)
        return reshape(y, (*x.shape[:-1], len(w)))
    value = kernels.matmul(x.data, w.data.T)
    return record(
        value if b is None else np.add(value, b.data, out=value),
        (x, lambda g, out: g @ w),
        (w, lambda g, out: g.T @ x),
        (b, lambda g, out: g.sum(0)),
    )


def dropout(x, p=0.5, *, rng, training=True):
    """Set each number to zero with probability p and scale the others by 1/(1 − p)."""
    if not 0 <= p < 1:
        raise ValueError(f"dropout: p must be 0 ≤ p < 1, got {p}")
    if not training or p == 0:
        return x
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"dropout: rng must be a numpy random Generator, got {rng!r}")
    keep = rng.random(x.shape, dtype=np.float32) >= p
    return x * (keep / (1 - p)).astype(x.dtype)


def max_pool2d(x, kernel_size, stride=None, padding=0):
    """The largest of each window: (N, C, H, W) → (N, C, Ho, Wo)."""
    x, stride, size = _windows("max_pool2d", x, kernel_size, stride, padding)
    chosen = kernels.argmax_windows(x.data, kernel_size, stride, padding, size)
    return _pick(x, chosen)


def _pick(x, chosen):
    """x's values at `chosen`, positions in the flattened image: (N, C, Ho, Wo)."""
    return record(
        kernels.pick(x.data, chosen), (x, lambda g, out: _place(g, chosen, x.shape))
    )


def _place(y, chosen, shape):
    """The adjoint of _pick: zeros of `shape` with y added at the chosen positions."""
    return record(
        kernels.place(y.data, chosen, shape), (y, lambda g, out: _pick(g, chosen))
    )


def avg_pool2d(x, kernel_size, stride=None, padding=0):
    """The mean of each window: border zeros count, as in torch."""
    x, stride, size = _windows("avg_pool2d", x, kernel_size, stride, padding)
    N, C, H, W = x.shape
    taps = grid_of_taps(kernel_size, kernel_size, 1, (padding, padding))
    w = Tensor(np.full((1, 1, len(taps)), 1 / len(taps), x.dtype))
    y = conv_taps(reshape(x, (N * C, 1, H, W)), w, taps, stride, size)
    return reshape(y, (N, C, *size))


def _windows(name, x, kernel_size, stride, padding):
    x = check_images(name, x)
    stride = kernel_size if stride is None else stride
    check_whole(name, kernel_size=kernel_size, stride=stride)
    check_whole(name, 0, padding=padding)
    if padding > kernel_size // 2:
        raise ValueError(f"{name}: padding must be ≤ kernel_size / 2, got {padding}")
    size = tuple((n + 2 * padding - kernel_size) // stride + 1 for n in x.shape[2:])
    if min(size) < 1:
        raise ValueError(
            f"{name}: a window of {kernel_size} does not fit into {x.shape[2:]}"
        )
    return x, stride, size


def upsample_nearest(x, scale_factor=2):
    """Repeat every pixel: (N, C, H, W) → (N, C, H·scale_factor, W·scale_factor)."""
    x = check_images("upsample_nearest", x)
    check_whole("upsample_nearest", scale_factor=scale_factor)
    (N, C, H, W), s = x.shape, scale_factor
    wide = broadcast_to(reshape(x, (N, C, H, 1, W, 1)), (N, C, H, s, W, s))
    return reshape(wide, (N, C, H * s, W * s))


def pixel_shuffle(x, upscale_factor):
    """Move groups of channels into space: (N, C·r², H, W) → (N, C, H·r, W·r).

    Shi et al. 2016, equation 4.
    """
    x, r = check_images("pixel_shuffle", x), upscale_factor
    check_whole("pixel_shuffle", upscale_factor=r)
    N, C, H, W = x.shape
    if C % (r * r):
        raise ValueError(
            f"pixel_shuffle: {C} channels cannot be shared among {r}² places"
        )
    x = reshape(x, (N, C // (r * r), r, r, H, W))
    return reshape(transpose(x, (0, 1, 4, 2, 5, 3)), (N, C // (r * r), H * r, W * r))


# ---- losses --------------------------------------------------------------------------


def cross_entropy(logits, target, reduction="mean"):
    """−log softmax(logits)[target] in nats: logits (N, K, …), integers (N, …)."""
    logits, target = as_tensor(logits), np.asarray(value_of(target))
    if logits.ndim < 2:
        raise ValueError(f"cross_entropy: logits must be (N, K, …), got {logits.shape}")
    if target.dtype.kind not in "iu" or target.shape != (
        logits.shape[0],
        *logits.shape[2:],
    ):
        raise ValueError(
            f"cross_entropy: target must be integers of shape"
            f" {(logits.shape[0], *logits.shape[2:])},"
            f" got {target.dtype} of {target.shape}"
        )
    if target.size and not 0 <= target.min() <= target.max() < logits.shape[1]:
        raise ValueError(
            f"cross_entropy: target must lie in 0 … {logits.shape[1] - 1},"
            f" got {target.min()} … {target.max()}"
        )
    picked = gather(log_softmax(logits, axis=1), 1, np.expand_dims(target, 1))
    return _reduce("cross_entropy", -reshape(picked, target.shape), reduction)


def binary_cross_entropy_with_logits(logits, target, reduction="mean"):
    """−log Bernoulli(target; sigmoid(logits)) in nats, target in [0, 1]."""
    logits = as_tensor(logits)
    if logits.shape != np.shape(value_of(target)):
        raise ValueError(
            f"binary_cross_entropy_with_logits: logits have shape {logits.shape},"
            f" target has {np.shape(value_of(target))}"
        )
    loss = softplus(logits) - logits * target
    return _reduce("binary_cross_entropy_with_logits", loss, reduction)


def mse_loss(x, target, reduction="mean"):
    """(x − target)², of one shape."""
    x = as_tensor(x)
    if x.shape != np.shape(value_of(target)):
        raise ValueError(
            f"mse_loss: x has shape {x.shape}, target has {np.shape(value_of(target))}"
        )
    return _reduce("mse_loss", (x - target) ** 2, reduction)


def _reduce(name, loss, reduction):
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(
            f"{name}: reduction must be mean, sum or none, got {reduction!r}"
        )
    return loss if reduction == "none" else getattr(loss, reduction)()
