"""Compare two results and show them: numbers, arrays, Tensors, tuples and dicts."""

import numpy as np

from ..tensor import Tensor

SHOWN = 12  # arrays of up to this many numbers are printed whole
LINE = 120  # and lists that are no longer than this when printed


def close(got, expected, tolerance):
    """Whether two arrays of one shape agree, relative to the largest number expected.

    Whole numbers and booleans must agree exactly. NaN agrees with NaN, Inf with Inf.
    """
    if expected.dtype.kind in "iub" or got.dtype.kind not in "iubf":
        return np.array_equal(got, expected)
    finite = np.abs(expected[np.isfinite(expected)])
    scale = max(finite.max(initial=0), 1e-3)  # below that, rounding is all there is
    return np.allclose(got, expected, tolerance, tolerance * scale, equal_nan=True)


def same(got, expected, tolerance):
    """Whether two results hold the same numbers in the same shapes."""
    return difference(got, expected, tolerance, strict=False) is None


def difference(got, expected, tolerance, *, dtype=False, strict=True):
    """The first difference, as a pair (kind, sentence), or None.

    With `dtype` the exact dtype matters. Without `strict` neither dtype nor the choice
    between number, array and Tensor does.
    """
    if isinstance(expected, (tuple, list, dict)):
        return _difference_inside(got, expected, tolerance, dtype=dtype, strict=strict)
    a, b = _array(got), _array(expected)
    if b is None:
        return None if _equal(got, expected) else ("value", "")
    if a is None or (strict and kind_of(got) != kind_of(expected)):
        return "type", f"{kind_of(expected)} was expected, and yours is {kind_of(got)}"
    if a.shape != b.shape:
        return "shape", f"shape {b.shape} was expected, and yours is {a.shape}"
    if close(a, b, tolerance):
        if strict and _wrong_dtype(a, b, dtype):
            return "dtype", f"dtype {b.dtype} was expected, and yours is {a.dtype}"
        return None
    if (~np.isfinite(a) & np.isfinite(b)).any():
        which = "NaN" if (np.isnan(a) & np.isfinite(b)).any() else "Inf"
        return "nan", f"the result has {which} where an ordinary number was expected"
    return "value", ""


def _difference_inside(got, expected, tolerance, **options):
    family = dict if isinstance(expected, dict) else (tuple, list)
    if not isinstance(got, family):
        return "type", f"{kind_of(expected)} was expected, and yours is {kind_of(got)}"
    keys = list(expected) if family is dict else list(range(len(expected)))
    if len(got) != len(expected) or (family is dict and set(got) != set(keys)):
        return "type", f"{kind_of(expected)} was expected, and yours is {kind_of(got)}"
    for key in keys:
        found = difference(got[key], expected[key], tolerance, **options)
        if found:
            kind, sentence = found
            return kind, f"in [{key!r}], {sentence}" if sentence else ""
    return None


def _equal(got, expected):
    try:
        return bool(got == expected)
    except Exception:  # objects that cannot be compared are not equal
        return False


def _wrong_dtype(a, b, exact):
    """Masks must be boolean, indices whole; a float's width counts only if asked."""
    if exact:
        return a.dtype != b.dtype
    if b.ndim == 0 or b.dtype.kind == "f":
        return a.dtype.kind not in "fiub"
    return (a.dtype.kind == "b") != (b.dtype.kind == "b") or a.dtype.kind == "f"


def _array(x):
    """The numbers behind x, or None where there are none."""
    if isinstance(x, (Tensor, np.ndarray, np.generic, bool, int, float)):
        huge = isinstance(x, int) and x.bit_length() > 63  # no array holds it exactly
        x = min(x, 10**300) * 1.0 if huge else x
        x = np.asarray(x.data if isinstance(x, Tensor) else x)
        return x if x.dtype.kind in "fiub" else None
    return None


def numeric(x):
    """Whether x is a number or holds numbers in an array or Tensor."""
    return _array(x) is not None


