"""Pixels: grids of images, signed values, receptive fields, taps."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patches import Rectangle

from ..tensor import value_of
from .style import (
    COLOURS,
    MAGNITUDE,
    PIXELS,
    SIGNED,
    WIDTH,
    axes_of,
    colour_bar,
    numbers,
)


def images(
    images,
    *,
    rows=None,
    columns=None,
    labels=None,
    row_labels=None,
    column_labels=None,
    cmap=PIXELS,
    vmin=None,
    vmax=None,
    ax=None,
):
    """Draw images (N, C, H, W), (N, H, W) or (H, W) as one grid, row by row.

    C is 1 or 3. uint8 spans 0 … 255 (or 0 … 1 if it holds nothing else), floats and
    booleans 0 … 1, unless vmin and vmax say otherwise. `labels` are N texts above the
    tiles. Raises ValueError for other shapes and for values outside that range.
    """
    x = numbers("images", "images", images)
    if x.ndim == 4 and x.shape[1] not in (1, 3):
        raise ValueError(f"images: expected 1 or 3 channels, got shape {x.shape}")
    tiles = _tiles("images", x)
    low, high = 0, 255 if x.dtype == np.uint8 and x.max() > 1 else 1
    if (vmin is None and x.min() < low) or (vmax is None and x.max() > high):
        raise ValueError(
            f"images: values run from {x.min():.4g} to {x.max():.4g}, expected {low} …"
            f" {high}; give vmin and vmax, or draw signed values with plots.signed"
        )
    limits = low if vmin is None else vmin, high if vmax is None else vmax
    texts = labels, row_labels, column_labels
    return _grid("images", tiles, (rows, columns), texts, cmap, limits, ax)[0]


def signed(
    values,
    *,
    rows=None,
    columns=None,
    labels=None,
    row_labels=None,
    column_labels=None,
    limit=None,
    bar=True,
    label=None,
    ax=None,
):
    """Draw weights, gradients or differences: blue below zero, white at it, red above.

    (H, W), (N, H, W) or (N, C, H, W); with C > 1 each n is a row and each c a column.
    Colours span −limit … limit, by default the largest magnitude. `label` names the
    colour bar. Raises ValueError for other shapes.
    """
    x = numbers("signed", "values", values).astype(float)
    if x.ndim == 4 and x.shape[1] > 1:
        if rows is None and columns is None:
            rows, columns = x.shape[:2]
        x = x.reshape(-1, *x.shape[2:])
    tiles = _tiles("signed", x)
    limit = float(np.abs(x).max() or 1 if limit is None else limit)
    if not limit > 0:
        raise ValueError(f"signed: limit must be positive, got {limit}")
    texts, room = (labels, row_labels, column_labels), 0.9 if bar else 0
    shape, limits = (rows, columns), (-limit, limit)
    ax, image = _grid("signed", tiles, shape, texts, SIGNED, limits, ax, room)
    if bar:
        colour_bar(ax, image, label)
    return ax


def _tiles(function, x):
    """(N, H, W, C), whatever axes the input has."""
    lead = {2: (1, 1), 3: (len(x), 1) if x.ndim else (), 4: x.shape[:2]}.get(x.ndim)
    if lead is None or 0 in x.shape:
        raise ValueError(
            f"{function}: expected (N, C, H, W), (N, H, W) or (H, W) without zeros,"
            f" got shape {x.shape}"
        )
    return x.reshape(*lead, *x.shape[-2:]).transpose(0, 2, 3, 1)


def _rows_and_columns(function, n, shape, texts):
    """Rows and columns for n tiles: as asked, else few blanks and wider than high."""
    (rows, columns), (_, row_labels, column_labels) = shape, texts
    if rows is None and row_labels is not None:
        rows = len(row_labels)
    if columns is None and column_labels is not None:
        columns = len(column_labels)
    if rows is None and columns is None:
        least = max(8, int(np.ceil(np.sqrt(n))))
        columns = n if n <= 10 else min(range(least, 2 * least), key=lambda c: -n % c)
    rows, columns = rows or -(-n // columns), columns or -(-n // rows)
    if rows * columns < n:
        raise ValueError(
            f"{function}: {n} images do not fit into {rows} rows × {columns} columns"
        )
    names, sizes = ("labels", "row_labels", "column_labels"), (n, rows, columns)
    for name, given, size in zip(names, texts, sizes, strict=True):
        if given is not None and len(given) != size:
            raise ValueError(f"{function}: expected {size} {name}, got {len(given)}")
    return rows, columns


def _grid(function, tiles, shape, texts, cmap, limits, ax, room=0.0):
    """Compose tiles into one picture, leaving `room` inches free at its right."""
    N, H, W, C = tiles.shape
    rows, columns = _rows_and_columns(function, N, shape, texts)
    labels, row_labels, _ = texts
    fine = -(-24 // min(H, W))  # cells per pixel: tiny tiles get thin separators too
    gap = max(1, fine * min(H, W) // 28)
    high, wide = H * fine + gap, W * fine + gap
    if row_labels is not None:
        room += 0.09 * max(len(str(text)) for text in row_labels)
    scale = _scale(ax, rows * high, columns * wide, wide, room)
    head = 0 if labels is None else int(np.ceil(18 / scale))  # cells above, for text
    high += head

    canvas = np.full((rows, high, columns, wide, C), np.nan)
    thick = tiles.repeat(fine, axis=1).repeat(fine, axis=2)
    for i, tile in enumerate(thick):
        canvas[i // columns, head : high - gap, i % columns, : wide - gap] = tile
    canvas = canvas.reshape(rows * high, columns * wide, C)[:-gap, :-gap]
    if C == 3:
        low, top = limits
        canvas = np.nan_to_num(np.clip((canvas - low) / (top - low), 0, 1), nan=1.0)
    if ax is None:
        size = np.array(canvas.shape[1::-1]) * scale / plt.rcParams["figure.dpi"]
        ax = plt.figure(figsize=size, layout="none").add_axes((0, 0, 1, 1))
    # Coordinates are pixels: the centre of the first tile's first pixel is (0, 0).
    above = head / fine + 0.5
    extent = (
        -0.5,
        canvas.shape[1] / fine - 0.5,
        canvas.shape[0] / fine - above,
        -above,
    )
    look = {"cmap": cmap, "vmin": limits[0], "vmax": limits[1], "extent": extent}
    picture = canvas if C == 3 else canvas[:, :, 0]
    image = ax.imshow(picture, interpolation="nearest", **look)
    x = np.arange(columns) * wide / fine + (W - 1) / 2  # centres of the tiles
    y = np.arange(rows) * high / fine + (H - 1) / 2
    middles = [(x[i % columns], y[i // columns]) for i in range(N)]
    _write(ax, x, y, [(a, b - H / 2) for a, b in middles], texts)
    if cmap == SIGNED:  # white is a value here: frames show where tiles end
        frames = [Rectangle((a - W / 2, b - H / 2), W, H) for a, b in middles]
        style = {"facecolor": "none", "edgecolor": "0.65", "linewidth": 0.6}
        ax.add_collection(
            PatchCollection(frames, clip_on=False, **style), autolim=False
        )
    return ax, image


def _write(ax, x, y, tops, texts):
    """Labels above the tiles, at the rows and at the columns; no ticks, no box."""
    labels, row_labels, column_labels = texts
    for text, top in zip(labels if labels is not None else (), tops, strict=False):
        style = {"textcoords": "offset points", "ha": "center", "fontsize": 10}
        ax.annotate(str(text), top, (0, 1.5), **style)
    ax.set_xticks(*([[]] if column_labels is None else [x, column_labels]))
    ax.set_yticks(*([[]] if row_labels is None else [y, row_labels]))
    sides = {"top": False, "bottom": False, "labeltop": True, "labelbottom": False}
    ax.tick_params(length=0, **sides)
    ax.spines[:].set_visible(False)


def _scale(ax, height, width, tile, room):
    """Screen pixels per cell of the picture.

    In a figure of ours a whole number, so that no pixel is drawn wider than another.
    """
    if ax is not None:
        box = ax.get_window_extent()
        return min(box.width / width, box.height / height)
    dpi = plt.rcParams["figure.dpi"]
    largest = (1.1 if width > 2 * tile else 2.0) * dpi / tile
    scale = min((WIDTH - room) * dpi / width, largest)
    if scale > 1:  # a whole number, and no higher than a page is wide
        return float(max(1, int(min(scale, 5 * dpi / height))))
    return scale


def receptive_field(gradient, *, centre=None, log=False, ax=None):
    """Draw |∂ output / ∂ pixel|: gradient (H, W), (C, H, W) or (1, C, H, W).

    Channels are summed. `centre` (row, column) is the output's own place, framed; by
    default the middle. Pixels without any influence stay light grey; `log` shows four
    powers of ten below the strongest. Raises ValueError for other shapes.
    """
    x = np.abs(numbers("receptive_field", "gradient", gradient).astype(float))
    x = x[0] if x.ndim == 4 and len(x) == 1 else x
    x = x.sum(axis=0) if x.ndim == 3 else x
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(
            "receptive_field: expected a gradient (H, W), (C, H, W) or (1, C, H, W),"
            f" got shape {np.shape(value_of(gradient))}"
        )
    H, W = x.shape
    row, column = (H // 2, W // 2) if centre is None else centre
    if not (0 <= row < H and 0 <= column < W):
        raise ValueError(f"receptive_field: centre {centre} is not in {H} × {W} pixels")
    top = x.max() or 1.0
    reached = np.ma.masked_equal(x, 0)
    weakest = max(top * 1e-4, reached.min() if reached.count() else 0)
    norm = LogNorm(weakest, top, clip=True) if log else Normalize(0, top)
    ax = axes_of(ax, 4.2, 3.4)
    ax.set_facecolor("0.9")
    image = ax.imshow(reached, cmap=MAGNITUDE, norm=norm, interpolation="nearest")
    corner = column - 0.5, row - 0.5
    frame = {"fill": False, "edgecolor": COLOURS[1], "linewidth": 2}
    ax.add_patch(Rectangle(corner, 1, 1, **frame))
    colour_bar(ax, image, "|∂ output / ∂ pixel|")
    ax.locator_params(integer=True, nbins=7)
    ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
    return ax


def taps(offsets, *, size=None, ax=None):
    """Draw taps, offsets (T, 2) of rows and columns (dy, dx), on a grid of pixels.

    The output's own place is ringed. The grid has `size` pixels, one odd number or
    (rows, columns); by default as few as show every tap. Raises ValueError for other
    shapes, for fractions, and where `size` leaves a tap out.
    """
    offsets = np.asarray(value_of(offsets))
    if offsets.size == 0:
        offsets = np.zeros((0, 2), int)
    if offsets.shape[1:] != (2,) or offsets.dtype.kind not in "iu":
        raise ValueError(
            "taps: offsets must be whole numbers (T, 2), got"
            f" {offsets.dtype} of shape {offsets.shape}"
        )
    needed = np.abs(offsets).max(axis=0, initial=0)
    reach = np.maximum(needed, 1) if size is None else np.broadcast_to(size, 2) // 2
    if (needed > reach).any():
        raise ValueError(f"taps: size {size} leaves out taps {needed} pixels away")
    rows, columns = reach
    used = np.zeros(2 * reach + 1, bool)
    used[tuple((offsets + reach).T)] = True
    ax = axes_of(ax, *(np.clip(0.36 * np.array(used.shape[::-1]), 1.6, 5) + 0.7))
    for (i, j), on in np.ndenumerate(used):
        style = {"facecolor": COLOURS[4] if on else "0.93", "edgecolor": "white"}
        corner = j - columns - 0.5, i - rows - 0.5
        ax.add_patch(Rectangle(corner, 1, 1, linewidth=1.5, **style))
    ring = {"markersize": 9, "fillstyle": "none", "markeredgewidth": 2}
    ax.plot(0, 0, "o", color=COLOURS[1], **ring)
    ax.set(xlim=(-columns - 0.5, columns + 0.5), ylim=(rows + 0.5, -rows - 0.5))
    ax.set(aspect="equal", xlabel="dx (pixels)", ylabel="dy (pixels)")
    wide = ax.get_window_extent().width / ax.figure.dpi
    ax.locator_params(integer=True, nbins=int(np.clip(wide / 0.35, 2, 9)))
    ax.spines[:].set_visible(False)
    return ax
