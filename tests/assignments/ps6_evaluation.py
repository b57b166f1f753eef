"""Typical wrong work for ps6_evaluation, and what each loses."""

WRONG = {
    # nats for bits; all images in one sum; a line in n; a row its own neighbour; ties
    "mistaken_units": (
        {
            "dilution": """
def dilution_price(log_p, log_noise, share, dimensions):
    rest = np.log1p(-share) if share < 1 else -np.inf
    mixed = np.logaddexp(np.log(share) + log_p, rest + log_noise)
    return (log_p - mixed) / dimensions
""",
            "effective": """
def effective_draws(log_weights):
    w = np.exp(log_weights - log_weights.max())
    return w.sum() ** 2 / (w * w).sum()
""",
            "limit": """
def limit(sizes, distances):
    return np.polyfit(sizes, distances, 1)[1]
""",
            "reach": """
def reach(x, k):
    return np.sort(cdist(x, x), axis=1)[:, k - 1]
""",
            "nearer": """
def nearer(known, unseen, fake):
    new, ours = cdist(unseen, known).min(axis=1), cdist(fake, known).min(axis=1)
    return (ours <= new[:, None]).mean()
""",
        },
        {
            "test_dilution": 0,
            "test_dilution_far": 0,
            "test_effective": 0,
            "test_limit": 0,
            "test_reach": 0,
            "test_nearer_ties": 0,
        },
    ),
    # not of the matrix; pictures counted where digits should be; two L less the rest
    "root_of_each_entry": (
        {
            "frechet": """
def frechet(x, y):
    shift = x.mean(axis=0) - y.mean(axis=0)
    sigma = np.atleast_2d(np.cov(x, rowvar=False))
    tau = np.atleast_2d(np.cov(y, rowvar=False))
    overlap = np.trace(np.sqrt(np.abs(sigma @ tau)))
    return float(shift @ shift + np.trace(sigma) + np.trace(tau) - 2 * overlap)
""",
            "density_coverage": """
def density_coverage(real, fake, real_reach, k):
    held = cdist(real, fake) <= real_reach[:, None]
    return held.sum(axis=1).mean() / k, held.any(axis=0).mean()
""",
            "jackknife": """
def jackknife(log_weights):
    k = len(log_weights)
    others = [log_mean(np.delete(log_weights, i, axis=0)) for i in range(k)]
    return 2 * log_mean(log_weights) - np.mean(others, axis=0)
""",
        },
        {
            "test_frechet": 0,
            "test_density": 0,
            "test_coverage": 0,
            "test_jackknife": 0,
            "test_jackknife_far": 0,
        },
    ),
    # exp of what is far below 0; a sum less its largest part; the symmetric half of a
    # product; a line through its ends; the surface outside
    "nearly_right": (
        {
            "dilution": """
def dilution_price(log_p, log_noise, share, dimensions):
    mixed = share * np.exp(log_p) + (1 - share) * np.exp(log_noise)
    return (log_p - np.log(mixed)) / (dimensions * np.log(2))
""",
            "jackknife": """
def jackknife(log_weights):
    k, top = len(log_weights), log_weights.max(axis=0)
    w = np.exp(log_weights - top)
    others = top + np.log((w.sum(axis=0) - w) / (k - 1))
    return k * log_mean(log_weights) - (k - 1) * others.mean(axis=0)
""",
            "frechet": """
def frechet(x, y):
    shift = x.mean(axis=0) - y.mean(axis=0)
    sigma = np.atleast_2d(np.cov(x, rowvar=False))
    tau = np.atleast_2d(np.cov(y, rowvar=False))
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(sigma @ tau), 0))
    return shift @ shift + np.trace(sigma) + np.trace(tau) - 2 * roots.sum()
""",
            "limit": """
def limit(sizes, distances):
    few, many = np.argmin(sizes), np.argmax(sizes)
    a, b = 1 / sizes[few], 1 / sizes[many]
    return (a * distances[many] - b * distances[few]) / (a - b)
""",
            "density_coverage": """
def density_coverage(real, fake, real_reach, k):
    held = cdist(real, fake) < real_reach[:, None]
    return held.sum(axis=0).mean() / k, held.any(axis=1).mean()
""",
        },
        {
            "test_dilution_far": 0,
            "test_jackknife_far": 0,
            "test_frechet": 0,
            "test_limit": 0,
            "test_density": 0,
            "test_coverage": 0,
        },
    ),
    # mini's, torch's and scipy's own answers under the asked names
    "imports_mini": (
        {
            "dilution": """
def dilution_price(log_p, log_noise, share, dimensions):
    rest = np.log1p(-share) if share < 1 else -np.inf
    mixed = np.logaddexp(np.log(share) + log_p, rest + log_noise)
    return metrics.bits_per_dim(log_p - mixed, dimensions)
""",
            "effective": """
from mini import functional


def effective_draws(log_weights):
    shares = functional.softmax(log_weights, axis=0).data
    return 1 / (shares * shares).sum(axis=0)
""",
            "jackknife": """
import torch


def jackknife(log_weights):
    k, a = len(log_weights), torch.tensor(log_weights)
    whole = torch.logsumexp(a, 0).numpy() - np.log(k)
    others = [
        torch.logsumexp(torch.cat([a[:i], a[i + 1 :]]), 0).numpy() - np.log(k - 1)
        for i in range(k)
    ]
    return k * whole - (k - 1) * np.mean(others, axis=0)
""",
            "frechet": """
from mini.metrics import frechet_distance as frechet
""",
            "limit": """
from scipy.stats import linregress


def limit(sizes, distances):
    return linregress(1 / np.asarray(sizes), distances).intercept
""",
            "reach": """
def reach(x, k):
    return metrics.nearest_neighbours(x, x, k + 1)[0][:, k]
""",
            "density_coverage": """
def density_coverage(real, fake, real_reach, k):
    far, which = metrics.nearest_neighbours(fake, real, len(real))
    held = far <= real_reach[which]
    first = metrics.nearest_neighbours(real, fake)[0][:, 0]
    return held.sum(axis=1).mean() / k, (first <= real_reach).mean()
""",
            "nearer": """
def nearer(known, unseen, fake):
    return metrics.memorisation(known, unseen, fake).auc
""",
        },
        {
            "test_dilution": 0,
            "test_dilution_far": 0,
            "test_effective": 0,
            "test_jackknife": 0,
            "test_jackknife_far": 0,
            "test_frechet_line": 0,
            "test_frechet": 0,
            "test_limit": 0,
            "test_reach": 0,
            "test_density": 0,
            "test_coverage": 0,
            "test_nearer": 0,
            "test_nearer_ties": 0,
        },
    ),
}
