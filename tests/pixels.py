"""Small models of pixels with random weights, and a look at what depends on what."""

from itertools import product

import numpy as np

from mini import no_grad
from mini.models.gated_pixelcnn import GatedPixelCNN
from mini.models.pixelcnn import PixelCNN
from mini.twins.gated_pixelcnn import GatedPixelCNN as GatedTwin
from mini.twins.pixelcnn import PixelCNN as Twin

VALUES = {
    "binary": {"levels": 2},
    "categorical": {"levels": 4},
    "mixture": {"levels": 9, "components": 2},
}
# (model, kind of values, colours, kernel size, dilations)
KINDS = list(product(("PixelCNN", "Gated"), VALUES, (1, 3), (3, 5), ((1,), (2, 1))))
KINDS += [(model, "binary", 1, (3, 5), (1,)) for model in ("PixelCNN", "Gated")]
FEW = [kind for kind in KINDS if (kind[3], len(kind[4])) in ((3, 2), (5, 1))]


def name(kind):
    model, values, colours, size, dilations = kind
    return f"{model} {values} {colours} colours, kernel {size}, {dilations}"


def choose(kind, size=(4, 5), **more):
    """The class, its twin, and the arguments that both take."""
    model, values, colours, kernel_size, dilations = kind
    options = {
        "shape": (colours, *size), "channels": 12, "hidden": 12, "first_size": 3,
        "kernel_size": kernel_size, "dilations": dilations, **VALUES[values],
    }  # fmt: skip
    if model == "PixelCNN":
        return PixelCNN, Twin, options | {"blocks": 2} | more
    return GatedPixelCNN, GatedTwin, options | {"layers": 2} | more


def shaken(model, rng):
    """The model with random weights, none of them zero as some are at the start.

    Few relus are silent, and what comes out has mean 0 and standard deviation 1.5, so
    that no value is nearly certain.
    """
    for parameter in model.parameters():
        parameter.data[...] = 0.4 * rng.standard_normal(parameter.shape)
    model.place.data += 1
    model.hidden.bias.data += 1
    with no_grad():
        params = model(images(model, 20, rng), None if model.classes is None else 0)
    last, mean = model.last, params.data.mean((0, 3, 4), keepdims=True)
    last.bias.data -= mean.reshape(params.shape[1:3]).T.reshape(-1)
    scale = 1.5 / max(0.1, (params.data - mean).std())
    last.weight.data *= scale
    last.bias.data *= scale
    return model


def build(kind, rng, size=(4, 5), **more):
    """A small model of the kind."""
    cls, _, options = choose(kind, size, **more)
    return shaken(cls(**options, rng=rng), rng)


def images(model, n, rng):
    """Random images (n, C, H, W) of the model's shape and levels."""
    return rng.integers(model.levels, size=(n, *model.shape)).astype(np.uint8)


def labels(model, n):
    """A label for each of n images, if the model knows labels."""
    return None if model.classes is None else np.arange(n) % model.classes


def in_order(model, params):
    """Parameters (N, P, C, H, W) → (D, N, P), value by value as they are drawn."""
    flat = params.reshape(*params.shape[:2], -1)[:, :, model.order]
    return np.moveaxis(flat, 2, 0)


def influence(model, rng, count=3):
    """Boolean (D, D): [k, m] if changing value k can change the parameters of value m.

    Values are numbered in the order in which the model draws them. What `count` random
    images show is put together, as relus may hide something in one of them.
    """
    D, found = len(model.order), False
    for x in images(model, count, rng):
        changed = np.repeat(x[None], D + 1, 0)
        for k, at in enumerate(model.order):  # in the last image nothing changes
            changed[k].reshape(-1)[at] = (x.reshape(-1)[at] + 1) % model.levels
        with no_grad():
            params = model(changed, None if model.classes is None else 1).data
        params = in_order(model, params)  # [m, k]
        found = found | (params[:, :-1] != params[:, -1:]).any(2).T
    return found


def leaks(model, rng):
    """Boolean (D,): for which values do their own parameters know too much?"""
    return np.tril(influence(model, rng)).any(0)
