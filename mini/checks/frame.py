"""Exercises that name the mistake. A chapter's file, mini/checks/chapterNN.py, reads:

    def batches(rng):                       # argument tuples, the smallest first
        for N, D in [(1, 2), (3, 4), (8, 5)]:
            yield rng.normal(size=(N, D)), rng.normal(size=(N, D))

    @exercise("kl_to_standard_normal", inputs=batches, tensors=True)
    def reference(mu, log_var):
        return 0.5 * (mu**2 + F.exp(log_var) - log_var - 1).sum(axis=1)

    @reference.mistake("averaging over the latents", hint="The other term is a …?")
    def _(mu, log_var): ...

    @reference.variant                      # equally right; only the tests use it
    def _(mu, log_var): ...

    number("bits_uniform", 8.0, mistakes={"counting in nats": (5.545, "Which …?")})

A title completes "You get exactly what this mistake gives: …"; a hint asks a question.
inputs(rng) yields tuples, or `given(x, rng=rng.spawn(1)[0])` for keywords; it is called
anew for every candidate, so all see the same numbers. Tensors that require a gradient
have it checked; `tensors=True` makes such Tensors of all float arrays, and `order=2`
checks gradients of gradients. `run(attempt, *arguments)` drives a class or a callback,
`compare(got, expected)` replaces the comparison. A run that can do nothing with what it
gets raises Unexpected("a pair", got). `causal="x"` says that each entry of the result
predicts one of x from those before it, so that looking ahead is noticed. tests/checks
tries every exercise.
"""

import inspect
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from . import values, verdicts
from .causality import seen_ahead
from .running import (
    ERRORS,
    Given,
    Unexpected,
    arrays_in,
    differentiable,
    given,
    outcome,
    parts_of,
    quiet,
)
from .verdicts import Verdict

__all__ = ["Exercise", "Unexpected", "all_exercises", "exercise", "given", "number"]

SEED = 20
_registry = {}


@dataclass(frozen=True)
class Mistake:
    """A piece of the museum: a wrong function, its name, and a question."""

    title: str
    hint: str
    function: object


