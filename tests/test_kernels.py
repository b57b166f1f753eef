"""The compiled loops beside numpy one-liners; threads; what gets compiled when."""

import ast
import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from crosscheck import sweep, threads
from hypothesis import given
from hypothesis import strategies as st
from numba.core.dispatcher import Dispatcher

from mini import Tensor, grad, kernels
from mini import functional as F
from mini.models.gated_pixelcnn import GatedPixelCNN
from mini.models.pixelcnn import PixelCNN

DTYPES = [np.float32, np.float64]


def normal(shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# ---- one number at a time ------------------------------------------------------------

EDGES = [0.0, -0.0, 1e-30, -1e-30, np.inf, -np.inf, np.nan, 3.0, -3.0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("slope", [0, 0.2])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 5, 41), (2, 3, 4, 5)], ids=str)
def test_relu(shape, slope, dtype):
    x, g = normal(shape, 0, dtype), normal(shape, 1, dtype)
    y, low = kernels.relu(x, slope), dtype(slope)
    assert y.dtype == dtype and np.array_equal(y, np.where(x > 0, x, low * x))
    back = kernels.relu_back(g, x, slope)
    assert back.dtype == dtype and np.array_equal(back, np.where(x > 0, g, low * g))


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_at_the_edges(dtype):
    x = np.array(EDGES, dtype)
    y = kernels.relu(x)
    assert np.array_equal(y, np.maximum(x, 0), equal_nan=True)
    g = np.ones_like(x)  # NaN is no reason to stop a gradient, as in torch
    assert np.array_equal(kernels.relu_back(g, x), np.where(x <= 0, 0, 1))
    assert np.array_equal(kernels.relu_back(x, -g), np.zeros(len(x)))  # even of ∞


@pytest.mark.parametrize("shape", [(3, 8, 5, 7), (0, 2, 3, 3), (2, 2, 0, 1), (5, 6)])
def test_gate_and_its_way_back(shape):
    x = 3 * normal(shape, 0, np.float32)
    a, b = np.split(x.astype(float), 2, axis=1)
    t, s = np.tanh(a), 1 / (1 + np.exp(-b))
    g = normal(a.shape, 1, np.float32)
    assert np.allclose(kernels.gate(x), t * s, rtol=0, atol=5e-7)
    expected = np.concatenate([g * s * (1 - t * t), g * t * s * (1 - s)], axis=1)
    assert np.allclose(kernels.gate_back(x, g), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("dtype, rtol", [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_adam(dtype, rtol):
    """Three steps beside Kingma and Ba's algorithm 1, line by line."""
    ours = [normal(100, 0, dtype), *np.zeros((2, 100), dtype)]
    p, m, v = (a.astype(float) for a in ours)
    for step in (1, 2, 3):
        g = normal(100, step, dtype)
        kernels.adam(ours[0], g, *ours[1:], 0.01, 0.9, 0.999, 1e-8, step)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g.astype(float) ** 2
        p -= 0.01 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    assert np.allclose(ours, [p, m, v], rtol=rtol, atol=rtol)


# ---- sums and products ---------------------------------------------------------------


@pytest.mark.parametrize("dtype, rtol", [(np.float32, 2e-6), (np.float64, 1e-13)])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 1), (0, 3, 2, 2), (3, 2, 1, 4), (70, 5, 9, 8)]
)
def test_sum_over_images(shape, dtype, rtol):
    x = 1 + 0.1 * normal(shape, 0, dtype)
    expected = x.sum(axis=(0, 2, 3), dtype=np.float64)
    assert np.allclose(kernels.sum_over_images(x), expected, rtol=rtol)


PRODUCTS = [  # small, then large in each direction, then hardly anything to share
    (3, 4, 5), (600, 300, 400), (64, 784, 512), (20, 3000, 300), (1000, 700, 7),
    (1, 600_000, 1), (2, 300_001, 1), (1, 900, 900), (900, 900, 1), (257, 513, 255),
]  # fmt: skip


