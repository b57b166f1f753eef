"""Recipes for models that draw MNIST's digits pixel by pixel."""

import math

import numpy as np

from .. import data
from ..models.pixelcnn import WAYS, MultiWayPixelCNN, PixelCNN
from ..optim import EMA, Adam, Muon, constant_then_linear
from ..tensor import grad, no_grad
from .checkpoints import read_weights
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


def step(loss, muon, adam, part):
    """One step of both optimisers, at a part of their full rates."""
    grads = grad(loss, muon.parameters + adam.parameters)
    muon.lr, adam.lr = 0.015 * part, 0.002 * part
    muon.step(grads[: len(muon.parameters)])
    adam.step(grads[len(muon.parameters) :])


@recipe(
    "pixelcnn-mnist",
    build=PixelCNN,
    evaluate=binary_nll,
    metrics=METRICS,
    licence=LICENCE,
)
def pixelcnn_mnist(model, run, *, rng):
    """16 epochs of all 60,000 training images, binarized anew each time, in batches of
    16; Muon (0.015, weight decay 0.02) for the kernels of the blocks, Adam (0.002) for
    the rest, at rates that fall to zero in a straight line over the first 8 epochs, and
    from half as high over the last 8, which start at the average of the weights, with
    new optimisers. (For the checkpoint the torch twin computed the gradients, its
    convolutions in bfloat16.)
    """
    train = data.load("mnist", "train")
    batches = data.batches(train, 16, rng=rng.spawn(1)[0], epochs=16)
    kernels, rest = split_for_muon(model)
    muon, adam = Muon(kernels, weight_decay=0.02), Adam(rest)
    average, leg = EMA(model, 0.999), len(batches) // 2
    parts = {"model": model, "muon": muon, "adam": adam, "average": average, "rng": rng}
    for x, _ in run.resume(batches, **parts):
        second, done = divmod(run.step, leg)
        if second and done == 0:
            model.load_state_dict(average.state_dict())
            muon.load_state_dict(Muon(kernels).state_dict())
            adam.load_state_dict(Adam(rest).state_dict())
        loss = -model.log_prob(data.binarize(x, rng=rng)).mean()
        part = constant_then_linear(done, leg, tail=leg, peak=0.5 if second else 1.0)
        step(loss, muon, adam, part)
        average.update()
        run.show(loss=f"{loss.item():.2f}")
    model.load_state_dict(average.state_dict())


LEGS = {"columns": (10, 0.8), "backwards": (3, 0.6)}  # epochs, height of the rates


def multi_way(*, rng):
    """Three readers; the one that was trained for longest counts for half."""
    shares = {"rows": 0.5, "columns": 0.25, "backwards": 0.25}
    return MultiWayPixelCNN(shares=shares, rng=rng)


@recipe(
    "multi-way-pixelcnn-mnist",
    build=multi_way,
    evaluate=binary_nll,
    metrics=METRICS,
    licence=LICENCE,
)
def multi_way_pixelcnn_mnist(model, run, *, rng):
    """The reader of rows is pixelcnn-mnist, whose minutes are not counted here. The
    readers of columns and from the end begin with its weights; 10 and 3 epochs of all
    60,000 training images, turned, binarized anew each time, in batches of 16; Muon
    (0.015, weight decay 0.02) for the kernels of the blocks, Adam (0.002) for the rest,
    at these rates times 0.8 and 0.6, falling to zero in a straight line; the average of
    the last weights. (For the checkpoint the torch twin computed the gradients, its
    convolutions in bfloat16, with other random numbers.)
    """
    start = read_weights("train", "pixelcnn-mnist", None)
    model.rows.load_state_dict(start)
    train, parts, plan = data.load("mnist", "train"), {"rng": rng}, []
    for way, (epochs, peak) in LEGS.items():
        reader = getattr(model, way)
        reader.load_state_dict(start)
        kernels, rest = split_for_muon(reader)
        parts |= {
            way: reader,
            f"muon of {way}": Muon(kernels, weight_decay=0.02),
            f"adam of {way}": Adam(rest),
            f"average of {way}": EMA(reader, 0.999),
        }
        leg = epochs * len(data.batches(train, 16, rng=rng))
        plan += [
            (way, constant_then_linear(done, leg, tail=leg, peak=peak))
            for done in range(leg)
        ]
    epochs = sum(epochs for epochs, _ in LEGS.values())
    batches = data.batches(train, 16, rng=rng.spawn(1)[0], epochs=epochs)
    for x, _ in run.resume(batches, **parts):
        way, part = plan[run.step]
        x = WAYS[way](data.binarize(x, rng=rng))
        loss = -parts[way].log_prob(x).mean()
        step(loss, parts[f"muon of {way}"], parts[f"adam of {way}"], part)
        parts[f"average of {way}"].update()
        run.show(loss=f"{loss.item():.2f}")
    for way in LEGS:
        parts[way].load_state_dict(parts[f"average of {way}"].state_dict())
