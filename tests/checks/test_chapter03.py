"""Chapter 3's exercises: their references agree with `mini` and with torch."""

import math

import numpy as np
import pytest
import torch

from mini import Tensor, checks, grad, nn, optim
from mini import functional as F
from mini.checks import chapter03, chapter03_rules, frame


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def test_six_exercises():
    assert len(frame.all_exercises("chapter03")) == 6


def steps_in_a_ravine(H, rate):
    p = Tensor(np.ones(len(H)), requires_grad=True)
    optimiser = optim.SGD([p], rate)
    for _ in range(3000):
        optimiser.step(grad((p * (p @ H)).sum() * 0.5, [p]))
    return np.linalg.norm(p.data)


@pytest.mark.parametrize("case", chapter03.largest_rate.cases(), ids=lambda c: "H")
def test_largest_rate_is_the_edge_of_convergence(case):
    (H,) = case.args
    limit = chapter03.largest_rate.reference(H)
    assert steps_in_a_ravine(H, 0.99 * limit) < 1e-9
    assert steps_in_a_ravine(H, 1.01 * limit) > 1e3


@pytest.mark.parametrize("shape", [(300, 200), (40, 30, 5, 3)])
def test_kaiming_std_is_mini_and_torchs(shape):
    expected = chapter03.kaiming_std.reference(shape)
    ours = nn.kaiming_normal(shape, rng=np.random.default_rng(0)).std()
    theirs = torch.nn.init.kaiming_normal_(torch.empty(shape), nonlinearity="relu")
    assert ours == pytest.approx(expected, rel=0.02)
    assert theirs.std().item() == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_minis_given_the_same_noise(training):
    x = Tensor(np.linspace(-1, 1, 200).astype(np.float32), requires_grad=True)
    noise = np.random.default_rng(5).random(x.shape, dtype=np.float32)
    ours = F.dropout(x, 0.3, rng=np.random.default_rng(5), training=training)
    mine = chapter03.dropout.reference(x, noise, 0.3, training)
    assert np.allclose(ours.data, mine.data, rtol=1e-6)


@pytest.mark.parametrize("warmup", [0, 1, 7])
def test_warmup_cosine_is_minis(warmup):
    for step in range(30):
        mine = chapter03.warmup_cosine.reference(step, 30, 0.2, warmup)
        assert mine == pytest.approx(optim.cosine(step, 30, peak=0.2, warmup=warmup))


def test_adamw_step_is_torchs():
    rng = np.random.default_rng(1)
    p, m, v = rng.normal(size=5), np.zeros(5), np.zeros(5)
    theirs = torch.tensor(p, requires_grad=True)
    optimiser = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.3)
    for t in range(1, 21):
        g = rng.normal(size=5)
        p, m, v = chapter03_rules.adamw_step.reference(p, g, m, v, t, 0.1, 0.3)
        theirs.grad = torch.tensor(g)
        optimiser.step()
        assert np.allclose(p, theirs.detach().numpy(), atol=1e-12)


def test_a_step_that_writes_into_its_arguments_is_noticed():
    def in_place(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
        new = chapter03_rules.adamw_step.reference(
            p, g, m, v, t, rate, decay, beta1, beta2, eps
        )
        m[...], v[...] = new[1:]
        return new

    verdict = checks.adamw_step.judge(in_place)
    assert verdict.kind == "changed" and "argument m" in verdict.text


def test_a_step_that_ignores_its_settings_is_wrong():
    def fixed(p, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
        return chapter03_rules.adamw_step.reference(p, g, m, v, t, rate, decay)

    assert not checks.adamw_step.judge(fixed)


def test_dropout_off_the_tape_is_noticed():
    def cut(x, u, p, training):
        return Tensor(chapter03.dropout.reference(x, u, p, training).data)

    verdict = checks.dropout.judge(cut)
    assert verdict.kind == "gradient" and "no gradient reaches x" in verdict.text


def test_early_stopping_needs_two_numbers():
    verdict = checks.early_stopping.judge(lambda losses, patience: 3)
    assert verdict.kind == "type"
    as_list = chapter03_rules.early_stopping.reference
    assert checks.early_stopping.judge(lambda *args: list(as_list(*args)))


def test_a_cosine_in_degrees_is_wrong():
    def degrees(step, total, peak, warmup):
        if step < warmup:
            return peak * (step + 1) / warmup
        done = (step - warmup) / (total - warmup)
        return 0.5 * peak * (1 + math.cos(180 * done))

    assert checks.warmup_cosine.judge(degrees).kind == "value"
