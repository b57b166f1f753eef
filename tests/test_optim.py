"""Optimisers beside torch's, clipping, averaged weights and learning rates."""

import io
import tracemalloc

import numpy as np
import pytest
import torch

from mini import nn, optim
from mini.tensor import Tensor, grad

torch.set_num_threads(1)

SHAPES = [(3, 4), (5,), (), (2, 3, 3, 3), (0, 2), (1000,)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """The longest parameter is updated in several blocks, the last one not full."""
    monkeypatch.setattr(optim.Optimiser, "block", 300)


def parameters(rng):
    values = [rng.standard_normal(shape).astype(np.float32) for shape in SHAPES]
    theirs = [torch.tensor(value, requires_grad=True) for value in values]
    return [Tensor(value, requires_grad=True) for value in values], theirs


def gradients(rng, scale=1.0):
    draws = (rng.standard_normal(shape) * scale for shape in SHAPES)
    return [Tensor(np.asarray(draw, np.float32)) for draw in draws]


T = torch.optim
PAIRS = {
    "SGD": (lambda p: optim.SGD(p, 0.1), lambda p: T.SGD(p, 0.1)),
    "SGD, momentum, decay": (
        lambda p: optim.SGD(p, 0.1, 0.9, weight_decay=0.02),
        lambda p: T.SGD(p, 0.1, 0.9, weight_decay=0.02),
    ),
    "SGD, Nesterov, decay": (
        lambda p: optim.SGD(p, 0.1, 0.8, nesterov=True, weight_decay=0.02),
        lambda p: T.SGD(p, 0.1, 0.8, nesterov=True, weight_decay=0.02),
    ),
    "RMSProp": (lambda p: optim.RMSProp(p), lambda p: T.RMSprop(p)),
    "RMSProp, all options": (
        lambda p: optim.RMSProp(p, 0.02, 0.9, 0.1, weight_decay=0.03),
        lambda p: T.RMSprop(p, 0.02, 0.9, 0.1, weight_decay=0.03),
    ),
    "Adam": (lambda p: optim.Adam(p), lambda p: T.Adam(p)),
    "Adam, all options": (
        lambda p: optim.Adam(p, 0.02, (0.5, 0.9), 0.1, weight_decay=0.03),
        lambda p: T.Adam(p, 0.02, (0.5, 0.9), 0.1, weight_decay=0.03),
    ),
    "AdamW": (lambda p: optim.AdamW(p), lambda p: T.AdamW(p)),
    "AdamW, all options": (
        lambda p: optim.AdamW(p, 0.02, (0.0, 0.9), 0.1, weight_decay=0.3),
        lambda p: T.AdamW(p, 0.02, (0.0, 0.9), 0.1, weight_decay=0.3),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_fifty_steps_equal_torchs(name, rng):
    mine, yours = parameters(rng)
    ours, theirs = PAIRS[name][0](mine), PAIRS[name][1](yours)
    start = [p.data.copy() for p in mine]
    for i in range(50):
        if i == 30:
            ours.lr = theirs.param_groups[0]["lr"] = 0.005
        grads = gradients(rng, scale=10.0 ** rng.integers(-4, 1))
        for p, g in zip(yours, grads, strict=True):
            p.grad = torch.from_numpy(g.data.copy())
        ours.step(grads)
        theirs.step()
    for p, q, before in zip(mine, yours, start, strict=True):
        assert p.dtype == np.float32
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=2e-5, atol=2e-6)
        assert p.size == 0 or (p.data != before).any()


@pytest.mark.parametrize("name", PAIRS)
def test_parameters_change_in_place_and_nothing_is_kept(name, rng):
    mine = [Tensor(np.ones((200, 200), np.float32), requires_grad=True)]
    arrays = [p.data for p in mine]
    grads = [Tensor(rng.standard_normal((200, 200)).astype(np.float32))]
    before = [g.data.copy() for g in grads]
    optimiser = PAIRS[name][0](mine)
    optimiser.step(grads)
    tracemalloc.start()
    try:
        for _ in range(3):
            optimiser.step(grads)
        assert tracemalloc.get_traced_memory()[0] < 40_000  # one array has 160 kB
    finally:
        tracemalloc.stop()
    assert all(p.data is a and not p.edges for p, a in zip(mine, arrays, strict=True))
    for g, value in zip(grads, before, strict=True):
        np.testing.assert_array_equal(g.data, value)


def test_gradients_and_parameters_of_any_layout(rng):
    w = rng.standard_normal((30, 20)).astype(np.float32)
    g = rng.standard_normal((20, 30)).astype(np.float32)
    plain, turned = (Tensor(a, requires_grad=True) for a in (w.copy(), w.T.copy().T))
    assert not turned.data.flags.c_contiguous
    optim.Adam([plain]).step([Tensor(g.T.copy())])
    optim.Adam([turned]).step([Tensor(g.T)])
    np.testing.assert_array_equal(plain.data, turned.data)
    assert (plain.data != w).all()
    spread = Tensor(np.zeros((3, 4), np.float32), requires_grad=True)
    optim.SGD([spread], 1.0).step([Tensor(np.broadcast_to(np.float32(2), (3, 4)))])
    assert (spread.data == -2).all()


def test_not_a_number_is_passed_on(rng):
    p = Tensor(np.zeros(2, np.float32), requires_grad=True)
    optim.Adam([p]).step([Tensor(np.array([np.nan, 1], np.float32))])
    assert np.isnan(p.data[0]) and p.data[1] == pytest.approx(-1e-3)


@pytest.mark.parametrize("name", PAIRS)
def test_resuming_gives_the_same_bits(name, rng):
    straight, _ = parameters(rng)
    resumed = [Tensor(p.data.copy(), requires_grad=True) for p in straight]
    steps = [gradients(rng) for _ in range(8)]
    through, first = PAIRS[name][0](straight), PAIRS[name][0](resumed)
    for i, grads in enumerate(steps):
        through.lr = 0.1 / (i + 1)
        through.step(grads)
    for i, grads in enumerate(steps[:4]):
        first.lr = 0.1 / (i + 1)
        first.step(grads)
    file = io.BytesIO()
    np.savez(file, **first.state_dict())
    file.seek(0)
    second = PAIRS[name][0](resumed)
    second.load_state_dict(np.load(file))
    assert second.lr == 0.025
    for i, grads in enumerate(steps[4:], 4):
        second.lr = 0.1 / (i + 1)
        second.step(grads)
    for p, q in zip(straight, resumed, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


def test_training_a_network_equals_torch(rng):
    net = nn.Sequential(nn.Linear(4, 8, rng=rng), nn.Tanh(), nn.Linear(8, 1, rng=rng))
    twin = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)
    )
    twin.load_state_dict({k: torch.tensor(v) for k, v in net.state_dict().items()})
    ours, theirs = optim.AdamW(net.parameters(), 0.01), T.AdamW(twin.parameters(), 0.01)
    losses = []
    for _ in range(50):
        x = rng.standard_normal((16, 4)).astype(np.float32)
        loss = ((net(Tensor(x)) - x[:, :1] * x[:, 1:2]) ** 2).mean()
        grads, norm = optim.clip_grad_norm(grad(loss, net.parameters()), 0.5)
        ours.step(grads)
        y = torch.from_numpy(x)
        expected = ((twin(y) - y[:, :1] * y[:, 1:2]) ** 2).mean()
        theirs.zero_grad()
        expected.backward()
        expected_norm = torch.nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
        theirs.step()
        assert norm == pytest.approx(expected_norm.item(), rel=1e-4)
        losses.append((loss.item(), expected.item()))
    np.testing.assert_allclose(*np.transpose(losses), rtol=1e-4)


# ---- Muon ----------------------------------------------------------------------------


def newton_schulz(u):
    """Jordan et al.'s five steps in float64, on u as it lies, wide or tall."""
    x = u.astype(float) / np.linalg.norm(u.astype(float))
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x - 4.7750 * square @ x + 2.0315 * square @ square @ x
    return x


MATRICES = [(3, 4), (12, 5), (7, 7), (6, 3, 3, 3), (40, 2, 1, 3), (1, 9), (9, 1)]


def test_muon_beside_its_formula(rng):
    """Ten steps in float64, with numbers of rows and columns of both kinds."""
    start = [rng.standard_normal(shape) for shape in MATRICES]
    ours = [Tensor(p.copy(), requires_grad=True) for p in start]
    muon = optim.Muon(ours, 0.05, 0.9, weight_decay=0.1)
    expected, v = [p.copy() for p in start], [0 * p for p in start]
    for _ in range(10):
        grads = [rng.standard_normal(shape) for shape in MATRICES]
        muon.step(list(map(Tensor, grads)))
        for i, g in enumerate(grads):
            v[i] = 0.9 * v[i] + 0.1 * g
            u = (0.1 * g + 0.9 * v[i]).reshape(len(g), -1)
            step = newton_schulz(u) * np.sqrt(max(1, u.shape[0] / u.shape[1]))
            expected[i] *= 1 - 0.05 * 0.1
            expected[i] -= 0.05 * step.reshape(g.shape)
    for p, q in zip(ours, expected, strict=True):
        np.testing.assert_allclose(p.data, q, rtol=1e-9, atol=1e-11)


def test_muon_is_torchs_as_far_as_bfloat16_goes(rng):
    """torch takes the five steps in bfloat16, with 8 bits: 1 % of a step is its own.

    So the two are compared by how far they went; what differs must be small beside it.
    """
    mine = [Tensor(rng.standard_normal((24, 60)).astype(np.float32), True),
            Tensor(rng.standard_normal((60, 24)).astype(np.float32), True)]  # fmt: skip
    yours = [torch.tensor(p.data, requires_grad=True) for p in mine]
    ours = optim.Muon(mine, 0.02, 0.95, weight_decay=0.1)
    theirs = T.Muon(yours, lr=0.02, momentum=0.95, weight_decay=0.1)
    for _ in range(20):
        before = [p.data.copy() for p in mine]
        for p, q in zip(mine, yours, strict=True):
            q.data = torch.tensor(p.data)  # one step at a time, from equal weights
            q.grad = torch.tensor(rng.standard_normal(p.shape), dtype=torch.float32)
        ours.step([Tensor(q.grad.numpy()) for q in yours])
        theirs.step()
        for p, q, start in zip(mine, yours, before, strict=True):
            step, other = p.data - start, q.detach().numpy() - start
            gap = np.linalg.norm(step - other) / np.linalg.norm(other)
            assert gap < 0.02
    state = theirs.state_dict()["state"]
    for i, (v,) in enumerate(ours.memory):  # this is float32 in both
        np.testing.assert_allclose(v, state[i]["momentum_buffer"].numpy(), rtol=1e-4,
                                   atol=1e-6)  # fmt: skip


@pytest.mark.parametrize("shape", [(20, 50), (50, 20), (30, 30), (1, 5), (64, 64)])
def test_steps_of_muon_are_of_equal_length_in_all_directions(shape, rng):
    """Singular values over three powers of ten become 0.68 … 1.21, vectors stay."""
    u, _, vh = np.linalg.svd(rng.standard_normal(shape), full_matrices=False)
    values = np.geomspace(1, 1e-2, len(vh))
    x = (u * values) @ vh
    for dtype, atol in ((np.float64, 1e-9), (np.float32, 1e-4)):
        y = optim.orthogonalised(x.astype(dtype))
        assert y.dtype == dtype and y.shape == shape
        found = np.einsum("ik,ij,kj->k", u, y, vh)
        assert 0.68 < found.min() <= found.max() < 1.21
        np.testing.assert_allclose((u * found) @ vh, y, atol=atol)
    torchs = torch.optim._muon._zeropower_via_newtonschulz(
        torch.tensor(x), (3.4445, -4.7750, 2.0315), 5, 1e-7
    )
    theirs = np.linalg.svd(torchs.float().numpy(), compute_uv=False)
    np.testing.assert_allclose(np.sort(theirs), np.sort(found), atol=0.04)


def test_muon_does_not_see_how_large_a_gradient_is(rng):
    steps = []
    g = rng.standard_normal((6, 4)).astype(np.float32)
    for scale in (1e-4, 1, 1e6):
        p = Tensor(np.zeros((6, 4), np.float32), requires_grad=True)
        optim.Muon([p], 0.1).step([Tensor(g * np.float32(scale))])
        steps.append(p.data)
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(steps[2], steps[1], rtol=1e-4, atol=1e-6)
    assert np.linalg.norm(steps[0], 2) < 0.1 * 1.21 * np.sqrt(6 / 4)


def test_no_gradient_is_no_step_of_muon():
    p = Tensor(np.ones((3, 4), np.float32), requires_grad=True)
    optim.Muon([p]).step([Tensor(np.zeros((3, 4), np.float32))])
    assert (p.data == 1).all()
    optim.Muon([p], weight_decay=0.5).step([Tensor(np.zeros((3, 4), np.float32))])
    np.testing.assert_allclose(p.data, 1 - 0.02 * 0.5)
    optim.Muon([p]).step([Tensor(np.full((3, 4), np.nan, np.float32))])
    assert np.isnan(p.data).all()


def test_muon_resumes_with_the_same_bits(rng):
    straight = [Tensor(rng.standard_normal(s).astype("f"), True) for s in MATRICES]
    resumed = [Tensor(p.data.copy(), requires_grad=True) for p in straight]
    arrays = [p.data for p in straight]
    steps = [
        [Tensor(rng.standard_normal(s).astype(np.float32)) for s in MATRICES]
        for _ in range(6)
    ]
    through, first = optim.Muon(straight, 0.1), optim.Muon(resumed, 0.1)
    for grads in steps:
        through.step(grads)
    for grads in steps[:3]:
        first.step(grads)
    file = io.BytesIO()
    np.savez(file, **first.state_dict())
    file.seek(0)
    second = optim.Muon(resumed)
    second.load_state_dict(np.load(file))
    for grads in steps[3:]:
        second.step(grads)
    assert second.steps == 6 and second.lr == 0.1
    for p, q, array in zip(straight, resumed, arrays, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
        assert p.data is array and p.dtype == np.float32


# ---- clipping ------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 0.0])
def test_clipping_equals_torchs(scale, rng):
    grads = gradients(rng, scale)
    _, theirs = parameters(rng)
    for p, g in zip(theirs, grads, strict=True):
        p.grad = torch.tensor(g.data)
    expected = torch.nn.utils.clip_grad_norm_(theirs, 2.0)
    before = [g.data.copy() for g in grads]
    clipped, norm = optim.clip_grad_norm(grads, 2.0)
    assert norm == pytest.approx(expected.item(), rel=1e-5)
    for c, p in zip(clipped, theirs, strict=True):
        np.testing.assert_allclose(c.data, p.grad.numpy(), rtol=1e-5, atol=1e-12)
        assert c.dtype == np.float32
    for g, value in zip(grads, before, strict=True):
        np.testing.assert_array_equal(g.data, value)


# ---- averaged weights ----------------------------------------------------------------


def network(rng):
    return nn.Sequential(nn.Linear(3, 4, rng=rng), nn.BatchNorm1d(4))


def test_averages_follow_parameters_and_buffers(rng):
    net = network(rng)
    ema, expected = optim.EMA(net, 0.9), net.state_dict()
    for _ in range(5):
        net(Tensor(rng.standard_normal((8, 3)).astype(np.float32)))
        for p in net.parameters():
            p.data += rng.standard_normal(p.shape).astype(np.float32)
        ema.update()
        for name, now in net.state_dict().items():
            average = 0.9 * expected[name] + 0.1 * now
            expected[name] = now if now.dtype == np.int64 else average
    now = net.state_dict()
    assert now["1.num_batches_tracked"] == 5
    with ema.average() as averaged:
        assert averaged is net
        for name, value in net.state_dict().items():
            np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-6)
            if value.dtype == np.float32:
                assert (value != now[name]).any(), name
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, now[name])


