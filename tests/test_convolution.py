"""Convolutions beside torch, and beside seven nested loops."""

import itertools
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from crosscheck import assert_same, difference, sweep, threads
from hypothesis import given
from hypothesis import strategies as st

from mini import Tensor, grad
from mini import functional as F
from mini.convolution import grid_of_taps
from mini.kernels import strided


def normal(shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def leaves(*arrays):
    return [Tensor(a, requires_grad=True) for a in arrays]


# ---- conv2d --------------------------------------------------------------------------

few, small = st.integers(1, 4), st.integers(0, 3)


@st.composite
def convolutions(draw):
    """Arrays x, w and perhaps b; settings; a mask or None. The kernel always fits."""
    N, C, O, KH, KW = (draw(few) for _ in range(5))
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = draw(st.one_of(small, st.tuples(small, small)))
    pair = padding if isinstance(padding, tuple) else (padding, padding)
    least = [max(1, dilation * (K - 1) + 1 - 2 * p) for K, p in zip((KH, KW), pair)]
    H, W = (draw(st.integers(n, n + 6)) for n in least)
    shapes = [(N, C, H, W), (O, C, KH, KW), (O,)][: draw(st.integers(2, 3))]
    arrays = [normal(s, i) for i, s in enumerate(shapes)]
    mask = draw(st.sampled_from([None, (KH, KW), (O, C, KH, KW)]))
    if mask is not None:  # now and then of all taps, or of none
        density = draw(st.sampled_from([0, 0.3, 0.7, 1]))
        seed = draw(st.integers(0, 99))
        mask = np.random.default_rng(seed).random(mask) < density
    return arrays, {"stride": stride, "padding": padding, "dilation": dilation}, mask


def assert_conv2d(arrays, settings, mask=None):
    def theirs(x, w, b=None):
        w = w if mask is None else w * torch.tensor(mask)
        return TF.conv2d(x, w, b, **settings)

    assert_same(lambda *xs: F.conv2d(*xs, mask=mask, **settings), theirs, arrays)


@sweep(max_examples=300)
@given(convolutions())
def test_conv2d_is_torchs(drawn):
    assert_conv2d(*drawn)


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 2}])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (4, 3), (3, 5)], ids=str)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)], ids=str)
def test_one_pixel_wide_images(size, kernel, settings):
    settings = {"padding": 2} | settings
    x, w = normal((2, 3, *size)), normal((4, 3, *kernel), 1)
    assert_conv2d([x, w, normal(4, 2)], settings)


@pytest.mark.parametrize("padding", [0, 1, (0, 2)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_pointwise_kernels(stride, padding):
    settings = {"stride": stride, "padding": padding}
    assert_conv2d([normal((2, 3, 5, 6)), normal((5, 3, 1, 1), 1)], settings)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2, 3, 3)], ids=str)
def test_every_tap_masked_away(shape):
    """Only the bias is left, and the weights' gradient is zero."""
    x, w, b = leaves(normal((2, 2, 5, 5)), normal((4, 2, 3, 3)), normal(4))
    y = F.conv2d(x, w, b, padding=1, mask=np.zeros(shape, bool))
    assert np.array_equal(y.data, np.broadcast_to(b.data[:, None, None], y.shape))
    gx, gw, gb = grad(y.sum(), [x, w, b])
    assert not gx.data.any() and not gw.data.any()
    assert np.array_equal(gb.data, np.full(4, 50.0))


@pytest.mark.parametrize("N", [0, 1])
def test_a_batch_may_be_empty(N):
    x, w, b = leaves(normal((N, 2, 5, 5)), normal((4, 2, 3, 3)), normal(4))
    y = F.conv2d(x, w, b, stride=2, padding=1)
    assert y.shape == (N, 4, 3, 3)
    first = grad(y.sum(), [x, w, b], create_graph=True)
    second = grad(sum((g * g).sum() for g in first), [x, w, b])
    assert [g.shape for g in first] == [g.shape for g in second] == [
        x.shape, w.shape, b.shape
    ]  # fmt: skip
    assert N or not any(g.data.any() for g in first)


def test_a_masked_tap_never_sees_its_pixel():
    """NaN at a tap that is masked for all: fewer taps, not taps times zero."""
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = np.nan
    y = F.conv2d(Tensor(x), Tensor(np.ones((1, 1, 3, 3))), padding=1, mask=mask)
    assert np.flatnonzero(~np.isnan(y.data)).tolist() == [4]


