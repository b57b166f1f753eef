"""Exercises of chapter 16 on what bounds a critic and on the smallest game."""

from functools import partial

import numpy as np

from .frame import exercise, given

exercise = partial(exercise, chapter="chapter16")

# ---- power_iteration -----------------------------------------------------------------


def matrices_and_starts(rng):
    yield np.diag([3.0, 1.0]), np.array([0.6, 0.8]), 1
    for rows, columns, steps in [(2, 3, 1), (4, 3, 2), (3, 5, 4), (5, 5, 60)]:
        u = rng.normal(size=rows)
        yield rng.normal(size=(rows, columns)), u / np.linalg.norm(u), steps


def unit(x):
    return x / np.linalg.norm(x)


def iterated(W, u, steps):
    """The vectors u and v after so many steps."""
    for _ in range(steps):
        v = unit(W.T @ u)
        u = unit(W @ v)
    return u, v


@exercise("power_iteration", inputs=matrices_and_starts)
def power_iteration(W, u, steps):
    u, v = iterated(W, u, steps)
    return u @ W @ v


power_iteration.mistake(
    "the square of the singular value",
    hint="Applying W to a unit vector stretches it by σ. By what does Wᵀ after W?",
)(lambda W, u, steps: power_iteration.reference(W, u, steps) ** 2)

power_iteration.mistake(
    "a step less than asked for",
    hint="After one step, u has been through Wᵀ and through W. How often has yours?",
)(lambda W, u, steps: np.linalg.norm(W.T @ iterated(W, u, steps - 1)[0])
  if steps > 1 else np.linalg.norm(W.T @ u))  # fmt: skip

power_iteration.mistake(
    "a step more than asked for",
    hint="How often did u go through W?",
)(lambda W, u, steps: power_iteration.reference(W, u, steps + 1))

power_iteration.mistake(
    "the root of the sum of all squares, which is the norm of Frobenius",
    hint="That counts the stretching in all directions at once. Which single direction"
    " is stretched most?",
)(lambda W, u, steps: np.linalg.norm(W))

power_iteration.mistake(
    "the mean stretch of random directions",
    hint="Where does the iteration bring u nearer to the most stretched one?",
)(lambda W, u, steps: np.linalg.norm(W) / np.sqrt(W.shape[1]))

power_iteration.mistake(
    "the stretch of the direction that you began with",
    hint="Which vector should σ be read off from, the first or the last?",
)(lambda W, u, steps: np.linalg.norm(u @ W))

power_iteration.mistake(
    "the vector u, without the number",
    hint="You have found the direction. By how much does W stretch along it?",
)(lambda W, u, steps: iterated(W, u, steps)[0])

power_iteration.mistake(
    "the largest number in the matrix",
    hint="Can a matrix of small numbers stretch a vector by much?",
)(lambda W, u, steps: np.abs(W).max())


@power_iteration.mistake(
    "vectors never scaled to length 1",
    hint="After k steps, how long is a vector that is stretched by σ² in each?",
)
def _(W, u, steps):
    for _ in range(steps):
        v = W.T @ u
        u = W @ v
    return u @ W @ v


@power_iteration.variant
def in_one_vector(W, u, steps):
    for _ in range(steps):
        u = (W @ W.T @ u) / np.linalg.norm(W @ W.T @ u)
        last = u
    # ‖Wᵀ u‖ of the u before the last half step, times its own gain
    return _gain(W, last)


def _gain(W, u):
    """‖W v‖ of the v that led to u = W v / ‖W v‖, found by solving for it."""
    v = np.linalg.lstsq(W, u, rcond=None)[0]
    return 1 / np.linalg.norm(v)


@power_iteration.variant
def stretch_of_the_last_v(W, u, steps):
    for _ in range(steps):
        v = u @ W
        v = v / np.sqrt((v * v).sum())
        u = W @ v
        sigma = np.sqrt((u * u).sum())
        u = u / sigma
    return float(sigma)


@power_iteration.variant
def scaled_at_the_end(W, u, steps):
    square = np.linalg.matrix_power(W @ W.T, steps - 1) @ u
    v = unit(W.T @ square)
    return np.linalg.norm(W @ v)


@power_iteration.variant
def in_the_eyes_of_the_svd(W, u, steps):
    left, s, right = np.linalg.svd(W, full_matrices=False)
    share = unit(s ** (2 * steps - 1) * (left.T @ u))
    return np.linalg.norm(s * share)


# ---- slope_bound ---------------------------------------------------------------------


def stacks_of_weights(rng):
    """Lists of weights (out, in), as a network applies them, one after another."""
    yield given([np.array([[3.0, 0.0], [0.0, 1.0]]), np.array([[0.0, 2.0]])])
    for sizes in [(2, 4, 1), (3, 5, 5, 1), (4, 3, 6, 2, 1)]:
        pairs = zip(sizes, sizes[1:])
        yield given([rng.normal(size=(out, into)) for into, out in pairs])


def stretch(W):
    return np.linalg.norm(W, 2)


@exercise("slope_bound", inputs=stacks_of_weights)
def slope_bound(weights):
    return np.prod([stretch(W) for W in weights])


slope_bound.mistake(
    "the sum of the layers' stretches",
    hint="A layer that triples what a layer has doubled: five times or six times?",
)(lambda weights: sum(stretch(W) for W in weights))

slope_bound.mistake(
    "the largest stretch of any layer",
    hint="Two layers that both double. How steep can the two together be?",
)(lambda weights: max(stretch(W) for W in weights))

slope_bound.mistake(
    "the norms of Frobenius multiplied",
    hint="True, but more than need be. By how much does the identity in ten dimensions"
    " stretch a vector, and what is its Frobenius norm?",
)(lambda weights: np.prod([np.linalg.norm(W) for W in weights]))

