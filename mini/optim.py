"""Optimisers, gradient clipping, averaged weights, learning rates as functions.

    grads, norm = clip_grad_norm(grad(loss, model.parameters()), 1.0)
    optimiser.lr = cosine(step, total, peak=1e-3, warmup=100)
    optimiser.step(grads)

Every update equals torch's. Parameters change in place.
"""

import math
from contextlib import contextmanager

import numpy as np

from . import kernels
from .tensor import Tensor, value_of

BLOCK = 1 << 15  # numbers updated at a time, so that they stay in the processor's cache


class Optimiser:
    """What all share: the parameters, the learning rate `lr`, and arrays of memory.

    Subclasses name their `slots`, one array of memory for each parameter and slot, and
    define `_update(p, g, *memory)` on flat arrays; `_update` writes to p.
    """

    slots = ()
    block = 1 << 14  # numbers updated at a time: they stay in the processor's cache

    def __init__(self, parameters, lr, weight_decay=0.0):
        name = type(self).__name__
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError(f"{name}: parameters is an empty list")
        for i, p in enumerate(self.parameters):
            if not isinstance(p, Tensor) or not p.requires_grad or p.edges:
                raise TypeError(
                    f"{name}: parameters[{i}] must be a Tensor made with"
                    f" requires_grad=True, got {p!r:.200}"
                )
            p.data = np.asarray(p.data, order="C")  # so that a flat view exists
        _at_least_zero(name, lr=lr, weight_decay=weight_decay)
        self.lr, self.weight_decay, self.steps = lr, weight_decay, 0
        self.memory = [
            [np.zeros_like(p.data) for _ in self.slots] for p in self.parameters
        ]

    def step(self, grads):
        """Update every parameter; grads is a list of Tensors as `grad` returns it."""
        grads = [value_of(g) for g in grads]
        self._check(grads)
        self.steps += 1
        for p, g, memory in zip(self.parameters, grads, self.memory, strict=True):
            flat = [a.reshape(-1) for a in (p.data, g, *memory)]
            for i in range(0, p.size, self.block):
                self._update(*(a[i : i + self.block] for a in flat))

    def _check(self, grads):
        name, count = type(self).__name__, len(self.parameters)
        if len(grads) != count:
            raise ValueError(
                f"{name}.step: got {len(grads)} gradients for {count} parameters"
            )
        for i, (p, g) in enumerate(zip(self.parameters, grads, strict=True)):
            if np.shape(g) != p.shape:
                raise ValueError(
                    f"{name}.step: grads[{i}] has shape {np.shape(g)}, its parameter"
                    f" has {p.shape}"
                )

    def _update(self, p, g, *memory):
        raise NotImplementedError

    def state_dict(self):
        """What resuming needs: {name: array}, memory under slot.number of parameter."""
        state = {"steps": np.array(self.steps), "lr": np.array(self.lr)}
        return state | {name: a.copy() for name, a in self._named_memory()}

    def load_state_dict(self, state):
        """Go on from another's state_dict; ValueError if it does not fit this one."""
        own = dict(self._named_memory())
        expected = {key: array.shape for key, array in own.items()}
        expected |= {"steps": (), "lr": ()}
        given = {key: np.shape(array) for key, array in state.items()}
        for key in expected | given:
            want, got = expected.get(key, "nothing"), given.get(key, "nothing")
            if want != got:
                raise ValueError(
                    f"{type(self).__name__}.load_state_dict: expected {want} as shape"
                    f" of {key!r}, got {got}"
                )
        self.steps, self.lr = int(state["steps"]), float(state["lr"])
        for key, array in own.items():
            array[...] = state[key]

    def _named_memory(self):
        for i, memory in enumerate(self.memory):
            for slot, array in zip(self.slots, memory, strict=True):
                yield f"{slot}.{i}", array


def _at_least_zero(name, **values):
    for key, value in values.items():
        if not value >= 0:
            raise ValueError(f"{name}: {key} must be at least 0, got {value!r}")


def _fraction(name, **values):
    for key, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name}: {key} must be 0 ≤ {key} < 1, got {value!r}")


