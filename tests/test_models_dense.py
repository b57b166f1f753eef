"""FVSBN, NADE and MADE: what sees what, exact probabilities, drawing, torch twins."""

import re
from functools import partial
from itertools import product

import numba
import numpy as np
import pytest
import torch
from crosscheck import difference, threads

from mini import Tensor, data, grad, kernels, no_grad, zoo
from mini.autoregressive import Autoregressive
from mini.gradcheck import gradcheck
from mini.models import nade as nade_file
from mini.models.fvsbn import FVSBN
from mini.models.made import MADE
from mini.models.nade import NADE, composed, nade
from mini.optim import Adam
from mini.twins.fvsbn import FVSBN as FVSBNTwin
from mini.twins.made import MADE as MADETwin
from mini.twins.nade import NADE as NADETwin

pytestmark = pytest.mark.usefixtures("one_thread")

torch.set_num_threads(1)

SHAPES = [(1, 3, 3), (2, 2, 2)]
CLASSES = {
    "FVSBN": FVSBN,
    "NADE": partial(NADE, hidden=6),
    "MADE": partial(MADE, hidden=(12, 10), masks=5, orderings=3),
    "MADE, one layer": partial(MADE, hidden=(20,), masks=2, orderings=2),
    "MADE, few units": partial(MADE, hidden=(3, 2), masks=2),
    "MADE, direct": partial(MADE, hidden=(12, 10), masks=2, direct=True),
    "MADE, no layer": partial(MADE, hidden=()),
}
ORDERS = ["reading", "reversed", "random"]
ALL = list(product(CLASSES, SHAPES, ORDERS))


def build(name, rng, shape=(1, 3, 3), order="reading", **options):
    """A small model in float64 whose weights are random and not small."""
    D = int(np.prod(shape))
    orders = {"reading": None, "reversed": np.arange(D)[::-1]}
    order = orders[order] if order in orders else rng.permutation(D)
    model = CLASSES[name](shape, order=order, rng=rng, **options)
    return shaken(model, rng).to(np.float64)


def shaken(model, rng):
    for parameter in model.parameters():
        parameter.data[...] = 0.7 * rng.standard_normal(parameter.shape)
    return model


def sets_of(model):
    """Pairs (forward, order), one for each set of masks; most models have but one."""
    if not isinstance(model, MADE):
        return [(model, model.order)]
    orders = [model.orders[i % len(model.orders)] for i in range(model.masks)]
    return [(partial(model, which=i), order) for i, order in enumerate(orders)]


def one_set(model):
    """The model with its first set of masks alone, if it has several."""
    return model.only(0) if isinstance(model, MADE) else model


def world(shape):
    """All binary images of the shape."""
    D = int(np.prod(shape))
    numbers = np.arange(2**D)[:, None] >> np.arange(D)
    return (numbers & 1).astype(np.uint8).reshape(-1, *shape)


def influence(forward, order, x):
    """Boolean (D, D): [k, m] if changing value k changes the parameter of value m."""
    D, found = len(order), False
    for image in x:
        changed = np.repeat(image[None], D + 1, 0)
        for k, at in enumerate(order):  # in the last image nothing changes
            changed[k].reshape(-1)[at] ^= 1
        with no_grad():
            params = forward(changed).data.reshape(D + 1, D)[:, order]
        found = found | (params[:-1] != params[-1])
    return found


# ---- what sees what ------------------------------------------------------------------


@pytest.mark.parametrize("name, shape, order", ALL)
def test_parameters_depend_on_the_past_alone(name, shape, order, rng):
    model = build(name, rng, shape, order)
    for parameter in model.parameters():
        parameter.data[...] = np.abs(parameter.data)  # no relu is silent
    x = rng.integers(2, size=(3, *shape)).astype(np.uint8)
    for forward, order in sets_of(model):
        seen = influence(forward, order, x)
        assert not np.tril(seen).any()  # nothing reaches itself or what came before
        if name != "MADE, few units":
            assert seen[:-1].any(1).all()  # every value but the last reaches some other
        assert seen[:, 1:].any(0).all()  # and every value but the first sees some


