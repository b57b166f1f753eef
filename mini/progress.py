"""A progress bar for terminals and notebooks that leaves a saved notebook clean."""

import io
import sys

from tqdm import tqdm


class Bar(tqdm):
    """A tqdm bar that looks at the clock at every step and needs no helper thread."""

    monitor_interval = 0

    def set_postfix(self, ordered_dict=None, refresh=False, **figures):
        # tqdm redraws at every call; a training loop may call thousands of times.
        super().set_postfix(ordered_dict, refresh=refresh, **figures)


class NotebookBar(Bar):
    """A bar that lives in one output of the cell and empties it when it closes.

    The output is published empty and only ever *updated*. nbval ignores updates, and
    nbclient and JupyterLab save the last, so every run stores the same empty output.
    """

    def __init__(self, *args, **options):
        from IPython.display import display

        self.handle = display({}, raw=True, display_id=True)
        options |= {"file": io.StringIO(), "leave": False, "ncols": 76, "ascii": False}
        super().__init__(*args, **options)

    def display(self, msg=None, pos=None):
        text = str(self) if msg is None else msg
        self.handle.update({"text/plain": text} if text else {}, raw=True)


def in_notebook():
    """True when this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def progress(iterable=None, *, desc=None, total=None, **options):
    """Iterate over `iterable` behind a bar; `desc` stands before it.

    `total` is the number of steps, `len(iterable)` unless given. Show live figures
    with `bar.set_postfix(loss=…)`; without an iterable, advance with `bar.update(n)`.
    Other options are tqdm's. In a terminal the bar goes to stderr; in a notebook it
    disappears when the loop ends, by `break` or by an error too.
    """
    bar = NotebookBar if in_notebook() else Bar
    return bar(iterable, desc=desc, total=total, **({"miniters": 1} | options))
