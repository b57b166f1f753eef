"""Figures: what is drawn, where, and what is refused."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from mini import Tensor, no_grad, plots
from mini import functional as F
from mini.plots.style import apart


@pytest.fixture(autouse=True)
def style(monkeypatch):
    with plt.rc_context():
        plots.use_style()
        monkeypatch.setattr(plt, "show", lambda: pytest.fail("plots called plt.show"))
        yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def shown(ax):
    """The picture's values at pixel coordinates (row, column), as a function."""
    (image,) = ax.images
    picture = np.ma.filled(image.get_array().astype(float), np.nan)
    left, right, bottom, top = image.get_extent()

    def at(row, column):
        i = (row - top) / (bottom - top) * picture.shape[0]
        j = (column - left) / (right - left) * picture.shape[1]
        return picture[int(i), int(j)]

    return at


ONE_OF_EACH = {
    "images": lambda ax: plots.images(np.ones((2, 1, 4, 4)), ax=ax),
    "signed": lambda ax: plots.signed(np.ones((2, 4, 4)), ax=ax),
    "curves": lambda ax: plots.curves({"a": [1, 2]}, baselines={"b": 3}, ax=ax),
    "histogram": lambda ax: plots.histogram({"a": [1, 2]}, ax=ax),
    "bars": lambda ax: plots.bars(["a", "b"], [1, -2], errors=[0.1, 0.2], ax=ax),
    "scatter": lambda ax: plots.scatter(np.eye(2), colours=np.arange(2), ax=ax),
    "density": lambda ax: plots.density(lambda p: p[:, 0], (0, 1, 0, 1), ax=ax),
    "graph": lambda ax: plots.graph(Tensor([1.0], requires_grad=True).sum(), ax=ax),
    "receptive_field": lambda ax: plots.receptive_field(np.eye(5), ax=ax),
    "taps": lambda ax: plots.taps([(0, 1), (-1, 0)], ax=ax),
}


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_draws_into_the_given_axes_or_a_new_narrow_figure(name):
    _, axes = plots.panels(2)
    assert ONE_OF_EACH[name](axes[1]) is axes[1]
    ax = ONE_OF_EACH[name](None)
    assert ax.figure is not axes[0].figure
    ax.figure.draw_without_rendering()  # with warnings as errors
    assert ax.figure.get_tightbbox().width <= 7.1


