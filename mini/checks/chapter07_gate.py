"""Exercise of chapter 7: the gate with a class."""

from .. import functional as F
from .frame import exercise

# ---- gated_unit ----------------------------------------------------------------------


def layers_with_classes(rng):
    for N, C, H, W in [(1, 1, 1, 1), (2, 1, 1, 2), (2, 3, 2, 2), (4, 2, 3, 1)]:
        yield rng.normal(size=(N, 2 * C, H, W)), rng.normal(size=(N, 2 * C))


def everywhere(bias):
    """(N, 2C) → (N, 2C, 1, 1)."""
    return bias.reshape(*bias.shape, 1, 1)


@exercise("gated_unit", chapter="chapter07", inputs=layers_with_classes, tensors=True)
def gated_unit(a, bias):
    a, C = a + everywhere(bias), a.shape[1] // 2
    return F.tanh(a[:, :C]) * F.sigmoid(a[:, C:])


@gated_unit.variant
def with_minis_gate(a, bias):
    return F.gate(a + everywhere(bias))


@gated_unit.variant
def with_tanh_alone(a, bias):
    a, C = a + everywhere(bias), a.shape[1] // 2
    return F.tanh(a[:, :C]) * (F.tanh(a[:, C:] / 2) + 1) / 2


@gated_unit.variant
def with_the_exponential(a, bias):
    N, C2, H, W = a.shape
    a = (a + everywhere(bias)).reshape(N, 2, C2 // 2, H, W)
    return F.tanh(a[:, 0]) / (1 + F.exp(-a[:, 1]))


gated_unit.mistake(
    "the halves exchanged: the gate is taken from the first half",
    hint="Such a layer learns as well as the other. But which half does the exercise"
    " put into tanh, and would these weights mean the same in another program?",
)(lambda a, bias: gated_unit.reference(*(F.concatenate([t[:, t.shape[1] // 2 :],
    t[:, : t.shape[1] // 2]], 1) for t in (a, bias))))  # fmt: skip


@gated_unit.mistake(
    "channels split in turn, even ones against odd ones",
    hint="The first C channels are for tanh, the last C for the gate. What does"
    " a[:, ::2] take?",
)
def _(a, bias):
    a = a + everywhere(bias)
    return F.tanh(a[:, ::2]) * F.sigmoid(a[:, 1::2])


@gated_unit.mistake(
    "no class: the bias is left out",
    hint="Draw a three and a seven with it. What would tell them apart?",
)
def _(a, bias):
    return F.gate(a)


@gated_unit.mistake(
    "a bias for tanh, and none for the gate",
    hint="Equation (5) has two vectors, one for each half. Where does the second go?",
)
def _(a, bias):
    C, b = a.shape[1] // 2, everywhere(bias)
    return F.tanh(a[:, :C] + b[:, :C]) * F.sigmoid(a[:, C:])


@gated_unit.mistake(
    "a bias for the gate, and none for tanh",
    hint="Equation (5) has two vectors, one for each half. Where does the first go?",
)
def _(a, bias):
    C, b = a.shape[1] // 2, everywhere(bias)
    return F.tanh(a[:, :C]) * F.sigmoid(a[:, C:] + b[:, C:])


@gated_unit.mistake(
    "the halves of the bias exchanged",
    hint="The first C numbers of `bias` belong to the first C channels of `a`. Which"
    " half did you add to tanh's?",
)
def _(a, bias):
    C, b = a.shape[1] // 2, everywhere(bias)
    return F.tanh(a[:, :C] + b[:, C:]) * F.sigmoid(a[:, C:] + b[:, :C])


@gated_unit.mistake(
    "the bias of the first image for all of them",
    hint="A batch may hold a three and a seven. Which axis of `bias` counts images?",
)
def _(a, bias):
    return F.gate(a + everywhere(bias[:1]))


@gated_unit.mistake(
    "`bias` added as it is, without axes for rows and columns",
    hint="numpy lines up the last axes. `bias` is (N, 2C), `a` is (N, 2C, H, W): which"
    " axes meet, and what shape would put C opposite C?",
)
def _(a, bias):
    a, C = a + bias, a.shape[1] // 2
    return F.tanh(a[:, :C]) * F.sigmoid(a[:, C:])


@gated_unit.mistake(
    "the bias multiplied, not added",
    hint="A class that the network has not learnt yet has the bias 0. What should it"
    " change then, and what does a factor of 0 do?",
)
def _(a, bias):
    return F.gate(a * everywhere(bias))


@gated_unit.mistake(
    "the same bias for both halves",
    hint="`bias` has 2C numbers for each image. Which of them did you use twice?",
)
def _(a, bias):
    C, b = a.shape[1] // 2, everywhere(bias)
    return F.tanh(a[:, :C] + b[:, :C]) * F.sigmoid(a[:, C:] + b[:, :C])


@gated_unit.mistake(
    "the sum of tanh and sigmoid in place of the product",
    hint="If the gate is shut, σ = 0, what should come out?",
)
def _(a, bias):
    a, C = a + everywhere(bias), a.shape[1] // 2
    return F.tanh(a[:, :C]) + F.sigmoid(a[:, C:])


@gated_unit.mistake(
    "two gates and no value: sigmoid on both halves",
    hint="A product of two sigmoids lies between 0 and 1. Can such a unit say “less”?",
)
def _(a, bias):
    a, C = a + everywhere(bias), a.shape[1] // 2
    return F.sigmoid(a[:, :C]) * F.sigmoid(a[:, C:])


@gated_unit.mistake(
    "a relu in place of tanh",
    hint="That is another gate. What does equation (3) say?",
)
def _(a, bias):
    a, C = a + everywhere(bias), a.shape[1] // 2
    return F.relu(a[:, :C]) * F.sigmoid(a[:, C:])


@gated_unit.mistake(
    "the bias added after the gate",
    hint="Can a bias that comes after the gate open or shut it?",
)
def _(a, bias):
    C = a.shape[1] // 2
    return F.gate(a) + everywhere(bias)[:, :C]


@gated_unit.mistake(
    "the bias added behind tanh and behind σ",
    hint="Behind σ, a bias can make the gate larger than 1 or less than 0. Where do the"
    " brackets of equation (5) put it?",
)
def _(a, bias):
    C, b = a.shape[1] // 2, everywhere(bias)
    return (F.tanh(a[:, :C]) + b[:, :C]) * (F.sigmoid(a[:, C:]) + b[:, C:])


@gated_unit.mistake(
    "a gate without σ",
    hint="How far can your gate open? A σ lies between shut, 0, and open, 1.",
)
def _(a, bias):
    a, C = a + everywhere(bias), a.shape[1] // 2
    return F.tanh(a[:, :C]) * a[:, C:]


@gated_unit.mistake(
    "channels that are not split: each one is its own gate",
    hint="2C channels come in and C go out. Which ones say what, and which ones say"
    " whether?",
)
def _(a, bias):
    a = a + everywhere(bias)
    return F.tanh(a) * F.sigmoid(a)
