"""The tests that every exercise must pass do fail on exercises that are not sound."""

import sys
import time

import numpy as np
import pytest

from mini import functional as F
from mini.checks.frame import Exercise, given


def rows(rng):
    for N, D in [(1, 2), (3, 4), (4, 4)]:
        yield (rng.normal(size=(N, D)),)


def made(reference=lambda x: (x * x).sum(axis=1), inputs=rows, **options):
    exercise = Exercise("rows", reference, inputs, **options)
    for _ in range(3):
        exercise.variant(lambda *args, **kwargs: reference(*args, **kwargs))

    @exercise.mistake("averaging", hint="How many are there?")
    def _(x):
        return (x * x).mean(axis=1)

    return exercise


def test_a_sound_exercise_has_no_faults(faults_in):
    exercise = made()
    exercise.variant(lambda x: np.einsum("nd,nd->n", x, x))
    assert faults_in(exercise) == []
    exercise = made(lambda x: (x * F.exp(x)).sum(axis=1), tensors=True)
    assert faults_in(exercise) == []


def test_no_museum(faults_in):
    exercise = made()
    exercise.mistakes.clear()
    assert faults_in(exercise) == ["museum: empty"]


def test_two_pieces_that_coincide(faults_in):
    exercise = made()
    exercise.mistake("dividing", hint="Why?")(lambda x: (x**2).sum(1) / x.shape[1])
    assert ["“dividing” is told" in f for f in faults_in(exercise)] == [True]


def test_a_piece_that_is_right(faults_in):
    exercise = made()
    exercise.mistake("squaring", hint="Why?")(lambda x: (x**2).sum(1))
    assert ["“squaring” is told: ✓" in f for f in faults_in(exercise)] == [True]


def test_a_piece_that_never_runs(faults_in):
    exercise = made()
    exercise.mistake("failing", hint="Why?")(lambda x: x.nonsense)
    assert ["“failing” is told: ✗" in f for f in faults_in(exercise)] == [True]


def test_a_hint_without_a_question(faults_in):
    exercise = made()
    exercise.mistake("doubling", hint="Halve it.")(lambda x: 2 * (x**2).sum(1))
    assert faults_in(exercise) == ["museum: the hint of “doubling” asks nothing"]


def test_too_few_variants(faults_in):
    exercise = made()
    exercise.variants[0] = exercise.variants[1]
    assert faults_in(exercise) == ["variants: fewer than three"]


def test_a_variant_that_is_wrong(faults_in):
    exercise = made()
    exercise.variant(lambda x: (x**2).sum(0))
    assert ["<lambda> is right, but" in f for f in faults_in(exercise)] == [True]


def test_inputs_too_few_or_shared_or_changing(faults_in):
    assert "inputs: fewer than two" in faults_in(made(inputs=lambda r: [*rows(r)][1:2]))
    other = np.random.default_rng()
    exercise = made(inputs=lambda rng: rows(other))
    assert "inputs: not the same when drawn anew" in faults_in(exercise)

    def shared(rng):
        for (x,) in rows(np.random.default_rng(0)):
            yield given(x, rng=rng)

    exercise = made(lambda x, rng: rng.normal() + x, inputs=shared)
    assert any("share a random generator" in f for f in faults_in(exercise))


@pytest.mark.parametrize(
    "compare, accepted",
    [
        (lambda a, b: np.allclose(abs(a), abs(b)), "negated"),
        (lambda a, b: np.allclose(np.sort(a), np.sort(b)), "shifted"),
        (lambda a, b: np.allclose(a[:-1], b[:-1]), "last number moved"),
        (lambda a, b: np.allclose(a, b), "one axis more"),
        (lambda a, b: not (abs(a - b) > 1e-9).any(), "not a number"),
    ],
)
def test_a_comparison_that_lets_too_much_pass(compare, accepted, faults_in):
    faults = faults_in(made(compare=compare))
    assert f"accepts the right answer {accepted} (part 0)" in faults
    faults = faults_in(made(compare=compare, symmetries=(accepted,)))
    assert f"accepts the right answer {accepted} (part 0)" not in faults


def test_a_comparison_that_accepts_everything(faults_in):
    faults = faults_in(made(compare=lambda a, b: True))
    assert len(faults) > 10


def test_axes_that_are_never_told_apart(faults_in):
    exercise = made(
        lambda x: x.T @ x, compare=lambda a, b: np.allclose(np.sort(a), np.sort(b))
    )
    assert any("shifted" in f for f in faults_in(exercise))


def test_gradients_that_are_never_there(faults_in):
    exercise = made(lambda x: x.detach().sum(axis=1), tensors=True)
    assert "tensors=True, but every gradient is zero" in faults_in(exercise)


def test_slow_exercises(faults_in):
    def slow(x):
        until = time.process_time() + 0.01
        while time.process_time() < until:
            pass
        return (x * x).sum(axis=1)

    assert faults_in(made(slow), seconds=0.02) == ["takes longer than 0.02 s"]


def test_loud_exercises(faults_in):
    def loud(x):
        print("look", file=sys.stderr)
        return (x * x).sum(axis=1)

    assert any(f.startswith("writes to stderr") for f in faults_in(made(loud)))
