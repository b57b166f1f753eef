"""The FVSBN of models/fvsbn.py in torch.

twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class FVSBN(nn.Module):
    """Binary images of `shape` (C, H, W), drawn in `order` (default: reading order)."""

    def __init__(self, shape=(1, 28, 28), *, order=None):
        super().__init__()
        D = math.prod(shape)
        order = torch.arange(D) if order is None else torch.as_tensor(order)
        rank = torch.argsort(order)
        self.mask = rank[:, None] > rank
        self.weight = nn.Parameter(torch.zeros(D, D))
        self.bias = nn.Parameter(torch.zeros(D))

    def forward(self, x):
        """Logits: zeros and ones (N, C, H, W) → (N, 1, C, H, W)."""
        logits = F.linear(
            x.flatten(1).to(self.bias.dtype), self.weight * self.mask, self.bias
        )
        return logits.reshape(x.shape).unsqueeze(1)

    def log_prob(self, x):
        """log p(x) in nats, (N,)."""
        logits = self(x)[:, 0]
        bits = x.to(logits.dtype)
        each = -F.binary_cross_entropy_with_logits(logits, bits, reduction="none")
        return each.sum((1, 2, 3))
