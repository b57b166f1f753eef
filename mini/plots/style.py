"""The look: colours, fonts, sizes, and what all kinds of figures share."""

import sys

import matplotlib.pyplot as plt
import numpy as np

from ..tensor import value_of

# Okabe and Ito's colours, which colour-blind readers tell apart too. Yellow, faint on
# white paper, comes last.
COLOURS = "#0072B2 #D55E00 #009E73 #CC79A7 #56B4E9 #E69F00 #000000 #F0E442".split()
GREY = "#6E6E6E"
PIXELS, SIGNED, MAGNITUDE = "gray", "RdBu_r", "viridis"  # the course's colour maps
WIDTH = 7  # inches: fits a page and a notebook

STYLE = {
    "figure.dpi": 110,
    "figure.figsize": (5.5, 3.2),
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.05,
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.labelsize": 10.5,
    "axes.titlesize": 10.5,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.prop_cycle": plt.cycler(color=COLOURS),
    "axes.formatter.useoffset": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "lines.linewidth": 1.8,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "image.cmap": PIXELS,
    "image.interpolation": "nearest",
}
SAVING = {"bbox_inches": "tight", "pad_inches": 0.05, "pil_kwargs": {"optimize": True}}


def use_style():
    """Set colours, fonts and sizes for all figures to come; call once per notebook."""
    plt.rcParams.update(STYLE)
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if hasattr(shell, "kernel"):  # a notebook: plain PNGs, small ones
        from matplotlib_inline.config import InlineBackend

        backend = InlineBackend.instance(parent=shell)
        backend.figure_formats, backend.print_figure_kwargs = {"png"}, SAVING


def panels(n, *, columns=None, height=2.4, width=WIDTH, **options):
    """n axes side by side, `columns` to a row: a pair (figure, list of axes).

    A row is `height` inches high, the figure `width` inches wide, at most 7. Further
    options are those of `plt.subplots`, such as `sharey=True`. Raises ValueError for
    n < 1.
    """
    if n < 1 or (columns is not None and columns < 1):
        raise ValueError(f"panels: n and columns must be ≥ 1, got {n} and {columns}")
    columns = min(n, columns or n)
    rows = -(-n // columns)
    size = min(width, WIDTH), rows * height
    fig, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, **options)
    for ax in axes.flat[n:]:
        ax.remove()
    return fig, list(axes.flat[:n])


def axes_of(ax, width=5.5, height=3.2):
    """ax, or the axes of a new figure."""
    return plt.subplots(figsize=(width, height))[1] if ax is None else ax


def numbers(function, argument, values):
    """The values as a plain array; anything but finite numbers is refused."""
    array = np.asarray(value_of(values))
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{function}: {argument} must be numbers, got {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{function}: {argument} contains NaN or infinity")
    return array


def colour_bar(ax, image, label=None):
    """A slim bar beside the axes, as high as they are."""
    box = ax.get_window_extent()
    width, height = box.width / ax.figure.dpi, box.height / ax.figure.dpi  # inches
    inset = ax.inset_axes((1 + 0.1 / width, 0, 0.12 / width, 1))
    bar = ax.figure.colorbar(image, cax=inset)
    bar.outline.set_visible(False)
    upright = height < 1  # a low bar: its name would stand out above and below
    style = {"rotation": 0, "va": "center", "ha": "left"} if upright else {}
    bar.set_label(label, **style)
    return bar


def apart(wishes, sizes, weights=None, order=None):
    """Places nearest to the wished ones at which things of these sizes do not overlap.

    They keep the order of the wishes, unless another order (of indices) is given; the
    heavier move less.
    """
    wishes, sizes = np.asarray(wishes, float), np.asarray(sizes, float)
    weights = np.ones(len(wishes)) if weights is None else np.asarray(weights, float)
    order = np.argsort(wishes, kind="stable") if order is None else order
    # Take the sizes out, and only the order has to be kept: isotonic regression.
    before = np.cumsum(sizes[order]) - sizes[order] / 2
    blocks = []  # (common place, weight, members)
    for wish, weight in zip(wishes[order] - before, weights[order], strict=True):
        blocks.append((wish, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, v, m), (b, w, n) = blocks.pop(-2), blocks.pop()
            blocks.append(((a * v + b * w) / (v + w), v + w, m + n))
    places = np.empty(len(wishes))
    places[order] = np.repeat([b[0] for b in blocks], [b[2] for b in blocks]) + before
    return places