def test_averages_equal_torchs(rng):
    net, twin = nn.Linear(3, 4, rng=rng), torch.nn.Linear(3, 4)
    ema = optim.EMA(net, 0.8)
    average = T.swa_utils.get_ema_multi_avg_fn(0.8)
    theirs = T.swa_utils.AveragedModel(twin, multi_avg_fn=average)
    twin.load_state_dict({k: torch.tensor(v) for k, v in net.state_dict().items()})
    theirs.update_parameters(twin)  # torch's first update only copies
    for _ in range(5):
        for p, q in zip(net.parameters(), twin.parameters(), strict=True):
            p.data += 1
            q.data += 1
        ema.update()
        theirs.update_parameters(twin)
    for name, value in theirs.module.state_dict().items():
        np.testing.assert_allclose(ema.averages[name], value.numpy(), rtol=1e-5)


def test_the_weights_come_back_after_an_error(rng):
    net = network(rng)
    ema = optim.EMA(net)
    net[0].weight.data += 1
    now = net[0].weight.data.copy()
    with pytest.raises(ZeroDivisionError), ema.average():
        assert (net[0].weight.data != now).all()
        1 / 0  # noqa: B018
    np.testing.assert_array_equal(net[0].weight.data, now)


def test_averages_are_resumed(rng):
    net = network(rng)
    ema, other = optim.EMA(net), optim.EMA(net)
    net[0].weight.data += 1
    ema.update()
    now = net.state_dict()
    other.load_state_dict(ema.state_dict())
    for name, value in ema.averages.items():
        np.testing.assert_array_equal(other.averages[name], value)
        np.testing.assert_array_equal(net.state_dict()[name], now[name])
    with pytest.raises(ValueError, match="missing '0.weight'"):
        other.load_state_dict({})


