"""Exercises of chapter 12 that measure: gaps, sharpness, the Gaussian's best answer."""

import numpy as np

from .frame import exercise, given, number

# ---- gaps ----------------------------------------------------------------------------


def information_and_entropies(rng):
    yield given(np.array([[0.9, 0.1], [0.3, 0.6]]), np.array([1.0, 2.0]))
    for latents, factors in [(3, 3), (6, 4), (4, 6)]:
        information = rng.gamma(1, 0.5, size=(latents, factors))
        yield given(information, information.max(0) + rng.uniform(0.2, 2, factors))


def top_two(information, axis=0):
    ordered = np.sort(information, axis=axis)
    return np.take(ordered, -1, axis), np.take(ordered, -2, axis)


@exercise("gaps", chapter="chapter12", inputs=information_and_entropies)
def gaps(information, entropies):
    first, second = top_two(information)
    return (first - second) / entropies


gaps.mistake(
    "not dividing by the factor's entropy",
    hint="A factor with two values can never have more than ln 2 nats. How do you make"
    " it comparable with one of twenty values?",
)(lambda information, entropies: np.subtract(*top_two(information)))

gaps.mistake(
    "comparing the factors of a latent, not the latents of a factor",
    hint="For each factor: which latent knows most about it, and which knows second"
    " most? Along which axis is that?",
)(lambda information, entropies: np.subtract(*top_two(information, 1)) / entropies)

gaps.mistake(
    "the best latent alone, without the second best",
    hint="Two latents that both hold the factor: is that a gap?",
)(lambda information, entropies: information.max(0) / entropies)

gaps.mistake(
    "the largest less the smallest",
    hint="The gap is between the best latent and its nearest rival. Who is that?",
)(lambda information, entropies: np.ptp(information, 0) / entropies)

gaps.mistake(
    "the largest less the mean",
    hint="The gap is between the best latent and its nearest rival. Who is that?",
)(lambda information, H: (information.max(0) - information.mean(0)) / H)

gaps.mistake(
    "the gap turned round",
    hint="Can the best latent know less than the second best?",
)(lambda information, H: -np.subtract(*top_two(information)) / H)

gaps.mistake(
    "the mean over the factors",
    hint="One number for each factor was asked for. Why is that worth having?",
)(lambda information, H: (np.subtract(*top_two(information)) / H).mean())


@gaps.mistake(
    "dividing by the largest information, not by the entropy",
    hint="A latent that knows 0.01 nats where the others know nothing: has it captured"
    " the factor?",
)
def _(information, entropies):
    first, second = top_two(information)
    return (first - second) / first


@gaps.variant
def with_partition(information, entropies):
    ordered = np.partition(information / entropies, -2, axis=0)
    return ordered[-1] - ordered[-2]


@gaps.variant
def by_striking_out(information, entropies):
    rest, best = information.copy(), information.argmax(0)
    columns = np.arange(information.shape[1])
    rest[best, columns] = -np.inf
    return (information[best, columns] - rest.max(0)) / entropies


@gaps.variant
def factor_by_factor(information, entropies):
    found = []
    for column, entropy in zip(information.T, entropies, strict=True):
        second, first = sorted(column)[-2:]
        found.append((first - second) / entropy)
    return np.array(found)


# ---- sharpness -----------------------------------------------------------------------


def pictures(rng):
    """Bytes, with whole steps of brightness both ways, so that bytes wrap around."""
    yield given(np.array([[[[0, 200], [50, 0]]]], np.uint8))
    for N, C, H, W in [(1, 1, 3, 4), (2, 3, 4, 4), (3, 3, 6, 5)]:
        yield given(rng.integers(0, 256, size=(N, C, H, W), dtype=np.uint8))


def steps(x):
    """Differences between neighbours: to the right, and down."""
    return x[..., 1:] - x[..., :-1], x[:, :, 1:] - x[:, :, :-1]


def scaled(images):
    return images.astype(float) / 255


def mean_of(x):
    return x.mean(axis=(1, 2, 3))


