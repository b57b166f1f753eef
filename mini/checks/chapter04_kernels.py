"""Exercises of chapter 4 on the kernels: convolve, stamp, weight_gradient."""

import numpy as np

from .frame import exercise

# ---- convolve ------------------------------------------------------------------------

TAPS = [[(0, 1)], [(0, -1), (0, 1)], [(-1, 0), (0, 2), (1, 1)], [(-2, -1), (3, 1)]]


def images_and_taps(rng):
    counted = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    yield counted, np.ones((1, 1, 1)), [(0, 1)], 1, (3, 3)
    for taps in TAPS:
        N, C, O, H, W = rng.integers(2, 6, size=5).tolist()
        x = rng.normal(size=(N, C, H + 2, W + 2))
        for stride in (1, 2):
            size = ((H + 1) // stride + 1, (W + 1) // stride + 1)
            yield x, rng.normal(size=(O, C, len(taps))), taps, stride, size


def seen_by(x, tap, stride, size, outside="zero", sign=1):
    """What one tap sees, (N, C, *size); `outside` says what lies beyond the image."""
    rows = stride * np.arange(size[0]) + sign * tap[0]
    columns = stride * np.arange(size[1]) + sign * tap[1]
    H, W = x.shape[2:]
    if outside == "wrap":
        return x[:, :, rows[:, None] % H, columns % W]
    seen = x[:, :, rows.clip(0, H - 1)[:, None], columns.clip(0, W - 1)]
    if outside == "edge":
        return seen
    inside = ((rows >= 0) & (rows < H))[:, None] & (columns >= 0) & (columns < W)
    return seen * inside


def summed(x, w, taps, stride, size, **how):
    y = np.zeros((len(x), len(w), *size))
    for t, tap in enumerate(taps):
        seen = seen_by(x, tap, stride, size, **how)
        y += np.einsum("oc,ncij->noij", w[:, :, t], seen)
    return y


@exercise("convolve", chapter="chapter04", inputs=images_and_taps)
def convolve(x, w, taps, stride, size):
    return summed(x, w, taps, stride, size)


convolve.mistake(
    "taps with their signs turned, a convolution in the mathematicians' sense",
    hint="Does a tap at dx = +1 look to the right, or to the left?",
)(lambda x, w, taps, s, size: summed(x, w, taps, s, size, sign=-1))

convolve.mistake(
    "an image that goes on at the opposite edge",
    hint="What is x[-1] in numpy, and what should lie outside the image?",
)(lambda x, w, taps, s, size: summed(x, w, taps, s, size, outside="wrap"))

convolve.mistake(
    "an image whose border pixels go on for ever",
    hint="What value should a tap see that falls outside the image?",
)(lambda x, w, taps, s, size: summed(x, w, taps, s, size, outside="edge"))

convolve.mistake(
    "offsets that are multiplied by the stride, too",
    hint="The window moves by s pixels. Do the taps inside it move apart as well?",
)(lambda x, w, taps, s, size: summed(x, w, [(s * a, s * b) for a, b in taps], s, size))

convolve.mistake(
    "windows that move by one pixel whatever the stride",
    hint="Which pixel does output (1, 1) look at when the stride is 2?",
)(lambda x, w, taps, s, size: summed(x, w, taps, 1, size))

convolve.mistake(
    "rows taken for columns",
    hint="A tap is (dy, dx). Which axis of x is y?",
)(lambda x, w, taps, s, size: summed(x, w, [(b, a) for a, b in taps], s, size))

convolve.mistake(
    "the mean over the channels",
    hint="The definition has a Σ over c. By what do you divide, and why?",
)(lambda x, w, taps, s, size: summed(x, w, taps, s, size) / x.shape[1])

convolve.mistake(
    "only the last tap, the others overwritten",
    hint="What happens to y when the second tap arrives?",
)(lambda x, w, taps, s, size: summed(x, w[:, :, -1:], taps[-1:], s, size))


@convolve.variant
def by_loops(x, w, taps, stride, size):
    N, _, H, W = x.shape
    y = np.zeros((N, len(w), *size))
    for i, j in np.ndindex(*size):
        for t, (dy, dx) in enumerate(taps):
            p, q = stride * i + dy, stride * j + dx
            if 0 <= p < H and 0 <= q < W:
                y[:, :, i, j] += x[:, :, p, q] @ w[:, :, t].T
    return y


@convolve.variant
def by_padding(x, w, taps, stride, size):
    room = max(max(map(abs, tap)) for tap in taps) + stride * max(size)
    frame = np.pad(x, [(0, 0), (0, 0), (room, room), (room, room)])
    y = 0
    for t, (dy, dx) in enumerate(taps):
        rows = slice(room + dy, room + dy + stride * size[0], stride)
        columns = slice(room + dx, room + dx + stride * size[1], stride)
        y = y + np.tensordot(w[:, :, t], frame[:, :, rows, columns], (1, 1)).swapaxes(
            0, 1
        )
    return y


def seen_at_once(x, taps, stride, size):
    """What all taps see, (N, C, T, *size)."""
    dy, dx = np.array(taps).T[:, :, None]
    i, j = stride * np.arange(size[0]) + dy, stride * np.arange(size[1]) + dx
    H, W = x.shape[2:]
    inside = ((i >= 0) & (i < H))[:, :, None] & ((j >= 0) & (j < W))[:, None]
    return x[:, :, (i % H)[:, :, None], (j % W)[:, None]] * inside


@convolve.variant
def as_one_product(x, w, taps, stride, size):
    return np.einsum("oct,nctij->noij", w, seen_at_once(x, taps, stride, size))


# ---- stamp ---------------------------------------------------------------------------


def stamps(rng):
    for N, O, C, size, kernel, stride, padding in [
        (1, 1, 1, (1, 1), (2, 2), 1, 0),
        (1, 1, 1, (2, 3), (3, 3), 2, 0),
        (1, 1, 1, (3, 2), (3, 2), 2, 1),
        (2, 3, 2, (3, 4), (3, 3), 1, 1),
        (2, 2, 3, (4, 3), (4, 4), 2, 1),
        (2, 3, 2, (3, 3), (2, 3), 3, 0),
    ]:
        yield (
            rng.normal(size=(N, O, *size)),
            rng.normal(size=(O, C, *kernel)),
            stride,
            padding,
        )


def stamped(y, w, stride, add=True):
    (N, _, H, W), (_, C, KH, KW) = y.shape, w.shape
    x = np.zeros((N, C, stride * (H - 1) + KH, stride * (W - 1) + KW))
    for i, j in np.ndindex(H, W):
        mark = np.einsum("no,ochw->nchw", y[:, :, i, j], w)
        where = np.s_[:, :, stride * i : stride * i + KH, stride * j : stride * j + KW]
        x[where] = x[where] + mark if add else mark
    return x


def cropped(x, padding):
    return x[:, :, padding : x.shape[2] - padding, padding : x.shape[3] - padding]


@exercise("stamp", chapter="chapter04", inputs=stamps)
def stamp(y, w, stride, padding):
    return cropped(stamped(y, w, stride), padding)


stamp.mistake(
    "a stamp that wipes out what lay below it",
    hint="Two stamps overlap. What does Σ say about the pixels under both?",
)(lambda y, w, s, p: cropped(stamped(y, w, s, add=False), p))

stamp.mistake(
    "a stamp turned by half a turn",
    hint="w[o, c, 0, 0] is the tap at the window's top left. Where does it print?",
)(lambda y, w, s, p: cropped(stamped(y, w[:, :, ::-1, ::-1], s), p))

stamp.mistake(
    "adding a border where one should be cut away",
    hint="conv2d with padding made images larger before looking. What is the opposite?",
)(lambda y, w, s, p: np.pad(stamped(y, w, s), [(0, 0), (0, 0), *[(p, p)] * 2]))

stamp.mistake(
    "leaving the padding out",
    hint="What should become of the stamps' parts that fall on the border of zeros?",
)(lambda y, w, s, p: stamped(y, w, s))

stamp.mistake(
    "cutting the padding off at the top left only",
    hint="On how many sides of the image did conv2d put zeros?",
)(lambda y, w, s, p: stamped(y, w, s)[:, :, p:, p:])


@stamp.mistake(
    "a result exactly `stride` times as large as y",
    hint="Where does the last stamp begin, and how long is it?",
)
def _(y, w, stride, padding):
    (H, W), x = y.shape[2:], cropped(stamped(y, w, stride), padding)
    size = np.zeros((*x.shape[:2], stride * H, stride * W))
    part = x[:, :, : stride * H, : stride * W]
    size[:, :, : part.shape[2], : part.shape[3]] = part
    return size


stamp.mistake(
    "stamps set side by side, one pixel apart whatever the stride",
    hint="conv2d's window moved by `stride` pixels. By how much does the stamp move?",
)(lambda y, w, s, p: cropped(stamped(y, w, 1), p))


@stamp.variant
def tap_by_tap(y, w, stride, padding):
    (N, _, H, W), (_, C, KH, KW) = y.shape, w.shape
    x = np.zeros((N, C, stride * (H - 1) + KH, stride * (W - 1) + KW))
    for a, b in np.ndindex(KH, KW):
        rows = slice(a, a + stride * (H - 1) + 1, stride)
        columns = slice(b, b + stride * (W - 1) + 1, stride)
        x[:, :, rows, columns] += np.einsum("nohw,oc->nchw", y, w[:, :, a, b])
    return cropped(x, padding)


@stamp.variant
def by_spreading(y, w, stride, padding):
    """y set apart by zeros, then looked at through the kernel turned round."""
    (N, O, H, W), (KH, KW) = y.shape, w.shape[2:]
    apart = np.zeros((N, O, stride * (H - 1) + 1, stride * (W - 1) + 1))
    apart[:, :, ::stride, ::stride] = y
    apart = np.pad(apart, [(0, 0), (0, 0), (KH - 1, KH - 1), (KW - 1, KW - 1)])
    windows = np.lib.stride_tricks.sliding_window_view(apart, (KH, KW), axis=(2, 3))
    return cropped(np.einsum("nohwij,ocij->nchw", windows, w[..., ::-1, ::-1]), padding)


@stamp.variant
def pixel_by_pixel(y, w, stride, padding):
    """Each pixel of the result asks all stamps."""
    (N, _, H, W), (_, C, KH, KW) = y.shape, w.shape
    height, width = (stride * (n - 1) + k - 2 * padding for n, k in [(H, KH), (W, KW)])
    x = np.zeros((N, C, height, width))
    for a, b, i, j in np.ndindex(height, width, H, W):
        p, q = a + padding - stride * i, b + padding - stride * j
        if 0 <= p < KH and 0 <= q < KW:
            x[:, :, a, b] += y[:, :, i, j] @ w[:, :, p, q]
    return x


# ---- weight_gradient -----------------------------------------------------------------


def images_and_gradients(rng):
    for taps in TAPS:
        N, C, O, H, W = rng.integers(2, 6, size=5).tolist()
        x = rng.normal(size=(N, C, H + 2, W + 2))
        for stride in (1, 2):
            size = ((H + 1) // stride + 1, (W + 1) // stride + 1)
            yield x, rng.normal(size=(N, O, *size)), taps, stride


def correlated(x, g, taps, stride, **how):
    size = g.shape[2:]
    seen = (seen_by(x, tap, stride, size, **how) for tap in taps)
    return np.stack([np.einsum("noij,ncij->oc", g, s) for s in seen], axis=2)


@exercise("weight_gradient", chapter="chapter04", inputs=images_and_gradients)
def weight_gradient(x, g, taps, stride):
    return correlated(x, g, taps, stride)


weight_gradient.mistake(
    "the mean over the images",
    hint="All images share one weight. If the loss is a mean, who divides by N?",
)(lambda x, g, taps, s: correlated(x, g, taps, s) / len(x))

weight_gradient.mistake(
    "the mean over the places",
    hint="y has one number per place. How do the shares of one shared weight combine?",
)(lambda x, g, taps, s: correlated(x, g, taps, s) / g[0, 0].size)

weight_gradient.mistake(
    "taps with their signs turned",
    hint="The input's gradient turns them round. Which pixel did this weight multiply?",
)(lambda x, g, taps, s: correlated(x, g, taps, s, sign=-1))

weight_gradient.mistake(
    "an image that goes on at the opposite edge",
    hint="What did a tap see that fell outside the image, when y was computed?",
)(lambda x, g, taps, s: correlated(x, g, taps, s, outside="wrap"))

weight_gradient.mistake(
    "leaving the stride out",
    hint="Which pixel was seen from output (1, 1) when the stride is 2?",
)(lambda x, g, taps, s: correlated(x, g, taps, 1))

weight_gradient.mistake(
    "the first image alone",
    hint="Which images did this weight look at?",
)(lambda x, g, taps, s: correlated(x[:1], g[:1], taps, s))

weight_gradient.mistake(
    "the input's channels before the output's",
    hint="w is (O, C, T). In which order are the axes of its gradient?",
)(lambda x, g, taps, s: correlated(x, g, taps, s).swapaxes(0, 1))


@weight_gradient.variant
def one_place_at_a_time(x, g, taps, stride):
    w = np.zeros((g.shape[1], x.shape[1], len(taps)))
    for i, j in np.ndindex(*g.shape[2:]):
        for t, (dy, dx) in enumerate(taps):
            p, q = stride * i + dy, stride * j + dx
            if 0 <= p < x.shape[2] and 0 <= q < x.shape[3]:
                w[:, :, t] += g[:, :, i, j].T @ x[:, :, p, q]
    return w


@weight_gradient.variant
def in_one_product(x, g, taps, stride):
    return np.einsum("noij,nctij->oct", g, seen_at_once(x, taps, stride, g.shape[2:]))


@weight_gradient.variant
def by_padding_too(x, g, taps, stride):
    room = max(max(map(abs, tap)) for tap in taps) + stride * max(g.shape[2:])
    frame = np.pad(x, [(0, 0), (0, 0), (room, room), (room, room)])
    w = np.zeros((g.shape[1], x.shape[1], len(taps)))
    for t, (dy, dx) in enumerate(taps):
        rows = slice(room + dy, room + dy + stride * g.shape[2], stride)
        columns = slice(room + dx, room + dx + stride * g.shape[3], stride)
        w[:, :, t] = np.tensordot(g, frame[:, :, rows, columns], [(0, 2, 3)] * 2)
    return w
