"""Data sets, batches, binarisation and toys."""

import gzip
import hashlib
import io
import struct
import tarfile

import numpy as np
import pytest
import scipy.io

from mini import data
from mini.download import DownloadError


@pytest.fixture(scope="module")
def mnist():
    return {split: data.load("mnist", split) for split in ("train", "test")}


def idx(array):
    """The bytes of an IDX file."""
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


# --- data sets ------------------------------------------------------------------------


def test_mnist_is_the_original_byte_for_byte(mnist):
    original = data.index()["mnist"]["original_sha256"]
    for split, prefix in [("train", "train"), ("test", "t10k")]:
        images, labels = mnist[split]
        assert images.dtype == np.uint8 and labels.dtype == np.int64
        for file, array in [("images-idx3", images[:, 0]), ("labels-idx1", labels)]:
            actual = hashlib.sha256(idx(array)).hexdigest()
            assert actual == original[f"{prefix}-{file}-ubyte"]


def test_mnist_has_its_well_known_figures(mnist):
    images, labels = mnist["train"]
    assert images.shape == (60_000, 1, 28, 28) and len(mnist["test"].images) == 10_000
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(labels).tolist()[:3] == [5923, 6742, 5958]
    assert images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert images.std() / 255 == pytest.approx(0.3081, abs=5e-5)


def test_a_dataset_shows_its_shapes(mnist):
    text = "Dataset(images=uint8 (10000, 1, 28, 28), labels=int64 (10000,))"
    assert repr(mnist["test"]) == text


def test_unknown_name_and_split():
    with pytest.raises(ValueError, match="'minst', expected one of 'mnist', 'fashion-"):
        data.load("minst", "train")
    with pytest.raises(ValueError, match="'valid', expected 'train' or 'test'"):
        data.load("mnist", "valid")


@pytest.fixture
def small_set(tmp_path, monkeypatch):
    """Put a small data set of a given format in place of the real ones."""
    monkeypatch.setattr(data, "FOLDER", tmp_path / "data")
    monkeypatch.setenv("MINI_CACHE", str(tmp_path / "cache"))

    def make(name, format, splits, shape, files, urls=()):
        folder = tmp_path / "cache" / name if urls else tmp_path / "data"
        folder.mkdir(parents=True)
        listed = {}
        for file, raw in files.items():
            (folder / file).write_bytes(raw)
            listed[file] = {"sha256": hashlib.sha256(raw).hexdigest()}
            listed[file] |= {"urls": urls} if urls else {}
        info = {"format": format, "splits": splits, "shape": shape, "files": listed}
        monkeypatch.setattr(data, "index", lambda: {name: info})
        return folder

    return make


NOWHERE = ["http://127.0.0.1:9/file"]