def energy(x, measure=np.square):
    right, down = (mean_of(measure(part)) for part in steps(x))
    return right + down


@exercise("sharpness", chapter="chapter12", inputs=pictures)
def sharpness(images):
    return energy(scaled(images))


sharpness.mistake(
    "differences of bytes, which wrap around",
    hint="What is np.uint8(3) - np.uint8(5)? What should the images become first?",
)(lambda images: sum(mean_of((d / 255) ** 2) for d in steps(images)))

sharpness.mistake(
    "differences of bytes, which wrap around, on the scale of bytes",
    hint="What is np.uint8(3) - np.uint8(5)? What should the images become first?",
)(lambda images: sum(mean_of(d.astype(float) ** 2) for d in steps(images)))

sharpness.mistake(
    "bytes not divided by 255",
    hint="On which scale were the differences to be taken?",
)(lambda images: energy(images.astype(float)))

sharpness.mistake(
    "only the differences along the rows",
    hint="A horizontal edge: which two of its pixels differ?",
)(lambda images: mean_of(steps(scaled(images))[0] ** 2))

sharpness.mistake(
    "only the differences down the columns",
    hint="A vertical edge: which two of its pixels differ?",
)(lambda images: mean_of(steps(scaled(images))[1] ** 2))

sharpness.mistake(
    "sizes in place of squares",
    hint="A sharp edge and the same edge spread over two pixels have the same sum of"
    " |differences|. And of squares?",
)(lambda images: energy(scaled(images), np.abs))

sharpness.mistake(
    "a sum over the pixels",
    hint="Should a picture of twice the size count as twice as sharp?",
)(lambda images: sum((d**2).sum(axis=(1, 2, 3)) for d in steps(scaled(images))))

sharpness.mistake(
    "one number for all images",
    hint="(N, C, H, W) → (N,): over which axes is the mean?",
)(lambda images: energy(scaled(images)).mean())

sharpness.mistake(
    "the mean of the two directions, not their sum",
    hint="|∇x|² is the square of the one difference plus the square of the other. Is"
    " there a half in it?",
)(lambda images: 0.5 * energy(scaled(images)))

sharpness.mistake(
    "the square root",
    hint="The mean of the squares was asked for. What did you do last?",
)(lambda images: np.sqrt(energy(scaled(images))))

sharpness.mistake(
    "differences that wrap around the image's border",
    hint="np.roll brings the left border to the right one. Are they neighbours?",
)(
    lambda images: sum(
        mean_of((np.roll(scaled(images), -1, axis) - scaled(images)) ** 2)
        for axis in (2, 3)
    )
)


@sharpness.variant
def with_diff(images):
    x = images / 255
    right, down = np.diff(x, axis=3), np.diff(x, axis=2)
    return (right**2).mean((1, 2, 3)) + (down**2).mean((1, 2, 3))


@sharpness.variant
def the_other_way_round(images):
    x = images.astype(np.float32)
    left, up = x[..., :-1] - x[..., 1:], x[:, :, :-1] - x[:, :, 1:]
    return (np.mean(left**2, (1, 2, 3)) + np.mean(up**2, (1, 2, 3))) / 255**2


@sharpness.variant
def image_by_image(images):
    found = []
    for image in images:
        x = image.astype(int)
        right, down = x[:, :, 1:] - x[:, :, :-1], x[:, 1:] - x[:, :-1]
        found.append(((right**2).mean() + (down**2).mean()) / 255**2)
    return np.array(found)


# ---- best_gaussian -------------------------------------------------------------------


def images_of_one_code(rng):
    for N, C, H, W in [(2, 1, 1, 2), (4, 3, 2, 2), (7, 3, 4, 3), (5, 2, 3, 5)]:
        middle, colours = rng.random((C, H, W)), rng.uniform(0.05, 0.4, (C, 1, 1))
        yield given(middle + colours * rng.normal(size=(N, C, H, W)))


