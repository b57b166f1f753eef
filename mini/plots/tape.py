"""The tape of a Tensor drawn as a graph, in layers along the flow of the data."""

from collections import defaultdict
from itertools import pairwise
from statistics import fmean

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

from ..tensor import Tensor, ancestors
from .style import COLOURS, GREY, WIDTH, apart

MOST = 40  # nodes: more cannot be read on a page
TITLE, DETAIL = 10, 8.5  # points
LEAF, OPERATION = ("#FCEBCB", COLOURS[5]), ("#DDF0FA", COLOURS[4])  # face, edge


def graph(y, *, names=None, ax=None):
    """Draw what the Tensor y was made from: leaves square, operations rounded.

    Arrows follow the data. With each name stands the shape, or the value of a scalar.
    `names` {"w": w} (or {w: "w"}) names Tensors. What needs no gradient is not on the
    tape and not drawn. Raises ValueError if nothing is recorded, or over 40 nodes.
    """
    nodes, names = _nodes(y), _by_identity(names)
    texts = {t: (_title(t, names.get(id(t))), _detail(t)) for t in nodes}
    layer = _layers(nodes)
    rows = _rows(nodes, layer)
    for down in (False, True):  # from left to right if that fits the page
        boxes = {t: _size(texts[t][0], _reserved(t), down) for t in nodes}
        thick = [max(boxes[t][down] for t in row) for row in rows]
        gap = 0.24 if down else 0.34
        centres = np.cumsum(thick) - np.array(thick) / 2 + gap * np.arange(len(thick))
        if centres[-1] + thick[-1] / 2 <= WIDTH - 0.1:
            break
    paths = _paths(nodes, layer)
    wide = {t: box[1 - down] for t, box in boxes.items()}
    across = _places(layer, paths, wide)

    def point(distance, place):
        return (place, -distance) if down else (distance, -place)

    middles = {t: point(centres[layer[t]], across[t]) for t in layer}
    ax, zoom = _canvas(ax, middles, boxes)
    starts = _ports([path[:2] for path in paths], across, wide)
    ends = _ports([path[:-3:-1] for path in paths], across, wide)
    for path, start, end in zip(paths, starts, ends, strict=True):
        first, *bends, last = path
        stops = [(centres[layer[first]] + boxes[first][down] / 2, start)]
        for bend in bends:  # straight past the boxes of that layer
            middle, half = centres[layer[bend]], thick[layer[bend]] / 2
            stops += [(middle - half, across[bend]), (middle + half, across[bend])]
        stops += [(centres[layer[last]] - boxes[last][down] / 2, end)]
        _arrow(ax, stops, point, zoom)
    for t in nodes:
        look = OPERATION if t.edges else LEAF
        _box(ax, middles[t], boxes[t], texts[t], look, down, zoom)
    return ax


def _nodes(y):
    if not isinstance(y, Tensor):
        raise TypeError(f"graph: y must be a Tensor, got {type(y).__name__}")
    if not y.requires_grad:
        raise ValueError("graph: nothing that y was made from requires a gradient")
    nodes = sorted(ancestors(y), key=lambda t: t.index)
    if len(nodes) > MOST:
        raise ValueError(
            f"graph: y was made in {len(nodes)} nodes, more than the {MOST} that can be"
            " read; draw a part of it"
        )
    return nodes


def _by_identity(names):
    pairs = [(b, a) if isinstance(a, str) else (a, b) for a, b in (names or {}).items()]
    return {t if isinstance(t, int) else id(t): name for t, name in pairs}


def _title(t, name):
    """A leaf's name; an operation's, read off the function its rule was written in."""
    if not t.edges:
        return name or "leaf"
    rule = getattr(t.edges[0][1], "__qualname__", "<lambda>")
    operation = rule.split(".<locals>")[0].strip("_").removeprefix("reduce_")
    operation = "operation" if operation == "<lambda>" else operation
    return f"{name} = {operation}" if name else operation


def _detail(t):
    return f"{t.item():.4g}".replace("-", "−") if t.shape == () else str(t.shape)


def _reserved(t):
    """As wide a text as the detail may need: no figure's size hangs on a last digit."""
    if t.shape:
        return str(t.shape)
    return "0.00000" if t.item() == 0 or 0.01 <= abs(t.item()) < 1e4 else "0.000e−00"


def _size(title, detail, beside):
    """Width and height, in inches, of a box around two texts, beside or stacked."""
    a, b = _width(title, TITLE), _width(detail, DETAIL)
    return (a + b + 0.26, 0.27) if beside else (max(0.5, a + 0.18, b + 0.18), 0.44)


def _width(text, size):
    font = FontProperties(size=size)
    return text_to_path.get_text_width_height_descent(text, font, False)[0] / 72


# ---- layout ------------------------------------------------------------------------


def _layers(nodes):
    """The layer of each node, after its parents'; a leaf stands just before its use."""
    layer, uses = {}, defaultdict(list)
    for t in nodes:
        layer[t] = 1 + max((layer[parent] for parent, _ in t.edges), default=-1)
        for parent, _ in t.edges:
            uses[parent].append(layer[t])
    leaves = {t: min(uses[t]) - 1 for t in nodes if uses[t] and not t.edges}
    return layer | leaves


