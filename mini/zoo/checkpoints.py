"""The two files of a checkpoint: arrays without pickle, and the card of them.

What is written appears under its name complete or not at all.
"""

import datetime
import io
import json
import os
import platform
from pathlib import Path

import numpy as np

from .. import data
from ..download import checksum_of


def paths(name, folder=None):
    """Where the arrays and the card of a checkpoint are."""
    folder = Path(folder or data.FOLDER)
    return folder / f"{name}.npz", folder / f"{name}.json"


def read_card(function, name, folder=None):
    """The card, a dictionary; errors are raised in the name of `function`."""
    path = paths(name, folder)[1]
    if not path.exists():
        raise FileNotFoundError(f"{function}: {path} is missing; {_advice(name)}")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        owner, _ = card["name"], card["sha256"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{function}: {path} is damaged; {_advice(name)}") from None
    if owner != name:
        raise ValueError(
            f"{function}: {path} is the card of another model, {owner!r}, not {name!r}"
        )
    return card


def read_weights(function, name, folder=None):
    """The state_dict, {name: array}, if it is the one that the card describes."""
    path, expected = paths(name, folder)[0], read_card(function, name, folder)["sha256"]
    if not path.exists():
        raise FileNotFoundError(f"{function}: {path} is missing; {_advice(name)}")
    if (actual := checksum_of(path, expected)) != expected:
        raise ValueError(
            f"{function}: {path} is damaged, or not what its card describes: its"
            f" SHA-256 is {actual}, expected {expected}; {_advice(name)}"
        )
    return read_arrays(path)


def _advice(name):
    return (
        f"if it came with the course, `git checkout -- data/{name}.*` restores it;"
        f" `python -m mini.zoo train {name} --force` makes it anew"
    )


def scores_of(recipe, model, slow=True):
    """All metrics that the recipe knows, or only those that do not take long."""
    scores = recipe.evaluate(model)
    return scores | recipe.slow(model) if slow and recipe.slow else scores


def write_checkpoint(recipe, run, model, folder=None):
    """Evaluate a model that was trained by the recipe, write both files → the card."""
    weights, card = paths(recipe.name, folder)
    scores = scores_of(recipe, model)
    write_arrays(weights, model.state_dict())
    facts = {
        "name": recipe.name,
        "recipe": f"{recipe.train.__name__}: {' '.join(recipe.train.__doc__.split())}",
        "seed": recipe.seed,
        "steps": run.step,
        "minutes": round(run.seconds / 60, 1),
        "machine": f"{os.cpu_count()} processor cores, {platform.machine()}",
        "metrics": {
            metric: {"value": value, "unit": unit, "variant": variant}
            for metric, value in scores.items()
            for unit, variant in [recipe.metrics[metric]]
        },
        "parameters": sum(parameter.size for parameter in model.parameters()),
        "licence": recipe.licence,
        "sha256": checksum_of(weights, "0" * 64),
        "date": datetime.date.today().isoformat(),
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    _write(card, text.encode("utf-8"))
    return facts


def read_arrays(path):
    """{name: array} of an npz file, never unpickling anything."""
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def write_arrays(path, arrays):
    """Write {name: array} as an npz file; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    _write(path, buffer.getvalue())


def _write(path, content):
    """Put bytes at `path` in one step: a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
