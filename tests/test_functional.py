"""F beside torch: activations, softmax, pooling, losses; every one by gradcheck."""

import inspect

import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from crosscheck import assert_same, differences, sweep, threads
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from mini import Tensor, grad
from mini import functional as F
from mini.gradcheck import gradcheck

MINUS = -np.inf


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def distinct(shape, seed=0):
    """Numbers in random order that differ by 0.1: no ties, also not of squares."""
    count = np.prod(shape, dtype=int)
    numbers = 0.1 * (np.arange(count) - count // 2) + 0.03
    return np.random.default_rng(seed).permutation(numbers).reshape(shape)


# ---- activations ---------------------------------------------------------------------

ACTIVATIONS = {
    "relu": (F.relu, TF.relu),
    "leaky_relu": (F.leaky_relu, TF.leaky_relu),
    "leaky_relu 0.2": (lambda x: F.leaky_relu(x, 0.2), lambda x: TF.leaky_relu(x, 0.2)),
    "elu": (F.elu, TF.elu),
    "elu 0.5": (lambda x: F.elu(x, 0.5), lambda x: TF.elu(x, 0.5)),
    "sigmoid": (F.sigmoid, torch.sigmoid),
    "tanh": (F.tanh, torch.tanh),
    "softplus": (F.softplus, TF.softplus),
    "sin": (F.sin, torch.sin),
    "cos": (F.cos, torch.cos),
}


@pytest.mark.parametrize("shape", [(), (5,), (0, 2), (3, 4), (2, 3, 4, 5)], ids=str)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, shape):
    assert_same(*ACTIVATIONS[name], [3 * normal(shape)])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_far_out(name):
    assert_same(*ACTIVATIONS[name], [np.array([30.0, -30, 800, -800])])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_at_zero(name):
    """Kinks included. (The second derivative of elu jumps there; ours is the left.)"""
    value, first, _ = differences(*ACTIVATIONS[name], [np.zeros(2)])
    assert max(value, first) < 1e-12


def gate(x):
    a, b = x.chunk(2, dim=1)
    return torch.tanh(a) * torch.sigmoid(b)


@pytest.mark.parametrize("shape", [(2, 4, 3, 5), (1, 2, 1, 1), (3, 6)], ids=str)
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-9), (np.float32, 2e-6)])
def test_gate(shape, dtype, tolerance):
    assert_same(F.gate, gate, [normal(shape).astype(dtype)], tolerance)


def test_fused_gate_is_its_composition():
    """float32 has a kernel of its own, with its own tanh: exact to about 1e-7."""
    x = np.linspace(-12, 12, 4001)
    x = np.stack([x, x[::-1]], axis=0).reshape(1, 2, 1, -1)
    fused, exact = (Tensor(x.astype(t), requires_grad=True) for t in ("f4", "f8"))
    assert np.abs(F.gate(fused).data - F.gate(exact).data).max() < 5e-7
    ours, theirs = (grad(F.gate(t).sum(), [t])[0].data for t in (fused, exact))
    assert np.abs(ours - theirs).max() < 1e-6


def test_gate_with_and_without_a_graph_gives_one_gradient():
    x = Tensor(normal((2, 6, 3, 3)).astype("f"), requires_grad=True)
    (plain,) = grad((F.gate(x) * 3).sum(), [x])
    (taped,) = grad((F.gate(x) * 3).sum(), [x], create_graph=True)
    assert np.abs(plain.data - taped.data).max() < 2e-6


# ---- softmax -------------------------------------------------------------------------

SOFTMAX = {
    "softmax": (F.softmax, torch.softmax),
    "log_softmax": (F.log_softmax, torch.log_softmax),
    "logsumexp": (F.logsumexp, torch.logsumexp),
    "logsumexp kept": (
        lambda x, axis: F.logsumexp(x, axis, keepdims=True),
        lambda x, axis: torch.logsumexp(x, axis, keepdim=True),
    ),
}


@pytest.mark.parametrize("name", SOFTMAX)
@sweep(max_examples=40)
@given(st.data())
def test_softmax(name, data):
    shape = data.draw(hn.array_shapes(max_dims=4, max_side=4))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    shift = data.draw(st.sampled_from([0, 1000, -1000]))
    ours, theirs = SOFTMAX[name]
    assert_same(
        lambda x: ours(x, axis), lambda x: theirs(x, axis), [3 * normal(shape) + shift]
    )


