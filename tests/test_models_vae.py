"""VAEs and autoencoders beside their torch twins: values, gradients, training."""

import numpy as np
import pytest
import torch
from crosscheck import difference, differences

from mini import Tensor, grad, no_grad, optim
from mini.models.autoencoder import Autoencoder
from mini.models.vae import VAE, ConvVAE, TwoLayerVAE
from mini.twins.autoencoder import Autoencoder as AutoencoderTwin
from mini.twins.vae import VAE as VAETwin
from mini.twins.vae import ConvVAE as ConvTwin
from mini.twins.vae import TwoLayerVAE as TwoLayerTwin

pytestmark = pytest.mark.usefixtures("one_thread")

torch.set_num_threads(1)

MODELS = {
    "dense": (VAE, VAETwin, {"hidden": (7, 6), "latent": 3}),
    "linear": (VAE, VAETwin, {"hidden": (), "latent": 2}),
    "convolutional": (
        ConvVAE, ConvTwin, {"channels": (3, 4), "hidden": 6, "latent": 3},
    ),
    "deeper": (
        ConvVAE, ConvTwin,
        {"shape": (1, 8, 16), "channels": (2, 3, 4), "hidden": 5, "latent": 2},
    ),
    "two layers": (TwoLayerVAE, TwoLayerTwin, {"hidden": (6, 5), "latent": (4, 3)}),
}  # fmt: skip
KINDS = [
    (name, pixels, conditions)
    for name in MODELS
    for pixels in ("bernoulli", "gaussian", "logistic")
    for conditions in ((0,) if name == "two layers" else (0, 3))
]


def pair(kind, rng, shape=(2, 4, 8)):
    """A small model in float64 with random weights, and its twin with the same."""
    name, pixels, conditions = kind
    cls, twin, options = MODELS[name]
    options = {"shape": shape, "pixels": pixels, **options}
    if conditions:
        options["conditions"] = conditions
    model, twin = cls(**options, rng=rng).to(np.float64), twin(**options).double()
    for parameter in model.parameters():
        parameter.data += 0.1 * rng.standard_normal(parameter.shape)
    return model, give(model, twin)


def give(model, twin):
    """The twin with the model's weights, if their names are the same in order."""
    state = model.state_dict()
    assert list(state) == list(twin.state_dict())
    twin.load_state_dict({key: torch.tensor(array) for key, array in state.items()})
    return twin


def images(model, n, rng):
    """Random images, the darkest and the brightest values often among them."""
    x = rng.integers(-20, 276, size=(n, *model.shape)).clip(0, 255)
    return (x * model.levels // 256).astype(np.uint8)


def conditions(model, n, rng):
    return rng.integers(model.conditions, size=n) if model.conditions else None


def dice(seed=5):
    return np.random.default_rng(seed)


# ---- values and gradients ------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_values_are_the_twins(kind, rng):
    model, twin = pair(kind, rng)
    x, c = images(model, 4, rng), conditions(model, 4, rng)
    y = torch.tensor(x)
    ours, theirs = model.terms(x, c, rng=dice()), twin.terms(y, c, rng=dice())
    found = [difference(a, b) for a, b in zip(ours, theirs, strict=True)]
    for function, options in (
        ("elbo", {}),
        ("elbo", {"k": 4}),
        ("log_weights", {"k": 3}),
        ("log_prob", {"k": 5}),
    ):
        a = getattr(model, function)(x, c, rng=dice(), **options)
        b = getattr(twin, function)(y, c, rng=dice(), **options)
        found.append(difference(a, b))
    q, p = model.encode(x, c), twin.encode(y, c)
    found += [difference(q.loc, p.loc), difference(q.scale, p.scale)]
    assert max(found) < 1e-12


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_first_and_second_gradients_are_the_twins(kind, k, rng):
    model, twin = pair(kind, rng)
    x, c = images(model, 3, rng), conditions(model, 3, rng)
    found = differences(
        lambda: model.elbo(x, c, rng=dice(), k=k),
        lambda: twin.elbo(torch.tensor(x), c, rng=dice(), k=k),
        [],
        (model.parameters(), list(twin.parameters())),
    )
    assert max(found) < 1e-9


@pytest.mark.parametrize("kind", [k for k in KINDS if k[1] != "logistic"], ids=str)
def test_gradients_reach_the_image_as_the_twins(kind, rng):
    """A Tensor is taken as what the network sees: from 0 to 1."""
    model, twin = pair(kind, rng)
    c, top = conditions(model, 3, rng), model.levels - 1
    found = differences(
        lambda x: model.elbo(x, c, rng=dice(), k=2),
        lambda x: twin.elbo(x * top, c, rng=dice(), k=2),
        [rng.random((3, *model.shape))],
    )
    assert max(found) < 1e-9


# ---- training ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_twenty_steps_lead_where_the_twin_goes(kind, rng):
    model, twin = pair(kind, rng, (1, 4, 4))
    x, c = images(model, 12, rng), conditions(model, 12, rng)
    ours = optim.Adam(model.parameters(), 0.01)
    theirs = torch.optim.Adam(twin.parameters(), 0.01)
    before = model.state_dict()
    losses = []
    for step in range(20):
        k = 1 + step % 2
        loss = -model.elbo(x, c, rng=dice(step), k=k).mean()
        ours.step(grad(loss, model.parameters()))
        expected = -twin.elbo(torch.tensor(x), c, rng=dice(step), k=k).mean()
        theirs.zero_grad()
        expected.backward()
        theirs.step()
        losses.append((loss.item(), expected.item()))
    np.testing.assert_allclose(*np.array(losses).T, rtol=1e-9)
    after = twin.state_dict()
    for key, array in model.state_dict().items():
        assert difference(Tensor(array), after[key]) < 1e-8, key
        assert (array != before[key]).any(), key
    assert losses[-1][0] < losses[0][0]


# ---- weights -------------------------------------------------------------------------

DEFAULTS = [(VAE, VAETwin), (ConvVAE, ConvTwin), (TwoLayerVAE, TwoLayerTwin)]


@pytest.mark.parametrize("cls, twin", [*DEFAULTS, (Autoencoder, AutoencoderTwin)])
def test_weights_travel_both_ways_in_the_sizes_that_nobody_names(cls, twin, rng):
    model, twin = cls(rng=rng), twin()
    theirs = {key: w.numpy() for key, w in twin.state_dict().items()}
    model.load_state_dict(theirs)
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, theirs[key])
    give(cls(rng=rng), twin)


