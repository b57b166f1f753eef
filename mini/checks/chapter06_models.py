"""Exercises of chapter 6 on counting and measuring: weights_left, binary_bits."""

import numpy as np

from .frame import exercise

# ---- weights_left --------------------------------------------------------------------


def networks(rng):
    yield 3, 1, 1, 3, 1
    yield 7, 4, 0, 3, 8
    yield 7, 24, 9, 3, 64
    for _ in range(10):
        first, kernel = (2 * rng.integers(1, 5, size=2) + 1).tolist()
        channels, blocks, hidden = rng.integers(1, 40, size=3).tolist()
        yield first, channels, blocks, kernel, hidden


def past(size, kind):
    return size * size // 2 + (kind == "B")


def counted(first, C, blocks, kernel, hidden, a=None, b=None, *, gate=2, ones=1):
    """All weights, if a first layer has a taps and a block's b."""
    a = past(first, "A") if a is None else a
    b = past(kernel, "B") if b is None else b
    block = C * gate * C * b + ones * C * C
    return C * a + blocks * block + ones * (C * hidden + hidden)


@exercise("weights_left", chapter="chapter06", inputs=networks)
def weights_left(first_size, channels, blocks, kernel_size, hidden):
    return counted(first_size, channels, blocks, kernel_size, hidden)


weights_left.mistake(
    "counting the masked weights too",
    hint="Which weights never meet a pixel, whatever their value?",
)(lambda f, C, n, k, h: counted(f, C, n, k, h, f * f, k * k))

weights_left.mistake(
    "a block whose convolution makes as many channels as it gets",
    hint="The gate multiplies two halves. How many channels must be there before it?",
)(lambda f, C, n, k, h: counted(f, C, n, k, h, gate=1))

weights_left.mistake(
    "leaving the 1×1 layers out",
    hint="A block ends in a 1×1 layer, and the network in two. Are they masked?",
)(lambda f, C, n, k, h: counted(f, C, n, k, h, ones=0))

weights_left.mistake(
    "a centre in the first layer",
    hint="What is the kind of the first layer's mask, and what does it hide?",
)(lambda f, C, n, k, h: counted(f, C, n, k, h, past(f, "B")))

weights_left.mistake(
    "no centre in the blocks",
    hint="What is the kind of the blocks' masks? May they look at their own place?",
)(lambda f, C, n, k, h: counted(f, C, n, k, h, None, past(k, "A")))

weights_left.mistake(
    "a block's 1 × 1 layer that takes both halves of the gate's channels",
    hint="The gate multiplies one half by the other. How many channels are left?",
)(lambda f, C, n, k, h: counted(f, C, n, k, h) + n * C * C)

weights_left.mistake(
    "as many outputs as hidden channels",
    hint="How many numbers does the network give for each pixel?",
)(lambda f, C, n, k, h: counted(f, C, n, k, h) + h * h - h)

weights_left.mistake(
    "counting one block only",
    hint="How many blocks are there?",
)(lambda f, C, n, k, h: counted(f, C, 1, k, h))


@weights_left.variant
def by_masks(first_size, channels, blocks, kernel_size, hidden):
    def left(kind, inputs, outputs, size):
        seen = np.arange(size * size) < size * size // 2 + (kind == "B")
        return int(np.broadcast_to(seen, (outputs, inputs, size * size)).sum())

    total = left("A", 1, channels, first_size) + left("B", channels, hidden, 1)
    for _ in range(blocks):
        total += left("B", channels, 2 * channels, kernel_size)
        total += left("B", channels, channels, 1)
    return total + left("B", hidden, 1, 1)


@weights_left.variant
def in_one_line(f, C, n, k, h):
    return C * (f * f - 1) // 2 + n * C * C * (k * k + 2) + h * (C + 1)


@weights_left.variant
def in_floats(f, C, n, k, h):
    return C * (f**2 - 1) / 2 + n * (2 * C**2 * (k**2 + 1) / 2 + C**2) + C * h + h


# ---- binary_bits ---------------------------------------------------------------------