def test_logsumexp_of_several_axes():
    assert_same(
        lambda x: F.logsumexp(x, (0, 2)),
        lambda x: torch.logsumexp(x, (0, 2)),
        [normal((2, 3, 4))],
    )


@pytest.mark.parametrize("name", SOFTMAX)
def test_softmax_of_minus_infinity(name):
    ours, theirs = SOFTMAX[name]
    x = np.array([[0.0, MINUS, 1], [2, 3, 4], [MINUS, MINUS, 5]])
    assert_same(lambda x: ours(x, 1), lambda x: theirs(x, 1), [x])


# ---- pooling and space ---------------------------------------------------------------


@st.composite
def windows(draw):
    """Images, and kernel_size, stride and padding that fit them."""
    k = draw(st.integers(1, 4))
    padding = draw(st.integers(0, k // 2))
    least = max(1, k - 2 * padding)
    H, W = (draw(st.integers(least, least + 6)) for _ in range(2))
    N, C = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return (N, C, H, W), (k, draw(st.sampled_from([None, 1, 2, 3])), padding)


@sweep(max_examples=100)
@given(windows())
def test_max_pool2d(drawn):
    shape, settings = drawn
    assert_same(
        lambda x: F.max_pool2d(x, *settings),
        lambda x: TF.max_pool2d(x, *settings),
        [distinct(shape)],
    )


@sweep(max_examples=100)
@given(windows())
def test_avg_pool2d(drawn):
    shape, settings = drawn
    assert_same(
        lambda x: F.avg_pool2d(x, *settings),
        lambda x: TF.avg_pool2d(x, *settings),
        [normal(shape)],
    )


def test_equal_pixels_of_a_window():
    """The first gets the gradient, as in torch."""
    x = np.array([[1.0, 1, 0, 0], [1, 1, 0, 2], [3, 3, 3, 2]])[None, None]
    assert_same(lambda x: F.max_pool2d(x, 2, 1), lambda x: TF.max_pool2d(x, 2, 1), [x])


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 1), (0, 2, 3, 3)], ids=str)
def test_upsample_nearest(shape, scale):
    assert_same(
        lambda x: F.upsample_nearest(x, scale),
        lambda x: TF.interpolate(x, scale_factor=scale) if x.numel() else
        x.repeat(1, 1, scale, scale),
        [normal(shape)],
    )  # fmt: skip


@pytest.mark.parametrize("r", [1, 2, 3])
def test_pixel_shuffle(r):
    x = [normal((2, 2 * r * r, 3, 4))]
    assert_same(lambda x: F.pixel_shuffle(x, r), lambda x: TF.pixel_shuffle(x, r), x)


# ---- linear, dropout, losses ---------------------------------------------------------


@pytest.mark.parametrize("lead", [(), (4,), (2, 3), (0,), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_linear(lead, bias):
    arrays = [normal((*lead, 5)), normal((3, 5), 1), normal(3, 2)]
    assert_same(F.linear, TF.linear, arrays[: 2 + bias])


def test_dropout_zeroes_and_scales():
    x = Tensor(np.ones((200, 500), np.float32), requires_grad=True)
    y = F.dropout(x, 0.3, rng=np.random.default_rng(0))
    kept = y.data != 0
    assert abs(kept.mean() - 0.7) < 0.006  # 4 standard deviations
    assert np.allclose(y.data[kept], 1 / 0.7)
    assert y.dtype == np.float32
    assert np.array_equal(grad(y.sum(), [x])[0].data, y.data)


def test_dropout_rests_and_repeats():
    x = Tensor(np.ones(100))
    draw = lambda **k: F.dropout(x, 0.5, rng=np.random.default_rng(1), **k)  # noqa: E731
    assert np.array_equal(draw().data, draw().data)
    assert np.array_equal(draw(training=False).data, x.data)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 6), (2, 3, 4, 5), (1, 1)], ids=str)
