"""What is timed: pairs of functions that do the same work with `mini` and with torch.

Each case is (name, the multiplications and additions of one call or None, mini's
function, torch's function, the ratio to reach or None), and if torch's function does
only a part of the work, a sixth number: how many such parts there are.
"""

import numpy as np
import torch
import torch.nn.functional as TF
from torch import nn as tnn

from mini import Tensor, adversarial, grad, nn, optim, zoo
from mini import functional as F
from mini.models.gan import Discriminator, Generator
from mini.models.pixelcnn import PixelCNN
from mini.models.vae import VAE, ConvVAE
from mini.twins.gan import Discriminator as TorchDiscriminator
from mini.twins.gan import Generator as TorchGenerator
from mini.twins.pixelcnn import PixelCNN as TorchPixelCNN
from mini.twins.vae import VAE as TorchVAE
from mini.twins.vae import ConvVAE as TorchConvVAE

BATCH = 64


def normal(rng, *shape):
    return rng.standard_normal(shape, dtype=np.float32)


def both_gradients(forward, inputs, torch_forward):
    """Forward and backward of one layer, on both sides, from one random cotangent."""
    ours = [Tensor(a, requires_grad=True) for a in inputs]
    theirs = [torch.tensor(a, requires_grad=True) for a in inputs]
    with torch.no_grad():
        g = torch.randn_like(torch_forward(*theirs))
    cotangent = Tensor(g.numpy())

    def run_mini():
        grad(forward(*ours), ours, grad_output=cotangent)

    def run_torch():
        torch.autograd.grad(torch_forward(*theirs), theirs, grad_outputs=g)

    return run_mini, run_torch


