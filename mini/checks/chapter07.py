"""Exercises of chapter 7 on masks; chapter07_gate, _images, _values have the others."""

import numpy as np

from .frame import exercise

# ---- shifted_down --------------------------------------------------------------------


def stacks_of_rows(rng):
    yield (np.arange(1.0, 7.0).reshape(1, 1, 3, 2),)
    yield (np.ones((1, 1, 1, 1)),)
    for _ in range(4):
        yield (rng.normal(size=rng.integers(2, 5, size=4)),)


@exercise("shifted_down", inputs=stacks_of_rows, causal="v")
def shifted_down(v):
    moved = np.zeros_like(v)
    moved[:, :, 1:] = v[:, :, :-1]
    return moved


@shifted_down.variant
def by_padding(v):
    return np.pad(v, [(0, 0), (0, 0), (1, 0), (0, 0)])[:, :, : v.shape[2]]


@shifted_down.variant
def by_rolling(v):
    moved = np.roll(v, 1, axis=2)
    moved[:, :, 0] = 0
    return moved


@shifted_down.variant
def by_gluing(v):
    return np.concatenate([0 * v[:, :, :1], v[:, :, :-1]], axis=2)


shifted_down.mistake(
    "rows that leave at the bottom and come back at the top",
    hint="The first row now holds the last one. What may the first row of an image"
    " know?",
)(lambda v: np.roll(v, 1, axis=2))

shifted_down.mistake(
    "a shift up: every row gets what belongs to the row below",
    hint="Row i should receive what was computed for row i − 1. Which slice is that?",
)(lambda v: np.pad(v, [(0, 0), (0, 0), (0, 1), (0, 0)])[:, :, 1:])

shifted_down.mistake(
    "a shift to the right",
    hint="(N, C, H, W): which axis counts the rows?",
)(lambda v: np.pad(v, [(0, 0), (0, 0), (0, 0), (1, 0)])[..., :-1])

shifted_down.mistake(
    "an image with one row more",
    hint="There is a new first row. What happens to the last one?",
)(lambda v: np.pad(v, [(0, 0), (0, 0), (1, 0), (0, 0)]))

shifted_down.mistake(
    "an image with one row less",
    hint="What does the first row receive, which has nothing above it?",
)(lambda v: v[:, :, :-1])

shifted_down.mistake(
    "a first row that is repeated",
    hint="Nothing is above the first row. What number says so?",
)(lambda v: np.concatenate([v[:, :, :1], v[:, :, :-1]], axis=2))


@shifted_down.mistake(
    "rows overwritten in turn, the first one copied all the way down",
    hint="When row 2 is filled from row 1, what does row 1 hold by then?",
)
def _(v):
    moved = v.copy()
    moved[:, :, :] = v[:, :, :1]
    moved[:, :, 0] = 0
    return moved


# ---- centre_mask ---------------------------------------------------------------------


def colour_layers(rng):
    for O, C, colours, halves in [
        (3, 3, 3, 1), (6, 3, 3, 2), (6, 6, 3, 1), (12, 6, 3, 2), (8, 6, 2, 2),
        (12, 3, 3, 4), (1, 1, 1, 1), (18, 9, 3, 3),
    ]:  # fmt: skip
        for kind in "AB":
            yield kind, O, C, colours, halves


def sees(source, target, kind):
    return source < target if kind == "A" else source <= target


@exercise("centre_mask", inputs=colour_layers)
def centre_mask(kind, O, C, colours, halves):
    source = np.arange(C) // (C // colours)
    part = O // halves
    target = np.arange(O) % part // (part // colours)
    return sees(source, target[:, None], kind)


@centre_mask.variant
def by_tiling(kind, O, C, colours, halves):
    one = np.tril(np.ones((colours, colours), bool), -1 if kind == "A" else 0)
    wide = one.repeat(O // halves // colours, 0).repeat(C // colours, 1)
    return np.tile(wide, (halves, 1))


@centre_mask.variant
def by_loops(kind, O, C, colours, halves):
    mask, part = np.zeros((O, C), bool), O // halves
    for o in range(O):
        for c in range(C):
            mine, other = (o % part) * colours // part, c * colours // C
            mask[o, c] = other < mine or (kind == "B" and other == mine)
    return mask


@centre_mask.variant
def by_kronecker(kind, O, C, colours, halves):
    block = np.ones((O // halves // colours, C // colours))
    one = np.kron(np.tri(colours, k=-(kind == "A")), block)
    return np.concatenate([one] * halves).astype(bool)


@centre_mask.mistake(
    "the outputs are cut into colours as one sequence, not once in each half",
    hint="With two halves, output channels O/2 … O − 1 are red, green and blue again,"
    " now as gates. What may the gate of red see?",
)
def _(kind, O, C, colours, halves):
    return centre_mask.reference(kind, O, C, colours, 1) if O % colours == 0 else None


@centre_mask.mistake(
    "kinds A and B exchanged",
    hint="Which kind is for the first layer, whose red channel is the answer itself?",
)
def _(kind, O, C, colours, halves):
    return centre_mask.reference("AB"[kind == "A"], O, C, colours, halves)


@centre_mask.mistake(
    "colours in the opposite order: red sees blue",
    hint="Red is drawn first. What does it know of the pixel's other colours then?",
)
def _(kind, O, C, colours, halves):
    source = np.arange(C) // (C // colours)
    part = O // halves
    target = np.arange(O) % part // (part // colours)
    return sees(-source, -target[:, None], kind)


@centre_mask.mistake(
    "colours that take turns, channel by channel",
    hint="The first third of the channels is red, the next green, then blue. What does"
    " `% colours` make of that?",
)
def _(kind, O, C, colours, halves):
    return sees(np.arange(C) % colours, np.arange(O)[:, None] % colours, kind)


@centre_mask.mistake(
    "a mask for grey images: the colours of a pixel never see each other",
    hint="Green is drawn when red is known. Why should it not look?",
)
def _(kind, O, C, colours, halves):
    return np.full((O, C), kind == "B")


@centre_mask.mistake(
    "only the colour itself or the one just before it",
    hint="Blue comes last. Which colours are known by then?",
)
def _(kind, O, C, colours, halves):
    part = O // halves
    source = np.arange(C) // (C // colours)
    target = (np.arange(O) % part // (part // colours))[:, None]
    return source == target - (kind == "A")


@centre_mask.mistake(
    "axes exchanged: (C, O)",
    hint="A kernel is (O, C, KH, KW). Which axis belongs to the output?",
)
def _(kind, O, C, colours, halves):
    return centre_mask.reference(kind, O, C, colours, halves).T
