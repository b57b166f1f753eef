"""A masked network written once, and run on whole images or one pixel at a time.

A model's `network(f, x)` says what it does in four verbs: f.conv(layer, x), f.relu(x),
f.gate(x), f.add(x, y). With f = `Whole`, x is a Tensor of images and every pixel is
computed at once, as training wants it. With f = a `Stream`, the verbs only note down
what to do; then `at(k)` does it for the one pixel that is to be drawn next and keeps
of every layer the few rows that later pixels will look back to. The arithmetic of one
sample is then that of one forward pass, however many pixels there are.
"""

from dataclasses import dataclass

import numpy as np

from . import functional as F
from . import kernels
from .convolution import grid_of_taps
from .tensor import value_of


class Whole:
    """The four verbs on whole images, Tensors (N, C, H, W)."""

    conv = staticmethod(lambda layer, x: layer(x))
    relu = staticmethod(F.relu)
    gate = staticmethod(F.gate)
    add = staticmethod(lambda x, y: x + y)


@dataclass
class Node:
    """What a layer gives: its channels, and how much of it must be kept.

    `by_row` if a whole row can be known before its first pixel is drawn; `above` and
    `side`: how far any later layer looks up, and to the sides.
    """

    index: int
    channels: int
    by_row: bool
    above: int = 0
    side: int = 0
    rows: int | None = None  # of what is given from the start


class Stream:
    """The four verbs, one pixel at a time, for n images of `shape` (C, H, W) at once.

    stream = Stream(n, shape)
    stream.finish(network(stream, stream.image))
    params = stream.at(k)  # (n, P) for value k: pixel by pixel, colours innermost
    stream.put(k, x)  # what value k turned out to be, (n,), in 0 … levels − 1
    """

    def __init__(self, n, shape, levels):
        self.n, self.shape, self.top = n, shape, levels - 1
        self.nodes, self.steps, self.by_row, self.given = [], [], [], []
        self.taps, self.weights = [], []
        self.image = self._node(shape[0], by_row=False)

    # ---- the verbs -------------------------------------------------------------------

    def conv(self, layer, x):
        """A layer with a weight (O, C, KH, KW), perhaps a mask, and stride 1."""
        w = layer.weight.data
        O, _, KH, KW = w.shape
        pad = layer.padding
        pad = pad if isinstance(pad, tuple) else (pad, pad)
        taps = grid_of_taps(KH, KW, layer.dilation, pad)
        mask = np.broadcast_to(getattr(layer, "mask", True), w.shape).reshape(
            O, -1, KH * KW
        )
        keep = mask.any(axis=(0, 1))
        w = (w.reshape(O, -1, KH * KW) * mask)[:, :, keep].transpose(2, 1, 0)
        taps = taps[keep]
        x.above = max(x.above, -taps[:, 0].min())
        x.side = max(x.side, np.abs(taps[:, 1]).max())
        by_row = taps[:, 0].max() <= (0 if x.by_row else -1)
        b = np.zeros(O, w.dtype) if layer.bias is None else layer.bias.data
        places = [self._store(self.weights, a) for a in (w, b)]
        first = self._store(self.taps, taps) // 2
        return self._step(kernels.CONV, x, x, O, by_row, *places, first, len(taps))

    def relu(self, x):
        """max(x, 0)."""
        return self._step(kernels.RELU, x, x, x.channels, x.by_row)

    def gate(self, x):
        """tanh · sigmoid of the two halves of the channels."""
        return self._step(kernels.GATE, x, x, x.channels // 2, x.by_row)

    def add(self, x, y):
        """x + y; y may be an array or a Tensor (N or 1, C, H or 1, W or 1)."""
        y = y if isinstance(y, Node) else self._constant(np.asarray(value_of(y)))
        return self._step(kernels.ADD, x, y, x.channels, x.by_row and y.by_row)

    def _constant(self, value):
        """A node that is known from the start, the same for all images or for each."""
        N, C, H, W = np.broadcast_shapes(value.shape, (self.n, 1, 1, 1))
        node = self._node(C, by_row=True)
        node.rows = H
        self.given.append((node, np.broadcast_to(value, (N, C, H, W))))
        return node

    def _node(self, channels, by_row):
        self.nodes.append(Node(len(self.nodes), channels, by_row))
        return self.nodes[-1]

    def _step(self, op, x, z, channels, by_row, *rest):
        y = self._node(channels, bool(by_row))
        row = [op, x.index, z.index, y.index, *rest]
        self.steps.append(row + [0] * (8 - len(row)))
        self.by_row.append(y.by_row)
        return y

    @staticmethod
    def _store(pieces, array):
        """Append an array, flattened; → where it begins among all of them."""
        start = sum(piece.size for piece in pieces)
        pieces.append(array.reshape(-1))
        return start

    # ---- running ---------------------------------------------------------------------

    def finish(self, out):
        """The network is noted down, `out` is its last node: make room for it."""
        self.out, W, end, table = out, self.shape[2], 0, []
        known = {node.index: value for node, value in self.given}
        for node in self.nodes:
            rows = node.rows or node.above + 1
            spread = node.by_row or node.above or node.side
            columns = W + 2 * node.side if spread else 1
            if node.index in known and known[node.index].shape[3] == 1:
                columns = 1
            table.append([end, rows, columns, node.side, node.channels])
            end += self.n * rows * columns * node.channels
        dtype = self.weights[0].dtype
        self.memory = np.zeros(end, dtype)
        nodes, steps = np.array(table), np.array(self.steps)
        for node, value in self.given:
            self._piece(table[node.index])[...] = value.transpose(0, 2, 3, 1)
        by_row = np.array(self.by_row)
        rest = (nodes, np.concatenate(self.taps).reshape(-1, 2),
                np.concatenate(self.weights).astype(dtype), self.memory)  # fmt: skip
        self.row_plan, self.plan = (steps[by_row], *rest), (steps[~by_row], *rest)
        self.canvas = self._piece(table[self.image.index])
        self.params = self._piece(table[out.index])
        return self

    def _piece(self, place):
        """The part of the memory that is a node: (n, rows, columns, channels)."""
        base, rows, columns, _, channels = place
        shape = (self.n, rows, columns, channels)
        return self.memory[base : base + int(np.prod(shape))].reshape(shape)

    def at(self, k):
        """The network's output for value k, (n, P); values 0 … k − 1 must be put."""
        C, _, W = self.shape
        pixel, c = divmod(k, C)
        i, j = divmod(pixel, W)
        if j == c == 0:
            kernels.run_steps(self.n, i, (0, W), *self.row_plan)
        kernels.run_steps(self.n, i, (j, j + 1), *self.plan)
        column = j if self.params.shape[2] > 1 else 0
        P = self.out.channels // C
        return self.params[:, i % self.params.shape[1], column, c * P : (c + 1) * P]

    def put(self, k, values):
        """Value k of every image, (n,), in 0 … levels − 1."""
        C, _, W = self.shape
        pixel, c = divmod(k, C)
        i, j = divmod(pixel, W)
        column = j + self.image.side if self.canvas.shape[2] > 1 else 0
        self.canvas[:, i % self.canvas.shape[1], column, c] = values / self.top
