"""Module, a function that owns its parameters; containers and layers without weights.

What a module owns is what it stores as attributes, alone or in lists: a Tensor that
requires a gradient is a parameter, any other Tensor is a buffer (saved, but not
trained), a Module is a child. Names and shapes are torch's, so that weights travel
both ways.
"""

import math

import numpy as np

from . import functional as F
from .tensor import Tensor, value_of


class Module:
    """A function with parameters. Subclasses set attributes and define `forward`."""

    training = True

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)

    def forward(self, *args, **kwargs):
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def named_modules(self, prefix=""):
        """Pairs (name, module) of this module, called prefix, and all inside it."""
        yield prefix, self
        for name, value in _members(self):
            if isinstance(value, Module):
                yield from value.named_modules(_join(prefix, name))

    def modules(self):
        """This module and all inside it, each once."""
        return list(dict.fromkeys(module for _, module in self.named_modules()))

    def named_tensors(self):
        """Pairs (name, Tensor) of all that is saved; a shared one under each name."""
        for prefix, module in self.named_modules():
            for name, value in _members(module):
                if isinstance(value, Tensor) and not value.edges:
                    yield _join(prefix, name), value

    def named_parameters(self):
        """Pairs (name, Tensor) of what is trained; a shared one has its first name."""
        seen = set()
        for name, tensor in self.named_tensors():
            if tensor.requires_grad and tensor not in seen:
                seen.add(tensor)
                yield name, tensor

    def parameters(self):
        """The Tensors to train, in a fixed order: for `grad` and the optimisers."""
        return [tensor for _, tensor in self.named_parameters()]

    def buffers(self):
        """The Tensors saved but not trained, such as a batch norm's running mean."""
        tensors = (tensor for _, tensor in self.named_tensors())
        return list(dict.fromkeys(t for t in tensors if not t.requires_grad))

    def train(self, mode=True):
        """Switch training on: dropout drops, batch norm uses the batch. → self"""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        """Switch training off. → self"""
        return self.train(False)

    def to(self, dtype):
        """Convert every float32 or float64 Tensor to the dtype, in place. → self"""
        for _, tensor in self.named_tensors():
            if tensor.dtype.kind == "f":
                tensor.data = tensor.data.astype(dtype, copy=False)
        return self

    def state_dict(self):
        """A copy of all parameters and buffers, {name: array}, as torch names them."""
        return {name: tensor.data.copy() for name, tensor in self.named_tensors()}

    def load_state_dict(self, state):
        """Fill all parameters and buffers from {name: array}.

        Raises ValueError, and changes nothing, unless names and shapes are the same.
        """
        own = dict(self.named_tensors())
        state = {name: np.asarray(value_of(value)) for name, value in state.items()}
        problems = [f"missing {name!r}" for name in own if name not in state]
        problems += [f"unexpected {name!r}" for name in state if name not in own]
        for name, tensor in own.items():
            problems += _misfit(name, state.get(name), tensor.data)
        if problems:
            more = [f"and {len(problems) - 8} more"] if len(problems) > 8 else []
            what = "; ".join(problems[:8] + more)
            raise ValueError(f"{type(self).__name__}.load_state_dict: {what}")
        for name, tensor in own.items():
            tensor.data[...] = state[name]

    def __repr__(self):
        lines = []
        for name, module in self.named_modules():
            label, unit = (f"  {name}: ", "") if name else ("", " parameters")
            count = sum(parameter.size for parameter in module.parameters())
            size = f", {count:,}{unit}" if count else ""
            lines.append(label + _headline(module) + size)
        return "\n".join(lines)


def _members(module):
    """Pairs (name, attribute); what lies in a list is called name.0, name.1, …"""
    stack = list(reversed(vars(module).items()))
    while stack:
        name, value = stack.pop()
        if isinstance(value, (list, tuple)):
            stack += [(f"{name}.{i}", v) for i, v in enumerate(value)][::-1]
        else:
            yield name, value


def _join(prefix, name):
    return f"{prefix}.{name}" if prefix else name


def _misfit(name, given, own):
    """What keeps an array from being loaded: a list of at most one sentence."""
    if given is None:
        return []
    if given.shape != own.shape:
        return [f"{name!r} has shape {given.shape}, expected {own.shape}"]
    if not np.can_cast(given.dtype, own.dtype, "same_kind"):
        return [f"{name!r} is {given.dtype}, expected {own.dtype}"]
    return []


def _headline(module):
    """The class and its settings, the attributes that are numbers, words or pairs."""
    settings = (
        f"{name}={value!r}"
        for name, value in vars(module).items()
        if name != "training" and _is_plain(value)
    )
    return f"{type(module).__name__}({', '.join(settings)})"


def _is_plain(value):
    if isinstance(value, tuple):
        return all(_is_plain(v) for v in value)
    return isinstance(value, (bool, int, float, str))


# ---- containers, and layers without weights ------------------------------------------


class Sequential(Module):
    """Layers one after the other; model[i] is one, model[i:j] a Sequential of some."""

    def __init__(self, *layers):
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise TypeError(f"Sequential: {layer!r} (layer {i}) is not a Module")
            setattr(self, str(i), layer)

    def _layers(self):
        return [layer for layer in vars(self).values() if isinstance(layer, Module)]

    def __len__(self):
        return len(self._layers())

    def __getitem__(self, i):
        layers = self._layers()[i]
        return Sequential(*layers) if isinstance(i, slice) else layers

    def forward(self, x):
        for layer in self._layers():
            x = layer(x)
        return x


class Flatten(Module):
    """(N, …) → (N, all the rest)."""

    def forward(self, x):
        return x.reshape(len(x), math.prod(x.shape[1:]))


class ReLU(Module):
    """max(x, 0)."""

    forward = staticmethod(F.relu)


class Sigmoid(Module):
    """1 / (1 + exp(−x))."""

    forward = staticmethod(F.sigmoid)


class Tanh(Module):
    """tanh(x)."""

    forward = staticmethod(F.tanh)


class Softplus(Module):
    """log(1 + exp(x))."""

    forward = staticmethod(F.softplus)


class LeakyReLU(Module):
    """x where positive, else negative_slope · x."""

    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def forward(self, x):
        return F.leaky_relu(x, self.negative_slope)


class ELU(Module):
    """x where positive, else alpha · (exp(x) − 1)."""

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def forward(self, x):
        return F.elu(x, self.alpha)


class Softmax(Module):
    """exp(x) / Σ exp(x) along an axis."""

    def __init__(self, axis=-1):
        self.axis = axis

    def forward(self, x):
        return F.softmax(x, self.axis)


class MaxPool2d(Module):
    """The largest of each window of kernel_size × kernel_size pixels."""

    pool = staticmethod(F.max_pool2d)

    def __init__(self, kernel_size, stride=None, padding=0):
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, x):
        return self.pool(x, self.kernel_size, self.stride, self.padding)


class AvgPool2d(MaxPool2d):
    """The mean of each window of kernel_size × kernel_size pixels."""

    pool = staticmethod(F.avg_pool2d)


class Upsample(Module):
    """Every pixel repeated scale_factor times in both directions."""

    def __init__(self, scale_factor=2):
        self.scale_factor = scale_factor

    def forward(self, x):
        return F.upsample_nearest(x, self.scale_factor)


class PixelShuffle(Module):
    """(N, C·r², H, W) → (N, C, H·r, W·r) with r = upscale_factor."""

    def __init__(self, upscale_factor):
        self.upscale_factor = upscale_factor

    def forward(self, x):
        return F.pixel_shuffle(x, self.upscale_factor)