def _rows(nodes, layer):
    rows = [[] for _ in range(1 + max(layer.values()))]
    for t in nodes:
        rows[layer[t]].append(t)
    return rows


def _paths(nodes, layer):
    """Parent, a bend in every layer between, child; the bends are added to `layer`.

    Arrows from one parent share their bends: they run together, then branch off.
    """
    paths = []
    for child in nodes:
        for parent, _ in child.edges:
            between = range(layer[parent] + 1, layer[child])
            bends = {(parent, k): k for k in between}
            layer.update(bends)
            paths.append([parent, *bends, child])
    return paths


def _places(layer, paths, wide):
    """Place every node and bend within its layer, near to what it is tied to.

    First sweep to and fro, each time looking at one neighbouring layer: this undoes
    crossings (Sugiyama et al. 1981). Then, in the order found, put operations in line
    with the operations before them, and leaves beside their users.
    """
    rows = _rows(layer, layer)
    before, after = defaultdict(list), defaultdict(list)
    for a, b in dict.fromkeys(pair for path in paths for pair in pairwise(path)):
        before[b].append(a)
        after[a].append(b)
    sizes = {t: wide[t] + 0.2 if t in wide else 0.24 for t in layer}
    place = {t: float(i) for row in rows for i, t in enumerate(row)}

    def settle(row, near, **options):
        wishes = [fmean(place[m] for m in near(t) or [t]) for t in row]
        found = apart(wishes, [sizes[t] for t in row], **options)
        place.update(zip(row, found, strict=True))

    for _ in range(12):
        for row in rows:
            settle(row, lambda t: before[t])
        for row in rows[::-1]:
            settle(row, lambda t: after[t])

    def in_line(t):
        computed = [m for m in before[t] if (m[0] if m not in wide else m).edges]
        return computed or before[t] or after[t]

    for _ in range(6):
        for row in rows:
            row.sort(key=place.get)
            weights = [1 if before[t] else 0.01 for t in row]
            settle(row, in_line, weights=weights, order=np.arange(len(row)))
    return place


def _ports(ties, across, wide):
    """Where each arrow, tied (node, next), meets the node's side: apart from others,

    except for those that run together, to the same bend.
    """
    at = defaultdict(set)
    tags = [(across[b], k if b in wide else -1) for k, (_, b) in enumerate(ties)]
    for (node, _), tag in zip(ties, tags, strict=True):
        at[node].add(tag)
    ports = []
    for (node, _), tag in zip(ties, tags, strict=True):
        step = min(0.13, 0.6 * wide[node] / len(at[node]))
        rank = sorted(at[node]).index(tag) - (len(at[node]) - 1) / 2
        ports.append(across[node] + step * rank)
    return ports


# ---- drawing -----------------------------------------------------------------------


def _canvas(ax, middles, boxes):
    """Axes measured in inches, and how much smaller than life they are shown."""
    centre = np.array(list(middles.values()))
    half = np.array([boxes.get(t, (0, 0)) for t in middles]) / 2
    low, high = (centre - half).min(axis=0) - 0.04, (centre + half).max(axis=0) + 0.04
    size = high - low
    if ax is None:
        zoom = min(1.0, WIDTH / size[0])
        ax = plt.figure(figsize=size * zoom, layout="none").add_axes((0, 0, 1, 1))
    else:  # shrink to fit, but do not blow up
        ax.axis("off")
        ax.figure.draw_without_rendering()  # lets the layout find its final size
        box = ax.get_window_extent()
        room = np.array([box.width, box.height]) / ax.figure.dpi
        zoom = min(1.0, *(room / size))
        margin = np.maximum(room / zoom - size, 0) / 2
        low, high = low - margin, high + margin
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    ax.axis("off")
    return ax, zoom


def _box(ax, middle, size, texts, colours, beside, zoom):
    (x, y), (width, height) = middle, size
    style = "square,pad=0" if colours is LEAF else "round,pad=0,rounding_size=0.1"
    look = {"facecolor": colours[0], "edgecolor": colours[1], "linewidth": 1.2 * zoom}
    corner = x - width / 2, y - height / 2
    ax.add_artist(FancyBboxPatch(corner, width, height, boxstyle=style, **look))
    if beside:
        places = (corner[0] + 0.08, y), (corner[0] + width - 0.08, y)
    else:
        places = (x, y + 0.085), (x, y - 0.105)
    sides = ("left", "right") if beside else ("center", "center")
    looks = (TITLE, "black"), (DETAIL, "#444444")
    for text, at, side, (points, colour) in zip(
        texts, places, sides, looks, strict=True
    ):
        style = {"fontsize": points * zoom, "color": colour, "ha": side}
        ax.text(*at, text, va="center_baseline" if beside else "center", **style)


def _arrow(ax, stops, point, zoom):
    """A smooth line through the stops, leaving and arriving along the flow."""
    corners, codes = [point(*stops[0])], [Path.MOVETO]
    for (a, p), (b, q) in pairwise(stops):
        middle = (a + b) / 2
        corners += [point(middle, p), point(middle, q), point(b, q)]
        codes += [Path.CURVE4] * 3
    look = {"color": GREY, "linewidth": 1.1 * zoom, "capstyle": "butt"}
    head = {"arrowstyle": "-|>", "mutation_scale": 9 * zoom}
    ax.add_artist(FancyArrowPatch(path=Path(corners, codes), **head, **look))
