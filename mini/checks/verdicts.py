"""What a checker says: one verdict on an attempt, kind and exact."""

import dis
import inspect
import os
import re
import textwrap
import traceback

from . import values
from .running import ERRORS, Unexpected

WIDTH = 88


class Verdict(int):
    """True or False, with its kind and text; a notebook does not echo it."""

    def __new__(cls, kind, text, mistake=None):
        verdict = super().__new__(cls, kind == "correct")
        verdict.kind, verdict.text, verdict.mistake = kind, text, mistake
        return verdict

    def __repr__(self):
        return repr(bool(self))

    def _ipython_display_(self):
        pass


def wrap(text, indent="  "):
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False)


# ---- not attempted -------------------------------------------------------------------

UNTOUCHED = Verdict("untouched", "not attempted yet")


def before_running(attempt, exercise):
    """A verdict that needs no run, or None."""
    if attempt is None or attempt is ... or is_stub(attempt):
        return UNTOUCHED
    if exercise.by_value and callable(attempt):
        text = "✗ The answer is a number, and this is a function. What does it return?"
        return Verdict("type", text)
    if not exercise.by_value and not callable(attempt):
        text = f"✗ Pass the function itself: checks.{exercise.name}(your_function)."
        return Verdict("type", wrap(text))
    return None


def unfinished(outcomes):
    """A verdict if the attempt has gaps still, or forgets to return; else None."""
    for outcome in outcomes:
        error = outcome.error
        gap = isinstance(error, TypeError) and "ellipsis" in message(error)
        if gap or isinstance(error, NotImplementedError):
            return UNTOUCHED
    if all(o.value is ... for o in outcomes):
        return UNTOUCHED
    if all(o.value is None and not o.error for o in outcomes):
        text = (
            "✗ Your function returns None. Does every way through it end in a `return`?"
        )
        return Verdict("nothing", text)
    return None


def is_stub(attempt):
    """Whether a function is only `...`; a class, if any method is, or it has none."""
    functions = _functions_of(attempt)
    return any(map(_is_blank, functions)) or (
        isinstance(attempt, type) and not functions
    )


def _is_blank(function):
    code = function.__code__
    constants = [c for c in code.co_consts if c not in (None, ..., function.__doc__)]
    steps = {step.opname for step in dis.get_instructions(code)}
    return not constants and steps <= {
        "RESUME",
        "NOP",
        "LOAD_CONST",
        "RETURN_CONST",
        "RETURN_VALUE",
        "COPY_FREE_VARS",
    }


def _functions_of(attempt):
    """The functions that a reader wrote: the attempt, or the methods of a class."""
    parts = vars(attempt).values() if isinstance(attempt, type) else [attempt]
    return [p for p in map(inspect.unwrap, parts) if inspect.isfunction(p)]


# ---- what is wrong with one outcome --------------------------------------------------


def fault(got, expected, exercise):
    """The first thing wrong with one outcome, as (kind, sentence), or None."""
    if isinstance(got.error, Unexpected):
        return "type", str(got.error)
    if got.error:
        return "error", ""
    a, b = got.value, expected.value
    if exercise.compare is None or not exercise.same(a, b):
        found = values.difference(a, b, exercise.tolerance, dtype=exercise.dtype)
        if exercise.compare and (not found or values.collections(a, b)):
            found = "value", ""  # no kind of collection is wrong as such
        if found:
            return found
    changed = sorted(set(got.changed) - set(expected.changed))
    if changed:
        return "changed", changed[0]
    wrong = exercise.wrong_gradient(got, expected)
    if wrong:
        return "gradient", _gradient_sentence(got, expected, *wrong)
    return None


def _gradient_sentence(got, expected, order, name):
    a, b = got.gradients[order - 1][name], expected.gradients[order - 1][name]
    if order > 1:
        return (
            "The result and its gradient are right, but the gradient of the gradient is"
            f" not, with respect to {name}. Is every step of the rule on the tape?"
        )
    if b.any() and not a.any():
        return (
            f"The result is right, but no gradient reaches {name}. Which step leaves"
            " the tape (`.data`, `.detach()`, a numpy function, a new Tensor)?"
        )
    if a.any() and not b.any():
        return (
            f"The result is right, but a gradient reaches {name}, and none should. What"
            " must count as a constant here?"
        )
    return (
        f"The result is right, but its gradient with respect to {name} is not. Does a"
        " part of the computation leave the tape, or go through it twice?"
    )


# ---- verdicts on a wrong attempt -----------------------------------------------------


def known(mistake):
    """The attempt does what a piece of the museum does."""
    head = f"✗ You get exactly what this mistake gives: {mistake.title}."
    text = wrap(head) + "\n  " + wrap(mistake.hint)
    return Verdict("mistake", text, mistake)


