"""Exercises of chapter 15 on batch norm and averages; the first are in chapter15.py."""

from functools import partial

import numpy as np

from .frame import exercise

exercise = partial(exercise, chapter="chapter15")

# ---- batch_norm_step -----------------------------------------------------------------


def batches_and_buffers(rng):
    for N, C, H, W, size, training in [
        (2, 1, 1, 2, 1, True),
        (2, 2, 2, 1, 1, False),
        (3, 2, 2, 3, 0.01, True),  # channels so quiet that ε shows
        (3, 4, 3, 2, 2, False),
        (5, 3, 4, 4, 2, True),
    ]:
        x = size * rng.normal(size=(N, C, H, W)) * across(1 + np.arange(C)) + 0.5
        gain, shift = rng.uniform(0.5, 2, C), rng.normal(size=C)
        yield x, gain, shift, rng.normal(size=C), rng.uniform(0.5, 3, C), training


ALL_BUT_C = (0, 2, 3)


def across(numbers):
    """(C,) → (1, C, 1, 1)."""
    return np.asarray(numbers)[None, :, None, None]


def stepped(x, gain, shift, mean, variance, training, **how):
    """`how`: axes of the statistics, momentum, ddof for y and for the buffer, …"""
    axes, m = how.get("axes", ALL_BUT_C), how.get("momentum", 0.1)
    eps, outside = how.get("eps", 1e-5), how.get("outside", False)
    own_mean = x.mean(axes, keepdims=True)
    own_var = x.var(axes, keepdims=True, ddof=how.get("ddof", 0))
    used = own_mean, own_var
    if not how.get("always_batch", False) and not training:
        used = across(mean), across(variance)
    if how.get("always_running", False):
        used = across(mean), across(variance)
    root = np.sqrt(used[1]) + eps if outside else np.sqrt(used[1] + eps)
    y = across(gain) * (x - used[0]) / root + across(shift)
    if training or how.get("always_move", False):
        to = x.mean(ALL_BUT_C), x.var(ALL_BUT_C, ddof=how.get("buffer_ddof", 1))
        mean, variance = (1 - m) * mean + m * to[0], (1 - m) * variance + m * to[1]
    return y, mean, variance


@exercise("batch_norm_step", inputs=batches_and_buffers)
def batch_norm_step(x, gain, shift, mean, variance, training):
    return stepped(x, gain, shift, mean, variance, training)


def wrong_step(title, hint, **how):
    batch_norm_step.mistake(title, hint=hint)(lambda *given: stepped(*given, **how))


wrong_step(
    "the batch's own statistics in evaluation mode, too",
    "Your digit depends on who else is being drawn. Which statistics should a trained"
    " network use?",
    always_batch=True,
)
wrong_step(
    "the running statistics in training mode, too",
    "At the first step the running ones are 0 and 1. Would that standardise anything?",
    always_running=True,
)
wrong_step(
    "running statistics that move in evaluation mode",
    "Should looking at test images change the network?",
    always_move=True,
)
wrong_step(
    "statistics of each image by itself",
    "Over which three axes are the means of (4) taken?",
    axes=(2, 3),
)
wrong_step(
    "statistics of each pixel by itself",
    "Over which three axes are the means of (4) taken?",
    axes=(0,),
)
wrong_step(
    "statistics over the channels, too",
    "How many means does a layer with C channels have?",
    axes=(0, 1, 2, 3),
)
wrong_step(
    "running statistics that move nine tenths of the way",
    "Is it the old or the new that counts 0.9?",
    momentum=0.9,
)
wrong_step(
    "the divisor n in the running variance",
    "The buffer should hold what the next batches' variance is on average. By what is"
    " a sum of squares divided for that?",
    buffer_ddof=0,
)
wrong_step(
    "the divisor n − 1 in standardising",
    "In (4) the variance is a plain mean of squares. What is the variance of your y?",
    ddof=1,
)
wrong_step(
    "no ε under the root",
    "What becomes of a channel in which all numbers are equal?",
    eps=0.0,
)
wrong_step(
    "ε added to the root, not under it",
    "Compare the denominator of (4). Where does ε stand?",
    outside=True,
)


@batch_norm_step.mistake(
    "gain and shift in each other's place",
    hint="Which of the two multiplies?",
)
def _(x, gain, shift, mean, variance, training):
    return stepped(x, shift, gain, mean, variance, training)


@batch_norm_step.variant
def with_scale_and_offset(x, gain, shift, mean, variance, training):
    N, C, H, W = x.shape
    rows = x.transpose(1, 0, 2, 3).reshape(C, -1)
    m, v = (rows.mean(1), rows.var(1)) if training else (mean, variance)
    scale = gain / np.sqrt(v + 1e-5)
    y = (rows.T * scale + (shift - m * scale)).T
    y = y.reshape(C, N, H, W).transpose(1, 0, 2, 3)
    if training:
        n = rows.shape[1]
        mean, variance = 0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v * n / (n - 1)
    return y, mean, variance


