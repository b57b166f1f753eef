"""Whether the gradients of the reader's own function or model are right."""

import copy
import re

import numpy as np

from ..gradcheck import gradcheck
from ..module import Module
from ..tensor import Tensor, no_grad, value_of
from . import values, verdicts
from .running import ERRORS, quiet
from .verdicts import Verdict, wrap

IN_FLOAT64 = (
    "Finite differences need float64: say `model.to(np.float64)` first, or pass the"
    " model itself, of which a copy is checked."
)
CUT = "The graph is cut. Which step leaves the tape (`.data`, a numpy function)?"


@quiet()
def on_gradients(function, inputs, order):
    """Whether a function's gradients agree with finite differences, as a Verdict."""
    if not callable(function) or verdicts.is_stub(function):
        return verdicts.UNTOUCHED
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    arrays = [np.array(value_of(x), np.float64) for x in inputs]
    names = [f"input {i}" for i in range(len(arrays))]
    call = function
    try:
        if isinstance(function, Module):
            call, weights = _of_weights_too(function, len(arrays))
            arrays += weights.values()
            names += [f"parameter {name}" for name in weights]
        with no_grad():
            unfit = _unfit(*(call(*map(Tensor, arrays)) for _ in range(2)))
        if unfit is not None:
            return unfit
        gradcheck(call, arrays, order=order, rng=np.random.default_rng(0))
    except ERRORS as error:
        return _failed(error, function, names)
    text = f"✓ gradients agree with finite differences to order {order}"
    return Verdict("correct", text)


def _of_weights_too(model, count):
    """A float64 copy of a model as a function of `count` inputs and its parameters.

    → the function and {name: array}
    """
    model = copy.deepcopy(model).to(np.float64)
    parameters = dict(model.named_parameters())

    def function(*tensors):
        pairs = zip(parameters.values(), tensors[count:], strict=True)
        replaced = {id(p): t for p, t in pairs}  # deepcopy takes these for copies
        return copy.deepcopy(model, replaced)(*tensors[:count])

    return function, {name: p.data for name, p in parameters.items()}


def _unfit(y, again):
    """A verdict if what two calls give has no gradients to speak of, or None."""
    if not isinstance(y, Tensor):
        text = f"✗ A Tensor was expected, and yours is {values.kind_of(y)}."
        return Verdict("type", wrap(f"{text} {CUT}" if values.numeric(y) else text))
    if y.dtype != np.float64:
        return Verdict("dtype", wrap(f"✗ The result is {y.dtype}. {IN_FLOAT64}"))
    if not np.isfinite(y.data).all():
        return Verdict("nan", "✗ The result is not finite at these inputs.")
    if not np.array_equal(y.data, again.data):
        return verdicts.unsteady(verdicts.DRAWS)
    return None


def _failed(error, function, names):
    """The verdict on what gradcheck or the function itself raised."""
    text = verdicts.message(error)
    if isinstance(error, AssertionError) and text.startswith("gradcheck, "):
        text = text.removeprefix("gradcheck, ")
        text = re.sub(r"input (\d+)", lambda m: names[int(m[1])], text, count=1)
        decimals = r"-?\d+\.\d+(e[-+]?\d+)?"
        text = re.sub(decimals, lambda m: f"{float(m[0]):.3g}", text)
        return Verdict("gradient", wrap(f"✗ At {text}."))
    said = verdicts.raised(error, function)
    if isinstance(error, TypeError) and "float32" in text and "float64" in text:
        said = f"{said} {IN_FLOAT64}"
    return Verdict("error", wrap(f"✗ {said}"))
