"""Spectral normalisation: beside torch, and beside the singular value itself."""

import numpy as np
import pytest
import torch
from crosscheck import differences

from mini import adversarial as A
from mini import grad, nn

pytestmark = pytest.mark.usefixtures("one_thread")

torch.set_num_threads(1)


LAYERS = {
    "Linear": (
        lambda r: nn.Linear(6, 4, rng=r), lambda: torch.nn.Linear(6, 4), (3, 6)
    ),
    "Linear, no bias": (
        lambda r: nn.Linear(3, 5, False, rng=r),
        lambda: torch.nn.Linear(3, 5, False), (3, 3),
    ),
    "Conv2d": (
        lambda r: nn.Conv2d(3, 4, 3, 2, 1, rng=r),
        lambda: torch.nn.Conv2d(3, 4, 3, 2, 1), (2, 3, 5, 4),
    ),
    "ConvTranspose2d": (
        lambda r: nn.ConvTranspose2d(3, 2, 4, 2, 1, rng=r),
        lambda: torch.nn.ConvTranspose2d(3, 2, 4, 2, 1), (2, 3, 3, 4),
    ),
}  # fmt: skip


def spectral_pair(kind, rng):
    """Ours and torch's (spectral_norm of torch.nn.utils), with the same weights."""
    make, make_theirs, shape = LAYERS[kind]
    ours = nn.SpectralNorm(make(rng), rng=rng).to(np.float64)
    start = rng.standard_normal(ours.u.shape)
    ours.u.data[...] = start / np.linalg.norm(start)  # far from where it leads
    theirs = torch.nn.utils.spectral_norm(make_theirs().double())
    state = ours.state_dict()
    names = {"u": "weight_u", "layer.weight": "weight_orig", "layer.bias": "bias"}
    loaded = {names[key]: torch.tensor(array) for key, array in state.items()}
    theirs.load_state_dict({"weight_v": theirs.weight_v, **loaded})
    return ours, theirs, shape


@pytest.mark.parametrize("kind", LAYERS)
def test_spectral_norm_is_torchs_while_it_is_trained(kind, rng):
    ours, theirs, shape = spectral_pair(kind, rng)
    for step in range(4):
        assert difference_of_layers(ours, theirs, rng.standard_normal(shape)) < 1e-9
        np.testing.assert_allclose(ours.u.data, theirs.weight_u.numpy(), rtol=1e-9)
        parameters = dict(theirs.named_parameters())
        for key, p in (("weight_orig", ours.layer.weight), ("bias", ours.layer.bias)):
            if p is not None:
                move = 0.1 * np.cos(np.arange(p.size) + step).reshape(p.shape)
                p.data += move
                parameters[key].data += torch.tensor(move)


def difference_of_layers(ours, theirs, x):
    given = dict(theirs.named_parameters())
    theirs_in_order = [
        given["weight_orig" if "weight" in key else "bias"]
        for key, _ in ours.named_parameters()
    ]
    return max(differences(ours, theirs, [x], (ours.parameters(), theirs_in_order)))


@pytest.mark.parametrize("kind", LAYERS)
def test_sigma_becomes_the_largest_singular_value(kind, rng):
    ours, _, shape = spectral_pair(kind, rng)
    weight = ours.layer.weight
    matrix = weight.data.swapaxes(0, ours.axis).reshape(len(ours.u), -1)
    u, s, vt = np.linalg.svd(matrix)
    for _ in range(500):
        sigma = ours.sigma()
    assert sigma.item() == pytest.approx(s[0], rel=1e-9)
    (slope,) = grad(ours.sigma(), [weight])
    expected = np.outer(u[:, 0], vt[0]).reshape(matrix.shape[0], *_rest(weight, ours))
    np.testing.assert_allclose(slope.data.swapaxes(0, ours.axis), expected, atol=1e-6)
    x = rng.standard_normal(shape)
    same = ours(x).data
    weight.data *= 7.5  # what the layer does hangs on its weight's direction alone
    np.testing.assert_allclose(ours(x).data, same, rtol=1e-6)


def _rest(weight, layer):
    return [n for i, n in enumerate(weight.shape) if i != layer.axis]


