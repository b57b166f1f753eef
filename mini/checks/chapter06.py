"""Exercises of chapter 6 on taps; the others are in chapter06_models.py."""

import itertools

from .chapter04 import same_taps, square
from .frame import exercise

# ---- dilated_past --------------------------------------------------------------------


def dilated_kernels(rng):
    for size in (3, 5, 7):
        for dilation in (1, 2, 4):
            for kind in "AB":
                yield size, dilation, kind


@exercise("dilated_past", inputs=dilated_kernels, compare=same_taps)
def dilated_past(size, dilation, kind):
    last = (0, 0) if kind == "B" else (0, -1)
    return [(dilation * a, dilation * b) for a, b in square(size) if (a, b) <= last]


dilated_past.mistake(
    "leaving the dilation out",
    hint="How far apart are neighbouring taps of a kernel with dilation 2?",
)(lambda size, dilation, kind: dilated_past.reference(size, 1, kind))

dilated_past.mistake(
    "kinds A and B exchanged",
    hint="Which one is for the first layer, whose centre is the answer itself?",
)(lambda n, d, kind: dilated_past.reference(n, d, "B" if kind == "A" else "A"))

dilated_past.mistake(
    "the future in place of the past",
    hint="A tap (dy, dx) looks dy rows further down. What sign has dy in the past?",
)(lambda n, d, kind: [(-a, -b) for a, b in dilated_past.reference(n, d, kind)])

dilated_past.mistake(
    "rows and columns exchanged",
    hint="Reading order goes along a row first. Which of dy and dx decides first?",
)(lambda n, d, kind: [(b, a) for a, b in dilated_past.reference(n, d, kind)])


@dilated_past.mistake(
    "every pixel in reach, where a dilated kernel skips some",
    hint="How many weights does a 3×3 kernel have, whatever its dilation?",
)
def _(size, dilation, kind):
    return dilated_past.reference((size - 1) * dilation + 1, 1, kind)


@dilated_past.mistake(
    "only the rows above",
    hint="Which pixels of the centre's own row come before it in reading order?",
)
def _(size, dilation, kind):
    return [t for t in dilated_past.reference(size, dilation, kind) if t[0] or not t[1]]


@dilated_past.mistake(
    "everything above and to the left, as in a quarter plane",
    hint="Does the pixel above and one to the right come before this one, or after it?",
)
def _(size, dilation, kind):
    return [tap for tap in dilated_past.reference(size, dilation, kind) if tap[1] <= 0]


