"""One pixel at a time: the streams' parameters are those of the forward pass."""

import numba
import numpy as np
import pytest
from crosscheck import threads
from pixels import FEW, build, images, in_order, labels, name

from mini import Tensor, kernels, nn, no_grad
from mini import functional as F
from mini.streams import Stream, Whole

pytestmark = pytest.mark.usefixtures("one_thread")


def walk(stream, model, x):
    """The parameters (D, n, P) that a stream gives as it is told the images x."""
    flat, found = x.reshape(len(x), len(model.order)), []
    for k, at in enumerate(model.order):
        found.append(stream.at(k).copy())
        stream.put(k, flat[:, at])
    return np.stack(found)


def assert_equal_to_forward(model, n, rng, atol=1e-5):
    x, label = images(model, n, rng), labels(model, n)
    with no_grad():
        expected = in_order(model, model(x, label).data)
        found = walk(model.stream(n, label), model, x)
    assert found.shape == expected.shape and found.dtype == expected.dtype
    atol *= max(1, abs(expected).max(initial=0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("n", [1, 3, 9])
@pytest.mark.parametrize("kind", FEW, ids=name)
def test_parameters_are_those_of_the_forward_pass(kind, n, rng):
    more = {"classes": 3} if kind[0] == "Gated" else {}
    assert_equal_to_forward(build(kind, rng, **more), n, rng)


SIZES = [(1, 1), (1, 6), (6, 1), (2, 9), (9, 2), (3, 3)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_images_of_any_size(which, size, rng):
    """Also narrower and lower than the kernels are."""
    for colours in (1, 3):
        kind = (which, "categorical", colours, 5, (1, 2))
        assert_equal_to_forward(build(kind, rng, size, first_size=7), 3, rng)


@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_far_apart_taps_and_many_layers(which, rng):
    part = {"blocks": 5} if which == "PixelCNN" else {"layers": 5}
    kind = (which, "binary", 1, 3, (1, 4, 2))
    model = build(kind, rng, (11, 10), first_size=7, **part)
    assert_equal_to_forward(model, 2, rng)


@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_no_images_at_all(which, rng):
    model = build((which, "binary", 1, 3, (1,)), rng)
    assert walk(model.stream(0), model, images(model, 0, rng)).shape == (20, 0, 1)


@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_double_precision(which, rng):
    model = build((which, "mixture", 1, 3, (1, 2)), rng).to(np.float64)
    assert_equal_to_forward(model, 2, rng)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="there is one thread")
@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_threads_change_no_bit(which, rng):
    model = build((which, "categorical", 3, 3, (1, 2)), rng)
    x, found = images(model, 9, rng), []
    for count in (1, 2):
        with threads(count), no_grad():
            found.append(walk(model.stream(9), model, x))
    np.testing.assert_array_equal(*found)


def test_images_do_not_know_of_each_other(rng):
    """What one image gets, alone and among others, is the same to the last bit."""
    model = build(("Gated", "categorical", 1, 3, (1, 2)), rng, classes=3)
    x, label = images(model, 9, rng), labels(model, 9)
    with no_grad():
        together = walk(model.stream(9, label), model, x)
        for i in (0, 5):
            alone = walk(model.stream(1, label[i : i + 1]), model, x[i : i + 1])
            np.testing.assert_array_equal(alone[:, 0], together[:, i])


def test_the_future_is_not_looked_at(rng):
    """What is left in memory from rows above cannot reach a masked network."""
    model = build(("PixelCNN", "binary", 3, 3, (1, 2)), rng)
    x = images(model, 2, rng)
    with no_grad():
        clean, dirty = model.stream(2), model.stream(2)
        dirty.canvas[...] = 7.0  # what has not been put yet
        side = dirty.image.side
        dirty.canvas[:, :, :side] = dirty.canvas[:, :, -side:] = 0  # beyond the edges
        np.testing.assert_array_equal(walk(clean, model, x), walk(dirty, model, x))


def test_a_second_look_at_a_value_changes_nothing(rng):
    model = build(("Gated", "binary", 3, 3, (1, 2)), rng)
    x = images(model, 2, rng).reshape(2, -1)
    stream = model.stream(2)
    for k, at in enumerate(model.order):
        first = stream.at(k).copy()
        np.testing.assert_array_equal(stream.at(k), first)
        stream.put(k, x[:, at])


@pytest.mark.parametrize("which, times", [("PixelCNN", 1), ("Gated", 2)])
def test_little_is_kept(which, times, rng):
    """Rows that nothing looks back to are forgotten: memory grows with W, not H·W."""
    kind = (which, "binary", 1, 3, (1, 2))
    low, high = (build(kind, rng, (H, 12)).stream(4).memory.size for H in (12, 48))
    place = 12 * 12  # a row of the bias of every place, which is known from the start
    assert high - low == times * 4 * (48 - 12) * place


def test_weights_are_those_of_the_moment(rng):
    """A stream holds copies: a step of training in between does not disturb it."""
    model = build(("PixelCNN", "binary", 1, 3, (1,)), rng)
    x, stream = images(model, 2, rng), model.stream(2)
    expected = walk(model.stream(2), model, x)
    for parameter in model.parameters():
        parameter.data += 1
    np.testing.assert_array_equal(walk(stream, model, x), expected)
    assert (walk(model.stream(2), model, x) != expected).any()


# ---- networks of one's own -----------------------------------------------------------


class Own:
    """A network that uses each verb in ways in which the two models do not."""

    def __init__(self, rng):
        wide = {"dilation": 2, "rng": rng}
        self.up = nn.MaskedConv2d("vertical A", 2, 4, (5, 3), **wide)
        self.rows = nn.MaskedConv2d("vertical B", 4, 6, (3, 5), bias=False, rng=rng)
        self.left = nn.MaskedConv2d("A", 2, 3, (1, 5), bias=False, rng=rng)
        self.both = nn.Conv2d(3, 3, 1, rng=rng)
        self.out = nn.MaskedConv2d("B", 3, 4, 3, dilation=3, rng=rng)
        shapes = (1, 4, 5, 1), (2, 3, 1, 6), (1, 3, 1, 1)
        self.more = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]

    def network(self, f, x):
        above = f.relu(f.add(f.conv(self.up, x), self.more[0]))  # a number per row
        seen = f.gate(f.conv(self.rows, above))
        left = f.add(f.conv(self.left, x), Tensor(self.more[1]))  # per column and image
        h = f.add(f.add(left, seen), self.more[2])
        h = f.add(f.gate(f.conv(self.double, h)), h) if hasattr(self, "double") else h
        h = f.add(h, f.relu(f.conv(self.both, h)))
        return f.conv(self.out, f.add(h, h))


def test_a_network_of_ones_own(rng):
    own, x = Own(rng), rng.integers(5, size=(2, 2, 5, 6))
    own.double = nn.MaskedConv2d("B", 3, 6, 3, rng=rng)
    whole = own.network(Whole, Tensor((x / 4).astype(np.float32))).data
    stream = Stream(2, (2, 5, 6), 5)
    stream.finish(own.network(stream, stream.image))
    for i, j in np.ndindex(5, 6):
        for c in range(2):
            found = stream.at(2 * (6 * i + j) + c)
            expected = whole[:, 2 * c : 2 * c + 2, i, j]
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
            if c == 0:  # both colours of a pixel are drawn from the past of the pixel
                stream.put(2 * (6 * i + j), x[:, 0, i, j])
        stream.put(2 * (6 * i + j) + 1, x[:, 1, i, j])


def test_an_output_that_is_known_row_by_row(rng):
    """If nothing looks to the left, the last node keeps a row and not a place."""
    layer = nn.MaskedConv2d("vertical A", 1, 3, 3, rng=rng)
    x = rng.integers(2, size=(3, 1, 4, 5))
    whole = layer(Tensor(x.astype(np.float32))).data
    stream = Stream(3, (1, 4, 5), 2)
    stream.finish(stream.conv(layer, stream.image))
    assert stream.params.shape == (3, 1, 5, 3)
    for k, (i, j) in enumerate(np.ndindex(4, 5)):
        np.testing.assert_allclose(stream.at(k), whole[:, :, i, j], atol=1e-6)
        stream.put(k, x[:, 0, i, j])


def test_the_verbs_on_whole_images(rng):
    x = Tensor(rng.standard_normal((2, 4, 3, 3)).astype(np.float32))
    layer = nn.Conv2d(4, 2, 1, rng=rng)
    np.testing.assert_array_equal(Whole.conv(layer, x).data, layer(x).data)
    np.testing.assert_array_equal(Whole.relu(x).data, np.maximum(x.data, 0))
    np.testing.assert_array_equal(Whole.gate(x).data, F.gate(x).data)
    np.testing.assert_array_equal(Whole.add(x, x).data, 2 * x.data)


# ---- the compiled loop, beside numpy -------------------------------------------------


def test_one_product_beside_numpy(rng):
    """A convolution with C = 3, O = 5 and three taps, for counts that do not fit 4."""
    stream = Stream(4, (3, 4, 6), 2)
    layer = nn.MaskedConv2d("A", 3, 5, 3, rng=rng)
    layer.mask = layer.mask.copy()
    layer.mask[0, 1] = False  # three taps are left: 9 numbers, 4 + 4 + 1
    stream.finish(stream.conv(layer, stream.image))
    x = rng.random((4, 3, 4, 6)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for i, j in np.ndindex(4, 6):
        window = padded[:, :, i : i + 3, j : j + 3] * layer.mask
        expected = np.einsum("nckl,ockl->no", window, layer.weight.data)
        red = stream.at(3 * (6 * i + j))
        assert red.shape == (4, 1)  # 5 // 3 numbers for each colour
        found = stream.params[:, 0, 0]
        np.testing.assert_allclose(found, expected + layer.bias.data, atol=1e-6)
        for c in range(3):
            stream.put(3 * (6 * i + j) + c, x[:, c, i, j])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_a_number_is_passed_on(dtype, rng):
    x = np.array([np.nan, np.inf, -np.inf, -1, 0, 1], dtype)
    nodes = np.array([[0, 1, 1, 0, 6], [6, 1, 1, 0, 6]])
    step = np.array([[kernels.RELU, 0, 0, 1, 0, 0, 0, 0]])
    memory, taps = np.concatenate([x, np.zeros(6, dtype)]), np.zeros((1, 2), int)
    kernels.run_steps(1, 0, (0, 1), step, nodes, taps, np.zeros(1, dtype), memory)
    np.testing.assert_array_equal(memory[6:], np.maximum(x, 0))
