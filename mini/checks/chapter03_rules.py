"""Exercises of chapter 3: when to stop, and one step of AdamW."""

import numpy as np

from .frame import Unexpected, exercise, given

CHAPTER = "chapter03"

# ---- 3.5 -----------------------------------------------------------------------------


def _histories(rng):
    yield [3.0, 2.0, 2.5, 2.6, 1.0], 1
    yield [3.0, 2.0, 2.5, 1.9, 2.1, 2.2, 2.3, 0.5], 3
    yield [3.0, 2.0, 1.0], 2
    yield [3.0, 1.0, 2.0, 1.5, 1.2, 0.5], 3
    yield [2.0, 2.0, 2.0, 2.0], 2
    yield [1.0, 1.5, 0.9, 1.1, 0.8, 1.2, 0.7], 2
    yield [5.0, 4.0, 4.5, 4.2, 3.9, 4.0, 4.1], 5
    yield rng.uniform(1, 3, size=30).round(2).tolist(), 6


def _two_numbers(attempt, losses, patience):
    found = attempt(losses, patience)
    if not isinstance(found, (tuple, list, np.ndarray)) or np.shape(found) != (2,):
        raise Unexpected("a pair (keep, last)", found)
    return np.array([*found])


@exercise("early_stopping", inputs=_histories, run=_two_numbers, chapter=CHAPTER)
def early_stopping(losses, patience):
    best = 0
    for now, loss in enumerate(losses):
        if loss < losses[best]:
            best = now
        if now - best == patience:
            break
    return best, now


@early_stopping.variant
def _by_counting(losses, patience):
    lowest, keep, waited = float("inf"), None, 0
    for now, loss in enumerate(losses):
        if loss < lowest:
            lowest, keep, waited = loss, now, 0
        else:
            waited += 1
            if waited >= patience:
                return keep, now
    return keep, len(losses) - 1


@early_stopping.variant
def _by_looking_back(losses, patience):
    for now in range(len(losses)):
        best = losses.index(min(losses[: now + 1]))
        if now - best >= patience:
            break
    return [best, now]


@early_stopping.variant
def _all_at_once(losses, patience):
    passes, lowest = np.arange(len(losses)), np.minimum.accumulate(losses)
    is_new = np.append(True, np.diff(lowest) < 0)
    best = np.maximum.accumulate(passes * is_new)
    over = passes[passes - best >= patience]
    last = over[0] if over.size else passes[-1]
    return best[last], last


@early_stopping.mistake(
    "the weights of the last pass are kept",
    hint="By then the loss has been worse for some time. Which weights were the best?",
)
def _(losses, patience):
    _, last = early_stopping.reference(losses, patience)
    return last, last


@early_stopping.mistake(
    "training goes on to the end, and the best pass of all is kept",
    hint="In truth the later losses are never computed. After which pass is patience"
    " at its end?",
)
def _(losses, patience):
    return int(np.argmin(losses)), len(losses) - 1


@early_stopping.mistake(
    "a pass is compared with the one before it and not with the best",
    hint="3.0, 1.0, 2.0, 1.5: is the last of these an improvement?",
)
def _(losses, patience):
    best, waited = 0, 0
    for now in range(1, len(losses)):
        best = now if losses[now] < losses[best] else best
        waited = 0 if losses[now] < losses[now - 1] else waited + 1
        if waited == patience:
            return best, now
    return best, len(losses) - 1


@early_stopping.mistake(
    "bad passes are counted, in a row or not",
    hint="When a new best loss arrives, what should the count go back to?",
)
def _(losses, patience):
    best, waited = 0, 0
    for now in range(1, len(losses)):
        if losses[now] < losses[best]:
            best = now
        else:
            waited += 1
        if waited == patience:
            return best, now
    return best, len(losses) - 1


@early_stopping.mistake(
    "it waits for one pass too many",
    hint="With a patience of 1, after how many passes without a new best is it over?",
)
def _(losses, patience):
    return early_stopping.reference(losses, patience + 1)


@early_stopping.mistake(
    "a loss equal to the best counts as a new best",
    hint="“Below the best so far”: is 2.0 below 2.0?",
)
def _(losses, patience):
    best = 0
    for now, loss in enumerate(losses):
        if loss <= losses[best]:
            best = now
        if now - best == patience:
            break
    return best, now


# ---- 3.6 -----------------------------------------------------------------------------