def test_missing_and_damaged_files(small_set, rng):
    raw = io.BytesIO()
    np.savez(raw, all_images=np.zeros((3, 1, 2, 2), np.uint8), all_labels=np.arange(3))
    folder = small_set(
        "tiny", "npz", {"all": 3}, [1, 2, 2], {"tiny.npz": raw.getvalue()}
    )
    assert data.load("tiny", "all").images.shape == (3, 1, 2, 2)
    data.index()["tiny"]["splits"]["all"] = 4
    with pytest.raises(ValueError, match=r"shape \(3, 1, 2, 2\), not \(4, 1, 2, 2\)"):
        data.load("tiny", "all")

    damaged = bytearray(raw.getvalue())
    damaged[100] ^= 1
    (folder / "tiny.npz").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"tiny\.npz is damaged") as error:
        data.load("tiny", "all")
    for part in (raw.getvalue(), damaged):
        assert hashlib.sha256(part).hexdigest() in str(error.value)
    assert "git checkout -- data/tiny.npz" in str(error.value)

    (folder / "tiny.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"tiny\.npz is missing; restore it"):
        data.load("tiny", "all")


def test_loaders_never_unpickle(small_set):
    raw = io.BytesIO()
    np.savez(raw, all_images=np.array([{}], dtype=object), all_labels=np.arange(1))
    small_set("evil", "npz", {"all": 1}, [1, 2, 2], {"evil.npz": raw.getvalue()})
    with pytest.raises(ValueError, match="allow_pickle"):
        data.load("evil", "all")


def test_fashion_mnist_format(small_set, rng):
    pixels = rng.integers(256, size=(5, 28, 28), dtype=np.uint8)
    labels = rng.integers(10, size=5)
    files = {}
    for prefix, count in [("train", 5), ("t10k", 2)]:
        files[f"{prefix}-images-idx3-ubyte.gz"] = gzip.compress(idx(pixels[:count]))
        files[f"{prefix}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels[:count]))
    splits = {"train": 5, "test": 2}
    small_set("fashion-mnist", "idx", splits, [1, 28, 28], files, NOWHERE)
    for split, count in splits.items():
        loaded = data.load("fashion-mnist", split)
        assert (loaded.images[:, 0] == pixels[:count]).all()
        assert (loaded.labels == labels[:count]).all()
        loaded.images[0] = 0  # arrays can be written to


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(struct.pack(">HBBI", 0, 13, 1, 2) + bytes(8)))
    with pytest.raises(ValueError, match=r"images\.gz is not an IDX file"):
        data.read_idx(path)


def test_cifar_format(small_set, rng):
    images = rng.integers(256, size=(12, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(12) % 10
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        parts = [f"data_batch_{i}" for i in (1, 2, 3, 4, 5)] + ["test_batch"]
        for part, name in enumerate(parts):
            here = slice(2 * part, 2 * part + 2)
            flat = images[here].reshape(2, -1)
            record = np.concatenate([labels[here, None].astype(np.uint8), flat], axis=1)
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = record.size
            archive.addfile(member, io.BytesIO(record.tobytes()))
    files = {"cifar-10-binary.tar.gz": raw.getvalue()}
    small_set("cifar10", "cifar", {"train": 10, "test": 2}, [3, 32, 32], files, NOWHERE)
    train, test = data.load("cifar10", "train"), data.load("cifar10", "test")
    assert (train.images == images[:10]).all() and (train.labels == labels[:10]).all()
    assert (test.images == images[10:]).all() and (test.labels == labels[10:]).all()


def test_olivetti_format(small_set, rng):
    faces = rng.integers(256, size=(20, 64, 64), dtype=np.uint8)
    raw = io.BytesIO()
    columns = [face.ravel(order="F") for face in faces]
    scipy.io.savemat(raw, {"faces": np.stack(columns, axis=1).astype(float)})
    files = {"olivettifaces.mat": raw.getvalue()}
    small_set("olivetti", "mat", {"all": 20}, [1, 64, 64], files, NOWHERE)
    images, labels = data.load("olivetti", "all")
    assert images.dtype == np.uint8 and (images[:, 0] == faces).all()
    assert labels.tolist() == [0] * 10 + [1] * 10


def test_a_known_copy_placed_by_hand_is_taken(small_set, rng, monkeypatch):
    monkeypatch.setattr("mini.download.PAUSE", 0.01)
    face = rng.integers(256, size=(64, 64), dtype=np.uint8)
    raw = io.BytesIO()
    scipy.io.savemat(raw, {"faces": face.reshape(-1, 1, order="F")})
    files = {"olivettifaces.mat": raw.getvalue()}
    folder = small_set("olivetti", "mat", {"all": 1}, [1, 64, 64], files, NOWHERE)
    listed = data.index()["olivetti"]["files"]["olivettifaces.mat"]
    listed["also"], listed["sha256"] = [listed["sha256"]], "0" * 64
    assert (data.load("olivetti", "all").images[0, 0] == face).all()
    (folder / "olivettifaces.mat").write_bytes(b"another file")
    with pytest.raises(DownloadError, match=r"olivettifaces\.mat: has checksum"):
        data.load("olivetti", "all")


def test_offline_names_file_folder_and_alternative(small_set, monkeypatch, capsys):
    monkeypatch.setattr("mini.download.PAUSE", 0.01)
    folder = small_set("olivetti", "mat", {"all": 1}, [1], {"o.mat": b""}, NOWHERE)
    (folder / "o.mat").unlink()
    data.index()["olivetti"]["files"]["olivettifaces.mat"] = {
        "urls": NOWHERE,
        "sha256": "0" * 64,
    }
    with pytest.raises(DownloadError) as error:
        data.load("olivetti", "all")
    for part in (
        "olivettifaces.mat",
        NOWHERE[0],
        str(folder),
        'load("mnist", "train")',
    ):
        assert part in str(error.value)
    data.index()["olivetti"]["instead"] = "faces-grey"
    with pytest.raises(DownloadError, match=r'data\.load\("faces-grey", "train"\)$'):
        data.load("olivetti", "all")


@pytest.fixture(scope="module")
def patches():
    return {split: data.load("patches", split) for split in ("train", "test")}


def test_patches_are_of_photographs_that_the_index_names(patches):
    names = data.index()["patches"]["classes"]
    train, test = (patches[split] for split in ("train", "test"))
    assert train.images.shape == (12_000, 3, 16, 16) and train.images.dtype == np.uint8
    assert test.images.shape == (2_000, 3, 16, 16) and test.labels.dtype == np.int64
    assert {names[i] for i in set(test.labels)} == {"chelsea"}
    assert {names[i] for i in set(train.labels)} == set(names) - {"chelsea"}
    assert np.bincount(train.labels).tolist() == [2400] * 5
    # in a mixed order, so that the first few show all photographs
    assert len(set(train.labels[:100])) == 5


def test_patches_lie_in_their_photographs_where_the_cuts_say(patches):
    with np.load(data.FOLDER / "patches.npz") as arrays:
        arrays = dict(arrays)
    mirrored = arrays["train_cuts"][:, 3]
    assert mirrored.mean() == pytest.approx(0.5, abs=0.02)
    assert not arrays["test_cuts"][:, 3].any()
    for split, (images, labels) in patches.items():
        cuts = arrays[f"{split}_cuts"]
        assert len({tuple(cut) for cut in cuts[:, :3]}) == len(cuts)  # none twice
        assert (cuts[:, 0] == labels).all()
        for k in range(0, len(images), 97):
            i, top, left, flip = cuts[k]
            for row, column in [(0, 0), (3, 14), (15, 15)]:
                there = left + (15 - column if flip else column)
                expected = arrays[f"photo_{i}"][:, top + row, there]
                assert (images[k, :, row, column] == expected).all()


def test_patches_look_natural(patches):
    for split in ("train", "test"):
        x = patches[split].images.astype(float)
        beside = np.corrcoef(x[..., :-1].ravel(), x[..., 1:].ravel())[0, 1]
        below = np.corrcoef(x[..., :-1, :].ravel(), x[..., 1:, :].ravel())[0, 1]
        assert 0.9 < beside < 0.99 and 0.9 < below < 0.99
        red, _, blue = x.mean(axis=(0, 2, 3))
        assert red > blue  # orange suits, copper cups and cats


def test_the_index_is_complete():
    for name, info in data.index().items():
        for key in (
            "title",
            "format",
            "splits",
            "shape",
            "source",
            "licence",
            "citation",
        ):
            assert info[key], (name, key)
        assert info.get("instead", "mnist") in data.index()
        for file, facts in info["files"].items():
            for checksum in [facts["sha256"], *facts.get("also", [])]:
                assert len(checksum) == 64
            if "urls" not in facts:
                assert (data.FOLDER / file).stat().st_size == facts["bytes"]


# --- batches --------------------------------------------------------------------------


def test_every_epoch_has_everything_in_a_new_order(rng):
    x = np.arange(10)
    seen = list(data.batches(x, 4, rng=rng, epochs=3))
    assert [len(batch) for batch in seen] == [4, 4, 2] * 3
    epochs = np.concatenate(seen).reshape(3, 10)
    assert (np.sort(epochs, axis=1) == x).all()
    assert len({tuple(epoch) for epoch in epochs} | {tuple(x)}) == 4
    assert (x == np.arange(10)).all()


def test_the_generator_alone_decides(rng):
    x = np.arange(100)
    first, again, other = (
        np.concatenate(list(data.batches(x, 7, rng=np.random.default_rng(seed))))
        for seed in (1, 1, 2)
    )
    assert (first == again).all() and (first != other).any()


def test_without_a_generator_in_order():
    seen = list(data.batches(np.arange(5), 2, rng=None, epochs=2))
    assert [batch.tolist() for batch in seen] == [[0, 1], [2, 3], [4]] * 2


def test_tuples_stay_together(mnist, rng):
    images, labels = next(iter(data.batches(mnist["test"], 64, rng=rng)))
    assert images.shape == (64, 1, 28, 28) and labels.shape == (64,)
    x = np.arange(30)
    for a, b in data.batches((x, x**2), 7, rng=rng, epochs=2):
        assert (b == a**2).all()


@pytest.mark.parametrize("n, size", [(10, 4), (8, 4), (3, 4), (0, 4), (5, 1)])
@pytest.mark.parametrize("drop_last", [False, True])
def test_len_is_the_number_of_batches(n, size, drop_last, rng):
    options = {"rng": rng, "epochs": 3, "drop_last": drop_last}
    loop = data.batches(np.zeros((n, 2)), size, **options)
    sizes = [len(batch) for batch in loop]
    assert len(sizes) == len(loop) == 3 * (n // size if drop_last else -(-n // size))
    assert not drop_last or set(sizes) <= {size}


def test_a_shuffled_epoch_drops_a_different_rest(rng):
    kept = [
        set(
            np.concatenate(list(data.batches(np.arange(9), 4, rng=rng, drop_last=True)))
        )
        for _ in range(20)
    ]
    assert set.union(*kept) == set(range(9)) and len(kept[0]) == 8


@pytest.mark.parametrize("size", [0, -1, 2.5, None])
def test_bad_batch_size(size, rng):
    with pytest.raises(
        ValueError, match=r"batches: batch_size is .*, expected a count"
    ):
        data.batches(np.zeros(4), size, rng=rng)


def test_other_bad_arguments_of_batches(rng):
    x = np.zeros(4)
    with pytest.raises(ValueError, match=r"lengths of data are \[4, 3\]"):
        data.batches((x, x[:3]), 2, rng=rng)
    with pytest.raises(ValueError, match="epochs is 0"):
        data.batches(x, 2, rng=rng, epochs=0)
    with pytest.raises(TypeError, match=r"rng is 0, expected a np\.random"):
        data.batches(x, 2, rng=0)
    with pytest.raises(TypeError, match="expected arrays"):
        data.batches([1, 2, 3], 2, rng=rng)
    with pytest.raises(TypeError, match="rng"):
        data.batches(x, 2)  # there is no default: say None for "in order"


# --- bytes to values ------------------------------------------------------------------


def test_binarize_draws_with_the_pixel_as_probability(rng):
    x = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 20_000, axis=1)
    drawn = data.binarize(x, rng=rng)
    assert drawn.dtype == np.float32 and set(np.unique(drawn)) == {0, 1}
    p = np.arange(256) / 255
    error = np.abs(drawn.mean(axis=1) - p)
    assert (error <= 5 * np.sqrt(p * (1 - p) / 20_000)).all()  # 0 and 255 exactly
    assert (data.binarize(x, rng=rng) != drawn).any()


def test_threshold_is_at_127_and_a_half():
    x = np.array([0, 127, 128, 255], np.uint8)
    assert data.threshold(x).tolist() == [0, 0, 1, 1]
    assert data.threshold(x).dtype == np.float32


def test_dequantize_keeps_every_value_in_its_bin(rng):
    x = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 200_000, axis=1)
    y = data.dequantize(x, rng=rng)
    assert y.dtype == np.float32 and y.min() >= 0 and y.max() < 1
    assert (np.floor(y * 256) == x).all()
    u = y.astype(float) * 256 - x
    assert u.mean() == pytest.approx(0.5, abs=1e-3)
    assert u.var() == pytest.approx(1 / 12, abs=1e-3)


@pytest.mark.parametrize("name", ["binarize", "threshold", "dequantize"])
def test_only_bytes_are_accepted(name, rng):
    options = {} if name == "threshold" else {"rng": rng}
    with pytest.raises(TypeError, match=f"{name}: images are float64, expected uint8"):
        getattr(data, name)(np.zeros((2, 2)), **options)
    if options:
        with pytest.raises(TypeError, match=f"{name}: rng is 3, expected"):
            getattr(data, name)(np.zeros((2, 2), np.uint8), rng=3)


# --- toys -----------------------------------------------------------------------------

TOYS = ["ring", "grid", "moons", "spirals", "checkerboard"]


@pytest.mark.parametrize("name", TOYS)
def test_toys_are_float32_points(name, rng):
    toy = getattr(data, name)
    x = toy(1000, rng=rng)
    assert x.shape == (1000, 2) and x.dtype == np.float32 and np.abs(x).max() < 5
    assert (
        toy(50, rng=np.random.default_rng(1)) == toy(50, rng=np.random.default_rng(1))
    ).all()
    assert toy(0, rng=rng).shape == (0, 2)


@pytest.mark.parametrize(
    "toy, centres, std",
    [(data.ring, data.ring_centres(), 0.01), (data.grid, data.grid_centres(), 0.05)],
)
def test_mixtures_hit_every_mode_as_often(toy, centres, std, rng):
    x = toy(25_000, rng=rng)
    distance = np.linalg.norm(x[:, None] - centres, axis=2)
    counts = np.bincount(distance.argmin(axis=1), minlength=len(centres))
    expected = len(x) / len(centres)
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all()
    # A round Gaussian is within three standard deviations with 1 − exp(−9/2) = 98.9 %.
    assert (distance.min(axis=1) < 3 * std).mean() == pytest.approx(0.9889, abs=0.003)


def test_the_grid_is_the_one_of_the_papers():
    ticks = [-4, -2, 0, 2, 4]
    assert sorted(map(tuple, data.grid_centres())) == [
        (a, b) for a in ticks for b in ticks
    ]


def test_mixture_log_density_against_scipy(rng):
    centres, std = data.ring_centres(5, 2.0), 0.3
    x = rng.normal(size=(50, 2))
    normals = [scipy.stats.multivariate_normal(c, std**2) for c in centres]
    expected = np.log(np.mean([normal.pdf(x) for normal in normals], axis=0))
    np.testing.assert_allclose(data.mixture_log_density(x, centres, std), expected)
    far = data.mixture_log_density(np.array([[1e3, 0.0]]), centres, std)
    assert np.isfinite(far).all()


def test_densities_integrate_to_one():
    ticks = (np.arange(600) + 0.5) / 100 - 3
    plane = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    mixture = data.mixture_log_density(plane, data.ring_centres(), 0.1)
    assert np.exp(mixture).sum() * 1e-4 == pytest.approx(1, abs=1e-6)
    board = data.checkerboard_log_density(plane)
    assert np.exp(board).sum() * 1e-4 == pytest.approx(1)


@pytest.mark.parametrize("cells", [2, 4, 6])
def test_checkerboard_samples_lie_on_filled_squares(cells, rng):
    x = data.checkerboard(100_000, rng=rng, cells=cells)
    assert (data.checkerboard_log_density(x, cells) == -np.log(cells**2 / 2)).all()
    assert data.checkerboard_log_density(np.array([[-0.5, 0.5]]))[0] == -np.inf
    assert data.checkerboard_log_density(np.array([[99.5, 0.5]]))[0] == -np.inf


def test_moons_and_spirals_lie_on_their_curves(rng):
    x, y = data.moons(2000, rng=rng, std=0.0).T
    upper = np.abs(np.hypot(x, y) - 1) < 1e-6
    lower = np.abs(np.hypot(x - 1, y - 0.5) - 1) < 1e-6
    assert (upper | lower).all() and 900 < upper.sum() < 1100
    x, y = data.spirals(2000, rng=rng, arms=2, turns=1.5, std=0.0).T.astype(float)
    radius = np.hypot(x, y)
    turn = (np.arctan2(y, x) / (2 * np.pi) - 1.5 * radius) * 2  # in half turns
    assert np.abs(turn - np.round(turn)).max() < 1e-3


def test_bad_arguments_of_toys(rng):
    with pytest.raises(ValueError, match="checkerboard: cells is 3, expected an even"):
        data.checkerboard(5, rng=rng, cells=3)
    with pytest.raises(ValueError, match="ring_centres: modes is 0"):
        data.ring(5, rng=rng, modes=0)