@pytest.mark.parametrize("name", ["FVSBN", "NADE", "MADE, direct"])
def test_they_see_all_of_the_past(name, rng):
    model = build(name, rng, (1, 3, 4), "random")
    x = rng.integers(2, size=(3, 1, 3, 4)).astype(np.uint8)
    for forward, order in sets_of(model):
        assert np.array_equal(influence(forward, order, x), ~np.tri(12, dtype=bool))


def test_orders_are_as_documented(rng):
    """Colours are innermost in reading order; an order is of flattened positions."""
    assert build("FVSBN", rng, (2, 1, 2)).order.tolist() == [0, 2, 1, 3]
    order = np.array([4, 0, 1, 2, 3, 8, 7, 6, 5])
    for cls in CLASSES.values():
        model = cls((1, 3, 3), order=list(order), rng=rng)
        assert model.order.tolist() == order.tolist()
        first = shaken(model, rng)(world((1, 3, 3))).data.reshape(512, 9)
        assert np.ptp(first[:, 4]) == 0 and np.ptp(first[:, 5]) > 0


def test_degrees_are_spread_and_none_is_degenerate(rng):
    for hidden, D in product([(1,), (3, 2), (8, 30), (40, 5, 8)], [2, 3, 9]):
        model = MADE((1, 1, D), hidden=hidden, masks=3, rng=rng)
        for which, layers in enumerate(model.degrees):
            for degrees, H in zip(layers, hidden, strict=True):
                assert degrees.shape == (H,) and degrees.min() == 1
                assert degrees.max() <= D - 1
                assert np.ptp(np.bincount(degrees, minlength=D)[1:]) <= 1
            *masks, direct = model.masks_of(which)
            for mask in masks[:-1]:
                assert mask.any(axis=1).all()  # every unit has inputs
            assert masks[-1].any(axis=1).sum() == D - 1  # every output but the first
            assert direct.sum() == D * (D - 1) / 2


def test_masks_are_the_same_for_ever_and_differ_from_set_to_set():
    a, b = (
        MADE((1, 2, 3), hidden=(5,), masks=4, orderings=2, rng=np.random.default_rng(i))
        for i in range(2)
    )
    for i in range(4):
        for x, y in zip(a.masks_of(i), b.masks_of(i), strict=True):
            assert np.array_equal(x, y)
    degrees = [layers[0].tolist() for layers in a.degrees]
    assert len(set(map(tuple, degrees))) == 4
    # a checkpoint from another machine must find these very numbers
    assert [order.tolist() for order in a.orders] == ORDERS_FOR_EVER
    assert degrees == DEGREES_FOR_EVER
    other = MADE((1, 2, 3), hidden=(5,), masks=4, seed=1, rng=np.random.default_rng(0))
    assert [layers[0].tolist() for layers in other.degrees] != degrees


ORDERS_FOR_EVER = [[0, 1, 2, 3, 4, 5], [3, 2, 1, 0, 4, 5]]
DEGREES_FOR_EVER = [
    [3, 1, 2, 5, 4],
    [1, 3, 5, 4, 2],
    [5, 3, 4, 2, 1],
    [1, 5, 4, 3, 2],
]

# ---- probabilities -------------------------------------------------------------------


@pytest.mark.parametrize("name, shape, order", ALL)
def test_the_probabilities_of_all_images_sum_to_one(name, shape, order, rng):
    model, x = build(name, rng, shape, order), world(shape)
    with no_grad():
        logs = [model.log_prob(x).data]
        if isinstance(model, MADE):
            logs += [model.log_prob(x, which=i).data for i in range(model.masks)]
    for log_prob in logs:
        assert np.exp(log_prob).sum() == pytest.approx(1, abs=1e-9)
        assert np.exp(log_prob).max() < 0.9


