"""The checker tells every kind of wrong answer apart, and lets every right one pass."""

import itertools
import sys
import warnings

import numpy as np
import pytest

from mini import Tensor, checks, grad, nn
from mini import functional as F
from mini.checks import frame
from mini.checks.frame import Exercise, Unexpected, given
from mini.tensor import record


def batches(rng):
    for N, D in [(1, 2), (3, 4), (8, 5)]:
        yield rng.normal(size=(N, D)), rng.normal(size=(N, D))


def kl(mu, log_var):
    return 0.5 * (mu**2 + F.exp(log_var) - log_var - 1).sum(axis=1)


@pytest.fixture
def exercise():
    made = Exercise("kl", kl, batches, tensors=True)

    @made.mistake("averaging over the latents", hint="Is the other term a mean?")
    def _(mu, log_var):
        return 0.5 * (mu**2 + F.exp(log_var) - log_var - 1).mean(axis=1)

    @made.mistake("holding log_var constant", hint="What does the gradient need?")
    def _(mu, log_var):
        return kl(mu, log_var.detach())

    return made


def told(exercise, attempt, capsys):
    """The kind of verdict and its text, which is all that is printed."""
    verdict = exercise(attempt)
    printed = capsys.readouterr()
    assert printed.out == verdict.text + "\n"
    assert printed.err == ""
    assert bool(verdict) == (verdict.kind == "correct")
    return verdict.kind, verdict.text


def test_right_answers_pass(exercise, capsys):
    def another(mu, log_var):
        return -0.5 * (1 + log_var - mu * mu - log_var.exp()).sum(1)

    assert told(exercise, kl, capsys) == ("correct", "✓ correct")
    assert told(exercise, another, capsys) == ("correct", "✓ correct")


def stub(mu, log_var): ...


def documented_stub(mu, log_var):
    "What this is to do."


def gap(mu, log_var):
    spread = ...
    return mu * spread


def gap_returned(mu, log_var):
    result = ...
    return result


def not_implemented(mu, log_var):
    raise NotImplementedError


@pytest.mark.parametrize(
    "attempt",
    [
        stub,
        documented_stub,
        gap,
        gap_returned,
        not_implemented,
        None,
        ...,
        lambda m: ...,
    ],
)
def test_not_attempted(exercise, attempt, capsys):
    assert told(exercise, attempt, capsys) == ("untouched", "not attempted yet")


def test_forgotten_return_is_not_the_same_as_not_attempted(exercise, capsys):
    def attempt(mu, log_var):
        kl(mu, log_var)

    kind, text = told(exercise, attempt, capsys)
    assert kind == "nothing" and "`return`" in text


def test_names_the_mistake(exercise, capsys):
    def attempt(mu, log_var):
        return (mu * mu + F.exp(log_var) - log_var - 1).mean(1) / 2

    kind, text = told(exercise, attempt, capsys)
    assert kind == "mistake"
    assert "averaging over the latents" in text and "Is the other term a mean?" in text


def test_names_a_mistake_that_shows_in_the_gradient_alone(exercise):
    verdict = exercise.judge(lambda mu, v: kl(mu, Tensor(v.data)))
    assert verdict.mistake.title == "holding log_var constant"


def test_names_the_mistake_even_where_the_graph_is_cut_too(exercise):
    verdict = exercise.judge(lambda mu, v: Tensor(2 * kl(mu, v).data / 2 / mu.shape[1]))
    assert verdict.mistake.title == "averaging over the latents"


def test_a_mistake_that_shows_on_one_input_only_is_not_named(exercise):
    def attempt(mu, log_var):
        return kl(mu, log_var) / (mu.shape[1] if len(mu) == 3 else 1)

    assert exercise.judge(attempt).kind == "value"


def test_a_mistake_equal_to_the_answer_blames_nobody(exercise):
    exercise.mistakes.clear()
    exercise.mistake("nothing wrong", hint="?")(kl)
    assert exercise.judge(lambda mu, v: -kl(mu, v)).kind == "value"


def test_shows_the_smallest_failing_input(exercise, capsys):
    kind, text = told(exercise, lambda mu, v: kl(mu, v) + mu[:, 0], capsys)
    mu, log_var = next(batches(np.random.default_rng(frame.SEED)))
    expected = kl(mu, Tensor(log_var)).item()
    assert kind == "value"
    assert f"mu = [[{mu[0, 0]:.4g}, {mu[0, 1]:.4g}]]" in text
    assert f"expected = [{expected:.4g}]" in text
    assert f"got = [{expected + mu[0, 0]:.4g}]" in text


