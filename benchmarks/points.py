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
from mini.progress import progress
from mini.zoo import plane

MARKS = "<!-- points:begin -->", "<!-- points:end -->"
FIRST = 100  # seed: none that the settings were chosen with

ROUNDS = {"ring": 5000, "grid": 10_000}
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


class Sitting:
    """A training that nobody interrupts: what the recipes' games need of a Run."""

    def resume(self, steps, **parts):
        for self.step, item in enumerate(progress(steps)):
            yield item

    def show(self, **figures):
        pass


def measure(name, points, seeds):
    """One row of the table, as a list of strings."""
    draw, centres, _ = plane.SETS[points]
    rounds, scores = ROUNDS[points], []
    for seed in range(FIRST, FIRST + seeds):
        rng = np.random.default_rng(seed)
        start = time.process_time()
        G = plane.generator(rng=rng)
        plane.play(G, Sitting(), draw, rounds, **VARIANTS[name], rng=rng)
        seconds = time.process_time() - start
        scores.append((*plane.scores(G, points, rng=rng).values(), seconds))
    modes, quality, seconds = np.transpose(scores)
    return [
        name, points, f"{rounds:,}", f"{spread(modes)} of {len(centres)}",
        spread(quality), f"{seconds.mean():.0f}",
        *PUBLISHED.get((name, points), ("", "")),
    ]  # fmt: skip


def spread(values, digits=1):
    """Mean ± standard deviation over the seeds."""
    mean, deviation = values.mean(), values.std(ddof=len(values) > 1)
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}"


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.points")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each kind")
    parser.add_argument("--write", action="store_true", help="write into README.md")
    options = parser.parse_args()
    numba.set_num_threads(1)
    lines = [
        f"{options.seeds} seeds, batches of {plane.BATCH}; mean ± standard deviation"
        " over the seeds; seconds of one core for each training.",
        "",
        "| the game | points | rounds | modes | high quality, % | seconds |"
        " PacGAN's modes | its quality, % |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    print(*lines, sep="\n", flush=True)
    for name, points in itertools.product(VARIANTS, ROUNDS):
        row = measure(name, points, options.seeds)
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], flush=True)
    if options.write:
        write(lines, *MARKS)


if __name__ == "__main__":
    main()
