"""Long chains, memory, empty and odd inputs, NaN and Inf."""

import gc
import os
import sys
import weakref
from pathlib import Path

import numba
import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from crosscheck import assert_same, difference, threads

from mini import Tensor, grad, no_grad
from mini import functional as F
from mini.optim import Adam
from mini.tensor import ancestors

LINKS = 100_000


def normal(shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def leaf(data):
    return Tensor(np.asarray(data, float), requires_grad=True)


# ---- long chains ---------------------------------------------------------------------


def test_a_chain_of_100_000_operations():
    """x·(1 + 1e-5) ten thousand times ten: its value, its gradient, and its end."""
    assert sys.getrecursionlimit() < LINKS
    x = leaf(1.0)
    y = x
    for _ in range(LINKS // 2):
        y = y * 1.00001 + 0.5
    (g,) = grad(y, [x])
    growth = 1.00001 ** (LINKS // 2)
    assert np.isclose(g.item(), growth, rtol=1e-9)
    assert np.isclose(y.item(), growth + 0.5 * (growth - 1) / 0.00001, rtol=1e-9)
    del y  # freeing it must not recurse either


def test_a_chain_of_every_kind_of_node():
    x = leaf([0.3, -0.2])
    y = x
    with threads(1):
        for _ in range(2_000):
            y = F.relu(y - x).reshape(1, 2).T
            y = F.tanh(F.concatenate([y[:, 0], x])[1:3])
        (g,) = grad(y.sum(), [x])
    assert np.isfinite(g.data).all()


def test_a_long_chain_can_be_differentiated_twice():
    x = leaf(0.999)
    y = x
    for _ in range(3_000):
        y = y * x  # x to the 3001st
    (first,) = grad(F.log(y), [x], create_graph=True)
    (second,) = grad(first, [x])
    assert np.isclose(first.item(), 3001 / 0.999)
    assert np.isclose(second.item(), -3001 / 0.999**2)


# ---- memory --------------------------------------------------------------------------


@pytest.fixture
def no_collector():
    """Only reference counts free anything: what is part of a cycle stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def network(x, w, v):
    """One of nearly every operation."""
    y = F.gate(F.conv2d(x, w, padding=1, mask=np.eye(3, dtype=bool)))
    y = F.max_pool2d(F.upsample_nearest(F.elu(F.leaky_relu(y)), 2), 2)
    y = F.conv_transpose2d(F.avg_pool2d(y, 2), v, stride=2) / (1 + abs(y).max())
    y = F.pixel_shuffle(F.concatenate([y, y * y], axis=1), 2)
    y = F.dropout(F.softplus(y), 0.5, rng=np.random.default_rng(0))
    y = F.stack([F.softmax(y), F.log_softmax(y), F.relu(y)], axis=1)
    y = F.clip(F.where(y.data > 0, y, F.sigmoid(y)), -2, 2) ** 2
    y = F.pad(y[:, 1:].reshape(len(x.data), -1).T, [(1, 1), (0, 0)])
    return F.logsumexp(y - y.mean(0) + y.var(0), 0).sum()


def test_graphs_are_no_cycles(no_collector):
    """When the last name goes, all of a graph goes, at first and second order."""
    x, w = leaf(normal((2, 3, 6, 6))), leaf(normal((4, 3, 3, 3)))
    v = leaf(normal((2, 2, 2, 2)))
    loss = network(x, w, v)
    first = grad(loss, [x, w, v], create_graph=True)
    second = sum((g * g).sum() for g in first)
    third = grad(second, [x, w, v])
    made = ancestors(loss) | ancestors(second) | {*third}
    watched = [weakref.ref(t) for t in made - {x, w, v}]
    assert len(watched) > 150
    del loss, first, second, third, made
    assert not any(ref() for ref in watched)


def test_an_error_half_way_leaves_nothing_behind(no_collector):
    x = leaf(normal((2, 3)))
    y = x * 2
    watched = weakref.ref(y)
    with pytest.raises(ValueError):
        y @ y
    del y
    assert watched() is None and grad((x * x).sum(), [x])[0].shape == (2, 3)


def resident():
    """Megabytes of memory that this process occupies."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def train(steps, seen):
    """A small network that tells dark images from bright ones; memory in `seen`."""
    rng = np.random.default_rng(0)
    shapes = [(8, 1, 3, 3), (4, 4, 2, 2), (10, 4 * 6 * 6)]
    parameters = [
        Tensor(normal(s, i, np.float32) / 10, requires_grad=True)
        for i, s in enumerate(shapes)
    ]
    optimiser, losses = Adam(parameters, lr=1e-2), []
    images = rng.random((64, 1, 12, 12), np.float32) * rng.random((64, 1, 1, 1))
    images = images.astype(np.float32)
    labels = (images.mean((1, 2, 3)) > 0.25).astype(int)
    for step in range(steps):
        batch = rng.integers(0, 64, 8)
        y = F.gate(F.conv2d(images[batch], parameters[0], padding=1))
        y = F.conv_transpose2d(F.max_pool2d(y, 4), parameters[1], stride=2)
        logits = F.linear(y.reshape(8, -1), parameters[2])
        loss = F.cross_entropy(logits, labels[batch])
        optimiser.step(grad(loss, parameters))
        losses.append(loss.item())
        if step % 100 == 99:
            seen.append(resident())
    return losses, [p.data for p in parameters]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_a_thousand_training_steps_take_no_memory(no_collector):
    seen = []
    with threads(1):
        losses, _ = train(1000, seen)
    assert np.mean(losses[-100:]) < 0.5 * np.mean(losses[:100])
    assert seen[-1] - seen[1] < 2, f"megabytes after each 100 steps: {seen}"


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="there is one thread")
def test_training_does_not_depend_on_the_number_of_threads():
    results = []
    for count in (1, 2):
        with threads(count):
            losses, parameters = train(20, [])
        results.append((losses, [p.tobytes() for p in parameters]))
    assert results[0] == results[1]


# ---- empty and odd arrays ------------------------------------------------------------

EMPTY = {
    "relu": lambda x: F.relu(x),
    "gate": lambda x: F.gate(x),
    "max_pool2d": lambda x: F.max_pool2d(x, 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 2),
    "upsample_nearest": lambda x: F.upsample_nearest(x, 2),
    "softmax": lambda x: F.softmax(x, 1) + F.log_softmax(x, 1),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x, np.ones((2, 3, 2, 2), "f")),
    "arithmetic": lambda x: (x * x + 1) / (x - 2) ** 2,
    "linear": lambda x: F.linear(x.reshape(0, 32), np.ones((3, 32), "f")),
    "index": lambda x: x[:, [0, 0]] + x[:, :1],
    "concatenate": lambda x: F.concatenate([x, x]),
    "sum": lambda x: x.sum((1, 2, 3)),
    "mse_loss": lambda x: F.mse_loss(x, x * 2, "none"),
    "cross_entropy": lambda x: F.cross_entropy(x, np.zeros((0, 4, 4), int), "sum"),
}


@pytest.mark.parametrize("name", EMPTY)
def test_batches_of_no_images(name):
    x = Tensor(np.zeros((0, 2, 4, 4), np.float32), requires_grad=True)
    y = EMPTY[name](x)
    assert y.dtype == np.float32 and (y.shape == () or 0 in y.shape)
    (g,) = grad(y.sum(), [x], create_graph=True)
    (h,) = grad((g * g).sum() + (x * x).sum(), [x])
    assert g.shape == h.shape == x.shape


def test_a_network_on_images_of_one_pixel():
    ours = lambda x, w: F.softmax(F.gate(F.relu(F.conv2d(x, w, padding=1)) + x.sum()))  # noqa: E731

    def theirs(x, w):
        a, b = (torch.relu(TF.conv2d(x, w, padding=1)) + x.sum()).chunk(2, 1)
        return torch.softmax(torch.tanh(a) * torch.sigmoid(b), -1)

    assert_same(ours, theirs, [normal((1, 1, 1, 1)), normal((2, 1, 3, 3))])


LAYOUTS = {
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    "not to be written": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYOUTS)
def test_how_an_array_lies_in_memory_does_not_matter(name, dtype):
    """The same numbers to the last bit, and the same gradients."""
    arrays = [normal((4, 3, 6, 6)), normal((4, 3, 3, 3), 1), normal((2, 2, 2, 2), 2)]
    arrays = [a.astype(dtype) for a in arrays]
    odd = [LAYOUTS[name](a) for a in arrays]
    assert all(map(np.array_equal, odd, arrays))
    results = []
    for xs in (arrays, odd):
        xs = [Tensor(a, requires_grad=True) for a in xs]
        y = network(*xs)
        results.append([y, *grad(y, xs)])
    for a, b in zip(*results):
        assert a.dtype == dtype and a.data.tobytes() == b.data.tobytes()


def test_float64_is_float32_with_more_digits():
    """The fused and the tuned float32 agree with float64 as far as float32 goes."""
    arrays = [normal((4, 3, 6, 6)), normal((4, 3, 3, 3), 1), normal((2, 2, 2, 2), 2)]
    results = []
    for dtype in (np.float32, np.float64):
        xs = [Tensor(a.astype(dtype), requires_grad=True) for a in arrays]
        y = network(*xs)
        results.append([y, *grad(y, xs)])
    for a, b in zip(*results):
        assert np.abs(a.data - b.data).max() < 1e-4 * np.abs(b.data).max()


# ---- NaN and Inf ---------------------------------------------------------------------

inf, nan = np.inf, np.nan
STRANGE = np.array([0.5, nan, inf, -inf, -2.0, 0.0, 1e300, -1e300])
SAME_ON_STRANGE = {
    "relu": (F.relu, torch.relu),
    "leaky_relu": (F.leaky_relu, TF.leaky_relu),
    "elu": (F.elu, TF.elu),
    "sigmoid": (F.sigmoid, torch.sigmoid),
    "tanh": (F.tanh, torch.tanh),
    "softplus": (F.softplus, TF.softplus),
    "exp": (F.exp, torch.exp),
    "log": (F.log, torch.log),
    "sqrt": (F.sqrt, torch.sqrt),
    "abs": (abs, torch.abs),
    "square": (lambda x: x**2, lambda x: x**2),
    "inverse": (lambda x: 1 / x, lambda x: 1 / x),
    "x - x": (lambda x: x - x, lambda x: x - x),
    "0 x": (lambda x: 0 * x, lambda x: 0 * x),
    "clip": (lambda x: F.clip(x, -1, 1), lambda x: x.clamp(-1, 1)),
    "where": (
        lambda x: F.where(x.data > 0, x, 3.0), lambda x: torch.where(x > 0, x, 3.0)),
    "sum": (lambda x: x.sum(), lambda x: x.sum()),
    "mean": (lambda x: x.mean(), lambda x: x.mean()),
    "max": (lambda x: x.max(), lambda x: x.amax()),
    "min": (lambda x: x.min(), lambda x: x.amin()),
    "softmax": (F.softmax, lambda x: torch.softmax(x, -1)),
    "log_softmax": (F.log_softmax, lambda x: torch.log_softmax(x, -1)),
    "logsumexp": (F.logsumexp, lambda x: torch.logsumexp(x, -1)),
    "mse_loss": (
        lambda x: F.mse_loss(x, STRANGE, "none"),
        lambda x: TF.mse_loss(x, torch.tensor(STRANGE), reduction="none")),
    "cross_entropy": (
        lambda x: F.cross_entropy(x.reshape(2, 4), np.array([0, 2])),
        lambda x: TF.cross_entropy(x.reshape(2, 4), torch.tensor([0, 2]))),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME_ON_STRANGE)
def test_nan_and_inf_pass_through_as_in_torch(name):
    """Silently: a warning would be an error here.

    What the gradient is at a NaN is left open (in torch: exp NaN, abs 0, elu 1).
    """
    ours, theirs = SAME_ON_STRANGE[name]
    x, z = leaf(STRANGE), torch.tensor(STRANGE, requires_grad=True)
    a, b = ours(x), theirs(z)
    assert difference(a, b) < 1e-9
    (g,), (h,) = grad(a.sum(), [x]), torch.autograd.grad(b.sum(), [z])
    number = ~np.isnan(STRANGE)
    assert difference(g[number], h[number]) < 1e-9


IMAGE_FUNCTIONS = {
    "max_pool2d": (
        lambda x, w: F.max_pool2d(x, 3, 2, 1), lambda x, w: TF.max_pool2d(x, 3, 2, 1)),
    "avg_pool2d": (
        lambda x, w: F.avg_pool2d(x, 3, 2, 1), lambda x, w: TF.avg_pool2d(x, 3, 2, 1)),
    "conv2d": (
        lambda x, w: F.conv2d(x, w, padding=1),
        lambda x, w: TF.conv2d(x, w, padding=1)),
    "conv2d, strided": (
        lambda x, w: F.conv2d(x, w, stride=2),
        lambda x, w: TF.conv2d(x, w, stride=2)),
    "conv_transpose2d": (
        lambda x, w: F.conv_transpose2d(x, w[:2], stride=2),
        lambda x, w: TF.conv_transpose2d(x, w[:2], stride=2)),
    "upsample_nearest": (
        lambda x, w: F.upsample_nearest(x),
        lambda x, w: TF.interpolate(x, scale_factor=2)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("strange", [nan, inf, -inf], ids=str)
@pytest.mark.parametrize("name", IMAGE_FUNCTIONS)
def test_one_strange_pixel_reaches_exactly_what_it_reaches_in_torch(
    name, strange, dtype
):
    ours, theirs = IMAGE_FUNCTIONS[name]
    x, w = normal((3, 2, 9, 8), 0, dtype), normal((3, 2, 3, 3), 1, dtype)
    x[1, 0, 4, 5] = x[2, 1, 0, 0] = x[2, 1, 8, 7] = strange
    a = ours(*(Tensor(v, requires_grad=True) for v in (x, w)))
    b = theirs(*(torch.tensor(v, requires_grad=True) for v in (x, w)))
    assert 0 < np.isfinite(a.data).sum() < a.size or name == "max_pool2d"
    assert difference(a, b) < 1e-5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("strange", [nan, inf], ids=str)
def test_a_strange_weight_spoils_its_channel_alone(strange, dtype):
    x, w = normal((2, 3, 5, 5), 0, dtype), normal((6, 3, 3, 3), 1, dtype)
    w[4, 1, 1, 1] = strange
    y = F.conv2d(x, w).data
    assert not np.isfinite(y[:, 4]).any() and np.isfinite(np.delete(y, 4, 1)).all()


@pytest.mark.parametrize("strange", [nan, inf, -inf], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gate_of_strange_numbers(strange, dtype):
    x = normal((2, 4, 3, 40), 0, dtype)
    x[0, 1, 2, 33] = x[1, 3, 1, 7] = strange
    a, b = torch.tensor(x).chunk(2, 1)
    with no_grad():
        assert difference(F.gate(Tensor(x)), torch.tanh(a) * torch.sigmoid(b)) < 1e-6