def test_cross_entropy(shape, reduction):
    rng = np.random.default_rng(0)
    target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    assert_same(
        lambda x: F.cross_entropy(x, target, reduction),
        lambda x: TF.cross_entropy(x, torch.tensor(target), reduction=reduction),
        [3 * normal(shape)],
    )


LOSSES = {
    "binary_cross_entropy_with_logits": (
        F.binary_cross_entropy_with_logits, TF.binary_cross_entropy_with_logits
    ),
    "mse_loss": (F.mse_loss, TF.mse_loss),
}  # fmt: skip


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(), (7,), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_two_tensors(name, shape, reduction):
    ours, theirs = LOSSES[name]
    target = 1 / (1 + np.exp(-normal(shape, 1)))
    assert_same(
        lambda x, t: ours(x, t, reduction),
        lambda x, t: theirs(x, t, reduction=reduction),
        [5 * normal(shape), target],
    )


def test_loss_of_far_logits_and_whole_targets():
    """Neither overflow nor a change of dtype: logits float32, targets of any kind."""
    x = Tensor(np.array([800, -800, 800, -800], np.float32), requires_grad=True)
    for kind in (np.uint8, bool, np.int64, np.float32):
        target = np.array([1, 0, 0, 1]).astype(kind)
        loss = F.binary_cross_entropy_with_logits(x, target, "none")
        assert loss.dtype == np.float32
        assert np.array_equal(loss.data, [0, 0, 800, 800])
        assert np.array_equal(grad(loss.sum(), [x])[0].data, [0, 0, 1, -1])


# ---- gradients without a referee -----------------------------------------------------

