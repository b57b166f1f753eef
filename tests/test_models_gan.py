"""GANs beside their torch twins: values, gradients, games; samples and averages."""

import numpy as np
import pytest
import torch
from crosscheck import difference, differences
from torch.nn import functional as TF

from mini import Tensor, adversarial, data, grad, no_grad, optim
from mini import functional as F
from mini.models.gan import Discriminator, Generator, PointDiscriminator, PointGenerator
from mini.twins import gan as twins

pytestmark = pytest.mark.usefixtures("one_thread")

torch.set_num_threads(1)

MODELS = {
    "points": (PointGenerator, {"latent": 3, "hidden": (5, 4)}),
    "points, linear": (PointGenerator, {"hidden": ()}),
    "images": (Generator, {"shape": (2, 4, 8), "latent": 3, "channels": (4, 3)}),
    "images, odd": (Generator, {"shape": (1, 7, 5), "latent": 3, "channels": (4, 3)}),
    "judge, odd": (Discriminator, {"shape": (1, 7, 5), "channels": (3, 4)}),
    "images, three times doubled": (
        Generator, {"shape": (1, 8, 8), "latent": 2, "channels": (4, 3, 2)},
    ),
    "judge of points": (PointDiscriminator, {"hidden": (5, 4)}),
    "judge of packs": (PointDiscriminator, {"pack": 3, "hidden": (5,)}),
    "judge of waves": (PointDiscriminator, {"pack": 2, "hidden": (5,), "waves": 4}),
    "judge, batch": (Discriminator, {"shape": (2, 8, 4), "channels": (3, 4)}),
    "judge, spectral": (
        Discriminator, {"shape": (2, 8, 4), "channels": (3, 4), "norm": "spectral"},
    ),
    "judge, no norm": (
        Discriminator, {"shape": (2, 8, 8), "channels": (3, 4, 2), "norm": None},
    ),
}  # fmt: skip


def dice(seed=5):
    return np.random.default_rng(seed)


def pair(cls, options, rng, dtype=np.float64):
    """A small model with weights that are far from zero, and its twin with the same."""
    model = cls(**options, rng=rng).to(dtype)
    for p in model.parameters():
        p.data += 0.3 * rng.standard_normal(p.shape)
    for name, buffer in model.named_tensors():
        if "running" in name:
            buffer.data[...] = rng.uniform(0.05, 0.2, buffer.shape)
    return model, give(model, getattr(twins, cls.__name__)(**options).double())


def give(model, twin):
    """The twin with the model's weights, if their names are the same in order."""
    state = model.state_dict()
    assert list(state) == list(twin.state_dict())
    twin.load_state_dict({key: torch.tensor(array) for key, array in state.items()})
    return twin


def assert_same_state(model, twin, limit=1e-9):
    after = twin.state_dict()
    for key, array in model.state_dict().items():
        assert difference(Tensor(array), after[key]) < limit, key


def inputs(model, n, rng):
    if hasattr(model, "latent"):
        return rng.standard_normal((n, model.latent))
    if isinstance(model, PointDiscriminator):
        return rng.standard_normal((n, 2 * model.pack))
    return rng.uniform(-1, 1, (n, *model.shape))


# ---- beside the twins ----------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", MODELS)
def test_values_and_gradients_are_the_twins(name, training, rng):
    """To second order, for what goes in and for all weights; and what it keeps."""
    model, twin = pair(*MODELS[name], rng)
    model.train(training)
    twin.train(training)
    found = differences(
        model, twin, [inputs(model, 4, rng)],
        (model.parameters(), list(twin.parameters())),
    )  # fmt: skip
    assert max(found) < 1e-9
    assert_same_state(model, twin)


@pytest.mark.parametrize("norm", ["batch", "spectral", None])
def test_features_are_the_twins(norm, rng):
    options = MODELS["judge, batch"][1] | {"norm": norm}
    model, twin = pair(Discriminator, options, rng)
    x = inputs(model, 3, rng)
    features = model.features(Tensor(x))
    assert features.shape == (3, 4 * 2)
    assert difference(features, twin.features(torch.tensor(x))) < 1e-12
    model, twin = model.eval(), twin.eval()
    judged = model.judge(model.features(Tensor(x))).reshape(3)
    np.testing.assert_array_equal(judged.data, model(Tensor(x)).data)


