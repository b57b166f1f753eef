"""The classifier of digits: shapes, what it refuses, and its torch twin."""

from functools import partial

import numpy as np
import pytest
import torch
from crosscheck import difference

from mini import Tensor, data, grad, optim
from mini import functional as F
from mini.models.classifier import Classifier
from mini.twins.classifier import Classifier as Twin

pytestmark = pytest.mark.usefixtures("one_thread")


def pair(rng, dtype=np.float64):
    """A new classifier and its twin with the same weights."""
    model, twin = Classifier(rng=rng).to(dtype), Twin()
    twin.to(getattr(torch, np.dtype(dtype).name))
    twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
    return model, twin


def test_shapes_and_what_the_last_layer_sees(rng):
    model, x = Classifier(rng=rng), Tensor(rng.random((5, 1, 28, 28), np.float32))
    features = model.features(x)
    assert features.shape == (5, 64) and model(x).shape == (5, 10)
    np.testing.assert_array_equal(model.linear2(features).data, model(x).data)


def test_one_image_or_none(rng):
    model, x = Classifier(rng=rng), rng.random((5, 1, 28, 28), np.float32)
    alone = model(Tensor(x[3:4])).data
    np.testing.assert_allclose(alone, model(Tensor(x)).data[3:4], rtol=1e-4, atol=1e-6)
    assert model(Tensor(x[:0])).shape == (0, 10)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((2, 1, 28, 28), np.uint8),
        np.zeros((2, 28, 28), np.float32),
        np.zeros((2, 3, 28, 28), np.float32),
        np.zeros((2, 1, 32, 32), np.float32),
        np.zeros((1, 28, 28), np.float32),
    ],
    ids=lambda x: f"{x.dtype} {x.shape}",
)
def test_other_input_is_refused(x, rng):
    model = Classifier(rng=rng)
    for function in (model, model.features):
        with pytest.raises(ValueError, match=r"Classifier: x must be floats .*, got "):
            function(x)


def test_weights_travel_both_ways(rng):
    model, twin = pair(rng, np.float32)
    ours = model.state_dict()
    theirs = {k: v.numpy() for k, v in twin.state_dict().items()}
    assert list(ours) == list(theirs)
    other = Classifier(rng=rng)
    other.load_state_dict(theirs)
    for name, array in other.state_dict().items():
        np.testing.assert_array_equal(array, ours[name])


def test_values_and_gradients_are_the_twins(rng):
    model, twin = pair(rng)
    x, labels = rng.random((6, 1, 28, 28)), rng.integers(10, size=6)
    ours, theirs = Tensor(x, True), torch.tensor(x, requires_grad=True)
    assert difference(model.features(ours), twin.features(theirs)) < 1e-12
    assert difference(model(ours), twin(theirs)) < 1e-12
    loss = torch.nn.functional.cross_entropy(twin(theirs), torch.tensor(labels))
    expected = torch.autograd.grad(loss, [theirs, *twin.parameters()])
    inputs = [ours, *model.parameters()]
    found = grad(F.cross_entropy(model(ours), labels), inputs)
    for g, e in zip(found, expected, strict=True):
        assert difference(g, e) < 1e-10


def sgd(optimiser):
    return partial(optimiser.SGD, lr=0.01)


def adamw(optimiser):
    return partial(optimiser.AdamW, lr=2e-3)


# Where a gradient is nearly zero, Adam's first steps depend on its sign alone, and this
# on rounding: in single precision only a gentler optimiser stays with its twin.
@pytest.mark.parametrize(
    ("dtype", "choose", "tolerance"),
    [(np.float32, sgd, 1e-4), (np.float64, adamw, 1e-9)],
)
def test_twenty_steps_of_training_are_the_twins(dtype, choose, tolerance, rng):
    model, twin = pair(rng, dtype)
    optimiser = choose(optim)(model.parameters())
    other = choose(torch.optim)(twin.parameters())
    images, labels = data.load("mnist", "test")
    for x, y in data.batches((images[:640], labels[:640]), 32, rng=rng):
        x = x.astype(dtype) / 255
        loss = F.cross_entropy(model(Tensor(x)), y)
        optimiser.step(grad(loss, model.parameters()))
        logits = twin(torch.tensor(x))
        expected = torch.nn.functional.cross_entropy(logits, torch.tensor(y))
        other.zero_grad()
        expected.backward()
        other.step()
        assert loss.item() == pytest.approx(expected.item(), rel=tolerance)
    assert optimiser.steps == 20
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert difference(p, q) < tolerance
