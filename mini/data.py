"""Images to learn from: data sets, batches, and toys in the plane."""

import gzip
import json
import struct
import tarfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mini import faces
from mini.download import cache_folder, checksum_of, fetch

FOLDER = Path(__file__).resolve().parent.parent / "data"


# --- data sets ------------------------------------------------------------------------


class Dataset(NamedTuple):
    """`images` uint8 (N, C, H, W) and `labels`; unpacks into the two.

    Labels are int64 (N,), numbers in the index's `classes`; or, for drawn faces,
    float32 (N, F), whose columns the index's `factors` names.
    """

    images: np.ndarray
    labels: np.ndarray

    def __repr__(self):
        shapes = (f"{k}={v.dtype} {v.shape}" for k, v in self._asdict().items())
        return f"Dataset({', '.join(shapes)})"


@lru_cache
def index():
    """All known data sets: name → title, files, splits, shape, classes, licence …"""
    return json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))


def load(name, split):
    """Dataset `name`, its part `split` ("train", "test" or "all"), checked on the way.

    "mnist" and "patches" come with the course; "faces" and "faces-grey" are drawn on
    the spot. "fashion-mnist", "cifar10" and "olivetti" are fetched when first asked
    for. Raises ValueError for an unknown name or split and for a damaged file,
    FileNotFoundError for a missing one, DownloadError without a network.
    """
    if name not in index():
        known = ", ".join(map(repr, index()))
        raise ValueError(f"load: name is {name!r}, expected one of {known}")
    info = index()[name]
    if split not in info["splits"]:
        known = " or ".join(map(repr, info["splits"]))
        raise ValueError(f"load: split of {name!r} is {split!r}, expected {known}")
    images, labels = READ[info["format"]](name, split)
    expected = (info["splits"][split], *info["shape"])
    if images.shape != expected:
        raise ValueError(f"load: {name!r} has shape {images.shape}, not {expected}")
    return Dataset(images, labels.astype(np.float32 if "factors" in info else np.int64))


def _path(name, file):
    """Path of an intact file of data set `name`."""
    info = index()[name]["files"][file]
    if "urls" in info:
        folder, size = cache_folder() / name, info.get("bytes")
        if _is_other_copy(folder / file, info):
            return folder / file
        other = index()[name].get("instead", "mnist")
        instead = f'or use what comes with the course: data.load("{other}", "train")'
        return fetch(file, info["urls"], info["sha256"], size, folder, instead=instead)
    path = FOLDER / file
    restore = f"restore it with `git checkout -- data/{file}` or clone the course again"
    if not path.exists():
        raise FileNotFoundError(f"load: {path} is missing; {restore}")
    if (actual := checksum_of(path, info["sha256"])) != info["sha256"]:
        raise ValueError(
            f"load: {path} is damaged: its SHA-256 is {actual}, "
            f"expected {info['sha256']}; {restore}"
        )
    return path


def _is_other_copy(path, info):
    """True for a file with the same content in another wrapping, put there by hand."""
    others = info.get("also", [])
    return bool(others) and path.exists() and checksum_of(path, others[0]) in others


def _read_npz(name, split):
    with np.load(_path(name, f"{name}.npz"), allow_pickle=False) as arrays:
        return arrays[f"{split}_images"], arrays[f"{split}_labels"]


def _read_idx(name, split):
    prefix = {"train": "train", "test": "t10k"}[split]
    images = read_idx(_path(name, f"{prefix}-images-idx3-ubyte.gz"))
    return images[:, None], read_idx(_path(name, f"{prefix}-labels-idx1-ubyte.gz"))


def read_idx(path):
    """The uint8 array in a gzipped IDX file (the format of LeCun's MNIST page)."""
    with gzip.open(path) as file:
        raw = file.read()
    zeros, kind, dimensions = struct.unpack_from(">HBB", raw)
    if (zeros, kind) != (0, 8):
        raise ValueError(f"read_idx: {path} is not an IDX file of unsigned bytes")
    shape = struct.unpack_from(f">{dimensions}I", raw, 4)
    pixels = np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions)
    return pixels.reshape(shape).copy()  # a copy can be written to


