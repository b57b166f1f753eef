"""Faces painted sample by sample, back to front; mini/faces.py explains the factors.

Everything is made of + − × ÷ and square roots, which all processors round in the same
way, so the same factors give the same bytes everywhere. Lengths are in half images: x
from −1 to 1 rightwards, y downwards. On the head, u and v are coordinates that turn
with it: the nose is at u = 0, the sides at ±1, the crown at v = −1, the chin at v = 1.
Changing the signs of turn, tilt, parting, gaze and light mirrors every formula.
"""

import math

import numpy as np
from numba import njit, prange

from .compiler import OPTIONS

EXACT = OPTIONS | {"fastmath": False}
exact, exact_parallel = njit(**EXACT), njit(**EXACT, parallel=True)
exact_inline = njit(**EXACT, forceinline=True)  # a call would cost more than the rest

SIZE, FINE = 32, 2  # pixels along a side, samples along the side of a pixel
N = SIZE * FINE
SHARP = N / 2.5  # edges fade over 1.25 samples

SKIN = ((250, 220, 196), (236, 188, 150), (205, 148, 106), (146, 94, 64), (92, 57, 42))
HAIR = ((236, 206, 136), (196, 138, 62), (150, 70, 36), (88, 54, 38), (36, 30, 36))
WALL = ((44, 56, 84), (78, 112, 136), (134, 166, 162), (200, 204, 180), (242, 230, 206))
WHITE, BLACK, IRIS = (250.0, 248.0, 244.0), (26.0, 20.0, 24.0), (58.0, 92.0, 108.0)
LIPS, MOUTH, BLUSH = (182.0, 58.0, 66.0), (74.0, 18.0, 26.0), (214.0, 84.0, 76.0)
CLOTHES, RIM, GLARE = (70.0, 74.0, 102.0), (38.0, 32.0, 44.0), (225.0, 238.0, 250.0)

# what a face is painted from: sines and cosines of turn and tilt, lengths, colours
LENGTHS = (
    "sine cosine tilt_sine tilt_cosine across width upright narrow flat thick low "
    "length part openness gaze brows smile gap teeth glasses light ahead"
).split()
COLOURS = "skin hair wall lips lashes brow".split()
FACE = np.dtype(
    [(name, float) for name in LENGTHS] + [(name, float, 3) for name in COLOURS]
)


# --- small tools ----------------------------------------------------------------------


@exact_inline
def _clip(x):
    return min(max(x, 0.0), 1.0)


@exact_inline
def _cover(d):
    """Opacity of a sample that lies d inside an edge (outside, if d is negative)."""
    return min(max(0.5 + d * SHARP, 0.0), 1.0)


@exact_inline
def _soft(x):
    """From 0 at −1 to 1 at 1, without corners."""
    t = _clip(0.5 + 0.5 * x)
    return t * t * (3.0 - 2.0 * t)


@exact_inline
def _bump(x, y):
    """1 at the origin, 0 from distance 1 on."""
    t = max(0.0, 1.0 - x * x - y * y)
    return t * t


@exact_inline
def _wave(t):
    """Nearly cos(2πt)."""
    t = 4.0 * abs(t - math.floor(t + 0.5)) - 1.0
    return t * (0.5 * t * t - 1.5)


@exact_inline
def _mix(a, b, t):
    return (
        a[0] + t * (b[0] - a[0]),
        a[1] + t * (b[1] - a[1]),
        a[2] + t * (b[2] - a[2]),
    )


@exact_inline
def _times(a, t):
    return a[0] * t, a[1] * t, a[2] * t


@exact_inline
def _set(colour, to):
    colour[0], colour[1], colour[2] = to


@exact
def _palette(colours, t):
    """Along five colours, for t from −1 to 1."""
    i = min(int(2.0 * t + 2.0), 3)
    a, b = colours[i], colours[i + 1]
    return _mix((1.0 * a[0], 1.0 * a[1], 1.0 * a[2]), b, 2.0 * t + 2.0 - i)


