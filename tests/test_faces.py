"""Drawn faces: what each factor does, and that nothing else does anything."""

import numba
import numpy as np
import pytest
from crosscheck import threads

from mini import data, faces

AT = {name: i for i, name in enumerate(faces.FACTORS)}
MIRRORED = [AT[name] for name in ("turn", "tilt", "parting", "gaze", "light")]


def plain(**factors):
    """A row of factors: all 0 but the given ones."""
    row = np.zeros((1, len(faces.FACTORS)))
    for name, value in factors.items():
        row[0, AT[name]] = value
    return row


def change(name, low, high, **others):
    """Where (32, 32) and by how much at most the picture changes with a factor."""
    images = [faces.draw(plain(**others | {name: value})) for value in (low, high)]
    difference = np.abs(images[0].astype(int) - images[1])[0].max(axis=0)
    return difference > 0, difference.max()


def box(where):
    """First and last row, first and last column of what is True."""
    rows, columns = np.nonzero(where)
    return rows.min(), rows.max(), columns.min(), columns.max()


# ---- factors -------------------------------------------------------------------------


def test_factors_are_in_their_ranges_and_independent(rng):
    n = 20_000
    x = faces.random_factors(n, rng=rng)
    assert x.shape == (n, 15) == (n, len(faces.FACTORS)) and x.dtype == np.float32
    for name, column in zip(faces.FACTORS, x.T.astype(float)):
        if name in faces.BINARY:
            assert set(column) == {0, 1}
            assert column.mean() == pytest.approx(0.5, abs=5 * 0.5 / n**0.5)
        else:
            assert np.abs(column).max() <= 1
            counts = np.histogram(column, 10, (-1, 1))[0]
            assert (np.abs(counts - n / 10) < 5 * (n / 10) ** 0.5).all()
    correlation = np.corrcoef(x.T) - np.eye(15)
    assert np.abs(correlation).max() < 5 / n**0.5


