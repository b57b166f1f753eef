"""Checkers that name the mistake: `checks.<exercise>(yours)` prints a verdict."""

import difflib
import importlib
import pkgutil

from . import causality as _causality
from . import frame
from . import gradients as _gradients

__all__ = ["causality", "frame", "gradients"]


def gradients(function, inputs, *, order=1):
    """Print whether your own function's gradients agree with finite differences.

    function takes a Tensor of float64 for each array in the list `inputs` (one array
    may stand alone). Of a Module a copy in float64 is checked, its parameters, too.
    order 2 checks gradients of gradients as well, and so on.
    → True or False. Raises ValueError for an order that is none.
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"gradients: order must be 1, 2, …, got {order!r}")
    verdict = _gradients.on_gradients(function, inputs, order)
    print(verdict.text)
    return verdict


def causality(function, shape, *, order=None):
    """Print whether your own model predicts each value from those before it alone.

    function takes images (N, *shape), zeros and ones in float32, and gives predictions
    (N, …, *shape): a Module, or anything that returns a Tensor or an array. order says
    in which order values are drawn, as positions in the flattened image; without it
    they come row by row, and a pixel's channels one after the other. Every value (of
    very large images, 1,024 of them) is changed, and no prediction of it or of an
    earlier one may change.
    → True or False. Raises ValueError for a shape or an order that is none.
    """
    verdict = _causality.on_causality(function, _causality.places(shape, order))
    print(verdict.text)
    return verdict


def _load():
    """Import every chapter's exercises."""
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("chapter"):
            importlib.import_module(f"{__name__}.{module.name}")


def __getattr__(name):
    if not name.startswith("_"):
        _load()
        found = {e.name: e for e in frame.all_exercises()}
        if name in found:
            return found[name]
        near = difflib.get_close_matches(name, found, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"checks: there is no exercise {name!r}{hint}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    _load()
    return sorted([*__all__, *(e.name for e in frame.all_exercises())])