@dilated_past.mistake(
    "dilating the columns and not the rows",
    hint="A dilated window is larger than its kernel in which directions?",
)
def _(size, dilation, kind):
    return [(a // dilation, b) for a, b in dilated_past.reference(size, dilation, kind)]


@dilated_past.variant
def by_counting(size, dilation, kind):
    count = size * size // 2 + (kind == "B")
    return [(dilation * a, dilation * b) for a, b in square(size)[:count]]


@dilated_past.variant
def by_two_loops(size, dilation, kind):
    r = size // 2
    above = [(-d * dilation, e * dilation) for d in range(1, r + 1)
             for e in range(-r, r + 1)]  # fmt: skip
    return above + [(0, -e * dilation) for e in range(kind == "A", r + 1)]


@dilated_past.variant
def from_range(size, dilation, kind):
    steps = range(-(size // 2) * dilation, size // 2 * dilation + 1, dilation)
    past = [tap for tap in itertools.product(steps, steps) if tap < (0, 0)]
    return past + [(0, 0)] * (kind == "B")


# ---- furthest_look -------------------------------------------------------------------


def stacks_of_blocks(rng):
    yield 7, 3, ()
    yield 3, 3, (1,)
    yield 7, 3, (1, 2, 4)
    yield 7, 3, (1, 2, 4) * 4
    yield 5, 5, (1, 1)
    for _ in range(8):
        first, kernel = (2 * rng.integers(1, 5, size=2) + 1).tolist()
        yield first, kernel, tuple(rng.integers(1, 6, size=rng.integers(2, 7)).tolist())


@exercise("furthest_look", inputs=stacks_of_blocks)
def furthest_look(first_size, kernel_size, dilations):
    return first_size // 2 + kernel_size // 2 * sum(dilations)


furthest_look.mistake(
    "the dilations left out",
    hint="How many rows up is the top tap of a 3×3 kernel with dilation 4?",
)(lambda first, kernel, d: first // 2 + kernel // 2 * len(d))

furthest_look.mistake(
    "the whole width of a field that looks both up and down",
    hint="A masked network sees nothing below itself. Which half of the width is left?",
)(lambda first, kernel, d: first + (kernel - 1) * sum(d))

furthest_look.mistake(
    "adding whole kernels",
    hint="From its centre, how many rows up does a kernel of 7 reach?",
)(lambda first, kernel, d: first + kernel * sum(d))

furthest_look.mistake(
    "only the furthest single layer",
    hint="A layer looks at what the layer below saw. Do their looks add, or compete?",
)(lambda first, kernel, d: max([first // 2, *(kernel // 2 * e for e in d)]))

furthest_look.mistake(
    "the first layer left out",
    hint="Who looks at the pixels themselves?",
)(lambda first, kernel, d: kernel // 2 * sum(d))

furthest_look.mistake(
    "counting the row that the output itself stands in",
    hint="With no block at all and a first kernel of 7, how many rows up can it see?",
)(lambda first, kernel, d: first // 2 + kernel // 2 * sum(d) + 1)


@furthest_look.mistake(
    "dilations that multiply",
    hint="A tap 2 rows up of something that looked 4 rows up: how far up is that?",
)
def _(first, kernel, dilations):
    product = 1
    for dilation in dilations:
        product *= dilation
    return first // 2 + kernel // 2 * product * bool(dilations)


@furthest_look.variant
def layer_by_layer(first_size, kernel_size, dilations):
    rows = (first_size - 1) // 2
    for dilation in dilations:
        rows += dilation * (kernel_size - 1) // 2
    return rows


@furthest_look.variant
def from_the_width(first_size, kernel_size, dilations):
    return (first_size + sum((kernel_size - 1) * d for d in dilations) - 1) // 2


@furthest_look.variant
def by_walking(first_size, kernel_size, dilations):
    top = [min(dilated_past.reference(kernel_size, d, "B"))[0] for d in dilations]
    return -sum(top) - min(square(first_size))[0]


# ---- seen_through --------------------------------------------------------------------


def lists_of_taps(rng):
    past = dilated_past.reference
    yield ([past(3, 1, "A")],)
    yield ([past(3, 1, "A"), past(3, 1, "B")],)
    yield ([past(5, 1, "A"), past(3, 1, "B"), past(3, 2, "B")],)
    yield ([[(-1, 1), (0, -2)], [(0, -1), (-3, 0)], [(-1, -1)]],)
    yield ([past(3, 1, "A"), *[past(3, 1, "B")] * 4],)


def same_places(got, expected):
    """Whether got holds these pairs, in any kind of collection, perhaps twice."""
    found = {tuple(int(d) for d in place) for place in got}
    return found == expected and all(int(d) == d for place in got for d in place)


def added(a, b, sign=1):
    return {(p + sign * r, q + sign * s) for p, q in a for r, s in b}


@exercise("seen_through", inputs=lists_of_taps, compare=same_places)
def seen_through(layers):
    places = {(0, 0)}
    for taps in layers:
        places = added(places, taps)
    return places


seen_through.mistake(
    "the layers' taps put together, not one after the other",
    hint="A tap to the left of a tap above: which pixel is that?",
)(lambda layers: set().union(*layers))

seen_through.mistake(
    "starting from nothing",
    hint="With no layers at all, what does an output at (0, 0) look at? Begin there.",
)(lambda layers: set())

seen_through.mistake(
    "only the last layer",
    hint="The last layer does not look at pixels. What did the things it looks at see?",
)(lambda layers: set(layers[-1]))

seen_through.mistake(
    "only the first layer",
    hint="Which pixels does the second layer reach through the first one's outputs?",
)(lambda layers: set(layers[0]))

seen_through.mistake(
    "the same tap number in every layer",
    hint="May a path go up in one layer and left in the next?",
)(lambda layers: {tuple(map(sum, zip(*p, strict=True))) for p in zip(*layers)})  # noqa: B905


@seen_through.mistake(
    "keeping what earlier layers saw, as if each layer had a centre",
    hint="With a mask A alone, is the output's own pixel among those it sees?",
)
def _(layers):
    places = {(0, 0)}
    for taps in layers:
        places |= added(places, taps)
    return places


@seen_through.mistake(
    "offsets subtracted",
    hint="An output at (0, 0) looks at (dy, dx). Where does that one look?",
)
def _(layers):
    places = {(0, 0)}
    for taps in layers:
        places = added(places, taps, -1)
    return places


@seen_through.variant
def along_every_path(layers):
    return {
        (sum(a for a, _ in path), sum(b for _, b in path))
        for path in itertools.product(*(sorted(set(taps)) for taps in layers[:3]))
    } if len(layers) <= 3 else seen_through.reference(layers)  # fmt: skip


@seen_through.variant
def from_the_pixels_up(layers):
    places = [(0, 0)]
    for taps in reversed(layers):
        places = sorted({(a + p, b + q) for p, q in places for a, b in taps})
    return places


@seen_through.variant
def with_repeats(layers):
    places = list(layers[0])
    for taps in layers[1:3]:
        places = [[a + p, b + q] for p, q in places for a, b in taps]
    for taps in layers[3:]:
        places = list(added(places, taps))
    return places