def test_the_generator_alone_decides():
    one, same, other = (
        faces.random_factors(9, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert (one == same).all() and (one != other).any()
    assert faces.random_factors(0, rng=np.random.default_rng(0)).shape == (0, 15)


# ---- drawing -------------------------------------------------------------------------


def test_a_face_is_a_function_of_its_own_factors(rng):
    x = faces.random_factors(40, rng=rng)
    images, before = faces.draw(x), x.copy()
    assert images.shape == (40, 3, 32, 32) and images.dtype == np.uint8
    assert (x == before).all() and (faces.draw(x) == images).all()
    order = rng.permutation(40)
    assert (faces.draw(x[order]) == images[order]).all()
    odd = np.asfortranarray(x.astype(float))
    odd.flags.writeable = False
    assert (faces.draw(odd) == images).all()
    assert len({image.tobytes() for image in images}) == 40
    assert faces.draw(x[:0]).shape == (0, 3, 32, 32)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="there is one thread")
def test_faces_do_not_depend_on_the_number_of_threads(rng):
    x = faces.random_factors(33, rng=rng)
    with threads(1):
        one = faces.draw(x)
    with threads(2):
        assert (faces.draw(x) == one).all()


def test_known_pixels():
    """The same on every machine: only + − × ÷ √ and no fused sums."""
    x = faces.random_factors(500, rng=np.random.default_rng(7))
    images = faces.draw(x).astype(np.int64)
    weights = np.arange(1, images.size + 1).reshape(images.shape) % 997
    assert (int(images.sum()), int((images * weights).sum())) == KNOWN
    face = faces.draw(plain(smile=1, light=0.5))[0]
    assert [face[:, i, j].tolist() for i, j in KNOWN_AT] == list(KNOWN_AT.values())


KNOWN = (174_733_699, 86_941_695_965)
KNOWN_AT = {
    (1, 1): [111, 138, 135],
    (5, 16): [136, 69, 41],
    (14, 12): [47, 45, 49],
    (19, 10): [144, 95, 68],
    (30, 16): [119, 86, 61],
}


@pytest.mark.parametrize("grey", [False, True])
def test_a_mirrored_face_is_the_face_with_mirrored_factors(grey, rng):
    x = faces.random_factors(100, rng=rng)
    mirrored = x.copy()
    mirrored[:, MIRRORED] *= -1
    images = faces.draw(mirrored, grey=grey)
    assert (images[..., ::-1] == faces.draw(x, grey=grey)).all()
    symmetric = x.copy()
    symmetric[:, MIRRORED] = 0
    images = faces.draw(symmetric, grey=grey)
    assert (images[..., ::-1] == images).all()


def test_grey_is_the_luma(rng):
    x = faces.random_factors(50, rng=rng)
    grey = faces.draw(x, grey=True)
    assert grey.shape == (50, 1, 32, 32) and grey.dtype == np.uint8
    luma = np.einsum("nchw,c->nhw", faces.draw(x).astype(float), [0.299, 0.587, 0.114])
    assert np.abs(grey[:, 0] - luma).max() <= 0.5 + 1e-9


# ---- what the factors do -------------------------------------------------------------


@pytest.mark.parametrize("name", faces.FACTORS)
def test_every_factor_is_seen(name, rng):
    """At eyes that are open; now and then hair hides a brow, or an eye a shadow."""
    x = faces.random_factors(50, rng=rng).astype(float)
    x[:, AT["eyes"]] = np.abs(x[:, AT["eyes"]])
    images = []
    for value in (0 if name in faces.BINARY else -1, 1):
        x[:, AT[name]] = value
        images.append(faces.draw(x).astype(int))
    difference = np.abs(images[0] - images[1]).max(axis=1)
    assert difference.any(axis=(1, 2)).all()
    pixels = (difference > 20).sum(axis=(1, 2))
    assert (pixels >= 5).mean() >= 0.9 and np.median(pixels) >= 8


@pytest.mark.parametrize("name", [n for n in faces.FACTORS if n not in faces.BINARY])
def test_small_steps_change_little(name, rng):
    """Continuous: a thousandth of the range moves no pixel by more than a little."""
    x = faces.random_factors(300, rng=rng).astype(float)
    x[:, AT[name]] = rng.uniform(-1, 0.998, 300)
    y = x.copy()
    y[:, AT[name]] += 0.002
    difference = np.abs(faces.draw(x).astype(int) - faces.draw(y))
    assert 0 < difference.max() <= 8


def test_gaze_moves_only_what_is_in_the_eyes():
    where, most = change("gaze", -1, 1)
    top, bottom, left, right = box(where)
    assert 11 <= top and bottom <= 18 and 8 <= left and right <= 23 and most > 80
    assert not where[:, 15:17].any()  # between the eyes
    closed, _ = change("gaze", -1, 1, eyes=-1)
    assert not closed.any()


def test_the_mouth_moves_below_the_nose_and_the_brows_above_the_eyes():
    for name in ("smile", "mouth"):
        top, bottom, left, right = box(change(name, -1, 1)[0])
        assert 19 <= top and bottom <= 28 and 9 <= left and right <= 22
    top, bottom, *_ = box(change("brows", -1, 1)[0])
    assert 7 <= top and bottom <= 14
    top, bottom, *_ = box(change("glasses", 0, 1)[0])
    assert 10 <= top and bottom <= 18


def test_the_wall_is_behind_and_the_face_in_front():
    where, _ = change("background", -1, 1)
    assert where[:8, :3].all() and where[:8, -3:].all()
    assert not where[10:24, 10:22].any()
    where, _ = change("skin", -1, 1)
    assert where[20, 16] and not where[:8, :3].any()


def test_light_comes_from_its_side(rng):
    x = faces.random_factors(50, rng=rng)
    x[:, AT["light"]], x[:, AT["turn"]] = 1, 0
    images = faces.draw(x, grey=True).astype(float)
    left, right = images[..., 18:21, 9:12], images[..., 18:21, 20:23]
    assert (right.mean(axis=(1, 2, 3)) > left.mean(axis=(1, 2, 3)) + 3).all()


def test_skin_and_hair_grow_darker():
    for name, place in [("skin", np.s_[18:21, 11:21]), ("hair", np.s_[2:6, 12:20])]:
        steps = [plain(**{name: t}) for t in np.linspace(-1, 1, 9)]
        images = faces.draw(np.concatenate(steps), grey=True)
        means = [image[0][place].mean() for image in images]
        assert (np.diff(means) < 0).all() and means[0] > 1.8 * means[-1]


# ---- wrong input ---------------------------------------------------------------------


def test_wrong_factors(rng):
    x = faces.random_factors(5, rng=rng)
    for wrong in (x[0], x[:, :14], np.zeros((2, 15, 1))):
        with pytest.raises(
            ValueError, match=r"draw: factors have shape .*\(n, 15\): t"
        ):
            faces.draw(wrong)
    with pytest.raises(TypeError, match="draw: factors are <U1, expected numbers"):
        faces.draw([["a"] * 15])
    for name, value, expected in [
        ("smile", 1.5, "−1 to 1"),
        ("turn", np.nan, "−1 to 1"),
        ("light", -np.inf, "−1 to 1"),
        ("glasses", 0.5, "0 or 1"),
        ("glasses", np.nan, "0 or 1"),
    ]:
        wrong = x.copy()
        wrong[3, AT[name]] = value
        message = f"draw: factor '{name}' of face 3 is {value}, expected {expected}"
        with pytest.raises(ValueError, match=message):
            faces.draw(wrong)


def test_wrong_arguments_of_random_factors(rng):
    for n in (-1, 2.5, None, True):
        with pytest.raises(ValueError, match=f"random_factors: n is {n}, expected a c"):
            faces.random_factors(n, rng=rng)
    with pytest.raises(TypeError, match=r"random_factors: rng is 3, expected a np\."):
        faces.random_factors(3, rng=3)


# ---- as a data set -------------------------------------------------------------------


def test_the_data_sets_are_these_faces():
    for name in ("faces", "faces-grey"):
        info = data.index()[name]
        assert tuple(info["factors"]) == faces.FACTORS
        images, factors = data.load(name, "test")
        assert images.dtype == np.uint8 and factors.dtype == np.float32
        assert images.shape == (2000, *info["shape"]) and factors.shape == (2000, 15)
        assert (faces.draw(factors, grey=name == "faces-grey") == images).all()
    colour, grey = (data.load(name, "test") for name in ("faces", "faces-grey"))
    assert (colour.labels == grey.labels).all()
    train = data.load("faces", "train")
    assert train.images.shape == (10_000, 3, 32, 32)
    assert not set(train.labels[:, 0]) & set(colour.labels[:, 0])
    brightness = train.images.mean(axis=(1, 2, 3))
    assert brightness.std() > 20  # neither all dark nor all bright
