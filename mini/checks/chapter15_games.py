"""Exercise of chapter 15 on a game with momentum; the first are in chapter15.py."""

from functools import partial

import numpy as np

from .frame import exercise

exercise = partial(exercise, chapter="chapter15")

# ---- growth_per_round ----------------------------------------------------------------


def rates_and_memories(rng):
    yield 0.5, 0.0
    yield 0.1, 0.5
    yield 0.1, 0.9
    yield 0.3, -0.5
    for _ in range(8):
        yield float(rng.uniform(0.05, 0.8)), float(rng.uniform(-0.5, 0.95))


def two_rounds(alpha, beta, turns=True, fresh=None, maximise=1):
    """The matrix that takes (x, y, m, n) through one round of (5)."""
    fresh = 1 - beta if fresh is None else fresh
    round_, mean_x, mean_y = np.eye(4), np.eye(4), np.eye(4)
    mean_x[2] = [0, fresh, beta, 0]  # m ← βm + (1 − β)y
    round_[0, 2] = -alpha  # x ← x − αm
    mean_y[3] = [fresh, 0, 0, beta]  # n ← βn + (1 − β)x
    last = np.eye(4)
    last[1, 3] = maximise * alpha  # y ← y + αn
    if turns:
        return last @ mean_y @ round_ @ mean_x
    return last @ round_ @ mean_y @ mean_x


def radius(matrix):
    return np.abs(np.linalg.eigvals(matrix)).max()


@exercise("growth_per_round", inputs=rates_and_memories, tolerance=1e-4)
def growth_per_round(alpha, beta):
    return radius(two_rounds(alpha, beta))


growth_per_round.mistake(
    "players who move at the same moment",
    hint="When y moves, has x moved already?",
)(lambda alpha, beta: radius(two_rounds(alpha, beta, turns=False)))

growth_per_round.mistake(
    "momentum that adds up gradients, without the factor 1 − β",
    hint="The running mean of a constant gradient: how large is it in (5), and how"
    " large is yours?",
)(lambda alpha, beta: radius(two_rounds(alpha, beta, fresh=1.0)))

growth_per_round.mistake(
    "two players who both make f small",
    hint="Which of the two wants f to be large?",
)(lambda alpha, beta: radius(two_rounds(alpha, beta, maximise=-1)))

growth_per_round.mistake(
    "leaving the momentum out",
    hint="Does your answer depend on β?",
)(lambda alpha, beta: radius(two_rounds(alpha, 0.0)))

growth_per_round.mistake(
    "both players without momentum and without turns, √(1 + α²)",
    hint="Does your answer depend on β, and does y see the new x?",
)(lambda alpha, beta: np.sqrt(1 + alpha**2))

growth_per_round.mistake(
    "the approximation (7) for small rates",
    hint="(7) left out everything beyond α². Which equation did it come from?",
)(lambda alpha, beta: np.sqrt(1 + 2 * alpha**2 * beta / (1 - beta)))

growth_per_round.mistake(
    "the square of the factor",
    hint="Over two rounds the distance grows by |λ|². And over one?",
)(lambda alpha, beta: radius(two_rounds(alpha, beta)) ** 2)

growth_per_round.mistake(
    "the largest stretch of a single round, not the growth in the long run",
    hint="A matrix can stretch some vector more than it stretches its own. Which"
    " numbers of a matrix say what a thousand rounds do?",
)(lambda alpha, beta: np.linalg.norm(two_rounds(alpha, beta), 2))

growth_per_round.mistake(
    "the size of the root nearest to 1, not of the largest",
    hint="Which of the roots is left after many rounds?",
)(lambda alpha, beta: np.abs(
    min(np.linalg.eigvals(two_rounds(alpha, beta)), key=np.abs)))  # fmt: skip


@growth_per_round.variant
def by_the_roots(alpha, beta):
    square = np.polymul([1, -1 - beta, beta], [1, -1 - beta, beta])
    return np.abs(np.roots(square + [0, (alpha * (1 - beta)) ** 2, 0, 0, 0])).max()


@growth_per_round.variant
def by_a_complex_square(alpha, beta):
    """(λ − 1)(λ − β) = iηλ^(3/2), with μ = √λ: a quartic with complex numbers."""
    eta = alpha * (1 - beta)
    quartic = [[1, sign * 1j * eta, -(1 + beta), 0, beta] for sign in (1, -1)]
    return max(np.abs(np.roots(q)).max() for q in quartic) ** 2


@growth_per_round.variant
def by_squaring(alpha, beta):
    """‖Mᵏ‖^(1/k) for k = 2⁴⁰."""
    matrix, log = two_rounds(alpha, beta), 0.0
    for _ in range(40):
        matrix = matrix @ matrix
        size = np.linalg.norm(matrix)
        matrix, log = matrix / size, 2 * log + np.log(size)
    return np.exp(log / 2**40)