@batch_norm_step.variant
def channel_by_channel(x, gain, shift, mean, variance, training):
    y, mean, variance = np.empty_like(x), mean.copy(), variance.copy()
    for c in range(x.shape[1]):
        h = x[:, c]
        m, v = (h.mean(), (h * h).mean() - h.mean() ** 2)
        if not training:
            m, v = mean[c], variance[c]
        y[:, c] = gain[c] * (h - m) / np.sqrt(v + 1e-5) + shift[c]
        if training:
            mean[c] += 0.1 * (m - mean[c])
            variance[c] += 0.1 * (h.var(ddof=1) - variance[c])
    return y, mean, variance


@batch_norm_step.variant
def with_sums(x, gain, shift, mean, variance, training):
    n = x.size / x.shape[1]
    m = np.einsum("nchw->c", x) / n
    v = np.einsum("nchw,nchw->c", x, x) / n - m * m
    moved = mean + 0.1 * (m - mean), variance + 0.1 * (v * n / (n - 1) - variance)
    m, v = (m, v) if training else (mean, variance)
    y = across(gain) * (x - across(m)) / np.sqrt(across(v) + 1e-5) + across(shift)
    return y, *(moved if training else (mean, variance))


# ---- averaged_state ------------------------------------------------------------------


def states(rng):
    for C, decay, count in [(1, 0.5, 1), (2, 0.9, 7), (3, 0.99, 40), (4, 0.75, 800)]:
        dtype, pair = np.float32 if C == 3 else np.float64, []
        for seen in (count - 1, count):
            pair.append({
                "weight": rng.normal(size=(C, 2)).astype(dtype),
                "bias": rng.normal(size=C).astype(dtype),
                "running_mean": rng.normal(size=C).astype(dtype),
                "running_var": rng.uniform(0.5, 3, size=C).astype(dtype),
                "num_batches_tracked": np.array(seen),
            })  # fmt: skip
        yield *pair, decay


def mixed(averages, state, decay, skip=(), whole=False):
    made = {}
    for name, now in state.items():
        old = averages[name]
        if name in skip:
            made[name] = old
        elif now.dtype.kind == "f" or whole:
            made[name] = decay * old + (1 - decay) * now
        else:
            made[name] = now
    return made


@exercise("averaged_state", inputs=states)
def averaged_state(averages, state, decay):
    return mixed(averages, state, decay)


BUFFERS = "running_mean", "running_var"

averaged_state.mistake(
    "averaged weights with the running statistics that were there at the beginning",
    hint="Whose means and variances will the averaged network standardise with? Which"
    " numbers does `parameters()` leave out?",
)(lambda a, s, decay: mixed(a, s, decay, skip=(*BUFFERS, "num_batches_tracked")))

averaged_state.mistake(
    "averaged weights with running statistics that never move",
    hint="Whose means and variances will the averaged network standardise with?",
)(lambda a, s, decay: mixed(a, s, decay, skip=BUFFERS))

averaged_state.mistake(
    "averaged weights with the running statistics of the last step",
    hint="Statistics fit the weights they were measured with. With which weights were"
    " these?",
)(lambda a, s, decay: mixed(a, s, decay) | {name: s[name] for name in BUFFERS})

averaged_state.mistake(
    "decay and 1 − decay in each other's place",
    hint="With a decay of 0.99, does the average change quickly or slowly?",
)(lambda a, s, decay: mixed(a, s, 1 - decay))

averaged_state.mistake(
    "the plain mean of the average and the present",
    hint="Does your answer depend on the decay?",
)(lambda a, s, decay: mixed(a, s, 0.5))

averaged_state.mistake(
    "only numbers of double precision averaged",
    hint="In which precision does a network of `mini` hold its weights?",
)(lambda a, s, decay: mixed(a, s, decay) | {
    name: now for name, now in s.items() if now.dtype == np.float32})  # fmt: skip

averaged_state.mistake(
    "a whole number averaged as if it were a weight",
    hint="How many batches have been seen? Can that be 6.1?",
)(lambda a, s, decay: mixed(a, s, decay, whole=True))

averaged_state.mistake(
    "no average at all, the present state",
    hint="What is left of the past in your result?",
)(lambda a, s, decay: dict(s))

averaged_state.mistake(
    "the variance averaged as a standard deviation",
    hint="What the buffer holds is a variance. Is the mean of roots the root of the"
    " mean?",
)(lambda a, s, decay: mixed(a, s, decay) | {"running_var": (
    decay * np.sqrt(a["running_var"]) + (1 - decay) * np.sqrt(s["running_var"])) ** 2
})  # fmt: skip


@averaged_state.variant
def step_by_step(averages, state, decay):
    return {
        name: np.array(now)
        if now.dtype.kind in "iu"
        else averages[name] + (1 - decay) * (now - averages[name])
        for name, now in state.items()
    }


@averaged_state.variant
def counts_by_name(averages, state, decay):
    made = dict(state)
    for name in averages:
        if not name.endswith("num_batches_tracked"):
            made[name] = (1 - decay) * state[name] + decay * averages[name]
    return made


@averaged_state.variant
def by_the_optimiser(averages, state, decay):
    from ..module import Module
    from ..optim import EMA
    from ..tensor import Tensor

    module = Module()
    for name, array in averages.items():
        setattr(module, name, Tensor(array.copy()))
    ema = EMA(module, decay)
    module.load_state_dict(state)
    ema.update()
    return ema.state_dict()
