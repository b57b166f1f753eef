"""Recipes for generators of points in the plane."""

import numpy as np

from .. import data
from ..adversarial import non_saturating, pack, r1_penalty
from ..metrics import mixture_modes
from ..models.gan import PointDiscriminator, PointGenerator
from ..optim import EMA, Adam, cosine
from ..tensor import grad
from .recipes import recipe

BATCH = 256
# the ring is magnified to the grid's size, so that one penalty suits both
MAGNIFIED = 4


def draw_ring(n, rng):
    return MAGNIFIED * data.ring(n, rng=rng)


def draw_grid(n, rng):
    return data.grid(n, rng=rng)


# of each set: how points are drawn, the centres of the modes, their standard deviation
SETS = {
    "ring": (draw_ring, MAGNIFIED * data.ring_centres(), MAGNIFIED * 0.01),
    "grid": (draw_grid, data.grid_centres(), 0.05),
}


def generator(*, rng):
    """Two normal numbers, three layers of 128, a point."""
    return PointGenerator(hidden=(128, 128, 128), rng=rng)


def play(G, run, draw, rounds, *, packed=1, penalised=False, rng):
    """The game for the points of `draw`; then G gets its averaged weights."""
    D = PointDiscriminator(packed, hidden=(64, 64), waves=64, rng=rng)
    of_G, of_D = (Adam(m.parameters(), betas=(0.5, 0.99)) for m in (G, D))
    average = EMA(G, 0.995)
    parts = {"G": G, "D": D, "of_G": of_G, "of_D": of_D, "average": average, "rng": rng}
    for _ in run.resume(range(rounds), **parts):
        of_G.lr = of_D.lr = cosine(run.step, rounds, peak=2e-3)
        real = pack(draw(BATCH, rng), packed)
        fake = pack(G(G.draw_latent(BATCH, rng)), packed)
        loss = non_saturating.discriminator(D(real), D(fake.detach()))
        if penalised:
            # 2, and 0.02 from half-time
            gamma = 2 * 0.01 ** min(1, 2 * run.step / rounds)
            loss = loss + gamma * r1_penalty(D, np.concatenate([real, fake.data]))
        of_D.step(grad(loss, D.parameters()))
        of_G.step(grad(non_saturating.generator(D(fake)), G.parameters()))
        average.update()
    G.load_state_dict(average.state_dict())


def scores(G, points, *, rng):
    """Of 2,500 samples: the modes that are found, per cent of high quality."""
    found = mixture_modes(G.sample(2500, rng=rng), *SETS[points][1:])
    return {"modes": found.found, "quality": 100 * found.quality}


def facts(points):
    """What the recipes for the ring and for the grid differ in."""
    modes = len(SETS[points][1])
    variant = f"2,500 samples, {points} of {modes}"
    return {
        "build": generator,
        "evaluate": lambda G: scores(G, points, rng=np.random.default_rng(1)),
        "metrics": {
            "modes": (f"modes of {modes}", variant),
            "quality": ("% within three standard deviations of a mode", variant),
        },
        "licence": "MIT",
    }


@recipe("gan-ring", **facts("ring"))
def gan_ring(model, run, *, rng):
    """5,000 rounds for the ring of 8 modes, magnified to radius 4, with batches of 256;
    the non-saturating loss; packs of two points; R1's penalty on real and fake ones,
    falling from γ = 2 to 0.02 at half-time; Adam (β 0.5 and 0.99) along a cosine from
    0.002; the average of the generator's last weights."""
    play(model, run, draw_ring, 5000, packed=2, penalised=True, rng=rng)


@recipe("gan-grid", **facts("grid"))
def gan_grid(model, run, *, rng):
    """As gan-ring, but 10,000 rounds for the grid of 25 modes."""
    play(model, run, draw_grid, 10_000, packed=2, penalised=True, rng=rng)
