"""The MADE of models/made.py in torch.

twin = MADE(model.shape, model.orders, model.degrees, direct=model.direct is not None)
twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class MADE(nn.Module):
    """Binary images of `shape` (C, H, W), drawn in one of several `orders`.

    degrees[i][l]: those of the units in hidden layer l, in set i of masks, which draws
    in order i % len(orders).
    """

    def __init__(self, shape, orders, degrees, *, direct=False):
        super().__init__()
        D = math.prod(shape)
        self.sets = []
        for i, hidden in enumerate(degrees):
            pixels = torch.argsort(torch.as_tensor(orders[i % len(orders)]))
            # outputs must see less than their own place, so that they have one less
            rows = [torch.as_tensor(d) for d in hidden] + [pixels]
            columns = [pixels + 1] + rows[:-1]
            masks = [r[:, None] >= c for r, c in zip(rows, columns)]
            self.sets.append((masks, pixels[:, None] >= pixels + 1))
        sizes = [D] + [len(d) for d in degrees[0]] + [D]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes, sizes[1:]))
        self.direct = nn.Linear(D, D, bias=False) if direct else None

    def forward(self, x, which=0):
        """Logits: zeros and ones (N, C, H, W) → (N, 1, C, H, W), of one set."""
        h = flat = x.flatten(1).to(self.layers[0].bias.dtype)
        masks, strict = self.sets[which]
        for i, (layer, mask) in enumerate(zip(self.layers, masks)):
            h = F.linear(h.relu() if i else h, layer.weight * mask, layer.bias)
        if self.direct is not None:
            h = h + F.linear(flat, self.direct.weight * strict)
        return h.reshape(x.shape).unsqueeze(1)

    def log_prob(self, x, which=None):
        """log p(x) in nats, (N,), of one set, or of the mean of all probabilities."""
        if which is None:
            each = [self.log_prob(x, i) for i in range(len(self.sets))]
            return torch.logsumexp(torch.stack(each), 0) - math.log(len(each))
        logits = self(x, which)[:, 0]
        bits = x.to(logits.dtype)
        each = -F.binary_cross_entropy_with_logits(logits, bits, reduction="none")
        return each.sum((1, 2, 3))
