"""Recipes for models with hidden causes of binarized digits."""

import math

import numpy as np

from .. import data
from ..models.vae import VAE
from ..optim import EMA, Adam, cosine
from ..tensor import grad, no_grad
from .pixels import DYNAMIC, LICENCE
from .recipes import recipe


def vae(*, rng):
    """The dense VAE of the recipes: one stochastic layer of 50 numbers."""
    return VAE(latent=50, hidden=(400, 400), rng=rng)


def scores(k):
    """(metrics, evaluate) of a model of binarized MNIST, with k draws of importance."""

    def evaluate(model):
        test, total = data.load("mnist", "test").images, np.zeros(2)
        x = data.binarize(test, rng=np.random.default_rng(0))
        rng = np.random.default_rng(1)
        with no_grad():
            for i in range(0, len(x), 200):
                part = x[i : i + 200]
                total[0] -= model.elbo(part, rng=rng).data.sum(dtype=float)
                total[1] -= model.log_prob(part, rng=rng, k=k).data.sum()
        bound, nats = total / len(x)
        bits = nats / x[0].size / math.log(2)
        return {"nll": nats, "bits_per_dim": bits, "bound": bound}

    estimate = f"{DYNAMIC}; importance sampling, k = {k}"
    metrics = {
        "nll": ("nats per image", estimate),
        "bits_per_dim": ("bits per pixel", estimate),
        "bound": ("nats per image", f"{DYNAMIC}; −ELBO, one draw"),
    }
    return {"metrics": metrics, "evaluate": evaluate, "licence": LICENCE}


def fit(model, run, *, k, epochs, rng):
    """Adam along a cosine from 0.001 to zero; then the average of the last weights.

    Each epoch is all of MNIST's training images, binarized anew.
    """
    train = data.load("mnist", "train")
    batches = data.batches(train, 100, rng=rng.spawn(1)[0], epochs=epochs)
    optimiser, average = Adam(model.parameters()), EMA(model, 0.999)
    parts = {"model": model, "optimiser": optimiser, "average": average, "rng": rng}
    for x, _ in run.resume(batches, **parts):
        loss = -model.elbo(data.binarize(x, rng=rng), rng=rng, k=k).mean()
        optimiser.lr = cosine(run.step, len(batches), peak=0.001, warmup=200)
        optimiser.step(grad(loss, model.parameters()))
        average.update()
        run.show(loss=f"{loss.item():.2f}")
    model.load_state_dict(average.state_dict())


@recipe("vae-mnist", build=vae, **scores(500))
def vae_mnist(model, run, *, rng):
    """30 epochs of all 60,000 training images, binarized anew each time, in batches of
    100; the evidence lower bound; Adam along a cosine from 0.001; the average of the
    last weights."""
    fit(model, run, k=1, epochs=30, rng=rng)


@recipe("iwae-mnist", build=vae, **scores(500))
def iwae_mnist(model, run, *, rng):
    """15 epochs of all 60,000 training images, binarized anew each time, in batches of
    100; the importance-weighted bound with k = 5; Adam along a cosine from 0.001; the
    average of the last weights. (For the checkpoint a torch twin computed the
    gradients, its products in bfloat16.)"""
    fit(model, run, k=5, epochs=15, rng=rng)
