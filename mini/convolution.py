"""Convolutions as lists of taps; each linear in its arguments, its rule another one.

conv_taps, conv_taps_input and conv_taps_weight are the three faces of one form

    Σ  y[n,o,i,j] · w[o,c,t] · x[n,c, stride·i + dy_t, stride·j + dx_t]

that is linear in x, w and y. The derivative of one face is another, to any order.
"""

import numpy as np

from . import kernels
from .operations import broadcast_to, reshape
from .tensor import as_tensor, record, value_of


def conv_taps(x, w, taps, stride, size, b=None):
    """y[n,o,i,j] = b[o] + Σ_c Σ_t w[o,c,t] · x[n,c, stride·i + dy_t, stride·j + dx_t].

    x (N, C, H, W), w (O, C, T), taps a (T, 2) array of (dy, dx), b (O,) or None → (N,
    O, *size). Outside the image x is zero. Linear in each of x and w, so its gradients
    are its two siblings.
    """
    O, C, T = w.shape
    y, bias = np.empty((len(x.data), O, *size), x.dtype), _bias(b, O, x.dtype)
    source, weights = kernels.ready(x.data), kernels.ready(w.data).reshape(O, C * T)
    if stride == 1:
        kernels.conv(source, weights, bias, taps, y)
    else:
        kernels.conv_strided(source, weights, bias, taps, stride, y)
    return record(
        y,
        (x, lambda g, out: conv_taps_input(g, w, taps, stride, x.shape[2:])),
        (w, lambda g, out: conv_taps_weight(x, g, taps, stride)),
        (b, lambda g, out: sum_over_images(g)),
    )


def conv_taps_input(y, w, taps, stride, size, b=None):
    """The transposed convolution: y (N, O, Ho, Wo), w (O, C, T) → (N, C, *size).

    Plus b (C,). With stride 1 it is a convolution of y with the taps turned round.
    """
    O, C, T = w.shape
    x, bias = np.empty((len(y.data), C, *size), y.dtype), _bias(b, C, y.dtype)
    source = kernels.ready(y.data)
    if stride == 1:
        turned = kernels.ready(w.data.transpose(1, 0, 2)).reshape(C, O * T)
        kernels.conv(source, turned, bias, -taps, x)
    else:
        weights = kernels.ready(w.data).reshape(O, C * T)
        kernels.conv_strided_input(source, weights, bias, taps, stride, x)
    return record(
        x,
        (y, lambda g, out: conv_taps(g, w, taps, stride, y.shape[2:])),
        (w, lambda g, out: conv_taps_weight(g, y, taps, stride)),
        (b, lambda g, out: sum_over_images(g)),
    )


def conv_taps_weight(x, y, taps, stride):
    """The weights' share: x (N, C, H, W), y (N, O, Ho, Wo) → (O, C, T)."""
    C, O, T = x.shape[1], y.shape[1], len(taps)
    images = kernels.ready(x.data), kernels.ready(y.data)
    if stride == 1:
        parts = np.zeros((kernels.PARTS, O, C * T), x.dtype)
        kernels.conv_weight(*images, taps, parts)
        w = parts.sum(axis=0)
    else:
        w = kernels.conv_strided_weight(*images, taps, stride)
    return record(
        w.reshape(O, C, T),
        (x, lambda g, out: conv_taps_input(y, g, taps, stride, x.shape[2:])),
        (y, lambda g, out: conv_taps(x, g, taps, stride, y.shape[2:])),
    )


def _bias(b, C, dtype):
    return np.zeros(C, dtype) if b is None else kernels.ready(b.data)


def sum_over_images(x):
    """Sum (N, C, H, W) over all but the channels: the gradient of a bias."""
    return record(
        kernels.sum_over_images(x.data),
        (x, lambda g, out: broadcast_to(reshape(g, (1, -1, 1, 1)), x.shape)),
    )


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, mask=None):
    """Convolve images x (N, C, H, W) with w (O, C, KH, KW), plus b (O,).

    stride, padding (a number, or one each for rows and columns) and dilation are in
    pixels. mask is boolean: (KH, KW) drops taps, so that less is computed, and
    (O, C, KH, KW) also switches single weights off. → (N, O, Ho, Wo), with
    Ho = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1. Raises ValueError for
    shapes that do not fit, TypeError for dtypes that differ.
    """
    x = check_images("conv2d", x)
    w, b = _weights("conv2d", w, b, x)
    check_whole("conv2d", stride=stride, dilation=dilation)
    (top, left), (KH, KW) = _pair("conv2d", padding), w.shape[2:]
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"conv2d: x has {x.shape[1]} channels, w expects {w.shape[1]}")
    size = (
        (x.shape[2] + 2 * top - dilation * (KH - 1) - 1) // stride + 1,
        (x.shape[3] + 2 * left - dilation * (KW - 1) - 1) // stride + 1,
    )
    if min(size) < 1:
        raise ValueError(
            f"conv2d: a {KH}×{KW} kernel (dilation {dilation}) does not fit into"
            f" images of {x.shape[2]}×{x.shape[3]} with padding {padding}"
        )
    taps = grid_of_taps(KH, KW, dilation, (top, left))
    w = reshape(w, (*w.shape[:2], KH * KW))
    if mask is not None:
        w, taps = _masked(w, taps, np.asarray(value_of(mask)), (KH, KW))
    return conv_taps(x, w, taps, stride, size, b)


