"""Recipes for the models that join every pixel with all before it."""

from .. import data
from ..models.made import MADE
from ..models.nade import NADE
from ..optim import EMA, Adam, cosine
from ..tensor import grad
from .pixels import LICENCE, METRICS, binary_nll
from .recipes import recipe


def made(*, rng):
    """The MADE of the recipe."""
    return MADE(hidden=(800,), direct=True, rng=rng)


def nade(*, rng):
    """The NADE of the recipe."""
    return NADE(hidden=512, rng=rng)


def fit(model, run, *, peak, batch, epochs, rng):
    """Adam along a cosine from `peak` to zero; then the average of the last weights.

    Each epoch is all of MNIST's training images, binarized anew.
    """
    train = data.load("mnist", "train")
    batches = data.batches(train, batch, rng=rng.spawn(1)[0], epochs=epochs)
    optimiser, average = Adam(model.parameters()), EMA(model, 0.999)
    parts = {"model": model, "optimiser": optimiser, "average": average, "rng": rng}
    for x, _ in run.resume(batches, **parts):
        loss = -model.log_prob(data.binarize(x, rng=rng)).mean()
        optimiser.lr = cosine(run.step, len(batches), peak=peak, warmup=200)
        optimiser.step(grad(loss, model.parameters()))
        average.update()
        run.show(loss=f"{loss.item():.2f}")
    model.load_state_dict(average.state_dict())


@recipe("made-mnist", build=made, evaluate=binary_nll, metrics=METRICS, licence=LICENCE)
def made_mnist(model, run, *, rng):
    """16 epochs of all 60,000 training images, binarized anew each time, in batches of
    100; Adam along a cosine from 0.006; the average of the last weights."""
    fit(model, run, peak=0.006, batch=100, epochs=16, rng=rng)


@recipe("nade-mnist", build=nade, evaluate=binary_nll, metrics=METRICS, licence=LICENCE)
def nade_mnist(model, run, *, rng):
    """20 epochs of all 60,000 training images, binarized anew each time, in batches of
    128; Adam along a cosine from 0.015; the average of the last weights."""
    fit(model, run, peak=0.015, batch=128, epochs=20, rng=rng)
