"""Gated PixelCNN: two stacks of convolutions, so that no past pixel is out of sight.

van den Oord et al. 2016b: the vertical stack sees all rows above, the horizontal stack
the pixels to the left and, through the vertical one, the rest of the past (figure 2);
gates (equation 2), and a bias that depends on the class (equation 4).
"""

import numpy as np

from ..autoregressive import Convolutional
from ..nn import Conv2d, Embedding, MaskedConv2d, Module, check_sizes
from ..tensor import Tensor


class GatedLayer(Module):
    """One layer of both stacks: (vertical, horizontal) → (vertical, horizontal).

    The horizontal stack is residual; its change starts at zero and is learnt.
    """

    def __init__(self, channels, kernel_size, dilation, colours, classes, *, rng):
        C, wide = channels, {"dilation": dilation, "rng": rng}
        self.vertical = MaskedConv2d("vertical B", C, 2 * C, kernel_size, **wide)
        row = (1, self.vertical.weight.shape[3])
        self.horizontal = MaskedConv2d(
            "B", C, 2 * C, row, colours=colours, halves=2, **wide
        )
        self.down = Conv2d(2 * C, 2 * C, 1, rng=rng)  # from vertical to horizontal
        self.out = MaskedConv2d("B", C, C, 1, colours=colours, rng=rng)
        self.out.weight.data[...] = 0
        self.out.bias.data[...] = 0
        if classes:
            self.label = Embedding(classes, 4 * C, rng=rng)
            self.label.weight.data[...] = 0

    def network(self, f, v, h, label):
        seen = f.conv(self.vertical, v)
        both = f.add(f.conv(self.horizontal, h), f.conv(self.down, seen))
        if label is not None:
            bias = self.label(label).reshape(len(label), -1, 1, 1)
            C = bias.shape[1] // 2
            seen, both = f.add(seen, bias[:, :C]), f.add(both, bias[:, C:])
        return f.gate(seen), f.add(h, f.conv(self.out, f.gate(both)))


class GatedPixelCNN(Convolutional):
    """Images of `shape` (C, H, W), values 0 … levels − 1, perhaps of one of `classes`.

    `layers` of both stacks with `channels` channels each; their masked convolutions
    repeat the `dilations`. Two 1 × 1 layers with `hidden` channels between them read
    the horizontal stack. A bias for every place lets the network know where it is.
    With several colours (`shape[0]` > 1), channels and hidden must be multiples of it.
    """

    def __init__(
        self, shape=(1, 28, 28), *, channels=24, layers=8, kernel_size=3,
        dilations=(1, 2, 4), hidden=64, first_size=7, levels=2, components=None,
        classes=None, rng,
    ):  # fmt: skip
        super().__init__(shape, levels, components)
        check_sizes("GatedPixelCNN", channels=channels, layers=layers, hidden=hidden)
        check_sizes("GatedPixelCNN", **{"len(dilations)": len(dilations)})
        if classes is not None:
            check_sizes("GatedPixelCNN", classes=classes)
        (C, H, W), self.classes = shape, classes
        self.above = MaskedConv2d("vertical A", C, channels, first_size, rng=rng)
        row = (1, self.above.weight.shape[3])
        self.left = MaskedConv2d("A", C, channels, row, colours=C, rng=rng)
        self.place = Tensor(np.zeros((1, channels, H, W), np.float32), True)
        self.layers = [
            GatedLayer(
                channels, kernel_size, dilations[i % len(dilations)], C, classes,
                rng=rng,
            )
            for i in range(layers)
        ]  # fmt: skip
        self.hidden = MaskedConv2d("B", channels, hidden, 1, colours=C, rng=rng)
        self.last = MaskedConv2d(
            "B", hidden, C * self.params_per_value, 1, colours=C, rng=rng
        )

    def network(self, f, x, label=None):
        """The network in the verbs of streams.py: → (N, C·P, H, W)."""
        v = f.add(f.conv(self.above, x), self.place)
        h = f.add(f.conv(self.left, x), self.place)
        for layer in self.layers:
            v, h = layer.network(f, v, h, label)
        return f.conv(self.last, f.relu(f.conv(self.hidden, f.relu(h))))