class SGD(Optimiser):
    """v ← momentum·v + g; p ← p − lr·v. With nesterov: p ← p − lr·(g + momentum·v).

    weight_decay adds weight_decay·p to g. Sutskever et al. 2013, in torch's form.
    """

    slots = ("velocity",)

    def __init__(
        self, parameters, lr, momentum=0.0, *, nesterov=False, weight_decay=0.0
    ):
        _fraction("SGD", momentum=momentum)
        if nesterov and momentum == 0:
            raise ValueError("SGD: nesterov=True needs a momentum > 0, got 0")
        self.momentum, self.nesterov = momentum, nesterov
        super().__init__(parameters, lr, weight_decay)

    def _update(self, p, g, v):
        if self.weight_decay:
            g = g + self.weight_decay * p
        v *= self.momentum
        v += g
        p -= self.lr * (g + self.momentum * v if self.nesterov else v)


class RMSProp(Optimiser):
    """s ← alpha·s + (1 − alpha)·g²; p ← p − lr·g / (√s + eps).

    weight_decay adds weight_decay·p to g. Tieleman and Hinton 2012, in torch's form.
    """

    slots = ("square",)

    def __init__(self, parameters, lr=0.01, alpha=0.99, eps=1e-8, *, weight_decay=0.0):
        _fraction("RMSProp", alpha=alpha)
        _at_least_zero("RMSProp", eps=eps)
        self.alpha, self.eps = alpha, eps
        super().__init__(parameters, lr, weight_decay)

    def _update(self, p, g, s):
        if self.weight_decay:
            g = g + self.weight_decay * p
        s *= self.alpha
        s += (1 - self.alpha) * g * g
        p -= self.lr * g / (np.sqrt(s) + self.eps)


class Adam(Optimiser):
    """m, v ← running means of g and g²; p ← p − lr·m̂ / (√v̂ + eps).

    m̂ and v̂ are m and v made up for their start from zero; weight_decay adds
    weight_decay·p to g. Kingma and Ba 2015, algorithm 1.
    """

    slots = ("mean", "square")
    block = 1 << 62  # all at once: the kernel shares them between the threads

    def __init__(
        self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, *, weight_decay=0.0
    ):
        name = type(self).__name__
        _fraction(name, **{"betas[0]": betas[0], "betas[1]": betas[1]})
        _at_least_zero(name, eps=eps)
        self.betas, self.eps = betas, eps
        super().__init__(parameters, lr, weight_decay)

    def _update(self, p, g, m, v):
        if self.weight_decay:
            g = g + self.weight_decay * p
        kernels.adam(p, g, m, v, self.lr, *self.betas, self.eps, self.steps)


class AdamW(Adam):
    """Adam after p ← (1 − lr·weight_decay)·p, which leaves m and v alone.

    Loshchilov and Hutter 2019, algorithm 2.
    """

    def __init__(
        self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, *, weight_decay=0.01
    ):
        super().__init__(parameters, lr, betas, eps, weight_decay=weight_decay)

    def _update(self, p, g, m, v):
        if self.weight_decay:
            p *= 1 - self.lr * self.weight_decay
        kernels.adam(p, g, m, v, self.lr, *self.betas, self.eps, self.steps)


class Muon(Optimiser):
    """Steps of equal length in all directions of a matrix, as long as the rate says.

    v ← momentum·v + (1 − momentum)·g; u ← g + momentum·(v − g); then
    p ← p − lr·√max(1, rows/columns) · O(u), where O(u) has u's singular vectors and
    singular values near one. For matrices and kernels only (a kernel (O, C, KH, KW) is
    a matrix with O rows): give biases, first and last layers to Adam. weight_decay acts
    as in AdamW. Jordan et al. 2024, in torch's form.
    """

    slots = ("velocity",)

    def __init__(self, parameters, lr=0.02, momentum=0.95, *, weight_decay=0.0):
        _fraction("Muon", momentum=momentum)
        self.momentum = momentum
        super().__init__(parameters, lr, weight_decay)
        for i, p in enumerate(self.parameters):
            if p.ndim < 2:
                raise ValueError(
                    f"Muon: parameters[{i}] must have two axes or more, got {p.shape}"
                )

    def step(self, grads):
        """Update every parameter; grads is a list of Tensors as `grad` returns it."""
        grads = [value_of(g) for g in grads]
        self._check(grads)
        self.steps += 1
        for p, g, (v,) in zip(self.parameters, grads, self.memory, strict=True):
            v += (1 - self.momentum) * (g - v)
            u = (g + self.momentum * (v - g)).reshape(len(g), -1)
            rate = self.lr * math.sqrt(max(1.0, u.shape[0] / u.shape[1]))
            p.data *= 1 - self.lr * self.weight_decay
            p.data -= (rate * orthogonalised(u)).reshape(p.shape)


