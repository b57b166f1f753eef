"""The NADE of models/nade.py in torch.

twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class NADE(nn.Module):
    """Binary images of `shape` (C, H, W), drawn in `order` (default: reading order)."""

    def __init__(self, shape=(1, 28, 28), *, hidden=500, order=None):
        super().__init__()
        D = math.prod(shape)
        self.order = range(D) if order is None else [int(d) for d in order]
        self.w = nn.Parameter(torch.zeros(D, hidden))
        self.v = nn.Parameter(torch.zeros(D, hidden))
        self.b = nn.Parameter(torch.zeros(D))
        self.c = nn.Parameter(torch.zeros(hidden))

    def forward(self, x):
        """Logits: zeros and ones (N, C, H, W) → (N, 1, C, H, W)."""
        flat = x.flatten(1).to(self.c.dtype)
        logits, a = [None] * len(self.order), self.c.expand(len(x), -1)
        for d in self.order:
            logits[d] = torch.sigmoid(a) @ self.v[d] + self.b[d]
            a = a + flat[:, d, None] * self.w[d]
        return torch.stack(logits, 1).reshape(x.shape).unsqueeze(1)

    def log_prob(self, x):
        """log p(x) in nats, (N,)."""
        logits = self(x)[:, 0]
        bits = x.to(logits.dtype)
        each = -F.binary_cross_entropy_with_logits(logits, bits, reduction="none")
        return each.sum((1, 2, 3))