# ---- images ------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [None, list("abcdef")])
@pytest.mark.parametrize("H, W", [(28, 28), (3, 5)])
def test_every_pixel_stands_in_its_tile(H, W, labels, rng):
    x = rng.integers(0, 256, (6, 1, H, W), dtype=np.uint8)
    ax = plots.images(x, rows=2, row_labels="ab", column_labels="pqr", labels=labels)
    at = shown(ax)
    for n, (row, column) in enumerate(np.ndindex(2, 3)):
        top = round(ax.get_yticks()[row] - (H - 1) / 2, 6)
        left = round(ax.get_xticks()[column] - (W - 1) / 2, 6)
        found = [[at(top + i, left + j) for j in range(W)] for i in range(H)]
        np.testing.assert_array_equal(found, x[n, 0])
        assert column == 2 or np.isnan(at(top, left + W - 0.45))  # a separator
    assert [t.get_text() for t in ax.get_xticklabels()] == ["p", "q", "r"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
    assert texts(ax) == (labels or [])


def test_labels_stand_right_above_their_tiles(rng):
    ax = plots.images(rng.random((4, 28, 28)), columns=2, labels=[7, 8, 9, 10])
    assert texts(ax) == ["7", "8", "9", "10"]
    (left, _, low, _) = (text.xy for text in ax.texts)
    assert left == (13.5, -0.5) and low[0] == 13.5 and low[1] > 28
    assert np.isnan(shown(ax)(low[1] - 1, low[0]))


def test_colour_images_and_limits():
    x = np.zeros((1, 3, 2, 2), np.uint8)
    x[0, :, 0, 1] = 255, 51, 0
    at = shown(plots.images(x))
    np.testing.assert_allclose(at(0, 1), [1, 0.2, 0])
    np.testing.assert_allclose(at(1, 0), 0)
    assert plots.images(x[:, :1]).images[0].get_clim() == (0, 255)
    assert plots.images(x[:, :1] // 255).images[0].get_clim() == (0, 1)
    assert plots.images(x[0, 0] / 255).images[0].get_clim() == (0, 1)
    assert plots.images(x[0, 0] - 1.0, vmin=-1, vmax=254).images[0].get_clim() == (
        -1,
        254,
    )


def test_pixels_are_drawn_even_and_tiles_fill_rows():
    ax = plots.images(np.zeros((64, 28, 28)))
    width, height = ax.figure.get_size_inches() * ax.figure.dpi
    high, wide = ax.images[0].get_array().shape[:2]
    assert width / wide == height / high == int(width / wide)
    assert wide == high  # 64 = 8 × 8


def test_signed_is_symmetric_and_lays_out_weights(rng):
    x = rng.normal(size=(4, 3, 5, 5))
    x[2, 1, 0, 4] = -9
    ax = plots.signed(Tensor(x), label="weight")
    assert ax.images[0].get_clim() == (-9, 9)
    assert ax.child_axes[0].get_ylabel() == "weight"
    high, wide = ax.images[0].get_array().shape
    assert high / wide == pytest.approx(4 / 3, rel=0.02)
    assert plots.signed(x[0, 0], limit=2).images[0].get_clim() == (-2, 2)
    assert not plots.signed(np.zeros((3, 3)), bar=False).child_axes


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: plots.images(np.zeros((2, 2, 4, 4))), "1 or 3 channels"),
        (lambda: plots.images(np.zeros(4)), r"got shape \(4,\)"),
        (lambda: plots.images(np.zeros((0, 4, 4))), r"got shape \(0, 4, 4\)"),
        (lambda: plots.images(np.full((1, 4, 4), -0.5)), "plots.signed"),
        (lambda: plots.images(np.full((1, 4, 4), 1.5)), "give vmin and vmax"),
        (lambda: plots.images(np.full((1, 4, 4), np.nan)), "NaN"),
        (lambda: plots.images(np.zeros((5, 4, 4)), rows=2, columns=2), "do not fit"),
        (lambda: plots.images(np.zeros((5, 4, 4)), labels="abc"), "expected 5 labels"),
        (lambda: plots.signed(np.zeros((2, 2)), limit=-1), "limit must be positive"),
        (lambda: plots.receptive_field(np.zeros((2, 3, 4, 4))), "got shape"),
        (lambda: plots.receptive_field(np.eye(4), centre=(4, 0)), "centre"),
        (lambda: plots.taps([(0, 1, 2)]), "offsets must be"),
        (lambda: plots.taps([(0, 0.5)]), "offsets must be"),
        (lambda: plots.taps([(0, 3)], size=5), "leaves out"),
        (lambda: plots.curves({"a": ([1, 2], [1, 2, 3])}), "'a' must have one length"),
        (lambda: plots.curves({"a": []}), "one length"),
        (lambda: plots.curves({"a": [1]}, smooth=1), "smooth"),
        (lambda: plots.histogram({"a": []}), "no values"),
        (lambda: plots.bars(["a"], [1, 2]), "one length"),
        (lambda: plots.bars(["a"], [1], errors=[1, 2]), "one length"),
        (lambda: plots.scatter(np.zeros((3, 3))), r"must be \(N, 2\)"),
        (lambda: plots.scatter(np.zeros((3, 2)), colours=[1, 2]), "colours"),
        (lambda: plots.density(lambda p: p, (0, 1, 0, 1)), "density"),
        (lambda: plots.panels(0), "panels"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- receptive fields and taps -----------------------------------------------------


def test_receptive_field_shows_magnitudes_and_marks_the_centre():
    g = np.zeros((1, 2, 5, 7))
    g[0, :, 1, 2] = -3, 4
    ax = plots.receptive_field(g, centre=(3, 4))
    picture = ax.images[0].get_array()
    assert picture[1, 2] == 7 and picture.count() == 1  # the others are masked
    assert ax.patches[0].get_xy() == (3.5, 2.5)
    assert "pixels" in ax.get_xlabel() and "pixels" in ax.get_ylabel()
    g[0, 0, 2, 2] = 1e-9
    assert plots.receptive_field(g, log=True).images[0].norm.vmin == pytest.approx(7e-4)


def test_taps_fill_their_squares():
    ax = plots.taps([(-1, 0), (0, -2)])
    filled = [p.get_xy() for p in ax.patches if p.get_facecolor()[0] < 0.9]
    assert sorted(filled) == [(-2.5, -0.5), (-0.5, -1.5)]
    assert len(ax.patches) == 3 * 5
    assert ax.lines[0].get_xydata().tolist() == [[0, 0]]
    assert ax.yaxis_inverted()  # dy grows downwards, as rows do
    assert len(plots.taps(F.grid_of_taps(3, 3, 1, (1, 1)), size=5).patches) == 25


# ---- charts ------------------------------------------------------------------------


def test_curves_are_named_at_their_ends_or_in_a_legend(rng):
    y = np.linspace(1, 0, 50)
    ax = plots.curves({"a": y, "b": y + 1}, baselines={"c": 0.5}, xlabel="step")
    assert texts(ax) == ["a", "b", "c"] and ax.get_legend() is None
    assert ax.get_xlabel() == "step"
    assert ax.lines[0].get_xdata()[0] == 1
    assert ax.lines[2].get_linestyle() == "--" and ax.lines[2].get_ydata()[0] == 0.5
    crowded = plots.curves({str(k): y for k in range(8)}, baselines={"c": 0.5})
    assert [t.get_text() for t in crowded.get_legend().texts] == list("01234567")
    assert texts(crowded) == ["c"]
    short = plots.curves({"a": y, "b": y[:20]})
    assert short.get_legend() is not None


def test_smoothing_keeps_lines_and_removes_noise(rng):
    t = np.arange(400.0)
    line = 3 - 0.01 * t
    raw, smooth = plots.curves({"a": line}, smooth=0.9).lines
    np.testing.assert_allclose(smooth.get_ydata(), line, atol=1e-9)
    np.testing.assert_array_equal(raw.get_ydata(), line)
    noisy = rng.normal(size=400)
    smooth = plots.curves({"a": noisy}, smooth=0.9).lines[1].get_ydata()
    slow = [  # the same fit, one point at a time
        np.polyfit(t - s, noisy, 1, w=np.sqrt(0.9 ** np.abs(t - s)))[1] for s in t[:9]
    ]
    np.testing.assert_allclose(smooth[:9], slow, atol=1e-4)
    assert smooth.std() < 0.4
    assert plots.curves({"a": [2.0]}, smooth=0.9).lines[1].get_ydata() == [2.0]


def test_a_curve_that_ends_in_nan_and_log_axes():
    ax = plots.curves({"a": [1, 2, np.nan], "b": [1, 2, 3]}, logx=True, logy=True)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    ax.figure.draw_without_rendering()


def test_apart_keeps_order_and_distance(rng):
    wishes, sizes = rng.normal(size=9), rng.uniform(0.1, 1, 9)
    places, order = apart(wishes, sizes), np.argsort(wishes)
    room = np.diff(places[order]) - (sizes[order][1:] + sizes[order][:-1]) / 2
    assert room.min() > -1e-12
    np.testing.assert_allclose(apart([1, 5, 9], [1, 1, 1]), [1, 5, 9])
    np.testing.assert_allclose(apart([0, 0], [2, 2]), [-1, 1])
    np.testing.assert_allclose(apart([0, 0], [2, 2], weights=[3, 1]), [-0.5, 1.5])


def test_histogram_counts_over_common_bins(rng):
    a, b = rng.normal(size=500), rng.normal(3, 1, size=500)
    ax = plots.histogram({"a": a, "b": b}, bins=20, xlabel="x", density=False)
    assert ax.get_ylabel() == "count" and ax.get_xlabel() == "x"
    assert [t.get_text() for t in ax.get_legend().texts] == ["a", "b"]
    edges = np.histogram_bin_edges(np.concatenate([a, b]), 20)
    top = max(np.histogram(a, edges)[0].max(), np.histogram(b, edges)[0].max())
    assert ax.dataLim.y1 == top
    assert plots.histogram(a).get_legend() is None


def test_bars_carry_names_and_values():
    ax = plots.bars(["a", "b"], [3.0, -1.25], errors=[0.5, 0], xlabel="nats")
    assert [bar.get_width() for bar in ax.patches] == [3, -1.25]
    assert texts(ax) == ["3", "−1.25"] and ax.texts[0].xy == (3.5, 0)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
    assert ax.yaxis_inverted() and ax.get_xlabel() == "nats"
    assert ax.get_xlim()[0] < -1.25


def test_scatter_groups_points_by_class(rng):
    points, classes = rng.normal(size=(30, 2)), np.arange(30) % 3
    ax = plots.scatter(points, colours=classes, labels=["cat", "dog", "owl"])
    assert [t.get_text() for t in ax.get_legend().texts] == ["cat", "dog", "owl"]
    np.testing.assert_array_equal(ax.collections[1].get_offsets(), points[1::3])
    assert ax.get_aspect() == 1
    shaded = plots.scatter(points, colours=points[:, 0])
    np.testing.assert_array_equal(shaded.collections[0].get_array(), points[:, 0])
    both = plots.scatter({"data": points, "samples": points + 1})
    assert len(both.collections) == 2
    many = plots.scatter(points, colours=np.arange(30) % 10)
    assert texts(many) == list("0123456789")


def test_density_draws_the_function_the_right_way_up():
    ax = plots.density(lambda p: p[:, 0] + 10 * p[:, 1], (0, 1, 2, 5), label="p")
    (image,) = ax.images
    picture = image.get_array()
    assert tuple(image.get_extent()) == (0, 1, 2, 5) and image.origin == "lower"
    corners = [picture[0, 0], picture[0, -1], picture[-1, 0], picture[-1, -1]]
    np.testing.assert_allclose(corners, [20, 21, 50, 51])


def test_panels():
    fig, axes = plots.panels(5, columns=3, height=2, sharey=True)
    assert len(axes) == 5 and tuple(fig.get_size_inches()) == (7, 4)
    assert len(fig.axes) == 5  # the sixth is gone


# ---- the tape ----------------------------------------------------------------------


def nodes(ax):
    return [p for p in ax.patches if isinstance(p, FancyBboxPatch)]


def arrows(ax):
    """Pairs (from, to) of the names of the boxes that each arrow touches."""
    names = {}
    for box, title in zip(nodes(ax), ax.texts[::2], strict=True):
        names[title.get_text()] = box.get_bbox().padded(0.01)

    def at(point):
        (name,) = (n for n, box in names.items() if box.contains(*point))
        return name

    return sorted((at(line[0]), at(line[-1])) for line in lines(ax))


def lines(ax):
    """The corners of every arrow, from its tail to its head."""
    arrows = (p for p in ax.patches if isinstance(p, FancyArrowPatch))
    return [arrow._path_original.vertices for arrow in arrows]


def test_graph_has_the_nodes_and_arrows_of_the_expression():
    a, b = Tensor(2.0, requires_grad=True), Tensor(np.ones((3, 4)), requires_grad=True)
    product = a * b
    y = (product + a * a).tanh().sum()
    ax = plots.graph(y, names={"a": a, b: "b", id(product): "p"})
    assert sorted(texts(ax)[::2]) == sorted(
        ["a", "b", "p = mul", "mul", "add", "tanh", "sum"]
    )
    detail = dict(zip(texts(ax)[::2], texts(ax)[1::2], strict=True))
    assert detail["a"] == "2" and detail["mul"] == "4" and detail["b"] == "(3, 4)"
    assert arrows(ax) == [
        ("a", "mul"),
        ("a", "mul"),
        ("a", "p = mul"),
        ("add", "tanh"),
        ("b", "p = mul"),
        ("mul", "add"),
        ("p = mul", "add"),
        ("tanh", "sum"),
    ]
    square = [p for p in nodes(ax) if "Square" in type(p.get_boxstyle()).__name__]
    assert len(square) == 2  # the leaves


def test_a_leaf_stands_just_before_its_use():
    a, b, c = (Tensor(2.0, requires_grad=True) for _ in range(3))
    ax = plots.graph(a * b + c, names={"a": a, "b": b, "c": c})
    titles = texts(ax)[::2]
    along = {t: node.get_x() for t, node in zip(titles, nodes(ax), strict=True)}
    assert along["a"] == along["b"] < along["c"] == along["mul"] < along["add"]


def test_a_graph_keeps_its_size_when_a_value_changes_a_little():
    def size(value):
        y = Tensor(np.float64(value), requires_grad=True).tanh()
        return tuple(plots.graph(y).figure.get_size_inches())

    assert size(0.5) == size(0.123456) == size(-1 / 3)


def deep(n):
    x = Tensor(np.ones(3), requires_grad=True)
    y = x
    for _ in range(n):
        y = y.tanh() + x
    return y.sum()


@pytest.mark.parametrize("layers", [2, 18])
def test_graph_boxes_do_not_overlap_and_data_flows_one_way(layers):
    ax = plots.graph(deep(layers))
    boxes = [node.get_bbox() for node in nodes(ax)]
    assert len(boxes) == 2 * layers + 2
    for i, a in enumerate(boxes):
        assert not any(a.overlaps(b) for b in boxes[:i])
    for line in lines(ax):
        steps = np.diff(line, axis=0)
        assert (steps[:, 0] > -1e-9).all() or (steps[:, 1] < 1e-9).all()


def test_a_graph_without_need_of_crossings_has_none(rng):
    leaves = [Tensor(rng.normal(size=3), requires_grad=True) for _ in range(8)]
    layer = leaves[::2] + leaves[1::2]
    while len(layer) > 1:  # a tree, its leaves made in another order than used
        layer = [a * b for a, b in zip(layer[::2], layer[1::2], strict=True)]
    ax = plots.graph(layer[0])
    ends = [line[[0, -1]] for line in lines(ax)]
    for i, p in enumerate(ends):
        for q in ends[:i]:
            if abs(p[0, 0] - q[0, 0]) < 0.3:  # between the same two layers
                assert (p[0, 1] - q[0, 1]) * (p[1, 1] - q[1, 1]) >= 0


def test_graph_refuses_what_cannot_be_drawn():
    with pytest.raises(TypeError, match="must be a Tensor"):
        plots.graph(np.ones(3))
    with no_grad(), pytest.raises(ValueError, match="requires a gradient"):
        plots.graph(deep(1))
    with pytest.raises(ValueError, match="42 nodes"):
        plots.graph(deep(20))