@pytest.mark.parametrize("cls, twin", DEFAULTS)
def test_scales_are_learnt_for_each_colour(cls, twin, rng):
    for pixels in ("gaussian", "logistic"):
        model = cls((3, 4, 4), pixels=pixels, rng=rng)
        give(model, twin((3, 4, 4), pixels=pixels))
        assert model.state_dict()["log_scale"].shape == (3, 1, 1)
    assert "log_scale" not in cls((3, 4, 4), rng=rng).state_dict()


def test_the_number_of_parameters_is_that_of_the_papers():
    """Burda et al. 2016: 784–200–200–50 and back; 784–200–200–100–100–100–50."""
    one = VAE(latent=50, hidden=(200, 200), rng=dice())
    up = 785 * 200 + 201 * 200 + 201 * 100
    down = 51 * 200 + 201 * 200 + 201 * 784
    assert sum(p.size for p in one.parameters()) == up + down
    two = TwoLayerVAE(rng=dice())
    up = 785 * 200 + 201 * 200 + 201 * 200 + 101 * 100 + 101 * 100 + 101 * 100
    down = 51 * 100 + 101 * 100 + 101 * 200 + 101 * 200 + 201 * 200 + 201 * 784
    assert sum(p.size for p in two.parameters()) == up + down


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"shape": (1, 8, 12), "channels": (2, 3, 4)}, "divisible by 8, got shape"),
        ({"channels": ()}, r"channels must not be empty, got \(\)"),
    ],
)
def test_images_that_cannot_be_halved_are_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        ConvVAE(**options, rng=dice())


def test_the_same_generator_gives_the_same_model():
    for cls in (VAE, ConvVAE, TwoLayerVAE, Autoencoder):
        a, b = (cls((1, 4, 4), rng=dice()) for _ in range(2))
        for x, y in zip(a.parameters(), b.parameters(), strict=True):
            np.testing.assert_array_equal(x.data, y.data)


