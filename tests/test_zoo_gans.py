"""The game of the recipes: who moves when, sittings, and the scores of digits."""

import numpy as np
import pytest

from benchmarks import digits
from mini import adversarial, data, grad, metrics, optim, zoo
from mini import functional as F
from mini.models.gan import Discriminator, Generator
from mini.zoo import gans, recipes

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (1, 8, 8)


def tiny(*, rng):
    return Generator(SHAPE, latent=3, channels=(4, 2), rng=rng)


def critic(rng, norm=None):
    return Discriminator(SHAPE, channels=(2, 4), norm=norm, rng=rng)


def images(n=40):
    return np.random.default_rng(1).integers(0, 256, (n, *SHAPE), dtype=np.uint8)


@pytest.mark.parametrize("mover", ["G", "D"])
def test_each_side_moves_only_its_own_weights(mover, rng):
    G, D = tiny(rng=rng), critic(rng)
    before = [[p.data.copy() for p in m.parameters()] for m in (G, D)]
    rates = (0.1, 0.0) if mover == "G" else (0.0, 0.1)
    optimisers = [
        optim.SGD(m.parameters(), lr=r) for m, r in zip((G, D), rates, strict=True)
    ]
    gans.play(G, D, optimisers, images(), adversarial.non_saturating, rng=rng)
    for name, model, old in zip("GD", (G, D), before, strict=True):
        same = all(
            np.array_equal(p.data, q)
            for p, q in zip(model.parameters(), old, strict=True)
        )
        assert same == (name != mover)


def test_a_round_is_a_step_of_d_and_then_one_of_g_against_the_new_d():
    """Written out once more, from the formulas of the non-saturating losses."""
    (G, D), (H, E) = (
        (tiny(rng=dice), critic(dice))
        for dice in (np.random.default_rng(4), np.random.default_rng(4))
    )
    optimisers = [optim.SGD(m.parameters(), lr=0.1) for m in (G, D)]
    x, loss = images(), adversarial.non_saturating
    dice = np.random.default_rng(5)
    losses = gans.play(G, D, optimisers, x, loss, rng=dice)

    fake = H(H.draw_latent(len(x), np.random.default_rng(5)))
    on_real, on_fake = E(x), E(fake.detach())
    on_E = -F.log(F.sigmoid(on_real)).mean() - F.log(1 - F.sigmoid(on_fake)).mean()
    for p, g in zip(E.parameters(), grad(on_E, E.parameters()), strict=True):
        p.data -= 0.1 * g.data
    on_H = -F.log(F.sigmoid(E(fake))).mean()
    for p, g in zip(H.parameters(), grad(on_H, H.parameters()), strict=True):
        p.data -= 0.1 * g.data
    assert losses == pytest.approx((on_E.item(), on_H.item()), rel=1e-5)
    for ours, theirs in ((G, H), (D, E)):
        for name, array in ours.state_dict().items():
            other = theirs.state_dict()[name]
            np.testing.assert_allclose(array, other, rtol=1e-4, atol=1e-6)


def test_the_penalty_is_added_to_the_discriminators_loss(rng):
    G, D = tiny(rng=rng), critic(rng)
    still = [optim.SGD(m.parameters(), lr=0.0) for m in (G, D)]
    dice = [np.random.default_rng(2) for _ in range(3)]
    x, loss = images(), adversarial.wasserstein
    plain = gans.play(G, D, still, x, loss, rng=dice[0])
    penalty = adversarial.gradient_penalty
    held = gans.play(G, D, still, x, loss, penalty=penalty, rng=dice[1])
    fake = G(G.draw_latent(len(x), dice[2]))
    slope = penalty(D, D.scaled(x), fake, rng=dice[2])
    assert held[0] - plain[0] == pytest.approx(slope.item(), rel=1e-4)
    assert held[1] == pytest.approx(plain[1])


def train_tiny(model, run, *, rng):
    """A short game."""
    D, options = critic(rng, "batch"), {"rates": (0.01, 0.01), "betas": (0.5, 0.9)}
    loss = adversarial.non_saturating
    gans.game(model, D, run, images(200), loss, **options, epochs=2, rng=rng)


def test_many_sittings_equal_one(tmp_path, monkeypatch):
    monkeypatch.setenv("MINI_CACHE", str(tmp_path / "cache"))
    facts = {"evaluate": lambda _: {}, "metrics": {}, "licence": "none"}
    made = recipes.Recipe("tiny", train_tiny, tiny, **facts)
    monkeypatch.setitem(recipes.RECIPES, "tiny", made)
    card = zoo.train("tiny", folder=tmp_path / "one")
    assert card["steps"] == 2 * (200 // 64)
    while zoo.train("tiny", minutes=0, folder=tmp_path / "parts") is None:
        pass
    one, parts = ((tmp_path / f / "tiny.npz").read_bytes() for f in ("one", "parts"))
    assert one == parts


def test_scores_tell_real_digits_from_noise_and_from_one_digit():
    test, train = (data.load("mnist", split) for split in ("test", "train"))
    few, rng = test.images[:500], np.random.default_rng(0)
    real = gans.scores_of_digits(train.images[:500], few)
    noise = rng.integers(0, 256, few.shape, dtype=np.uint8)
    noisy = gans.scores_of_digits(noise, few)
    assert real["frechet"] < 60 < noisy["frechet"]
    assert min(real["precision"], real["recall"]) > 0.7 > 0.1 > noisy["recall"]
    ones = gans.scores_of_digits(train.images[train.labels == 1][:500], few)
    assert real["label_entropy"] > 3.25 and ones["label_entropy"] < 0.2
    assert ones["precision"] > 0.7 and ones["recall"] < 0.4


def test_a_row_of_the_table_of_digits_has_all_figures():
    test, train = (data.load("mnist", split) for split in ("test", "train"))
    some, few, rng = test.images[::10], 300, np.random.default_rng(0)
    drawn = zoo.load("dcgan-mnist").sample(few, rng=rng)
    real = dict(zip(digits.DECIMALS, digits.scores(train.images[:few], some)))
    fake = dict(zip(digits.DECIMALS, digits.scores(drawn, some), strict=True))
    features, logits = gans.seen(drawn)
    assert features.shape == (few, 64) and logits.shape == (few, 10)
    known = gans.seen(some)[0]
    assert fake["Fréchet"] == metrics.frechet_distance(known, features)
    assert fake["kernel"] == metrics.kernel_distance(known, features)
    both = fake["density"], fake["coverage"]
    assert both == metrics.density_coverage(known, features)
    odds = np.exp(logits.astype(float))
    sure = odds.max(axis=1) / odds.sum(axis=1) >= 0.9
    assert fake["in doubt, %"] == pytest.approx(100 * (1 - sure.mean()))
    assert real["in doubt, %"] < 5 < fake["in doubt, %"]
    assert real["density"] > fake["density"] > 0.4


def test_the_trained_generators_draw_every_digit():
    for name in ("dcgan-mnist", "sngan-mnist", "wgan-gp-mnist"):
        assert zoo.card(name)["metrics"]["label_entropy"]["value"] >= 3.2