# --- what lies on the face, each painted over the colour so far -----------------------


@exact
def _eye(colour, x, y, bright, face):
    """x, y from the middle of the eye; bright: how much light falls on it."""
    s = x * 5.4
    arch = 1.0 - s * s
    if arch < -0.6:
        return colour
    upper = 0.04 - (0.03 + 0.135 * face.openness) * arch
    lower = 0.04 + 0.035 * face.openness * arch
    inside = _cover(min(y - upper, lower - y))
    inside *= _clip(4.0 * arch) * _clip(12.0 * face.openness)
    if inside > 0.0:
        px, py = x - 0.085 * face.gaze, y + 0.03
        r = math.sqrt(px * px + py * py)
        shade = 0.82 + 0.18 * _soft(20.0 * (y - upper) - 0.8)  # of the lid
        ball = _times(WHITE, (0.70 + 0.30 * bright) * shade)
        ball = _mix(ball, _times(IRIS, 0.55 + 0.45 * bright), _cover(0.096 - r))
        ball = _mix(ball, BLACK, _cover(0.05 - r))
        px, py = px - 0.03 * face.light, py + 0.036
        gleam = _cover(0.024 - math.sqrt(px * px + py * py))
        colour = _mix(colour, _mix(ball, WHITE, gleam), inside)
    lash = _cover(0.028 * _clip(arch + 0.55) - abs(y - upper))
    return _mix(colour, face.lashes, 0.9 * lash * _clip(4.0 * (arch + 0.6)))


@exact
def _brow(colour, x, y, face):
    """x from the middle of the brow outwards, y from its usual height."""
    s = x * 5.0
    curve = -0.05 * (1.0 - s * s) - 0.085 * face.brows * (1.0 - 0.75 * s)
    thick = 0.038 * _clip(1.15 - 0.35 * s)
    inside = _cover(min(thick - abs(y - curve), 0.2 - abs(x)))
    return _mix(colour, face.brow, 0.85 * inside)


@exact
def _mouth(colour, x, y, bright, face):
    """x, y from the middle of the mouth."""
    s = x / (0.25 + 0.035 * face.smile)
    arch = 1.0 - s * s
    if arch < -0.3:
        return colour
    y -= 0.15 * face.smile * (arch - 0.45)
    parted, full = max(arch, 0.0), math.sqrt(max(arch, 0.0))
    top, bottom = -0.35 * face.gap * parted, 0.65 * face.gap * parted
    lips, ends = face.lips, _clip(6.0 * arch)
    over = top - 0.044 * full * (1.0 - 0.35 * _bump(3.3 * s, 0.0)) - 0.008
    lip = _times(lips, 0.60 + 0.22 * bright)
    colour = _mix(colour, lip, ends * _cover(min(y - over, top - y)))
    under = bottom + 0.064 * full + 0.004
    gloss = _bump(2.0 * s, 30.0 * (y - bottom) - 1.0)
    lip = _mix(_times(lips, 0.74 + 0.28 * bright), WHITE, 0.22 * gloss * bright)
    colour = _mix(colour, lip, ends * _cover(min(y - bottom, under - y)))
    if face.gap > 0.0:
        teeth = _cover(min(top + 0.055 - y, 0.2 - abs(x)))
        inner = _mix(MOUTH, WHITE, 0.9 * face.teeth * teeth)
        colour = _mix(colour, inner, ends * _cover(min(y - top, bottom - y)))
    line = _cover(0.022 - abs(y - 0.5 * (top + bottom))) * _clip(3.0 * arch + 0.75)
    closed = _clip(1.0 - 33.0 * face.gap * parted)
    return _mix(colour, _times(lips, 0.32), line * closed)


