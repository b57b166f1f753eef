"""The compiled loops: everything in `mini` that is not plain numpy."""

import numpy as np

from .compiler import PARTS, ready
from .convolution import conv, conv_weight
from .elementwise import adam, gate, gate_back, relu, where_positive
from .products import argmax_windows, matmul, pick, place, sum_over_images

__all__ = [
    "PARTS", "adam", "argmax_windows", "conv", "conv_weight", "gate", "gate_back",
    "matmul", "pick", "place", "ready", "relu", "sum_over_images", "warm_up",
    "where_positive",
]  # fmt: skip


def warm_up(report):
    """Compile what is not in the cache yet (float32); calls report(done, total)."""
    x, flat = np.zeros((1, 2, 2, 2), np.float32), np.zeros(8, np.float32)
    w, b, taps = x[0, 0], x[0, 0, 0], np.zeros((1, 2), int)
    parts, size = np.zeros((PARTS, 2, 2), np.float32), (2, 2)
    large, chosen = np.zeros((512, 512), np.float32), np.zeros(x.shape, int)
    steps = [
        lambda: conv(x, w, b, taps, 1, x.copy(), 1, (0, 0)),
        lambda: conv_weight(x, x, taps, 1, parts),
        lambda: (relu(x), where_positive(x, x)),
        lambda: (gate(x), gate_back(x, x[:, :1])),
        lambda: adam(flat, flat, flat, flat, 0.0, 0.9, 0.999, 1e-8, 1),
        lambda: (matmul(large, large), matmul(large[:256], large)),
        lambda: matmul(large[:256], large.T),
        lambda: sum_over_images(x),
        lambda: (argmax_windows(x, 1, 1, 0, size), pick(x, chosen)),
        lambda: place(x, chosen, x.shape),
    ]
    for done, step in enumerate(steps, 1):
        step()
        report(done, len(steps))