def logits_and_pixels(rng):
    for N, H, W, scale in [(1, 1, 2, 1), (1, 2, 2, 3), (3, 4, 5, 3), (2, 3, 3, 2000)]:
        logits = scale * rng.normal(size=(N, 1, H, W))
        yield logits, (rng.random((N, 1, H, W)) < 0.5).astype(float)


def nats_of(logits, x):
    return np.logaddexp(0, logits) - logits * x


@exercise("binary_bits", chapter="chapter06", inputs=logits_and_pixels)
def binary_bits(logits, x):
    return nats_of(logits, x).mean(axis=(1, 2, 3)) / np.log(2)


binary_bits.mistake(
    "nats where bits were asked for",
    hint="How many nats are one bit?",
)(lambda logits, x: nats_of(logits, x).mean(axis=(1, 2, 3)))

binary_bits.mistake(
    "bits per image",
    hint="Per dimension means per pixel: how many pixels are there?",
)(lambda logits, x: nats_of(logits, x).sum(axis=(1, 2, 3)) / np.log(2))

binary_bits.mistake(
    "one number for the whole batch",
    hint="Each image has a code length of its own. Over which axes is the mean?",
)(lambda logits, x: nats_of(logits, x).mean() / np.log(2))

binary_bits.mistake(
    "log-probabilities without the minus sign",
    hint="Can a code have a negative length?",
)(lambda logits, x: -nats_of(logits, x).mean(axis=(1, 2, 3)) / np.log(2))

binary_bits.mistake(
    "multiplying by ln 2",
    hint="A fair coin costs 1 bit, or 0.69 nats. Which is the larger number?",
)(lambda logits, x: nats_of(logits, x).mean(axis=(1, 2, 3)) * np.log(2))


binary_bits.mistake(
    "equation (2) as it stands",
    hint="Bits for nats, and a mean for a sum: which of the two changes is made?",
)(lambda logits, x: nats_of(logits, x).sum(axis=(1, 2, 3)))


@binary_bits.mistake(
    "probabilities kept away from 0 and 1",
    hint="What is log(1 − p) for a logit of 400 if p may not come nearer to 1 than"
    " 1e-12? What should it be?",
)
def _(logits, x):
    p = np.clip(1 / (1 + np.exp(-np.clip(logits, -700, 700))), 1e-12, 1 - 1e-12)
    nats = -(x * np.log(p) + (1 - x) * np.log(1 - p))
    return nats.mean(axis=(1, 2, 3)) / np.log(2)


@binary_bits.mistake(
    "a logarithm of a probability that has been rounded to 0 or 1",
    hint="What is the sigmoid of 400 in floating point, and 1 minus it?",
)
def _(logits, x):
    p = 1 / (1 + np.exp(-logits))
    log_prob = np.where(x == 1, np.log(p), np.log(1 - p))
    return -log_prob.mean(axis=(1, 2, 3)) / np.log(2)


@binary_bits.mistake(
    "black and white exchanged",
    hint="The sigmoid of the logit is the probability of which value, 0 or 1?",
)
def _(logits, x):
    return nats_of(logits, 1 - x).mean(axis=(1, 2, 3)) / np.log(2)


@binary_bits.mistake(
    "logits taken for probabilities",
    hint="What turns a logit, any real number, into a probability?",
)
def _(logits, x):
    p = np.clip(logits, 1e-7, 1 - 1e-7)
    log_prob = x * np.log(p) + (1 - x) * np.log(1 - p)
    return -log_prob.mean(axis=(1, 2, 3)) / np.log(2)


@binary_bits.variant
def with_signs(logits, x):
    turned = np.where(x > 0.5, -logits, logits)  # the logit of the value that was not
    nats = np.maximum(turned, 0) + np.log1p(np.exp(-np.abs(turned)))
    return nats.reshape(len(x), -1).mean(axis=1) / np.log(2)


@binary_bits.variant
def in_base_two(logits, x):
    bits = np.logaddexp2(0, (1 - 2 * x) * logits / np.log(2))
    return bits.sum(axis=(1, 2, 3)) / x[0].size


@binary_bits.variant
def both_values(logits, x):
    log_one, log_zero = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
    return -np.where(x == 1, log_one, log_zero).mean((1, 2, 3)) / np.log(2)
