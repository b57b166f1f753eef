"""Drawn faces: images whose causes are known, to see what a model finds of them.

A face is a function of its factors alone: nothing in it is random. kernels/faces.py
paints it.
"""

import numpy as np

from . import kernels

# name: what it changes, from −1 to 1 (glasses: 0 or 1)
MEANINGS = {
    "turn": "head turned to the left … right of the image",
    "tilt": "head leaning to the left … right of the image",
    "width": "narrow … broad head",
    "skin": "light … dark skin",
    "hair": "blond … red … brown … black hair",
    "length": "cropped … long hair",
    "parting": "hair parted at the left … right of the image",
    "eyes": "closed … wide open eyes",
    "gaze": "eyes looking to the left … right of the image",
    "brows": "lowered, frowning … raised brows",
    "smile": "corners of the mouth down … up",
    "mouth": "closed … open mouth",
    "glasses": "without (0), with (1) glasses",
    "light": "light from the left … right of the image",
    "background": "dark blue … green … cream wall",
}
FACTORS = tuple(MEANINGS)
BINARY = ("glasses",)  # 0 or 1; the others lie between −1 and 1


def random_factors(n, *, rng):
    """Factors of n faces, float32 (n, F), columns as in FACTORS, drawn independently.

    Uniform on [−1, 1], those in BINARY 0 or 1 with probability ½.
    """
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 0:
        raise ValueError(f"random_factors: n is {n!r}, expected a count ≥ 0")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"random_factors: rng is {rng!r}, expected a np.random.Generator"
        )
    factors = rng.uniform(-1, 1, (n, len(FACTORS))).astype(np.float32)
    for name in BINARY:
        column = factors[:, FACTORS.index(name)]
        column[:] = column > 0
    return factors


def draw(factors, grey=False):
    """Faces with these factors (n, F): uint8 (n, 3, 32, 32), or (n, 1, 32, 32) if grey.

    Grey is the luma 0.299 R + 0.587 G + 0.114 B of the coloured face, rounded.
    """
    images = kernels.faces(_checked(factors))
    if not grey:
        return images
    red, green, blue = np.moveaxis(images.astype(np.uint32), 1, 0)
    luma = (299 * red + 587 * green + 114 * blue + 500) // 1000
    return luma[:, None].astype(np.uint8)


def _checked(factors):
    """The factors as a float64 array, if every one of them lies in its range."""
    factors, F = np.asarray(factors), len(FACTORS)
    if factors.dtype.kind not in "fiu":
        raise TypeError(f"draw: factors are {factors.dtype}, expected numbers")
    if factors.ndim != 2 or factors.shape[1] != F:
        raise ValueError(
            f"draw: factors have shape {factors.shape}, expected (n, {F}): "
            f"{', '.join(FACTORS)}"
        )
    factors = factors.astype(float)
    for name, column in zip(FACTORS, factors.T):
        if name in BINARY:
            wrong, expected = ~np.isin(column, (0, 1)), "0 or 1"
        else:
            wrong, expected = ~(np.abs(column) <= 1), "−1 to 1"  # NaN is wrong too
        if wrong.any():
            i = wrong.argmax()
            raise ValueError(
                f"draw: factor {name!r} of face {i} is {column[i]}, expected {expected}"
            )
    return factors