slope_bound.mistake(
    "the layers' largest numbers multiplied",
    hint="(1, 1) times a row of two ones is 2. How long is (1, 1), and how large is the"
    " largest number of the row?",
)(lambda weights: np.prod([np.abs(W).max() for W in weights]))

slope_bound.mistake(
    "the stretch of all matrices multiplied into one",
    hint="That is right without ReLUs. In between, a ReLU may drop the very number that"
    " would have cancelled another. Is it still a bound?",
)(lambda weights: stretch(np.linalg.multi_dot(weights[::-1])))

slope_bound.mistake(
    "eigenvalues where singular values are wanted, of Wᵀ W without the root",
    hint="Wᵀ W stretches by σ². What does W?",
)(lambda weights: np.prod([stretch(W) ** 2 for W in weights]))

slope_bound.mistake(
    "the last layer left out",
    hint="Does the last layer stretch nothing?",
)(lambda weights: np.prod([stretch(W) for W in weights[:-1]]))

slope_bound.mistake(
    "a mean of the stretches",
    hint="Two layers that both double. How steep can the two together be?",
)(lambda weights: np.mean([stretch(W) for W in weights]))

slope_bound.variant(
    lambda weights: np.prod([np.linalg.svd(W)[1][0] for W in weights[::-1]])
)
slope_bound.variant(lambda weights: np.exp(sum(np.log(stretch(W.T)) for W in weights)))


@slope_bound.variant
def layer_by_layer(weights):
    steepest = 1.0
    for W in weights:
        steepest *= np.sqrt(np.linalg.eigvalsh(W @ W.T)[-1])
    return steepest


# ---- dirac_step ----------------------------------------------------------------------


def rates_and_prices(rng):
    yield 0.5, 0.0
    yield 0.5, 1.0
    for _ in range(3):
        yield tuple(rng.uniform(0.05, 2.5, 2))


@exercise("dirac_step", inputs=rates_and_prices)
def dirac_step(rate, gamma):
    return np.array([[1.0, rate], [-rate, 1 - rate * gamma]])


dirac_step.mistake(
    "turns taken one after the other: the forger sees the critic's new slope",
    hint="In the exercise both move at once. Which ψ does the forger's step use?",
)(lambda h, g: np.array([[1 - h * h, h * (1 - h * g)], [-h, 1 - h * g]]))

dirac_step.mistake(
    "turns taken one after the other: the critic sees the forger's new place",
    hint="In the exercise both move at once. Which θ does the critic's step use?",
)(lambda h, g: np.array([[1.0, h], [-h, 1 - h * g - h * h]]))

dirac_step.mistake(
    "the velocities, not yet a step",
    hint="At rate 0 nobody moves. Which matrix leaves everything where it is?",
)(lambda h, g: np.array([[0.0, h], [-h, -h * g]]))

dirac_step.mistake(
    "equation (11) as it stands, which is for continuous time",
    hint="Where is the learning rate? And at rate 0, who moves?",
)(lambda h, g: np.array([[0.0, 1.0], [-1.0, -g]]))

dirac_step.mistake(
    "both players running away from each other's wish, every sign turned",
    hint="Each goes *down* its own loss. If ψ is above zero, does the forger's loss"
    " −ψθ fall to the left or to the right?",
)(lambda h, g: np.array([[1.0, -h], [h, 1 - h * g]]))

dirac_step.mistake(
    "a team: both go downhill on the critic's loss",
    hint="The two losses have opposite signs. Do your two steps?",
)(lambda h, g: np.array([[1.0, -h], [-h, 1 - h * g]]))

dirac_step.mistake(
    "half the friction",
    hint="What is the derivative of γ/2 · ψ²?",
)(lambda h, g: np.array([[1.0, h], [-h, 1 - h * g / 2]]))

dirac_step.mistake(
    "friction for the forger",
    hint="Whose slope is charged, and who pays?",
)(lambda h, g: np.array([[1 - h * g, h], [-h, 1.0]]))

dirac_step.mistake(
    "friction that pushes the critic on",
    hint="The charge is added to a loss that the critic makes small. Does ψ grow or"
    " shrink by it?",
)(lambda h, g: np.array([[1.0, h], [-h, 1 + h * g]]))

dirac_step.mistake(
    "no friction",
    hint="Where does your matrix use γ?",
)(lambda h, g: np.array([[1.0, h], [-h, 1.0]]))

dirac_step.mistake(
    "the order (ψ, θ) of the two numbers",
    hint="Which of the two comes first in the exercise?",
)(lambda h, g: np.array([[1 - h * g, -h], [h, 1.0]]))

dirac_step.mistake(
    "friction that the rate does not scale",
    hint="Half the rate is half the step. Is it, for every number of your matrix?",
)(lambda h, g: np.array([[1.0, h], [-h, 1 - g]]))

dirac_step.variant(
    lambda rate, gamma: np.eye(2) + rate * np.array([[0.0, 1.0], [-1.0, -gamma]])
)


@dirac_step.variant
def from_two_starts(rate, gamma):
    """The columns are where (1, 0) and (0, 1) go."""
    starts = [(1.0, 0.0), (0.0, 1.0)]
    columns = [
        (theta + rate * psi, psi - rate * (theta + gamma * psi))
        for theta, psi in starts
    ]
    return np.array(columns).T


@dirac_step.variant
def from_slopes(rate, gamma):
    """Differences of the losses' slopes, which are linear."""

    def slopes(theta, psi):
        return np.array([-psi, theta + gamma * psi])

    at = np.eye(2)
    return at - rate * np.stack([slopes(*start) for start in at], axis=1)
