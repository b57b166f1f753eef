"""Chapter 6's exercises: their references agree with `mini` and with each other."""

import numpy as np
import pytest

from mini import Tensor, no_grad
from mini import functional as F
from mini.checks import chapter06 as museum
from mini.checks import chapter06_drawing as drawing
from mini.checks import chapter06_models as models
from mini.models.pixelcnn import PixelCNN
from mini.nn import MaskedConv2d
from mini.streams import Whole


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def rng():
    return np.random.default_rng(0)


def pixels_behind(network, size):
    """Offsets (dy, dx) of the pixels that reach the middle output of an image."""
    x = Tensor(rng().random((1, 1, size, size)), requires_grad=True)
    middle = size // 2
    network(x)[0, 0, middle, middle].backward()
    rows, columns = np.nonzero(x.grad.data[0, 0])
    return {(int(i) - middle, int(j) - middle) for i, j in zip(rows, columns)}  # noqa: B905


@pytest.mark.parametrize("case", museum.dilated_past.cases(), ids=lambda c: str(c.args))
def test_dilated_past_is_a_masked_layers(case):
    size, dilation, kind = case.args
    layer = MaskedConv2d(kind, 1, 1, size, dilation=dilation, rng=rng()).to(np.float64)
    found = pixels_behind(layer, 2 * dilation * size + 1)
    assert museum.same_taps(found, museum.dilated_past.reference(size, dilation, kind))


def filled(**sizes):
    """A PixelCNN whose blocks do something: at the start they do not."""
    model = PixelCNN(hidden=8, rng=rng(), **sizes).to(np.float64)
    for name, p in model.named_parameters():
        if name != "place":
            p.data[...] = (np.abs(p.data) + 0.1) / p[0].size  # no relu shuts, no gate
    return model


@pytest.mark.parametrize("first, dilations", [(3, (1,)), (7, (1, 2)), (5, (1, 2, 4))])
def test_furthest_look_and_seen_through_are_what_the_gradient_reaches(first, dilations):
    look = museum.furthest_look.reference(first, 3, dilations)
    size = 2 * look + 3
    model = filled(
        shape=(1, size, size), channels=2, blocks=len(dilations), first_size=first,
        dilations=dilations,
    )  # fmt: skip
    found = pixels_behind(lambda x: model.network(Whole, x), size)
    assert -min(found)[0] == -min(dx for _, dx in found) == look
    layers = [museum.dilated_past.reference(first, 1, "A")]
    layers += [museum.dilated_past.reference(3, d, "B") for d in dilations]
    assert museum.seen_through.reference(layers) == found


def test_what_seen_through_is_compared_by():
    places = museum.seen_through.reference([[(0, -1), (-1, 0)], [(0, 0), (0, -1)]])
    assert museum.same_places([list(p) for p in places] * 2, places)
    assert not museum.same_places([(a + 0.5, b) for a, b in places], places)
    assert not museum.same_places([*places, (5, 5)], places)


@pytest.mark.parametrize("case", models.weights_left.cases(), ids=lambda c: str(c.args))
def test_weights_left_is_what_a_model_has(case):
    first, channels, blocks, kernel, hidden = case.args
    model = PixelCNN(
        channels=channels, blocks=max(blocks, 1), hidden=hidden, kernel_size=kernel,
        first_size=first, rng=rng(),
    )  # fmt: skip
    layers = [model.first, model.hidden, model.last]
    for block in model.blocks[:blocks]:
        layers += [block.conv, block.out]
    left = sum(np.broadcast_to(y.mask, y.weight.shape).sum() for y in layers)
    assert left == models.weights_left.reference(*case.args)


def test_binary_bits_is_the_models_own_likelihood():
    model = filled(shape=(1, 5, 4), channels=2, blocks=1)
    x = rng().integers(0, 2, size=(3, 1, 5, 4)).astype(float)
    with no_grad():
        logits, nats = model(x).data[:, 0], -model.log_prob(x).data
    bits = models.binary_bits.reference(logits, x)
    assert np.allclose(bits, nats / 20 / np.log(2))


def logits_of(model):
    def f(x):
        with no_grad():
            return model(x).data[:, 0]

    return f


def test_is_causal_finds_what_is_wrong_with_real_networks():
    shape = (6, 5)
    sizes = {"shape": (1, *shape), "channels": 2, "blocks": 2, "first_size": 3}
    assert drawing.is_causal.reference(logits_of(filled(**sizes)), shape)
    leaky = filled(**sizes, first="B")
    assert not drawing.is_causal.reference(logits_of(leaky), shape)
    turned = filled(**sizes)
    turned.blocks[1].conv.mask = turned.blocks[1].conv.mask[::-1, ::-1].copy()
    assert not drawing.is_causal.reference(logits_of(turned), shape)
    honest = filled(**sizes)

    def skipping(x):
        with no_grad():
            return honest.network(Whole, Tensor(x)).data + 0.1 * x

    assert not drawing.is_causal.reference(skipping, shape)


def test_every_suspect_is_caught_and_every_honest_network_let_go():
    for case in drawing.is_causal.cases():
        f, shape = case.args
        innocent = f.name in ("honest", "blind")
        assert drawing.is_causal.reference(f, shape) == innocent, f


def test_draw_pixels_draws_as_a_model_does():
    model = filled(shape=(1, 4, 3), channels=2, blocks=1)
    for p in model.parameters():
        p.data[...] = 0.5 * rng().normal(size=p.shape)
    ours = drawing.draw_pixels.reference(
        logits_of(model),
        rng().random((12, 2, 1)).transpose(1, 2, 0).reshape(2, 1, 4, 3),
    )
    assert np.array_equal(model.sample(2, rng=rng()), ours)


def test_probabilities_of_drawn_images_are_the_models():
    f = drawing.Net("causal", 2 * np.tril(rng().normal(size=(4, 4)), -1))
    u = rng().random((20_000, 1, 2, 2))
    drawn = drawing.draw_pixels.reference(f, u).reshape(-1, 4) @ [1, 2, 4, 8]
    images = np.array([[k >> i & 1 for i in range(4)] for k in range(16)], float)
    x = images.reshape(16, 1, 2, 2)
    log_prob = -models.nats_of(f(x), x).sum((1, 2, 3))
    share = np.bincount(drawn.astype(int), minlength=16) / len(u)
    assert abs(np.exp(log_prob).sum() - 1) < 1e-12
    assert np.abs(share - np.exp(log_prob)).max() < 0.015


def test_the_two_steps_of_a_masked_layer_are_taps():
    x = rng().normal(size=(1, 1, 6, 6))
    layer = MaskedConv2d("A", 1, 1, 5, rng=rng()).to(np.float64)
    taps = np.array(museum.dilated_past.reference(5, 1, "A"))
    w = layer.weight.data[:, :, layer.mask]
    y = F.conv_taps(Tensor(x), Tensor(w), taps, 1, (6, 6), layer.bias)
    assert np.allclose(y.data, layer(Tensor(x)).data)