DEFAULTS = [
    (PointGenerator, {}), (PointDiscriminator, {}), (Generator, {}),
    *((Discriminator, {"norm": norm}) for norm in ("batch", "spectral", None)),
]  # fmt: skip


@pytest.mark.parametrize("cls, options", DEFAULTS)
def test_weights_travel_both_ways_in_the_sizes_that_nobody_names(cls, options, rng):
    model = cls(**options, rng=rng)
    twin = getattr(twins, cls.__name__)(**options)
    theirs = {key: w.numpy() for key, w in twin.state_dict().items()}
    model.load_state_dict(theirs)
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, theirs[key])
    give(cls(**options, rng=rng), twin)


# ---- games ---------------------------------------------------------------------------

SMALL = {"shape": (1, 4, 8), "channels": (4, 3)}
IMAGES = {"latent": 3, **SMALL}, {"shape": (1, 4, 8), "channels": (3, 4)}
GAMES = {
    "DCGAN": (IMAGES, {"norm": "batch"}, "non_saturating"),
    "DCGAN, smoothed": (IMAGES, {"norm": "batch"}, "minimax"),
    "DCGAN, spectral": (IMAGES, {"norm": "spectral"}, "hinge"),
    "DCGAN, squares": (IMAGES, {"norm": "batch"}, "least_squares"),
    "WGAN-GP": (IMAGES, {"norm": None}, "wasserstein"),
    "points in packs": (
        ({"latent": 2, "hidden": (6,)}, {"pack": 2, "hidden": (7,)}), {}, "minimax",
    ),
}  # fmt: skip


STILL = "judge.u", "judge.bias"  # ±1; added to real and to fake, so it cancels out


def losses_in_torch(loss, real, fake, smoothing):
    def entropy(y, target):
        target = torch.full_like(y, target)
        return TF.binary_cross_entropy_with_logits(y, target)

    if loss == "wasserstein":
        return fake.mean() - real.mean()
    if loss == "hinge":
        return TF.relu(1 - real).mean() + TF.relu(1 + fake).mean()
    if loss == "least_squares":
        return ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2
    return entropy(real, 1 - smoothing) + entropy(fake, 0.0)


def loss_in_torch(loss, fake):
    return {
        "minimax": lambda: torch.log(1 - torch.sigmoid(fake)).mean(),
        "non_saturating": lambda: -torch.log(torch.sigmoid(fake)).mean(),
        "least_squares": lambda: ((fake - 1) ** 2).mean() / 2,
    }.get(loss, lambda: -fake.mean())()


def penalty_in_torch(critic, real, fake, rng):
    alpha = torch.tensor(rng.random((len(real), *(1,) * (real.ndim - 1))))
    x = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


@pytest.mark.parametrize("game", GAMES)
def test_twenty_steps_of_a_game_lead_where_the_twins_go(game, rng):
    (options, other), norm, name = GAMES[game]
    points = "hidden" in options
    G, D = (
        (PointGenerator, PointDiscriminator) if points else (Generator, Discriminator)
    )
    G, TG = pair(G, options, rng)
    D, TD = pair(D, other | norm, rng)
    m, loss = other.get("pack", 1), getattr(adversarial, name)
    smoothing = 0.1 if name == "minimax" else 0.0
    smoothed = {"smoothing": 0.1} if smoothing else {}
    betas = {"lr": 0.01, "betas": (0.5, 0.999)}
    g, d = (optim.Adam(model.parameters(), **betas) for model in (G, D))
    tg, td = (torch.optim.Adam(model.parameters(), **betas) for model in (TG, TD))
    before, log = (G.state_dict(), D.state_dict()), []
    for step in range(20):
        real = data.ring(12, rng=rng).astype(float)
        if not points:
            real = np.tanh(rng.standard_normal((12, *G.shape)) + 1)
        z, w = rng.standard_normal((2, 12, G.latent))

        with no_grad():
            fake = G(z)
        packed = adversarial.pack(Tensor(real), m)
        ours = loss.discriminator(D(packed), D(adversarial.pack(fake, m)), **smoothed)
        with torch.no_grad():
            their_fake = TG(torch.tensor(z))
        their_packed = torch.tensor(packed.data)
        theirs = losses_in_torch(
            name,
            TD(their_packed),
            TD(their_fake.reshape(their_packed.shape)),
            smoothing,
        )
        if name == "wasserstein":
            penalty = adversarial.gradient_penalty(D, real, fake, rng=dice(step))
            ours = ours + 10 * penalty
            penalty = penalty_in_torch(TD, torch.tensor(real), their_fake, dice(step))
            theirs = theirs + 10 * penalty
        d.step(grad(ours, D.parameters()))
        td.zero_grad()
        theirs.backward()
        td.step()
        log.append((ours.item(), theirs.item()))

        ours = loss.generator(D(adversarial.pack(G(w), m)))
        theirs = loss_in_torch(
            name, TD(TG(torch.tensor(w)).reshape(their_packed.shape))
        )
        g.step(grad(ours, G.parameters()))
        tg.zero_grad()
        theirs.backward()
        tg.step()
        log.append((ours.item(), theirs.item()))
    np.testing.assert_allclose(*np.array(log).T, rtol=1e-8)
    for model, twin, start in zip((G, D), (TG, TD), before, strict=True):
        assert_same_state(model, twin, 1e-7)
        for key, array in model.state_dict().items():
            assert (array != start[key]).any() or key in STILL, key


