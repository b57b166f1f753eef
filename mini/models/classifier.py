"""A small convolutional network that reads digits, and whose features measure them."""

from .. import functional as F
from ..nn import Conv2d, Linear, Module
from ..tensor import as_tensor

MEAN, STD = 0.13, 0.31  # of MNIST's pixels


class Classifier(Module):
    """Logits of the ten digits: images (N, 1, 28, 28), floats in [0, 1], → (N, 10).

    Three convolutions, each followed by max-pooling, and two linear maps: LeNet-5
    (LeCun et al. 1998, figure 2) with the parts that are usual today. A leaky ReLU
    keeps every feature alive: with ReLU almost half of them are zero for any image.
    """

    def __init__(self, *, rng):
        self.conv1 = Conv2d(1, 16, 5, padding="same", rng=rng)
        self.conv2 = Conv2d(16, 32, 3, padding="same", rng=rng)
        self.conv3 = Conv2d(32, 64, 3, padding="same", rng=rng)
        self.linear1 = Linear(64 * 3 * 3, 64, rng=rng)
        self.linear2 = Linear(64, 10, rng=rng)

    def features(self, x):
        """What the last layer sees: images (N, 1, 28, 28) → (N, 64)."""
        x = (_check(x) - MEAN) / STD
        for conv in (self.conv1, self.conv2, self.conv3):
            # 28 → 14 → 7 → 3 pixels; after the maximum there is less to do
            x = F.leaky_relu(F.max_pool2d(conv(x), 2), 0.1)
        return F.leaky_relu(self.linear1(x.reshape(len(x), 64 * 3 * 3)), 0.1)

    def forward(self, x):
        return self.linear2(self.features(x))


def _check(x):
    x = as_tensor(x)
    if x.shape[1:] != (1, 28, 28) or x.dtype.kind != "f":
        raise ValueError(
            f"Classifier: x must be floats in [0, 1] of shape (N, 1, 28, 28),"
            f" got {x.dtype} of shape {x.shape}"
        )
    return x