def convolution(rng, C, O, size, kernel, *, masked=False, target=None):
    x, w = normal(rng, BATCH, C, size, size), normal(rng, O, C, kernel, kernel)
    mask = nn.past_mask("B", w.shape) if masked else None
    keep = torch.tensor(np.ones((kernel, kernel), bool) if mask is None else mask)
    taps = int(keep.sum())
    run = both_gradients(
        lambda x, w: F.conv2d(x, w, padding=kernel // 2, mask=mask),
        (x, w),
        lambda x, w: TF.conv2d(x, w * keep if masked else w, padding=kernel // 2),
    )
    kind = "masked" if masked else "pointwise" if kernel == 1 else "dense"
    name = f"{kind} {kernel}×{kernel}, {C}→{O} at {size}×{size}"
    return name, 6 * BATCH * O * C * taps * size**2, *run, target


def transposed(rng, C, O, size, *, target):
    x, w = normal(rng, BATCH, C, size, size), normal(rng, C, O, 4, 4)
    run = both_gradients(
        lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1),
        (x, w),
        lambda x, w: TF.conv_transpose2d(x, w, stride=2, padding=1),
    )
    name = f"transposed 4×4 stride 2, {C}→{O}, {size}→{2 * size}"
    return name, 6 * BATCH * O * C * 16 * size**2, *run, target


def linear(rng, inputs, outputs):
    x, w = normal(rng, BATCH, inputs), normal(rng, outputs, inputs)
    run = both_gradients(F.linear, (x, w, normal(rng, outputs)), TF.linear)
    return f"linear {inputs}→{outputs}", 6 * BATCH * inputs * outputs, *run, None


def batch_norm(rng, C, size):
    ours, theirs = nn.BatchNorm2d(C), tnn.BatchNorm2d(C)
    run = both_gradients(ours, (normal(rng, BATCH, C, size, size),), theirs)
    return f"batch norm, {C} at {size}×{size}", None, *run, None


# ---- whole training steps ------------------------------------------------------------


def pixelcnn(rng):
    size = {"channels": 24, "blocks": 6}
    models = PixelCNN(**size, rng=rng), TorchPixelCNN(**size)
    x = (rng.random((32, 1, 28, 28)) < 0.2).astype(np.float32)
    return training_step(
        "PixelCNN, 24 channels × 6 blocks, batch 32",
        models, x, x[:, None],  # parameters are (N, P, C, H, W)
        (F.binary_cross_entropy_with_logits, TF.binary_cross_entropy_with_logits),
    )  # fmt: skip


def vae(rng, name, cls, twin, *, target):
    ours, theirs = models = cls(rng=rng), twin()
    x = (rng.random((100, 1, 28, 28)) < 0.2).astype(np.float32)
    torch_x = torch.tensor(x)
    return steps(
        f"{name}, batch 100", models,
        lambda: -ours.elbo(x, rng=rng).mean(),
        lambda: -theirs.elbo(torch_x, rng=rng).mean(),
        target,
    )  # fmt: skip


def classifier(rng):
    def build(lib, **more):
        return lib.Sequential(
            lib.Conv2d(1, 16, 3, padding=1, **more), lib.ReLU(), lib.MaxPool2d(2),
            lib.Conv2d(16, 32, 3, padding=1, **more), lib.ReLU(), lib.MaxPool2d(2),
            lib.Flatten(), lib.Linear(32 * 49, 128, **more), lib.ReLU(),
            lib.Linear(128, 10, **more),
        )  # fmt: skip

    x, labels = normal(rng, BATCH, 1, 28, 28), rng.integers(0, 10, BATCH)
    return training_step(
        "classifier, 16–32 channels, batch 64",
        (build(nn, rng=rng), build(tnn)), x, labels,
        (F.cross_entropy, TF.cross_entropy),
    )  # fmt: skip


def training_step(name, models, x, target, losses):
    """One of a network and a loss of its output."""
    ours, theirs = models
    torch_x, torch_target, our_x = torch.tensor(x), torch.tensor(target), Tensor(x)
    return steps(
        name, models,
        lambda: losses[0](ours(our_x), target),
        lambda: losses[1](theirs(torch_x), torch_target),
        0.9,
    )  # fmt: skip


def steps(name, models, loss, torch_loss, target):
    """Forward, backward and Adam, from equal weights."""
    ours, theirs = models
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    optimiser = optim.Adam(ours.parameters(), lr=1e-3)
    torch_optimiser = torch.optim.Adam(theirs.parameters(), lr=1e-3)

    def run_mini():
        optimiser.step(grad(loss(), ours.parameters()))

    def run_torch():
        torch_optimiser.zero_grad()
        torch_loss().backward()
        torch_optimiser.step()

    return f"step: {name}", None, run_mini, run_torch, target


def game(rng, name, norm, *, penalised):
    """One step of a discriminator and one of a generator, each with Adam.

    Penalised: Wasserstein's losses and a gradient penalty; else the non-saturating.
    """
    G, D = Generator(rng=rng), Discriminator(norm=norm, rng=rng)
    twins = TorchGenerator(), TorchDiscriminator(norm=norm)
    for ours, theirs in zip((G, D), twins, strict=True):
        state = {k: torch.tensor(v) for k, v in ours.state_dict().items()}
        theirs.load_state_dict(state)
    x, z = rng.random((BATCH, 1, 28, 28), np.float32), normal(rng, BATCH, 64)

    def run_mini():
        loss = adversarial.wasserstein if penalised else adversarial.non_saturating
        real, fake = Tensor(x), G(z)
        on_D = loss.discriminator(D(real), D(fake.detach()))
        if penalised:
            on_D = on_D + 10 * adversarial.gradient_penalty(D, real, fake, rng=rng)
        optimisers[1].step(grad(on_D, D.parameters()))
        optimisers[0].step(grad(loss.generator(D(fake)), G.parameters()))

    def run_torch():
        (G, D), real = twins, torch_x
        fake = G(torch_z)
        still, softplus = fake.detach(), TF.softplus
        if penalised:
            a = torch.rand(BATCH, 1, 1, 1)
            between = (a * real + (1 - a) * still).requires_grad_()
            (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
            penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
            on_D = D(still).mean() - D(real).mean() + 10 * penalty
        else:
            on_D = softplus(-D(real)).mean() + softplus(D(still)).mean()
        torch_step(torch_optimisers[1], on_D, D)
        torch_step(
            torch_optimisers[0],
            -D(fake).mean() if penalised else softplus(-D(fake)).mean(),
            G,
        )

    def torch_step(optimiser, loss, model):
        parameters = list(model.parameters())
        for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            p.grad = g
        optimiser.step()

    rates = {"lr": 2e-4, "betas": (0.5, 0.999)}
    optimisers = [optim.Adam(model.parameters(), **rates) for model in (G, D)]
    torch_optimisers = [torch.optim.Adam(m.parameters(), **rates) for m in twins]
    torch_x, torch_z = torch.tensor(x), torch.tensor(z)
    return f"step: {name}, batch {BATCH}", None, run_mini, run_torch, 1.0


# ---- drawing images ------------------------------------------------------------------


def sampling(rng, n, pixels, target):
    """Pixel after pixel: mini's stream, and torch running the network for each.

    Of torch's 784 passes over all images only a few are made, for pixels spread over
    the image; their time is multiplied.
    """
    ours, theirs = zoo.load("pixelcnn-mnist"), TorchPixelCNN()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    x = torch.zeros(n, 1, 28, 28)
    places = [divmod(k, 28) for k in np.linspace(0, 783, pixels, dtype=int).tolist()]

    def run_torch():
        with torch.no_grad():
            for i, j in places:
                logits = theirs(x)[:, 0, :, i, j]
                x[:, :, i, j] = torch.bernoulli(torch.sigmoid(logits))

    name = (
        f"sampling: PixelCNN as of pixelcnn-mnist, {n} image{'s' * (n > 1)}"
        f" (torch: {pixels} pixels × {784 / pixels:g})"
    )
    return name, None, lambda: ours.sample(n, rng=rng), run_torch, target, 784 / pixels


def all_cases(rng):
    for C, O, size in ((16, 16, 28), (32, 32, 28), (32, 64, 28), (64, 64, 14)):
        yield convolution(rng, C, O, size, 3, masked=True, target=0.75)
        yield convolution(rng, C, O, size, 3, target=1.3)
    yield convolution(rng, 1, 32, 28, 7, masked=True, target=0.75)
    yield convolution(rng, 1, 32, 28, 7, target=1.3)
    for C, O, size in ((16, 16, 28), (32, 32, 28), (64, 64, 14)):
        yield convolution(rng, C, O, size, 1, target=0.6)
    yield transposed(rng, 64, 32, 14, target=1.4)
    yield transposed(rng, 128, 64, 7, target=1.4)
    yield linear(rng, 784, 512)
    yield batch_norm(rng, 32, 28)
    yield pixelcnn(rng)
    yield vae(rng, "dense VAE, 784–512–32", VAE, TorchVAE, target=0.9)
    yield vae(
        rng, "convolutional VAE, 32–64 channels", ConvVAE, TorchConvVAE, target=1.0
    )
    yield classifier(rng)
    yield game(rng, "DCGAN, 64–128 channels", "batch", penalised=False)
    yield game(rng, "WGAN-GP, 64–128 channels", None, penalised=True)
    yield sampling(rng, 100, pixels=4, target=0.01)
    yield sampling(rng, 1, pixels=40, target=0.05)