def _read_cifar(name, split):
    """CIFAR's binary version: records of a label and 3×32×32 bytes, in a tar file."""
    train = [f"data_batch_{i}" for i in range(1, 6)]
    parts = {"train": train, "test": ["test_batch"]}[split]
    with tarfile.open(_path(name, "cifar-10-binary.tar.gz")) as archive:
        members = [f"cifar-10-batches-bin/{part}.bin" for part in parts]
        raw = b"".join(archive.extractfile(member).read() for member in members)
    records = np.frombuffer(raw, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _read_mat(name, split):
    """Olivetti: a column per face, pixels in column order; ten faces of each person."""
    from scipy.io import loadmat

    faces = loadmat(_path(name, "olivettifaces.mat"), variable_names=["faces"])["faces"]
    images = faces.T.reshape(-1, 1, 64, 64).swapaxes(2, 3).astype(np.uint8)
    return images.copy(), np.arange(len(images)) // 10


def _read_cuts(name, split):
    """Patches: photographs, and of each patch (photograph, top, left, mirrored)."""
    with np.load(_path(name, f"{name}.npz"), allow_pickle=False) as arrays:
        cuts = arrays[f"{split}_cuts"]
        photos = {i: arrays[f"photo_{i}"] for i in np.unique(cuts[:, 0])}
    C, H, W = index()[name]["shape"]
    images = np.empty((len(cuts), C, H, W), np.uint8)
    for image, (i, top, left, mirrored) in zip(images, cuts, strict=True):
        cut = photos[i][:, top : top + H, left : left + W]
        image[...] = cut[:, :, ::-1] if mirrored else cut
    return images, cuts[:, 0]


def _draw_faces(name, split):
    """Faces of random factors: nothing is read, each split has its seed."""
    info = index()[name]
    rng = np.random.default_rng(info["seeds"][split])
    factors = faces.random_factors(info["splits"][split], rng=rng)
    return faces.draw(factors, grey=info["shape"][0] == 1), factors


READ = {
    "npz": _read_npz,
    "idx": _read_idx,
    "cifar": _read_cifar,
    "mat": _read_mat,
    "cuts": _read_cuts,
    "drawn": _draw_faces,
}


# --- batches --------------------------------------------------------------------------


def batches(data, batch_size, *, rng, epochs=1, drop_last=False):
    """Iterable over batches of an array, or of a tuple of arrays of one length.

    With an `rng` every epoch comes in a new order; with `rng=None` always in the given
    one. The last batch of an epoch is smaller if `batch_size` does not divide the
    length, and left out with `drop_last`. `len()` counts the batches of all epochs.
    """
    return Batches(data, batch_size, rng, epochs, drop_last)


class Batches:
    """See `batches`."""

    def __init__(self, data, batch_size, rng, epochs, drop_last):
        self.arrays = data if isinstance(data, tuple) else (data,)
        self.single = not isinstance(data, tuple)
        self.batch_size = _count("batches", "batch_size", batch_size)
        self.epochs = _count("batches", "epochs", epochs)
        self.rng, self.drop_last = rng, drop_last
        for array in self.arrays:
            if not isinstance(array, np.ndarray) or array.ndim == 0:
                raise TypeError(f"batches: data holds {type(array)}, expected arrays")
        lengths = [len(array) for array in self.arrays]
        if len(set(lengths)) != 1:
            raise ValueError(f"batches: lengths of data are {lengths}, expected equal")
        if rng is not None:
            _require_rng("batches", rng)
        self.size = lengths[0]

    def __len__(self):
        whole, rest = divmod(self.size, self.batch_size)
        return self.epochs * (whole + (rest > 0 and not self.drop_last))

    def __iter__(self):
        end = self.size - (self.size % self.batch_size if self.drop_last else 0)
        for _ in range(self.epochs):
            order = self.rng.permutation(self.size) if self.rng is not None else None
            for start in range(0, end, self.batch_size):
                chosen = slice(start, min(start + self.batch_size, end))
                if order is not None:
                    chosen = order[chosen]
                batch = tuple(array[chosen] for array in self.arrays)
                yield batch[0] if self.single else batch


def _count(function, argument, value):
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{function}: {argument} is {value!r}, expected a count ≥ 1")
    return int(value)


def _require_rng(function, rng):
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{function}: rng is {rng!r}, expected a np.random.Generator")


# --- from bytes to the values a model sees --------------------------------------------


def binarize(images, *, rng):
    """Dynamic binarisation: uint8 x → float32 0 or 1, drawn anew with P(1) = x/255.

    Likelihoods do not compare with those of static or thresholded MNIST.
    """
    _require_bytes("binarize", images)
    _require_rng("binarize", rng)
    # u is uniform on 0 … 254, so P(u < x) is x/255 exactly.
    u = rng.integers(255, size=images.shape, dtype=np.uint8)
    return (u < images).astype(np.float32)


def threshold(images):
    """Thresholded images: uint8 → float32, 1 where the value is above 127.5, else 0."""
    _require_bytes("threshold", images)
    return (images > 127).astype(np.float32)


def dequantize(images, *, rng):
    """Uniform dequantisation: uint8 x → float32 (x + u)/256 in [0, 1), u ~ U[0, 1).

    A density p of the result bounds the mass P of the bytes: with D dimensions,
    log₂ P(x) ≥ E[log₂ p] − 8·D bits (Theis et al. 2016, section 3.1).
    """
    _require_bytes("dequantize", images)
    _require_rng("dequantize", rng)
    return (images + _uniform(images.shape, rng)) / np.float32(256)


def _uniform(shape, rng):
    """Steps of 2⁻¹⁶ keep x + u exact in float32: it is never rounded up to x + 1."""
    return rng.integers(2**16, size=shape, dtype=np.uint16) / np.float32(2**16)


def _require_bytes(function, images):
    dtype = getattr(images, "dtype", type(images))
    if dtype != np.uint8:
        raise TypeError(f"{function}: images are {dtype}, expected uint8 (0 to 255)")


# --- toys in the plane, float32 (n, 2) ------------------------------------------------


def ring_centres(modes=8, radius=1.0):
    """Centres (modes, 2) of the Gaussians of `ring`."""
    angle = 2 * np.pi * np.arange(_count("ring_centres", "modes", modes)) / modes
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def grid_centres(side=5, spacing=2.0):
    """Centres (side², 2) of the Gaussians of `grid`, around the origin."""
    ticks = spacing * (np.arange(_count("grid_centres", "side", side)) - (side - 1) / 2)
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


def ring(n, *, rng, modes=8, radius=1.0, std=0.01):
    """Equal mixture of round Gaussians on a circle (Lin et al. 2018, PacGAN)."""
    return _around(ring_centres(modes, radius), n, std, rng)


def grid(n, *, rng, side=5, spacing=2.0, std=0.05):
    """Equal mixture of round Gaussians on a square grid (Lin et al. 2018, PacGAN)."""
    return _around(grid_centres(side, spacing), n, std, rng)


def _around(centres, n, std, rng):
    mode = rng.integers(len(centres), size=n)
    return (centres[mode] + std * rng.standard_normal((n, 2))).astype(np.float32)


def mixture_log_density(x, centres, std):
    """Log-density in nats of an equal mixture of N(centre, std²·I): x (N, 2) → (N,)."""
    squared = ((np.asarray(x, float)[:, None] - centres) ** 2).sum(axis=2)
    exponent = -squared / (2 * std**2)
    top = exponent.max(axis=1, keepdims=True)
    log_sum = top[:, 0] + np.log(np.exp(exponent - top).sum(axis=1))
    return log_sum - np.log(len(centres) * 2 * np.pi * std**2)


def moons(n, *, rng, std=0.05):
    """Two interleaved half circles of radius 1, blurred by N(0, std²·I)."""
    angle, lower = np.pi * rng.random(n), rng.random(n) < 0.5
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle))
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle))
    noise = std * rng.standard_normal((n, 2))
    return (np.stack([x, y], axis=1) + noise).astype(np.float32)


