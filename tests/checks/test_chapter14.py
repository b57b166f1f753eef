import numpy as np
from scipy.special import expit, rel_entr

from mini import Tensor, adversarial, data, grad, metrics
from mini.checks import chapter14 as tables
from mini.checks import chapter14_points as points
from mini.checks import chapter14_rounds as rounds
from mini.checks import chapter14_slopes as slopes
from mini.models.gan import PointDiscriminator, PointGenerator


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def rng():
    return np.random.default_rng(0)


def test_no_other_critic_has_a_larger_value():
    p, q = rng().dirichlet(np.ones(6), size=2)
    best = tables.optimal_discriminator.reference(p, q)

    def value(D):
        return (p * np.log(D) + q * np.log(1 - D)).sum(axis=-1)

    others = expit(np.log(p / q) + 0.1 * rng().normal(size=(200, 6)))
    assert (value(others) < value(best)).all()
    jsd = tables.jensen_shannon.reference(p, q)
    assert np.isclose(value(best), 2 * jsd - np.log(4))


def test_jensen_shannon_at_its_two_ends():
    p, q = np.array([0.25, 0.75, 0, 0]), np.array([0, 0, 0.5, 0.5])
    assert np.isclose(tables.jensen_shannon.reference(p, q), np.log(2))
    assert tables.jensen_shannon.reference(p, p) == 0
    p, q = rng().dirichlet(np.ones(5), size=2)
    middle = (p + q) / 2
    half = (rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2
    assert np.isclose(tables.jensen_shannon.reference(p, q), half)


def test_count_modes_is_the_packages():
    centres, std = data.grid_centres(), 0.05
    x = data.grid(400, rng=rng())
    x[:100] += 0.2 * rng().standard_normal((100, 2))
    x = x[x[:, 0] < 3]  # without the last column of the grid
    found, share = points.count_modes.reference(x, centres, std)
    ours = metrics.mixture_modes(x, centres, std)
    assert (found, share) == (ours.found, ours.quality)
    assert found == 20 and 0.5 < share < 0.95


def test_losses_are_the_packages_and_have_their_marks():
    real, fake = Tensor(rng().normal(size=5)), Tensor(rng().normal(size=7))
    ours = rounds.gan_losses.reference(real, fake)
    assert ours[0].item() == adversarial.minimax.discriminator(real, fake).item()
    assert ours[1].item() == adversarial.non_saturating.generator(fake).item()
    even = rounds.gan_losses.reference(0 * real, 0 * fake)
    assert np.allclose([x.item() for x in even], np.log([4, 2]))


def test_exchanged_labels_are_accepted_for_both_players_and_for_one_are_not():
    def exchanged(real, fake):
        return rounds.gan_losses.reference(-real, -fake)

    def for_one(real, fake):
        return exchanged(real, fake)[0], rounds.gan_losses.reference(real, fake)[1]

    assert rounds.gan_losses.judge(exchanged)
    verdict = rounds.gan_losses.judge(for_one)
    assert not verdict and "sign" in verdict.mistake.title

    def one_round(generator, discriminator, real, z):
        fake = generator(Tensor(z))
        given = discriminator(Tensor(real)), discriminator(fake.detach())
        return exchanged(*given)[0], exchanged(given[0], discriminator(fake))[1]

    assert rounds.one_round.judge(one_round)


def test_only_the_right_player_learns_from_a_round():
    generator = PointGenerator(hidden=(4,), rng=rng())
    discriminator = PointDiscriminator(hidden=(4,), rng=rng())
    given = data.ring(8, rng=rng()), generator.draw_latent(8, rng())
    d, g = rounds.one_round.reference(generator, discriminator, *given)
    learnt = [
        [np.abs(x.data).max() > 0 for x in grad(loss, player.parameters())]
        for loss in (d, g)
        for player in (discriminator, generator)
    ]
    assert any(learnt[0]) and not any(learnt[1]) and any(learnt[3])


def test_what_left_the_tape_is_told_so_and_does_not_crash():
    def constant(generator, discriminator, real, z):
        d, g = rounds.one_round.reference(generator, discriminator, real, z)
        return d, g.detach()

    assert not rounds.one_round.judge(constant)
    assert not rounds.one_round.judge(lambda *given: (1.0, 2.0))
    assert not rounds.one_round.judge(lambda *given: None)


def test_packs_hold_neighbours_and_every_point_once():
    x = Tensor(rng().normal(size=(12, 2)))
    packs = points.packed.reference(x, 3).data
    assert packs.shape == (4, 6)
    assert np.array_equal(packs.reshape(12, 2), x.data)


def test_slope_penalty_of_a_straight_discriminator_is_its_slope_squared():
    def straight(x):
        return 3 * x[:, 0] - 4 * x[:, 1]

    x = rng().normal(size=(6, 2))
    assert np.isclose(slopes.slope_penalty.reference(straight, x).item(), 12.5)
