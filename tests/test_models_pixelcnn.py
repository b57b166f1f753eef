"""PixelCNN and Gated PixelCNN: what sees what, exact probabilities, torch twins."""

import re
from itertools import product

import numpy as np
import pytest
import torch
from crosscheck import difference
from pixels import (
    FEW,
    KINDS,
    build,
    choose,
    images,
    in_order,
    influence,
    labels,
    leaks,
    name,
    shaken,
)

from mini import Tensor, grad, no_grad, zoo
from mini.distributions import Bernoulli, Categorical, LogisticMixture
from mini.models.gated_pixelcnn import GatedPixelCNN
from mini.models.pixelcnn import PixelCNN

pytestmark = pytest.mark.usefixtures("one_thread")

torch.set_num_threads(1)


# ---- what sees what ------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_parameters_depend_on_the_past_alone(kind, rng):
    more = {"classes": 3} if kind[0] == "Gated" else {}
    model = build(kind, rng, **more).to(np.float64)
    seen = influence(model, rng)
    assert not np.tril(seen).any()  # nothing reaches itself or what came before
    assert seen[:-1].any(1).all()  # every value but the last reaches some later one
    assert seen[:, 1:].any(0).all()  # and every value but the first sees some


def test_at_the_default_dilations_too(rng):
    kind = ("PixelCNN", "binary", 1, 3, (1, 2, 4))
    model = build(kind, rng, size=(9, 9), first_size=7, blocks=4).to(np.float64)
    assert not leaks(model, rng).any()


TRAINED = ("pixelcnn-mnist", "gated-pixelcnn-mnist", "pixelcnn-patches")


