"""`python -m benchmarks.digits`: how near drawn digits are to real ones.

    python -m benchmarks.digits [--seeds N] [--write]

Two tables. The first has the samples of trained models beside real digits that none of
them saw, and what other real digits get beside these. The second has the losses of
GANs, each with small networks, 600 rounds and the same rates, once for each seed; what
holds the discriminator changes with the loss. Every figure is of 10,000 digits beside
MNIST's 10,000 test images, with the features of classifier-mnist. With --write the
tables go into README.md between their marks.
"""

import argparse
import time

import numba
import numpy as np
from scipy.special import softmax

from benchmarks.__main__ import write
from benchmarks.points import Sitting, spread
from mini import adversarial, data, metrics, zoo
from mini.models.gan import Discriminator, Generator
from mini.zoo import gans

SAMPLES = "<!-- samples:begin -->", "<!-- samples:end -->"
LOSSES = "<!-- losses:begin -->", "<!-- losses:end -->"
FIRST = 100  # seed: none that the settings were chosen with
ROUNDS = 600  # with batches of 64
# chosen with the non-saturating loss and batch norm, as in chapter 15
SETTINGS = {"rates": (4e-3, 2e-3), "betas": (0.5, 0.99), "epochs": 1, "decay": 0.99}


def r1(critic, real, fake, *, rng):
    """R1's penalty with γ = 1."""
    return adversarial.r1_penalty(critic, real)


def ten_slopes(critic, real, fake, *, rng):
    """Ten times the gradient penalty, as Gulrajani et al. 2017 have it."""
    return 10 * adversarial.gradient_penalty(critic, real, fake, rng=rng)


# what is played for, the discriminator's norm, a penalty
VARIANTS = {
    "minimax, batch norm": (adversarial.minimax, "batch", None),
    "non-saturating, batch norm": (adversarial.non_saturating, "batch", None),
    "least squares, batch norm": (adversarial.least_squares, "batch", None),
    "hinge, spectral norm": (adversarial.hinge, "spectral", None),
    "Wasserstein, gradient penalty": (adversarial.wasserstein, None, ten_slopes),
    "non-saturating, R1": (adversarial.non_saturating, None, r1),
}
GANS = {
    "dcgan-mnist": "DCGAN",
    "sngan-mnist": "hinge, spectral norm",
    "wgan-gp-mnist": "Wasserstein, gradient penalty",
}
COLUMNS = "Fréchet | precision | recall | label entropy, bits"
# of the first table, with the decimals of each
DECIMALS = {
    "Fréchet": 1, "kernel": 1, "precision": 2, "recall": 2, "density": 2, "coverage": 2,
    "label entropy, bits": 2, "in doubt, %": 1,
}  # fmt: skip


# ---- samples of trained models -------------------------------------------------------


def scores(images, real):
    """The figures of DECIMALS, in this order, of digits beside real ones, both bytes.

    In doubt are those of which the classifier is less than 90 % sure.
    """
    (known, _), (features, logits) = gans.seen(real), gans.seen(images)
    frechet, precision, recall, entropy = gans.scores_of_digits(images, real).values()
    density, coverage = metrics.density_coverage(known, features)
    doubt = 100 * (softmax(logits, axis=1).max(axis=1) < 0.9).mean()
    kernel = metrics.kernel_distance(known, features)
    return frechet, kernel, precision, recall, density, coverage, entropy, doubt


def samples(n=10_000):
    """For each row of the first table its name and its scores, of n digits."""
    test, train = (data.load("mnist", split).images[:n] for split in ("test", "train"))
    parts, rng = n // 500, np.random.default_rng(0)

    def black(images):
        return 255 * data.binarize(images, rng=rng).astype(np.uint8)

    yield "other real digits", scores(train, test)
    model, size = zoo.load("vae-mnist"), (500, 50)
    means = [model.mean_image(rng.standard_normal(size)) for _ in range(parts)]
    grey = np.rint(255 * np.concatenate(means)).astype(np.uint8)
    yield "`vae-mnist`, means", scores(grey, test)
    model = zoo.load("pixelcnn-mnist")
    drawn = np.concatenate([model.sample(500, rng=rng) for _ in range(parts)])
    binary = black(test)
    yield "other real digits, both binarized", scores(black(train), binary)
    name = "`pixelcnn-mnist`, beside binarized test images"
    yield name, scores((255 * drawn).astype(np.uint8), binary)
    for name, what in GANS.items():
        model, noise = zoo.load(name), np.random.default_rng(1)  # as for its card
        drawn = np.concatenate([model.sample(500, rng=noise) for _ in range(parts)])
        yield f"`{name}`, {what}", scores(drawn, test)


def sample_table(n=10_000):
    yield f"| samples | {' | '.join(DECIMALS)} |"
    yield "|---|" + "--:|" * len(DECIMALS)
    for name, found in samples(n):
        figures = (f"{x:.{places}f}" for x, places in zip(found, DECIMALS.values()))
        yield f"| {name} | {' | '.join(figures)} |"


# ---- losses --------------------------------------------------------------------------


def measure(loss, norm, penalty, seeds):
    """Scores and seconds of one core for each seed: (seeds, 5)."""
    images, rows = data.load("mnist", "train").images[: 64 * ROUNDS], []
    score = gans.scores(gans.scores_of_digits, "mnist")
    for seed in range(FIRST, FIRST + seeds):
        rng = np.random.default_rng(seed)
        G = Generator(channels=(64, 64, 32), rng=rng)
        D = Discriminator(channels=(32, 64, 64), norm=norm, rng=rng)
        start = time.process_time()
        options = SETTINGS | {"penalty": penalty, "rng": rng}
        gans.game(G, D, Sitting(), images, loss, **options)
        seconds = time.process_time() - start
        rows.append((*score(G).values(), seconds))
    return np.array(rows)


def loss_table(seeds):
    yield (
        f"{seeds} seeds, {ROUNDS} rounds with batches of 64; mean ± standard deviation"
        " over the seeds; seconds of one core for each training."
    )
    yield ""
    yield f"| loss and what holds the discriminator | {COLUMNS} | seconds |"
    yield "|---|--:|--:|--:|--:|--:|"
    for name, variant in VARIANTS.items():
        frechet, *shares, seconds = measure(*variant, seeds).T
        figures = [spread(frechet), *(spread(share, 2) for share in shares)]
        yield f"| {name} | {' | '.join(figures)} | {seconds.mean():.0f} |"


def printed(lines):
    """The lines as a list, each printed as soon as it is there."""
    found = []
    for line in lines:
        print(line, flush=True)
        found.append(line)
    return found


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.digits")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each kind")
    parser.add_argument("--write", action="store_true", help="write into README.md")
    options = parser.parse_args()
    numba.set_num_threads(1)
    tables = ((SAMPLES, sample_table()), (LOSSES, loss_table(options.seeds)))
    for marks, lines in tables:
        found = printed(lines)
        if options.write:
            write(found, *marks)


if __name__ == "__main__":
    main()