@exact
def _glasses(colour, x, y, beside, depth, light):
    """x, y from the middle of the nearer lens, beside from the nose."""
    p, q = x * 4.65, y * 5.7 - 0.1
    p, q = p * p, q * q
    edge = 0.19 * (math.sqrt(math.sqrt(p * p + q * q)) - 1.0)  # of a rounded square
    if edge > 0.05 and abs(y + 0.035) > 0.05:
        return colour
    shine = 0.07 + 0.18 * _soft(1.0 - 18.0 * abs(y + 0.8 * light * x + 0.05))
    colour = _mix(colour, GLARE, shine * _cover(-edge))
    bridge = min(0.022 - abs(y + 0.035), min(0.1 - abs(beside), edge))
    arm = min(0.022 - abs(y + 0.03), min(0.5 * depth, edge))
    frame = max(0.024 - abs(edge), max(bridge, arm))
    return _mix(colour, RIM, 0.94 * _cover(frame))


@exact
def _skin(nx, v, nz, u, depth, b, d_line, face):
    """The face itself; (nx, v, nz) is its normal; the hair ends d_line further on."""
    beside, light = abs(u), face.light
    nose = u - 0.22 * face.sine  # it stands out, so it turns further
    dot = light * nx - 0.35 * v + face.ahead * nz
    if v > -0.22 and v < 0.37:  # the nose has a light and a dark side
        along = _clip(2.0 * v + 0.44)
        slope = nose / (0.10 + 0.07 * along)
        ridge = max(0.0, 1.0 - slope * slope)
        dot += (0.9 * light * slope + 0.1) * ridge * along * _soft(16.0 * (0.30 - v))
    # hollows: around the eyes, under the nose, under the lip
    if v < 0.12:
        dot -= 0.15 * _bump(2.8 * (beside - 0.42), 4.5 * (v + 0.12))
    else:
        dot -= 0.45 * _bump(4.5 * nose + 0.22 * light, 13.3 * (v - 0.335))
        dot -= 0.22 * _bump(3.3 * u, 12.5 * (v - 0.79))
    bright = _clip(0.12 + 0.88 * dot)
    tone = 0.50 + 0.56 * bright
    colour = (  # shade is warmer than light
        face.skin[0] * tone,
        face.skin[1] * tone * (0.95 + 0.05 * bright),
        face.skin[2] * tone * (0.92 + 0.08 * bright),
    )
    if v > 0.0:
        blush = _bump(2.9 * (beside - 0.52), 4.2 * (v - 0.24))
        colour = _mix(colour, _times(BLUSH, tone), 0.16 * blush)
        nostril = _bump(16.0 * (abs(nose) - 0.085), 22.0 * (v - 0.335))
        colour = _mix(colour, _times(face.skin, 0.22), 0.8 * nostril)
    colour = _times(colour, 1.0 - 0.24 * _soft(8.0 * d_line + 0.4))  # of the hair
    if v > 0.2 or v < -0.65:
        if v > 0.35 and beside < 0.6:
            return _mouth(colour, 0.565 * u, b - 0.45, bright, face)
        return colour
    side = 1.0 if u > 0.0 else -1.0
    x, y = 0.565 * (u - 0.42 * side), b + 0.075
    if y < -0.02 and y > -0.42:
        colour = _brow(colour, x * side - 0.01, y + 0.225, face)
    if abs(x) < 0.24 and abs(y) < 0.22:
        colour = _eye(colour, x, y, bright, face)
    if face.glasses > 0.0:
        worn = _glasses(colour, x, y, 0.565 * u, depth, light)
        colour = _mix(colour, worn, face.glasses)
    return colour


# --- the whole ------------------------------------------------------------------------


@exact_inline
def _wall(x, y, face):
    return _times(
        face.wall, 1.0 + 0.16 * face.light * x - 0.10 * y - 0.12 * (x * x + y * y)
    )