def spirals(n, *, rng, arms=2, turns=1.5, std=0.02):
    """Spiral arms from the centre to radius 1, blurred; one arm makes a Swiss roll."""
    radius = np.sqrt(rng.random(n))  # so that the points are even along the arm
    arm = rng.integers(_count("spirals", "arms", arms), size=n) / arms
    angle = 2 * np.pi * (turns * radius + arm)
    curve = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (curve + std * rng.standard_normal((n, 2))).astype(np.float32)


def checkerboard(n, *, rng, cells=4):
    """Uniform on every other unit square of a board of cells × cells around 0."""
    column = rng.integers(_even("checkerboard", cells), size=n)
    row = 2 * rng.integers(cells // 2, size=n) + column % 2
    corner = np.stack([column, row], axis=1).astype(np.float32) - cells // 2
    return corner + _uniform((n, 2), rng)


def checkerboard_log_density(x, cells=4):
    """Log-density in nats of `checkerboard`, −∞ off its squares: x (N, 2) → (N,)."""
    square = np.floor(x).astype(int) + _even("checkerboard_log_density", cells) // 2
    inside = ((square >= 0) & (square < cells)).all(axis=1)
    filled = inside & (square.sum(axis=1) % 2 == 0)
    return np.where(filled, -np.log(cells**2 / 2), -np.inf)


def _even(function, cells):
    if _count(function, "cells", cells) % 2:
        raise ValueError(f"{function}: cells is {cells!r}, expected an even number")
    return cells
