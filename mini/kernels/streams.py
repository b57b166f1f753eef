"""A network evaluated at one place: what streams.py plans, these loops carry out.

Everything lives in one flat array, `memory`. A node (BASE, ROWS, COLUMNS, SIDE,
CHANNELS) is a piece of it: for each image the last ROWS rows of a layer, COLUMNS
places each with SIDE of them zeros at either end, CHANNELS numbers in each place. A
node of one column keeps one place only. A step (OP, X, Z, Y, WEIGHTS, BIAS, FIRST,
TAPS) makes node Y at one place out of node X, and for a sum also of node Z.
"""

import numpy as np
from numba import prange

from .compiler import compiled, parallel
from .elementwise import _sigmoid, _tanh

BASE, ROWS, COLUMNS, SIDE, CHANNELS = range(5)
OP, X, Z, Y, WEIGHTS, BIAS, FIRST, TAPS = range(8)
CONV, RELU, GATE, ADD = range(4)
SERIAL = 4  # fewer images than this are not worth a second thread


@compiled
def _place(node, m, i, j):
    """Where image m's numbers for row i, column j begin."""
    column = 0 if node[COLUMNS] == 1 else j + node[SIDE]
    row = m * node[ROWS] + i % node[ROWS]
    return np.uint64(node[BASE] + (row * node[COLUMNS] + column) * node[CHANNELS])


@compiled
def _gather(node, m, i, j, taps, memory, window):
    """What all taps see, one after the other; rows above the image are zeros."""
    C, k = np.uint64(node[CHANNELS]), np.uint64(0)
    for t in range(len(taps)):
        row = i + taps[t, 0]
        if row < 0:
            for c in range(C):
                window[k + c] = 0
        else:
            start = _place(node, m, row, j + taps[t, 1])
            for c in range(C):
                window[k + c] = memory[start + c]
        k += C


@compiled
def _product(window, K, weights, w, b, O, sums):
    """sums[o] = weights[b + o] + sum_k window[k] * weights[w + k * O + o]."""
    for o in range(O):
        sums[o] = weights[b + o]
    k, four = np.uint64(0), np.uint64(4)
    while k + four <= K:
        x0, x1, x2, x3 = window[k], window[k + 1], window[k + 2], window[k + 3]
        w0 = w + k * O
        w1, w2, w3 = w0 + O, w0 + O + O, w0 + O + O + O
        for o in range(O):
            sums[o] += (x0 * weights[w0 + o] + x1 * weights[w1 + o]) + (
                x2 * weights[w2 + o] + x3 * weights[w3 + o]
            )
        k += four
    while k < K:
        x0, w0 = window[k], w + k * O
        for o in range(O):
            sums[o] += x0 * weights[w0 + o]
        k += np.uint64(1)


@compiled
def _step(step, nodes, m, i, j, taps, weights, memory, window, sums):
    x, y = nodes[step[X]], nodes[step[Y]]
    out, C = _place(y, m, i, j), np.uint64(y[CHANNELS])
    if step[OP] == CONV:
        first, count = step[FIRST], step[TAPS]
        _gather(x, m, i, j, taps[first : first + count], memory, window)
        K = np.uint64(count * x[CHANNELS])
        w, b = np.uint64(step[WEIGHTS]), np.uint64(step[BIAS])
        _product(window, K, weights, w, b, C, sums)
        for c in range(C):
            memory[out + c] = sums[c]
        return
    a = _place(x, m, i, j)
    if step[OP] == RELU:
        for c in range(C):
            v = memory[a + c]
            memory[out + c] = memory.dtype.type(0) if v < 0 else v
    elif step[OP] == GATE:
        for c in range(C):
            memory[out + c] = _tanh(memory[a + c]) * _sigmoid(memory[a + C + c])
    else:
        z = _place(nodes[step[Z]], m, i, j)
        for c in range(C):
            memory[out + c] = memory[a + c] + memory[z + c]


@compiled
def _image(m, i, start, end, steps, nodes, taps, weights, memory):
    """All steps for image m, each at all of row i's columns start, …, end - 1."""
    widest = np.int64(1)
    for s in range(len(steps)):
        widest = max(widest, steps[s, TAPS] * nodes[steps[s, X], CHANNELS])
    window = np.empty(widest, memory.dtype)
    sums = np.empty(nodes[:, CHANNELS].max(), memory.dtype)
    for s in range(len(steps)):
        for j in range(start, end):
            _step(steps[s], nodes, m, i, j, taps, weights, memory, window, sums)


@compiled
def _serial(n, *plan):
    for m in range(n):
        _image(m, *plan)


@parallel
def _parallel(n, i, start, end, steps, nodes, taps, weights, memory):
    for m in prange(n):
        _image(m, i, start, end, steps, nodes, taps, weights, memory)


def run_steps(n, i, columns, steps, nodes, taps, weights, memory):
    """Carry out the steps for n images at row i and a range of columns."""
    run = _serial if n < SERIAL else _parallel
    run(n, i, columns[0], columns[1], steps, nodes, taps, weights, memory)