@exact
def _hair(nx, v, r2, face):
    """Hair that falls from the parting, where the head has coordinates nx, v."""
    z = math.sqrt(max(0.0, 1.32 - r2))
    u = nx * face.cosine - z * face.sine
    q = abs(u - face.part)
    strand = _wave(3.2 * q - 0.5 * v) + 0.6 * _wave(7.1 * q + 0.8 * v)
    dot = _clip(0.15 + 0.75 * (face.light * nx - 0.45 * v + face.ahead * z))
    tone = (0.50 + 0.55 * dot) * (1.0 + 0.08 * strand)
    tone *= 1.0 - 0.3 * _soft(2.5 * v - 0.8)  # darker below
    tone *= 1.0 - 0.3 * _bump(18.0 * (u - face.part), 0.0) * _soft(-10.0 * v - 6.0)
    gloss = dot * _bump(5.0 * (v + 0.72 - 0.2 * q * q), 0.0) * (1.0 + 0.5 * strand)
    return _mix(_times(face.hair, tone), WHITE, 0.17 * gloss)


@exact
def _sample(x, y, face):
    """Colour at a place of the image."""
    # into the frame of the head, which tilts about the neck
    a = face.tilt_cosine * x + face.tilt_sine * (y - 0.8) - face.across
    b = face.tilt_cosine * (y - 0.8) - face.tilt_sine * x + 0.8
    p, q = abs(a) * face.narrow, b * face.flat
    if y < 0.7 and (p > 1.15 or b < 0.0 and p * p + q * q > 1.15):
        return _wall(x, y, face)
    v = b * face.upright
    jaw = max(0.0, v)
    nx = a / (face.width * (1.0 - 0.20 * jaw * jaw))
    r2 = nx * nx + v * v
    head = _cover(0.31 * (1.0 - r2))
    # the outline of the hair: an ellipse above, a curtain below
    end = max(face.low, 0.0)
    d_hair = min(0.36 * (1.0 - p * p - q * q), end - b)
    if b > 0.0:
        bend = max(0.0, b - max(end - 0.25, 0.0))
        d_hair = min((1.0 - p) / face.narrow - 0.8 * bend * bend, end - b)
    hair, front, d_line, z = _cover(d_hair), 0.0, 0.0, 0.0
    if head > 0.0:
        z = math.sqrt(max(0.0, 1.0 - r2))
        u, depth = nx * face.cosine - z * face.sine, nx * face.sine + z * face.cosine
        # the hair over the face ends at a line that falls away from the parting
        q = abs(u - face.part)
        line = -0.81 + 0.04 * face.length + 0.32 * q + 0.2 * q * q
        line += 0.03 * _wave(3.0 * q)
        sides = min(0.31 + 0.13 * face.length - 0.9 * depth, 1.2 * abs(nx) - 0.75)
        sides = min(sides, face.low + 0.06 - 0.1 * face.length - b)
        d_line = max(line - v, sides)
        front = _cover(0.55 * d_line)
    crown = BLACK
    if hair > 0.0 or front > 0.0:
        crown = _hair(nx, v, r2, face)
        if head * front == 1.0:
            return crown
    colour = crown
    if head < 1.0:
        colour = _mix(_wall(x, y, face), crown, hair)
        if y > 0.7:
            q = (y - 1.10) * 2.8
            shoulders = _cover(0.17 * (1.0 - 0.95 * x * x - q * q))
            if shoulders > 0.0:
                tone = 0.8 + 0.35 * face.light * x
                tone -= 0.25 * _bump(1.7 * a, 2.9 * (b - 0.75))
                colour = _mix(colour, _times(CLOTHES, tone), shoulders)
        if b > 0.25 and abs(a) < 0.5:
            thick = face.thick + 0.1 * max(0.0, y - 0.8)
            middle = 0.5 * (a + face.across + x)
            neck = _cover(min(thick - abs(middle), min(b - 0.3, 0.95 - y - x * x)))
            if neck > 0.0:
                tone = 0.44 + 1.06 * face.light * middle
                tone += 0.28 * _soft(5.0 * (y - 0.92))
                colour = _mix(colour, _times(face.skin, tone), neck)
        if abs(b) < 0.2 and face.low < 0.125:
            side = 1.0 if a > 0.0 else -1.0
            p = abs(a) - (face.width - 0.005) * face.cosine + 0.14 * side * face.sine
            p, q = p * 13.0, (b - 0.02) * 7.0
            ear = _cover(0.05 * (1.0 - p * p - q * q)) * _clip(0.5 - 4.0 * face.low)
            tone = 0.72 + 0.3 * face.light * side - 0.2 * _bump(1.4 * p, 1.4 * q)
            colour = _mix(colour, _times(face.skin, tone), ear)
    if head > 0.0:
        over = crown
        if front < 1.0:
            over = _mix(_skin(nx, v, z, u, depth, b, d_line, face), crown, front)
        colour = _mix(colour, over, head)
    return colour


