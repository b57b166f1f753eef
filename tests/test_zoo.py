"""The zoo: checkpoints keep their word, trainings resume exactly, errors are clear."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp

from mini import Tensor, data, grad, no_grad, zoo
from mini import functional as F
from mini.download import checksum_of
from mini.models.gated_pixelcnn import GatedPixelCNN
from mini.models.pixelcnn import PixelCNN
from mini.nn import Dropout, Linear, ReLU, Sequential
from mini.optim import EMA, AdamW
from mini.zoo import causes, checkpoints, recipes, run
from mini.zoo.__main__ import main
from mini.zoo.digits import as_floats, shift
from mini.zoo.gated import nats_and_bits, start_evenly, start_from_frequencies

STEPS = 12


def tiny(*, rng):
    """A network that draws random numbers while it is trained."""
    first, last = Linear(4, 8, rng=rng), Linear(8, 2, rng=rng)
    return Sequential(first, ReLU(), Dropout(rng=rng), last)


def output_at_ones(model):
    return {"output": float(model(Tensor(np.ones((1, 4), np.float32))).sum().item())}


def train_tiny(model, run, *, rng):
    """AdamW on random numbers."""
    points = np.random.default_rng(1).standard_normal((20, 4)).astype(np.float32)
    batches = data.batches(points, 5, rng=rng.spawn(1)[0], epochs=STEPS // 4)
    optimiser, average = AdamW(model.parameters()), EMA(model, 0.9)
    parts = {"model": model, "optimiser": optimiser, "average": average, "rng": rng}
    for x in run.resume(batches, **parts):
        noisy = x + 0.1 * rng.standard_normal(x.shape, np.float32)
        loss = F.mse_loss(model(Tensor(noisy)), x[:, :2])
        optimiser.lr = 0.01 / (1 + run.step)
        optimiser.step(grad(loss, model.parameters()))
        average.update()
        run.show(loss=loss.item())
        time.sleep(float(os.environ.get("TINY_PAUSE", 0)))
    model.load_state_dict(average.state_dict())


def train_other(model, run, *, rng):
    """Nothing at all."""
    for _ in run.resume(range(3), model=model):
        pass


def register(set_item=dict.__setitem__):
    """Make two recipes known (for one test only, with monkeypatch.setitem)."""
    rest = output_at_ones, {"output": ("", "at a point of ones")}, "none", 3
    for name, train, build in [
        ("tiny", train_tiny, tiny),
        ("other", train_other, lambda *, rng: Linear(4, 2, rng=rng)),
    ]:
        made = recipes.Recipe(name, train, build, *rest)
        set_item(recipes.RECIPES, name, made)


@pytest.fixture(autouse=True)
def bench(tmp_path, monkeypatch):
    """A cache folder of our own, and two more recipes."""
    monkeypatch.setenv("MINI_CACHE", str(tmp_path / "cache"))
    register(monkeypatch.setitem)


@pytest.fixture
def folder(tmp_path):
    """Where a checkpoint of `tiny`, trained without interruption, is."""
    zoo.train("tiny", folder=tmp_path / "made")
    return tmp_path / "made"


def state_file():
    return Path(os.environ["MINI_CACHE"]) / "training" / "tiny.npz"


def weights(folder, name="tiny"):
    return (Path(folder) / f"{name}.npz").read_bytes()


# ---- the checkpoints in data/ --------------------------------------------------------

COMMITTED = sorted(path.stem for path in data.FOLDER.glob("*.npz"))
COMMITTED = [name for name in COMMITTED if name not in data.index()]


def test_every_recipe_has_its_checkpoint_and_every_checkpoint_its_recipe():
    assert sorted({*zoo.names()} - {"tiny", "other"}) == COMMITTED


README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", COMMITTED)
def test_readme_says_what_the_card_says(name):
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
    card = zoo.card(name)
    assert f"{card['parameters']:,}" in row
    for metric in card["metrics"].values():
        digits = 3 if metric["unit"].startswith("bits") else 2
        assert f"{metric['value']:.{digits}f}" in row


# shares of samples: another processor may count a few otherwise
SHARES = {"precision": 2e-3, "recall": 2e-3, "quality": 0.1}


@pytest.mark.parametrize("name", COMMITTED)
def test_checkpoint_keeps_the_word_of_its_card(name):
    card, scores = zoo.card(name), zoo.evaluate(name, slow=False)
    assert set(card["metrics"]) == set(recipes.RECIPES[name].metrics)
    assert set(card["metrics"]) - set(scores) <= {"nll_5000"}  # see the next test
    for metric, value in scores.items():
        promised = card["metrics"][metric]
        allowed = SHARES.get(metric)
        assert value == pytest.approx(promised["value"], rel=2e-4, abs=allowed)
        assert promised["unit"] and promised["variant"]
    model = zoo.load(name)
    assert not any(module.training for module in model.modules())
    assert card["parameters"] == sum(p.size for p in model.parameters())
    expected = {"name", "recipe", "seed", "steps", "minutes", "machine", "metrics"}
    assert set(card) == expected | {"parameters", "licence", "sha256", "date"}
    chosen = recipes.RECIPES[name]
    assert card["seed"] == chosen.seed and card["licence"] == chosen.licence
    assert card["recipe"].endswith(" ".join(chosen.train.__doc__.split()))


@pytest.mark.parametrize(
    "name, k, every, images, most",
    [
        ("vae-mnist", 500, 50, 10, 0.15),
        ("iwae-mnist", 500, 50, 10, 0.15),
        ("conv-vae-mnist", 100, 250, 1, 0.4),
    ],
)
def test_more_draws_bring_what_the_card_says(name, k, every, images, most):
    """5000 draws at once, or k at a time: the card knows the difference."""
    metrics, model = zoo.card(name)["metrics"], zoo.load(name)
    x, _ = causes.binarized(every)
    rng, gains = np.random.default_rng(0), []
    with no_grad():
        for i in range(0, len(x), images):
            part = x[i : i + images]
            logs = model.log_weights(part, rng=rng, k=5000).data.astype(float)
            groups = logs.reshape(5000 // k, k, len(part))
            few = (logsumexp(groups, axis=1) - np.log(k)).mean(axis=0)
            gains.extend(logsumexp(logs, axis=0) - np.log(5000) - few)
    error = np.std(gains) / len(x) ** 0.5
    promised = metrics["nll"]["value"] - metrics["nll_5000"]["value"]
    assert abs(np.mean(gains) - promised) < 3 * error < most


def test_nll_5000_is_the_mean_over_all_images(monkeypatch):
    model, (x, label) = zoo.load("vae-mnist"), causes.binarized(every=2000)
    few = np.tile(x, (41, 1, 1, 1)), label  # 205: more than it takes at a time
    monkeypatch.setattr(causes, "binarized", lambda every: few)
    monkeypatch.setattr(causes, "DRAWS", 20)
    rng = np.random.default_rng(2)
    parts = np.split(few[0], [200])
    logs = [model.log_prob(part, rng=rng, k=20).data for part in parts]
    expected = -np.concatenate(logs).mean()
    assert causes.nll_5000()(model)["nll_5000"] == pytest.approx(expected, rel=1e-12)


def test_slow_metrics_can_be_left_out(folder, monkeypatch):
    monkeypatch.setitem(
        recipes.RECIPES,
        "tiny",
        replace(recipes.RECIPES["tiny"], slow=lambda _: {"s": 1}),
    )
    fast = zoo.evaluate("tiny", slow=False, folder=folder)
    assert set(fast) == {"output"}
    assert zoo.evaluate("tiny", folder=folder) == fast | {"s": 1}


def test_classifier_is_good_enough_to_measure_others():
    assert zoo.card("classifier-mnist")["metrics"]["accuracy"]["value"] >= 99.0
    images, _ = data.load("mnist", "test")
    model = zoo.load("classifier-mnist")
    features = model.features(Tensor(images[:1000].astype(np.float32) / 255)).data
    assert (features.std(axis=0) > 0.1).all()  # none of them is dead


# ---- training and resuming -----------------------------------------------------------


def test_train_load_card_evaluate(folder):
    card, model = zoo.card("tiny", folder=folder), zoo.load("tiny", folder=folder)
    assert card["steps"] == STEPS and card["parameters"] == 4 * 8 + 8 + 8 * 2 + 2
    assert card["sha256"] == checksum_of(folder / "tiny.npz", "0" * 64)
    assert card["recipe"] == "train_tiny: AdamW on random numbers."
    assert card["metrics"]["output"]["value"] == output_at_ones(model)["output"]
    assert zoo.evaluate("tiny", folder=folder) == output_at_ones(model)
    assert sorted(path.name for path in folder.iterdir()) == ["tiny.json", "tiny.npz"]
    assert not state_file().exists()


def test_same_seed_gives_the_same_bytes(folder, tmp_path):
    zoo.train("tiny", folder=tmp_path / "again")
    assert weights(tmp_path / "again") == weights(folder)


def test_many_sittings_equal_one(folder, tmp_path):
    sittings = 1
    while zoo.train("tiny", minutes=0, folder=tmp_path / "parts") is None:
        assert not (tmp_path / "parts").exists()
        sittings += 1
        assert sittings <= STEPS
    assert sittings == STEPS
    assert weights(tmp_path / "parts") == weights(folder)
    assert zoo.card("tiny", folder=tmp_path / "parts")["steps"] == STEPS


def test_a_sitting_that_breaks_costs_only_what_was_not_saved(
    folder, tmp_path, monkeypatch
):
    class Breaks(AdamW):
        def step(self, grads):
            if self.steps == 7:
                raise KeyboardInterrupt
            super().step(grads)

    with monkeypatch.context() as patch:
        patch.setattr(run, "SAVE_EVERY", 0.0)
        patch.setitem(globals(), "AdamW", Breaks)
        with pytest.raises(KeyboardInterrupt):
            zoo.train("tiny", folder=tmp_path / "parts")
    assert checkpoints.read_arrays(state_file())["run/step"] == 7
    zoo.train("tiny", folder=tmp_path / "parts")
    assert weights(tmp_path / "parts") == weights(folder)


def test_a_killed_process_leaves_no_damaged_file_and_another_goes_on(folder, tmp_path):
    environment = os.environ | {"TINY_PAUSE": "0.1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    code = (
        "import test_zoo; test_zoo.register(); test_zoo.run.SAVE_EVERY = 0;"
        f"test_zoo.zoo.train('tiny', folder={str(tmp_path / 'parts')!r})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE
    ) as process:
        while not state_file().exists():
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "parts").exists()
    assert 0 < checkpoints.read_arrays(state_file())["run/step"] < STEPS
    zoo.train("tiny", folder=tmp_path / "parts")
    assert weights(tmp_path / "parts") == weights(folder)


def test_death_while_writing_leaves_the_old_file(folder, monkeypatch):
    before = weights(folder)

    def die(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", die)  # when all is written but nothing is safe
    with pytest.raises(KeyboardInterrupt):
        checkpoints.write_arrays(folder / "tiny.npz", {"half": np.zeros(3)})
    assert weights(folder) == before
    zoo.load("tiny", folder=folder)


def test_a_checkpoint_is_replaced_only_when_forced(folder):
    (folder / "tiny.npz").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"train: .*tiny\.npz exists; .*force"):
        zoo.train("tiny", folder=folder)
    assert weights(folder) == b"mine"
    zoo.train("tiny", folder=folder, force=True)
    zoo.load("tiny", folder=folder)


def test_restart_forgets_what_was_begun(folder, tmp_path):
    zoo.train("tiny", minutes=0, folder=tmp_path / "parts")
    state_file().write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"train: cannot go on from .*--restart"):
        zoo.train("tiny", folder=tmp_path / "parts")
    zoo.train("tiny", restart=True, folder=tmp_path / "parts")
    assert weights(tmp_path / "parts") == weights(folder)


def test_a_changed_recipe_does_not_go_on(tmp_path, monkeypatch):
    zoo.train("tiny", minutes=0, folder=tmp_path)
    monkeypatch.setattr(run.inspect, "getsource", lambda function: "other source")
    with pytest.raises(ValueError, match="cannot go on .*the recipe was changed since"):
        zoo.train("tiny", folder=tmp_path)


# ---- errors --------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["load", "card", "evaluate", "train"])
def test_unknown_name(function):
    known = ".*'classifier-mnist', .*'tiny'"
    message = f"{function}: name is 'tinny', expected one of {known}"
    with pytest.raises(ValueError, match=message):
        getattr(zoo, function)("tinny")


def test_missing_files(folder):
    with pytest.raises(FileNotFoundError, match=r"load: .*other\.json is missing; "):
        zoo.load("other", folder=folder)
    (folder / "tiny.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"load: .*tiny\.npz is missing; "):
        zoo.load("tiny", folder=folder)


@pytest.mark.parametrize("damage", ["one bit", "the end", "everything"])
def test_damaged_weights(damage, folder):
    raw = bytearray(weights(folder))
    raw[len(raw) // 2] ^= 1
    content = {"one bit": raw, "the end": raw[:-9], "everything": b""}[damage]
    (folder / "tiny.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"load: .*tiny\.npz is damaged.*SHA-256"):
        zoo.load("tiny", folder=folder)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"name": "tiny"}', "{"])
def test_damaged_card(text, folder):
    (folder / "tiny.json").write_text(text)
    with pytest.raises(ValueError, match=r"load: .*tiny\.json is damaged"):
        zoo.load("tiny", folder=folder)


def replace_weights(folder, path):
    """Put other weights in place of tiny's, and let tiny's card vouch for them."""
    (folder / "tiny.npz").write_bytes(path.read_bytes())
    card = json.loads((folder / "tiny.json").read_text())
    card["sha256"] = checksum_of(path, card["sha256"])
    (folder / "tiny.json").write_text(json.dumps(card))


def test_checkpoint_of_another_model(folder):
    zoo.train("other", folder=folder)
    replace_weights(folder, folder / "other.npz")
    message = r"load: .*tiny\.npz is of another model: .*missing '0\.weight'"
    with pytest.raises(ValueError, match=message):
        zoo.load("tiny", folder=folder)
    (folder / "tiny.json").write_bytes((folder / "other.json").read_bytes())
    with pytest.raises(ValueError, match="the card of another model, 'other', not"):
        zoo.load("tiny", folder=folder)


def test_pickles_are_not_opened(folder, tmp_path):
    np.savez(tmp_path / "evil.npz", weight=np.array([{}], object))
    replace_weights(folder, tmp_path / "evil.npz")
    with pytest.raises(ValueError, match="allow_pickle=False"):
        zoo.load("tiny", folder=folder)


# ---- the command line ----------------------------------------------------------------


def test_command_line(folder, tmp_path, capsys):
    assert main(["list", "--folder", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == zoo.names()
    assert "classifier-mnist: not trained yet" in lines
    [tiny] = [line for line in lines if line.startswith("tiny: output ")]
    assert "(at a point of ones)" in tiny
    assert main(["evaluate", "tiny", "--folder", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out) == zoo.evaluate("tiny", folder=folder)
    new = ["train", "tiny", "--folder", str(tmp_path / "new")]
    assert main([*new, "--minutes", "0"]) == 0
    assert "goes on from here" in capsys.readouterr().out
    assert main(new) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == STEPS
    assert main(new) == 1
    assert capsys.readouterr().err.startswith("train: ")
    assert main([*new, "--force"]) == 0
    assert main(["evaluate", "nothing"]) == 1


# ---- what the recipes are made of ----------------------------------------------------


def test_floats_go_from_zero_to_one():
    floats = as_floats(np.array([0, 51, 255], np.uint8))
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, [0, 0.2, 1], rtol=1e-6)


def test_shift_moves_whole_images():
    rng = np.random.default_rng(0)
    images = np.zeros((200, 2, 7, 6), np.uint8)
    images[:, 0, 3, 3], images[:, 1, 2, 3] = 1, 2
    moved = shift(images, 2, rng=rng)
    assert moved.shape == images.shape and moved.dtype == np.uint8
    n, y, x = np.nonzero(moved[:, 0])
    assert list(n) == list(range(200))
    assert set(zip(y, x)) == {(i, j) for i in range(1, 6) for j in range(1, 6)}
    np.testing.assert_array_equal(moved[n, 1, y - 1, x], 2)
    np.testing.assert_array_equal(shift(images, 0, rng=rng), images)


def test_a_network_that_starts_from_frequencies_is_the_histogram():
    rng = np.random.default_rng(0)
    images = rng.choice([0, 0, 0, 7, 15], size=(50, 1, 4, 4)).astype(np.uint8)
    model = GatedPixelCNN(
        (1, 4, 4), channels=4, layers=1, hidden=4, levels=16, classes=2, rng=rng
    )
    start_from_frequencies(model, images)
    model.last.weight.data[...] = 0  # nothing but the bias is left
    counts = np.bincount(images.ravel(), minlength=16) + 1  # so none is impossible
    nats = -np.log(counts / counts.sum())[images].sum() / 50
    labels = rng.integers(2, size=50)
    scores = nats_and_bits(model, images, labels, batch_size=20)  # 20, 20 and 10
    assert scores["nll"] == pytest.approx(nats, rel=1e-5)
    assert scores["bits_per_dim"] == pytest.approx(nats / 16 / np.log(2), rel=1e-5)


def test_a_mixture_that_starts_evenly_covers_all_levels_of_every_colour():
    rng = np.random.default_rng(0)
    model = PixelCNN(
        (3, 4, 4), channels=3, blocks=1, hidden=6, levels=256, components=5, rng=rng
    )
    before = model.last.weight.data.copy()
    start_evenly(model)
    np.testing.assert_allclose(model.last.weight.data, before / 10, rtol=1e-6)
    model.last.weight.data[...] = 0
    mixture = model.distribution(model(np.zeros((1, 3, 4, 4), np.uint8)))
    means = np.broadcast_to(
        np.linspace(-0.8, 0.8, 5)[:, None, None, None], (5, 3, 4, 4)
    )
    np.testing.assert_allclose(mixture.means.data[0], means, rtol=1e-6)
    np.testing.assert_allclose(mixture.log_scales.data, -2)
    assert np.abs(mixture.logits.data).max() < 0.5
    p = np.exp([mixture.log_prob(np.full((3, 4, 4), k)).data for k in range(256)])
    assert 0.001 < p.min() and p.max() < 0.1  # the ends take the tails
