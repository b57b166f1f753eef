"""Features come in batches; with those of a trained classifier figures make sense."""

import numpy as np
import pytest

from mini import Tensor, data, metrics, zoo
from mini.metrics import features_of

IMAGES = np.arange(7 * 4, dtype=np.uint8).reshape(7, 1, 2, 2)


@pytest.mark.parametrize("at_once", [1, 3, 7, 500])
def test_features_are_computed_some_at_a_time(at_once):
    seen = []

    def extract(x):
        seen.append(x)
        return np.stack([x[..., 0], x[..., 1] ** 2], axis=1)

    found = features_of(extract, IMAGES, at_once=at_once)
    assert max(map(len, seen)) == min(7, at_once) and sum(map(len, seen)) == 7
    assert {x.dtype for x in seen} == {np.dtype(np.float32)}
    x = IMAGES.astype(np.float32) / 255
    expected = np.stack([x[..., 0], x[..., 1] ** 2], axis=1).reshape(7, 4)
    np.testing.assert_array_equal(found, expected)


def test_what_is_not_bytes_is_passed_on_as_it_is(rng):
    x = rng.standard_normal((5, 3))
    np.testing.assert_array_equal(features_of(lambda part: part, x), x)
    np.testing.assert_array_equal(features_of(lambda part: part, Tensor(x)), x)


def test_tensors_are_unpacked_and_no_gradient_is_kept():
    w = Tensor(np.ones((4, 2)), requires_grad=True)
    kept = []

    def extract(x):
        kept.append(Tensor(x.reshape(-1, 4).astype(float)) @ w)
        return kept[-1]

    found = features_of(extract, IMAGES, at_once=4)
    assert type(found) is np.ndarray and found.shape == (7, 2)
    assert not any(h.requires_grad for h in kept)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"^features_of: images has shape \(0, 1\)"):
        features_of(len, np.zeros((0, 1)))
    with pytest.raises(ValueError, match=r"^features_of: images has shape \(\)"):
        features_of(len, 3.0)
    with pytest.raises(
        ValueError, match=r"made shape \(\) of 7 images, expected a row"
    ):
        features_of(lambda x: x.sum(), IMAGES)
    with pytest.raises(ValueError, match=r"made shape \(1, 4\) of 7 images"):
        features_of(lambda x: x.reshape(1, -1)[:, :4], IMAGES)
    with pytest.raises(ValueError, match="^features_of: at_once must be a whole .* 0"):
        features_of(len, IMAGES, at_once=0)


def test_digits_are_told_from_noise_from_ones_alone_and_from_copies(rng):
    """As a generator's samples will be measured, with the features of a classifier."""
    features = zoo.load("classifier-mnist").features
    test = data.load("mnist", "test")
    train = data.load("mnist", "train").images[:1000]
    real = features_of(features, test.images[:1000])
    assert real.shape == (1000, 64)
    ones = test.images[1000:][test.labels[1000:] == 1][:500]
    samples = {
        "digits": test.images[1000:2000],
        "ones": np.concatenate([ones, ones]),
        "noise": rng.permuted(test.images[1000:2000].reshape(1000, -1), axis=1),
        "copies": train,
    }
    fake = {
        name: features_of(features, x.reshape(-1, 1, 28, 28))
        for name, x in samples.items()
    }

    precision, recall = metrics.precision_recall(real, fake["digits"])
    assert precision > 0.7 and recall > 0.7
    precision, recall = metrics.precision_recall(real, fake["ones"])
    assert precision > 0.7 and recall < 0.3
    precision, recall = metrics.precision_recall(real, fake["noise"])
    assert precision < 0.3 and recall == 0
    for metric in (metrics.frechet_distance, metrics.kernel_distance):
        floor = metrics.real_against_real(metric, real, 500, rng=rng, draws=5)
        largest = np.abs(floor).max()
        assert metric(real, fake["digits"]) < 2 * largest
        assert metric(real, fake["ones"]) > 10 * largest
        assert metric(real, fake["noise"]) > 10 * largest

    known = features_of(features, train)
    assert metrics.memorisation(known, real, fake["copies"]).auc == 1
    assert abs(metrics.memorisation(known, real, fake["digits"]).auc - 0.5) < 0.1
