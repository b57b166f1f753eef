"""Exercises of chapter 6 with networks to test and to draw with."""

import numpy as np

from .frame import exercise, given

# ---- networks to test and to draw with -----------------------------------------------


class Net:
    """A small network, images (N, 1, H, W) → logits of the same shape.

    Each output is a sum of weights times the pixels it sees; `twist` gives pixels an
    influence that shows only where others are white.
    """

    def __init__(self, name, weights, twist=0.0, bias=-1.0):
        self.name, self.weights, self.twist, self.bias = name, weights, twist, bias

    def __call__(self, x):
        x = np.asarray(x, float)
        y = x.reshape(len(x), -1)
        all_white = y[:, -1:] * y[:, :1] * y[:, 1:2]
        # row by row, so that an image's logits are the same in any batch
        sums = (y[:, None] * self.weights).sum(axis=2)
        y = 2 * sums + self.bias + self.twist * all_white
        return y.reshape(x.shape)

    def __repr__(self):
        return f"a network, {self.name}"


def past_weights(rng, D, diagonal=0):
    return np.tril(rng.normal(size=(D, D)) + 3, diagonal - 1)


# ---- is_causal -----------------------------------------------------------------------


def suspects(rng):
    for H, W in [(2, 2), (2, 3)]:
        D, shape = H * W, (H, W)
        honest = past_weights(rng, D)
        yield given(Net("honest", honest), shape)
        yield given(Net("blind", 0 * honest), shape)
        yield given(
            Net("its first layer with a mask B", past_weights(rng, D, 1)), shape
        )
        for row, column, where in [(0, D - 1, "first"), (D - 2, D - 1, "last")]:
            leak = honest.copy()
            leak[row, column] = 1
            yield given(Net(f"a tap to the future near the {where} pixel", leak), shape)
        leak = honest.copy()
        leak[D - 1, D - 1] = 1e-3
        yield given(Net("its last pixel sees itself, faintly", leak), shape)
        yield given(Net("a mask reversed", honest.T.copy()), shape)
        columns = np.arange(D).reshape(H, W).T.reshape(-1)
        other = np.zeros((D, D))
        other[np.ix_(columns, columns)] = honest
        yield given(Net("reading column by column", other), shape)
        yield given(Net("a leak that shows in white images only", honest, 1.0), shape)


def moves(f, shape, base, k):
    """Which outputs move when pixel k is flipped: boolean (H·W,)."""
    x = base.copy().reshape(1, 1, *shape)
    before = np.array(f(x)).reshape(-1)
    x.reshape(-1)[k] = 1 - x.reshape(-1)[k]
    return before != np.array(f(x)).reshape(-1)


def bases(shape, which="all"):
    black, white = np.zeros(shape), np.ones(shape)
    noise = [np.random.default_rng(s).integers(0, 2, shape) * 1.0 for s in range(3)]
    return {"black": [black], "all": [black, white, *noise]}[which]


def every(f, shape, forbidden, pixels=None, which="all"):
    """Whether no output of the range forbidden(k) moves with pixel k."""
    D = shape[0] * shape[1]
    return not any(
        moves(f, shape, base, k)[forbidden(k, D)].any()
        for base in bases(shape, which)
        for k in (range(D) if pixels is None else pixels(D))
    )


@exercise("is_causal", chapter="chapter06", inputs=suspects)
def is_causal(f, shape):
    return every(f, shape, lambda k, D: slice(0, k + 1))


is_causal.mistake(
    "letting an output see its own pixel",
    hint="Output k is a guess about pixel k. What does a mask B in the first layer do?",
)(lambda f, shape: every(f, shape, lambda k, D: slice(0, k)))