def test_a_linear_map_stretches_nothing_by_more_than_one(rng):
    layer = nn.SpectralNorm(nn.Linear(8, 8, bias=False, rng=rng), rng=rng)
    for _ in range(200):
        layer.sigma()
    x = rng.standard_normal((500, 8)).astype(np.float32)
    with_norm = np.linalg.norm(layer(x).data, axis=1) / np.linalg.norm(x, axis=1)
    assert 0.7 < with_norm.max() <= 1 + 1e-5


def test_it_starts_near_the_largest_singular_value(rng):
    for seed in range(10):
        layer = nn.SpectralNorm(
            nn.Linear(40, 30, rng=rng), rng=np.random.default_rng(seed)
        )
        largest = np.linalg.svd(layer.layer.weight.data, compute_uv=False)[0]
        assert 0.9 * largest < layer.sigma().item() <= largest * (1 + 1e-5)


def test_only_training_moves_u(rng):
    layer = nn.SpectralNorm(nn.Linear(9, 7, rng=rng), rng=rng)
    layer.layer.weight.data += rng.standard_normal((7, 9)).astype(np.float32)
    x, u = rng.standard_normal((2, 9)).astype(np.float32), layer.u.data.copy()
    layer.eval()
    np.testing.assert_array_equal(layer(x).data, layer(x).data)
    np.testing.assert_array_equal(layer.u.data, u)
    stays = np.linalg.norm(layer.layer.weight.data.T @ u)  # what u alone says σ is
    assert layer.sigma().item() == pytest.approx(stays, rel=1e-5)
    assert layer.train().sigma().item() > 1.01 * stays
    assert (layer.u.data != u).any()
    assert np.linalg.norm(layer.u.data) == pytest.approx(1, rel=1e-6)
    layer.eval()
    before = layer(x).data
    layer.u.data *= 0.7  # an average of unit vectors is shorter than one
    np.testing.assert_allclose(layer(x).data, before, rtol=1e-5)


def test_weight_and_u_are_what_is_saved(rng):
    layer = nn.SpectralNorm(nn.Conv2d(2, 3, 3, rng=rng), rng=rng)
    assert list(layer.state_dict()) == ["u", "layer.weight", "layer.bias"]
    assert layer.parameters() == [layer.layer.weight, layer.layer.bias]
    assert layer.buffers() == [layer.u]
    weight, other = layer.layer.weight, nn.SpectralNorm(layer.layer, rng=rng)
    with pytest.raises(ValueError, match="conv2d"):
        layer(np.zeros((1, 5, 4, 4), np.float32))
    assert layer.layer.weight is weight  # also after an error
    other.load_state_dict(layer.state_dict())
    x = rng.standard_normal((1, 2, 4, 4)).astype(np.float32)
    np.testing.assert_array_equal(other.eval()(x).data, layer.eval()(x).data)


def test_an_earlier_pass_keeps_its_gradient(rng):
    """Real and fake pass before one gradient is taken; u moves between them."""
    layer = nn.SpectralNorm(nn.Linear(4, 3, rng=rng), rng=rng).to(np.float64)
    layer.u.data[...] = [1, 0, 0]
    x = rng.standard_normal((2, 4))
    first = layer(x).sum()
    expected = grad(first, layer.parameters())
    layer(x)
    for a, b in zip(grad(first, layer.parameters()), expected, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


WRONG = {
    "u": (
        lambda r: A.spectral_norm(np.ones((4, 2)), np.ones(2)), ValueError,
        r"spectral_norm: u .*axis 0 of the weight \(4, 2\), got shape \(2,\)"),
    "a bias": (
        lambda r: A.spectral_norm(np.ones(4), np.ones(4)), ValueError,
        r"weight \(4,\)"),
    "no layer": (
        lambda r: nn.SpectralNorm(nn.ReLU(), rng=r), TypeError,
        "SpectralNorm: layer .*Linear, Conv2d, ConvTranspose2d.*ReLU"),
    "a mask": (
        lambda r: nn.SpectralNorm(nn.MaskedConv2d("A", 1, 1, 3, rng=r), rng=r),
        TypeError, "SpectralNorm: layer .*MaskedConv2d"),
    "SpectralNorm's rng": (
        lambda r: nn.SpectralNorm(nn.Linear(1, 1, rng=r), rng=0), TypeError,
        "SpectralNorm: rng .* got 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_named(name, refused):
    refused(*WRONG[name])
