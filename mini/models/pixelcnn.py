"""PixelCNN: the next pixel from all before it, by masked convolutions.

van den Oord et al. 2016a, section 3.4, in today's dress: residual blocks with a gate
and dilated taps, which see far for little work.
"""

import numpy as np

from ..autoregressive import Convolutional
from ..nn import MaskedConv2d, Module, check_sizes
from ..tensor import Tensor


class Block(Module):
    """h + 1×1(gate(masked(relu(h)))): the change starts at zero and is learnt."""

    def __init__(self, channels, kernel_size, dilation, colours, *, rng):
        self.conv = MaskedConv2d(
            "B", channels, 2 * channels, kernel_size, dilation=dilation,
            colours=colours, halves=2, rng=rng,
        )  # fmt: skip
        self.out = MaskedConv2d("B", channels, channels, 1, colours=colours, rng=rng)
        self.out.weight.data[...] = 0
        self.out.bias.data[...] = 0

    def network(self, f, h):
        return f.add(h, f.conv(self.out, f.gate(f.conv(self.conv, f.relu(h)))))


class PixelCNN(Convolutional):
    """Images of `shape` (C, H, W), values 0 … levels − 1; see Autoregressive.

    A mask A of first_size, then `blocks` residual blocks of `channels` channels, whose
    masked convolutions repeat the `dilations`, then two 1 × 1 layers with `hidden`
    channels between them. A bias for every place lets the network know where it is.
    With several colours (`shape[0]` > 1), channels and hidden must be multiples of it.
    """

    def __init__(
        self, shape=(1, 28, 28), *, channels=32, blocks=12, kernel_size=3,
        dilations=(1, 2, 4), hidden=64, first_size=7, first="A", levels=2,
        components=None, rng,
    ):  # fmt: skip
        super().__init__(shape, levels, components)
        check_sizes("PixelCNN", channels=channels, blocks=blocks, hidden=hidden)
        check_sizes("PixelCNN", **{"len(dilations)": len(dilations)})
        C, H, W = shape
        self.first = MaskedConv2d(first, C, channels, first_size, colours=C, rng=rng)
        self.place = Tensor(np.zeros((1, channels, H, W), np.float32), True)
        self.blocks = [
            Block(channels, kernel_size, dilations[i % len(dilations)], C, rng=rng)
            for i in range(blocks)
        ]
        self.hidden = MaskedConv2d("B", channels, hidden, 1, colours=C, rng=rng)
        self.last = MaskedConv2d(
            "B", hidden, C * self.params_per_value, 1, colours=C, rng=rng
        )

    def network(self, f, x, label=None):
        """The network in the verbs of streams.py: → (N, C·P, H, W)."""
        h = f.add(f.conv(self.first, x), self.place)
        for block in self.blocks:
            h = block.network(f, h)
        return f.conv(self.last, f.relu(f.conv(self.hidden, f.relu(h))))