# ---- learning rates ------------------------------------------------------------------


def test_cosine_equals_torchs():
    optimiser = T.SGD([torch.zeros(1)], lr=0.3)
    theirs = T.lr_scheduler.CosineAnnealingLR(optimiser, 20, eta_min=0.1)
    for step in range(21):
        expected = optimiser.param_groups[0]["lr"]
        assert optim.cosine(step, 20, peak=0.3, floor=0.1) == pytest.approx(expected)
        optimiser.step()
        theirs.step()
    assert optim.cosine(47, 20, peak=0.3, floor=0.1) == pytest.approx(0.1)


def test_warmup_rises_in_equal_parts_to_the_peak():
    rates = [optim.cosine(step, 30, peak=2, warmup=10) for step in range(31)]
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 5)
    assert rates[10] == 2 and rates[20] == pytest.approx(1)
    assert rates[30] == pytest.approx(0, abs=1e-15)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert optim.warmup_linear(99, peak=2, warmup=10) == 2
    assert optim.warmup_linear(0, peak=2, warmup=0) == 2


def test_a_plateau_and_then_a_straight_line_to_zero():
    rate = [
        optim.constant_then_linear(i, 50, tail=20, peak=2, warmup=10) for i in range(52)
    ]
    np.testing.assert_allclose(rate[:10], np.arange(1, 11) / 5)
    assert rate[10:31] == [2] * 21
    np.testing.assert_allclose(rate[30:51], np.linspace(2, 0, 21), atol=1e-12)
    assert rate[51] == 0