def conv_transpose2d(x, w, b=None, *, stride=1, padding=0, output_padding=0):
    """The transpose of conv2d: x (N, C, H, W), w (C, O, KH, KW), b (O,) → images.

    (N, O, Ho, Wo) with Ho = stride·(H − 1) + KH − 2·padding + output_padding, and
    0 ≤ output_padding < stride; it too is a number, or one each for rows and columns.
    Raises ValueError for shapes that do not fit.
    """
    name = "conv_transpose2d"
    x = check_images(name, x)
    w, b = _weights(name, w, b, x, axis=1)
    check_whole(name, stride=stride)
    (top, left), (KH, KW) = _pair(name, padding), w.shape[2:]
    below, right = _pair(name, output_padding, "output_padding")
    if w.shape[0] != x.shape[1]:
        raise ValueError(f"{name}: x has {x.shape[1]} channels, w expects {w.shape[0]}")
    if max(below, right) >= stride:
        raise ValueError(
            f"{name}: output_padding must be 0 ≤ … < stride = {stride},"
            f" got {output_padding}"
        )
    size = (
        stride * (x.shape[2] - 1) + KH - 2 * top + below,
        stride * (x.shape[3] - 1) + KW - 2 * left + right,
    )
    if min(size) < 1:
        raise ValueError(f"{name}: padding {padding} leaves an image of size {size}")
    taps = grid_of_taps(KH, KW, 1, (top, left))
    w = reshape(w, (*w.shape[:2], KH * KW))
    return conv_taps_input(x, w, taps, stride, size, b)


def grid_of_taps(KH, KW, dilation=1, padding=(0, 0)):
    """The taps of a full KH × KW kernel, row by row: (KH·KW, 2) offsets (dy, dx)."""
    rows, columns = np.divmod(np.arange(KH * KW), KW)
    return np.stack(
        [rows * dilation - padding[0], columns * dilation - padding[1]], axis=1
    )


def _masked(w, taps, mask, kernel):
    """Keep the taps that the mask leaves on for anyone; zero single other weights."""
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


def check_images(name, x):
    """x as a Tensor; an error in the name of the function unless it is images."""
    x = as_tensor(x)
    if x.ndim != 4:
        raise ValueError(f"{name}: x must be images (N, C, H, W), got shape {x.shape}")
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name}: x must be float32 or float64, got {x.dtype}")
    return x


def _weights(name, w, b, x, axis=0):
    w, b = as_tensor(w), None if b is None else as_tensor(b)
    if w.ndim != 4 or 0 in w.shape[2:]:
        raise ValueError(
            f"{name}: w must have four axes, kernel sizes last, got shape {w.shape}"
        )
    if b is not None and b.shape != (w.shape[axis],):
        raise ValueError(f"{name}: b must have shape ({w.shape[axis]},), got {b.shape}")
    for key, value in (("w", w), ("b", b)):
        if value is not None and value.dtype != x.dtype:
            raise TypeError(f"{name}: x is {x.dtype} but {key} is {value.dtype}")
    return w, b


def check_whole(name, least=1, **values):
    """An error in the name of the function unless all are whole numbers ≥ least."""
    for key, value in values.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value < least:
            raise ValueError(
                f"{name}: {key} must be a whole number ≥ {least}, got {value!r}"
            )


def _pair(name, value, argument="padding"):
    pair = value if isinstance(value, tuple) else (value, value)
    if len(pair) != 2:
        raise ValueError(
            f"{name}: {argument} must be one or two numbers, got {value!r}"
        )
    for number in pair:
        check_whole(name, 0, **{argument: number})
    return pair
