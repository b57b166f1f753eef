"""Recipes for models that draw MNIST's digits pixel by pixel."""

import math

import numpy as np

from .. import data
from ..models.pixelcnn import PixelCNN
from ..optim import EMA, Adam, Muon, constant_then_linear
from ..tensor import grad, no_grad
from .recipes import recipe

LICENCE = "MIT; trained on MNIST, for whose licence see data/README.md"
DYNAMIC = "dynamically binarized MNIST, all 10,000 test images, binarized once (seed 0)"
METRICS = {
    "nll": ("nats per image", DYNAMIC),
    "bits_per_dim": ("bits per pixel", DYNAMIC),
}


def binary_nll(model):
    """Mean negative log-likelihood of MNIST's test images, binarized with seed 0."""
    test, total = data.load("mnist", "test").images, 0.0
    x = data.binarize(test, rng=np.random.default_rng(0))
    with no_grad():
        for i in range(0, len(x), 200):
            total -= float(model.log_prob(x[i : i + 200]).data.sum(dtype=float))
    nats = total / len(x)
    return {"nll": nats, "bits_per_dim": nats / x[0].size / math.log(2)}


def split_for_muon(model):
    """(kernels, the rest): the kernels inside the blocks, and everything else."""
    named = list(model.named_parameters())
    inside = [
        ("blocks" in name or "layers" in name) and p.ndim == 4 for name, p in named
    ]
    return (
        [p for (_, p), yes in zip(named, inside, strict=True) if yes],
        [p for (_, p), yes in zip(named, inside, strict=True) if not yes],
    )


@recipe(
    "pixelcnn-mnist",
    build=PixelCNN,
    evaluate=binary_nll,
    metrics=METRICS,
    licence=LICENCE,
)
def pixelcnn_mnist(model, run, *, rng):
    """2 epochs of all 60,000 training images, binarized anew each time, in batches of
    16; Muon (0.02) for the kernels of the blocks, Adam (0.003) for the rest, at these
    rates until the last 5,000 steps, which fall to zero; the average of the last
    weights. (The checkpoint's first 2,200 steps had rates up to 2.5 per cent lower.)
    """
    train = data.load("mnist", "train")
    batches = data.batches(train, 16, rng=rng.spawn(1)[0], epochs=2)
    kernels, rest = split_for_muon(model)
    muon, adam, average = Muon(kernels), Adam(rest), EMA(model, 0.999)
    parts = {"model": model, "muon": muon, "adam": adam, "average": average, "rng": rng}
    for x, _ in run.resume(batches, **parts):
        loss = -model.log_prob(data.binarize(x, rng=rng)).mean()
        grads = grad(loss, kernels + rest)
        part = constant_then_linear(run.step, len(batches), tail=5000)
        muon.lr, adam.lr = 0.02 * part, 0.003 * part
        muon.step(grads[: len(kernels)])
        adam.step(grads[len(kernels) :])
        average.update()
        run.show(loss=f"{loss.item():.2f}")
    model.load_state_dict(average.state_dict())