def kind_of(x):
    """What x is, in words."""
    if isinstance(x, (tuple, list)):
        return f"a {type(x).__name__} of {len(x)}"
    if isinstance(x, dict):
        return f"a dict with keys {', '.join(map(repr, x))}"
    if isinstance(x, Tensor):
        return "a Tensor"
    if _array(x) is not None:
        return "a number" if np.ndim(x) == 0 else "a numpy array"
    if isinstance(x, (set, frozenset)):
        return f"a set of {len(x)}"
    return "None" if x is None else f"an object of type {type(x).__name__}"


def collections(*some):
    """Whether all of these are collections of numbered or unnumbered things."""
    kinds = tuple, list, set, frozenset, np.ndarray
    return all(isinstance(x, kinds) for x in some)


# ---- showing -------------------------------------------------------------------------


def show(x):
    """x in one line, the same on every machine: four digits, no addresses."""
    if isinstance(x, (set, frozenset)):
        x = _sorted(x)
    if isinstance(x, (tuple, list)):
        parts = [show(v) for v in x[: SHOWN + 1]]
        if len(x) > SHOWN or (len(x) > 4 and len(", ".join(parts)) > LINE):
            parts[4:] = ["…"]
        return f"[{', '.join(parts)}]"
    if isinstance(x, dict):
        return "{" + ", ".join(f"{k!r}: {show(v)}" for k, v in x.items()) + "}"
    if isinstance(x, np.random.Generator):
        return "a random generator"
    array = _array(x)
    if array is None:
        return getattr(x, "__name__", None) or (
            repr(x) if isinstance(x, (str, type(None))) else f"a {type(x).__name__}"
        )
    if array.size <= SHOWN:
        return _text(array)
    finite = array[np.isfinite(array)]
    span = (
        f", from {_text(finite.min())} to {_text(finite.max())}" if finite.size else ""
    )
    return f"{array.dtype} of shape {array.shape}{span}"


def _sorted(x):
    try:
        return sorted(x)
    except Exception:  # what has no order of its own has that of its text
        return sorted(x, key=show)


def _text(array):
    number = {"float_kind": lambda v: f"{v + 0.0:.4g}"}  # + 0.0: no minus before a zero
    text = np.array2string(np.asarray(array), separator=", ", formatter=number)
    return " ".join(text.split())


def show_pair(got, expected):
    """The lines "expected = …", "got = …": whole if short, else the worst place."""
    a, b = _array(got), _array(expected)
    where = ""
    if a is not None and b is not None and a.shape == b.shape and b.size > SHOWN:
        with np.errstate(all="ignore"):
            apart = np.nan_to_num(np.abs(a.astype(float) - b.astype(float)), nan=np.inf)
        at = np.unravel_index(apart.argmax(), apart.shape)
        where = f" at [{', '.join(map(str, at))}], where they differ most,"
        got, expected = a[at], b[at]
    return [f"expected{where} = {show(expected)}", f"got{where} = {show(got)}"]


def relation(pairs, tolerance):
    """A sentence if one factor or offset explains every (got, expected); else ""."""
    arrays = [(_array(g), _array(e)) for g, e in pairs]
    if any(a is None or b is None or a.shape != b.shape for a, b in arrays):
        return ""
    got, expected = (
        np.concatenate([p[i].ravel() for p in arrays]).astype(float) for i in (0, 1)
    )
    if got.size < 2 or not (np.isfinite(got).all() and np.isfinite(expected).all()):
        return ""
    largest = np.abs(expected).argmax()
    factor = got[largest] / expected[largest] if expected[largest] else 0
    if factor and close(got, factor * expected, tolerance):
        return f"On every input yours is {_text(factor)} times the expected result."
    if np.ptp(expected) and close(got, expected + (got - expected).mean(), tolerance):
        return f"On every input yours is larger by {_text((got - expected).mean())}."
    return ""