def unknown(exercise, attempt, got, expected, faults):
    """The attempt is wrong in a way of its own: show the smallest input where it is."""
    if exercise.by_value:
        return _wrong_number(got[0].value, expected[0].value, faults[0])
    faulty = [i for i, found in enumerate(faults) if found]
    wrong = [i for i in faulty if not exercise.agree(got[i], expected[i])]
    first = (wrong or faulty)[0]  # a wrong result is worse than a change or a gradient
    kind, sentence = faults[first]
    if kind == "value" and exercise.causal:
        first, kind, sentence = _ahead(exercise, attempt, wrong)
    g, e, case = got[first], expected[first], exercise.cases()[first]
    right = exercise.same(g.value, e.value)
    lines = ["✗ " + _headline(kind, sentence, g.error, attempt, right)]
    lines += [
        f"  {name} = {values.show(a)}" for name, a in exercise.arguments(case).items()
    ]
    if kind in ("value", "nan", "ahead"):
        lines += [f"  {line}" for line in values.show_pair(g.value, e.value)]
    if kind == "value" and exercise.compare is None and not any(o.error for o in got):
        pairs = [(a.value, b.value) for a, b in zip(got, expected, strict=True)]
        lines.append(f"  {values.relation(pairs, exercise.tolerance)}")
    lines.append(f"  {_where_right(exercise, faults)}")
    return Verdict(kind, "\n".join(wrap(line) for line in lines if line.strip()))


def _ahead(exercise, attempt, wrong):
    """(input, kind, sentence): of the first wrong one where the attempt looks ahead."""
    for i in wrong:
        if pair := exercise.looks_ahead(attempt, i):
            seen, target = (f"[:, {', '.join(map(str, place))}]" for place in pair)
            which = "is the very value in question" if seen == target else "comes later"
            sentence = (
                f"Your function looks ahead: result{target} changes when"
                f" {exercise.causal}{seen} does, which {which}. What is known by then?"
            )
            return i, "ahead", sentence
    return wrong[0], "value", ""


DRAWS = (
    "Does it drop out (`model.eval()` ends that), draw numbers at random, or change its"
    " input?"
)


def unsteady(question="What takes part in it besides its arguments?"):
    """The attempt gives different results for the same input."""
    text = (
        "✗ Called twice with the same input your function gives two different results."
    )
    return Verdict("unsteady", wrap(f"{text} {question}"))


def _headline(kind, sentence, error, attempt, right):
    if kind == "error":
        return f"{raised(error, attempt)} This was the input:"
    if kind == "changed":
        return (
            f"The result is right, but your function changes its argument {sentence}."
            " Who else may be holding it? The smallest such input:"
        )
    if kind == "value":
        where = f" ({sentence})" if sentence else ""
        return f"Not the expected result{where}. The smallest input where it differs:"
    if kind in ("gradient", "ahead"):
        return f"{sentence} The smallest such input:"
    sentence = sentence[:1].upper() + sentence[1:]
    if right:
        sentence = f"The numbers are right, but {sentence[:1].lower()}{sentence[1:]}"
    return f"{sentence}. The smallest such input:"


def raised(error, attempt):
    """Their line and what it raised, without file names and addresses."""
    homes = {os.path.dirname(f.__code__.co_filename) for f in _functions_of(attempt)}
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f.line for f in frames if f.line and os.path.dirname(f.filename) in homes]
    said = re.sub(r"0x[0-9a-fA-F]+", "0x…", message(error)).strip().split("\n")[0][:200]
    what = f"raised {type(error).__name__}: {said}".rstrip(".: ")
    return f"Your line `{theirs[-1]}` {what}." if theirs else f"Calling it {what}."


def message(error):
    """What an exception says, if it can."""
    try:
        return str(error)
    except ERRORS:
        return ""


def _wrong_number(got, expected, found):
    if found[0] != "value":
        return Verdict(found[0], f"✗ {found[1][:1].upper()}{found[1][1:]}.")
    text = f"✗ Not {values.show(got)}."
    if isinstance(expected, (int, float)) and not isinstance(expected, bool):
        text = f"✗ {values.show(got)} is too {'large' if got > expected else 'small'}."
    return Verdict("value", text)


def _where_right(exercise, faults):
    """For which inputs the attempt is right, if for any."""
    right = sum(not found for found in faults)
    if not right:
        return ""
    tally = f"It is right on {right} of the {len(faults)} inputs tried"
    shapes = {True: [], False: []}
    for case, found in zip(exercise.cases(), faults, strict=True):
        for name, a in exercise.arrays(case)[:1]:
            shape = "×".join(map(str, a.shape)) or "()"
            shapes[not found].append(f"{name} of shape {shape}")
    good, bad = (list(dict.fromkeys(shapes[k])) for k in (True, False))
    if not good or not bad or set(good) & set(bad):
        return f"{tally}."
    good, bad = " or ".join(good[:3]), " or ".join(bad[:3])
    return f"{tally}: right for {good}; wrong for {bad}."