LARGE = {  # x, w, settings: what chapters use, and images larger than a pass
    "3×3": ((64, 16, 28, 28), (16, 16, 3, 3), {"padding": 1}),
    "7×7 masked": ((9, 1, 28, 28), (32, 1, 7, 7), {"padding": 3}),
    "pointwise": ((17, 33, 28, 28), (18, 33, 1, 1), {}),
    "strided 4×4": ((10, 5, 28, 28), (7, 5, 4, 4), {"stride": 2, "padding": 1}),
    "large images": ((3, 2, 70, 61), (5, 2, 5, 5), {"dilation": 2}),
    "small images": ((70, 6, 5, 3), (10, 6, 3, 3), {"padding": 1}),
    "one image": ((1, 3, 40, 50), (6, 3, 2, 2), {"stride": 3}),
}


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 2e-6), (np.float64, 1e-13)])
@pytest.mark.parametrize("name", LARGE)
def test_larger_batches_in_both_precisions(name, dtype, tolerance):
    """Beside torch in float64: the sums are longer than in the sweep."""
    x_shape, w_shape, settings = LARGE[name]
    xs = [
        normal(x_shape),
        normal(w_shape, 1) / np.prod(w_shape[1:]),
        normal(w_shape[0]),
    ]
    mask = np.arange(49).reshape(7, 7) < 24 if name == "7×7 masked" else None
    ours = leaves(*(x.astype(dtype) for x in xs))
    y = F.conv2d(*ours, mask=mask, **settings)
    theirs = [torch.tensor(x, requires_grad=True) for x in xs]
    w = theirs[1] if mask is None else theirs[1] * torch.tensor(mask)
    z = TF.conv2d(theirs[0], w, theirs[2], **settings)
    c = normal(y.shape, 2)
    first = grad((y * c.astype(dtype)).sum(), ours)
    expected = torch.autograd.grad((z * torch.tensor(c)).sum(), theirs)
    for a, b in zip([y, *first], [z, *expected]):
        assert a.dtype == dtype
        b = b.detach().numpy()
        assert np.abs(a.data - b).max() < tolerance * np.abs(b).max()


# ---- taps beside loops ---------------------------------------------------------------


def seven_loops(x, w, g, taps, stride):
    """y, and the shares of x and w if g flows back: one loop over all that is."""
    (N, C, H, W), (O, _, T), size = x.shape, w.shape, g.shape[2:]
    y, dx, dw = np.zeros(g.shape), np.zeros(x.shape), np.zeros(w.shape)
    for n, o, i, j, c, t in itertools.product(*map(range, (N, O, *size, C, T))):
        p, q = stride * i + taps[t, 0], stride * j + taps[t, 1]
        if 0 <= p < H and 0 <= q < W:
            y[n, o, i, j] += w[o, c, t] * x[n, c, p, q]
            dx[n, c, p, q] += w[o, c, t] * g[n, o, i, j]
            dw[o, c, t] += x[n, c, p, q] * g[n, o, i, j]
    return y, dx, dw


@st.composite
def tap_lists(draw):
    """Sizes and any taps at all: repeated, far outside, none."""
    N, C, O = draw(small), draw(few), draw(st.integers(1, 5))
    H, W, Ho, Wo = (draw(st.integers(1, 5)) for _ in range(4))
    offset = st.integers(-6, 6)
    taps = draw(st.lists(st.tuples(offset, offset), max_size=4))
    taps = np.array(taps, int).reshape(-1, 2)
    x, w = normal((N, C, H, W)), normal((O, C, len(taps)), 1)
    return x, w, normal((N, O, Ho, Wo), 2), taps, draw(st.integers(1, 3))


@sweep(max_examples=150)
@given(tap_lists())
def test_any_list_of_taps_beside_loops(drawn):
    x, w, g, taps, stride = drawn
    y, dx, dw = seven_loops(*drawn)
    tx, tw = leaves(x, w)
    with threads(1):
        out = F.conv_taps(tx, tw, taps, stride, g.shape[2:])
        found = [out, *grad((out * g).sum(), [tx, tw])]
    assert max(map(difference, found, map(torch.tensor, (y, dx, dw)))) < 1e-12


def test_grid_of_taps_reads_row_by_row():
    assert F.grid_of_taps(2, 3, 2, (1, 0)).tolist() == [
        [-1, 0], [-1, 2], [-1, 4], [1, 0], [1, 2], [1, 4]
    ]  # fmt: skip


# ---- conv_transpose2d ----------------------------------------------------------------


@st.composite
def transposed(draw):
    """Arrays x, w and perhaps b, settings; what comes out has at least one pixel."""
    N, C, O, H, W, KH, KW = (draw(few) for _ in range(7))
    stride = draw(st.integers(1, 3))
    extra = draw(st.integers(0, stride - 1)), draw(st.integers(0, stride - 1))
    most = [max(0, stride * (n - 1) + K + e - 1) // 2
            for n, K, e in ((H, KH, extra[0]), (W, KW, extra[1]))]  # fmt: skip
    if extra[0] == extra[1] and draw(st.booleans()):
        extra = extra[0]
    padding = tuple(draw(st.integers(0, min(3, n))) for n in most)
    if draw(st.booleans()):
        padding = min(padding)
    shapes = [(N, C, H, W), (C, O, KH, KW), (O,)][: draw(st.integers(2, 3))]
    settings = {"stride": stride, "padding": padding, "output_padding": extra}
    return [normal(s, i) for i, s in enumerate(shapes)], settings