is_causal.mistake(
    "testing a single pixel in the middle",
    hint="A leak may sit at the border. Which pixels must be tried?",
)(lambda f, s: every(f, s, lambda k, D: slice(0, k + 1), lambda D: [D // 2]))

is_causal.mistake(
    "starting from a black image only",
    hint="A relu is silent for some inputs. From how many images do you start?",
)(lambda f, shape: every(f, shape, lambda k, D: slice(0, k + 1), which="black"))

is_causal.mistake(
    "looking at the outputs after the pixel, which may move",
    hint="Which outputs may depend on pixel k: those before it, or those after?",
)(lambda f, shape: every(f, shape, lambda k, D: slice(k + 1, D)))

is_causal.mistake(
    "the verdict turned round",
    hint="Should an honest network get True or False?",
)(lambda f, shape: not is_causal.reference(f, shape))


@is_causal.mistake(
    "a tolerance that lets faint leaks through",
    hint="A leak may be faint. How large is rounding, and how faint may a leak be?",
)
def _(f, shape):
    for base in bases(shape):
        for k in range(base.size):
            x = base.copy().reshape(1, 1, *shape)
            before = np.array(f(x)).reshape(-1)
            x.reshape(-1)[k] = 1 - x.reshape(-1)[k]
            moved = np.abs(np.array(f(x)).reshape(-1) - before) > 0.05
            if moved[: k + 1].any():
                return False
    return True


@is_causal.mistake(
    "pixels counted column by column",
    hint="In which order does the model draw: along a row, or down a column?",
)
def _(f, shape):
    turned = shape[::-1]
    return every(lambda x: f(x.swapaxes(2, 3)).swapaxes(2, 3), turned,
                 lambda k, D: slice(0, k + 1))  # fmt: skip


@is_causal.variant
def all_later_pixels_at_once(f, shape):
    rng, D = np.random.default_rng(3), shape[0] * shape[1]
    for k in range(D):
        x = rng.integers(0, 2, size=(60, D)).astype(float)
        other = x.copy()
        other[:, k:] = rng.integers(0, 2, size=(60, D - k))
        a, b = (np.asarray(f(z.reshape(60, 1, *shape))) for z in (x, other))
        if (a.reshape(60, D)[:, : k + 1] != b.reshape(60, D)[:, : k + 1]).any():
            return False
    return True


@is_causal.variant
def in_batches(f, shape):
    D = shape[0] * shape[1]
    for seed in range(10):
        base = np.random.default_rng(seed).random((1, D)) < 0.2 + 0.08 * seed
        flipped = (base ^ np.eye(D, dtype=bool)).astype(np.float32)
        before = np.asarray(f(base.astype(np.float32).reshape(1, 1, *shape)))
        after = np.asarray(f(flipped.reshape(D, 1, *shape))).reshape(D, D)
        moved = np.abs(after - before.reshape(1, D)) > 1e-9  # (pixel, output)
        if np.triu(moved.T).any():
            return False
    return True


@is_causal.variant
def backwards(f, shape):
    D = shape[0] * shape[1]
    return all(
        not moves(f, shape, base, k)[: k + 1].any()
        for k in reversed(range(D))
        for base in bases(shape)
    )


# ---- draw_pixels ---------------------------------------------------------------------


def logits_and_uniforms(rng):
    for N, H, W in [(1, 1, 2), (1, 2, 2), (2, 3, 4), (40, 4, 3)]:
        weights = 0.8 * np.tril(rng.normal(size=(H * W, H * W)), -1)
        net = Net("causal", weights, bias=rng.normal(size=H * W))
        yield given(net, rng.random((N, 1, H, W)))


def one(logits, u):
    """1 where u is below the probability that the logits give, else 0."""
    return (u * (1 + np.exp(-np.asarray(logits))) < 1).astype(float)


def drawn(f, u, order=None, value=one, at=0):
    """Pixel after pixel; the logit of pixel k is read at place k + at."""
    x, D = np.zeros(u.shape), u[0].size
    for k in range(D) if order is None else order:
        logits = np.asarray(f(x)).reshape(len(u), D)[:, (k + at) % D]
        x.reshape(len(u), D)[:, k] = value(logits, u.reshape(len(u), D)[:, k])
    return x


@exercise("draw_pixels", chapter="chapter06", inputs=logits_and_uniforms)
def draw_pixels(f, u):
    return drawn(f, u)


draw_pixels.mistake(
    "all pixels at once, from one look at a black image",
    hint="Pixel 1 is drawn. Where does the network learn what it has become?",
)(lambda f, u: one(f(np.zeros(u.shape)), u))

draw_pixels.mistake(
    "the more likely value every time, where one should be drawn",
    hint="A pixel is white with probability 0.3. How often should it be white?",
)(lambda f, u: drawn(f, u, value=lambda logits, _: (logits > 0).astype(float)))

draw_pixels.mistake(
    "white where u is above the probability",
    hint="How often is a uniform number below 0.9, and how often above?",
)(lambda f, u: drawn(f, u, value=lambda logits, v: 1 - one(logits, v)))

draw_pixels.mistake(
    "reading the logit one place too early",
    hint="Output k is about pixel k and sees the pixels before it. Why shift it again?",
)(lambda f, u: drawn(f, u, at=-1))

draw_pixels.mistake(
    "reading the logit one place too late",
    hint="Output k + 1 looks at pixel k. What is there when you read it?",
)(lambda f, u: drawn(f, u, at=1))

draw_pixels.mistake(
    "drawing down the columns",
    hint="Which neighbours does the network look at: are they drawn when it looks?",
)(lambda f, u: drawn(f, u, np.arange(u[0].size).reshape(u.shape[2:]).T.reshape(-1)))

draw_pixels.mistake(
    "logits taken for probabilities",
    hint="What turns a logit, any real number, into a probability?",
)(lambda f, u: drawn(f, u, value=lambda logits, v: (v < logits).astype(float)))


@draw_pixels.mistake(
    "whole rows at once",
    hint="Does a pixel look at its left neighbour? When is that one drawn?",
)
def _(f, u):
    x = np.zeros(u.shape)
    for i in range(u.shape[2]):
        x[:, :, i] = one(np.asarray(f(x))[:, :, i], u[:, :, i])
    return x


@draw_pixels.mistake(
    "feeding probabilities back in place of the pixels that were drawn",
    hint="The network was trained on images of zeros and ones. What do you show it?",
)
def _(f, u):
    p = drawn(f, u, value=lambda logits, _: 1 / (1 + np.exp(-logits)))
    return (u < p).astype(float)


@draw_pixels.variant
def by_rows_and_columns(f, u):
    x = np.zeros(u.shape, np.float32)
    for i in range(u.shape[2]):
        for j in range(u.shape[3]):
            p = 1 / (1 + np.exp(-f(x)[:, :, i, j]))
            x[:, :, i, j] = u[:, :, i, j] < p
    return x


@draw_pixels.variant
def image_by_image(f, u):
    return np.concatenate([drawn(f, v[None]) for v in u]).astype(np.uint8)


@draw_pixels.variant
def with_noise_beyond(f, u):
    """What has not been drawn does not matter."""
    x, D = np.random.default_rng(1).integers(0, 2, u.shape), u[0].size
    for k in range(D):
        i, j = divmod(k, u.shape[3])
        logit = np.asarray(f(x))[:, 0, i, j]
        x[:, 0, i, j] = logit > np.log(u[:, 0, i, j]) - np.log1p(-u[:, 0, i, j])
    return x
