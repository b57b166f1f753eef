"""What a recipe is, and the list of all of them."""

from collections.abc import Callable
from dataclasses import dataclass

RECIPES = {}


@dataclass(frozen=True)
class Recipe:
    """How to make one checkpoint; see `recipe`."""

    name: str
    train: Callable
    build: Callable
    evaluate: Callable
    metrics: dict
    licence: str
    seed: int = 0
    slow: Callable | None = None


def recipe(name, **facts):
    """Decorate a function `train(model, run, *, rng)` that trains the model in place.

    The facts are the rest of a Recipe: `build(rng=rng)` makes the model;
    `evaluate(model)` returns {metric: number}, `slow(model)` those that take more than
    a few minutes, and `metrics` explains each, {metric: (unit, variant)}. The training
    loop goes over `run.resume(…)`, so that it can be cut short. The card quotes the
    docstring.
    """

    def register(train):
        RECIPES[name] = Recipe(name, train, **facts)
        return train

    return register


def names():
    """The names of all recipes."""
    return list(RECIPES)


def find(function, name):
    """The recipe of that name, or a ValueError in the name of `function`."""
    if name not in RECIPES:
        known = ", ".join(map(repr, RECIPES))
        raise ValueError(f"{function}: name is {name!r}, expected one of {known}")
    return RECIPES[name]