def test_a_game_ends_where_the_real_ones_are(rng):
    """A round Gaussian away from the origin. The players circle round the end of the
    game; the average of the generator's weights lies there."""
    G, D = (
        PointGenerator(hidden=(16,), rng=rng),
        PointDiscriminator(hidden=(32,), rng=rng),
    )
    g, d = (optim.Adam(model.parameters(), 0.01, (0.5, 0.9)) for model in (G, D))
    loss, ema = adversarial.non_saturating, optim.EMA(G, 0.98)
    for _ in range(300):
        real = (rng.standard_normal((64, 2)) * 0.5 + [2, -1]).astype(np.float32)
        cost = loss.discriminator(D(real), D(G.sample(64, rng=rng)))
        cost = cost + 2 * adversarial.r1_penalty(D, real)
        d.step(grad(cost, D.parameters()))
        g.step(grad(loss.generator(D(G(G.draw_latent(64, rng)))), G.parameters()))
        ema.update()
    with ema.average():
        x = G.sample(2000, rng=rng)
    np.testing.assert_allclose(x.mean(0), [2, -1], atol=0.15)
    np.testing.assert_allclose(x.std(0), 0.5, atol=0.2)


# ---- samples, bytes, averages --------------------------------------------------------


def test_points_are_drawn_as_the_network_maps_them(rng):
    model = PointGenerator(latent=5, rng=rng)
    x = model.sample(7, rng=dice())
    assert isinstance(x, np.ndarray) and x.shape == (7, 2) and x.dtype == np.float32
    z = model.draw_latent(7, dice())
    assert z.shape == (7, 5) and z.dtype == np.float32
    np.testing.assert_array_equal(x, model(z).data)
    assert PointGenerator(rng=rng).to(np.float64).sample(3, rng=rng).dtype == float


def test_images_are_drawn_with_running_statistics(rng):
    """Not with the batch's: one image is the same whatever else is drawn."""
    model, _ = pair(*MODELS["images"], rng, np.float32)
    state = model.state_dict()
    x = model.sample(5, rng=dice())
    assert x.shape == (5, 2, 4, 8) and x.dtype == np.uint8 and x.std() > 10
    np.testing.assert_array_equal(x[:1], model.sample(1, rng=dice()))
    assert model.training and model.painter[0].training
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[key])
    z = model.draw_latent(5, dice())
    assert np.abs(model.scaled(x) - model.eval()(z).data).max() <= 1 / 255 + 1e-6
    assert model.sample(2, rng=rng).shape[0] == 2 and not model.training


def test_the_networks_see_bytes_from_minus_one_to_one(rng):
    model = Discriminator((1, 16, 16), channels=(2,), norm=None, rng=rng)
    x = np.arange(256).astype(np.uint8).reshape(1, 1, 16, 16)
    y = model.scaled(x)
    assert y.dtype == np.float32 and (y.min(), y.max()) == (-1, 1)
    np.testing.assert_allclose(np.diff(y.ravel()), 2 / 255, rtol=1e-4)
    np.testing.assert_array_equal(np.rint(127.5 * (y + 1)), x)
    np.testing.assert_array_equal(model(x).data, model(Tensor(y)).data)
    generator = Generator((1, 16, 16), channels=(2,), rng=rng)
    for p in generator.parameters():
        p.data *= 1e4
    assert set(np.unique(generator.sample(4, rng=rng))) >= {0, 255}