def orthogonalised(u, steps=5):
    """Nearly U·Vᵀ for a matrix u = U·S·Vᵀ: its singular values become 0.7 … 1.2.

    Newton and Schulz's iteration x ← a·x + b·x·xᵀ·x + c·(x·xᵀ)²·x with numbers that
    lift small singular values fast: matrix products are all it needs (Jordan et al.).
    """
    wide = u.shape[0] <= u.shape[1]
    x = (u if wide else u.T) / max(float(np.linalg.norm(u)), 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x if wide else x.T


# ---- beside the optimiser ------------------------------------------------------------


def clip_grad_norm(grads, max_norm):
    """(grads, norm): all scaled by one number so that their joint norm ≤ max_norm.

    `norm` is the Euclidean norm of all numbers before that. Pascanu et al. 2013,
    algorithm 1, with torch's 1e-6 against a division by zero.
    """
    if not max_norm > 0:
        raise ValueError(f"clip_grad_norm: max_norm must be above 0, got {max_norm!r}")
    norm = math.sqrt(sum(float(np.vdot(g.data, g.data)) for g in grads))
    scale = max_norm / (norm + 1e-6)
    if scale >= 1:
        return list(grads), norm
    return [Tensor(g.data * scale) for g in grads], norm


class EMA:
    """Averaged weights: after each update, average ← decay·average + (1 − decay)·now.

    Parameters and floating-point buffers alike (an average network with another's
    batch-norm statistics is a frequent mistake); whole-number buffers are copied.
    """

    def __init__(self, module, decay=0.999):
        _fraction("EMA", decay=decay)
        self.module, self.decay = module, decay
        self.averages = module.state_dict()

    def update(self):
        """Take in the module's present weights; call it after every optimiser step."""
        for name, tensor in self.module.named_tensors():
            average = self.averages[name]
            if average.dtype.kind == "f":
                average += (1 - self.decay) * (tensor.data - average)
            else:
                average[...] = tensor.data

    @contextmanager
    def average(self):
        """Inside `with ema.average():` the module has the averaged weights."""
        now = self.module.state_dict()
        self.module.load_state_dict(self.averages)
        try:
            yield self.module
        finally:
            self.module.load_state_dict(now)

    def state_dict(self):
        """A copy of the averages: {name: array}, with the module's names."""
        return {name: average.copy() for name, average in self.averages.items()}

    def load_state_dict(self, state):
        """Go on from another's state_dict; ValueError if it is not of this module."""
        now = self.module.state_dict()
        self.module.load_state_dict(state)  # checks names and shapes
        self.averages = self.module.state_dict()
        self.module.load_state_dict(now)


# ---- learning rates as functions of the step (0, 1, 2, …) ----------------------------


def warmup_linear(step, *, peak, warmup):
    """Rise in equal parts from peak/warmup at step 0 to peak, and stay there."""
    return peak * min(1.0, (step + 1) / max(1, warmup))


def cosine(step, total, *, peak, warmup=0, floor=0.0):
    """After a linear warm-up, half a cosine from peak down to floor at step `total`.

    Loshchilov and Hutter 2017, equation 5.
    """
    if not 0 <= warmup < total:
        raise ValueError(f"cosine: needs 0 ≤ warmup < total, got {warmup} and {total}")
    if step < warmup:
        return warmup_linear(step, peak=peak, warmup=warmup)
    done = min(1.0, (step - warmup) / (total - warmup))
    return floor + (peak - floor) * (1 + math.cos(math.pi * done)) / 2


def constant_then_linear(step, total, *, tail, peak=1.0, warmup=100):
    """After a linear warm-up stay at peak, then fall to 0 over the last `tail` steps.

    How long to train can be decided late: only the tail depends on it. Hägele et al.
    2024, equation 1 (with a linear decay).
    """
    if not 0 < tail <= total:
        raise ValueError(
            f"constant_then_linear: needs 0 < tail ≤ total, got {tail} and {total}"
        )
    rise = warmup_linear(step, peak=peak, warmup=warmup)
    return min(rise, peak * max(0.0, (total - step) / tail))
