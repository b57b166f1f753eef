import numpy as np
import pytest

from mini import Tensor, nn, optim
from mini import functional as F
from mini.checks import chapter15 as stamps
from mini.checks import chapter15_games as games
from mini.checks import chapter15_norms as norms
from mini.models.gan import Generator


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("case", list(stamps.layers_that_enlarge(rng())))
def test_transposed_size_is_the_layers(case):
    size, kernel, stride, padding, extra = case
    x, w = Tensor(np.ones((1, 1, size, size))), Tensor(np.ones((1, 1, kernel, kernel)))
    y = F.conv_transpose2d(
        x, w, stride=stride, padding=padding, output_padding=extra
    )  # fmt: skip
    assert y.shape[2:] == 2 * (stamps.transposed_size.reference(*case),)


def test_ink_is_even_inside_exactly_if_the_stride_divides_the_kernel():
    for kernel in range(1, 9):
        for stride in range(1, kernel + 1):
            ink = stamps.stamps_per_pixel.reference(9, kernel, stride)
            inside = ink[kernel - 1 : len(ink) - kernel + 1]
            assert (len(set(inside)) == 1) == (kernel % stride == 0)
            assert ink.sum() == 9 * kernel


def test_right_calls_of_critics_who_are_always_and_never_right():
    up, down = np.full(4, 0.1), np.full(7, -0.1)
    assert stamps.right_calls.reference(up, down) == (1, 1)
    assert stamps.right_calls.reference(down, up) == (0, 0)
    assert stamps.right_calls.reference(up, up) == (1, 0)


def played(alpha, beta, rounds):
    """The growth of the distance per round, from playing (5)."""
    x, y, m, n, far = 1.0, 0.0, 0.0, 0.0, []
    for _ in range(rounds):
        m = beta * m + (1 - beta) * y
        x -= alpha * m
        n = beta * n + (1 - beta) * x
        y += alpha * n
        far.append(np.log(np.hypot(x, y)))
    half = rounds // 2
    return np.exp(np.polyfit(np.arange(rounds - half), far[half:], 1)[0])


@pytest.mark.parametrize("beta", [-0.5, 0.0, 0.5, 0.9])
def test_growth_is_what_playing_shows(beta):
    expected = games.growth_per_round.reference(0.1, beta)
    assert abs(played(0.1, beta, 4000) - expected) < 2e-4
    small = games.growth_per_round.reference(0.001, beta)
    assert np.isclose(small**2 - 1, 2e-6 * beta / (1 - beta), rtol=0.05, atol=1e-9)


def test_without_momentum_turns_circle_and_with_it_they_diverge():
    growth = games.growth_per_round.reference
    assert np.isclose(growth(0.3, 0.0), 1) and np.isclose(growth(1.9, 0.0), 1)
    assert growth(2.1, 0.0) > 1.1
    assert growth(0.1, -0.3) < 1 < growth(0.1, 0.3) < growth(0.1, 0.6)


def test_batch_norm_step_is_the_layers():
    for case in norms.batches_and_buffers(rng()):
        ours, (x, *numbers, training) = norms.batch_norm_step.reference(*case), case
        layer = nn.BatchNorm2d(x.shape[1]).to(np.float64).train(training)
        names = "weight", "bias", "running_mean", "running_var"
        for name, value in zip(names, numbers, strict=True):
            getattr(layer, name).data[...] = value
        y = layer(Tensor(x)).data
        theirs = y, layer.running_mean.data, layer.running_var.data
        assert all(np.allclose(a, b) for a, b in zip(ours, theirs, strict=True))
    ones = np.ones(x.shape[1])
    y, *_ = norms.batch_norm_step.reference(x, ones, 0 * ones, ones, ones, True)
    assert np.allclose(y.mean((0, 2, 3)), 0) and np.allclose(y.var((0, 2, 3)), 1, 1e-4)


def test_averaged_state_is_what_ema_makes_of_a_generator():
    generator = Generator((1, 4, 4), latent=3, channels=(2,), rng=rng())
    ema, before = optim.EMA(generator, 0.9), generator.state_dict()
    with_one_batch = generator(generator.draw_latent(5, rng()))
    assert with_one_batch.shape == (5, 1, 4, 4)
    for parameter in generator.parameters():
        parameter.data += 1
    ema.update()
    found = norms.averaged_state.reference(before, generator.state_dict(), 0.9)
    for name, array in ema.state_dict().items():
        assert np.allclose(found[name], array, atol=1e-6), name
    moved = (
        before["painter.0.running_mean"] != ema.state_dict()["painter.0.running_mean"]
    )
    assert moved.all()  # buffers are averaged, too