# ---- errors --------------------------------------------------------------------------


def leaf(*shape):
    return Tensor(np.ones(shape, np.float32), requires_grad=True)


WRONG = [
    (lambda: optim.SGD([], 0.1), ValueError, "SGD: parameters is an empty list"),
    (lambda: optim.SGD([leaf(2), leaf(2).detach()], 0.1), TypeError, r"meters\[1\]"),
    (lambda: optim.SGD([leaf(2) * 2], 0.1), TypeError, r"parameters\[0\]"),
    (lambda: optim.SGD([np.ones(2)], 0.1), TypeError, r"parameters\[0\] .* array"),
    (lambda: optim.SGD([leaf(2)], -0.1), ValueError, "SGD: lr .* got -0.1"),
    (lambda: optim.SGD([leaf(2)], float("nan")), ValueError, "SGD: lr .* got nan"),
    (lambda: optim.SGD([leaf(2)], 0.1, 1.0), ValueError, "momentum .* got 1.0"),
    (lambda: optim.SGD([leaf(2)], 0.1, nesterov=True), ValueError, "nesterov=True"),
    (lambda: optim.RMSProp([leaf(2)], alpha=1.5), ValueError, "RMSProp: alpha .* 1.5"),
    (lambda: optim.Adam([leaf(2)], betas=(0.9, 1)), ValueError, r"betas\[1\] .* got 1"),
    (lambda: optim.AdamW([leaf(2)], eps=-1), ValueError, "AdamW: eps .* got -1"),
    (
        lambda: optim.Adam([leaf(2)], weight_decay=-1),
        ValueError,
        "Adam: weight_decay .* got -1",
    ),
    (
        lambda: optim.Adam([leaf(2)]).step([]),
        ValueError,
        "Adam.step: got 0 gradients for 1 parameters",
    ),
    (
        lambda: optim.Adam([leaf(2, 3)]).step([leaf(3, 2)]),
        ValueError,
        r"grads\[0\] has shape \(3, 2\), its parameter has \(2, 3\)",
    ),
    (
        lambda: optim.Adam([leaf(2)]).load_state_dict(
            optim.Adam([leaf(3)]).state_dict()
        ),
        ValueError,
        r"Adam.load_state_dict: expected \(2,\) as shape of 'mean.0', got \(3,\)",
    ),
    (
        lambda: optim.SGD([leaf(2)], 1.0).load_state_dict(
            optim.Adam([leaf(2)]).state_dict()
        ),
        ValueError,
        r"expected \(2,\) as shape of 'velocity.0', got nothing",
    ),
    (
        lambda: optim.Muon([leaf(2, 2), leaf(3)]),
        ValueError,
        r"Muon: parameters\[1\] must have two axes or more, got \(3,\)",
    ),
    (lambda: optim.Muon([leaf(2, 2)], -1.0), ValueError, "Muon: lr .* got -1.0"),
    (lambda: optim.Muon([leaf(2, 2)], 0.1, 1.0), ValueError, "momentum .* got 1.0"),
    (lambda: optim.Muon([]), ValueError, "Muon: parameters is an empty list"),
    (
        lambda: optim.Muon([leaf(2, 3)]).step([leaf(3, 2)]),
        ValueError,
        r"Muon.step: grads\[0\] has shape \(3, 2\)",
    ),
    (lambda: optim.clip_grad_norm([leaf(2)], 0), ValueError, "max_norm .* got 0"),
    (lambda: optim.EMA(nn.ReLU(), 1.0), ValueError, "EMA: decay .* got 1.0"),
    (
        lambda: optim.constant_then_linear(0, 5, tail=6),
        ValueError,
        "0 < tail ≤ total, got 6 and 5",
    ),
    (
        lambda: optim.cosine(0, 5, peak=1, warmup=5),
        ValueError,
        "warmup < total, got 5 and 5",
    ),
]


@pytest.mark.parametrize("call, error, message", WRONG)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_failed_step_changes_nothing():
    p = [leaf(2), leaf(3)]
    with pytest.raises(ValueError):
        optim.SGD(p, 1.0).step([leaf(2), leaf(2)])
    assert (p[0].data == 1).all() and (p[1].data == 1).all()
