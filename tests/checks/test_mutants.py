"""A reference in which one thing is changed is no longer right, whichever that is.

For every exercise a few mutants, drawn at random, are handed in; none must pass. Those
that fail to run prove nothing and are not counted. Those that are as right as the
reference stand in equal_mutants.txt.
"""

from pathlib import Path

import numpy as np
import pytest
from mutants import built, mutants

from mini import checks
from mini.checks.frame import Exercise, all_exercises

SAMPLE = 16  # mutants for each exercise
LIST = Path(__file__).with_name("equal_mutants.txt").read_text("utf-8").splitlines()
EQUAL = [line.strip() for line in LIST if line.startswith(" ")]


def equal(line):
    """The entry that stands for a line, or None."""
    found = (e for e in EQUAL if line == e or e[-1] == "…" and line.startswith(e[:-1]))
    return next(found, None)


def passing(exercise):
    """The lines of those mutants, of a few drawn at random, that pass."""
    rng = np.random.default_rng(list(exercise.name.encode()))
    every, tried = list(mutants(exercise.reference)), 0
    for definitions, line in (every[i] for i in rng.permutation(len(every))):
        attempt = built(definitions, exercise.reference)
        fails = any(outcome.error for outcome in exercise.outcomes(attempt))
        if fails or equal(line):
            continue
        if exercise.judge(attempt):
            yield line
        tried += 1
        if tried == SAMPLE:
            return


def test_no_mutant_passes(exercise):
    if not exercise.by_value:
        assert list(passing(exercise)) == []


def column_means(x):
    return x.sum(axis=0) / x.shape[0]


@pytest.mark.parametrize("heights, lines", [((1, 2, 4), set()), ((2,), {"-1", "1"})])
def test_inputs_of_one_size_let_mutants_pass(heights, lines):
    def inputs(rng):
        return [(rng.normal(size=(N, 2)),) for N in heights]

    found = passing(Exercise("column_means", column_means, inputs))
    start = "column_means: return x.sum(axis=0) / x.shape"
    assert set(found) == {f"{start}[{i}]" for i in lines}


def test_every_entry_is_about_a_mutant():
    dir(checks)
    functions = [e.reference for e in all_exercises() if not e.by_value]
    lines = {line for function in functions for _, line in mutants(function)}
    assert set(EQUAL) == {equal(line) for line in lines} - {None}
