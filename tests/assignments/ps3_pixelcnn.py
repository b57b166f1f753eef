"""Typical wrong work for ps3_pixelcnn, and what each loses."""

WRONG = {
    # The first layer may look at the centre, and one other level is enough of a test.
    "mask_a_shows_the_centre": (
        {
            "mask": """
def mask(kind, inputs, outputs, size):
    inputs, outputs = np.asarray(inputs), np.asarray(outputs)
    stay = np.zeros((outputs.size, inputs.size, size, size), bool)
    stay.reshape(outputs.size, inputs.size, -1)[:, :, : size * size // 2] = True
    stay[:, :, size // 2, size // 2] = inputs <= outputs[:, None]
    return stay
""",
            "influence": """
def influence(network, images, levels):
    shape, v = images.shape[1:], in_order(images)
    base = in_order(network(images).data)
    table = np.zeros((v.shape[1], v.shape[1]), bool)
    for m in range(v.shape[1]):
        changed = v.copy()
        changed[:, m] = (v[:, m] + 1) % levels
        logits = in_order(network(back(changed, shape)).data)
        table[:, m] = (np.abs(logits - base) > 1e-6).any(axis=(0, 1))
    return table
""",
        },
        {"test_mask_colours": 0, "test_influence": 0},
    ),
    # The mask divides the channels by colours, the last reshape by levels.
    "order_of_the_colours_ignored": (
        {
            "mask": """
def mask(kind, inputs, outputs, size):
    past = np.zeros((size, size), bool)
    past[: size // 2] = True
    past[size // 2, : size // 2] = True
    past[size // 2, size // 2] = kind == "B"
    return np.tile(past, (len(outputs), len(inputs), 1, 1))
""",
            "network": """
class ColourPixelCNN(nn.Module):
    def __init__(self, shape, levels, channels, blocks, *, rng):
        C, H, W = shape
        self.shape, self.levels = shape, levels
        self.first = nn.MaskedConv2d("A", C, channels, 7, colours=C, rng=rng)
        self.place = Tensor(np.zeros((1, channels, H, W), np.float32), True)
        self.blocks = [
            nn.MaskedConv2d("B", channels, channels, 3, colours=C, rng=rng)
            for _ in range(blocks)
        ]
        self.last = nn.MaskedConv2d("B", channels, C * levels, 1, colours=C, rng=rng)

    def forward(self, x):
        h = self.first(Tensor(x.astype(np.float32) / (self.levels - 1))) + self.place
        for block in self.blocks:
            h = h + block(F.relu(h))
        return self.last(F.relu(h)).reshape(len(x), self.levels, *self.shape)
""",
        },
        {"test_mask_colours": 0, "test_network": 0},
    ),
    # The likelier level in place of a drawn one; blocks that forget their input.
    "argmax_and_no_residual": (
        {
            "network": """
class ColourPixelCNN(nn.Module):
    def __init__(self, shape, levels, channels, blocks, *, rng):
        C, H, W = shape
        self.shape, self.levels = shape, levels
        self.first = nn.MaskedConv2d("A", C, channels, 7, colours=C, rng=rng)
        self.place = Tensor(np.zeros((1, channels, H, W), np.float32), True)
        self.blocks = [
            nn.MaskedConv2d("B", channels, channels, 3, colours=C, rng=rng)
            for _ in range(blocks)
        ]
        self.last = nn.MaskedConv2d("B", channels, C * levels, 1, colours=C, rng=rng)

    def forward(self, x):
        h = self.first(Tensor(x.astype(np.float32) / (self.levels - 1))) + self.place
        for block in self.blocks:
            h = block(F.relu(h))
        C, H, W = self.shape
        y = self.last(F.relu(h)).reshape(len(x), C, self.levels, H, W)
        return y.transpose(0, 2, 1, 3, 4)
""",
            "draw": """
def draw(network, x, known, u, temperature=1.0):
    v, known = in_order(x).copy(), in_order(known)
    for d in range(v.shape[1]):
        logits = in_order(network(back(v, x.shape[1:])).data)[:, :, d]
        v[:, d] = np.where(known[:, d], v[:, d], logits.argmax(axis=1))
    return back(v, x.shape[1:])
""",
        },
        {
            "test_network_learns": 0,
            "test_draw": 0,
            "test_complete": 0,
            "test_weighted": 0,  # it calls draw
        },
    ),
    # Everything that mini and torch have under the names that were asked for.
    "imports_mini": (
        {
            "mask": """
from mini.nn import past_mask


def mask(kind, inputs, outputs, size):
    shape, colours = (len(outputs), len(inputs), size, size), len(set(inputs))
    return np.broadcast_to(past_mask(kind, shape, colours), shape)
""",
            "network": """
from mini.models.pixelcnn import PixelCNN


class ColourPixelCNN(nn.Module):
    def __init__(self, shape, levels, channels, blocks, *, rng):
        sizes = {"channels": channels, "blocks": max(blocks, 1), "hidden": 24}
        self.model = PixelCNN(shape, levels=levels, rng=rng, **sizes)

    def forward(self, x):
        y = self.model(x)  # one logit, where there are two levels
        return y if y.shape[1] > 1 else F.concatenate([0 * y, y], 1)
""",
            "log_prob": """
from mini.distributions import Categorical


def log_prob(logits, x):
    return Categorical(logits, axis=1).log_prob(x).sum((1, 2, 3))
""",
            "bits": """
import torch


def bits(log_p, shape):
    dimensions = float(np.prod(shape))
    return (-torch.tensor(log_p) / dimensions / np.log(2.0)).numpy()
""",
            "draw": """
from mini.sampling import Rerun
from mini.sampling import draw as draw_values


def draw(network, x, known, u, temperature=1.0):
    class Model(Autoregressive):
        def forward(self, x, label=None):
            return network(x)

        def distribution(self, params, temperature=1.0):
            return Categorical(params / temperature, axis=1)

    model = Model(x.shape[1:], int(network(x).shape[1]))
    new, rng = x.astype(np.uint8), np.random.default_rng(0)
    known, slow = np.broadcast_to(known, x.shape), Rerun(model, len(x))
    return draw_values(model, new, known, slow, rng=rng, temperature=temperature)
""",
            "average": """
def average(images, log_w):
    w = torch.softmax(torch.tensor(log_w), 0).numpy()
    mean = np.einsum("n,nchw->chw", w, images)
    return mean, torch.logsumexp(torch.tensor(log_w), 0).item() - np.log(len(w))
""",
        },
        {
            "test_mask_taps": 0,
            "test_mask_colours": 0,
            "test_network": 0,
            "test_network_learns": 0,
            "test_log_prob": 0,
            "test_log_prob_far": 0,
            "test_bits": 0,
            "test_draw": 0,
            "test_complete": 0,
            "test_weighted": 0,
            "test_average": 0,
        },
    ),
}
