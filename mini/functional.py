"""F: the functions that networks are made of, each differentiable to any order.

Names and argument order are torch's. Images are (N, C, H, W).
"""

import numpy as np

from . import kernels
from .tensor import (  # noqa: F401  the primitives are part of F
    Tensor,
    broadcast_to,
    clip,
    concatenate,
    exp,
    gather,
    is_recording,
    log,
    pad,
    record,
    reduce_max,
    reshape,
    sqrt,
    stack,
    tanh,
    transpose,
    value_of,
    where,
)

# ---- convolution: a list of taps -----------------------------------------------------------------


def conv_taps(x, w, taps, stride, size, b=None):
    """y[n,o,i,j] = b[o] + Σ_c Σ_t w[o,c,t] · x[n,c, stride·i + dy_t, stride·j + dx_t].

    x (N, C, H, W), w (O, C, T), taps a (T, 2) array of (dy, dx), b (O,) or None → (N, O, *size).
    Outside the image x is zero. Linear in each of x and w, so its gradients are its two siblings.
    """
    O, C, T = w.shape
    y = np.empty((len(x.data), O, *size), x.dtype)
    bias = np.zeros(O, x.dtype) if b is None else b.data
    weights = np.ascontiguousarray(w.data).reshape(O, C * T)
    kernels.conv(np.ascontiguousarray(x.data), weights, bias, taps, stride, y, 1, (0, 0))
    return record(
        y,
        (x, lambda g, out: conv_taps_input(g, w, taps, stride, x.shape[2:])),
        (w, lambda g, out: conv_taps_weight(x, g, taps, stride)),
        (b, lambda g, out: sum_over_images(g)),
    )


def conv_taps_input(y, w, taps, stride, size):
    """The transposed convolution: y (N, O, Ho, Wo), w (O, C, T) → (N, C, *size).

    Pixels of the result whose rows and columns leave the same remainders modulo the stride see the
    same taps: each such phase is an ordinary convolution of y with the taps turned round.
    """
    O, C, T = w.shape
    x = np.empty((len(y.data), C, *size), y.dtype)
    source, none = np.ascontiguousarray(y.data), np.zeros(C, y.dtype)
    turned = w.data.transpose(1, 0, 2)
    for a in range(min(stride, size[0])):
        for b in range(min(stride, size[1])):
            away = np.array([a, b]) - taps
            seen = (away % stride == 0).all(axis=1)
            weights = np.ascontiguousarray(turned[:, :, seen]).reshape(C, O * seen.sum())
            kernels.conv(source, weights, none, away[seen] // stride, 1, x, stride, (a, b))
    return record(
        x,
        (y, lambda g, out: conv_taps(g, w, taps, stride, y.shape[2:])),
        (w, lambda g, out: conv_taps_weight(g, y, taps, stride)),
    )


def conv_taps_weight(x, y, taps, stride):
    """The weights' share: x (N, C, H, W), y (N, O, Ho, Wo) → (O, C, T)."""
    C, O, T = x.shape[1], y.shape[1], len(taps)
    parts = np.zeros((kernels.PARTS, O, C * T), x.dtype)
    kernels.conv_weight(
        np.ascontiguousarray(x.data), np.ascontiguousarray(y.data), taps, stride, parts
    )
    return record(
        parts.sum(axis=0).reshape(O, C, T),
        (x, lambda g, out: conv_taps_input(y, g, taps, stride, x.shape[2:])),
        (y, lambda g, out: conv_taps(x, g, taps, stride, y.shape[2:])),
    )


def sum_over_images(x):
    """Sum (N, C, H, W) over all but the channels: the gradient of a bias."""
    return record(
        kernels.sum_over_images(x.data),
        (x, lambda g, out: broadcast_to(reshape(g, (1, -1, 1, 1)), x.shape)),
    )


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, mask=None):
    """Convolve images x (N, C, H, W) with w (O, C, KH, KW), plus b (O,).

    stride ≥ 1, padding ≥ 0 (a number, or one each for rows and columns) and dilation ≥ 1 are
    pixels. mask is boolean: (KH, KW) drops taps, so that less is computed, and (O, C, KH, KW)
    also switches single weights off. → (N, O, Ho, Wo) with
    Ho = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1. Raises ValueError for shapes that
    do not fit.
    """
    x, w = _images("conv2d", x), _weights("conv2d", w, x, b)
    _whole("conv2d", stride=stride, dilation=dilation)
    (top, left), (KH, KW) = _pair("conv2d", padding), w.shape[2:]
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"conv2d: x has {x.shape[1]} channels, w expects {w.shape[1]}")
    size = (
        (x.shape[2] + 2 * top - dilation * (KH - 1) - 1) // stride + 1,
        (x.shape[3] + 2 * left - dilation * (KW - 1) - 1) // stride + 1,
    )
    if min(size) < 1:
        raise ValueError(
            f"conv2d: a {KH}×{KW} kernel (dilation {dilation}) does not fit into images of"
            f" {x.shape[2]}×{x.shape[3]} with padding {padding}"
        )
    taps = grid_of_taps(KH, KW, dilation, (top, left))
    w = reshape(w, (*w.shape[:2], KH * KW))
    if mask is not None:
        w, taps = _masked(w, taps, np.asarray(value_of(mask)), (KH, KW))
    return conv_taps(x, w, taps, stride, size, b)


