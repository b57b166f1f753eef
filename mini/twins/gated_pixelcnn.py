"""The Gated PixelCNN of models/gated_pixelcnn.py in torch.

twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
"""

import torch
from torch import nn
from torch.nn import functional as F

from .pixelcnn import Autoregressive, MaskedConv2d, gate


class GatedLayer(nn.Module):
    """One layer of both stacks: (vertical, horizontal) → (vertical, horizontal)."""

    def __init__(self, channels, kernel_size, dilation, colours, classes):
        super().__init__()
        C = channels
        self.vertical = MaskedConv2d("vertical B", C, 2 * C, kernel_size, dilation)
        row = (1, self.vertical.weight.shape[3])
        self.horizontal = MaskedConv2d("B", C, 2 * C, row, dilation, colours, halves=2)
        self.down = nn.Conv2d(2 * C, 2 * C, 1)
        self.out = MaskedConv2d("B", C, C, 1, colours=colours)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        if classes:
            self.label = nn.Embedding(classes, 4 * C)
            nn.init.zeros_(self.label.weight)

    def forward(self, v, h, label):
        rows = self.vertical(v)
        both = self.horizontal(h) + self.down(rows)
        if label is not None:
            for_rows, for_both = self.label(label)[:, :, None, None].chunk(2, 1)
            rows, both = rows + for_rows, both + for_both
        return gate(rows), h + self.out(gate(both))


class GatedPixelCNN(Autoregressive):
    """A vertical and a horizontal stack of `layers`, then two 1 × 1 layers.

    van den Oord et al. 2016b, figure 2 and equations 2 and 4.
    """

    def __init__(
        self, shape=(1, 28, 28), *, channels=24, layers=8, kernel_size=3,
        dilations=(1, 2, 4), hidden=64, first_size=7, levels=2, components=None,
        classes=None,
    ):  # fmt: skip
        super().__init__(shape, levels, components)
        C, H, W = shape
        self.above = MaskedConv2d("vertical A", C, channels, first_size)
        row = (1, self.above.weight.shape[3])
        self.left = MaskedConv2d("A", C, channels, row, colours=C)
        self.place = nn.Parameter(torch.zeros(1, channels, H, W))
        self.layers = nn.ModuleList(
            GatedLayer(channels, kernel_size, dilations[i % len(dilations)], C, classes)
            for i in range(layers)
        )
        self.hidden = MaskedConv2d("B", channels, hidden, 1, colours=C)
        self.last = MaskedConv2d("B", hidden, C * self.P, 1, colours=C)

    def forward(self, x, label=None):
        """The distributions' parameters: x (N, C, H, W) → (N, P, C, H, W)."""
        x = self.scaled(x)
        v, h = self.above(x) + self.place, self.left(x) + self.place
        for layer in self.layers:
            v, h = layer(v, h, label)
        return self.by_value(self.last(F.relu(self.hidden(F.relu(h)))))
