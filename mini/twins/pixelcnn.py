"""The PixelCNN of models/pixelcnn.py in torch, and what both twins share.

twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class MaskedConv2d(nn.Conv2d):
    """A convolution whose weights are multiplied by a mask of the past."""

    def __init__(self, kind, C, O, size, dilation=1, colours=1, halves=1):
        KH, KW = size if isinstance(size, tuple) else (size, size)
        super().__init__(C, O, (KH, KW), padding="same", dilation=dilation)
        mask = torch.zeros_like(self.weight)
        mask[:, :, : KH // 2] = 1  # rows above
        if kind.startswith("vertical"):
            mask[:, :, KH // 2] = kind.endswith("B")
        else:
            mask[:, :, KH // 2, : KW // 2] = 1  # pixels to the left
            source = torch.arange(colours).repeat_interleave(C // colours)
            target = torch.arange(colours).repeat_interleave(O // halves // colours)
            target = target.repeat(halves)[:, None]
            sees = source <= target if kind == "B" else source < target
            mask[:, :, KH // 2, KW // 2] = sees.to(mask.dtype)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x):
        return self._conv_forward(x, self.weight * self.mask, self.bias)


class Autoregressive(nn.Module):
    """Images of `shape` (C, H, W), values 0 … levels − 1, as floats or uint8."""

    def __init__(self, shape, levels, components):
        super().__init__()
        self.shape, self.levels, self.components = shape, levels, components
        self.P = 3 * components if components else 1 if levels == 2 else levels

    def scaled(self, x):
        """Values as the network sees them: from 0 to 1."""
        return x.to(self.place.dtype) / (self.levels - 1)

    def by_value(self, y):
        """(N, C·P, H, W), P channels for each colour → (N, P, C, H, W)."""
        C, H, W = self.shape
        return y.reshape(len(y), C, self.P, H, W).transpose(1, 2)

    def log_prob(self, x, label=None):
        """log p(x) in nats: (N, C, H, W) → (N,)."""
        params = self(x, label)
        if self.components:
            logs = logistic_mixture(params, x, self.levels)
        elif self.levels == 2:
            bits, logits = x.to(params.dtype), params[:, 0]
            logs = -F.binary_cross_entropy_with_logits(logits, bits, reduction="none")
        else:
            logs = -F.cross_entropy(params, x.long(), reduction="none")
        return logs.sum((1, 2, 3))


def logistic_mixture(params, x, levels):
    """log-probabilities of a mixture of logistics: (N, 3·M, …) and x (N, …) → (N, …).

    A level has what lies between its two edges, the first and the last have all that is
    beyond; the difference of two log cumulative probabilities is taken on the side of
    the curve on which both are small.
    """
    logits, means, log_scales = params.chunk(3, 1)
    log_scales, x = log_scales.clamp(min=-7), x.unsqueeze(1).to(params.dtype)
    half = 1 / (levels - 1)
    y = 2 * half * x - 1
    upper = (y + half - means) / log_scales.exp()
    lower = (y - half - means) / log_scales.exp()
    upper, lower = (  # the curve is symmetric: turn it so that upper ≤ −lower
        torch.where(upper + lower > 0, -lower, upper),
        torch.where(upper + lower > 0, -upper, lower),
    )
    below, above = F.logsigmoid(upper), F.logsigmoid(lower)
    inside = below + torch.log(-torch.expm1(above - below))
    first = F.logsigmoid((y + half - means) / log_scales.exp())
    last = F.logsigmoid(-(y - half - means) / log_scales.exp())
    logs = torch.where(x == 0, first, torch.where(x == levels - 1, last, inside))
    return torch.logsumexp(F.log_softmax(logits, 1) + logs, 1)


def gate(x):
    """tanh of the first half of the channels times sigmoid of the second."""
    a, b = x.chunk(2, 1)
    return torch.tanh(a) * torch.sigmoid(b)


class Block(nn.Module):
    """h + 1×1(gate(masked(relu(h))))."""

    def __init__(self, channels, kernel_size, dilation, colours):
        super().__init__()
        self.conv = MaskedConv2d(
            "B", channels, 2 * channels, kernel_size, dilation, colours, halves=2
        )
        self.out = MaskedConv2d("B", channels, channels, 1, colours=colours)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, h):
        return h + self.out(gate(self.conv(F.relu(h))))


class PixelCNN(Autoregressive):
    """A mask A of first_size, `blocks` residual blocks, two 1 × 1 layers.

    van den Oord et al. 2016a, sections 3.4 and 3.5, in today's dress.
    """

    def __init__(
        self, shape=(1, 28, 28), *, channels=32, blocks=12, kernel_size=3,
        dilations=(1, 2, 4), hidden=64, first_size=7, first="A", levels=2,
        components=None,
    ):  # fmt: skip
        super().__init__(shape, levels, components)
        C, H, W = shape
        self.first = MaskedConv2d(first, C, channels, first_size, colours=C)
        self.place = nn.Parameter(torch.zeros(1, channels, H, W))
        self.blocks = nn.ModuleList(
            Block(channels, kernel_size, dilations[i % len(dilations)], C)
            for i in range(blocks)
        )
        self.hidden = MaskedConv2d("B", channels, hidden, 1, colours=C)
        self.last = MaskedConv2d("B", hidden, C * self.P, 1, colours=C)

    def forward(self, x, label=None):
        """The distributions' parameters: x (N, C, H, W) → (N, P, C, H, W)."""
        h = self.first(self.scaled(x)) + self.place
        for block in self.blocks:
            h = block(h)
        return self.by_value(self.last(F.relu(self.hidden(F.relu(h)))))


TURNED = {
    "rows": lambda x: x,
    "columns": lambda x: x.transpose(2, 3),
    "backwards": lambda x: x.flip(2, 3),
}


class MultiWayPixelCNN(nn.Module):
    """A mixture of PixelCNNs that read an image in several ways: {way: share}."""

    def __init__(self, shape=(1, 28, 28), *, shares, **options):
        super().__init__()
        self.shares = shares
        for way in shares:
            turned = tuple(TURNED[way](torch.empty(1, *shape)).shape[1:])
            self.add_module(way, PixelCNN(turned, **options))

    def log_prob(self, x):
        """log p(x) in nats: (N, C, H, W) → (N,)."""
        each = [
            getattr(self, way).log_prob(TURNED[way](x)) + math.log(share)
            for way, share in self.shares.items()
        ]
        return torch.logsumexp(torch.stack(each), 0)
