"""PixelCNN: the next pixel from all before it, by masked convolutions.

van den Oord et al. 2016a, sections 3.4 and 3.5, in today's dress: residual blocks with
a gate and dilated taps, which see far for little work.
"""

import numpy as np

from .. import functional as F
from ..autoregressive import Convolutional
from ..images import ImageModel
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


WAYS = {  # how an image is turned before it is read; done twice, it is as it was
    "rows": lambda x: x,
    "columns": lambda x: x.swapaxes(2, 3),
    "backwards": lambda x: x[:, :, ::-1, ::-1],
}


class MultiWayPixelCNN(ImageModel):
    """Several PixelCNNs, each of which reads an image another way: a mixture of them.

        p(x) = Σ_way share_way · p_way(x, turned that way)

    An image has no first pixel, so no order is the right one. Probabilities are
    averaged, as over the orders of NADEs (Uria et al. 2014), and to draw is to cast
    lots for who draws. `shares` says how much each of the WAYS counts; the sum is
    one. The other options are PixelCNN's.
    """

    def __init__(self, shape=(1, 28, 28), *, shares, rng, **options):
        super().__init__(shape, options.get("levels", 2))
        known = isinstance(shares, dict) and set(shares) <= set(WAYS)
        positive = known and all(share > 0 for share in shares.values())
        if not positive or abs(sum(shares.values()) - 1) > 1e-6:
            raise ValueError(
                "MultiWayPixelCNN: shares must be positive numbers that sum to one, for"
                f" ways out of {', '.join(WAYS)}, got {shares!r}"
            )
        self.shares = dict(shares)
        for way in self.shares:
            turned = WAYS[way](np.empty((1, *self.shape))).shape[1:]
            setattr(self, way, PixelCNN(turned, **options, rng=rng))

    def each_log_prob(self, x):
        """log p(x) by each way, in nats: x (N, C, H, W) → (ways, N)."""
        x = self.check(x)
        each = [getattr(self, way).log_prob(WAYS[way](x)) for way in self.shares]
        return F.stack(each)

    def log_prob(self, x):
        """log p(x) in nats: x (N, C, H, W) → (N,)."""
        log_shares = np.log(list(self.shares.values())).astype(self.dtype)
        return F.logsumexp(self.each_log_prob(x) + log_shares[:, None], 0)

    def sample(self, n, *, rng, temperature=1.0, bar=False, slow=False):
        """n images, uint8 (n, C, H, W); see Autoregressive.sample."""
        check_sizes("sample", n=n)
        how = {"rng": rng, "temperature": temperature, "bar": bar, "slow": slow}
        lots = rng.choice(len(self.shares), size=n, p=list(self.shares.values()))
        x = np.empty((n, *self.shape), np.uint8)
        for i, way in enumerate(self.shares):
            if (mine := lots == i).any():
                x[mine] = WAYS[way](getattr(self, way).sample(int(mine.sum()), **how))
        return x
