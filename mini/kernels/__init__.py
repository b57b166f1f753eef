"""The compiled loops: everything in `mini` that is not plain numpy."""

import numpy as np

from .compiler import PARTS, announcer, ready
from .convolution import conv, conv_weight
from .elementwise import adam, gate, gate_back, relu, relu_back
from .faces import faces
from .nade import nade, nade_back
from .normalisation import batch_norm, batch_norm_back
from .products import argmax_windows, matmul, pick, place, sum_over_images
from .streams import ADD, CONV, GATE, RELU, run_steps
from .strided import conv_strided, conv_strided_input, conv_strided_weight

__all__ = [
    "ADD", "CONV", "GATE", "PARTS", "RELU", "adam", "argmax_windows", "batch_norm",
    "batch_norm_back", "conv", "conv_strided", "conv_strided_input",
    "conv_strided_weight", "conv_weight", "faces", "gate", "gate_back", "matmul",
    "nade", "nade_back", "pick", "place", "ready", "relu", "relu_back", "run_steps",
    "sum_over_images", "warm_up",
]  # fmt: skip


def warm_up(report):
    """Compile what is not in the cache yet; calls report(done, total) after each."""
    steps = [step for dtype in (np.float32, np.float64) for step in _steps(dtype)]
    announcer.silent = True  # report says it
    for done, step in enumerate(steps, 1):
        step()
        report(done, len(steps))
    announcer.silent = False


def _steps(dtype):
    """One small call of each kernel with arrays of the dtype."""
    x, flat = np.zeros((1, 2, 2, 2), dtype), np.zeros(8, dtype)
    w, b, taps = x[0, 0], x[0, 0, 0], np.zeros((1, 2), int)
    parts, size = np.zeros((PARTS, 2, 2), dtype), (2, 2)
    large, chosen = np.zeros((512, 512), dtype), np.zeros(x.shape, int)
    yield lambda: (conv(x, w, b, taps, x.copy()), conv_weight(x, x, taps, parts))
    many, fewer = np.zeros((1, 16, 4, 4), dtype), np.zeros((1, 16, 2, 2), dtype)
    for seen in (taps, np.argwhere(np.ones((4, 4)))):  # as columns; in fewer products
        strided = many, np.zeros((16, 16 * len(seen)), dtype), seen, fewer
        yield lambda x=strided: _strided(*x)
    yield lambda: (relu(x), relu_back(x, x))
    yield lambda: adam(flat, flat, flat, flat, 0.0, 0.9, 0.999, 1e-8, 1)
    yield lambda: (matmul(large, large), matmul(large[:64], large.T))
    yield lambda: sum_over_images(x)
    yield lambda: batch_norm_back(x, x, b, *batch_norm(x, b, b, 1.0)[1:], 1.0)
    yield lambda: (argmax_windows(x, 1, 1, 0, size), pick(x, chosen))
    yield lambda: place(x, chosen, x.shape)
    if dtype == np.float32:
        yield lambda: (gate(x), gate_back(x, x[:, :1]))
        order = np.arange(2)
        yield lambda: (nade(w, w, w, b, b, order), nade_back(w, w, w, w, b, order))
        steps, nodes = (
            np.array([[ADD, 0, 0, 0, 0, 0, 0, 0]]),
            np.array([[0, 1, 1, 0, 1]]),
        )
        plan = (0, (0, 1), steps, nodes, taps, flat, flat)
        yield lambda: (run_steps(1, *plan), run_steps(8, *plan))
        yield lambda: faces(np.zeros((1, 15)))


def _strided(x, w, taps, y):
    conv_strided(x, w, np.zeros(len(w), w.dtype), taps, 2, y)
    conv_strided_input(y, w, np.zeros(x.shape[1], x.dtype), taps, 2, x)
    conv_strided_weight(x, y, taps, 2)