@pytest.mark.parametrize("dtype, rtol", [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("sizes", PRODUCTS, ids=str)
def test_matmul(sizes, dtype, rtol):
    M, K, N = sizes
    a, b = normal((M, K), 0, dtype), normal((K, N), 1, dtype)
    expected = a.astype(float) @ b.astype(float)
    scale = np.abs(expected).max()
    for left in (a, np.asfortranarray(a)):
        for right in (b, np.asfortranarray(b)):
            y = kernels.matmul(left, right)
            assert y.dtype == dtype
            assert np.abs(y - expected).max() < rtol * scale


def test_matmul_of_slices_and_batches():
    a, b = normal((600, 900)), normal((900, 600), 1)
    assert np.allclose(
        kernels.matmul(a[::2, ::3], b[::3, ::-1]), a[::2, ::3] @ b[::3, ::-1]
    )
    batch = normal((3, 2, 5)), normal((3, 5, 4), 1)
    assert np.array_equal(kernels.matmul(*batch), np.matmul(*batch))


# ---- pooling -------------------------------------------------------------------------


def slow_argmax(x, k, s, padding, size):
    """The first largest pixel of each window, or its last NaN: four loops."""
    N, C, H, W = x.shape
    chosen = np.empty((N, C, *size), int)
    for n, c, i, j in np.ndindex(chosen.shape):
        best = None
        for p in range(max(0, i * s - padding), min(H, i * s - padding + k)):
            for q in range(max(0, j * s - padding), min(W, j * s - padding + k)):
                v = x[n, c, p, q]
                if best is None or v > x[n, c, *best] or np.isnan(v):
                    best = p, q
        chosen[n, c, i, j] = best[0] * W + best[1]
    return chosen


@pytest.mark.parametrize("dtype", DTYPES)
@sweep(max_examples=60)
@given(st.data())
def test_argmax_windows(dtype, data):
    """With many ties, NaN and Inf."""
    k, s = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    padding = data.draw(st.integers(0, k // 2))
    H, W = (data.draw(st.integers(max(1, k - 2 * padding), 9)) for _ in range(2))
    values = [-np.inf, 0.0, 1.0, 2.0, np.inf]
    values += [np.nan] if data.draw(st.booleans()) else []
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.choice(values, (2, 2, H, W)).astype(dtype)
    size = tuple((n + 2 * padding - k) // s + 1 for n in (H, W))
    with threads(1):
        chosen = kernels.argmax_windows(x, k, s, padding, size)
    assert np.array_equal(chosen, slow_argmax(x, k, s, padding, size))


def test_pick_and_place():
    x = normal((3, 2, 4, 5))
    chosen = np.random.default_rng(1).integers(0, 20, (3, 2, 3, 3))
    y = kernels.pick(x, chosen)
    flat = np.take_along_axis(x.reshape(3, 2, 20), chosen.reshape(3, 2, 9), axis=2)
    assert np.array_equal(y, flat.reshape(3, 2, 3, 3))
    back = np.zeros((3, 2, 20))
    for n, c, i in np.ndindex(3, 2, 9):  # a pixel chosen twice receives both
        back[n, c, chosen.reshape(3, 2, 9)[n, c, i]] += y.reshape(3, 2, 9)[n, c, i]
    placed = kernels.place(y, chosen, x.shape)
    assert np.allclose(placed, back.reshape(x.shape), rtol=0, atol=1e-15)


# ---- threads -------------------------------------------------------------------------


def tour(dtype):
    """All that runs on threads, once, with gradients: a list of arrays."""
    x = Tensor(normal((33, 3, 20, 18), 0, dtype), requires_grad=True)
    w = Tensor(normal((12, 3, 5, 5), 1, dtype), requires_grad=True)
    v = Tensor(normal((6, 4, 4, 4), 2, dtype), requires_grad=True)
    u = Tensor(normal((700, 4 * 10 * 9), 3, dtype) / 20, requires_grad=True)
    b = Tensor(normal(12, 4, dtype), requires_grad=True)
    y = F.gate(F.relu(F.conv2d(x, w, b, padding=2, mask=normal((5, 5)) > -1)))
    y = F.max_pool2d(F.conv_transpose2d(F.avg_pool2d(y, 2), v, stride=2), 3, 2)
    z = F.linear(y.reshape(33, -1), u)
    leaves = [x, w, v, u, b]
    first = grad((F.log_softmax(z) * z).mean(), leaves, create_graph=True)
    second = grad(sum((g * g).sum() for g in first), leaves)
    return [t.data for t in (y, z, *first, *second)]


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="there is one thread")
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_do_not_depend_on_the_number_of_threads(dtype):
    with threads(1):
        one = tour(dtype)
    with threads(2):
        runs = [tour(dtype) for _ in range(2)]
    assert all(a.any() for a in one)
    for two in runs:
        assert [a.tobytes() for a in one] == [a.tobytes() for a in two]


# ---- what gets compiled --------------------------------------------------------------


def compiled():
    """How many versions of kernels there are in this process."""
    found = set()
    for name, module in sys.modules.items():
        if name.startswith("mini."):
            found |= {f for f in vars(module).values() if isinstance(f, Dispatcher)}
    assert len(found) > 10
    return sum(len(f.signatures) for f in found)


def use_everything(dtype):
    """A tour, and then arrays that lie in memory in odd ways."""
    tour(dtype)
    x = normal((3, 4, 6, 6), 0, dtype)
    frozen = x.copy()
    frozen.flags.writeable = False
    for odd in (x.T, x[:, :, ::-1, ::2], frozen, np.broadcast_to(x[:1], x.shape)):
        x = Tensor(odd, requires_grad=True)
        w = Tensor(normal((1, odd.shape[1], 1, 1), 1, dtype).T.T, requires_grad=True)
        b = Tensor(normal(2, 2, dtype)[::2], requires_grad=True)
        y = F.max_pool2d(F.relu(F.conv2d(x, w, b, stride=2)), 1)
        grad(y.sum() + F.gate(x).sum(), [x, w, b])
    one = Tensor(np.ones((1, 1, 1, 1), dtype), requires_grad=True)
    grad(F.conv2d(one, one).sum(), [one])  # a view that cannot be written to flows back
    if dtype == np.float32:  # what draws pixel by pixel is compiled for this alone
        rng = np.random.default_rng(0)
        size = {"shape": (3, 2, 2), "channels": 3, "hidden": 3, "rng": rng}
        for n in (1, 8):
            PixelCNN(**size, blocks=1).sample(n, rng=rng)
            GatedPixelCNN(**size, layers=1, classes=2).sample(n, rng=rng, label=1)


def warm_up_and_use():
    """Reports of warm_up; versions of kernels then, and after everything was used."""
    reports = []
    kernels.warm_up(lambda *numbers: reports.append(numbers))
    before = compiled()
    for dtype in DTYPES:
        use_everything(dtype)
    return reports, before, compiled()


def test_after_warm_up_nothing_is_left_to_compile():
    code = "import test_kernels; print(test_kernels.warm_up_and_use())"
    found = subprocess.run(  # a new process, which no other test has warmed up
        [sys.executable, "-P", "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    reports, before, after = ast.literal_eval(found.stdout)
    assert reports == [(i, len(reports)) for i in range(1, len(reports) + 1)]
    assert after == before