@pytest.mark.parametrize("model", TRAINED)
def test_trained_models_do_not_see_ahead(model, rng):
    """Twelve values of one image are changed, each by itself."""
    model = zoo.load(model).to(np.float64)
    D = len(model.order)
    x = np.repeat(images(model, 1, rng), 13, 0)
    for n, k in enumerate(rng.choice(D, 12, replace=False)):
        at = model.order[k]
        x[n].flat[at] = (int(x[n].flat[at]) + model.levels // 2) % model.levels
    with no_grad():
        params = model(x, None if model.classes is None else 3).data
    before = in_order(model, params)
    for n in range(12):
        (k,) = np.flatnonzero((x[n] != x[12]).reshape(-1)[model.order])
        gap = abs(before[:, n] - before[:, 12]).max(1)
        assert gap[: k + 1].max() < 1e-11 and (k + 1 == D or gap[k + 1 :].max() > 1e-6)


@pytest.mark.parametrize("colours", [1, 3])
def test_a_first_mask_b_is_a_leak_and_is_found(colours, rng):
    kind = ("PixelCNN", "categorical", colours, 3, (1, 2))
    assert not leaks(build(kind, rng), rng).any()
    assert leaks(build(kind, rng, first="B"), rng).all()


@pytest.mark.parametrize("model", ["PixelCNN", "Gated"])
def test_a_tap_too_many_in_any_layer_is_found(model, rng):
    """One weight of a mask is switched on, in each masked layer in turn."""
    kind = (model, "binary", 1, 3, (1,))
    count = 0
    for i, layer in enumerate(build(kind, rng).modules()):
        mask = getattr(layer, "mask", None)
        if mask is None or mask.all():
            continue
        broken = build(kind, rng)
        mask = list(broken.modules())[i].mask
        where = tuple(np.argwhere(~mask)[0])  # the first tap of what is to come
        mask[where] = True
        assert leaks(broken, rng).any(), (i, where)
        count += 1
    assert count >= 3


def test_a_colour_too_many_is_found(rng):
    kind = ("PixelCNN", "binary", 3, 3, (1,))
    for part in ("hidden", "last", "first"):
        model = build(kind, rng)
        mask = getattr(model, part).mask
        centre = (mask.shape[2] // 2, mask.shape[3] // 2)
        mask[(0, -1, *centre)] = True  # red sees blue
        assert leaks(model, rng)[::3].any()


def past_within(shape, reach, at):
    """Boolean (H, W): the pixels before `at`, not further than `reach` on any side."""
    rows, columns = np.indices(shape)
    i, j = at
    near = (abs(rows - i) <= reach) & (abs(columns - j) <= reach)
    return near & ((rows < i) | ((rows == i) & (columns < j)))


@pytest.mark.parametrize(
    "first_size, size, dilations, layers",
    [(3, 3, (1,), 3), (3, 3, (1, 2), 2), (5, 5, (1,), 1), (7, 3, (1, 2, 4), 3)],
)
def test_the_gated_model_has_no_blind_spot(first_size, size, dilations, layers, rng):
    kind = ("Gated", "binary", 1, size, dilations)
    model = build(kind, rng, size=(7, 9), first_size=first_size, layers=layers)
    model.to(np.float64)
    reach = first_size // 2 + size // 2 * sum(np.resize(dilations, layers))
    seen = influence(model, rng)
    for m, at in enumerate(np.ndindex(7, 9)):
        expected = past_within((7, 9), reach, at)
        assert np.array_equal(seen[:, m].reshape(7, 9), expected), at


def test_a_stack_of_masked_layers_has_one(rng):
    """Upwards the view widens by one pixel to the right per row, and no more."""
    kind = ("PixelCNN", "binary", 1, 3, (1,))
    model = build(kind, rng, size=(7, 9), first_size=3, blocks=5).to(np.float64)
    seen = influence(model, rng)
    for m, (i, j) in enumerate(np.ndindex(7, 9)):
        rows, columns = np.indices((7, 9))
        visible = past_within((7, 9), 6, (i, j)) & (columns - j <= i - rows)
        assert np.array_equal(seen[:, m].reshape(7, 9), visible), (i, j)
        if i > 0 and j < 7:
            assert not visible[i - 1, j + 2]  # two to the right in the row above


def test_rows_far_apart_are_seen_through_the_vertical_stack_only(rng):
    """Without `down`, the horizontal stack knows nothing of the rows above."""
    model = build(("Gated", "binary", 1, 3, (1,)), rng).to(np.float64)
    for layer in model.layers:
        layer.down.weight.data[...] = 0
    seen = influence(model, rng).reshape(4, 5, 4, 5)
    for i, k in product(range(4), range(4)):
        assert seen[i, :, k].any() == (i == k)


# ---- probabilities -------------------------------------------------------------------


def total(model, *label, batch=4096):
    """The probabilities of all images there are, added up."""
    count = model.levels ** int(np.prod(model.shape))
    whole = model.levels ** np.arange(np.prod(model.shape))
    found = 0.0
    for start in range(0, count, batch):
        numbers = np.arange(start, min(start + batch, count))[:, None]
        x = (numbers // whole % model.levels).reshape(-1, *model.shape)
        with no_grad():
            found += np.exp(model.log_prob(x.astype(np.uint8), *label).data).sum()
    return found


WORLDS = [  # (C, H, W), levels, components
    ((1, 3, 3), 2, None),
    ((1, 2, 2), 3, None),
    ((1, 2, 2), 4, 2),
    ((3, 2, 2), 2, None),
    ((3, 1, 2), 3, None),
    ((3, 2, 1), 3, 1),
]


@pytest.mark.parametrize("shape, levels, components", WORLDS)
@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_the_probabilities_of_all_images_sum_to_one(
    which, shape, levels, components, rng
):
    more = {"levels": levels, "components": components}
    if which == "Gated":
        more["classes"] = 2
    kind = (which, "binary", shape[0], 3, (1, 2))
    model = build(kind, rng, size=shape[1:], **more).to(np.float64)
    for label in (0, 1) if which == "Gated" else (None,):
        assert total(model, label) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_three_colours_of_three_levels_on_four_pixels(which, rng):
    """All 3¹² images: half a million."""
    kind = (which, "binary", 3, 3, (1,))
    part = {"blocks": 1} if which == "PixelCNN" else {"layers": 1}
    model = build(kind, rng, (2, 2), channels=3, hidden=3, levels=3, **part)
    assert total(model, batch=3**9) == pytest.approx(1, abs=1e-4)


def test_a_leak_shows_in_the_sum(rng):
    model = build(("PixelCNN", "binary", 1, 3, (1,)), rng, (3, 3), first="B")
    assert abs(total(model) - 1) > 0.01


@pytest.mark.parametrize(
    "values, kind, count",
    [("binary", Bernoulli, 1), ("categorical", Categorical, 4),
     ("mixture", LogisticMixture, 6)],
)  # fmt: skip
def test_the_distribution_fits_the_values(values, kind, count, rng):
    model = build(("PixelCNN", values, 3, 3, (1,)), rng)
    x = images(model, 2, rng)
    params = model(x)
    assert params.shape == (2, count, 3, 4, 5) and model.params_per_value == count
    p = model.distribution(params)
    assert type(p) is kind and p.shape == x.shape
    logs = p.log_prob(x if values == "binary" else x.astype(int)).data
    np.testing.assert_allclose(model.log_prob(x).data, logs.sum((1, 2, 3)), rtol=1e-6)


def test_values_may_come_as_floats_or_tensors(rng):
    model = build(("PixelCNN", "categorical", 1, 3, (1,)), rng)
    x = images(model, 3, rng)
    expected = model.log_prob(x).data
    for other in (x.astype(np.float32), x.astype(np.int64), Tensor(x)):
        np.testing.assert_array_equal(model.log_prob(other).data, expected)
    assert model.log_prob(x[:0]).shape == (0,)
    np.testing.assert_allclose(model.log_prob(x[1:2]).data, expected[1:2], rtol=1e-6)


# ---- temperature ---------------------------------------------------------------------


def test_a_temperature_divides_logits_and_multiplies_scales(rng):
    binary = build(("PixelCNN", "binary", 1, 3, (1,)), rng)
    params = rng.standard_normal((2, 1, 3)).astype(np.float32)
    logits = binary.distribution(params, 0.5).logits
    np.testing.assert_allclose(logits.data, 2 * params[:, 0])
    grey = build(("PixelCNN", "categorical", 1, 3, (1,)), rng)
    params = rng.standard_normal((2, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(grey.distribution(params, 0.5).logits.data, 2 * params)
    mixture = build(("PixelCNN", "mixture", 1, 3, (1,)), rng)
    params = rng.standard_normal((2, 6, 3)).astype(np.float32)
    cool = mixture.distribution(params, 0.5)
    assert cool.logits.dtype == np.float32
    np.testing.assert_allclose(cool.logits.data, 2 * params[:, :2])
    np.testing.assert_allclose(cool.means.data, params[:, 2:4])
    scales = np.exp(params[:, 4:]) / 2
    np.testing.assert_allclose(np.exp(cool.log_scales.data), scales, rtol=1e-6)


# ---- labels --------------------------------------------------------------------------


def test_labels_change_the_probabilities(rng):
    model = build(("Gated", "binary", 1, 3, (1,)), rng, classes=3)
    x = np.repeat(images(model, 1, rng), 3, 0)
    each = model.log_prob(x, np.arange(3)).data
    assert len(np.unique(each.round(3))) == 3
    np.testing.assert_allclose(model.log_prob(x, 1).data, each[1], rtol=1e-5)
    first = model(x, np.arange(3)).data[:, :, :, 0, 0]
    assert (first[0] != first[1]).all()  # before any pixel is known


def test_labels_start_without_an_effect(rng):
    cls, _, options = choose(("Gated", "binary", 1, 3, (1,)))
    model = cls(**options, classes=3, rng=rng)
    x = np.repeat(images(model, 1, rng), 3, 0)
    logs = model.log_prob(x, np.arange(3)).data
    assert np.ptp(logs) < 1e-5


# ---- at the start --------------------------------------------------------------------


@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_blocks_start_as_the_identity(which, rng):
    cls, _, options = choose((which, "binary", 1, 3, (1,)))
    model = cls(**options, rng=rng)
    x = images(model, 2, rng)
    before = model(x).data
    for key, parameter in model.named_parameters():
        if "blocks" in key or "layers" in key:
            if ".out." not in key:
                parameter.data += 1
            else:
                assert not parameter.data.any()
    np.testing.assert_array_equal(model(x).data, before)


@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_every_parameter_is_trained(which, rng):
    more = {"classes": 2} if which == "Gated" else {}
    model = build((which, "categorical", 3, 3, (1, 2)), rng, **more)
    x = images(model, 4, rng)
    loss = model.log_prob(x, labels(model, 4)).sum()
    named = list(model.named_parameters())
    for (key, _), g in zip(named, grad(loss, [p for _, p in named]), strict=True):
        assert g.data.any(), key
        assert g.dtype == np.float32


def test_the_same_generator_gives_the_same_model():
    for cls in (PixelCNN, GatedPixelCNN):
        a, b = (cls((1, 4, 4), rng=np.random.default_rng(3)) for _ in range(2))
        for x, y in zip(a.parameters(), b.parameters(), strict=True):
            np.testing.assert_array_equal(x.data, y.data)


# ---- twins ---------------------------------------------------------------------------


def pair(kind, rng, **more):
    """A small model in float64 and its twin with the same weights."""
    cls, twin, options = choose(kind, **more)
    model, twin = shaken(cls(**options, rng=rng), rng).to(np.float64), twin(**options)
    ours, theirs = model.state_dict(), twin.double().state_dict()
    assert list(ours) == list(theirs)
    twin.load_state_dict({key: torch.tensor(a) for key, a in ours.items()})
    return model, twin


@pytest.mark.parametrize("kind", FEW, ids=name)
def test_values_and_gradients_are_the_twins(kind, rng):
    model, twin = pair(kind, rng, **({"classes": 3} if kind[0] == "Gated" else {}))
    x, label = images(model, 3, rng), labels(model, 3)
    theirs = None if label is None else torch.tensor(label)
    assert difference(model(x, label), twin(torch.tensor(x), theirs)) < 1e-12
    log_prob, expected = (
        model.log_prob(x, label),
        twin.log_prob(torch.tensor(x), theirs),
    )
    assert difference(log_prob, expected) < 1e-12
    found = grad(log_prob.sum(), model.parameters())
    wanted = torch.autograd.grad(expected.sum(), list(twin.parameters()))
    for g, e in zip(found, wanted, strict=True):
        assert difference(g, e) < 1e-10


@pytest.mark.parametrize("kind", FEW[::3], ids=name)
def test_gradients_reach_the_image_as_the_twins(kind, rng):
    """A Tensor is taken as what the network sees: from 0 to 1."""
    model, twin = pair(kind, rng)
    x = images(model, 2, rng).astype(float)
    ours = Tensor(x / (model.levels - 1), requires_grad=True)
    theirs = torch.tensor(x, requires_grad=True)
    params, expected = model(ours), twin(theirs)
    assert difference(params, expected) < 1e-12
    c = rng.standard_normal(params.shape)
    (found,) = grad((params * c).sum(), [ours])
    (wanted,) = torch.autograd.grad((expected * torch.tensor(c)).sum(), [theirs])
    assert difference(found, wanted * (model.levels - 1)) < 1e-10


@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_weights_travel_both_ways(which, rng):
    cls, twin, options = choose((which, "mixture", 3, 5, (1, 2)))
    theirs = {key: w.numpy() for key, w in twin(**options).state_dict().items()}
    model = cls(**options, rng=rng)
    assert [(k, a.shape) for k, a in model.state_dict().items()] == [
        (k, a.shape) for k, a in theirs.items()
    ]
    model.load_state_dict(theirs)
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, theirs[key])


@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_the_sizes_that_nobody_names_are_the_twins(which, rng):
    cls, twin, _ = choose((which, "binary", 1, 3, (1,)))
    ours = {key: a.shape for key, a in cls(rng=rng).state_dict().items()}
    theirs = {key: tuple(a.shape) for key, a in twin().state_dict().items()}
    assert ours == theirs


# ---- errors --------------------------------------------------------------------------

WRONG = [
    ({"shape": (28, 28)}, ValueError, "{}: shape must be .*, got (28, 28)"),
    ({"shape": (0, 4, 4)}, ValueError, "{}: shape[0] .* got 0"),
    ({"shape": (1, 4.0, 4)}, ValueError, "{}: shape[1] .* got 4.0"),
    ({"levels": 1}, ValueError, "{}: levels must be .* got 1"),
    ({"levels": 2.5}, ValueError, "{}: levels must be .* got 2.5"),
    ({"levels": 257}, ValueError, "{}: levels must be .* got 257"),
    ({"components": 0}, ValueError, "{}: components must be .* got 0"),
    ({"channels": 0}, ValueError, "{}: channels must be .* got 0"),
    ({"hidden": 0}, ValueError, "{}: hidden must be .* got 0"),
    ({"kernel_size": 4}, ValueError, "odd kernel"),
    ({"dilations": (0,)}, ValueError, "dilation .* got 0"),
    ({"dilations": ()}, ValueError, "{}: len(dilations) must .* got 0"),
    ({"first_size": 1}, ValueError, "sees nothing"),
    ({"rng": None}, TypeError, "rng must be .* got None"),
]


@pytest.mark.parametrize("cls", [PixelCNN, GatedPixelCNN])
@pytest.mark.parametrize("options, error, message", WRONG)
def test_bad_arguments_are_named(cls, options, error, message, rng):
    options = {"shape": (1, 4, 4), "rng": rng} | options
    pattern = ".*".join(map(re.escape, message.format(cls.__name__).split(".*")))
    with pytest.raises(error, match=pattern):
        cls(**options)


MORE = [
    (lambda r: PixelCNN(), TypeError, "rng"),
    (lambda r: PixelCNN(blocks=0, rng=r), ValueError, "PixelCNN: blocks .* got 0"),
    (lambda r: PixelCNN(first="C", rng=r), ValueError, "kind must be .* got 'C'"),
    (lambda r: GatedPixelCNN(layers=0, rng=r), ValueError, "layers .* got 0"),
    (lambda r: GatedPixelCNN(classes=0, rng=r), ValueError, "classes .* got 0"),
    (lambda r: GatedPixelCNN(classes=2.5, rng=r), ValueError, "classes .* got 2.5"),
    (
        lambda r: PixelCNN((3, 4, 4), channels=4, rng=r),
        ValueError,
        "channels = 4 .* colours",
    ),
]


@pytest.mark.parametrize("call, error, message", MORE)
def test_other_bad_arguments_are_named(call, error, message, rng):
    with pytest.raises(error, match=message):
        call(rng)


def zeros(*shape, dtype=np.uint8):
    return np.zeros(shape, dtype)


IMAGES = [
    (zeros(2, 1, 4, 4), r"x must be images \(N, 1, 4, 5\), got shape \(2, 1, 4, 4\)"),
    (zeros(1, 4, 5), r"got shape \(1, 4, 5\)"),
    (zeros(2, 3, 4, 5), r"got shape \(2, 3, 4, 5\)"),
    (zeros(1, 1, 4, 5) + 4, r"x must have values 0 … 3, got 4 … 4"),
    (zeros(1, 1, 4, 5, dtype=int) - 1, "got -1 … -1"),
    (zeros(1, 1, 4, 5, dtype=float) + 0.5, "whole numbers"),
    (zeros(1, 1, 4, 5, dtype=float) + np.nan, "got nan"),
]


@pytest.mark.parametrize("x, message", IMAGES)
@pytest.mark.parametrize("which", ["PixelCNN", "Gated"])
def test_other_images_are_refused(which, x, message, rng):
    model = build((which, "categorical", 1, 3, (1,)), rng)
    for function in (model, model.log_prob):
        with pytest.raises(ValueError, match=f"{type(model).__name__}: .*{message}"):
            function(x)


def test_a_tensor_of_another_shape_is_refused(rng):
    model = build(("PixelCNN", "binary", 1, 3, (1,)), rng)
    for shape in ((2, 1, 4, 4), (2, 2, 4, 5), (1, 4, 5)):
        with pytest.raises(ValueError, match=r"PixelCNN: x must be images"):
            model(Tensor(np.zeros(shape, np.float32)))


@pytest.mark.parametrize(
    "label, message",
    [
        (None, "label is None, expected one for every image"),
        (3, r"label must be whole numbers 0 … 2, .* got array\(3\)"),
        (-1, "label must be whole numbers 0 … 2"),
        (0.5, "label must be whole numbers 0 … 2"),
        (np.array([0, 1]), "label must be"),
        (np.array([[0], [1], [2]]), "label must be"),
    ],
)
def test_other_labels_are_refused(label, message, rng):
    model = build(("Gated", "binary", 1, 3, (1,)), rng, classes=3)
    x = images(model, 3, rng)
    for function in (model, model.log_prob):
        with pytest.raises(ValueError, match=f"GatedPixelCNN: {message}"):
            function(x, label)


def test_labels_for_a_model_that_knows_none_are_refused(rng):
    for which in ("PixelCNN", "Gated"):
        model = build((which, "binary", 1, 3, (1,)), rng)
        with pytest.raises(ValueError, match="label is 1, expected no labels"):
            model.log_prob(images(model, 2, rng), 1)