def test_an_average_is_of_probabilities(rng):
    model, x = build("MADE", rng), world((1, 3, 3))[::7]
    each = np.array([model.log_prob(x, which=i).data for i in range(5)])
    assert np.ptp(each, axis=0).min() > 0  # the sets are not the same
    np.testing.assert_allclose(
        np.exp(model.log_prob(x).data), np.exp(each).mean(0), rtol=1e-12
    )
    one = build("MADE, no layer", rng)
    assert np.array_equal(one.log_prob(x).data, one.log_prob(x, which=0).data)


def test_the_average_of_very_unlikely_images_does_not_underflow(rng):
    model, x = build("MADE", rng), world((1, 3, 3))[:4]
    for parameter in model.parameters():
        parameter.data *= 50
    each = np.array([model.log_prob(x, which=i).data for i in range(5)])
    assert each.max(axis=0).min() < -1000
    expected = np.logaddexp.reduce(each, axis=0) - np.log(5)
    np.testing.assert_allclose(model.log_prob(x).data, expected, rtol=1e-12)


@pytest.mark.parametrize("name", CLASSES)
def test_log_prob_is_the_chain_rule(name, rng):
    """Each factor from the model's own parameters, multiplied up with plain numpy."""
    model = build(name, rng, order="random")
    x = rng.integers(2, size=(5, 1, 3, 3)).astype(np.uint8)
    p = 1 / (1 + np.exp(-model(x).data[:, 0]))
    expected = np.log(np.where(x, p, 1 - p)).sum((1, 2, 3))
    found = model.log_prob(x, **({"which": 0} if isinstance(model, MADE) else {}))
    np.testing.assert_allclose(found.data, expected, rtol=1e-12)
    for other in (x.astype(np.float32), x.astype(bool)):
        again = model.log_prob(other, **({"which": 0} if "MADE" in name else {}))
        np.testing.assert_array_equal(again.data, found.data)


def test_the_formulae_of_fvsbn_and_nade(rng):
    """Pixel by pixel, as in the papers."""
    x = rng.integers(2, size=(1, 1, 3, 3))
    flat = x.reshape(9)
    model = build("FVSBN", rng, order="random")
    expected, past = np.zeros(9), []
    for d in model.order:
        expected[d] = model.bias.data[d]
        expected[d] += sum(model.weight.data[d, j] * flat[j] for j in past)
        past.append(d)
    np.testing.assert_allclose(model(x).data.reshape(9), expected, rtol=1e-12)
    model = build("NADE", rng, order="random")
    past = []
    for d in model.order:
        a = model.c.data + sum((model.w.data[j] * flat[j] for j in past), np.zeros(6))
        expected[d] = model.b.data[d] + model.v.data[d] @ (1 / (1 + np.exp(-a)))
        past.append(d)
    np.testing.assert_allclose(model(x).data.reshape(9), expected, rtol=1e-12)


def test_a_made_without_hidden_layers_is_an_fvsbn(rng):
    order = rng.permutation(9)
    made, fvsbn = (
        MADE((1, 3, 3), hidden=(), order=order, rng=rng),
        FVSBN((1, 3, 3), order=order, rng=rng),
    )
    made.layers[0].load_state_dict(shaken(fvsbn, rng).state_dict())
    x = world((1, 3, 3))
    np.testing.assert_allclose(made(x).data, fvsbn(x).data, atol=1e-6)


# ---- drawing -------------------------------------------------------------------------


@pytest.mark.parametrize("name, shape, order", ALL)
def test_fast_is_slow_in_sampling_and_completing(name, shape, order, rng):
    model, D = one_set(build(name, rng, shape, order)), int(np.prod(shape))
    x = rng.integers(2, size=(20, *shape)).astype(np.uint8)
    known = np.zeros((20, D), bool)
    count = np.r_[0, D, rng.integers(1, D, 18)]
    known[:, model.order] = np.arange(D) < count[:, None]
    known = known.reshape(x.shape)
    for draw in (
        lambda **more: model.sample(20, **more),
        lambda **more: model.sample(1, temperature=0.6, **more),
        lambda **more: model.complete(x, known, **more),
    ):
        fast, slow = np.random.default_rng(5), np.random.default_rng(5)
        y = draw(rng=fast)
        assert y.dtype == np.uint8 and y.shape[1:] == shape
        np.testing.assert_array_equal(y, draw(rng=slow, slow=True))
        assert fast.bit_generator.state == slow.bit_generator.state
    np.testing.assert_array_equal(y[known], x[known])
    assert (y[~known] != x[~known]).any()


