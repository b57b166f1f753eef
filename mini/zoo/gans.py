"""Recipes for generators that learn in a game of two."""

import numpy as np

from .. import adversarial, data, metrics
from ..models.classifier import Classifier
from ..models.gan import Discriminator, Generator
from ..optim import EMA, Adam, constant_then_linear
from ..tensor import Tensor, grad, no_grad
from .checkpoints import read_weights
from .digits import LICENCE
from .faces import face_vae
from .recipes import recipe

# ---- how good samples are ------------------------------------------------------------

DIGITS = (
    "10,000 samples beside MNIST's 10,000 test images, features of classifier-mnist"
)
FACES = "2,000 samples beside the 2,000 test faces, features: what vae-faces encodes"


def metrics_of(variant):
    return {
        "frechet": ("squared units of the features", variant),
        "precision": ("of samples, 0 to 1", variant),
        "recall": ("of test images, 0 to 1", variant),
    }


def trained(name, build):
    """The model of a checkpoint that looks at the samples of others."""
    model = build(rng=np.random.default_rng(0))
    model.load_state_dict(read_weights("evaluate", name, None))
    return model.eval()


def beside(known, features):
    """Distance of features (N, D) from known ones, and whose neighbours are whose."""
    precision, recall = metrics.precision_recall(known, features)
    return {
        "frechet": metrics.frechet_distance(known, features),
        "precision": float(precision),
        "recall": float(recall),
    }


def seen(images):
    """What classifier-mnist sees in digits, bytes: features (N, 64), logits (N, 10)."""
    judge = trained("classifier-mnist", Classifier)
    features = metrics.features_of(judge.features, images)
    with no_grad():
        return features, judge.linear2(Tensor(features)).data


def scores_of_digits(images, real):
    """How far digits are from real ones, both bytes (N, 1, 28, 28)."""
    (known, _), (features, logits) = seen(real), seen(images)
    entropy = metrics.label_entropy(logits.argmax(axis=1))
    return beside(known, features) | {"label_entropy": entropy}


def scores_of_faces(images, real):
    """How far faces are from real ones, both bytes (N, 3, 32, 32)."""
    judge = trained("vae-faces", face_vae)
    known, features = (
        metrics.features_of(lambda x: judge.encode(x).loc, faces.astype(np.float32))
        for faces in (real, images)
    )
    return beside(known, features)


