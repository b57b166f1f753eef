"""PixelCNNs that read in several ways: one distribution, drawn from as it says."""

import numpy as np
import pytest
import torch
from crosscheck import difference
from pixels import images, shaken
from scipy.stats import chisquare
from test_models_pixelcnn import total

from mini import grad, no_grad
from mini.models.pixelcnn import WAYS, MultiWayPixelCNN
from mini.twins.pixelcnn import TURNED
from mini.twins.pixelcnn import MultiWayPixelCNN as Twin

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"channels": 6, "hidden": 6, "blocks": 2, "first_size": 3, "dilations": (1, 2)}
HALVES = {"rows": 0.5, "columns": 0.5}
THREE = {"rows": 0.5, "columns": 0.3, "backwards": 0.2}


def build(shape, rng, shares=HALVES, **more):
    model = MultiWayPixelCNN(shape, shares=shares, **SMALL, **more, rng=rng)
    for way in shares:
        shaken(getattr(model, way), rng)
    return model


@pytest.mark.parametrize(
    "shape, levels", [((1, 3, 3), 2), ((3, 2, 1), 3), ((1, 2, 3), 4)]
)
def test_the_probabilities_of_all_images_sum_to_one(shape, levels, rng):
    model = build(shape, rng, THREE, levels=levels).to(np.float64)
    assert total(model) == pytest.approx(1, abs=1e-9)


def test_probabilities_are_averaged_and_not_their_logarithms(rng):
    model = build((1, 4, 5), rng, THREE).to(np.float64)
    x = images(model, 6, rng)
    a, b, c = np.exp(model.each_log_prob(x).data)
    assert not np.allclose(a, b) and not np.allclose(a, c)
    found = np.exp(model.log_prob(x).data)
    np.testing.assert_allclose(found, 0.5 * a + 0.3 * b + 0.2 * c, rtol=1e-10)


def test_far_from_one_another_the_better_reader_counts(rng):
    """No exp of a hundred nats on the way."""
    model = build((1, 4, 5), rng)
    model.columns.last.bias.data -= 200  # whites astonish the reader of columns
    x = np.ones((2, 1, 4, 5), np.uint8)
    by_rows, by_columns = model.each_log_prob(x).data
    assert (by_columns < by_rows - 1000).all()
    np.testing.assert_allclose(model.log_prob(x).data, by_rows - np.log(2), rtol=1e-6)


@pytest.mark.parametrize("way", ["columns", "backwards"])
def test_the_second_reads_the_image_turned(way, rng):
    """With equal weights an image and its turned self are equally probable."""
    model, turned = build((1, 4, 4), rng, {"rows": 0.5, way: 0.5}), WAYS[way]
    getattr(model, way).load_state_dict(model.rows.state_dict())
    x = images(model, 5, rng)
    by_rows, other_way = model.each_log_prob(x).data
    assert not np.allclose(by_rows, other_way)
    swapped = model.each_log_prob(turned(x)).data
    np.testing.assert_allclose(swapped, [other_way, by_rows], rtol=1e-6)
    np.testing.assert_allclose(
        model.log_prob(turned(x)).data, model.log_prob(x).data, rtol=1e-6
    )


@pytest.mark.parametrize("way", WAYS)
def test_turned_twice_an_image_is_as_it_was(way, rng):
    x = rng.random((2, 3, 4, 5))
    np.testing.assert_array_equal(WAYS[way](WAYS[way](x)), x)
    np.testing.assert_array_equal(WAYS[way](x), TURNED[way](torch.tensor(x)).numpy())


@pytest.mark.parametrize("shape, levels", [((1, 4, 5), 2), ((3, 3, 2), 4)])
def test_fast_sampling_is_slow_sampling(shape, levels, rng):
    model = build(shape, rng, THREE, levels=levels)
    fast, slow = (
        model.sample(9, rng=np.random.default_rng(4), temperature=0.8, slow=slow)
        for slow in (False, True)
    )
    assert fast.shape == (9, *shape) and fast.dtype == np.uint8
    np.testing.assert_array_equal(fast, slow)


def test_one_image_may_be_anybodys(rng):
    model, who = build((1, 3, 4), rng), set()
    model.rows.last.bias.data[...] = 50  # draws white
    model.columns.last.bias.data[...] = -50  # draws black
    for _ in range(20):
        drawn = model.sample(1, rng=rng)
        who.add(drawn.min().item() + drawn.max().item())
    assert who == {0, 2}
    share = model.sample(400, rng=rng).mean()
    assert 0.4 < share < 0.6


def test_samples_have_their_probabilities(rng):
    model, n = build((1, 2, 2), rng, THREE), 20_000
    drawn = model.sample(n, rng=rng).reshape(n, 4) @ [1, 2, 4, 8]
    every = (np.arange(16)[:, None] >> np.arange(4) & 1).reshape(16, 1, 2, 2)
    with no_grad():
        p = np.exp(model.log_prob(every.astype(np.uint8)).data.astype(float))
    counts = np.bincount(drawn, minlength=16)
    assert chisquare(counts, n * p / p.sum()).pvalue > 1e-3


@pytest.mark.parametrize("options", [{}, {"levels": 4}, {"levels": 9, "components": 2}])
def test_values_and_gradients_are_the_twins(options, rng):
    model = build((3, 3, 4), rng, THREE, **options).to(np.float64)
    twin = Twin((3, 3, 4), shares=THREE, **SMALL, **options).double()
    ours = model.state_dict()
    assert list(ours) == list(twin.state_dict())
    twin.load_state_dict({key: torch.tensor(a) for key, a in ours.items()})
    x = images(model, 4, rng)
    log_prob, expected = model.log_prob(x), twin.log_prob(torch.tensor(x))
    assert difference(log_prob, expected) < 1e-12
    found = grad(log_prob.sum(), model.parameters())
    wanted = torch.autograd.grad(expected.sum(), list(twin.parameters()))
    for g, e in zip(found, wanted, strict=True):
        assert difference(g, e) < 1e-10


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m, r: m.log_prob(np.zeros((2, 1, 5, 4))), "MultiWayPixelCNN: x must"),
        (lambda m, r: m.log_prob(np.full((2, 1, 4, 5), 2)), "values 0 … 1, got 2"),
        (lambda m, r: m.sample(0, rng=r), "sample: n must be .* got 0"),
        (lambda m, r: m.sample(2, rng=r, temperature=0), "temperature .* got 0"),
        (lambda m, r: build((4, 5), r), r"shape must .* got \(4, 5\)"),
        (lambda m, r: build((1, 4, 5), r, {}), "shares must .* got {}"),
        (lambda m, r: build((1, 4, 5), r, {"rows": 0.9}), "sum to one.* got .*0.9"),
        (lambda m, r: build((1, 4, 5), r, {"up": 1.0}), "out of rows, .* got .*up"),
        (lambda m, r: build((1, 4, 5), r, {"rows": 2, "columns": -1}), "positive"),
    ],
)
def test_bad_arguments_are_named(call, message, rng):
    with pytest.raises(ValueError, match=message):
        call(build((1, 4, 5), rng), rng)