@pytest.mark.parametrize("name", CLASSES)
def test_streams_give_the_parameters_of_the_whole(name, rng):
    """In float32, at a size where sums round."""
    model = CLASSES[name]((1, 9, 8), order=rng.permutation(72), rng=rng)
    x = rng.integers(2, size=(6, 1, 9, 8)).astype(np.uint8)
    expected, flat = shaken(model, rng)(x).data.reshape(6, 72), x.reshape(6, 72)
    stream = model.stream(6)
    for k, at in enumerate(model.order):
        params = stream.at(k)
        assert params.shape == (6, 1) and params.dtype == np.float32
        np.testing.assert_allclose(params[:, 0], expected[:, at], rtol=1e-4, atol=1e-4)
        stream.put(k, flat[:, at])


def test_a_stream_of_made_computes_every_unit_once(rng):
    model, x = build("MADE", rng), world((1, 3, 3))[100:104]
    stream = model.stream(4)
    for k, at in enumerate(model.order):
        before = [units.copy() for units in stream.units]
        stream.put(k, x.reshape(4, 9)[:, at])
        for degrees, old, new in zip(
            model.degrees[0], before[1:], stream.units[1:], strict=True
        ):
            changed = (old != new).any(0)
            assert not changed[np.sort(degrees) != k + 1].any()
    assert all(units.any() for units in stream.units)


def test_samples_have_the_frequencies_of_the_model(rng):
    x = world((1, 2, 2))
    for name in CLASSES:
        model = build(name, rng, (1, 2, 2), "random")
        y = model.sample(20_000, rng=rng).reshape(-1, 4) @ (1 << np.arange(4))
        p = np.exp(model.log_prob(x).data)
        gap = np.abs(np.bincount(y, minlength=16) / 20_000 - p)
        assert (gap < 5 * np.sqrt(p * (1 - p) / 20_000) + 1e-4).all(), name


def test_a_mixture_of_sets_draws_with_each_and_completes_with_one(rng):
    model, x = build("MADE", rng, order="random"), world((1, 3, 3))
    for i in range(model.masks):
        one = model.only(i)
        assert np.array_equal(one.order, model.orders[i % 3])
        np.testing.assert_array_equal(
            one.log_prob(x).data, model.log_prob(x, which=i).data
        )
        np.testing.assert_array_equal(
            one.sample(9, rng=np.random.default_rng(1)),
            one.sample(9, rng=np.random.default_rng(1), slow=True),
        )
    fast, slow = (
        model.sample(50, rng=np.random.default_rng(2), slow=slow)
        for slow in (False, True)
    )
    np.testing.assert_array_equal(fast, slow)
    with pytest.raises(ValueError, match="complete: MADE has 5 sets of masks"):
        model.complete(x[:2], False, rng=rng)
    with pytest.raises(ValueError, match="MADE: which .* 0 … 4, .*got 5"):
        model.only(5)


@pytest.mark.parametrize("name", CLASSES)
def test_what_is_known_must_come_first_in_the_models_order(name, rng):
    model = one_set(build(name, rng, order="reversed"))
    x, known = world((1, 3, 3))[:2], np.zeros((1, 3, 3), bool)
    known[0, 2] = True  # the last row comes first
    y = model.complete(x + 0, known, rng=rng)
    np.testing.assert_array_equal(y[:, :, 2], x[:, :, 2])
    with pytest.raises(ValueError, match="row 1, column 2.*" + type(model).__name__):
        model.complete(x, ~known & (np.arange(3) > 1), rng=rng)


# ---- NADE's compiled loops -----------------------------------------------------------