def conv_transpose2d(x, w, b=None, *, stride=1, padding=0, output_padding=0):
    """The transpose of conv2d: x (N, C, H, W), w (C, O, KH, KW), b (O,) → (N, O, Ho, Wo).

    Ho = stride·(H − 1) + KH − 2·padding + output_padding, with 0 ≤ output_padding < stride.
    """
    x, w = _images("conv_transpose2d", x), _weights("conv_transpose2d", w, x, b, axis=1)
    _whole("conv_transpose2d", stride=stride)
    (top, left), (KH, KW) = _pair("conv_transpose2d", padding), w.shape[2:]
    if w.shape[0] != x.shape[1]:
        raise ValueError(f"conv_transpose2d: x has {x.shape[1]} channels, w expects {w.shape[0]}")
    if not 0 <= output_padding < max(stride, 2):
        raise ValueError(
            f"conv_transpose2d: output_padding must be 0 ≤ … < stride = {stride}, got {output_padding}"
        )
    size = (
        stride * (x.shape[2] - 1) + KH - 2 * top + output_padding,
        stride * (x.shape[3] - 1) + KW - 2 * left + output_padding,
    )
    if min(size) < 1:
        raise ValueError(f"conv_transpose2d: padding {padding} leaves an image of size {size}")
    taps = grid_of_taps(KH, KW, 1, (top, left))
    y = conv_taps_input(x, reshape(w, (*w.shape[:2], KH * KW)), taps, stride, size)
    return y if b is None else y + reshape(b, (1, -1, 1, 1))


def grid_of_taps(KH, KW, dilation=1, padding=(0, 0)):
    """The taps of a full KH × KW kernel, row by row: (KH·KW, 2) offsets (dy, dx)."""
    rows, columns = np.divmod(np.arange(KH * KW), KW)
    return np.stack([rows * dilation - padding[0], columns * dilation - padding[1]], axis=1)


def _masked(w, taps, mask, kernel):
    """Keep the taps that the mask leaves on for anyone; switch off single weights of the rest."""
    full = (*w.shape[:2], *kernel)
    if mask.dtype != bool or mask.shape not in (kernel, full):
        raise ValueError(
            f"conv2d: mask must be boolean of shape {kernel} or {full},"
            f" got {mask.dtype} of shape {mask.shape}"
        )
    mask = mask.reshape(*mask.shape[:-2], -1)
    keep = mask if mask.ndim == 1 else mask.any(axis=(0, 1))
    if mask.ndim == 3 and not mask[:, :, keep].all():
        w = w * mask
    return (w, taps) if keep.all() else (w[:, :, np.flatnonzero(keep)], taps[keep])


def _images(name, x):
    x = x if isinstance(x, Tensor) else Tensor(x)
    if x.ndim != 4:
        raise ValueError(f"{name}: x must be images (N, C, H, W), got shape {x.shape}")
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name}: x must be float32 or float64, got {x.dtype}")
    return x