@exact
def _describe(f, face):
    """Fill in what to paint, from a row of factors."""
    half, t = 0.10 * f[1], 0.5 + 0.5 * f[7]
    square = half * half
    face.sine = 0.40 * f[0]
    face.cosine = math.sqrt(1.0 - face.sine * face.sine)
    face.tilt_sine = 2.0 * half / (1.0 + square)
    face.tilt_cosine = (1.0 - square) / (1.0 + square)
    face.across = 0.05 * f[0]
    face.length, face.low, face.part = f[5], 0.32 + 0.62 * f[5], 0.5 * f[6]
    volume, height = 0.085 + 0.035 * f[5], 0.785 - 0.015 * f[2]
    face.width, face.upright = 0.575 + 0.065 * f[2], 1.0 / height
    face.narrow, face.flat = 1.0 / (face.width + volume), 1.0 / (height + volume)
    face.thick = 0.206 + 0.05 * face.width
    face.openness, face.gaze, face.brows = t * (1.5 - 0.5 * t), f[8], f[9]
    face.smile, face.teeth = f[10], _clip(0.5 + 0.6 * f[10])
    t = 0.5 + 0.5 * f[11]
    face.gap, face.glasses = 0.17 * t * t, f[12]
    face.light = 0.85 * f[13]
    face.ahead = math.sqrt(0.8775 - face.light * face.light)
    skin, hair = _palette(SKIN, f[3]), _palette(HAIR, f[4])
    _set(face.skin, skin)
    _set(face.hair, hair)
    _set(face.wall, _palette(WALL, f[14]))
    _set(face.lips, _mix(skin, LIPS, 0.7))
    _set(face.lashes, _mix(_times(skin, 0.3), BLACK, 0.6))
    _set(face.brow, _mix(_times(hair, 0.55), BLACK, 0.5))


@exact
def _paint(face, image):
    for i in range(SIZE):
        for j in range(SIZE):
            red = green = blue = 0.0
            for k in range(FINE):
                for l in range(FINE):
                    y = (2 * (FINE * i + k) + 1) / N - 1.0
                    x = (2 * (FINE * j + l) + 1) / N - 1.0
                    r, g, b = _sample(x, y, face)
                    red, green, blue = red + r, green + g, blue + b
            share = 1.0 / (FINE * FINE)
            image[0, i, j] = np.uint8(_clip(red * share / 255.0) * 255.0 + 0.5)
            image[1, i, j] = np.uint8(_clip(green * share / 255.0) * 255.0 + 0.5)
            image[2, i, j] = np.uint8(_clip(blue * share / 255.0) * 255.0 + 0.5)


@exact_parallel
def _faces(factors, faces, images):
    for n in prange(len(factors)):
        _describe(factors[n], faces[n])
        _paint(faces[n], images[n])


def faces(factors):
    """Images uint8 (N, 3, 32, 32) of faces with these factors, float64 (N, 15)."""
    images = np.empty((len(factors), 3, SIZE, SIZE), np.uint8)
    _faces(factors, np.empty(len(factors), FACE), images)
    return images