def test_an_averaged_generator_has_averaged_statistics(rng):
    """EMA takes the buffers of batch norm along, not only the weights."""
    model, _ = pair(*MODELS["images"], rng, np.float32)
    ema, optimiser = optim.EMA(model, decay=0.8), optim.Adam(model.parameters(), 0.05)
    expected = {key: a.astype(float) for key, a in model.state_dict().items()}
    for _ in range(6):
        loss = (model(model.draw_latent(8, rng)) - 0.5) ** 2
        optimiser.step(grad(loss.mean(), model.parameters()))
        ema.update()
        for key, array in model.state_dict().items():
            expected[key] = 0.8 * expected[key] + 0.2 * array
    now, drawn = model.state_dict(), model.sample(4, rng=dice())
    with ema.average():
        averaged, state = model.sample(4, rng=dice()), model.state_dict()
    for key in ("painter.0.running_mean", "painter.3.running_var", "project.weight"):
        np.testing.assert_allclose(state[key], expected[key], rtol=1e-4, atol=1e-5)
        assert np.abs(state[key] - now[key]).max() > 1e-3, key
    assert state["painter.0.num_batches_tracked"] == 6
    assert (averaged != drawn).any()
    np.testing.assert_array_equal(model.sample(4, rng=dice()), drawn)
    for key, array in now.items():  # weights alone, with the latest statistics: no
        state[key] = array if "running" in key else state[key]
    model.load_state_dict(state)
    assert (model.sample(4, rng=dice()) != averaged).any()


def test_weights_start_as_the_paper_says(rng):
    for model in (Generator(rng=rng), Discriminator(rng=rng)):
        for key, p in model.named_parameters():
            if p.ndim > 1:
                assert abs(p.data.mean()) < 5 * 0.02 / p.size**0.5, key
                assert abs(p.data.std() / 0.02 - 1) < 5 / p.size**0.5, key
            else:  # batch norms begin as they are, other layers without a bias
                norm = key.startswith(("painter.0", "painter.3", "network.3"))
                assert (p.data == (norm and key.endswith("weight"))).all(), key


def test_layers_are_those_of_the_paper(rng):
    """No bias before a batch norm; none in the first layer of D, the last of G."""
    keys = Generator(rng=rng).state_dict()
    assert keys["project.weight"].shape == (128 * 7 * 7, 64)
    assert keys["painter.2.weight"].shape == (128, 64, 4, 4)
    assert keys["painter.5.weight"].shape == (64, 1, 4, 4)
    biases = [key for key in keys if key.endswith("bias")]
    assert biases == ["painter.0.bias", "painter.3.bias", "painter.5.bias"]
    keys = Discriminator(rng=rng).state_dict()
    assert keys["network.0.weight"].shape == (64, 1, 4, 4)
    assert keys["network.2.weight"].shape == (128, 64, 4, 4)
    assert keys["judge.weight"].shape == (1, 128 * 7 * 7)
    biases = [key for key in keys if key.endswith("bias")]
    assert biases == ["network.0.bias", "network.3.bias", "judge.bias"]


def test_a_judge_of_packs_sees_more_channels(rng):
    x = rng.integers(256, size=(6, 1, 8, 8)).astype(np.uint8)
    D = Discriminator((3, 8, 8), channels=(4, 5), rng=rng).eval()
    packed = D(adversarial.pack(x, 3))
    assert packed.shape == (2,)
    fake = adversarial.pack(Tensor(D.scaled(x)), 3)
    np.testing.assert_array_equal(D(fake).data, packed.data)


def test_a_spectral_judge_is_nowhere_steep(rng):
    """Its slope is at most the product of its layers'. A convolution's is at most twice
    its matrix's, since with stride 2 four windows see each pixel."""
    D = Discriminator((1, 8, 8), channels=(6, 5), norm="spectral", rng=rng)
    for p in D.parameters():
        p.data *= 50
    for _ in range(50):
        D(Tensor(np.zeros((1, 1, 8, 8), np.float32)))
    D.eval()
    x = Tensor(rng.uniform(-1, 1, (40, 1, 8, 8)).astype("f"), requires_grad=True)
    (slope,) = grad(D(x).sum(), [x])
    assert np.sqrt((slope.data**2).sum((1, 2, 3))).max() < 2 * 2 * 1.01