def _weights(name, w, x, b, axis=0):
    w = w if isinstance(w, Tensor) else Tensor(w)
    if w.ndim != 4 or 0 in w.shape[2:]:
        raise ValueError(f"{name}: w must have four axes, kernel sizes last, got shape {w.shape}")
    if w.dtype != x.dtype:
        raise TypeError(f"{name}: x is {x.dtype} but w is {w.dtype}")
    if b is not None and b.shape != (w.shape[axis],):
        raise ValueError(f"{name}: b must have shape ({w.shape[axis]},), got {b.shape}")
    return w


def _whole(name, **values):
    for key, value in values.items():
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name}: {key} must be a whole number of at least 1, got {value!r}")


def _pair(name, padding):
    pair = padding if isinstance(padding, tuple) else (padding, padding)
    if len(pair) != 2 or any(not isinstance(p, (int, np.integer)) or p < 0 for p in pair):
        raise ValueError(f"{name}: padding must be one or two numbers ≥ 0, got {padding!r}")
    return pair


# ---- activations ---------------------------------------------------------------------------------


def relu(x):
    """max(x, 0)."""
    return record(
        kernels.relu(x.data), (x, lambda g, out: _where_positive(g, out.data))
    )


def _where_positive(g, out):
    """g where out > 0, else zero: relu's rule, and its own."""
    return record(kernels.where_positive(g.data, out), (g, lambda h, _: _where_positive(h, out)))


def leaky_relu(x, negative_slope=0.01):
    """x where positive, else negative_slope · x."""
    return x * np.where(x.data > 0, 1, negative_slope).astype(x.dtype)


def elu(x, alpha=1.0):
    """x where positive, else alpha · (exp(x) − 1)."""
    return where(x.data > 0, x, alpha * (exp(clip(x, None, 0)) - 1))


def sigmoid(x):
    """1 / (1 + exp(−x)), without overflow."""
    small = np.exp(-np.abs(x.data))
    value = np.where(x.data >= 0, 1, small) / (1 + small)
    return record(value.astype(x.dtype), (x, lambda g, out: g * (out * (1 - out))))


def softplus(x):
    """log(1 + exp(x)), without overflow."""
    value = np.maximum(x.data, 0) + np.log1p(np.exp(-np.abs(x.data)))
    return record(value, (x, lambda g, out: g * sigmoid(x)))


def gate(x):
    """tanh(a) · sigmoid(b) for the two halves a, b of the channels: (N, 2C, H, W) → (N, C, H, W).

    van den Oord et al. 2016b, equation 2.
    """
    if x.shape[1] % 2:
        raise ValueError(f"gate: x must have an even number of channels, got {x.shape[1]}")
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


def softmax(x, axis=-1):
    """exp(x) / Σ exp(x) along an axis."""
    return record(
        np.exp(_log_softmax(x.data, axis)),
        (x, lambda g, out: out * (g - (g * out).sum(axis, keepdims=True))),
    )


def log_softmax(x, axis=-1):
    """log softmax(x), without overflow."""
    return record(
        _log_softmax(x.data, axis),
        (x, lambda g, out: g - exp(out) * g.sum(axis, keepdims=True)),
    )


def _log_softmax(x, axis):
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def logsumexp(x, axis=-1, keepdims=False):
    """log Σ exp(x) along an axis, without overflow."""
    top = x.data.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    out = log(exp(x - top).sum(axis, keepdims=True)) + top
    return out if keepdims else reshape(out, np.squeeze(out.data, axis).shape)


# ---- layers' functions ---------------------------------------------------------------------------


def linear(x, w, b=None):
    """x (…, I) times w (O, I) transposed, plus b (O,): → (…, O)."""
    if x.shape[-1] != w.shape[1]:
        raise ValueError(f"linear: x has {x.shape[-1]} features, w expects {w.shape[1]}")
    y = x @ w.T
    return y if b is None else y + b


def dropout(x, p=0.5, *, rng, training=True):
    """Set each number to zero with probability p and scale the others by 1/(1 − p)."""
    if not 0 <= p < 1:
        raise ValueError(f"dropout: p must be 0 ≤ p < 1, got {p}")
    if not training or p == 0:
        return x
    keep = rng.random(x.shape, dtype=np.float32) >= p
    return x * (keep / (1 - p)).astype(x.dtype)


