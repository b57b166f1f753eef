"""What must hold for every exercise, whoever wrote it.

A test that takes the argument `exercise` runs for every exercise of the chapter that
its file is named after (test_chapter02.py), or of all. `faults_in(exercise)` is
a list of sentences, empty for a sound exercise.
"""

import contextlib
import gc
import io
import sys
import time

import numpy as np
import pytest

from mini import Tensor, checks
from mini.checks import frame, values, verdicts

SECONDS = 1.0  # a checker is quicker than this


def pytest_generate_tests(metafunc):
    if "exercise" in metafunc.fixturenames:
        dir(checks)  # loads every chapter
        name = metafunc.module.__name__.rsplit(".", 1)[-1].removeprefix("test_")
        chapter = name if name.startswith("chapter") else None
        found = frame.all_exercises(chapter)
        metafunc.parametrize("exercise", found, ids=repr)


@pytest.fixture
def faults_in():
    return _faults_in


def _faults_in(exercise, seconds=SECONDS):
    tests = (_inputs, _right_ones, _stub, _museum, _garbage, _alterations, _manners)
    faults = [fault for test in tests for fault in test(exercise)]
    if _seconds(exercise) > seconds:
        faults.append(f"takes longer than {seconds} s")
    return faults


def _attempt(exercise, function):
    """What a reader would hand over: the function, or the number that it gives."""
    return function() if exercise.by_value else function


def _inputs(exercise):
    first, second = exercise.cases(), exercise.cases()
    if len(first) < 2 and not exercise.by_value:
        yield "inputs: fewer than two"
    for a, b in zip(first, second, strict=True):
        pairs = zip(exercise.arrays(a), exercise.arrays(b), strict=True)
        if not all(values.same(x, y, 0) for (_, x), (_, y) in pairs):
            yield "inputs: not the same when drawn anew"
    held = [x for case in first for x in (*case.args, *case.kwargs.values())]
    generators = [id(x) for x in held if isinstance(x, np.random.Generator)]
    if len(generators) != len(set(generators)):
        yield "inputs: two share a random generator; pass rng.spawn(1)[0]"
    leaves = [x for case in first for _, x in exercise.arrays(case)]
    if exercise.tensors and not any(isinstance(x, Tensor) for x in leaves):
        yield "inputs: tensors=True, but no float array becomes one"


def _right_ones(exercise):
    if len(set(exercise.variants)) < 3:
        yield "variants: fewer than three"
    for function in (exercise.reference, *exercise.variants):
        verdict = exercise.judge(_attempt(exercise, function))
        if verdict.kind != "correct":
            yield f"{function.__name__} is right, but: {verdict.text}"
    expected = exercise.answers()
    if any(not np.isfinite(a).all() for o in expected for a in _gradients(o)):
        yield "the reference has a gradient that is not finite"


def _gradients(outcome):
    return [a for order in outcome.gradients for a in order.values()]


def _stub(exercise):
    def stub(*args, **kwargs): ...

    for attempt in (stub, None, ...):
        if exercise.judge(attempt).kind != "untouched":
            yield f"{attempt} is not “not attempted yet”"


def _museum(exercise):
    if not exercise.mistakes:
        yield "museum: empty"
    for piece in exercise.mistakes:
        verdict = exercise.judge(_attempt(exercise, piece.function))
        if verdict.mistake is not piece:
            yield f"museum: “{piece.title}” is told: {verdict.text}"
        if "?" not in piece.hint:
            yield f"museum: the hint of “{piece.title}” asks nothing"
        if piece.title.endswith((".", "!", "?")):
            yield f"museum: “{piece.title}” ends in a stop"


def _garbage(exercise):
    """Whatever is handed over gets a verdict, and not a good one."""

    def broken(*args, **kwargs):
        raise ZeroDivisionError("broken")

    def speechless(*args, **kwargs):
        raise Speechless

    def leaving(*args, **kwargs):
        sys.exit()

    things = ["text", object(), [], {}, (1, 2, 3), float("nan"), np.zeros((2, 3, 4))]
    functions = [lambda *args, _x=x, **kwargs: _x for x in things]
    functions += [broken, speechless, leaving, lambda: 1, type("Empty", (), {})]
    for attempt in [*things, *functions]:
        if exercise.judge(attempt):
            yield f"accepts {attempt!r}"


class Speechless(Exception):
    def __str__(self):
        raise ValueError


# ---- a right answer, altered ---------------------------------------------------------