# ---- the autoencoder -----------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), (7,), (7, 5)])
def test_the_autoencoder_is_its_twin(hidden, rng):
    options = {"shape": (2, 3, 4), "latent": 3, "hidden": hidden}
    model = Autoencoder(**options, rng=rng).to(np.float64)
    twin = give(model, AutoencoderTwin(**options).double())
    x = rng.integers(256, size=(5, 2, 3, 4)).astype(np.uint8)
    assert difference(model.encode(x), twin.encode(torch.tensor(x))) < 1e-12
    z = rng.standard_normal((4, 3))
    assert difference(model.decode(z), twin.decode(torch.tensor(z))) < 1e-12
    found = differences(
        lambda x: ((model(x) - x) ** 2).sum((1, 2, 3)),
        lambda x: ((twin(255 * x) - x) ** 2).sum((1, 2, 3)),
        [x / 255],
        (model.parameters(), list(twin.parameters())),
    )
    assert max(found) < 1e-9
    ours = optim.Adam(model.parameters(), 0.01)
    theirs = torch.optim.Adam(twin.parameters(), 0.01)
    for _ in range(20):
        loss = ((model(x) - x / 255) ** 2).mean()
        ours.step(grad(loss, model.parameters()))
        theirs.zero_grad()
        expected = ((twin(torch.tensor(x)) - torch.tensor(x / 255)) ** 2).mean()
        expected.backward()
        theirs.step()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-9)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert difference(p, q) < 1e-8


def test_pca_is_the_best_linear_autoencoder(rng):
    """At the principal directions the error is the other directions' variance, and
    the gradient is zero; a small step away is worse. Baldi and Hornik 1989."""
    model = Autoencoder((1, 2, 4), latent=3, hidden=(), rng=rng).to(np.float64)
    x = rng.integers(256, size=(60, 1, 2, 4)).astype(np.uint8)
    flat = x.reshape(60, 8) / 255
    mean = flat.mean(0)
    variances, vectors = np.linalg.eigh(np.cov((flat - mean).T, bias=True))
    u = vectors[:, ::-1][:, :3]
    best = {
        "encoder.0.weight": u.T,
        "encoder.0.bias": -u.T @ mean,
        "decoder.0.weight": u,
        "decoder.0.bias": mean,
    }
    model.load_state_dict(best)

    def error():
        return ((model(x) - x / 255) ** 2).sum((1, 2, 3)).mean()

    assert error().item() == pytest.approx(variances[:5].sum())
    for g in grad(error(), model.parameters()):
        assert np.abs(g.data).max() < 1e-12
    for _ in range(20):
        for key, parameter in model.named_parameters():
            parameter.data[...] = best[key] + 0.01 * rng.standard_normal(
                parameter.shape
            )
        assert error().item() > variances[:5].sum()


def test_the_autoencoder_gives_images_from_0_to_1(rng):
    model = Autoencoder((3, 4, 4), hidden=(9,), rng=rng)
    x = rng.integers(256, size=(5, 3, 4, 4)).astype(np.uint8)
    z = model.encode(x)
    assert z.shape == (5, 2) and z.dtype == np.float32
    y = model.decode(50 * z.data)
    assert y.shape == x.shape and y.dtype == np.float32
    assert y.data.min() >= 0 and y.data.max() <= 1
    with no_grad():
        np.testing.assert_array_equal(model(x).data, model.decode(z).data)
        np.testing.assert_array_equal(model(x.astype(float)).data, model(x).data)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda r: Autoencoder(), TypeError, "rng"),
        (lambda r: Autoencoder((28, 28), rng=r), ValueError, "shape must be .*28, 28"),
        (lambda r: Autoencoder(latent=0, rng=r), ValueError, "latent .* got 0"),
        (lambda r: Autoencoder(hidden=9, rng=r), TypeError, "hidden .* got 9"),
        (lambda r: Autoencoder(hidden=(9, 0), rng=r), ValueError, r"hidden\[1\].* 0"),
    ],
)
def test_bad_sizes_are_named(call, error, message, rng):
    with pytest.raises(error, match=message):
        call(rng)


@pytest.mark.parametrize(
    "x, message",
    [
        (
            np.zeros((2, 1, 4, 5)),
            r"x must be images \(N, 1, 4, 4\), got .*\(2, 1, 4, 5",
        ),
        (np.full((1, 1, 4, 4), 256), "values 0 … 255, got 256"),
        (np.full((1, 1, 4, 4), 0.5), "whole numbers"),
        (Tensor(np.zeros((1, 4, 4))), r"got shape \(1, 4, 4\)"),
    ],
)
def test_other_images_and_codes_are_refused(x, message, rng):
    model = Autoencoder((1, 4, 4), rng=rng)
    for function in (model, model.encode):
        with pytest.raises(ValueError, match=f"Autoencoder: .*{message}"):
            function(x)
    with pytest.raises(ValueError, match=r"Autoencoder: z must be \(N, 2\), got .*3"):
        model.decode(np.zeros((1, 3)))
