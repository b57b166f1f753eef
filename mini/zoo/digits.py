"""Recipes on MNIST's digits."""

import numpy as np

from .. import data
from .. import functional as F
from ..models.classifier import Classifier
from ..optim import EMA, AdamW, cosine
from ..tensor import Tensor, grad, no_grad
from .recipes import recipe

LICENCE = "MIT; trained on MNIST, for whose licence see data/README.md"


def as_floats(images):
    """uint8 → float32 in [0, 1]."""
    return images.astype(np.float32) / 255


def shift(images, most, *, rng):
    """Move each image (N, C, H, W) by up to `most` pixels along both axes."""
    N, _, H, W = images.shape
    wide = np.pad(images, ((0, 0), (0, 0), (most, most), (most, most)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, (H, W), axis=(2, 3))
    dy, dx = rng.integers(2 * most + 1, size=(2, N))
    return windows[np.arange(N), :, dy, dx]


def accuracy(model):
    """Per cent of MNIST's test images that the model takes for what they are."""
    test, right = data.load("mnist", "test"), 0
    with no_grad():
        for x, y in data.batches(test, 500, rng=None):
            right += int((model(Tensor(as_floats(x))).data.argmax(axis=1) == y).sum())
    return {"accuracy": 100 * right / len(test.labels)}


@recipe(
    "classifier-mnist",
    build=Classifier,
    evaluate=accuracy,
    metrics={"accuracy": ("%", "MNIST, all 10,000 test images")},
    licence=LICENCE,
)
def classifier_mnist(model, run, *, rng):
    """6 epochs of all 60,000 training images, each moved by up to 2 pixels, in batches
    of 64; cross-entropy; AdamW, cosine from 2e-3; the average of the last weights."""
    train = data.load("mnist", "train")
    batches = data.batches(train, 64, rng=rng.spawn(1)[0], epochs=6)
    optimiser = AdamW(model.parameters(), weight_decay=0.05)
    average = EMA(model, 0.998)
    parts = {"model": model, "optimiser": optimiser, "average": average, "rng": rng}
    for x, y in run.resume(batches, **parts):
        x = Tensor(as_floats(shift(x, 2, rng=rng)))
        loss = F.cross_entropy(model(x), y)
        optimiser.lr = cosine(run.step, len(batches), peak=2e-3, warmup=200)
        optimiser.step(grad(loss, model.parameters()))
        average.update()
        run.show(loss=f"{loss.item():.3f}")
    model.load_state_dict(average.state_dict())
