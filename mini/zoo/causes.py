"""Recipes for models with hidden causes of binarized digits."""

import math

import numpy as np

from .. import data
from ..models.vae import VAE, ConvVAE
from ..optim import EMA, Adam, Muon, cosine
from ..progress import progress
from ..tensor import grad, no_grad
from .checkpoints import read_weights
from .pixels import DYNAMIC, LICENCE
from .recipes import recipe

DRAWS = 5000  # Burda et al. 2016, section 5
DYNAMIC_FIFTH = DYNAMIC.replace("all 10,000", "every fifth of the 10,000")


def vae(*, rng):
    """The dense VAE of the recipes: one stochastic layer of 50 numbers."""
    return VAE(latent=50, hidden=(400, 400), rng=rng)


def conv_vae(*, rng):
    """The convolutional VAE of the recipe."""
    return ConvVAE(latent=32, channels=(32, 64), hidden=256, rng=rng)


def cvae(*, rng):
    """The VAE that is told the digit."""
    return VAE(latent=20, hidden=(400, 400), conditions=10, rng=rng)


def binarized(every=1):
    """Every `every`-th of MNIST's test images, binarized with seed 0, and its label."""
    test = data.load("mnist", "test")
    x = data.binarize(test.images, rng=np.random.default_rng(0))
    return x[::every], test.labels[::every]


def nll_5000(every=1):
    """slow(model): with as many draws as the papers take; twenty minutes and more."""

    def evaluate(model):
        x, _ = binarized(every)
        with progress(total=len(x), desc="nll_5000") as bar:
            total, rng = 0.0, np.random.default_rng(2)
            for i in range(0, len(x), 200):
                part = x[i : i + 200]
                total -= model.log_prob(part, rng=rng, k=DRAWS).data.sum()
                bar.update(len(part))
        return {"nll_5000": total / len(x)}

    return evaluate


def scores(k, every=1):
    """(metrics, evaluate, licence) for models of binarized MNIST: k draws of importance
    for each of every `every`-th test image.
    """

    def evaluate(model):
        x, label = binarized(every)
        total, rng = np.zeros(2), np.random.default_rng(1)
        with no_grad():
            for i in range(0, len(x), 200):
                part = x[i : i + 200]
                told = label[i : i + 200] if model.conditions else None
                total[0] -= model.elbo(part, told, rng=rng).data.sum(dtype=float)
                total[1] -= model.log_prob(part, told, rng=rng, k=k).data.sum()
        bound, nats = total / len(x)
        bits = nats / x[0].size / math.log(2)
        return {"nll": nats, "bits_per_dim": bits, "bound": bound}

    which = DYNAMIC if every == 1 else DYNAMIC_FIFTH
    estimate = f"{which}; importance sampling, k = {k}"
    metrics = {
        "nll": ("nats per image", estimate),
        "bits_per_dim": ("bits per pixel", estimate),
        "bound": ("nats per image", f"{which}; −ELBO, one draw"),
    }
    return {"metrics": metrics, "evaluate": evaluate, "licence": LICENCE}


def like_the_papers(k, every=1):
    """The same, and with as many draws as the papers take."""
    found, which = scores(k, every), DYNAMIC if every == 1 else DYNAMIC_FIFTH
    estimate = f"{which}; importance sampling, k = {DRAWS}"
    found["metrics"]["nll_5000"] = ("nats per image", estimate)
    return found | {"slow": nll_5000(every)}


def fit(model, run, batches, loss_of, *, rate, rng, decay=0.999):
    """Muon (at `rate`) for the weights, Adam (0.001) for biases and scales, both along
    a cosine to zero, on loss_of(batch); then the average of the last weights.
    """
    named = list(model.named_parameters())
    weights = [p for name, p in named if name.endswith("weight")]
    rest = [p for name, p in named if not name.endswith("weight")]
    muon, adam = Muon(weights, weight_decay=0.02), Adam(rest)
    average = EMA(model, decay)
    parts = {"model": model, "muon": muon, "adam": adam, "average": average, "rng": rng}
    for batch in run.resume(batches, **parts):
        loss = loss_of(batch)
        grads = grad(loss, weights + rest)
        part = cosine(run.step, len(batches), peak=1.0, warmup=100)
        muon.lr, adam.lr = rate * part, 0.001 * part
        muon.step(grads[: len(weights)])
        adam.step(grads[len(weights) :])
        average.update()
        run.show(loss=f"{loss.item():.2f}")
    model.load_state_dict(average.state_dict())


def fit_digits(model, run, *, epochs, rng, k=1, rate=0.04, **options):
    """The bound with k draws, on MNIST's training images, binarized anew each time."""
    train = data.load("mnist", "train")
    batches = data.batches(train, 500, rng=rng.spawn(1)[0], epochs=epochs)

    def loss_of(batch):
        x, label = data.binarize(batch[0], rng=rng), batch[1]
        condition = label if model.conditions else None
        return -model.elbo(x, condition, rng=rng, k=k).mean()

    fit(model, run, batches, loss_of, rate=rate, rng=rng, **options)


@recipe("vae-mnist", build=vae, **like_the_papers(500))
def vae_mnist(model, run, *, rng):
    """80 epochs of all 60,000 training images, binarized anew each time, in batches of
    500; the evidence lower bound; Muon (0.04, weight decay 0.02) for the weights, Adam
    (0.001) for the biases, both along a cosine to zero; the average of the last
    weights. (For the checkpoint torch computed the gradients and Muon's products, in
    bfloat16.)"""
    fit_digits(model, run, epochs=80, rng=rng)


@recipe("iwae-mnist", build=vae, **like_the_papers(500))
def iwae_mnist(model, run, *, rng):
    """20 more epochs for vae-mnist, of the importance-weighted bound with k = 5, with
    half the rate for the weights, and a shorter average."""
    model.load_state_dict(read_weights("train", "vae-mnist", None))
    fit_digits(model, run, epochs=20, k=5, rate=0.02, rng=rng, decay=0.99)


@recipe("conv-vae-mnist", build=conv_vae, **like_the_papers(100, every=5))
def conv_vae_mnist(model, run, *, rng):
    """As vae-mnist, but 60 epochs, a shorter average, and no torch."""
    fit_digits(model, run, epochs=60, rng=rng, decay=0.99)


@recipe("cvae-mnist", build=cvae, **scores(100))
def cvae_mnist(model, run, *, rng):
    """As vae-mnist, but 20 epochs, told the digits, and a shorter average."""
    fit_digits(model, run, epochs=20, rng=rng, decay=0.99)
