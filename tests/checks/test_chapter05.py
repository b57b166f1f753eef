"""Chapter 5's exercises: sound, sums of one over all images, and the same as `mini`."""

import numpy as np
import pytest

from mini import Tensor
from mini.checks import chapter05 as museum
from mini.checks import chapter05_masks as masks
from mini.checks import chapter05_nade as nade
from mini.models.fvsbn import FVSBN
from mini.models.nade import composed


def all_images(D):
    return np.array(list(np.ndindex((2,) * D)), float)


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def test_next_pixels_multiply_to_the_table():
    table = np.random.default_rng(0).dirichlet(np.ones(16)).reshape((2,) * 4)
    for image in np.ndindex(table.shape):
        chain = 1.0
        for d, value in enumerate(image):
            white = museum.next_pixel.reference(table, image[:d])
            chain *= white if value else 1 - white
        assert np.isclose(chain, table[image], rtol=1e-12)


def test_fvsbn_is_minis_and_sums_to_one():
    rng = np.random.default_rng(1)
    W, b, x = rng.normal(size=(9, 9)), rng.normal(size=9), all_images(9)
    model = FVSBN((1, 3, 3), rng=rng).to(np.float64)
    model.weight.data[...], model.bias.data[...] = W, b
    ours = museum.fvsbn_log_prob.reference(x, W, b)
    assert np.isclose(np.exp(ours).sum(), 1)
    assert np.allclose(ours, model.log_prob(x.reshape(-1, 1, 3, 3)).data)


@pytest.mark.parametrize("piece", museum.fvsbn_log_prob.mistakes, ids=lambda m: m.title)
def test_leaks_do_not_sum_to_one(piece):
    rng = np.random.default_rng(2)
    W, b = rng.normal(size=(6, 6)), rng.normal(size=6)
    total = np.exp(piece.function(all_images(6), W, b)).sum()
    leaks = "own prediction" in piece.title or "no mask" in piece.title
    proper = "come after" in piece.title or "transposed" in piece.title
    assert not leaks or abs(total - 1) > 1e-3
    assert not proper or np.isclose(total, 1)  # another order, but a distribution


def test_forms_that_cannot_be_told_apart_get_one_hint():
    """The probability of what is there rounds to 0 as its softplus becomes infinite."""

    def by_softplus(x, W, b):
        away = (1 - 2 * x) * (x @ np.tril(W, -1).T + b)
        return -np.log(1 + np.exp(away)).sum(axis=1)

    def by_probability(x, W, b):
        p = 1 / (1 + np.exp(-(x @ np.tril(W, -1).T + b)))
        return np.log(np.where(x == 1, p, 1 - p)).sum(1)

    for form in (by_softplus, by_probability):
        verdict = museum.fvsbn_log_prob.judge(form)
        assert verdict.mistake.title == "a logarithm of 0, or of infinity, on the way"


def test_nade_is_minis_and_sums_to_one():
    for case in nade.nade_logits.cases():
        x, *weights = case.args
        order = np.arange(x.shape[1])
        theirs = composed(x, *map(Tensor, weights), order).data
        assert np.allclose(nade.nade_logits.reference(*case.args), theirs)
    rng = np.random.default_rng(3)
    shapes, x = ((5, 3), (5, 3), (5,), (3,)), all_images(5)
    weights = [rng.normal(size=shape) for shape in shapes]
    logits = nade.nade_logits.reference(x, *weights)
    assert np.isclose(np.exp(museum.score(x, logits).sum(axis=1)).sum(), 1)


@pytest.mark.parametrize("case", masks.made_masks.cases(), ids=lambda c: str(c.args[0]))
def test_paths_through_made_masks_lead_forward_only(case):
    rank, degrees = case.args
    paths = np.eye(len(rank))
    for mask in masks.made_masks.reference(rank, degrees):
        paths = mask.astype(float) @ paths
    assert not paths[rank[:, None] <= rank].any()  # [to, from]
    lowest = min(degrees[0])  # a unit that sees rank 1 and is seen from the next
    assert paths[rank == lowest + 1][0, rank == 1] > 0


def test_made_masks_leak_where_the_museum_says_so():
    rank, degrees = np.array([2, 4, 1, 3]), [np.array([1, 2, 3, 2, 1])]
    (piece,) = [m for m in masks.made_masks.mistakes if "own rank" in m.title]
    first, last = piece.function(rank, degrees)
    assert (last.astype(int) @ first.astype(int))[rank[:, None] == rank].any()


def test_drawn_images_come_as_often_as_they_should():
    rng = np.random.default_rng(4)
    W, b, x = rng.normal(size=(3, 3)), rng.normal(size=3), all_images(3)
    drawn = masks.draw_fvsbn.reference(rng.random((40_000, 3)), W, b)
    found = np.bincount((drawn @ [4, 2, 1]).astype(int), minlength=8) / len(drawn)
    expected = np.exp(museum.fvsbn_log_prob.reference(x, W, b))
    assert np.abs(found - expected).max() < 0.01


def test_averaged_orderings_are_a_distribution():
    rng, x = np.random.default_rng(5), all_images(4)
    weights = [(rng.normal(size=(4, 4)), rng.normal(size=4)) for _ in range(3)]
    orders = [rng.permutation(4) for _ in weights]
    log_p = np.stack(
        [museum.fvsbn_log_prob.reference(x[:, o], *w) for o, w in zip(orders, weights)]
    )
    average = masks.average_orderings.reference(log_p)
    assert np.isclose(np.exp(average).sum(), 1)
    assert np.exp(log_p.mean(axis=0)).sum() < 0.99
    assert (average >= log_p.mean(axis=0)).all()
