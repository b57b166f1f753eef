"""What some exercises say of attempts that are in no museum."""

import numpy as np
import pytest

from mini import checks
from mini.checks.frame import Exercise

reference = {name: getattr(checks, name).reference for name in dir(checks)
             if isinstance(getattr(checks, name), Exercise)}  # fmt: skip


def averaged_in_place(averages, state, decay):
    averages |= reference["averaged_state"](averages, state, decay)
    return averages


def averaged_and_emptied(averages, state, decay):
    made = reference["averaged_state"](averages, state, decay)
    averages.clear()
    state.clear()
    return made


def masks_and_more(rank, degrees):
    masks = reference["made_masks"](rank, degrees)
    degrees.insert(0, rank)
    return masks


def stop_and_append(losses, patience):
    found = reference["early_stopping"](losses, patience)
    losses.append(0.0)
    return found


def nade_with_a_view(x, w, v, b, c):
    logits = reference["nade_logits"](x, w, v, b, c)
    logits[:, :-1] += 0.3 * x[:, 1:]
    return logits


ATTEMPTS = {
    "averaged_state": [
        (averaged_in_place, "changed", "its argument averages."),
        (averaged_and_emptied, "changed", "its argument averages."),
    ],
    "made_masks": [(masks_and_more, "changed", "its argument degrees.")],
    "early_stopping": [
        (stop_and_append, "changed", "its argument losses."),
        (lambda losses, patience: 3, "type", "✗ A pair (keep, last) was expected"),
        (lambda losses, patience: None, "untouched", "not attempted yet"),
        (lambda losses, patience: losses.sort(), "nothing", "returns None"),
    ],
    "nade_logits": [
        (nade_with_a_view, "ahead", "result[:, 0] changes when x[:, 1] does"),
    ],
    "shifted_down": [
        (lambda v: np.roll(v, -2, axis=2), "ahead", "v[:, 0, 2, 0] does, which comes"),
    ],
    "causal_taps": [
        (lambda size, kind: {(0, -1)}, "value", "got = [[0, -1]]"),
        (lambda size, kind: 3, "type", "yours is a number"),
    ],
    "dilated_past": [(lambda *a: {(0, -1)}, "value", "got = [[0, -1]]")],
    "seen_through": [
        (lambda taps: {(0, 1), (0, 0)}, "value", "got = [[0, 0], [0, 1]]"),
        (lambda taps: [(0, 1), (0, 0)], "value", "got = [[0, 1], [0, 0]]"),
    ],
    "best_critic": [
        (
            lambda *a: list(reference["best_critic"](*a)),
            "type",
            "✗ An array of shape (2,) was expected, and yours is a list of 2.",
        ),
        (lambda p, q, places: p[1:], "type", "yours is an array of shape (1,)."),
    ],
    "gradients_without_recursion": [
        (
            lambda y: [y],
            "type",
            "✗ A dict {node: slope} was expected, and yours is a l",
        ),
    ],
    "codes_from_noise": [
        (lambda codes, noise: codes[0], "type", "yours is an array of shape (1,)."),
    ],
    "one_round": [(lambda *a: 3.0, "type", "✗ A pair of Tensors was expected")],
}
CASES = [(name, *case) for name, cases in ATTEMPTS.items() for case in cases]


@pytest.mark.parametrize("name, attempt, kind, words", CASES)
def test_says(name, attempt, kind, words):
    verdict = getattr(checks, name).judge(attempt)
    assert (verdict.kind, words in " ".join(verdict.text.split())) == (kind, True)
