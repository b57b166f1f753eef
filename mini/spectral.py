"""Spectral normalisation: a weight whose matrix stretches nothing by more than one."""

from .adversarial import spectral_norm
from .init import normal
from .module import Module
from .tensor import Tensor

OUTPUTS = {"Linear": 0, "Conv2d": 0, "ConvTranspose2d": 1}  # their axis in the weight
FIRST = 15  # steps that bring u from a random start near enough, as in torch


class SpectralNorm(Module):
    """A Linear, Conv2d or ConvTranspose2d with its weight divided by σ.

    σ is the weight's largest singular value as a matrix with a row for each output. The
    buffer u, its left vector, takes one step of power iteration in every forward pass
    in training; no gradient flows through it. The layer's own weight stays as it is,
    and is what is trained. Miyato et al. 2018, algorithm 1.
    """

    def __init__(self, layer, *, rng):
        kind = type(layer).__name__
        if kind not in OUTPUTS:
            raise TypeError(
                f"SpectralNorm: layer must be a {', '.join(OUTPUTS)}, got {layer!r:.99}"
            )
        self.layer, self.axis = layer, OUTPUTS[kind]
        outputs = layer.weight.shape[self.axis]
        self.u = Tensor(normal("SpectralNorm", outputs, 1, rng))
        for _ in range(FIRST):
            self.sigma()

    def sigma(self):
        """The estimate of σ, a Tensor; in training it moves u."""
        weight, u, moves = self.layer.weight, self.u.data, self.training
        sigma, nearer = spectral_norm(weight, u, axis=self.axis, iterate=moves)
        if moves:
            u[...] = nearer
        return sigma

    def forward(self, x):
        weight = self.layer.weight
        self.layer.weight = weight / self.sigma()  # for this one pass
        try:
            return self.layer(x)
        finally:
            self.layer.weight = weight
