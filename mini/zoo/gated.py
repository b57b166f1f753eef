"""Recipes for pixel-by-pixel models of 8-bit images: digits of a class, and colours."""

import math

import numpy as np

from .. import data
from ..models.gated_pixelcnn import GatedPixelCNN
from ..models.pixelcnn import PixelCNN
from ..optim import Adam, Muon, constant_then_linear, cosine
from ..tensor import grad, no_grad
from .pixels import LICENCE, split_for_muon
from .recipes import recipe

FIFTH = "8-bit MNIST, given the class, every fifth test image (2,000)"
CAT = "8-bit colour patches of a photograph not trained on, all 2,000 test patches"


def nats_and_bits(model, images, labels=None, batch_size=100):
    """Mean negative log-likelihood of images, given labels if there are any."""
    total = 0.0
    with no_grad():
        for i in range(0, len(images), batch_size):
            here = slice(i, i + batch_size)
            label = None if labels is None else labels[here]
            total -= float(model.log_prob(images[here], label).data.sum(dtype=float))
    nats = total / len(images)
    return {"bits_per_dim": nats / images[0].size / math.log(2), "nll": nats}


def start_from_frequencies(model, images):
    """Let the last bias say how frequent each level is in images of one colour.

    A categorical network begins as the histogram, and need not learn it first.
    """
    counts = np.bincount(images.reshape(-1), minlength=model.levels)
    model.last.bias.data[...] = np.log((counts + 1) / (counts + 1).sum())


def start_evenly(model):
    """Let a mixture of logistics begin spread evenly over the levels, and nearly the
    same at every place: means −0.8 … 0.8, scales exp(−2), a tenth of the weights."""
    M = model.components
    bias = model.last.bias.data.reshape(model.shape[0], 3, M)  # of each colour
    bias[:, 1], bias[:, 2] = np.linspace(-0.8, 0.8, M), -2
    model.last.weight.data *= 0.1


# ---- 8-bit digits, given the class ---------------------------------------------------


def gated_digits(*, rng):
    return GatedPixelCNN(layers=6, levels=256, classes=10, rng=rng)


def digits_nll(model):
    """Of every fifth of MNIST's test images: the first half is easier than the rest."""
    images, labels = data.load("mnist", "test")
    return nats_and_bits(model, images[::5], labels[::5])


@recipe(
    "gated-pixelcnn-mnist",
    build=gated_digits,
    evaluate=digits_nll,
    metrics={
        "bits_per_dim": ("bits per pixel", FIFTH),
        "nll": ("nats per image", FIFTH),
    },
    licence=LICENCE,
)
def gated_pixelcnn_mnist(model, run, *, rng):
    """One epoch of all 60,000 training images, given their classes, in batches of 16,
    begun at the levels' frequencies; Muon (0.02) for the kernels of the layers, Adam
    (0.005) for the rest, at these rates until the last 3,000 steps, which fall to zero.
    The weights are not averaged: at these rates an average lags far behind."""
    train = data.load("mnist", "train")
    batches = data.batches(train, 16, rng=rng.spawn(1)[0], epochs=1)
    start_from_frequencies(model, train.images)
    kernels, rest = split_for_muon(model)
    muon, adam = Muon(kernels), Adam(rest)
    parts = {"model": model, "muon": muon, "adam": adam}
    for x, label in run.resume(batches, **parts):
        loss = -model.log_prob(x, label).mean()
        grads = grad(loss, kernels + rest)
        part = constant_then_linear(run.step, len(batches), tail=3000)
        muon.lr, adam.lr = 0.02 * part, 0.005 * part
        muon.step(grads[: len(kernels)])
        adam.step(grads[len(kernels) :])
        run.show(loss=f"{loss.item():.1f}")


# ---- patches of photographs ----------------------------------------------------------


def patch_drawer(*, rng):
    return PixelCNN(
        (3, 16, 16), channels=36, blocks=6, hidden=72, levels=256, components=5, rng=rng
    )


def patches_nll(model):
    return nats_and_bits(model, data.load("patches", "test").images)


@recipe(
    "pixelcnn-patches",
    build=patch_drawer,
    evaluate=patches_nll,
    metrics={
        "bits_per_dim": ("bits per colour of a pixel", CAT),
        "nll": ("nats per patch", CAT),
    },
    licence="MIT; trained on photographs, for whose licences see data/README.md",
)
def pixelcnn_patches(model, run, *, rng):
    """5 epochs of all 12,000 training patches, in batches of 16, begun at an even
    mixture of five logistics; Muon (0.02) for the kernels of the blocks, Adam (0.01)
    for the rest, both along a cosine to zero. The weights are not averaged: at these
    rates an average lags far behind."""
    train = data.load("patches", "train").images
    batches = data.batches(train, 16, rng=rng.spawn(1)[0], epochs=5)
    start_evenly(model)
    kernels, rest = split_for_muon(model)
    muon, adam = Muon(kernels), Adam(rest)
    parts = {"model": model, "muon": muon, "adam": adam}
    for x in run.resume(batches, **parts):
        loss = -model.log_prob(x).mean()
        grads = grad(loss, kernels + rest)
        part = cosine(run.step, len(batches), peak=1.0, warmup=100)
        muon.lr, adam.lr = 0.02 * part, 0.01 * part
        muon.step(grads[: len(kernels)])
        adam.step(grads[len(kernels) :])
        run.show(loss=f"{loss.item():.0f}")