@exercise("best_gaussian", chapter="chapter12", inputs=images_of_one_code)
def best_gaussian(images):
    mean = images.mean(axis=0)
    return mean, np.sqrt(((images - mean) ** 2).mean(axis=(0, 2, 3)))


best_gaussian.mistake(
    "variances for scales",
    hint="A Normal's scale has the unit of the pixels. Which unit has yours?",
)(lambda x: (x.mean(0), ((x - x.mean(0)) ** 2).mean((0, 2, 3))))

best_gaussian.mistake(
    "a scale for every pixel",
    hint="The decoder has one scale for each colour. Over what else is the mean?",
)(lambda x: (x.mean(0), x.std(0)))

best_gaussian.mistake(
    "one scale for all colours",
    hint="Each colour has a scale of its own. Over which axes is the mean?",
)(lambda x: (x.mean(0), ((x - x.mean(0)) ** 2).mean() ** 0.5))

best_gaussian.mistake(
    "spread around a colour's mean level, not around the mean image",
    hint="The decoder knows the mean of every pixel. What is left for the noise?",
)(lambda x: (x.mean(0), x.std((0, 2, 3))))

best_gaussian.mistake(
    "dividing by N − 1",
    hint="Which scale makes the images most probable: that is a mean over how many?",
)(lambda x: (x.mean(0), np.sqrt(x.var(0, ddof=1).mean((1, 2)))))

best_gaussian.mistake(
    "the median image, which is the best answer for |differences|",
    hint="What minimises a sum of squares: the mean or the median?",
)(lambda x: (np.median(x, 0), np.sqrt(((x - np.median(x, 0)) ** 2).mean((0, 2, 3)))))

best_gaussian.mistake(
    "the mean of the pixels' standard deviations",
    hint="Variances may be averaged. May their roots?",
)(lambda x: (x.mean(0), x.std(0).mean((1, 2))))

best_gaussian.mistake(
    "the mean size of the differences, as for a Laplace curve",
    hint="In a Gaussian's logarithm stands a square. Of what is σ² the mean?",
)(lambda x: (x.mean(0), np.abs(x - x.mean(0)).mean((0, 2, 3))))


@best_gaussian.variant
def from_variances(images):
    return images.mean(axis=0), np.sqrt(images.var(axis=0).mean(axis=(1, 2)))


@best_gaussian.variant
def from_squares(images):
    mean = images.sum(axis=0) / len(images)
    return mean, np.sqrt((images**2).mean((0, 2, 3)) - (mean**2).mean((1, 2)))


@best_gaussian.variant
def colour_by_colour(images):
    N, C, H, W = images.shape
    mean, scale = np.zeros((C, H, W)), np.zeros(C)
    for c in range(C):
        for image in images:
            mean[c] += image[c] / N
        for image in images:
            scale[c] += ((image[c] - mean[c]) ** 2).sum() / (N * H * W)
    return mean, scale**0.5


# ---- hidden_beta ---------------------------------------------------------------------

hidden_beta = number(
    "hidden_beta",
    3072.0,
    chapter="chapter12",
    mistakes={
        "the other way round": (
            1 / 3072,
            "The fit has become 3,072 times smaller and the KL has not. Which of the"
            " two weighs too much?",
        ),
        "forgetting the colours": (
            1024.0,
            "How many numbers has an image of 32 × 32 pixels in three colours?",
        ),
        "counting the latents": (
            20.0,
            "The KL was summed, as it should be. Over what was the fit averaged?",
        ),
        "as if the KL had been averaged too": (
            3072 / 20,
            "The KL was summed, as it should be. Over what was the fit averaged?",
        ),
        "1/20, as if the KL had been averaged": (
            0.05,
            "The KL was summed, as it should be. Over what was the fit averaged?",
        ),
    },
)

hidden_beta.variant(lambda: 3 * 32 * 32)
hidden_beta.variant(lambda: np.prod([3.0, 32.0, 32.0]))
hidden_beta.variant(lambda: np.ones((3, 32, 32)).sum())