def arguments(N, D, H, rng):
    """x, w, v, b, c, order in float32."""
    arrays = [0.5 * rng.standard_normal(s) for s in [(D, H), (D, H), D, H]]
    parents = [Tensor(a.astype(np.float32), requires_grad=True) for a in arrays]
    x = (rng.random((N, D)) < 0.4).astype(np.float32)
    return Tensor(x), *parents, rng.permutation(D)


SIZES = [(1, 1, 1), (3, 7, 5), (17, 20, 64), (33, 12, 65), (16, 9, 130), (0, 4, 3)]


@pytest.mark.parametrize("N, D, H", SIZES)
def test_the_loops_equal_the_composition_to_second_order(N, D, H, rng):
    args = arguments(N, D, H, rng)
    parents = args[1:-1]
    c = rng.standard_normal((N, D)).astype(np.float32)
    directions = [rng.standard_normal(p.shape).astype(np.float32) for p in parents]
    found = []
    for function in (nade, composed):
        y = function(*args)
        plain = grad((y * c).sum(), parents)
        taped = grad((y * c).sum(), parents, create_graph=True)
        slope = sum((g * u).sum() for g, u in zip(taped, directions, strict=True))
        found.append([y, *plain, *taped, *grad(slope, parents)])
    for ours, expected in zip(*found, strict=True):
        assert ours.dtype == expected.dtype == np.float32
        assert ours.shape == expected.shape
        scale = np.abs(expected.data).max(initial=1)
        np.testing.assert_allclose(ours.data, expected.data, atol=2e-5 * scale)


def test_the_loops_are_what_runs(rng, monkeypatch):
    def fail(*args):
        raise AssertionError("composed")

    args = arguments(4, 6, 5, rng)
    with monkeypatch.context() as patch:
        patch.setattr(nade_file, "composed", fail)
        grad(nade(*args).sum(), args[1:-1])
        with pytest.raises(AssertionError, match="composed"):
            grad(nade(*args).sum(), args[1:-1], create_graph=True)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="there is one thread")
def test_the_loops_do_not_depend_on_the_number_of_threads(rng):
    x, w, v, b, c, order = arguments(40, 30, 150, rng)
    arrays = [a.data for a in (w, v, b, c)]
    results = []
    for count in (1, 2):
        with threads(count):
            y = kernels.nade(x.data, *arrays, order)
            back = kernels.nade_back(x.data, y, w.data, v.data, c.data, order)
            results.append([y, *back])
    for one, two in zip(*results, strict=True):
        assert np.array_equal(one, two)


def test_one_gradient_at_a_time_is_the_same(rng):
    args = arguments(5, 6, 7, rng)
    y = nade(*args)
    for cotangent in rng.standard_normal((2, 5, 6)).astype(np.float32):
        together = grad(y, args[1:-1], grad_output=cotangent)
        for parent, g in zip(args[1:-1], together, strict=True):
            [alone] = grad(y, [parent], grad_output=cotangent)
            assert np.array_equal(alone.data, g.data)


def test_what_the_loops_are_not_made_for_is_composed(rng):
    x, *parents, order = arguments(5, 6, 7, rng)
    expected = nade(x, *parents, order)
    small = nade(x, *parents, order.astype(np.uint8))
    turned = [Tensor(np.asfortranarray(p.data), requires_grad=True) for p in parents]
    assert np.array_equal(small.data, expected.data)
    pairs = zip(
        grad(expected.sum(), parents), grad(nade(x, *turned, order).sum(), turned)
    )
    assert all(np.array_equal(a.data, b.data) for a, b in pairs)
    half = Tensor(x.data / 2)
    found, wanted = nade(half, *parents, order), composed(half, *parents, order)
    assert np.array_equal(found.data, wanted.data)
    assert np.abs(found.data - expected.data).max() > 0.01


def test_the_compositions_gradients(rng):
    x, *parents, order = arguments(2, 4, 3, rng)
    inputs = [p.data.astype(np.float64) for p in (x, *parents)]
    assert gradcheck(lambda *args: composed(*args, order), inputs, rng=rng)


# ---- twins ---------------------------------------------------------------------------


