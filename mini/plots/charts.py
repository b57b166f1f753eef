"""Numbers: curves with baselines, histograms, bars, points and densities."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patheffects import withStroke

from ..tensor import value_of
from .style import COLOURS, GREY, MAGNITUDE, apart, axes_of, colour_bar, numbers

MANY = [*COLOURS, "#999999", "#882255"]  # ten digits need two more


def curves(
    lines,
    *,
    baselines=None,
    xlabel=None,
    ylabel=None,
    logx=False,
    logy=False,
    smooth=0,
    ax=None,
):
    """Draw lines {name: y} or {name: (x, y)}; points without x are counted from 1.

    `baselines` {name: value} are dashed. `smooth` in [0, 1) is the decay with distance
    of the weights that smooth a line; the raw one stays faintly visible. Names stand at
    the ends of up to eight lines where there is room, else in a legend. Raises
    ValueError for x and y of different lengths.
    """
    if not 0 <= smooth < 1:
        raise ValueError(f"curves: smooth must be 0 ≤ … < 1, got {smooth}")
    ax, ends = axes_of(ax), []
    for i, (name, line) in enumerate(lines.items()):
        x, y = _line(name, line)
        style = {"color": COLOURS[i % 8], "linestyle": ("-", ":")[i // 8 % 2]}
        if smooth:
            ax.plot(x, y, **style | {"alpha": 0.3, "linewidth": 0.7})
            y = _averaged(y, smooth)
        ax.plot(x, y, label=name, marker="o" if len(x) == 1 else None, **style)
        last = np.flatnonzero(np.isfinite(y))[-1:]
        ends += [(name, style["color"], x[k], y[k]) for k in last]
    flat = [(name, GREY, None, value) for name, value in (baselines or {}).items()]
    for *_, value in flat:
        ax.axhline(value, color=GREY, linestyle="--", linewidth=1.1, zorder=1)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_xscale("log" if logx else "linear")
    ax.set_yscale("log" if logy else "linear")
    ax.margins(x=0.01)
    x = ax.transData.transform([(x, y) for _, _, x, y in ends] or [(0, 0)])[:, 0]
    together = np.ptp(x) < 0.03 * ax.get_window_extent().width
    if len(ends) > 8 or not together or not _label_ends(ax, ends + flat):
        columns = min(4, len(lines))
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns)
        _label_ends(ax, flat, far=np.inf)
    return ax


def _line(name, line):
    x, y = line if isinstance(line, tuple) else (None, line)
    y = np.asarray(value_of(y), float)
    x = np.arange(1, y.size + 1) if x is None else np.asarray(value_of(x))
    if y.ndim != 1 or x.shape != y.shape or not y.size:
        raise ValueError(
            f"curves: x and y of {name!r} must have one length (N,),"
            f" got shapes {x.shape} and {y.shape}"
        )
    return x, y


def _averaged(y, decay):
    """At each t the height of the line fitted to y there, with weights decay^|t−s|.

    Looking both ways it does not lag, and being sloped it does not flatten the ends.
    """
    reach = min(len(y) - 1, int(12 / (1 - decay)))
    if not reach:
        return y
    away = np.arange(-reach, reach + 1)  # its sign cancels

    def total(values, power):
        kernel = decay ** np.abs(away) * (1.0 * away) ** power
        return np.convolve(values, kernel)[reach : reach + len(y)]

    ones = np.ones(len(y))
    mass, first, second = (total(ones, power) for power in range(3))
    return (second * total(y, 0) - first * total(y, 1)) / (mass * second - first**2)


def _label_ends(ax, ends, far=2.5):
    """Write names to the right of the axes, each at the height of its line's end.

    Names that touch move apart. Where one would move by more than `far` lines of text,
    nothing is written, and the answer is False.
    """
    line = 1.25 * plt.rcParams["font.size"]  # points
    ax.autoscale_view()
    pixels = ax.transData.transform([(1, end[-1]) for end in ends] or [(1, 1)])[:, 1]
    wishes = np.nan_to_num(pixels[: len(ends)] * 72 / ax.figure.dpi)
    shifts = apart(wishes, [line] * len(ends)) - wishes
    if np.abs(shifts).max(initial=0) > far * line:
        return False
    coordinates = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    for (name, colour, _, value), shift in zip(ends, shifts, strict=True):
        style = {"color": colour, "va": "center", "annotation_clip": True}
        ax.annotate(str(name), (1, value), (5, shift), **coordinates, **style)
    return True


def histogram(values, *, bins=40, xlabel=None, density=True, ax=None):
    """Draw histograms of {name: values}, or of one array, over common bins.

    Raises ValueError where there are no values, or NaNs among them.
    """
    groups = values if isinstance(values, dict) else {None: values}
    groups = {
        name: numbers("histogram", name or "values", group).ravel().astype(float)
        for name, group in groups.items()
    }
    if not groups or min(map(len, groups.values())) == 0:
        raise ValueError("histogram: there are no values to count")
    ax = axes_of(ax)
    edges = np.histogram_bin_edges(np.concatenate(list(groups.values())), bins)
    for i, (name, group) in enumerate(groups.items()):
        colour = COLOURS[i % 8]
        style = {"facecolor": colour + "40", "edgecolor": colour, "linewidth": 1.4}
        counting = {"density": density, "histtype": "stepfilled", "label": name}
        ax.hist(group, edges, **counting, **style)
    ax.set(xlabel=xlabel, ylabel="density" if density else "count")
    if list(groups) != [None]:
        ax.legend(loc="best")
    return ax


def bars(names, values, *, xlabel=None, errors=None, ax=None):
    """Draw a horizontal bar per name, the first on top, its value written at its end.

    `errors` (N,) are half lengths of error bars. Raises ValueError for lengths that
    differ.
    """
    values = numbers("bars", "values", values)
    errors = (
        np.zeros(values.shape) if errors is None else numbers("bars", "errors", errors)
    )
    if not len(names) or not values.shape == errors.shape == (len(names),):
        raise ValueError(
            f"bars: {len(names)} names, values of shape {values.shape} and errors of"
            f" shape {errors.shape} must be of one length"
        )
    places = range(len(names))
    ax = axes_of(ax, 5.5, 0.7 + 0.33 * len(names))
    ax.barh(places, values, 0.66, color=COLOURS[0])
    if errors.any():
        style = {"fmt": "none", "ecolor": "black", "elinewidth": 1.2, "capsize": 3}
        ax.errorbar(values, places, xerr=errors, **style)
    for place, value, error in zip(places, values, errors, strict=True):
        side = 1 if value >= 0 else -1
        style = {"va": "center", "ha": "left" if side > 0 else "right"}
        end, offset = (value + side * error, place), (4 * side, 0)
        ax.annotate(
            f"{value:.4g}".replace("-", "−"),
            end,
            offset,
            textcoords="offset points",
            **style,
        )
    low, high = (values - errors).min(), (values + errors).max()
    low, high = min(low, 0), max(high, 0)
    room = 0.15 * (high - low or 1)
    ax.set_xlim(low - room * (low < 0), high + room * (high > 0 or low == 0))
    ax.axvline(0, color=GREY, linewidth=0.7)
    ax.spines["left"].set_visible(False)
    ax.set_yticks(places, names)
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel=xlabel, ylim=(len(names) - 0.5, -0.5))
    return ax


def scatter(points, *, colours=None, labels=None, ax=None):
    """Draw points (N, 2), or {name: points}, in the plane with equal scales.

    `colours` (N,): whole numbers k get one colour per class, named labels[k]; floats
    run over the sequential map. Raises ValueError for other shapes.
    """
    groups = points if isinstance(points, dict) else {None: points}
    groups = {name: _plane("scatter", group) for name, group in groups.items()}
    shades = None
    if colours is not None:
        (name, group), *rest = groups.items()
        colours = numbers("scatter", "colours", colours)
        if rest or colours.shape != (len(group),):
            raise ValueError(
                f"scatter: colours must be one per point of one array of {len(group)},"
                f" got shape {colours.shape}"
            )
        if colours.dtype.kind in "iub":
            classes = np.unique(colours)
            name_of = {k: str(k) if labels is None else labels[k] for k in classes}
            groups = {name_of[k]: group[colours == k] for k in classes}
        else:
            shades = colours
    ax = axes_of(ax, 4.6, 3.8)
    size = np.clip(4000 / max(1, sum(map(len, groups.values()))), 4, 24)
    for i, (name, group) in enumerate(groups.items()):
        colour = MANY[i % len(MANY)] if shades is None else shades
        style = {"s": size, "linewidths": 0, "label": name}
        drawn = ax.scatter(*group.T, c=colour, **style)
    if shades is not None:
        drawn.set_cmap(MAGNITUDE)
        colour_bar(ax, drawn)
    if len(groups) > 8:  # too many colours for anyone: names on the spot as well
        for name, group in groups.items():
            style = {"ha": "center", "va": "center", "weight": "bold"}
            halo = [withStroke(linewidth=3, foreground="white")]
            ax.text(*np.median(group, axis=0), name, path_effects=halo, **style)
    if list(groups) != [None]:
        outside = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
        ax.legend(handletextpad=0.1, markerscale=5 / np.sqrt(size), **outside)
    ax.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    return ax


def _plane(function, points):
    points = numbers(function, "points", points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"{function}: points must be (N, 2), got {points.shape}")
    return points


def density(function, extent, *, label=None, ax=None):
    """Draw a function of the plane, (M, 2) points → (M,) values, as a map.

    extent is (left, right, bottom, top); `label` names the colour bar. Raises
    ValueError where the function returns another shape.
    """
    left, right, bottom, top = extent
    x, y = np.meshgrid(np.linspace(left, right, 201), np.linspace(bottom, top, 201))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    values = numbers("density", "function(points)", function(points))
    if values.shape != (len(points),):
        raise ValueError(
            f"density: function(points) must be ({len(points)},), got {values.shape}"
        )
    ax = axes_of(ax, 4.6, 3.8)
    look = {"cmap": MAGNITUDE, "extent": extent, "origin": "lower"}
    image = ax.imshow(values.reshape(x.shape), interpolation="nearest", **look)
    colour_bar(ax, image, label)
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    return ax
