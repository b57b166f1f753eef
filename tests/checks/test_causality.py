"""The tester of causality, on models that keep to the order and others."""

import sys

import numpy as np
import pytest
import torch

from mini import Tensor, checks, nn
from mini.models.made import MADE
from mini.models.pixelcnn import PixelCNN
from mini.twins import pixelcnn as twins


def shaken(model, seed=0):
    """With every parameter away from zero."""
    rng = np.random.default_rng(seed)
    for p in model.parameters():
        p.data += 0.1 * rng.normal(size=p.shape).astype(np.float32)
    return model


def said(capsys):
    """What was printed, on one line."""
    out, err = capsys.readouterr()
    assert err == ""
    return " ".join(out.split())


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(1, 6, 5), (3, 4, 4)])
def test_pixelcnn_passes(shape, rng, capsys):
    model = shaken(PixelCNN(shape, channels=12, hidden=12, rng=rng))
    assert checks.causality(model, shape)
    assert said(capsys).startswith("✓")


def test_a_torch_model_passes(rng, capsys):
    model = shaken(PixelCNN((1, 6, 6), channels=8, hidden=8, rng=rng))
    twin = twins.PixelCNN((1, 6, 6), channels=8, hidden=8)
    twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
    assert checks.causality(lambda x: twin(torch.tensor(x)), (1, 6, 6))
    assert said(capsys).startswith("✓")


def test_an_order_of_its_own(rng, capsys):
    order = rng.permutation(12)
    x = np.tril(np.ones((12, 12)), -1)  # row k: what the value in place k may know
    place = np.argsort(order)
    weights = x[np.ix_(place, place)]
    model = lambda x: x.reshape(-1, 12) @ weights.T  # noqa: E731
    assert checks.causality(model, (12,), order=order)
    assert "looks at 11 of 11 values" in said(capsys)
    assert not checks.causality(model, 12)


@pytest.mark.parametrize(
    "kind, flip, words",
    [
        ("A", False, "✓"),
        ("B", False, "the very value"),
        ("A", True, "later in the same row"),
    ],
)
def test_masks(kind, flip, words, rng, capsys):
    layer = nn.MaskedConv2d(kind, 1, 1, 3, rng=rng)
    turned = lambda x: layer(x[:, :, ::-1, ::-1].copy()).data[:, :, ::-1, ::-1]  # noqa: E731
    assert checks.causality(turned if flip else layer, (1, 5, 5)) == (words == "✓")
    assert words in said(capsys)


def test_rows_below(capsys):
    assert not checks.causality(lambda x: np.roll(x, -1, axis=2), (1, 4, 4))
    assert "which comes later." in said(capsys)


def test_channels_in_the_wrong_order(capsys):
    def model(x):  # red is told green, green is told blue
        return np.concatenate([x[:, 1:], np.zeros_like(x[:, :1])], axis=1)

    assert not checks.causality(model, (3, 2, 2))
    assert "a later channel of the same pixel" in said(capsys)
    assert checks.causality(lambda x: model(x[:, ::-1])[:, ::-1], (3, 2, 2))


def test_a_leak_behind_a_unit_that_sleeps_in_most_images(capsys):
    def model(x):
        return (
            np.maximum(x[:, :, :, ::-1].sum(axis=(2, 3), keepdims=True) - 3, 0) + 0 * x
        )

    assert not checks.causality(model, (1, 3, 3))
    assert "the very value" in said(capsys)


def test_batch_norm_leaks_between_images(rng, capsys):
    norm = nn.BatchNorm2d(1)
    assert not checks.causality(lambda x: norm(Tensor(x)), (1, 3, 3))
    assert "other images of the batch" in said(capsys)


def past(x):
    """The sum of all values before each."""
    flat = x.reshape(len(x), -1)
    return (np.cumsum(flat, axis=1) - flat).reshape(x.shape)


@pytest.mark.parametrize("shape", [(4,), (1, 4, 4)])
def test_two_results_for_one_input(shape, rng, capsys):
    dropout = nn.Dropout(0.1, rng=rng)
    models = [
        lambda x: dropout(Tensor(past(x))),
        lambda x: past(x) + rng.normal(size=x.shape),
        lambda x: (rng.random(x.shape) < 0.5).astype(np.float32),
    ]
    for model in models:
        assert not checks.causality(model, shape)
        text = said(capsys)
        assert "two different results" in text and "`model.eval()`" in text
    dropout.eval()
    assert checks.causality(models[0], shape)


@pytest.mark.parametrize("rounding, right", [(3e-4, True), (0.3, False)])
def test_one_row_may_be_rounded_otherwise_than_many(rounding, right, capsys):
    """As a product of matrices in float32 is, relative to its largest numbers."""
    model = lambda x: 1000 * past(x) + rounding * (len(x) == 1)  # noqa: E731
    assert checks.causality(model, (1, 2, 2)) == right
    assert ("other images of the batch" in said(capsys)) == (not right)


def test_infinite_predictions(capsys):
    assert checks.causality(lambda x: np.where(past(x) > 1, -np.inf, past(x)), (4,))
    assert not checks.causality(lambda x: np.where(x > 0, -np.inf, past(x)), (4,))
    assert "the very value" in said(capsys)


def test_nan_is_no_answer(capsys):
    assert not checks.causality(lambda x: x * np.nan, (4,))
    assert said(capsys).endswith("your model gives NaN.")


def test_what_is_no_prediction(capsys):
    assert not checks.causality(lambda x: x.sum(axis=1), (1, 3, 3))
    assert "an output of shape" in said(capsys)
    assert not checks.causality(lambda x: x.nonsense, (4,))
    assert "raised AttributeError" in said(capsys)
    assert not checks.causality(lambda x: sys.exit(), (4,))
    assert "raised SystemExit" in said(capsys)
    assert not checks.causality(..., (4,))
    assert said(capsys) == "not attempted yet"


def test_only_some_values_of_large_images_are_changed(capsys):
    calls = []

    def model(x):
        calls.append(len(x))
        return 0 * x

    assert checks.causality(model, (1, 60, 60))
    assert sum(calls) < 2 * 1024 * 1.1 and "of 1023 values" in said(capsys)


@pytest.mark.parametrize("shape", [(), (0,), (2.5,), (1, -3)])
def test_shapes_that_are_none(shape):
    with pytest.raises(ValueError, match="causality: shape"):
        checks.causality(lambda x: x, shape)


@pytest.mark.parametrize("order", [[0, 1, 1], [1, 2, 3], [[0, 1, 2]]])
def test_orders_that_are_none(order):
    with pytest.raises(ValueError, match="causality: order"):
        checks.causality(lambda x: x, (3,), order=order)


def test_made_with_any_ordering(rng, capsys):
    order = rng.permutation(16)
    model = shaken(MADE((1, 4, 4), hidden=(32,), order=order, rng=rng))
    found = [checks.causality(model, (1, 4, 4), order=o) for o in (order, None)]
    assert found == [True, False]
