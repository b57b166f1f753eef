"""Typical wrong work for ps4_vae, and what each loses."""

WRONG = {
    "averages_the_kl": (
        {
            "bound": """
def bound(x, mean, log_var, W, centre, sigma):
    v = np.exp(log_var)
    missed = ((x - centre - mean @ W.T) ** 2).sum(axis=1) + v @ (W**2).sum(axis=0)
    fit = -0.5 * len(W) * (LOG_2PI + 2 * np.log(sigma)) - 0.5 * missed / sigma**2
    return fit - 0.5 * (mean**2 + v - log_var - 1).mean(axis=1)
"""
        },
        {"test_bound": 0},
    ),
    "log_var_for_a_standard_deviation": (
        {
            "importance_bound": """
def importance_bound(log_joint, mean, log_var, noise):
    z = mean + F.exp(log_var) * noise
    log_q = -(log_var + 0.5 * (noise**2 + LOG_2PI)).sum(2)
    log_weights = log_joint(z) - log_q
    top = log_weights.max(0).detach()
    return F.log(F.exp(log_weights - top).mean(0)) + top
""",
        },
        {
            "test_weights": 0,
            "test_mean_of_weights": 0,
            "test_slopes": 0,
        },
    ),
    "variances_of_the_posterior": (
        {
            "best_diagonal": """
def best_diagonal(x, W, centre, sigma):
    mean, covariance = posterior(x, W, centre, sigma)
    return mean, np.tile(np.log(np.diag(covariance)), (len(x), 1))
"""
        },
        {"test_best": 0},
    ),
    "mean_of_logs": (
        {
            "importance_bound": """
def importance_bound(log_joint, mean, log_var, noise):
    z = mean + F.exp(0.5 * log_var) * noise
    log_q = -0.5 * (log_var + noise**2 + LOG_2PI).sum(2)
    return (log_joint(z) - log_q).mean(0)
"""
        },
        {"test_mean_of_weights": 0, "test_slopes": 0},
    ),
    "imports_mini": (
        {
            "log_likelihood": """
from scipy.stats import multivariate_normal


def log_likelihood(x, W, centre, sigma):
    covariance = W @ W.T + sigma**2 * np.eye(len(W))
    found = multivariate_normal.logpdf(x, centre, covariance)
    return np.atleast_1d(found)
""",
            "posterior": """
import torch


def posterior(x, W, centre, sigma):
    w, away = torch.from_numpy(W), torch.from_numpy(x - centre)
    M = w.T @ w + sigma**2 * torch.eye(W.shape[1], dtype=torch.float64)
    mean = torch.linalg.solve(M, w.T @ away.T).T
    return mean.numpy(), (sigma**2 * torch.linalg.inv(M)).numpy()
""",
            "bound": """
from mini.distributions import Normal, kl_divergence


def bound(x, mean, log_var, W, centre, sigma):
    v = np.exp(log_var)
    seen = Normal(centre + mean @ W.T, np.array(sigma)).log_prob(x).data.sum(axis=1)
    fit = seen - 0.5 * v @ (W**2).sum(axis=0) / sigma**2
    return fit - kl_divergence(Normal(mean, np.sqrt(v)), Normal(0.0, 1.0)).data.sum(1)
""",
            "gap": """
import torch
from torch.distributions import MultivariateNormal


def gap(mean, log_var, right_mean, right_covariance):
    tensors = map(torch.tensor, (mean, np.exp(log_var), right_mean, right_covariance))
    m, v, right, covariance = tensors
    q = MultivariateNormal(m, torch.diag_embed(v), validate_args=False)
    p = MultivariateNormal(right, covariance, validate_args=False)
    return torch.distributions.kl_divergence(q, p).numpy()
""",
            "importance_bound": """
from mini.distributions import Normal


def importance_bound(log_joint, mean, log_var, noise):
    q = Normal(mean, F.exp(0.5 * log_var))
    z = q.loc + q.scale * noise
    log_weights = log_joint(z) - q.log_prob(z).sum(2)
    return F.logsumexp(log_weights, 0) - np.log(len(noise))
""",
            "grid_likelihood": """
from scipy.special import logsumexp

from mini.distributions import Bernoulli


def grid_likelihood(x, decode, ticks):
    z = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    prior = -0.5 * (z**2).sum(axis=1) - LOG_2PI + 2 * np.log(ticks[1] - ticks[0])
    pixels = Bernoulli(decode(z))
    fits = [pixels.log_prob(picture).data.sum(axis=1) for picture in x]
    return logsumexp(np.array(fits) + prior, axis=1)
""",
            "full_bound": """
def full_bound(log_joint, mean, log_scale, below, noise):
    K = noise.shape[2]
    strictly = np.tril(np.ones((K, K), noise.dtype), -1)
    leaning = (below * strictly * noise[:, :, None, :]).sum(3)
    z = mean + F.exp(log_scale) * noise + leaning
    log_q = -(log_scale + 0.5 * (noise**2 + LOG_2PI)).sum(2)
    return F.logsumexp(log_joint(z) - log_q, 0) - np.log(len(noise))
""",
        },
        {
            "test_likelihood": 0,
            "test_likelihood_large": 0,
            "test_posterior_mean": 0,
            "test_posterior_covariance": 0,
            "test_bound_one": 0,
            "test_bound": 0,
            "test_gap_diagonal": 0,
            "test_gap": 0,
            "test_weights": 0,
            "test_mean_of_weights": 0,
            "test_slopes": 0,
            "test_grid": 0,
            "test_grid_large": 0,
            "test_full": 0,
            "test_full_exact": 0,
            "test_full_slopes": 0,
        },
    ),
}