IMAGES, LABELS = (2, 2, 3, 3), np.array([1, 0])
TAPS = np.array([[0, 0], [-1, 1], [2, 0]])
CONDITION = normal((2, 3), 9) > 0
CASES = {
    "abs": (abs, [distinct((2, 3))]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2, 1, 1), [normal(IMAGES)]),
    "batch_norm": (
        lambda *xs: F.batch_norm(*xs)[0], [normal((3, 2, 2)), normal(2), normal(2, 1)]),
    "binary_cross_entropy_with_logits": (
        F.binary_cross_entropy_with_logits, [normal((2, 3)), normal((2, 3), 1)]),
    "broadcast_to": (lambda x: F.broadcast_to(x * x, (2, 3)), [normal((2, 1))]),
    "clip": (lambda x: F.clip(x * x, 0.2, 0.6), [distinct((2, 3))]),
    "concatenate": (lambda a, b: F.concatenate([a, b * a], 1), [normal((2, 2))] * 2),
    "conv2d": (
        lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1),
        [normal(IMAGES), normal((2, 2, 2, 3), 1), normal(2)]),
    "conv_taps": (
        lambda x, w: F.conv_taps(x, w, TAPS, 1, (3, 2)),
        [normal(IMAGES), normal((1, 2, 3), 1)]),
    "conv_taps_input": (
        lambda y, w: F.conv_taps_input(y, w, TAPS, 2, (4, 5)),
        [normal(IMAGES), normal((2, 1, 3), 1)]),
    "conv_taps_weight": (
        lambda x, y: F.conv_taps_weight(x, y, TAPS, 1),
        [normal(IMAGES), normal((2, 1, 2, 2), 1)]),
    "conv_transpose2d": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, output_padding=1),
        [normal((2, 2, 2, 2)), normal((2, 1, 2, 3), 1), normal(1)]),
    "cos": (F.cos, [normal((2, 3))]),
    "cross_entropy": (lambda x: F.cross_entropy(x, LABELS), [normal((2, 3))]),
    "dropout": (
        lambda x: F.dropout(x * x, 0.4, rng=np.random.default_rng(0)),
        [normal((3, 4))]),
    "elu": (F.elu, [distinct((3, 4))]),
    "exp": (F.exp, [normal((2, 3))]),
    "gate": (F.gate, [normal((2, 4, 1, 2))]),
    "gather": (
        lambda x: F.gather(x * x, 1, np.array([[0, 0], [2, 1]])), [normal((2, 3))]),
    "index": (lambda x: (x * x)[[0, 0, 2], 1:], [normal((3, 3))]),
    "leaky_relu": (lambda x: F.leaky_relu(x) * x, [distinct((3, 4))]),
    "linear": (F.linear, [normal((2, 3)), normal((4, 3), 1), normal(4)]),
    "log": (F.log, [0.5 + normal((2, 3)) ** 2]),
    "log_softmax": (F.log_softmax, [normal((2, 3))]),
    "logsumexp": (lambda x: F.logsumexp(x, 0), [normal((2, 3))]),
    "matmul": (lambda a, b: a @ b, [normal((2, 1, 2, 3)), normal((3, 3, 2), 1)]),
    "max_pool2d": (lambda x: F.max_pool2d(x * x, 2, 1), [distinct(IMAGES)]),
    "mean and var": (lambda x: x.var(1) * x.mean(1), [normal((2, 4))]),
    "moments": (lambda x: F.concatenate(F.moments(x, (1,)), 1), [normal((2, 4))]),
    "mse_loss": (F.mse_loss, [normal((2, 3)), normal((2, 3), 1)]),
    "pad": (lambda x: F.pad(x * x, [(1, 0), (0, 2)]), [normal((2, 3))]),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x * x, 2), [normal((1, 4, 2, 2))]),
    "power": (lambda a, b: (a * a) ** b, [0.5 + normal((2, 3)) ** 2, normal((2, 1))]),
    "quotient": (lambda a, b: a / b - b, [normal((2, 3)), 1 + normal(3) ** 2]),
    "reduce_max": (lambda x: F.reduce_max(x * x, 1), [distinct((3, 4))]),
    "relu": (lambda x: F.relu(x) * x, [distinct((3, 4))]),
    "reshape": (lambda x: F.reshape(x * x, (6,)), [normal((2, 3))]),
    "sigmoid": (F.sigmoid, [normal((2, 3))]),
    "softmax": (F.softmax, [normal((2, 3))]),
    "sin": (F.sin, [normal((2, 3))]),
    "softplus": (F.softplus, [normal((2, 3))]),
    "sqrt": (F.sqrt, [0.5 + normal((2, 3)) ** 2]),
    "stack": (lambda a, b: F.stack([a, b * a], 1), [normal(3), normal(3, 1)]),
    "tanh": (F.tanh, [normal((2, 3))]),
    "transpose": (lambda x: F.transpose(x * x, (1, 0)), [normal((2, 3))]),
    "upsample_nearest": (
        lambda x: F.upsample_nearest(x * x, 2), [normal((1, 1, 2, 3))]),
    "where": (lambda a, b: F.where(CONDITION, a * b, b), [normal((2, 3)), normal(3)]),
}  # fmt: skip
HELPERS = {"as_tensor", "check_images", "check_whole", "grid_of_taps", "is_recording"}
HELPERS |= {"record", "value_of"}


@pytest.mark.parametrize("name", CASES)
def test_gradients_to_second_order_by_finite_differences(name):
    with threads(1):
        assert gradcheck(*CASES[name], order=2, rng=np.random.default_rng(0))


THIRD = ["conv2d", "conv_transpose2d", "gate", "linear", "max_pool2d", "softmax"]


@pytest.mark.parametrize("name", [*THIRD, "index", "sigmoid", "power"])
def test_gradients_to_third_order(name):
    """Under a tanh: a convolution alone is bilinear, its third derivative zero."""
    function, inputs = CASES[name]
    settings = {"order": 3, "rng": np.random.default_rng(0), "eps": 1e-4, "rtol": 1e-4}
    with threads(1):
        assert gradcheck(lambda *xs: F.tanh(function(*xs)), inputs, **settings)


def test_no_function_of_F_is_left_out():
    public = {name for name, f in vars(F).items() if inspect.isfunction(f)}
    public = {name for name in public if not name.startswith("_")} - HELPERS
    assert not public - set(CASES)


# ---- arrays in place of Tensors ------------------------------------------------------


@pytest.mark.parametrize("name", ["relu", "sigmoid", "softplus", "softmax", "gate"])
def test_plain_arrays_are_welcome(name):
    x = normal((2, 4))
    assert np.array_equal(getattr(F, name)(x).data, getattr(F, name)(Tensor(x)).data)
