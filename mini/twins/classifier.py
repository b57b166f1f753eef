"""The classifier of models/classifier.py in torch.

twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
model.load_state_dict({k: v.numpy() for k, v in twin.state_dict().items()})
"""

from torch import nn
from torch.nn import functional as F

MEAN, STD = 0.13, 0.31  # of MNIST's pixels


class Classifier(nn.Module):
    """Logits of the ten digits: images (N, 1, 28, 28), floats in [0, 1], → (N, 10)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5, padding="same")
        self.conv2 = nn.Conv2d(16, 32, 3, padding="same")
        self.conv3 = nn.Conv2d(32, 64, 3, padding="same")
        self.linear1 = nn.Linear(64 * 3 * 3, 64)
        self.linear2 = nn.Linear(64, 10)

    def features(self, x):
        """What the last layer sees: images (N, 1, 28, 28) → (N, 64)."""
        x = (x - MEAN) / STD
        for conv in (self.conv1, self.conv2, self.conv3):
            x = F.leaky_relu(F.max_pool2d(conv(x), 2), 0.1)
        return F.leaky_relu(self.linear1(x.flatten(1)), 0.1)

    def forward(self, x):
        return self.linear2(self.features(x))