def max_pool2d(x, kernel_size, stride=None, padding=0):
    """The largest of each kernel_size × kernel_size window: (N, C, H, W) → (N, C, Ho, Wo)."""
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
    """The mean of each kernel_size × kernel_size window, border zeros counted as torch does."""
    x, stride, size = _windows("avg_pool2d", x, kernel_size, stride, padding)
    N, C, H, W = x.shape
    taps = grid_of_taps(kernel_size, kernel_size, 1, (padding, padding))
    w = Tensor(np.full((1, 1, len(taps)), 1 / len(taps), x.dtype))
    y = conv_taps(reshape(x, (N * C, 1, H, W)), w, taps, stride, size)
    return reshape(y, (N, C, *size))


def _windows(name, x, kernel_size, stride, padding):
    x, stride = _images(name, x), stride or kernel_size
    _whole(name, kernel_size=kernel_size, stride=stride)
    if not 0 <= padding <= kernel_size // 2:
        raise ValueError(f"{name}: padding must be 0 ≤ … ≤ kernel_size / 2, got {padding}")
    size = tuple((n + 2 * padding - kernel_size) // stride + 1 for n in x.shape[2:])
    if min(size) < 1:
        raise ValueError(f"{name}: a window of {kernel_size} does not fit into {x.shape[2:]}")
    return x, stride, size


def upsample_nearest(x, scale_factor=2):
    """Repeat every pixel: (N, C, H, W) → (N, C, H·scale_factor, W·scale_factor)."""
    x = _images("upsample_nearest", x)
    _whole("upsample_nearest", scale_factor=scale_factor)
    (N, C, H, W), s = x.shape, scale_factor
    wide = broadcast_to(reshape(x, (N, C, H, 1, W, 1)), (N, C, H, s, W, s))
    return reshape(wide, (N, C, H * s, W * s))


def pixel_shuffle(x, upscale_factor):
    """Move groups of channels into space: (N, C·r², H, W) → (N, C, H·r, W·r).

    Shi et al. 2016, equation 4.
    """
    x, r = _images("pixel_shuffle", x), upscale_factor
    _whole("pixel_shuffle", upscale_factor=r)
    N, C, H, W = x.shape
    if C % (r * r):
        raise ValueError(f"pixel_shuffle: {C} channels cannot be shared among {r}² places")
    x = reshape(x, (N, C // (r * r), r, r, H, W))
    return reshape(transpose(x, (0, 1, 4, 2, 5, 3)), (N, C // (r * r), H * r, W * r))


# ---- losses --------------------------------------------------------------------------------------


def cross_entropy(logits, target, reduction="mean"):
    """−log softmax(logits)[target] in nats: logits (N, K, …), target integers (N, …)."""
    target = np.asarray(value_of(target))
    if target.dtype.kind not in "iu" or target.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            f"cross_entropy: target must be integers of shape"
            f" {(logits.shape[0], *logits.shape[2:])}, got {target.dtype} of {target.shape}"
        )
    if target.size and not 0 <= target.min() <= target.max() < logits.shape[1]:
        raise ValueError(
            f"cross_entropy: target must lie in 0 … {logits.shape[1] - 1},"
            f" got {target.min()} … {target.max()}"
        )
    picked = gather(log_softmax(logits, axis=1), 1, np.expand_dims(target, 1))
    return _reduce("cross_entropy", -reshape(picked, target.shape), reduction)


def binary_cross_entropy_with_logits(logits, target, reduction="mean"):
    """−log Bernoulli(target; sigmoid(logits)) in nats, target in [0, 1] of the same shape."""
    if logits.shape != np.shape(value_of(target)):
        raise ValueError(
            f"binary_cross_entropy_with_logits: logits have shape {logits.shape},"
            f" target has {np.shape(value_of(target))}"
        )
    loss = softplus(logits) - logits * target
    return _reduce("binary_cross_entropy_with_logits", loss, reduction)


def mse_loss(x, target, reduction="mean"):
    """(x − target)², of one shape."""
    if x.shape != np.shape(value_of(target)):
        raise ValueError(
            f"mse_loss: x has shape {x.shape}, target has {np.shape(value_of(target))}"
        )
    return _reduce("mse_loss", (x - target) ** 2, reduction)


def _reduce(name, loss, reduction):
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: reduction must be mean, sum or none, got {reduction!r}")
    return loss if reduction == "none" else getattr(loss, reduction)()