ALTERATIONS = {
    "negated": lambda a: ~a if a.dtype == bool else -a.astype(_signed(a)),
    "last number moved": lambda a: _last_moved(a),
    "shifted": lambda a: np.roll(a, 1, axis=-1) if a.ndim else a,
    "shifted along the first axis": lambda a: np.roll(a, 1, axis=0) if a.ndim else a,
    "axes swapped": lambda a: a.T,
    "one axis more": lambda a: a[None],
    "not a number": lambda a: np.full(a.shape, np.nan),
}


def _signed(a):
    return a.dtype if a.dtype.kind == "f" else np.int64


def _last_moved(a):
    a = a.astype(np.int64 if a.dtype == bool else a.dtype)  # a copy
    if a.size:
        scale = np.abs(a[np.isfinite(a)]).max(initial=1e-3)
        a.reshape(-1)[-1] += max(1, scale / 10) if a.dtype.kind in "iu" else scale / 10
    return a


def _alterations(exercise):
    unknown = set(exercise.symmetries) - set(ALTERATIONS)
    if unknown:
        yield f"symmetries: {unknown} are none of {set(ALTERATIONS)}"
    expected = exercise.answers()
    for name, alter in ALTERATIONS.items():
        for part in range(max(_count(o.value) for o in expected)):
            altered = exercise.answers()
            for outcome in altered:
                outcome.value = _altered(outcome.value, alter, [part])
            pairs = list(zip(altered, expected, strict=True))
            if all(values.same(a.value, e.value, 0) for a, e in pairs):
                continue  # nothing to notice, as in a row of equal numbers
            accepted = not any(verdicts.fault(a, e, exercise) for a, e in pairs)
            if accepted and name not in exercise.symmetries:
                yield f"accepts the right answer {name} (part {part})"
    yield from _altered_gradients(exercise, expected)


def _altered_gradients(exercise, expected):
    if not any(np.any(a) for o in expected for a in _gradients(o)):
        if exercise.tensors:
            yield "tensors=True, but every gradient is zero"
        return
    altered = exercise.answers()
    for outcome in altered:
        outcome.gradients = tuple(
            {name: 2 * a for name, a in order.items()} for order in outcome.gradients
        )
    pairs = zip(altered, expected, strict=True)
    if not any(verdicts.fault(a, e, exercise) for a, e in pairs):
        yield "accepts gradients twice as large"


def _count(value):
    """How many parts a result has: arrays, numbers and other things."""
    if isinstance(value, dict):
        value = list(value.values())
    return sum(map(_count, value)) if isinstance(value, (list, tuple)) else 1


def _altered(value, alter, countdown):
    """The value with its part number countdown[0] altered; countdown is used up."""
    if isinstance(value, dict):
        return {key: _altered(part, alter, countdown) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_altered(part, alter, countdown) for part in value)
    countdown[0] -= 1
    if countdown[0] != -1:
        return value
    if isinstance(value, Tensor):
        return Tensor(alter(value.data))
    if isinstance(value, (np.ndarray, np.generic, bool, int, float)):
        array = alter(np.asarray(value))
        return array if isinstance(value, np.ndarray) or array.ndim else array.item()
    return f"not {value}"


# ---- how it speaks -------------------------------------------------------------------


def _manners(exercise):
    def huge(*args, **kwargs):  # arithmetic with these overflows
        answer = exercise.reference(*args, **kwargs)
        return _altered(answer, lambda a: np.full(a.shape, 1e308), [0])

    for function in (exercise.reference, lambda *args, **kwargs: "wrong", huge):
        attempt = _attempt(exercise, function)
        tries = [_call(exercise, attempt) for _ in range(2)]
        if any(err for _, err in tries):
            yield f"writes to stderr: {tries[0][1]}"
        if len({out for out, _ in tries}) != 1:
            yield "does not say the same thing each time"
        text = tries[0][0]
        if "0x" in text:
            yield f"shows an address: {text}"


def _call(exercise, attempt):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        exercise(attempt)
    return out.getvalue(), err.getvalue()


def _seconds(exercise):
    """How long the longest verdict takes: all of the museum is tried, none matches."""
    attempt = _attempt(exercise, lambda *args, **kwargs: "wrong")
    times = []
    gc.freeze()  # what earlier tests left behind is not to be searched
    for _ in range(3):  # the quickest of three, and of this process alone
        start = time.process_time()
        exercise.judge(attempt)
        times.append(time.process_time() - start)
    gc.unfreeze()
    return min(times)
