"""Recipes for models of drawn faces, of which the true factors are known."""

import math

import numpy as np

from .. import data
from ..distributions import Normal, kl_divergence
from ..metrics import informativeness, mutual_information_gap
from ..models.vae import ConvVAE
from ..tensor import no_grad
from .causes import fit
from .recipes import recipe

FACES = "drawn faces, all 2,000 test images, 32×32 RGB"
ATTRIBUTES = ("smile", "glasses")


def face_vae(*, conditions=0, rng):
    """The convolutional VAE of the recipes for faces."""
    return ConvVAE(
        (3, 32, 32), latent=20, channels=(32, 64, 64), pixels="gaussian",
        conditions=conditions, rng=rng,
    )  # fmt: skip


def face_cvae(*, rng):
    """The same, told some of the attributes."""
    return face_vae(conditions=len(ATTRIBUTES), rng=rng)


def attributes(factors):
    """Of the factors (N, F) those that the conditional VAE is told, (N, A)."""
    names = data.index()["faces"]["factors"]
    return factors[:, [names.index(name) for name in ATTRIBUTES]]


def face_scores(model):
    """How good the reconstructions are, what they cost, what the codes know."""
    images, factors = data.load("faces", "test")
    c = attributes(factors) if model.conditions else None
    with no_grad():
        q = model.encode(images, c)
        error = model.mean_image(q.loc.data, c) - model.scaled(images)
        kl = kl_divergence(q, Normal(0.0, 1.0)).data.sum(1)
        draws = q.sample(rng=np.random.default_rng(0)).data
    gap = mutual_information_gap(draws, factors)[1]
    return {
        "rmse": 255 * math.sqrt(float((error**2).mean(dtype=float))),
        "kl": float(kl.mean(dtype=float)),
        "mig": float(gap),
        "informativeness": float(informativeness(q.loc.data, factors).mean()),
    }


FACE_SCORES = {
    "metrics": {
        "rmse": ("grey levels of 255, root mean squared error", FACES),
        "kl": ("nats per image", FACES),
        "mig": ("mutual information gap of a draw of the code, 0 to 1", FACES),
        "informativeness": ("R² of the factors from the codes' means, averaged", FACES),
    },
    "evaluate": face_scores,
    "licence": "MIT",
}


def fit_faces(model, run, *, beta, rng, epochs=50):
    """`fit` with the loss β · KL − fit."""
    train = data.load("faces", "train")
    batches = data.batches(train, 100, rng=rng.spawn(1)[0], epochs=epochs)

    def loss_of(batch):
        x, factors = batch
        condition = attributes(factors) if model.conditions else None
        likely, kl = model.terms(x, condition, rng=rng)
        return (beta * kl.sum(1) - likely).mean()

    fit(model, run, batches, loss_of, rate=0.02, rng=rng)


@recipe("vae-faces", build=face_vae, **FACE_SCORES)
def vae_faces(model, run, *, rng):
    """50 epochs of the 10,000 training faces in batches of 100; β = 1; Muon (0.02,
    weight decay 0.02) for the weights, Adam (0.001) for biases and scales, both along a
    cosine to zero; the average of the last weights. (For the checkpoint torch computed
    the gradients and Muon's products, in bfloat16.)"""
    fit_faces(model, run, beta=1, rng=rng)


@recipe("beta-vae-faces", build=face_vae, **FACE_SCORES)
def beta_vae_faces(model, run, *, rng):
    """As vae-faces, with β = 4."""
    fit_faces(model, run, beta=4, rng=rng)


@recipe("beta-vae-faces-16", build=face_vae, **FACE_SCORES)
def beta_vae_faces_16(model, run, *, rng):
    """As vae-faces, with β = 16."""
    fit_faces(model, run, beta=16, rng=rng)


@recipe("cvae-faces", build=face_cvae, **FACE_SCORES)
def cvae_faces(model, run, *, rng):
    """As vae-faces, told the smile and the glasses."""
    fit_faces(model, run, beta=1, rng=rng)
