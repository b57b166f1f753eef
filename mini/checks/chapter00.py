"""Exercises of chapter 0: pixels as numbers, and digits drawn near a digit."""

import numpy as np

from .frame import exercise, number

# ---- to_unit -------------------------------------------------------------------------


def raw_images(rng):
    yield (np.array([[[[0, 255]]]], np.uint8),)
    for N in (1, 3):
        yield (rng.integers(0, 256, (N, 1, 4, 5), dtype=np.uint8),)


@exercise("to_unit", inputs=raw_images, dtype=True)
def to_unit(images):
    return images.astype(np.float32) / np.float32(255)


to_unit.mistake(
    "dividing by 256",
    hint="What does the brightest pixel, 255, become? What should it become?",
)(lambda x: x.astype(np.float32) / np.float32(256))

to_unit.mistake(
    "whole-number division",
    hint="What is 254 // 255?",
)(lambda x: (x // 255).astype(np.float32))

to_unit.mistake(
    "pixels between −1 and 1",
    hint="That is another common convention. What does it make of a black pixel?",
)(lambda x: x.astype(np.float32) / np.float32(127.5) - 1)


@to_unit.variant
def _(images):
    return np.multiply(images, np.float32(1 / 255), dtype=np.float32)


@to_unit.variant
def _(images):
    return (images / 255).astype(np.float32)  # by way of float64


@to_unit.variant
def _(images):
    return np.linspace(0, 1, 256, dtype=np.float32)[images]  # looked up in a table


# ---- contact_sheet -------------------------------------------------------------------


def stacks(rng):
    for rows, columns, H, W in [(1, 2, 1, 1), (2, 2, 2, 3), (2, 3, 4, 3)]:
        yield rng.random((rows * columns, H, W)), columns


@exercise("contact_sheet", inputs=stacks)
def contact_sheet(images, columns):
    N, H, W = images.shape
    tiles = images.reshape(N // columns, columns, H, W)
    return tiles.transpose(0, 2, 1, 3).reshape(N // columns * H, columns * W)


@contact_sheet.mistake(
    "reshaping straight away",
    hint="Which pixel lies right of the last one of the first image's first row?",
)
def _(images, columns):
    N, H, W = images.shape
    return images.reshape(N // columns * H, columns * W)


@contact_sheet.mistake(
    "filling column by column",
    hint="Where should image number 1 stand: right of image 0, or below it?",
)
def _(images, columns):
    N, H, W = images.shape
    tiles = images.reshape(columns, N // columns, H, W).transpose(1, 2, 0, 3)
    return tiles.reshape(N // columns * H, columns * W)


@contact_sheet.mistake(
    "turning every image on its side",
    hint="In which order do a tile's own rows and columns come in the sheet?",
)
def _(images, columns):
    N, H, W = images.shape
    tiles = images.reshape(N // columns, columns, H, W).transpose(0, 3, 1, 2)
    return tiles.reshape(N // columns * W, columns * H)


@contact_sheet.variant
def _(images, columns):
    rows = range(0, len(images), columns)
    return np.vstack([np.hstack(list(images[i : i + columns])) for i in rows])


@contact_sheet.variant
def _(images, columns):
    W = images.shape[2]
    return np.hstack([images[c::columns].reshape(-1, W) for c in range(columns)])


@contact_sheet.variant
def _(images, columns):
    N, H, W = images.shape
    sheet = np.zeros((N // columns * H, columns * W))
    for n in range(N):
        top, left = n // columns * H, n % columns * W
        sheet[top : top + H, left : left + W] = images[n]
    return sheet


# ---- nearest -------------------------------------------------------------------------


def needle_and_haystack(rng):
    for N in (2, 5, 40):
        yield (
            rng.integers(0, 256, (1, 3, 3), dtype=np.uint8),
            rng.integers(0, 256, (N, 1, 3, 3), dtype=np.uint8),
        )


@exercise("nearest", inputs=needle_and_haystack)
def nearest(image, images):
    away = images.astype(np.float64) - image
    return int((away**2).sum(axis=(1, 2, 3)).argmin())


@nearest.mistake(
    "subtracting bytes",
    hint="What is np.uint8(3) - np.uint8(5)?",
)
def _(image, images):
    return int(((images - image) ** 2).sum(axis=(1, 2, 3)).argmin())


@nearest.mistake(
    "adding up the differences without a square or a sign",
    hint="Half the pixels are 50 too bright, half 50 too dark. What is the sum?",
)
def _(image, images):
    return int((images.astype(float) - image).sum(axis=(1, 2, 3)).argmin())


@nearest.mistake(
    "the farthest image",
    hint="Is a small distance near or far?",
)
def _(image, images):
    away = images.astype(float) - image
    return int((away**2).sum(axis=(1, 2, 3)).argmax())


@nearest.variant
def _(image, images):
    away = images.reshape(len(images), -1).astype(int) - image.reshape(-1).astype(int)
    return np.argmin(np.linalg.norm(away, axis=1))


@nearest.variant
def _(image, images):
    away = images - image.astype(np.float32)
    return np.einsum("nchw,nchw->n", away, away).argsort()[0]


@nearest.variant
def _(image, images):
    wanted = [int(v) for v in image.ravel()]
    costs = []
    for other in images:
        pairs = zip(wanted, other.ravel().tolist(), strict=True)
        costs.append(sum((a - b) ** 2 for a, b in pairs))
    return float(costs.index(min(costs)))


# ---- draw_near -----------------------------------------------------------------------


def relatives(rng):
    for n, D, k in [(3, 2, 1), (6, 5, 2), (20, 9, 4)]:
        yield rng.random((n, D)), rng.standard_normal(k)


def with_our_signs(attempt, relatives, z):
    """attempt(relatives, z), as if its directions pointed the same way as ours.

    A direction may point either way: z[j] is as often negative as positive, and the law
    of what is drawn is the same. An attempt whose direction j is minus ours gets −z[j].
    """
    mean, signs = relatives.mean(axis=0), np.ones(len(z))
    directions = np.linalg.svd(relatives - mean, full_matrices=False)[2]
    for j, one in enumerate(np.eye(len(z))):
        both = [attempt(relatives.copy(), way) for way in (one, -one)]
        if all(isinstance(x, np.ndarray) and x.shape == mean.shape for x in both):
            ahead, back = (x @ directions[j] for x in both)
            signs[j] = -1 if ahead < back else 1
    return attempt(relatives, signs * z)


@exercise("draw_near", inputs=relatives, run=with_our_signs)
def draw_near(relatives, z):
    mean = relatives.mean(axis=0)
    _, s, directions = np.linalg.svd(relatives - mean, full_matrices=False)
    k = len(z)
    return mean + (z * s[:k] / np.sqrt(len(relatives))) @ directions[:k]


@draw_near.mistake(
    "leaving out the division by the square root of n",
    hint="How do the singular values change if every image is given twice? And the"
    " spread of the images?",
)
def _(relatives, z):
    mean = relatives.mean(axis=0)
    _, s, directions = np.linalg.svd(relatives - mean, full_matrices=False)
    return mean + (z * s[: len(z)]) @ directions[: len(z)]


@draw_near.mistake(
    "dividing by n and not by its square root",
    hint="A variance is divided by n. Is a singular value a variance?",
)
def _(relatives, z):
    mean = relatives.mean(axis=0)
    _, s, directions = np.linalg.svd(relatives - mean, full_matrices=False)
    return mean + (z * s[: len(z)] / len(relatives)) @ directions[: len(z)]


@draw_near.mistake(
    "forgetting to add the mean",
    hint="Where do you land when z is all zeros?",
)
def _(relatives, z):
    mean = relatives.mean(axis=0)
    _, s, directions = np.linalg.svd(relatives - mean, full_matrices=False)
    return (z * s[: len(z)] / np.sqrt(len(relatives))) @ directions[: len(z)]


@draw_near.mistake(
    "directions of the images themselves, not of their differences from the mean",
    hint="If all images were alike, how far should a draw stray from them?",
)
def _(relatives, z):
    mean = relatives.mean(axis=0)
    _, s, directions = np.linalg.svd(relatives, full_matrices=False)
    k = len(z)
    return mean + (z * s[:k] / np.sqrt(len(relatives))) @ directions[:k]


@draw_near.variant
def _(relatives, z):
    mean = relatives.mean(axis=0)
    spread = (relatives - mean) / np.sqrt(len(relatives))
    _, s, directions = np.linalg.svd(spread, full_matrices=False)
    return mean + sum(a * b * d for a, b, d in zip(z, s, directions, strict=False))


@draw_near.variant
def _(relatives, z):
    variances, v = np.linalg.eigh(np.cov(relatives.T, bias=True))  # the largest last
    spreads = np.sqrt(np.maximum(variances[::-1][: len(z)], 0))
    return relatives.mean(0) + v[:, ::-1][:, : len(z)] @ (z * spreads)


@draw_near.variant
def _(relatives, z):
    n, k = len(relatives), len(z)
    columns = relatives.T - relatives.mean(axis=0)[:, None]
    u, s, _ = np.linalg.svd(columns)
    return relatives.mean(axis=0) + u[:, :k] @ (z * s[:k]) / n**0.5


# ---- a number ------------------------------------------------------------------------

digits_of_all_images = number(
    "digits_of_all_images",
    237,
    mistakes={
        "giving the power of two": (784, "That is how many binary digits. Decimal?"),
        "forgetting that 10 already has two digits": (
            236,
            "How many digits has 100 = 10²?",
        ),
        "counting grey images, of 256 levels": (1889, "How many values has a pixel?"),
        "the natural logarithm": (544, "Which logarithm counts decimal digits?"),
        "giving the number of images itself": (
            float(2**784),
            "How many digits has it when you write it out?",
        ),
    },
)

digits_of_all_images.variant(lambda: len(str(2**784)))
digits_of_all_images.variant(lambda: np.ceil(784 * np.log10(2)))
digits_of_all_images.variant(lambda: 1.0 + 784 // np.log2(10))
