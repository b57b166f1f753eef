"""Drawing value by value: fast as slow, completions, frequencies, what is refused."""

import numba
import numpy as np
import pytest
from crosscheck import threads
from pixels import FEW, KINDS, build, images, labels, name

from mini import Tensor, no_grad, zoo
from mini.autoregressive import Autoregressive
from mini.sampling import Rerun

pytestmark = pytest.mark.usefixtures("one_thread")


def both(model, draw):
    """What draw(rng, slow) gives, if it is the same both ways, and the rng as well."""
    fast, slow = np.random.default_rng(5), np.random.default_rng(5)
    x, y = draw(fast, False), draw(slow, True)
    assert x.dtype == y.dtype == np.uint8 and x.shape[1:] == model.shape
    np.testing.assert_array_equal(x, y)
    assert fast.bit_generator.state == slow.bit_generator.state
    return x


# ---- fast as slow --------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_fast_sampling_is_slow_sampling(kind, rng):
    model = build(kind, rng, size=(3, 4), **({"classes": 3} if "Gated" in kind else {}))
    label = labels(model, 3)
    x = both(model, lambda rng, slow: model.sample(3, rng=rng, label=label, slow=slow))
    assert (x[0] != x[1]).any() and x.min() == 0 and x.max() == model.levels - 1


@pytest.mark.parametrize("model", ["nade-mnist", "made-mnist", "pixelcnn-mnist"])
def test_trained_models_draw_the_same_digit_both_ways(model):
    """Sums are rounded otherwise, which turns one coin over in millions."""
    model = zoo.load(model)
    x = both(model, lambda rng, slow: model.sample(1, rng=rng, slow=slow))
    assert 0.02 < x.mean() < 0.5


@pytest.mark.parametrize("n", [1, 9])
@pytest.mark.parametrize("temperature", [0.5, 1.7])
@pytest.mark.parametrize("kind", FEW, ids=name)
def test_fast_is_slow_at_any_temperature(kind, temperature, n, rng):
    model = build(kind, rng, size=(3, 4), **({"classes": 3} if "Gated" in kind else {}))
    label = None if model.classes is None else 2  # one for all
    both(
        model,
        lambda rng, slow: model.sample(
            n, rng=rng, label=label, temperature=temperature, slow=slow
        ),
    )


@pytest.mark.parametrize("kind", FEW, ids=name)
def test_fast_is_slow_in_completing(kind, rng):
    """Every image has another part that is known, from nothing to everything."""
    model = build(kind, rng, size=(3, 4), **({"classes": 3} if "Gated" in kind else {}))
    x, label = images(model, 9, rng), labels(model, 9)
    D = len(model.order)
    count = np.r_[0, D, rng.integers(1, D, 7)]
    known = np.zeros((9, D), bool)
    known[:, model.order] = np.arange(D) < count[:, None]
    known, before = known.reshape(x.shape), x.copy()
    y = both(
        model,
        lambda rng, slow: model.complete(x, known, rng=rng, label=label, slow=slow),
    )
    np.testing.assert_array_equal(x, before)  # what was given is left alone
    np.testing.assert_array_equal(y[known], x[known])
    assert (y[~known] != x[~known]).any()