def scores(scores_of, name):
    """evaluate(model): as many samples as the data set has test images."""

    def evaluate(model):
        rng, real = np.random.default_rng(1), data.load(name, "test").images
        drawn = [model.sample(500, rng=rng) for _ in range(len(real) // 500)]
        return scores_of(np.concatenate(drawn), real)

    return evaluate


# ---- the game ------------------------------------------------------------------------


def play(G, D, optimisers, x, loss, *, penalty=None, rng):
    """A step of D on real images x and as many fakes, then a step of G: both losses.

    penalty(D, real, fake, rng=rng) is added to D's loss, for images from −1 to 1.
    """
    of_G, of_D = optimisers
    fake = G(G.draw_latent(len(x), rng))
    on_D = loss.discriminator(D(x), D(fake.detach()))
    if penalty is not None:
        on_D = on_D + penalty(D, D.scaled(x), fake, rng=rng)
    of_D.step(grad(on_D, D.parameters()))
    on_G = loss.generator(D(fake))
    of_G.step(grad(on_G, G.parameters()))
    return on_D.item(), on_G.item()


def game(
    G, D, run, images, loss, *, rates, betas, penalty=None, epochs=6, decay=0.999, rng
):
    """The game for images (bytes), in batches of 64, each side with Adam at its rate.

    Rates fall to zero in the last two fifths; then G gets the average of its weights.
    """
    order = rng.spawn(1)[0]
    batches = data.batches(images, 64, rng=order, epochs=epochs, drop_last=True)
    of_G, of_D = (Adam(model.parameters(), betas=betas) for model in (G, D))
    average, total = EMA(G, decay), len(batches)
    parts = {"G": G, "D": D, "of_G": of_G, "of_D": of_D, "average": average, "rng": rng}
    for x in run.resume(batches, **parts):
        part = constant_then_linear(run.step, total, tail=0.4 * total, warmup=1)
        of_G.lr, of_D.lr = (rate * part for rate in rates)
        on_D, on_G = play(G, D, (of_G, of_D), x, loss, penalty=penalty, rng=rng)
        average.update()
        run.show(D=f"{on_D:.2f}", G=f"{on_G:.2f}")
    G.load_state_dict(average.state_dict())


def generator(*, rng):
    """The generator of the recipes: 64 numbers, 3 × 3, 7 × 7, 14 × 14, 28 × 28."""
    return Generator(latent=64, channels=(128, 128, 64), rng=rng)


def play_for_digits(G, run, loss, norm, *, penalty=None, rng):
    """The game against a discriminator of the generator's size, on MNIST."""
    D = Discriminator(channels=(64, 128, 128), norm=norm, rng=rng)
    images = data.load("mnist", "train").images
    adam = {"rates": (4e-3, 4e-3), "betas": (0.0, 0.9)}
    game(G, D, run, images, loss, penalty=penalty, rng=rng, **adam)


ENTROPY = {"label_entropy": ("bits of 3.32, what classifier-mnist reads", DIGITS)}
OF_DIGITS = {
    "build": generator,
    "evaluate": scores(scores_of_digits, "mnist"),
    "metrics": metrics_of(DIGITS) | ENTROPY,
    "licence": LICENCE,
}


@recipe("dcgan-mnist", **OF_DIGITS)
def dcgan_mnist(model, run, *, rng):
    """6 epochs of MNIST's 60,000 training images in batches of 64, a step of each side
    for each batch; the non-saturating loss; batch norm in both; Adam (β 0 and 0.9,
    0.004 for either side), constant, then falling to zero in the last two fifths; the
    average of the generator's last weights."""
    play_for_digits(model, run, adversarial.non_saturating, "batch", rng=rng)


@recipe("sngan-mnist", **OF_DIGITS)
def sngan_mnist(model, run, *, rng):
    """As dcgan-mnist, but with the hinge loss and a discriminator with spectral norms
    in place of batch norms."""
    play_for_digits(model, run, adversarial.hinge, "spectral", rng=rng)


@recipe("wgan-gp-mnist", **OF_DIGITS)
def wgan_gp_mnist(model, run, *, rng):
    """As dcgan-mnist, but with Wasserstein's loss, the gradient penalty (once, not ten
    times) and a critic without norms."""
    loss, penalty = adversarial.wasserstein, adversarial.gradient_penalty
    play_for_digits(model, run, loss, None, penalty=penalty, rng=rng)


def face_generator(*, rng):
    """The same for faces in colour: 4 × 4, 8 × 8, 16 × 16, 32 × 32."""
    return Generator((3, 32, 32), latent=64, channels=(128, 128, 64), rng=rng)


@recipe(
    "dcgan-faces",
    build=face_generator,
    evaluate=scores(scores_of_faces, "faces"),
    metrics=metrics_of(FACES),
    licence="MIT",
)
def dcgan_faces(model, run, *, rng):
    """As dcgan-mnist, but 30 epochs of the 10,000 training faces; Adam with β 0.5 and
    0.999, 0.0006 for the generator, 0.0002 for the discriminator. (For the checkpoint
    torch computed the steps, in bfloat16.)"""
    loss, rates, betas = adversarial.non_saturating, (6e-4, 2e-4), (0.5, 0.999)
    D = Discriminator(model.shape, channels=(64, 128, 128), rng=rng)
    images, options = data.load("faces", "train").images, {"epochs": 30, "rng": rng}
    game(model, D, run, images, loss, rates=rates, betas=betas, **options)
