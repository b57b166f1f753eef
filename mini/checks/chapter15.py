"""Exercises of chapter 15 on stamps and verdicts.

That on a game with momentum is in chapter15_games.py, those on batch norm and averages
in chapter15_norms.py.
"""

import numpy as np

from .frame import exercise

# ---- transposed_size -----------------------------------------------------------------


def layers_that_enlarge(rng):
    yield 3, 4, 2, 0, 0
    yield 7, 4, 2, 1, 0
    yield 7, 3, 2, 1, 1
    yield 1, 7, 1, 0, 0
    for _ in range(20):
        size, stride = rng.integers(1, 9), rng.integers(1, 5)
        kernel = stride + rng.integers(0, 5)
        padding, extra = rng.integers(0, (kernel + 1) // 2), rng.integers(0, stride)
        yield tuple(map(int, (size, kernel, stride, padding, extra)))


@exercise("transposed_size", inputs=layers_that_enlarge)
def transposed_size(size, kernel, stride, padding, extra):
    return stride * (size - 1) + kernel - 2 * padding + extra


transposed_size.mistake(
    "`size` steps in place of size − 1",
    hint="The first stamp begins at 0. Where does the last one begin?",
)(lambda n, k, s, p, a: s * n + k - 2 * p + a)

transposed_size.mistake(
    "exactly `stride` times as large",
    hint="The last stamp may reach further than the next one would begin. How long is"
    " it, and how much is cut off?",
)(lambda n, k, s, p, a: s * n)

transposed_size.mistake(
    "padding that makes the result larger",
    hint="For a convolution padding adds zeros. What happens to the ink that its"
    " transpose puts there?",
)(lambda n, k, s, p, a: s * (n - 1) + k + 2 * p + a)

transposed_size.mistake(
    "padding cut off at one end only",
    hint="How many ends has a line?",
)(lambda n, k, s, p, a: s * (n - 1) + k - p + a)

transposed_size.mistake(
    "leaving the output padding out",
    hint="Which argument have you not used?",
)(lambda n, k, s, p, a: s * (n - 1) + k - 2 * p)

transposed_size.mistake(
    "output padding at both ends",
    hint="Rounding down swallowed some cells at one end. At how many ends are they"
    " given back?",
)(lambda n, k, s, p, a: s * (n - 1) + k - 2 * p + 2 * a)

transposed_size.mistake(
    "the size of a convolution, which makes the image smaller",
    hint="Your formula goes from large to small. Which way does the transpose go?",
)(lambda n, k, s, p, a: (n + 2 * p - k) // s + 1)


@transposed_size.variant
def by_counting_cells(size, kernel, stride, padding, extra):
    inked = {stride * i + k for i in range(size) for k in range(kernel)}
    return max(inked) + 1 - 2 * padding + extra


@transposed_size.variant
def by_the_last_stamp(size, kernel, stride, padding, extra):
    begins = [stride * i for i in range(size)]
    return begins[-1] + kernel - padding - padding + extra


@transposed_size.variant
def by_what_a_convolution_needs(size, kernel, stride, padding, extra):
    image = kernel - 2 * padding
    while (image + 2 * padding - kernel) // stride + 1 < size:
        image += 1
    return image + extra


# ---- stamps_per_pixel ----------------------------------------------------------------


def lines_to_ink(rng):
    yield 1, 3, 2
    yield 4, 3, 2
    yield 4, 4, 2
    yield 5, 2, 3
    yield 3, 3, 1
    for _ in range(12):
        yield tuple(map(int, rng.integers((1, 1, 1), (7, 8, 5))))


def counted(size, kernel, stride, add=True):
    ink = np.zeros(stride * (size - 1) + kernel, int)
    for begin in range(0, stride * size, stride):
        ink[begin : begin + kernel] += 1
    return ink if add else np.minimum(ink, 1)


@exercise("stamps_per_pixel", inputs=lines_to_ink)
def stamps_per_pixel(size, kernel, stride):
    return counted(size, kernel, stride)


stamps_per_pixel.mistake(
    "every cell counted once, however often it is stamped",
    hint="Two stamps overlap. How many layers of ink lie there?",
)(lambda n, k, s: counted(n, k, s, add=False))

stamps_per_pixel.mistake(
    "stamps set side by side, one cell apart whatever the stride",
    hint="Where does the second stamp begin?",
)(lambda n, k, s: counted(n, k, 1))

stamps_per_pixel.mistake(
    "stride and kernel exchanged",
    hint="Which of the two is the stamp's length, and which the way it moves?",
)(lambda n, k, s: counted(n, s, k))

stamps_per_pixel.mistake(
    "a result exactly `stride` times as long as the input",
    hint="Where does the last stamp begin, and where does it end?",
)(lambda n, k, s: np.resize(
    np.append(counted(n, k, s), np.zeros(s * n, int)), s * n))  # fmt: skip

stamps_per_pixel.mistake(
    "as many layers everywhere as in the middle",
    hint="How many stamps reach the very first cell?",
)(lambda n, k, s: np.full(s * (n - 1) + k, -(-k // s)))

stamps_per_pixel.mistake(
    "one stamp too few",
    hint="How many numbers are there, and how many stamps did you set down?",
)(lambda n, k, s: np.append(
    counted(n - 1, k, s), np.zeros(s, int)) if n > 1 else np.zeros(k, int))  # fmt: skip


@stamps_per_pixel.variant
def by_convolving(size, kernel, stride):
    begins = np.zeros(stride * (size - 1) + 1, int)
    begins[::stride] = 1
    return np.convolve(begins, np.ones(kernel, int))


@stamps_per_pixel.variant
def by_asking_every_cell(size, kernel, stride):
    cells = np.arange(stride * (size - 1) + kernel)[:, None]
    begins = stride * np.arange(size)
    return ((begins <= cells) & (cells < begins + kernel)).sum(axis=1)


@stamps_per_pixel.variant
def tap_by_tap(size, kernel, stride):
    ink = np.zeros(stride * (size - 1) + kernel, int)
    for k in range(kernel):
        ink[k : k + stride * (size - 1) + 1 : stride] += 1
    return ink


# ---- right_calls ---------------------------------------------------------------------


def verdicts_on_both(rng):
    yield np.array([2.0, -1.0, 0.25]), np.array([-2.0, 0.5, 0.25, -0.125, -1.0])
    for N, M, shift in [(6, 3, 0.4), (9, 14, -0.4), (20, 7, 1.0), (5, 8, 3.0)]:
        yield shift + rng.normal(size=N), rng.normal(size=M) - 0.6


@exercise("right_calls", inputs=verdicts_on_both)
def right_calls(real, fake):
    return (real > 0).mean(), (fake < 0).mean()


right_calls.mistake(
    "a threshold of ½, as if the verdicts were probabilities",
    hint="The sigmoid is ½ at which logit?",
)(lambda real, fake: ((real > 0.5).mean(), (fake < 0.5).mean()))

right_calls.mistake(
    "how often each pile is taken for real",
    hint="A forgery that is called real: is that a right call?",
)(lambda real, fake: ((real > 0).mean(), (fake > 0).mean()))

right_calls.mistake(
    "both shares for the opposite calls",
    hint="Is a high logit for real, or for forged?",
)(lambda real, fake: ((real < 0).mean(), (fake > 0).mean()))

right_calls.mistake(
    "one share over both piles",
    hint="A critic who calls everything real is right on half of all. What would you"
    " like to see of it?",
)(lambda real, fake: np.append(real > 0, fake < 0).mean())

right_calls.mistake(
    "counts in place of shares",
    hint="The two piles may differ in size. What makes their figures comparable?",
)(lambda real, fake: ((real > 0).sum(), (fake < 0).sum()))

right_calls.mistake(
    "shares of both piles together",
    hint="If the critic is right on all real ones, the first share is 1. What is"
    " yours?",
)(lambda real, fake: (
    (real > 0).sum() / (len(real) + len(fake)),
    (fake < 0).sum() / (len(real) + len(fake))))  # fmt: skip

right_calls.mistake(
    "mean probabilities, not shares of calls",
    hint="A call is a decision. Which one does a logit of 0.1 make?",
)(lambda real, fake: ((1 / (1 + np.exp(-real))).mean(),
                      (1 / (1 + np.exp(fake))).mean()))  # fmt: skip


@right_calls.variant
def by_probabilities(real, fake):
    p, q = (1 / (1 + np.exp(-d)) for d in (real, fake))
    return (p > 0.5).sum() / len(p), 1 - (q >= 0.5).sum() / len(q)


@right_calls.variant
def by_signs(real, fake):
    return ((np.sign(real) + 1) / 2).mean(), ((1 - np.sign(fake)) / 2).mean()


@right_calls.variant
def one_by_one(real, fake):
    right = [sum(1 for d in pile if d > 0) for pile in (real, -fake)]
    return right[0] / len(real), right[1] / len(fake)