def test_each_image_is_drawn_given_its_own_past(rng):
    """Two images with other known tops are continued otherwise, by the same rng."""
    model = build(("Gated", "binary", 1, 3, (1, 2)), rng, size=(4, 4))
    known = (np.arange(4) < 1)[:, None]  # the top row, of every image
    tops = images(model, 64, rng)
    one = model.complete(tops, known, rng=np.random.default_rng(1))
    other = model.complete(1 - tops, known, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(one[:, :, :1], 1 - other[:, :, :1])
    assert (one[:, :, 1:] != other[:, :, 1:]).any()
    again = model.complete(tops, known, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(one, again)


def test_what_is_not_known_does_not_matter(rng):
    model = build(("PixelCNN", "categorical", 3, 3, (1, 2)), rng)
    x, noise = images(model, 4, rng), images(model, 4, rng)
    known = np.broadcast_to(np.arange(20).reshape(4, 5) < 8, x.shape)
    for slow in (False, True):
        one, other = (
            model.complete(a, known, rng=np.random.default_rng(2), slow=slow)
            for a in (x, np.where(known, x, noise))
        )
        np.testing.assert_array_equal(one, other)


def test_everything_known_needs_no_draw(rng):
    model = build(("PixelCNN", "binary", 1, 3, (1,)), rng)
    x, before = images(model, 3, rng), rng.bit_generator.state
    np.testing.assert_array_equal(model.complete(x, True, rng=rng), x)
    assert rng.bit_generator.state == before


def test_sampling_is_completing_nothing(rng):
    model = build(("PixelCNN", "categorical", 1, 3, (1,)), rng)
    x = model.sample(4, rng=np.random.default_rng(3))
    blank = np.full((4, 1, 4, 5), 3, np.uint8)
    y = model.complete(blank, False, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(x, y)
    assert model.complete(blank[:0], False, rng=rng).shape == (0, 1, 4, 5)
    floats = Tensor(blank.astype(np.float32))
    z = model.complete(floats, False, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(x, z)
    assert z.dtype == np.uint8


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="there is one thread")
def test_the_same_generator_draws_the_same_on_any_threads(rng):
    model = build(("Gated", "mixture", 3, 3, (1, 2)), rng)
    one = model.sample(8, rng=np.random.default_rng(4))
    with threads(2):
        two = model.sample(8, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(one, two)


def test_256_levels_and_a_bar(rng, capfd):
    model = build(("PixelCNN", "mixture", 3, 3, (1,)), rng, levels=256)
    x = both(model, lambda rng, slow: model.sample(2, rng=rng, slow=slow))
    assert x.max() > 100
    y = model.sample(2, rng=np.random.default_rng(5), bar=True)
    np.testing.assert_array_equal(x, y)
    assert capfd.readouterr().out == ""


# ---- the order of the model ----------------------------------------------------------


class Chain(Autoregressive):
    """The pixel drawn before, in any order, decides: equal with probability 0.9."""

    def __init__(self, shape, order):
        super().__init__(shape)
        self.order = np.array(order)
        self.strength = Tensor(np.float32(np.log(9)), requires_grad=True)

    def forward(self, x, label=None):
        flat = self.check(x).reshape(len(x), -1).astype(np.float32)
        logits = np.zeros_like(flat)
        logits[:, self.order[1:]] = 2 * flat[:, self.order[:-1]] - 1
        return self.strength * logits.reshape(len(x), 1, *self.shape)


def test_another_order_than_reading(rng):
    order = rng.permutation(12)
    model = Chain((1, 3, 4), order)
    x = model.sample(4000, rng=rng, slow=True).reshape(4000, -1)[:, order]
    same = (x[:, 1:] == x[:, :-1]).mean(0)
    np.testing.assert_allclose(same, 0.9, atol=0.02)
    assert x[:, 0].mean() == pytest.approx(0.5, abs=0.03)
    known = np.zeros(12, bool)
    known[order[:5]] = True
    images = rng.integers(2, size=(6, 1, 3, 4)).astype(np.uint8)
    y = model.complete(images, known.reshape(3, 4), rng=rng, slow=True)
    np.testing.assert_array_equal(y[:, 0].reshape(6, -1)[:, known],
                                  images.reshape(6, -1)[:, known])  # fmt: skip
    known[order[[4, 5]]] = False, True
    c, (i, j) = 0, divmod(int(order[5]), 4)
    message = f"row {i}, column {j}, channel {c} after .* Chain draws"
    with pytest.raises(ValueError, match=message):
        model.complete(images, known.reshape(3, 4), rng=rng, slow=True)


def test_reading_order_with_the_colours_innermost(rng):
    model = build(("PixelCNN", "binary", 3, 3, (1,)), rng)
    places = [np.unravel_index(at, model.shape) for at in model.order[:7]]
    assert [tuple(map(int, p)) for p in places] == [
        (0, 0, 0), (1, 0, 0), (2, 0, 0), (0, 0, 1), (1, 0, 1), (2, 0, 1), (0, 0, 2),
    ]  # fmt: skip


def test_the_slow_stream_is_the_forward_pass(rng):
    model = build(("PixelCNN", "categorical", 3, 3, (1,)), rng)
    x = images(model, 2, rng)
    stream = Rerun(model, 2)
    with no_grad():
        for k, at in enumerate(model.order[:10]):
            c, i, j = np.unravel_index(at, model.shape)
            expected = model(stream.x).data[:, :, c, i, j]
            np.testing.assert_array_equal(stream.at(k), expected)
            stream.put(k, x[:, c, i, j])
    assert (stream.x[:, :, 0, :3] == x[:, :, 0, :3]).all() and not stream.x[
        :, :, 1:
    ].any()


# ---- frequencies ---------------------------------------------------------------------


@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
@pytest.mark.parametrize("values", ["binary", "categorical", "mixture"])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_samples_have_their_probabilities(which, values, temperature, rng):
    """20,000 draws of two pixels beside all probabilities: total variation < 0.035.

    With K equally likely outcomes draws alone make about √(K / 2πn): 0.025 for 81.
    """
    model = build((which, values, 1, 3, (1,)), rng, size=(1, 2))
    K, n = model.levels, 20_000
    x = model.sample(n, rng=rng, temperature=temperature).reshape(n, 2)
    share = np.bincount(x @ [K, 1], minlength=K * K) / n
    everything = np.stack(np.divmod(np.arange(K * K), K), 1).astype(np.uint8)
    everything = everything.reshape(-1, 1, 1, 2)
    with no_grad():
        p = model.distribution(model(everything), temperature)
        chances = np.exp(p.log_prob(everything.astype(int)).data.sum((1, 2, 3)))
    assert chances.sum() == pytest.approx(1, abs=1e-3)
    assert abs(share - chances).sum() / 2 < 0.035
    if temperature == 1:
        logs = model.log_prob(everything).data
        np.testing.assert_allclose(np.exp(logs), chances, rtol=1e-5)


@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_a_low_temperature_takes_the_likeliest(which, rng):
    model = build((which, "categorical", 1, 3, (1,)), rng)
    x = model.sample(3, rng=rng, temperature=1e-4)
    best = model(x).data.argmax(1)
    np.testing.assert_array_equal(x, best)


def test_completions_have_their_probabilities(rng):
    """The last pixel given the first: frequencies beside p(x) / Σ p."""
    model = build(("Gated", "categorical", 1, 3, (1,)), rng, size=(1, 2), classes=2)
    start = np.full((20_000, 1, 1, 2), 2, np.uint8)
    x = model.complete(start, np.array([True, False]), rng=rng, label=1)
    assert (x[..., 0] == 2).all()
    share = np.bincount(x[:, 0, 0, 1], minlength=4) / len(x)
    every = np.full((4, 1, 1, 2), 2, np.uint8)
    every[:, 0, 0, 1] = range(4)
    with no_grad():
        chances = np.exp(model.log_prob(every, 1).data)
    np.testing.assert_allclose(share, chances / chances.sum(), atol=0.015)


# ---- errors --------------------------------------------------------------------------


@pytest.fixture
def model(rng):
    return build(("PixelCNN", "binary", 3, 3, (1,)), rng)


@pytest.mark.parametrize(
    "c, i, j, hole",
    [(0, 0, 1, (2, 0, 0)), (1, 2, 3, (0, 2, 3)), (0, 3, 0, (2, 2, 4))],
)
@pytest.mark.parametrize("slow", [False, True])
def test_known_after_unknown_is_refused(c, i, j, hole, slow, model, rng):
    x = images(model, 4, rng)
    known = np.zeros(x.shape, bool)
    known[3] = True
    flat = known[2].reshape(-1)
    last = list(model.order).index(np.ravel_multi_index((c, i, j), model.shape))
    flat[model.order[: last + 1]] = True
    model.complete(x, known, rng=rng, slow=slow)  # this is as it should be
    known[(2, *hole)] = False
    message = f"known has image 2's row {i}, column {j}, channel {c} after a value that"
    with pytest.raises(ValueError, match=message):
        model.complete(x, known, rng=rng, slow=slow)


@pytest.mark.parametrize(
    "known, message",
    [
        (0, r"known must be boolean .* \(2, 3, 4, 5\)"),
        (np.zeros((2, 3, 4, 5), np.uint8), "known must be boolean .* got uint8"),
        (np.zeros((4, 4), bool), "known must be .* got bool of shape \\(4, 4\\)"),
        (np.zeros((3, 3, 4, 5), bool), "known must be"),
        (np.zeros((1, 2, 3, 4, 5), bool), "known must be"),
        (None, "known must be boolean"),
    ],
)
def test_other_known_is_refused(known, message, model, rng):
    with pytest.raises(ValueError, match=message):
        model.complete(images(model, 2, rng), known, rng=rng)


@pytest.mark.parametrize("temperature", [0, 0.0, -1, np.nan])
def test_other_temperatures_are_refused(temperature, model, rng):
    with pytest.raises(ValueError, match="temperature must be above 0, got"):
        model.sample(1, rng=rng, temperature=temperature)


def test_other_arguments_are_refused(model, rng):
    with pytest.raises(TypeError, match="rng"):
        model.sample(1)
    with pytest.raises(TypeError, match="rng must be .* got 0"):
        model.sample(1, rng=0)
    with pytest.raises(TypeError, match="rng must be .* got None"):
        model.complete(images(model, 1, rng), False, rng=None)
    for n in (0, -1, 2.0):
        with pytest.raises(ValueError, match=f"sample: n must be .* got {n}"):
            model.sample(n, rng=rng)
    with pytest.raises(ValueError, match="PixelCNN: x must be images"):
        model.complete(np.zeros((1, 1, 4, 5), np.uint8), False, rng=rng)
    with pytest.raises(ValueError, match="x must have values 0 … 1, got 0 … 2"):
        model.complete(images(model, 2, rng) * 2, True, rng=rng)
    with pytest.raises(ValueError, match="PixelCNN: x must hold whole numbers"):
        model.complete(np.full((1, 3, 4, 5), 0.5), True, rng=rng)
    with pytest.raises(ValueError, match="label is 3, expected no labels"):
        model.sample(1, rng=rng, label=3)


def test_other_labels_are_refused(rng):
    model = build(("Gated", "binary", 1, 3, (1,)), rng, classes=3)
    for label in (None, 3, 0.0, np.array([0, 1])):
        with pytest.raises(ValueError, match="GatedPixelCNN: label"):
            model.sample(3, rng=rng, label=label)


def test_nothing_is_recorded(model, rng):
    """Streams do not build graphs: the parameters they give are plain arrays."""
    stream = model.stream(1)
    assert type(stream.at(0)) is np.ndarray
    x = model.sample(1, rng=rng)
    assert type(x) is np.ndarray