@sweep(max_examples=200)
@given(transposed())
def test_conv_transpose2d_is_torchs(drawn):
    arrays, settings = drawn
    assert_same(
        lambda *xs: F.conv_transpose2d(*xs, **settings),
        lambda *xs: TF.conv_transpose2d(*xs, **settings),
        arrays,
    )


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("N, C, size", [(21, 3, 9), (45, 40, 25)])
def test_many_images_share_frames_and_products(N, C, size, stride):
    """In shares of different size, and more than fit into one product."""
    arrays = [normal((N, C, size, size), 0), normal((5, C, 4, 4), 1), normal((5,), 2)]
    settings = {"stride": stride, "padding": 1}
    assert_same(
        lambda *xs: F.conv2d(*xs, **settings),
        lambda *xs: TF.conv2d(*xs, **settings),
        arrays,
    )


@st.composite
def squares(draw):
    """Taps in a square of twice the stride, which kernels/winograd.py takes."""
    stride = draw(st.sampled_from([2, 2, 3]))
    N, C, O = (draw(st.integers(1, n)) for n in (19, 3, 3))
    sizes = [stride * draw(st.integers(2, 10)) + draw(st.integers(0, 2)) for _ in "HW"]
    shapes = (N, C, *sizes), (O, C, 2 * stride, 2 * stride), (O,)
    padding = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    return [normal(s, i) for i, s in enumerate(shapes)], stride, padding


@sweep(max_examples=40)
@given(squares())
def test_fewer_products_give_the_same(drawn):
    arrays, stride, padding = drawn
    settings = {"stride": stride, "padding": padding}
    with mock.patch("mini.kernels.strided.CHANNELS", 1):
        assert_same(
            lambda *xs: F.conv2d(*xs, **settings),
            lambda *xs: TF.conv2d(*xs, **settings),
            arrays,
        )


@sweep(max_examples=20)
@given(squares())
def test_fewer_products_give_the_same_transposed(drawn):
    (x, w, b), stride, padding = drawn
    arrays = [x, np.ascontiguousarray(w.swapaxes(0, 1)), b]
    settings = {"stride": stride, "padding": padding}
    with mock.patch("mini.kernels.strided.CHANNELS", 1):
        assert_same(
            lambda *xs: F.conv_transpose2d(*xs, **settings),
            lambda *xs: TF.conv_transpose2d(*xs, **settings),
            arrays,
        )


@pytest.mark.parametrize("channels, expected", [((16, 16), True), ((15, 99), False)])
def test_fewer_products_need_channels(channels, expected):
    (C, O), square = channels, grid_of_taps(4, 4, padding=(1, 1))
    x, y = normal((2, C, 6, 6)), normal((2, O, 3, 3))
    assert strided.is_square(square, 2, x, y) is expected
    for other in (square[::-1], square[1:], 2 * square, grid_of_taps(4, 4, 2)):
        assert not strided.is_square(other, 2, x, y)


@sweep(max_examples=30)
@given(convolutions())
def test_transposed_is_the_adjoint(drawn):
    """⟨conv(x), y⟩ = ⟨x, transposed(y)⟩ for every x and y."""
    (x, w, *_), settings, _ = drawn
    settings.pop("dilation")
    x = x[:, :, : 2 * w.shape[2] + 6, : 2 * w.shape[3] + 6]
    with threads(1):
        y = F.conv2d(x, w, **settings)
    pair = settings["padding"]
    pair = pair if isinstance(pair, tuple) else (pair, pair)
    rest = tuple(
        (n + 2 * p - K) % settings["stride"]
        for n, p, K in zip(x.shape[2:], pair, w.shape[2:])
    )
    z = normal(y.shape, 3)
    with threads(1):
        back = F.conv_transpose2d(z, w, output_padding=rest, **settings)
    assert np.isclose((y.data * z).sum(), (x * back.data).sum(), rtol=1e-11, atol=1e-11)


@sweep(max_examples=60)
@given(convolutions(), st.integers(1, 9))
def test_kernels_that_do_not_fit_are_refused(drawn, less):
    """Exactly where torch refuses them too."""
    (x, w, *_), settings, _ = drawn
    x = x[:, :, : max(1, x.shape[2] - less)]
    try:
        shape = TF.conv2d(torch.tensor(x), torch.tensor(w), **settings).shape
    except RuntimeError:
        with pytest.raises(ValueError, match="conv2d: .* does not fit"):
            F.conv2d(x, w, **settings)
    else:
        assert F.conv2d(x, w, **settings).shape == shape
