"""`python -m benchmarks.points`: which GANs find all modes of a mixture in the plane.

    python -m benchmarks.points [--seeds N] [--write]

The same two networks play for the ring of 8 modes and the grid of 25, with and without
help, on one thread, once for each seed. Scores are PacGAN's (Lin et al. 2018): of 2,500
samples, those within three standard deviations of a mode, and the modes that have one.
With --write the table goes into README.md between its two marks.
"""

import argparse
import itertools
import time

import numba
import numpy as np

from benchmarks.__main__ import write
from mini import data, grad, optim
from mini.adversarial import non_saturating, pack, r1_penalty
from mini.metrics import mixture_modes
from mini.models.gan import PointDiscriminator, PointGenerator

MARKS = "<!-- points:begin -->", "<!-- points:end -->"
BATCH = 256
FIRST = 100  # seed: none that the settings were chosen with

# points, their modes' centres and standard deviation, rounds of the game; the ring is
# magnified to the grid's size, so that one penalty suits both
SETS = {
    "ring": (
        lambda n, rng: 4 * data.ring(n, rng=rng), 4 * data.ring_centres(), 0.04, 5000,
    ),
    "grid": (lambda n, rng: data.grid(n, rng=rng), data.grid_centres(), 0.05, 10_000),
}  # fmt: skip
VARIANTS = {
    "plain": {},
    "packs of 2, penalty": {"packed": 2, "penalised": True},
}
# modes and percent of high quality in PacGAN's paper, with other networks
PUBLISHED = {
    ("plain", "ring"): ("6.3 ± 0.5", "98.2"),
    ("plain", "grid"): ("17.3 ± 0.8", "94.8"),
    ("packs of 2, penalty", "ring"): ("7.9 ± 0.1, packs alone", "95.6"),
    ("packs of 2, penalty", "grid"): ("23.8 ± 0.7, packs alone", "91.3"),
}


def play(draw, rounds, *, packed=1, penalised=False, rng):
    """A generator that has played for the points of `draw`, with averaged weights."""
    G = PointGenerator(hidden=(128, 128, 128), rng=rng)
    D = PointDiscriminator(packed, hidden=(64, 64), waves=64, rng=rng)
    of_G = optim.Adam(G.parameters(), betas=(0.5, 0.99))
    of_D = optim.Adam(D.parameters(), betas=(0.5, 0.99))
    average = optim.EMA(G, 0.995)

    for step in range(rounds):
        of_G.lr = of_D.lr = optim.cosine(step, rounds, peak=2e-3)
        real = pack(draw(BATCH, rng), packed)
        fake = pack(G(G.draw_latent(BATCH, rng)), packed)
        loss = non_saturating.discriminator(D(real), D(fake.detach()))
        if penalised:
            gamma = 2 * 0.01 ** min(1, 2 * step / rounds)  # 2, and 0.02 from half-time
            loss = loss + gamma * r1_penalty(D, np.concatenate([real, fake.data]))
        of_D.step(grad(loss, D.parameters()))
        of_G.step(grad(non_saturating.generator(D(fake)), G.parameters()))
        average.update()
    G.load_state_dict(average.averages)
    return G


def measure(name, points, seeds):
    """One row of the table, as a list of strings."""
    draw, centres, std, rounds = SETS[points]
    scores = []
    for seed in range(FIRST, FIRST + seeds):
        rng = np.random.default_rng(seed)
        start = time.process_time()
        G = play(draw, rounds, **VARIANTS[name], rng=rng)
        seconds = time.process_time() - start
        score = mixture_modes(G.sample(2500, rng=rng), centres, std)
        scores.append((score.found, 100 * score.quality, seconds))
    modes, quality, seconds = np.transpose(scores)
    return [
        name, points, f"{rounds:,}", f"{spread(modes)} of {len(centres)}",
        spread(quality), f"{seconds.mean():.0f}",
        *PUBLISHED.get((name, points), ("", "")),
    ]  # fmt: skip


def spread(values):
    """Mean ± standard deviation over the seeds."""
    return f"{values.mean():.1f} ± {values.std(ddof=len(values) > 1):.1f}"


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.points")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each kind")
    parser.add_argument("--write", action="store_true", help="write into README.md")
    options = parser.parse_args()
    numba.set_num_threads(1)
    lines = [
        f"{options.seeds} seeds, batches of {BATCH}; mean ± standard deviation over the"
        " seeds; seconds of one core for each training.",
        "",
        "| the game | points | rounds | modes | high quality, % | seconds |"
        " PacGAN's modes | its quality, % |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    print(*lines, sep="\n", flush=True)
    for name, points in itertools.product(VARIANTS, SETS):
        row = measure(name, points, options.seeds)
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], flush=True)
    if options.write:
        write(lines, *MARKS)


if __name__ == "__main__":
    main()