def test_notices_that_only_some_batch_sizes_are_wrong(exercise, capsys):
    def attempt(mu, log_var):
        return kl(mu, log_var) * (1 if len(mu) == 1 else 1.5)

    kind, text = told(exercise, attempt, capsys)
    assert kind == "value"
    assert "1 of the 3 inputs" in text
    assert "right for mu of shape 1×2" in " ".join(text.split())


@pytest.mark.parametrize(
    "attempt, words",
    [
        (lambda mu, v: -3 * kl(mu, v), "yours is -3 times"),
        (lambda mu, v: kl(mu, v) + 0.25, "yours is larger by 0.25"),
    ],
)
def test_names_a_constant_factor_or_offset(exercise, attempt, words):
    assert words in exercise.judge(attempt).text


UNSTEADY = itertools.count(1)


def in_place(mu, log_var):
    mu.data += 1
    return kl(mu - 1, log_var)


@pytest.mark.parametrize(
    "attempt, kind, words",
    [
        (lambda mu, v: kl(mu, v).data, "type", "a Tensor was expected"),
        (lambda mu, v: list(kl(mu, v)), "type", "yours is a list of 1"),
        (lambda mu, v: "?", "type", "an object of type str"),
        (lambda mu, v: kl(mu, v)[:, None], "shape", "(1,) was expected"),
        (lambda mu, v: kl(mu, v).data > 0, "type", "a numpy array"),
        (lambda mu, v: kl(mu, v) + (mu - 9).log().sum(1), "nan", "NaN"),
        (lambda mu, v: kl(mu, v) / 0, "nan", "Inf"),
        (in_place, "changed", "its argument mu"),
        (lambda mu, v: kl(Tensor(mu.data), v), "gradient", "no gradient reaches mu"),
        (lambda mu, v: 2 * kl(mu, v) - kl(mu, v).detach(), "gradient", "not"),
        (lambda mu, v: mu @ v, "error", "Your line `(lambda mu, v: mu @ v"),
        (lambda mu: mu, "error", "Calling it raised TypeError"),
        (lambda mu, v: kl(mu, v) + next(UNSTEADY), "unsteady", "Called twice"),
        (3.0, "type", "checks.kl(your_function)"),
    ],
)
def test_tells_what_is_wrong(exercise, attempt, kind, words, capsys):
    found, text = told(exercise, attempt, capsys)
    assert found == kind and words in " ".join(text.split())


def test_an_exception_shows_the_readers_own_line(exercise):
    def helper(x):
        return {"a": x}["b"]

    def attempt(mu, log_var):
        return helper(mu)

    text = exercise.judge(attempt).text
    assert """Your line `return {"a": x}["b"]` raised KeyError: 'b'""" in text
    assert "test_checks_frame" not in text


def test_an_exception_shows_no_address(exercise):
    def attempt(mu, log_var):
        raise ValueError(f"odd: {object()}")

    assert "object at 0x…" in exercise.judge(attempt).text


class Speechless(TypeError):
    def __str__(self):
        raise ValueError


def test_an_exception_that_cannot_be_printed_is_a_verdict(exercise):
    def attempt(mu, log_var):
        raise Speechless

    verdict = exercise.judge(attempt)
    assert verdict.kind == "error"
    assert "Your line `raise Speechless` raised Speechless." in verdict.text


def test_leaving_is_a_verdict_and_an_interrupt_goes_through(exercise):
    def interrupted(mu, log_var):
        raise KeyboardInterrupt

    assert "SystemExit: bye" in exercise.judge(lambda mu, v: sys.exit("bye")).text
    with pytest.raises(KeyboardInterrupt):
        exercise.judge(interrupted)


def test_recursion_without_end_is_a_verdict(exercise):
    def attempt(mu, log_var):
        return attempt(mu, log_var)

    assert "RecursionError" in exercise.judge(attempt).text


def test_warnings_are_kept_quiet(exercise, capsys):
    def warns(mu, log_var):
        warnings.warn("look", stacklevel=2)
        np.sqrt(np.array([-1.0]))
        return kl(mu, log_var)

    assert told(exercise, warns, capsys)[0] == "correct"


