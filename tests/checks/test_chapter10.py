"""Chapter 10's exercises: their references agree with `mini` and with each other."""

import numpy as np
import pytest

from mini import Tensor
from mini import functional as F
from mini.checks import chapter10 as museum
from mini.checks import chapter10_codes as codes
from mini.checks import chapter10_denoising as denoising
from mini.models.autoencoder import Autoencoder
from mini.models.simple import PCAGaussian


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""


def rng():
    return np.random.default_rng(0)


def cloud(N=60, D=6):
    return rng().normal(size=(N, D)) @ rng().normal(size=(D, D)) + 1


def mean_square(a):
    return (a**2).sum() / len(a)


@pytest.mark.parametrize("K", range(1, 6))
def test_lost_by_pca_is_what_chapter_1s_model_loses(K):
    x = cloud()
    model = PCAGaussian(K)
    model.fit(x.reshape(-1, 1, 2, 3))
    lost = museum.lost_by_pca.reference(x, K)
    assert np.isclose(lost, (6 - K) * model.noise)
    back = model.decode(model.encode(x.reshape(-1, 1, 2, 3)))
    assert np.isclose(lost, mean_square(back.reshape(-1, 6) - x))


def test_no_flat_loses_less():
    x, K = cloud(), 2
    for seed in range(50):
        noise = np.random.default_rng(seed).normal(size=(6, K))
        q, _ = np.linalg.qr(noise)
        centred = x - x.mean(axis=0)
        lost = mean_square(centred - centred @ q @ q.T)
        assert lost >= museum.lost_by_pca.reference(x, K) - 1e-9


def test_squared_error_is_the_mean_of_images_times_their_pixels():
    images = rng().integers(0, 256, size=(4, 1, 5, 5), dtype=np.uint8)
    drawn = Tensor(rng().random((4, 1, 5, 5)))
    ours = museum.squared_error.reference(drawn, images).item()
    assert np.isclose(ours, 25 * F.mse_loss(drawn, images / 255).item())
    halves = [
        museum.squared_error.reference(drawn[i], images[i]).item()
        for i in (slice(0, 2), slice(2, 4))
    ]
    assert np.isclose(ours, np.mean(halves))


def test_best_drawings_of_pcas_codes_are_pcas():
    x, K = cloud(), 3
    u = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:K]
    mixed = (x @ u.T) @ rng().normal(size=(K, K)) + 5  # any invertible M will do
    drawn = museum.best_drawings.reference(mixed, x)
    assert np.isclose(mean_square(drawn - x), museum.lost_by_pca.reference(x, K))


@pytest.mark.parametrize("case", museum.best_drawings.cases(), ids=lambda _: "")
def test_what_best_drawings_leave_the_codes_know_nothing_of(case):
    z, x = case.args
    rest = x - museum.best_drawings.reference(z, x)
    seen = np.column_stack([z, np.ones(len(z))])
    assert np.allclose(seen.T @ rest, 0)  # the gradient of the squared error is zero
    K, D = z.shape[1], x.shape[1]
    best = mean_square(rest)
    assert K >= D or best >= museum.lost_by_pca.reference(x, K) - 1e-9


@pytest.mark.parametrize("latent", [1, 3, 5])
def test_numbers_inside_a_linear_autoencoder_of_mini(latent):
    model = Autoencoder((1, 2, 4), latent=latent, hidden=(), rng=rng()).to(np.float64)

    def f(x):
        return model(Tensor(x.reshape(-1, 1, 2, 4))).data.reshape(-1, 8)

    assert codes.numbers_inside.reference(f, 8) == latent


@pytest.mark.parametrize("case", codes.numbers_inside.cases(), ids=lambda c: str(c))
def test_numbers_inside_are_what_the_boxes_are_named_after(case):
    box, D = case.args
    outside, within = box.name.split(",")[0].split(" → ")
    assert codes.numbers_inside.reference(box, D) == int(within)
    assert D == int(outside)


def test_codes_from_noise_have_the_codes_mean_and_covariance():
    z = cloud(500, 3)
    drawn = codes.codes_from_noise.reference(z, rng().normal(size=(100_000, 3)))
    assert np.allclose(drawn.mean(axis=0), z.mean(axis=0), atol=0.05)
    assert np.allclose(np.cov(drawn.T), np.cov(z.T), rtol=0.05, atol=0.1)


def test_draws_must_be_made_of_the_noise():
    z, noise = codes.codes_from_noise.cases()[2].args
    rest = codes.moments(lambda z, noise: z[: len(noise)], z, noise)[2]
    assert rest and not codes.codes_from_noise.answers()[2].value[2]


def test_draws_from_noise_of_ones_own_are_named():
    def own(z, noise):
        covariance = np.atleast_2d(np.cov(z.T))
        return np.random.default_rng().multivariate_normal(
            z.mean(axis=0), covariance, len(noise)
        )

    verdict = codes.codes_from_noise.judge(own)
    assert verdict.mistake.title == "draws that are no linear map of the given noise"


def test_denoise_is_the_regression_of_clean_on_noisy_points():
    mean, sigma = np.array([1.0, -2, 0.5]), 0.7
    root = rng().normal(size=(3, 3))
    clean = mean + rng().normal(size=(200_000, 3)) @ root.T
    noise = np.random.default_rng(1).normal(size=clean.shape)
    noisy = clean + sigma * noise
    guess = denoising.denoise.reference(noisy, mean, root @ root.T, sigma)
    fitted = museum.best_drawings.reference(noisy, clean)
    assert np.abs(guess - fitted).max() < 0.1
    values = np.linalg.eigvalsh(root @ root.T)
    expected = (values * sigma**2 / (values + sigma**2)).sum()  # equation (4)
    assert np.isclose(mean_square(guess - clean), expected, rtol=0.02)
