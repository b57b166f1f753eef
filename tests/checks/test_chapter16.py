import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from mini import Tensor, adversarial, grad
from mini.checks import chapter16 as piles
from mini.checks import chapter16_bounds as bounds
from mini.checks import chapter16_slopes as slopes


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def rng():
    return np.random.default_rng(0)


def test_distances_are_scipys():
    for p, q, places in piles.two_piles(rng()):
        ours = piles.earth_movers.reference(p, q, places)
        assert np.isclose(ours, wasserstein_distance(places, places, p, q))
    for x, y in piles.two_samples(rng()):
        ours = piles.wasserstein_1d.reference(x, y)
        assert np.isclose(ours, wasserstein_distance(x, y))


def test_no_lipschitz_critic_reads_more_than_the_best():
    dice = rng()
    for p, q, places in piles.two_piles(rng()):
        best = piles.best_critic.reference(p, q, places) @ (p - q)
        assert np.isclose(best, piles.earth_movers.reference(p, q, places))
        for _ in range(100):
            tried = dice.uniform(-1, 1, len(p) - 1)
            assert piles.critic_of_slopes(tried, places) @ (p - q) <= best + 1e-12


def test_a_critic_that_misses_the_shape_or_the_type_is_told_so():
    judge = piles.best_critic.judge
    assert not judge(lambda p, q, places: list(places))
    assert not judge(lambda p, q, places: places[1:])
    assert not judge(lambda p, q, places: 0 * places)


def test_penalty_is_the_packages():
    for critic, real, fake, alpha in slopes.critics_and_images(rng()):
        ours = slopes.one_slope_penalty.reference(critic, real, fake, alpha)

        class Dealt(np.random.Generator):
            def random(self, shape):
                return alpha.reshape(shape)  # noqa: B023  used before the next one

        dealt = Dealt(np.random.PCG64(0))
        theirs = adversarial.gradient_penalty(critic, real, fake, rng=dealt)
        assert np.isclose(ours.item(), theirs.item(), rtol=1e-12)
        parameters = critic.parameters()
        for a, b in zip(grad(ours, parameters), grad(theirs, parameters), strict=True):
            assert np.allclose(a.data, b.data, rtol=1e-10, atol=1e-12)


def test_penalty_of_a_straight_critic():
    def straight(x):
        return 3 * x[:, 0, 0, 0] - 4 * x[:, 0, 0, 1]

    real, fake = rng().normal(size=(2, 5, 1, 1, 2))
    found = slopes.one_slope_penalty.reference(straight, real, fake, rng().random(5))
    assert np.isclose(found.item(), (5 - 1) ** 2)


def test_slopes_in_the_museum_inputs_are_on_both_sides_of_one():
    found = [
        slopes.norms(slopes.slopes(critic, slopes.between(real, fake, alpha))).data
        for critic, real, fake, alpha in slopes.critics_and_images(rng())
    ]
    found = np.concatenate(found)
    assert found.min() < 0.9 and found.max() > 1.1


@pytest.mark.parametrize("steps", [1, 3])
def test_power_iteration_is_the_packages_step(steps):
    W, u = rng().normal(size=(4, 6)), bounds.unit(rng().normal(size=4))
    ours, now = bounds.power_iteration.reference(W, u, steps), u
    for _ in range(steps):
        sigma, now = adversarial.spectral_norm(Tensor(W), now)
    assert np.isclose(ours, sigma.item(), rtol=1e-12)
    assert ours <= np.linalg.svd(W)[1][0] + 1e-12


def test_slope_bound_holds_for_networks_with_relus():
    weights = [rng().normal(size=shape) for shape in [(8, 3), (8, 8), (1, 8)]]
    bound = bounds.slope_bound.reference(weights)
    x = rng().normal(size=(500, 3))

    def network(x):
        for W in weights[:-1]:
            x = np.maximum(0, x @ W.T)
        return x @ weights[-1].T

    step = 1e-5 * rng().normal(size=x.shape)
    steep = np.abs(network(x + step) - network(x))[:, 0] / np.linalg.norm(step, axis=1)
    assert 0 < steep.max() <= bound


def test_dirac_step_grows_circles_and_shrinks():
    def growth(rate, gamma):
        step = bounds.dirac_step.reference(rate, gamma)
        return np.abs(np.linalg.eigvals(step)).max()

    assert np.isclose(growth(0.3, 0.0), np.sqrt(1 + 0.3**2))
    assert growth(0.1, 1.0) < 1 < growth(0.1, 0.05)