def test_numbers_that_overflow_the_comparison_are_kept_quiet(capsys):
    made = Exercise("half", lambda x: x / 2, lambda rng: [(rng.normal(size=4),)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert told(made, lambda x: 0 * x + 1.7e308, capsys)[0] == "value"
    assert caught == []


def test_an_error_in_the_reference_is_not_the_readers(exercise):
    exercise.reference = lambda mu, log_var: 1 / 0
    with pytest.raises(ZeroDivisionError):
        exercise.judge(kl)


def test_a_constant_must_stay_one():
    def straight_through(x):
        return x * x.detach()

    made = Exercise("scaled", straight_through, lambda rng: [(rng.normal(size=3),)])
    made.tensors = True
    assert made.judge(straight_through)
    verdict = made.judge(lambda x: x * x)
    assert verdict.kind == "gradient"


def test_second_order_finds_a_rule_written_with_data():
    def tanh(x):
        return record(np.tanh(x.data), (x, lambda g, out: g * (1 - out * out)))

    def frozen(x):
        return record(np.tanh(x.data), (x, lambda g, out: g * (1 - out.data**2)))

    def inputs(rng):
        return [(rng.normal(size=n),) for n in (1, 4)]

    first = Exercise("tanh", F.tanh, inputs, tensors=True)
    second = Exercise("tanh", F.tanh, inputs, tensors=True, order=2)
    assert first.judge(tanh) and first.judge(frozen) and second.judge(tanh)
    verdict = second.judge(frozen)
    assert verdict.kind == "gradient" and "gradient of the gradient" in verdict.text


def test_an_error_in_the_readers_rule_is_a_verdict():
    def attempt(x):
        return record(np.tanh(x.data), (x, lambda g, out: g @ out @ out))

    made = Exercise(
        "tanh", F.tanh, lambda rng: [(rng.normal(size=(2, 3)),)], tensors=True
    )
    assert "Your line `return record(np.tanh" in made.judge(attempt).text


def states(rng):
    for n in (2, 3):
        yield {"w": rng.normal(size=n), "b": [rng.normal(size=1), n]}, rng.normal()


def scaled(state, by):
    return {"w": by * state["w"], "b": [by * state["b"][0], state["b"][1]]}


def in_its_place(state, by):
    state["w"] = by * state["w"]
    return state | {"b": scaled(state, by)["b"]}


def inside(state, by):
    state["b"][:] = made = scaled(state, by)["b"]
    return {"w": by * state["w"], "b": made}


def emptied(state, by):
    made = scaled(state, by)
    state.clear()
    return made


def grown(state, by):
    made = scaled(state, by)
    state["b"].append(0)
    return made


def equal_but_another(state, by):
    made = scaled(state, by)
    state["w"] = state["w"].copy()
    return made


def array_in_place(state, by):
    made = scaled(state, by)
    state["w"] += 1
    return made


@pytest.mark.parametrize(
    "attempt, name",
    [
        (in_its_place, "state."),
        (inside, "state['b']."),
        (emptied, "state."),
        (grown, "state['b']."),
        (equal_but_another, "state."),
        (array_in_place, "state['w']."),
    ],
)
def test_a_changed_list_or_dict_is_seen(attempt, name):
    made = Exercise("scaled", scaled, states)
    assert made.judge(scaled)
    assert made.judge(lambda state, by: in_its_place({**state}, by))
    verdict = made.judge(attempt)
    assert verdict.kind == "changed" and f"changes its argument {name}" in verdict.text


@pytest.mark.parametrize("small_fault", ["changed", "dtype", "gradient"])
@pytest.mark.parametrize(
    "large_fault, wrong",
    [
        ("value", lambda y: y + 1),
        ("nan", lambda y: y * np.nan),
        ("shape", lambda y: y[None]),
        ("error", lambda y: y.nonsense),
    ],
)
def test_a_result_that_is_wrong_elsewhere_is_not_called_right(
    small_fault, large_fault, wrong
):
    made = Exercise("squares", lambda x: (x * x).sum(axis=1), lambda rng: [
        (a,) for a, _ in batches(rng)])  # fmt: skip
    made.tensors, made.dtype = small_fault == "gradient", small_fault == "dtype"

    def slightly(x):
        y = (x * x).sum(axis=1)
        if small_fault == "changed":
            x += 1
        elif small_fault == "dtype":
            y = y.astype(np.float32)
        else:
            y = Tensor(y.data)
        return y

    assert made.judge(slightly).kind == small_fault
    verdict = made.judge(lambda x: wrong(slightly(x)) if len(x) == 3 else slightly(x))
    assert verdict.kind == large_fault and "is right, but" not in verdict.text


def test_dtype_where_it_matters():
    def inputs(rng):
        return [(rng.normal(size=n),) for n in (2, 5)]

    mask = Exercise("mask", lambda x: x > 0, inputs)
    assert mask.judge(lambda x: (x > 0) * 1).kind == "dtype"
    order = Exercise("order", lambda x: np.argsort(x), inputs)
    assert order.judge(lambda x: np.argsort(x).astype(float)).kind == "dtype"
    assert order.judge(lambda x: np.argsort(x).astype(np.int32))
    half = Exercise("half", lambda x: x / 2, inputs)
    assert half.judge(lambda x: (x / 2).astype(np.float32))
    half = Exercise("half", lambda x: x / 2, inputs, dtype=True)
    assert half.judge(lambda x: (x / 2).astype(np.float32)).kind == "dtype"


def test_whole_numbers_agree_exactly():
    made = Exercise("count", lambda n: n * 10**6, lambda rng: [(3,), (4,)])
    assert made.judge(lambda n: n * 10**6)
    assert not made.judge(lambda n: n * 10**6 + 1)


def test_results_that_are_tuples_and_dicts():
    def split(x):
        return x.mean(axis=0), {"low": x.min(), "high": x.max()}

    made = Exercise("split", split, lambda rng: [(rng.normal(size=(3, 2)),)])
    assert made.judge(lambda x: [*split(x)])
    assert made.judge(lambda x: (split(x)[0],)).kind == "type"
    verdict = made.judge(lambda x: (x.mean(0), {"low": x.min(), "high": x.min()}))
    assert verdict.kind == "value"
    verdict = made.judge(lambda x: (x.mean(0), {"low": x.min()}))
    assert verdict.kind == "type" and "'low', 'high'" in verdict.text


def test_randomness_gets_the_same_generator_state():
    def inputs(rng):
        for n in (2, 4):
            yield given(np.zeros(n), rng=rng.spawn(1)[0])

    made = Exercise("noise", lambda x, *, rng: x + rng.normal(size=x.shape), inputs)
    assert made.judge(lambda x, *, rng: rng.normal(size=len(x)) + x)
    assert not made.judge(lambda x, *, rng: x + rng.uniform(size=x.shape))


def test_a_custom_comparison_decides_for_museum_and_answer():
    def close_in_mean(got, expected):
        return abs(got.mean() - expected.mean()) < 0.1 and got.shape == expected.shape

    def inputs(rng):
        return [given(n, rng=rng.spawn(1)[0]) for n in (2000, 4000)]

    def ones(n, *, rng):
        return rng.normal(1, 1, n)

    made = Exercise("draws", ones, inputs, compare=close_in_mean)
    made.mistake("centring at zero", hint="Where is the middle?")(
        lambda n, *, rng: rng.normal(0, 1, n)
    )
    assert made.judge(lambda n, *, rng: rng.standard_normal(n)[::-1] + 1)
    assert made.judge(lambda n, *, rng: rng.standard_normal(n)).kind == "mistake"
    assert made.judge(lambda n, *, rng: rng.standard_normal(n) + 5).kind == "value"
    assert made.judge(lambda n, *, rng: "text").kind == "type"


def positions(got, expected):
    return sorted(map(tuple, got)) == sorted(map(tuple, expected))


@pytest.mark.parametrize(
    "wrong, shown",
    [
        ({(0, 1), (0, 0), (5, 5)}, "got = [[0, 0], [0, 1], [5, 5]]"),
        ([(0, 1)], "got = [[0, 1]]"),
        (np.array([[0, 1]]), "got = [[0, 1]]"),
    ],
)
@pytest.mark.parametrize("kind", [set, list])
def test_a_collection_is_not_called_wrong_for_its_kind(kind, wrong, shown):
    def diagonal(n):
        return kind((i, i) for i in range(n))

    made = Exercise("diagonal", diagonal, lambda rng: [(2,), (5,)], compare=positions)
    assert made.judge(lambda n: {(i, i) for i in range(n)})
    assert made.judge(lambda n: np.array([[i, i] for i in range(n)]))
    verdict = made.judge(lambda n: wrong)
    assert verdict.kind == "value"
    assert "expected = [[0, 0], [1, 1]]" in verdict.text and shown in verdict.text
    assert made.judge(lambda n: {1: 2}).kind == "type" or kind is set


def test_long_lists_are_cut_short():
    made = Exercise(
        "rows", lambda n: list(range(n)), lambda rng: [(n,) for n in (6, 40)]
    )
    text = made.judge(lambda n: [*range(n)][::-1] if n == 6 else [*range(n)]).text
    assert "got = [5, 4, 3, 2, 1, 0]" in text
    text = made.judge(lambda n: [*range(n)][::-1] if n == 40 else [*range(n)]).text
    assert "got = [39, 38, 37, 36, …]" in text


class Momentum:
    def __init__(self, rate):
        self.rate, self.velocity = rate, 0

    def step(self, w, g):
        self.velocity = 0.9 * self.velocity + g
        return w - self.rate * self.velocity


class Forgetful(Momentum):
    def step(self, w, g):
        return w - self.rate * g


def three_steps(optimiser, rate, w, gradients):
    optimiser = optimiser(rate)
    for g in gradients:
        w = optimiser.step(w, g)
    return w


def test_classes_are_driven():
    class Blank:
        def __init__(self, rate):
            self.rate = rate

        def step(self, w, g): ...

    def inputs(rng):
        for n in (1, 3):
            yield 0.1, rng.normal(size=n), list(rng.normal(size=(3, n)))

    made = Exercise("momentum", Momentum, inputs, run=three_steps)
    made.mistake("forgetting the past", hint="What is kept?")(Forgetful)
    assert made.judge(Momentum)
    assert made.judge(Blank).kind == "untouched"
    assert made.judge(type("Empty", (), {})).kind == "untouched"
    assert made.judge(Forgetful).mistake.hint == "What is kept?"
    assert "rate = 0.1" in made.judge(lambda rate: 3).text


def test_a_run_may_find_something_unexpected():
    def both(attempt, x):
        found = attempt(x)
        if not isinstance(found, tuple) or len(found) != 2:
            raise Unexpected("a pair (low, high)", found)
        return np.array(found)

    def inputs(rng):
        return [(rng.normal(size=n),) for n in (2, 3)]

    made = Exercise("range", lambda x: (x.min(), x.max()), inputs, run=both)
    made.mistake("exchanging", hint="Which?")(lambda x: (x.max(), x.min()))
    assert made.judge(lambda x: (x.min(), x.max()))
    assert made.judge(lambda x: (x.max(), x.min())).kind == "mistake"
    verdict = made.judge(lambda x: x.min())
    assert verdict.kind == "type" and "✗ A pair (low, high) was exp" in verdict.text
    assert "yours is a number." in verdict.text
    text = made.judge(lambda x: x[[0, -1]]).text
    assert "✗ A pair" in text and "an array of shape (2,)." in " ".join(text.split())
    assert made.judge(lambda x: ...).kind == "untouched"
    assert made.judge(lambda x: None if x.size else 0).kind == "nothing"


def sums_before(x, w):
    return (np.cumsum(x, axis=1) - x) * w


def sums_of_others(x, w):
    return (x.sum(axis=1, keepdims=True) - x) * w


def far_ahead(x, w):
    y = sums_before(x, w)
    y[:, 0] += 0.1 * x[:, min(4, x.shape[1] - 1)] * (x.shape[1] > 4)
    return y


def ahead_and_forgetful(x, w):
    w *= 2  # looking must start from the same weights each time
    return sums_of_others(x, w / 2)


@pytest.mark.parametrize(
    "attempt, kind, words",
    [
        (
            sums_of_others,
            "ahead",
            "result[:, 0] changes when x[:, 1] does, which comes",
        ),
        (far_ahead, "ahead", "result[:, 0] changes when x[:, 4] does, which comes"),
        (ahead_and_forgetful, "ahead", "result[:, 0] changes when x[:, 1] does"),
        (lambda x, w: np.cumsum(x, axis=1) * w, "ahead", "x[:, 0] does, which is the"),
        (lambda x, w: sums_before(x, w) + 1, "value", "larger by 1"),
        (
            lambda x, w: sums_before(x, w) * np.arange(len(w)),
            "value",
            "right on 1 of the 2",
        ),
        (lambda x, w: x @ x.T, "shape", "was expected"),
    ],
)
def test_looking_ahead_is_named(attempt, kind, words):
    def inputs(rng):
        for N, D in [(1, 2), (3, 6)]:
            yield rng.normal(size=(N, D)), rng.normal(size=D)

    made = Exercise("sums", sums_before, inputs, causal="x")
    made.mistake("averaging", hint="?")(lambda x, w: sums_before(x, w) / len(w))
    assert made.judge(sums_before)
    assert made.judge(lambda x, w: sums_before(x, w) / len(w)).kind == "mistake"
    verdict = made.judge(attempt)
    assert verdict.kind == kind and words in " ".join(verdict.text.split())


def test_gradients_reach_parameters_of_modules_and_lists():
    def inputs(rng):
        for n in (1, 2):
            layer = nn.Linear(2, 3, rng=rng).to(np.float64)
            yield layer, [Tensor(rng.normal(size=(n, 2)), True)]

    def apply(layer, xs):
        return F.linear(xs[0], layer.weight, layer.bias)

    made = Exercise("apply", apply, inputs)
    assert made.judge(lambda layer, xs: layer(xs[0]))
    cut = made.judge(lambda layer, xs: xs[0] @ Tensor(layer.weight.data).T + layer.bias)
    assert cut.kind == "gradient" and "layer.parameters()[0]" in cut.text
    cut = made.judge(lambda layer, xs: layer(xs[0].detach()))
    assert cut.kind == "gradient" and "xs[0]" in cut.text


@pytest.fixture
def empty_register(monkeypatch):
    monkeypatch.setattr(frame, "_registry", {})


def test_numbers(empty_register, capsys):
    bits = frame.number("bits", 8.0, mistakes={"nats": (5.545, "Which logarithm?")})
    assert bits.chapter == "test_checks_frame"
    assert all(bits.judge(right) for right in (8, 8.0, np.float32(8), 8 + 1e-9))
    assert told(bits, ..., capsys)[0] == "untouched"
    assert told(bits, 5.545, capsys)[0] == "mistake"
    assert told(bits, 7, capsys) == ("value", "✗ 7 is too small.")
    assert told(bits, 9.0, capsys) == ("value", "✗ 9 is too large.")
    assert told(bits, float("nan"), capsys)[0] == "nan"
    for wrong in ("8", len, [8], np.ones(3)):
        assert told(bits, wrong, capsys)[0] in ("type", "shape")


def test_the_register(empty_register):
    made = frame.exercise("square", inputs=lambda rng: [(1,), (2,)], chapter="a")(abs)
    assert frame.all_exercises() == frame.all_exercises("a") == [made]
    assert frame.all_exercises("b") == []
    assert repr(made) == "a-square"
    with pytest.raises(ValueError, match="b-square has the name of a-square"):
        frame.exercise("square", inputs=None, chapter="b")(abs)
    with pytest.raises(ValueError, match="'not a name'"):
        frame.exercise("not a name", inputs=None)(abs)


def test_an_exercise_is_found_by_name(empty_register):
    made = frame.exercise("square_root", inputs=lambda rng: [(1,)], chapter="a")(abs)
    assert checks.square_root is made
    assert "square_root" in dir(checks)
    with pytest.raises(AttributeError, match="did you mean 'square_root'"):
        checks.sqare_root  # noqa: B018


def test_a_notebook_does_not_echo_the_verdict(exercise):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    assert shell.display_formatter.format(exercise.judge(kl)) == ({}, {})
    assert repr(exercise.judge(kl)) == "True" and exercise.judge(kl) == True  # noqa: E712


def test_grad_still_works_on_inputs_afterwards(exercise):
    """Judging leaves no switch of the tape behind."""
    exercise.judge(lambda mu, v: mu @ v)
    x = Tensor(np.ones(2), requires_grad=True)
    np.testing.assert_array_equal(grad((x * x).sum(), [x])[0].data, [2, 2])
