"""A training that may take several sittings and ends as if it had taken one."""

import inspect
import json
import time
from itertools import islice

import numpy as np

from ..download import cache_folder
from ..progress import progress
from .checkpoints import read_arrays, write_arrays

SAVE_EVERY = 60.0  # seconds of training that a kill may cost


class TimeIsUp(Exception):
    """The minutes are over, and the state is saved."""


class Run:
    """One training of a recipe: the `step` it has reached, the `seconds` it took."""

    def __init__(self, recipe, minutes=None, restart=False):
        self.path = cache_folder() / "training" / f"{recipe.name}.npz"
        self.limit = float("inf") if minutes is None else 60 * minutes
        self.source = inspect.getsource(recipe.train)
        self.step, self.seconds = 0, 0.0
        if restart:
            self.forget()

    def resume(self, steps, **parts):
        """Iterate over `steps`, which has a length, from where the last sitting ended.

        `parts` is all that changes on the way: models, optimisers, averages and random
        generators, each under a name. They are saved now and then, and restored before
        the first step. `steps` itself must be the same at every sitting, so batches
        need an rng of their own (`rng.spawn(1)[0]`), which is not among the parts.
        """
        total, start = len(steps), time.monotonic()
        if self.path.exists():
            self._restore(total, parts)
        earlier, saved = self.seconds, start
        options = {"total": total, "initial": self.step, "desc": self.path.stem}
        with progress(**options) as self.bar:
            for item in islice(steps, self.step, None):
                yield item
                self.step += 1
                self.bar.update()
                now = time.monotonic()
                self.seconds = earlier + now - start
                done, late = self.step == total, now - start > self.limit
                if done or late or now - saved > SAVE_EVERY:
                    self._save(total, parts)
                    saved = now
                if late and not done:
                    raise TimeIsUp

    def show(self, **figures):
        """Show figures such as the loss beside the progress bar."""
        self.bar.set_postfix(**figures)

    def forget(self):
        """Remove what was saved."""
        self.path.unlink(missing_ok=True)

    def _facts(self, total):
        return {"total": total, "source": self.source}

    def _save(self, total, parts):
        run = {"step": self.step, "seconds": self.seconds} | self._facts(total)
        states = {part: _state(thing) for part, thing in parts.items()} | {"run": run}
        write_arrays(
            self.path,
            {
                f"{part}/{key}": np.asarray(value)
                for part, state in states.items()
                for key, value in state.items()
            },
        )

    def _restore(self, total, parts):
        try:
            states = {}
            for name, array in read_arrays(self.path).items():
                part, key = name.split("/", 1)
                states.setdefault(part, {})[key] = array
            run = states.pop("run")
            if any(run[key] != value for key, value in self._facts(total).items()):
                raise ValueError("the recipe was changed since")
            for part in states | parts:
                _set_state(parts[part], states[part])
            self.step, self.seconds = int(run["step"]), float(run["seconds"])
        except Exception as error:  # a damaged file fails in many ways
            raise ValueError(
                f"train: cannot go on from {self.path} ({error}); use restart=True"
                f" (--restart) to begin anew"
            ) from error


def _state(thing):
    if isinstance(thing, np.random.Generator):
        return {"state": json.dumps(thing.bit_generator.state)}
    return thing.state_dict()


def _set_state(thing, state):
    if isinstance(thing, np.random.Generator):
        thing.bit_generator.state = json.loads(str(state["state"]))
    else:
        thing.load_state_dict(state)