def test_the_same_generator_gives_the_same_model():
    for cls, options in DEFAULTS:
        a, b = (cls(**options, rng=dice()).state_dict() for _ in range(2))
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])


# ---- bad input -----------------------------------------------------------------------

WRONG = {
    "no rng": (lambda r: Generator(), TypeError, "rng"),
    "a seed": (lambda r: PointGenerator(rng=1), TypeError, "rng .* got 1"),
    "latent": (
        lambda r: PointGenerator(latent=0, rng=r), ValueError,
        "PointGenerator: latent .* got 0"),
    "hidden": (
        lambda r: PointGenerator(hidden=9, rng=r), TypeError,
        "PointGenerator: hidden .* got 9"),
    "hidden[1]": (
        lambda r: PointDiscriminator(hidden=(9, 0), rng=r), ValueError,
        r"PointDiscriminator: hidden\[1\] .* got 0"),
    "pack": (
        lambda r: PointDiscriminator(1.5, rng=r), ValueError,
        r"PointDiscriminator: pack .* got 1\.5"),
    "points": (
        lambda r: PointDiscriminator(rng=r)(np.ones((3, 4))), ValueError,
        r"PointDiscriminator: x must be \(N, 2\).*\(3, 4\)"),
    "unpacked points": (
        lambda r: PointDiscriminator(2, rng=r)(np.ones((3, 2))), ValueError,
        r"x must be \(N, 4\).*adversarial.pack.*\(3, 2\)"),
    "z": (
        lambda r: PointGenerator(rng=r)(np.ones((3, 5))), ValueError,
        r"PointGenerator: z must be \(N, 2\), got shape \(3, 5\)"),
    "z of images": (
        lambda r: Generator(rng=r)(np.ones(64)), ValueError,
        r"Generator: z must be \(N, 64\), got shape \(64,\)"),
    "no samples": (
        lambda r: PointGenerator(rng=r).sample(0, rng=r), ValueError, "n .* got 0"),
    "samples of a seed": (
        lambda r: Generator(rng=r).sample(1, rng=5), TypeError,
        "Generator: rng .* got 5"),
    "shape": (
        lambda r: Generator((28, 28), rng=r), ValueError,
        r"Generator: shape .*\(28, 28\)"),
    "a flat shape": (
        lambda r: Generator((1, 28, 3), rng=r), ValueError,
        r"Generator: .*shape is \(1, 28, 3\) and channels \(128, 64\)"),
    "too many layers": (
        lambda r: Discriminator(channels=(4,) * 5, rng=r), ValueError,
        r"Discriminator: .*\(1, 28, 28\) and channels \(4, 4, 4, 4, 4\)"),
    "no layers": (
        lambda r: Discriminator(channels=(), rng=r), ValueError,
        r"Discriminator: .*at least one.*channels \(\)"),
    "channels": (
        lambda r: Discriminator(channels=64, rng=r), TypeError,
        "Discriminator: channels .* got 64"),
    "channels[0]": (
        lambda r: Generator(channels=(0, 4), rng=r), ValueError,
        r"Generator: channels\[0\] .* got 0"),
    "norm": (
        lambda r: Discriminator(norm="layer", rng=r), ValueError,
        "Discriminator: norm .* got 'layer'"),
    "images": (
        lambda r: Discriminator(rng=r)(np.zeros((2, 28, 28), np.uint8)), ValueError,
        r"Discriminator: x must be images \(N, 1, 28, 28\), got shape \(2, 28, 28\)"),
    "scaled images": (
        lambda r: Discriminator(rng=r)(np.full((1, 1, 28, 28), -0.5)), ValueError,
        r"Discriminator: x must have values 0 … 255, got -0\.5"),
    "fakes of another size": (
        lambda r: Discriminator(rng=r)(F.as_tensor(np.zeros((2, 1, 8, 8), "f"))),
        ValueError, r"Discriminator: x must be images .*\(2, 1, 8, 8\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_named(name, refused):
    refused(*WRONG[name])