@dataclass(eq=False, repr=False)
class Exercise:
    """A question, its answer and its known mistakes. Call it to check an attempt."""

    name: str
    reference: object
    inputs: object
    tensors: bool = False
    tolerance: float = 1e-5  # relative to the largest number of the expected result
    dtype: bool = False  # whether the exact dtype matters
    order: int = 1  # of the gradients compared
    compare: object = None
    run: object = None
    causal: str = ""  # the argument of which each value is predicted from those before
    symmetries: tuple = ()  # what tests/checks/conftest.py may do to a right answer
    chapter: str = ""  # default: the module that the reference stands in
    by_value: bool = False  # the attempt is the answer itself, not a function
    mistakes: list = field(default_factory=list)
    variants: list = field(default_factory=list)

    def __post_init__(self):
        if not self.name.isidentifier():
            raise ValueError(f"exercise: name must be a Python name, got {self.name!r}")
        self.chapter = self.chapter or self.reference.__module__.rsplit(".", 1)[-1]

    def __repr__(self):
        return f"{self.chapter}-{self.name}"

    def __call__(self, attempt):
        """Print the verdict on an attempt; returns True or False, quietly."""
        verdict = self.judge(attempt)
        print(verdict.text)
        return verdict

    def mistake(self, title, *, hint):
        """Add the decorated function to the museum."""

        def add(function):
            self.mistakes.append(Mistake(title, hint, function))
            return function

        return add

    def variant(self, function):
        """Note another function that is as right as the reference."""
        self.variants.append(function)
        return function

    @quiet()
    def judge(self, attempt):
        """The verdict on an attempt, not printed."""
        early = verdicts.before_running(attempt, self)
        if early is not None:
            return early
        theirs = (lambda: attempt) if self.by_value else attempt
        got, expected = self.outcomes(theirs), self.answers()
        faults = [
            verdicts.fault(g, e, self) for g, e in zip(got, expected, strict=True)
        ]
        if not any(faults):
            return Verdict("correct", "✓ correct")
        untouched = verdicts.unfinished(got)
        if untouched is not None:
            return untouched
        for piece in self.mistakes:
            if self.matches(got, self.outcomes(piece.function), expected):
                return verdicts.known(piece)
        if not all(map(self.steady, got, self.outcomes(theirs))):
            return verdicts.unsteady()
        return verdicts.unknown(self, theirs, got, expected, faults)

    # ---- running a candidate ---------------------------------------------------------

    def cases(self):
        """The inputs, made anew from the same seed: a list of Given."""
        cases = self.inputs(np.random.default_rng(SEED))
        cases = [c if isinstance(c, Given) else given(*c) for c in cases]
        if not self.tensors:
            return cases
        return [
            given(*differentiable(c.args), **differentiable(c.kwargs)) for c in cases
        ]

    @quiet()
    def outcomes(self, function):
        """What a function does with every input."""
        return [self._outcome(function, case) for case in self.cases()]

    def _outcome(self, function, case):
        first = (function,) if self.run else ()
        call = partial(self.run or function, *first, *case.args, **case.kwargs)
        pairs = self.arguments(case).items()
        named = [found for name, value in pairs for found in parts_of(value, name)]
        return outcome(call, named, self.order)

    def answers(self):
        """What the reference does with every input; it must not fail."""
        found = self.outcomes(self.reference)
        for o in found:
            if o.error:
                raise o.error
        return found

    def arguments(self, case):
        """The arguments of a case by their names."""
        first = (None,) if self.run else ()
        signature = inspect.signature(self.run or self.reference)
        bound = signature.bind(*first, *case.args, **case.kwargs).arguments
        return dict(list(bound.items())[len(first) :])

    def arrays(self, case):
        """Every array and Tensor among the arguments: a list of pairs (name, it)."""
        pairs = self.arguments(case).items()
        return [found for name, value in pairs for found in arrays_in(value, name)]

    def looks_ahead(self, attempt, i):
        """(value, prediction) if the attempt looks ahead in case i, else None."""
        shape = self.arguments(self.cases()[i])[self.causal].shape[1:]

        def function(x):
            arguments = self.arguments(self.cases()[i]) | {self.causal: x}
            return attempt(*arguments.values())

        return seen_ahead(function, shape)

    # ---- comparing outcomes ----------------------------------------------------------

    def same(self, got, expected):
        """Whether two values are the same answer."""
        if self.compare is None:
            return values.same(got, expected, self.tolerance)
        try:
            return bool(self.compare(got, expected))
        except ERRORS:  # what cannot be compared is not the same
            return False

    def agree(self, a, b):
        """Whether two outcomes have the same value, or fail alike."""
        if a.error or b.error:
            return type(a.error) is type(b.error)
        return self.same(a.value, b.value)

    def steady(self, a, b):
        """Whether two runs of one function on equal inputs came out alike."""
        if a.error or b.error:
            return type(a.error) is type(b.error)
        alike = values.same(a.value, b.value, self.tolerance)
        return alike or not values.numeric(a.value) or self.same(a.value, b.value)

    def matches(self, got, wrong, expected):
        """Whether an attempt did what a piece of the museum does, where that shows."""
        if not all(map(self.agree, got, wrong)):
            return False
        pairs = list(zip(wrong, expected, strict=True))
        if any(not w.error and not self.same(w.value, e.value) for w, e in pairs):
            return True
        if any(w.error for w in wrong):
            return False
        shows = any(
            w.changed != e.changed or self.wrong_gradient(w, e) for w, e in pairs
        )
        pairs = zip(got, wrong, strict=True)
        alike = (
            g.changed == w.changed and not self.wrong_gradient(g, w) for g, w in pairs
        )
        return shows and all(alike)

    def wrong_gradient(self, got, expected):
        """(order, argument) of the first gradient that differs, or None."""
        for order, (a, b) in enumerate(
            zip(got.gradients, expected.gradients, strict=True), 1
        ):
            for name in b:
                if not values.close(a[name], b[name], self.tolerance):
                    return order, name
        return None


# ---- the register --------------------------------------------------------------------


def exercise(name, *, inputs, **options):
    """Register the decorated reference as `checks.<name>`; options are its fields."""
    return lambda reference: _register(Exercise(name, reference, inputs, **options))


def number(name, value, *, mistakes=None, chapter=None, **options):
    """Register a question that a number answers; mistakes: {title: (number, hint)}."""
    caller = inspect.currentframe().f_back.f_globals["__name__"]
    options |= dict(chapter=chapter or caller.split(".")[-1], by_value=True)
    made = Exercise(name, lambda: value, lambda rng: [()], **options)
    for title, (wrong, hint) in (mistakes or {}).items():
        made.mistake(title, hint=hint)(lambda wrong=wrong: wrong)
    return _register(made)


def _register(made):
    known = _registry.get(made.name)
    if known and known.chapter != made.chapter:
        raise ValueError(
            f"exercise: {made!r} has the name of {known!r}; choose another"
        )
    _registry[made.name] = made
    return made


def all_exercises(chapter=None):
    """Every registered exercise, or those of one chapter ("chapter02")."""
    return [e for e in _registry.values() if chapter in (None, e.chapter)]
