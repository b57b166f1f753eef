"""Trained models: the recipes that make them, and a checkpoint with a card for each.

    model = zoo.load("classifier-mnist")  # trained, in evaluation mode
    zoo.card("classifier-mnist")["metrics"]
    python -m mini.zoo train classifier-mnist --minutes 10

A checkpoint is two files: NAME.npz, plain arrays, and NAME.json, its card, which says
how the model was made, what it scores and what the SHA-256 of the arrays is. A training
that is cut short goes on from where it last saved, and ends with the same weights.
"""

import numpy as np

# importing recipes makes them known
from . import causes, dense, digits, faces, gans, gated, pixels, plane  # noqa: F401
from .checkpoints import (
    paths,
    read_card,
    read_weights,
    scores_of,
    write_checkpoint,
)
from .recipes import find, names, recipe
from .run import Run, TimeIsUp

__all__ = ["card", "evaluate", "load", "names", "recipe", "train"]


def load(name, *, folder=None):
    """The trained model `name`, in evaluation mode, from `folder` (default: data/).

    Raises ValueError for an unknown name, a damaged file and another model's
    checkpoint, FileNotFoundError for a missing file.
    """
    chosen = find("load", name)
    weights = read_weights("load", name, folder)
    model = chosen.build(rng=np.random.default_rng(chosen.seed))
    try:
        model.load_state_dict(weights)
    except ValueError as error:
        path = paths(name, folder)[0]
        raise ValueError(f"load: {path} is of another model: {error}") from None
    return model.eval()


def card(name, *, folder=None):
    """All that is known of a checkpoint: recipe, seed, minutes, metrics, licence, …"""
    find("card", name)
    return read_card("card", name, folder)


def evaluate(name, *, slow=True, folder=None):
    """The metrics of a checkpoint, computed again: {metric: number}.

    With `slow=False` without those that take more than a few minutes.
    """
    return scores_of(find("evaluate", name), load(name, folder=folder), slow)


def train(name, *, minutes=None, force=False, restart=False, folder=None):
    """Train model `name` by its recipe, write its checkpoint and return its card.

    After `minutes` it stops and returns None; called again it goes on, or with
    `restart` begins anew. A checkpoint that is there already is replaced only with
    `force`, else FileExistsError. One seed on one machine gives the same weights.
    """
    chosen = find("train", name)
    for path in paths(name, folder):
        if path.exists() and not force:
            raise FileExistsError(
                f"train: {path} exists; use force=True (--force) to replace it, or"
                f" another folder (--folder)"
            )
    run, rng = Run(chosen, minutes, restart), np.random.default_rng(chosen.seed)
    model = chosen.build(rng=rng)
    try:
        chosen.train(model, run, rng=rng)
    except TimeIsUp:
        return None
    facts = write_checkpoint(chosen, run, model.eval(), folder)
    run.forget()
    return facts
