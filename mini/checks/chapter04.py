"""Exercises of chapter 4 on sizes and taps; the others are in chapter04_kernels.py."""

import numpy as np

from .frame import exercise

# ---- output_size ---------------------------------------------------------------------


def layers_on_a_line(rng):
    yield 5, 1, 1, 0, 1
    yield 28, 3, 1, 0, 1
    yield 28, 5, 2, 2, 1
    yield 28, 3, 2, 1, 1
    yield 32, 3, 1, 2, 2
    for _ in range(20):
        kernel, stride, padding, dilation = rng.integers(1, 5, size=4)
        size = dilation * (kernel - 1) + 1 + rng.integers(0, 20)
        yield tuple(map(int, (size, kernel, stride, padding, dilation)))


@exercise("output_size", inputs=layers_on_a_line)
def output_size(size, kernel, stride, padding, dilation):
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


output_size.mistake(
    "counting the steps between the places, and not the places",
    hint="A fence of ten sections has how many posts?",
)(lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) - 1) // s)

output_size.mistake(
    "padding on one side only",
    hint="There are zeros on the left. What about the right?",
)(lambda n, k, s, p, d: (n + p - d * (k - 1) - 1) // s + 1)

output_size.mistake(
    "leaving the padding out",
    hint="How many more places are there to look from, with a border of zeros?",
)(lambda n, k, s, p, d: (n - d * (k - 1) - 1) // s + 1)

output_size.mistake(
    "leaving the dilation out",
    hint="How far apart are the first and the last tap of three taps with dilation 2?",
)(lambda n, k, s, p, d: (n + 2 * p - k) // s + 1)

output_size.mistake(
    "a kernel that spans dilation · kernel pixels",
    hint="How many gaps are there between `kernel` taps?",
)(lambda n, k, s, p, d: (n + 2 * p - d * k) // s + 1)

output_size.mistake(
    "rounding up",
    hint="Where does the last window begin, and where would the next one end?",
)(lambda n, k, s, p, d: -(-(n + 2 * p - d * (k - 1) - 1) // s) + 1)

output_size.mistake(
    "not rounding at all",
    hint="Can there be half a place to look from?",
)(lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) - 1) / s + 1)

output_size.mistake(
    "dividing after adding the 1",
    hint="The first place is there whatever the stride. Which places does it thin out?",
)(lambda n, k, s, p, d: (n + 2 * p - d * (k - 1)) // s)


@output_size.variant
def by_counting(size, kernel, stride, padding, dilation):
    last = size - 1 + padding - dilation * (kernel - 1)
    return len(range(-padding, last + 1, stride))


@output_size.variant
def by_rounding_up(size, kernel, stride, padding, dilation):
    places = size + 2 * padding - dilation * (kernel - 1)  # with a stride of 1
    return np.ceil(places / stride)


@output_size.variant
def by_slicing(size, kernel, stride, padding, dilation):
    line = np.pad(np.ones(size), padding)
    return line[dilation * (kernel - 1) :: stride].size


# ---- receptive_field -----------------------------------------------------------------


def stacks(rng):
    yield ([],)
    yield ([(3, 1, 1)],)
    yield ([(3, 1, 1), (3, 1, 1)],)
    yield ([(3, 2, 1), (3, 1, 1)],)
    yield ([(3, 1, 1), (3, 1, 2), (3, 1, 4)],)
    yield ([(5, 2, 1), (3, 2, 1), (3, 1, 1)],)
    for depth in range(2, 8):
        kernels, strides, dilations = rng.integers(1, 4, size=(3, depth)).tolist()
        yield (list(zip(kernels, strides, dilations, strict=True)),)


@exercise("receptive_field", inputs=stacks)
def receptive_field(layers):
    field, step = 1, 1
    for kernel, stride, dilation in layers:
        field += (kernel - 1) * dilation * step
        step *= stride
    return field


receptive_field.mistake(
    "leaving the strides out",
    hint="After a layer of stride 2, how many pixels apart are two neighbours?",
)(lambda layers: 1 + sum((kernel - 1) * dilation for kernel, _, dilation in layers))


@receptive_field.mistake(
    "counting a layer's own stride as if it came before its taps",
    hint="Whose steps separate a layer's taps: its own, or those of the layers below?",
)
def _(layers):
    field, step = 1, 1
    for kernel, stride, dilation in layers:
        step *= stride
        field += (kernel - 1) * dilation * step
    return field


@receptive_field.mistake(
    "leaving the dilations out",
    hint="How many steps apart are neighbouring taps of a dilated kernel?",
)
def _(layers):
    field, step = 1, 1
    for kernel, stride, _ in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


@receptive_field.mistake(
    "adding whole kernels",
    hint="One 3×3 layer sees 3 pixels across. How many does the second one add?",
)
def _(layers):
    field, step = 1, 1
    for kernel, stride, dilation in layers:
        field += kernel * dilation * step
        step *= stride
    return field


receptive_field.mistake(
    "starting from 0",
    hint="How many pixels does an output see when there is no layer at all?",
)(lambda layers: receptive_field.reference(layers) - 1)

receptive_field.mistake(
    "the layers taken in the opposite order",
    hint="The first layer in the list sees the pixels. Whose strides widen its taps?",
)(lambda layers: receptive_field.reference(layers[::-1]))


@receptive_field.mistake(
    "strides that add up",
    hint="Two layers of stride 3: how many pixels apart are neighbours after both?",
)
def _(layers):
    field, step = 1, 1
    for kernel, stride, dilation in layers:
        field += (kernel - 1) * dilation * step
        step += stride - 1
    return field


@receptive_field.variant
def from_the_top_down(layers):
    field = 1
    for kernel, stride, dilation in reversed(layers):
        field = (field - 1) * stride + dilation * (kernel - 1) + 1
    return field


@receptive_field.variant
def by_collecting_pixels(layers):
    seen = {0}
    for kernel, stride, dilation in layers[::-1]:
        seen = {i * stride + t * dilation for i in seen for t in range(kernel)}
    return max(seen) - min(seen) + 1


@receptive_field.variant
def by_arrays(layers):
    kernels, strides, dilations = np.array(layers, int).reshape(-1, 3).T
    steps = np.cumprod(strides) / strides
    return 1 + ((kernels - 1) * dilations) @ steps


# ---- causal_taps ---------------------------------------------------------------------


def kernels_and_kinds(rng):
    for size in (1, 3, 5, 7):
        for kind in "AB":
            yield size, kind


def same_taps(got, expected):
    """Whether two lists have the same taps, in any order, each once."""
    found = [tuple(int(d) for d in tap) for tap in got]
    whole = all(int(d) == d for tap in got for d in tap)
    return whole and sorted(found) == sorted(expected)


def square(size):
    r = size // 2
    return [(dy, dx) for dy in range(-r, r + 1) for dx in range(-r, r + 1)]


@exercise("causal_taps", inputs=kernels_and_kinds, compare=same_taps)
def causal_taps(size, kind):
    taps = square(size)
    centre = len(taps) // 2
    return taps[: centre + (kind == "B")]


causal_taps.mistake(
    "kinds A and B exchanged",
    hint="Which is for the first layer, whose centre is the answer itself?",
)(lambda size, kind: causal_taps.reference(size, "B" if kind == "A" else "A"))

causal_taps.mistake(
    "the future in place of the past",
    hint="y[i, j] looks at x[i + dy, j + dx]. Where is that for a positive dy?",
)(lambda size, kind: [(-dy, -dx) for dy, dx in causal_taps.reference(size, kind)])


@causal_taps.mistake(
    "only the rows above",
    hint="Which pixels of the centre's own row come before it in reading order?",
)
def _(size, kind):
    above = [tap for tap in square(size) if tap[0] < 0]
    return above + [(0, 0)] * (kind == "B")


causal_taps.mistake(
    "reading column by column",
    hint="Reading order goes along a row first. Which of dy and dx decides first?",
)(lambda size, kind: [(dx, dy) for dy, dx in causal_taps.reference(size, kind)])

causal_taps.mistake(
    "leaving out nothing but the centre",
    hint="Which of your taps look at pixels that are not drawn yet?",
)(lambda size, kind: [tap for tap in square(size) if kind == "B" or tap != (0, 0)])


@causal_taps.mistake(
    "everything above and to the left, as in a quarter plane",
    hint="Does the pixel above and one to the right come before this one, or after it?",
)
def _(size, kind):
    quarter = [tap for tap in square(size) if max(tap) <= 0]
    return [tap for tap in quarter if kind == "B" or tap != (0, 0)]


@causal_taps.mistake(
    "positions in the kernel, counted from its corner",
    hint="Offsets are counted from the centre. Where is the tap (0, 0)?",
)
def _(size, kind):
    r = size // 2
    return [(dy + r, dx + r) for dy, dx in causal_taps.reference(size, kind)]


@causal_taps.variant
def by_comparison(size, kind):
    last = (0, 0) if kind == "B" else (0, -1)
    return [tap for tap in reversed(square(size)) if tap <= last]


@causal_taps.variant
def as_an_array(size, kind):
    r, taps = size // 2, np.array(square(size))
    number = (taps[:, 0] + r) * size + taps[:, 1] + r
    return taps[number < size * size // 2 + (kind == "B")]


@causal_taps.variant
def as_a_set(size, kind):
    r = size // 2
    above = {(dy, dx) for dy in range(-r, 0) for dx in range(-r, r + 1)}
    return above | {(0, -dx) for dx in range(kind == "A", r + 1)}