def twin_of(model):
    """The torch model with the same weights."""
    if isinstance(model, MADE):
        direct = model.direct is not None
        twin = MADETwin(model.shape, model.orders, model.degrees, direct=direct)
    elif isinstance(model, NADE):
        twin = NADETwin(model.shape, hidden=len(model.c), order=model.order)
    else:
        twin = FVSBNTwin(model.shape, order=model.order)
    state = model.state_dict()
    assert list(state) == list(twin.state_dict())
    twin = twin.double() if model.dtype == np.float64 else twin
    twin.load_state_dict({key: torch.tensor(a) for key, a in state.items()})
    return twin


@pytest.mark.parametrize("name, shape, order", ALL)
def test_values_and_gradients_are_the_twins(name, shape, order, rng):
    model = build(name, rng, shape, order)
    twin, x = twin_of(model), rng.integers(2, size=(5, *shape)).astype(np.uint8)
    theirs = torch.tensor(x)
    for which in range(model.masks) if isinstance(model, MADE) else ():
        assert difference(model(x, which=which), twin(theirs, which)) < 1e-12
    assert difference(model(x), twin(theirs)) < 1e-12
    log_prob, expected = model.log_prob(x), twin.log_prob(theirs)
    assert difference(log_prob, expected) < 1e-12
    found = grad(log_prob.sum(), model.parameters())
    wanted = torch.autograd.grad(expected.sum(), list(twin.parameters()))
    for g, e in zip(found, wanted, strict=True):
        assert difference(g, e) < 1e-10


@pytest.mark.parametrize("name", CLASSES)
def test_gradients_reach_the_image(name, rng):
    model = build(name, rng, order="random")
    x = rng.integers(2, size=(3, 1, 3, 3)).astype(float)
    ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    c = rng.standard_normal((3, 1, 1, 3, 3))
    [g] = grad((model(ours) * c).sum(), [ours])
    y = (twin_of(model)(theirs) * torch.tensor(c)).sum()
    assert difference(g, torch.autograd.grad(y, theirs)[0]) < 1e-10


@pytest.mark.parametrize("name", CLASSES)
def test_twenty_steps_of_adam_are_the_twins(name, rng):
    """In float32, on digits made small: NADE's compiled loops against torch."""
    images = data.load("mnist", "test").images[:640, :, ::3, ::3]
    shape = images.shape[1:]
    model = shaken(CLASSES[name](shape, order=rng.permutation(100), rng=rng), rng)
    twin = twin_of(model)
    ours = Adam(model.parameters(), lr=0.01)
    theirs = torch.optim.Adam(twin.parameters(), lr=0.01)
    for i in range(20):
        x = data.binarize(images[32 * i : 32 * i + 32], rng=rng)
        loss = -model.log_prob(x).mean()
        ours.step(grad(loss, model.parameters()))
        expected = -twin.log_prob(torch.tensor(x)).mean()
        theirs.zero_grad()
        expected.backward()
        theirs.step()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
    for (key, a), b in zip(model.state_dict().items(), twin.parameters(), strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), atol=1e-3, err_msg=key)


# ---- training and saving -------------------------------------------------------------


@pytest.mark.parametrize("name", CLASSES)
def test_every_parameter_is_trained_and_starts_the_same(name, rng):
    a, b = (CLASSES[name]((1, 4, 4), rng=np.random.default_rng(3)) for _ in range(2))
    for x, y in zip(a.parameters(), b.parameters(), strict=True):
        assert x.dtype == np.float32 and np.array_equal(x.data, y.data)
    assert isinstance(a, Autoregressive)
    x = rng.integers(2, size=(64, 1, 4, 4)).astype(np.uint8)
    named, before = list(a.named_parameters()), -a.log_prob(x).mean()
    parameters = [parameter for _, parameter in named]
    for (key, _), g in zip(named, grad(before, parameters), strict=True):
        assert g.data.any(), key
    adam = Adam(parameters, lr=0.02)
    for _ in range(30):
        adam.step(grad(-a.log_prob(x).mean(), parameters))
    assert -a.log_prob(x).mean().item() < before.item() - 0.2


