"""Typical wrong work for ps1_likelihood, and what each loses."""

WRONG = {
    "holes_are_paper": (  # a pixel that cannot be read counts as one without ink
        {
            "log_bernoulli": """
def log_bernoulli(x, seen, p):
    ink = np.where(seen, x, 0)
    with np.errstate(divide="ignore"):
        log_ink = np.maximum(np.log(p), -1e30)
        log_paper = np.maximum(np.log(1 - p), -1e30)
    log_p = ink @ log_ink.T + (1 - ink) @ log_paper.T
    return np.where(log_p < -1e29, -np.inf, log_p)
""",
            "maximise": """
def maximise(x, seen, share, pseudocount):
    total = share.sum(axis=0) + pseudocount
    ink = share.T @ np.where(seen, x, 0) + pseudocount / 2
    return total / total.sum(), ink / total[:, None]
""",
        },
        {"test_seen": 0, "test_holes": 0},
    ),
    "tiny_numbers": (  # 0 · −inf; a maximum of the whole batch; σ − σ; no −log S
        {
            "log_bernoulli": """
def log_bernoulli(x, seen, p):
    ink, paper = seen * (x == 1.0), seen * (x == 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return ink @ np.log(p).T + paper @ np.log(1 - p).T
""",
            "log_sum_exp": """
def log_sum_exp(a, axis=-1):
    top = a.max()
    with np.errstate(divide="ignore", invalid="ignore"):
        return top + np.log(np.exp(a - top).sum(axis=axis))
""",
            "log_byte": """
def log_byte(x, mu, s):
    x = np.asarray(x, float)
    with np.errstate(over="ignore", divide="ignore"):
        above = np.where(x == 255, 1, 1 / (1 + np.exp(-(x + 1 - mu) / s)))
        below = np.where(x == 0, 0, 1 / (1 + np.exp(-(x - mu) / s)))
        return np.log(above - below)
""",
            "dequantized": """
def dequantized(log_density, x, u):
    logs = np.array([log_density(x + noise) for noise in u])
    return logs.mean(axis=0), np.logaddexp.reduce(logs, axis=0)
""",
        },
        {
            "test_certain": 0,
            "test_extremes": 0,
            "test_log_byte_far": 0,
            "test_dequantized": 0,
        },
    ),
    # the weights are never updated; the lowest score wins; numpy has the sum ready-made
    "forgets_the_past": (
        {
            "log_sum_exp": """
def log_sum_exp(a, axis=-1):
    return np.logaddexp.reduce(a, axis=axis)
""",
            "compare": """
def compare(nll):
    best = nll.mean(axis=1).argmin()
    pairs = nll - nll[best]
    error = pairs.std(axis=1, ddof=1) / len(nll[0]) ** 0.5
    return pairs.mean(axis=1), error, best
""",
            "pixel_bits": """
def pixel_bits(x, weights, p):
    ink = weights @ p
    return -np.log2(np.where(x == 1, ink, 1 - ink))
""",
        },
        {
            "test_log_sum_exp": 0,
            "test_choose": 0,
            "test_total": 0,
            "test_prices": 0,
            "test_long": 0,
        },
    ),
    "imports_mini": (  # mini's and scipy's own answers under the asked names
        {
            "log_bernoulli": """
from mini.distributions import Bernoulli


def log_bernoulli(x, seen, p):
    with np.errstate(divide="ignore"):
        model = Bernoulli(np.log(p) - np.log1p(-p))
    each = model.log_prob(np.where(seen, x, 0)[:, None]).data
    return (each * seen[:, None]).sum(axis=2)
""",
            "log_sum_exp": """
from scipy.special import logsumexp


def log_sum_exp(a, axis=-1):
    return logsumexp(a, axis=axis)
""",
            "maximise": """
from mini.models.simple import PixelMixture


def maximise(x, seen, share, pseudocount):
    N, D = x.shape
    model = PixelMixture(share.shape[1], values=3, pseudocount=pseudocount * 1.5)
    three = np.where(seen, x, 2).reshape(N, 1, 1, D)  # the third value: not readable
    model._maximise(model._start(three), share)
    counts = model.table[:, :, :2]
    return model.weights, counts[:, :, 1] / counts.sum(axis=2)
""",
            "pixel_bits": """
from mini.models.simple import PixelMixture


def pixel_bits(x, weights, p):
    so_far, model = [np.zeros(len(x))], PixelMixture(len(weights))
    model.weights = weights
    for d in range(1, x.shape[1] + 1):
        model.shape = (1, 1, d)
        model.table = np.stack([1 - p[:, :d], p[:, :d]], axis=2)
        so_far.append(model.log_prob(x[:, :d].reshape(-1, 1, 1, d)))
    return -np.diff(so_far, axis=0).T / np.log(2)
""",
            "log_byte": """
from mini.distributions import LogisticMixture


def log_byte(x, mu, s):
    x = np.asarray(x)
    mu, s = np.broadcast_to(mu, x.shape), np.broadcast_to(s, x.shape)
    centre, log_scale = (mu - 0.5) * 2 / 255 - 1, np.log(s * 2 / 255)
    params = np.stack([np.zeros(x.shape), centre, log_scale], axis=-1)
    return LogisticMixture(params).log_prob(x.astype(int)).data
""",
            "dequantized": """
from mini import Tensor
from mini import functional as F


def dequantized(log_density, x, u):
    logs = np.array([log_density(x + noise) for noise in u])
    return logs.mean(axis=0), F.logsumexp(Tensor(logs), axis=0).data - np.log(len(u))
""",
        },
        {
            "test_seen": 0,
            "test_certain": 0,
            "test_log_sum_exp": 0,
            "test_extremes": 0,
            "test_counts": 0,
            "test_holes": 0,
            "test_total": 0,
            "test_prices": 0,
            "test_long": 0,
            "test_log_byte": 0,
            "test_log_byte_far": 0,
            "test_dequantized": 0,
        },
    ),
}