def _states(rng):
    for shape, t in [((1,), 1), ((3,), 1), ((2, 3), 2), ((4,), 50)]:
        p, g, m = (rng.normal(size=shape) for _ in range(3))
        v = rng.uniform(0.1, 2, size=shape)
        if t == 1:
            m, v = np.zeros(shape), np.zeros(shape)
        yield given(p, g, m, v, t, 0.1, 0.5, beta1=0.8, beta2=0.95, eps=1e-3)


def _adamw(p, g, m, v, t, rate, decay, beta1, beta2, eps, corrected=(True, True)):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t) if corrected[0] else m
    v_hat = v / (1 - beta2**t) if corrected[1] else v
    return p * (1 - rate * decay) - rate * m_hat / (np.sqrt(v_hat) + eps), m, v


@exercise("adamw_step", inputs=_states, chapter=CHAPTER)
def adamw_step(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    return _adamw(p, g, m, v, t, rate, decay, beta1, beta2, eps)


@adamw_step.variant
def _as_lerps(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v = m + (1 - beta1) * (g - m), v + (1 - beta2) * (g * g - v)
    size = np.sqrt(v) / np.sqrt(1 - beta2**t) + eps
    return p - rate * (decay * p + m / (1 - beta1**t) / size), m, v


@adamw_step.variant
def _in_its_own_copies(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    p, m, v = p.copy(), m.copy(), v.copy()
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * np.square(g)
    p *= 1 - rate * decay
    p -= rate / (1 - beta1**t) * m / ((v / (1 - beta2**t)) ** 0.5 + eps)
    return p, m, v


@adamw_step.variant
def _corrected_rate(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v = np.average([g, m], 0, [1 - beta1, beta1]), beta2 * (v - g * g) + g * g
    root = np.sqrt(1 - beta2**t)
    step = rate * root / (1 - beta1**t) * m / (np.sqrt(v) + eps * root)
    return [p - rate * decay * p - step, m, v]


@adamw_step.mistake(
    "the decay is added to the slope, which is Adam + L2",
    hint="Then it is divided by the typical size of the slope as well. Where must the"
    " weights shrink so that all decay alike?",
)
def _(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    return _adamw(p, g + decay * p, m, v, t, rate, 0, beta1, beta2, eps)


@adamw_step.mistake(
    "the weights shrink by 1 − λ, without the rate",
    hint="When a schedule brings η to 0, should the decay go on at full strength?",
)
def _(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    return _adamw(p, g, m, v, t, rate, decay / rate, beta1, beta2, eps)


@adamw_step.mistake(
    "there is no decay",
    hint="This is Adam. What does the W stand for?",
)
def _(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    return _adamw(p, g, m, v, t, rate, 0, beta1, beta2, eps)


@adamw_step.mistake(
    "the averages are not corrected for their start from zero",
    hint="After one step m is a fifth or a tenth of the slope. By what must it be"
    " divided?",
)
def _(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    none = (False, False)
    return _adamw(p, g, m, v, t, rate, decay, beta1, beta2, eps, none)


@adamw_step.mistake(
    "only m is corrected for its start from zero",
    hint="v starts at zero, too, and takes even longer to fill. What is missing?",
)
def _(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    one = (True, False)
    return _adamw(p, g, m, v, t, rate, decay, beta1, beta2, eps, one)


@adamw_step.mistake(
    "the corrected averages are handed on to the next step",
    hint="The next step will correct them again. Which m and v does (11) continue"
    " from?",
)
def _(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    p, m, v = _adamw(p, g, m, v, t, rate, decay, beta1, beta2, eps)
    return p, m / (1 - beta1**t), v / (1 - beta2**t)


@adamw_step.mistake(
    "ε stands under the root",
    hint="In (13), is ε added to v̂ or to its root?",
)
def _(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    new, m, v = _adamw(p, g, m, v, t, rate, decay, beta1, beta2, eps)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return p * (1 - rate * decay) - rate * m_hat / np.sqrt(v_hat + eps), m, v


@adamw_step.mistake(
    "the step is divided by v̂ and not by its root",
    hint="In which unit is v, if the slope is in nats per unit? And the root of it?",
)
def _(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    _, m, v = _adamw(p, g, m, v, t, rate, decay, beta1, beta2, eps)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return p * (1 - rate * decay) - rate * m_hat / (v_hat + eps), m, v


@adamw_step.mistake(
    "v averages the slope and not its square",
    hint="What is the average of a slope that is sometimes +1 and sometimes −1? And the"
    " typical size of it?",
)
def _(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * np.abs(g)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return p * (1 - rate * decay) - rate * m_hat / (np.sqrt(v_hat) + eps), m, v