@pytest.mark.parametrize("name", ["made-mnist", "nade-mnist"])
def test_the_recipes_models_reload(name, rng):
    """The masks come from the sizes, not from the generator of the training."""
    chosen = zoo.recipes.find("test", name)
    model = shaken(chosen.build(rng=rng), rng)
    again = chosen.build(rng=np.random.default_rng(chosen.seed))
    again.load_state_dict(model.state_dict())
    x = rng.integers(2, size=(2, 1, 28, 28)).astype(np.uint8)
    assert np.array_equal(again.log_prob(x).data, model.log_prob(x).data)
    assert sum(4 * p.size for p in model.parameters()) < 8e6  # bytes


# ---- errors --------------------------------------------------------------------------

WRONG = [
    ({"shape": (28, 28)}, ValueError, "{}.*shape"),
    ({"shape": (1, 0, 3)}, ValueError, "{}: shape[1] .* got 0"),
    ({"order": [0, 1, 2]}, ValueError, "{}: order .* 0 … 8, got [0, 1, 2]"),
    ({"order": [1] * 9}, ValueError, "{}: order must be a permutation"),
    ({"order": range(1, 10)}, ValueError, "{}: order .* got range(1, 10)"),
    ({"order": np.arange(9.0)}, ValueError, "{}: order .* got array("),
    ({"order": np.arange(9).reshape(3, 3)}, ValueError, "{}: order .* got array("),
    ({"order": 3}, ValueError, "{}: order .* got 3"),
    ({"rng": None}, TypeError, "rng must be .* got None"),
]
MORE = [
    (NADE, {"hidden": 0}, ValueError, "NADE: hidden .* got 0"),
    (NADE, {"hidden": 2.5}, ValueError, "NADE: hidden .* got 2.5"),
    (MADE, {"hidden": (4, 0)}, ValueError, "MADE: hidden[1] .* got 0"),
    (MADE, {"hidden": 4}, TypeError, "MADE: hidden .* tuple .* got 4"),
    (MADE, {"masks": 0}, ValueError, "MADE: masks .* got 0"),
    (MADE, {"orderings": 0}, ValueError, "MADE: orderings .* got 0"),
    (MADE, {"orderings": 3, "masks": 2}, ValueError, "orderings .* masks = 2, got 3"),
]
MORE += [(cls, *case) for cls in (FVSBN, NADE, MADE) for case in WRONG]


@pytest.mark.parametrize("cls, options, error, message", MORE)
def test_bad_arguments_are_named(cls, options, error, message, rng):
    options = {"shape": (1, 3, 3), "rng": rng} | options
    pattern = ".*".join(map(re.escape, message.format(cls.__name__).split(".*")))
    with pytest.raises(error, match=pattern):
        cls(**options)


@pytest.mark.parametrize("name", CLASSES)
def test_bad_images_and_labels_are_named(name, rng):
    model, x = build(name, rng), world((1, 3, 3))[:2]
    own = type(model).__name__
    for call in (model, model.log_prob):
        with pytest.raises(ValueError, match=rf"{own}: x must be .*\(N, 1, 3, 3\)"):
            call(x[:, :, :2])
        with pytest.raises(ValueError, match=f"{own}: x must .* 0 … 1"):
            call(x + 2)
        with pytest.raises(ValueError, match=f"{own}: x must .*0.5"):
            call(x * 0.5)
        with pytest.raises(ValueError, match=f"{own}: label .*expected no labels"):
            call(x, 3)
    with pytest.raises(ValueError, match=rf"{own}: x must be .*got shape \(2, 9\)"):
        model(Tensor(x.reshape(2, 9)))
    assert model.log_prob(x[:0]).shape == (0,)


@pytest.mark.parametrize("which", [-1, 5, 0.5, True, "0"])
def test_a_set_of_masks_that_is_not_there(which, rng):
    model = build("MADE", rng)
    for call in (model, model.log_prob):
        with pytest.raises(ValueError, match=f"MADE: which .* 0 … 4.*got {which!r}"):
            call(world((1, 3, 3))[:2], which=which)
