"""Exercises of chapter 10 on errors; the others are in chapter10_codes.py."""

import numpy as np

from .. import functional as F
from ..tensor import Tensor
from .frame import exercise

# ---- lost_by_pca ---------------------------------------------------------------------


def points(rng):
    """Clouds off the origin, wider in some directions than in others."""
    for N, D, K in [(4, 2, 1), (9, 3, 0), (20, 4, 1), (30, 5, 3), (50, 6, 2)]:
        mixed = rng.normal(size=(N, D)) @ rng.normal(size=(D, D))
        yield mixed * rng.uniform(0.5, 2, size=D) + 3 * rng.normal(size=D), K


def eigenvalues(x, centre=True, ddof=0):
    """Those of the covariance matrix, the largest first."""
    centred = x - x.mean(axis=0) if centre else x
    return np.linalg.eigvalsh(centred.T @ centred / (len(x) - ddof))[::-1]


@exercise("lost_by_pca", inputs=points)
def lost_by_pca(x, K):
    return eigenvalues(x)[K:].sum()


lost_by_pca.mistake(
    "points whose mean was not taken away",
    hint="Variance is the mean square about what? Where must the best line pass?",
)(lambda x, K: eigenvalues(x, centre=False)[K:].sum())

lost_by_pca.mistake(
    "a covariance divided by N − 1",
    hint="The error is a mean over the N points themselves. By what is it divided?"
    " (np.cov divides by N − 1 unless it is told bias=True.)",
)(lambda x, K: eigenvalues(x, ddof=1)[K:].sum())

for bias in (False, True):
    lost_by_pca.mistake(
        "np.cov with the points in rows, which takes each point for a variable",
        hint="How large is your covariance matrix, and how large must it be? (np.cov"
        " has an argument rowvar.)",
    )(lambda x, K, bias=bias: np.linalg.eigvalsh(np.cov(x, bias=bias))[::-1][K:].sum())

lost_by_pca.mistake(
    "the eigenvalues that are kept",
    hint="A code with K = 0 loses everything. What does yours say for K = 0?",
)(lambda x, K: eigenvalues(x)[:K].sum())

lost_by_pca.mistake(
    "dropping the K largest of D − K kept, because eigh gives the smallest first",
    hint="In which order does np.linalg.eigh return its eigenvalues?",
)(lambda x, K: eigenvalues(x)[::-1][K:].sum())

lost_by_pca.mistake(
    "a mean over the coordinates",
    hint="Equation (1) adds the coordinates of a point up. Is yours a sum or a mean?",
)(lambda x, K: eigenvalues(x)[K:].sum() / x.shape[1])

lost_by_pca.mistake(
    "the mean of the dropped eigenvalues",
    hint="That is the noise of chapter 1's Gaussian. Is what is lost their mean, or"
    " their sum?",
)(lambda x, K: eigenvalues(x)[K:].mean())

lost_by_pca.mistake(
    "a sum over the points",
    hint="With twice as many points of the same kind, should the figure double?",
)(lambda x, K: len(x) * eigenvalues(x)[K:].sum())

lost_by_pca.mistake(
    "adding standard deviations, not variances",
    hint="The singular values of the centred points are roots. Of what?",
)(lambda x, K: np.sqrt(np.maximum(eigenvalues(x)[K:], 0)).sum())

lost_by_pca.mistake(
    "the sum of the dropped singular values",
    hint="Which power of the singular values are the eigenvalues, and by what is it"
    " divided?",
)(lambda x, K: np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[K:].sum())

lost_by_pca.mistake(
    "the first dropped eigenvalue alone",
    hint="How many directions are dropped when K of D are kept?",
)(lambda x, K: eigenvalues(x)[K])

lost_by_pca.mistake(
    "coordinates scaled to variance one first",
    hint="Equation (1) counts an error of a wide coordinate as it is. Who divided it?",
)(lambda x, K: eigenvalues(x / x.std(axis=0))[K:].sum())


@lost_by_pca.mistake(
    "eigenvalues cut with [:-K], which leaves none for K = 0",
    hint="What is a[:-0] in Python?",
)
def _(x, K):
    return eigenvalues(x)[::-1][:-K].sum()


@lost_by_pca.variant
def what_is_left(x, K):
    return x.var(axis=0).sum() - eigenvalues(x)[:K].sum()


@lost_by_pca.variant
def by_singular_values(x, K):
    s = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    return float((s[K:] ** 2).sum() / len(x))


@lost_by_pca.variant
def by_drawing(x, K):
    centred = x - x.mean(axis=0)
    u = np.linalg.svd(centred, full_matrices=False)[2][:K]
    return np.mean(np.linalg.norm(centred - centred @ u.T @ u, axis=1) ** 2)


@lost_by_pca.variant
def by_numpys_covariance(x, K):
    values, _ = np.linalg.eigh(np.cov(x, rowvar=False, bias=True))
    return values[: x.shape[1] - K].sum()


# ---- squared_error -------------------------------------------------------------------


def drawings(rng):
    for N, C, H, W in [(1, 1, 1, 2), (2, 1, 2, 3), (5, 3, 4, 4)]:
        images = rng.integers(0, 256, size=(N, C, H, W), dtype=np.uint8)
        images.reshape(-1)[0] = 255
        yield rng.random((N, C, H, W)), images


def squares(drawn, images):
    return (drawn - images / 255) ** 2


@exercise("squared_error", inputs=drawings, tensors=True)
def squared_error(drawn, images):
    return squares(drawn, images).sum() / len(images)


squared_error.mistake(
    "a mean over the pixels as well",
    hint="Equation (1) is a sum over pixels. Over what does F.mse_loss average?",
)(lambda drawn, images: squares(drawn, images).mean())

squared_error.mistake(
    "a sum over the images too",
    hint="Should a batch of twice as many images have a loss twice as large?",
)(lambda drawn, images: squares(drawn, images).sum())

squared_error.mistake(
    "bytes compared with floats",
    hint="White is 1 in the drawing. What is it in the images?",
)(lambda drawn, images: ((drawn - images) ** 2).sum() / len(images))

squared_error.mistake(
    "the drawing scaled as well",
    hint="Which of the two runs from 0 to 255, and which from 0 to 1 already?",
)(lambda drawn, images: (((drawn - images) / 255) ** 2).sum() / len(images))

squared_error.mistake(
    "an error counted in grey levels",
    hint="In (1) an image lies in [0, 1]. Which of the two did you bring to the"
    " other's scale?",
)(lambda drawn, images: ((255 * drawn - images) ** 2).sum() / len(images))

squared_error.mistake(
    "dividing by 256",
    hint="Which byte is white, and what must it become?",
)(lambda drawn, images: ((drawn - images / 256) ** 2).sum() / len(images))

squared_error.mistake(
    "a division that drops the fraction",
    hint="What is 128 // 255?",
)(lambda drawn, images: ((drawn - images // 255) ** 2).sum() / len(images))

squared_error.mistake(
    "absolute differences",
    hint="The squared error is a sum of what?",
)(lambda drawn, images: abs(drawn - images / 255).sum() / len(images))

squared_error.mistake(
    "the root of the sum",
    hint="‖x − x̂‖² has a square on it. Which did you return, the length or its square?",
)(lambda drawn, images: (squares(drawn, images).sum((1, 2, 3)) ** 0.5).mean())

squared_error.mistake(
    "half of it",
    hint="Some texts put a ½ before the square, to be rid of a 2 later. Does (1)?",
)(lambda drawn, images: squares(drawn, images).sum() / len(images) / 2)


@squared_error.variant
def image_by_image(drawn, images):
    return squares(drawn, images).sum((1, 2, 3)).mean()


@squared_error.variant
def a_mean_made_a_sum(drawn, images):
    return F.mse_loss(drawn, Tensor(images / 255)) * images[0].size


@squared_error.variant
def as_vectors(drawn, images):
    apart = drawn.reshape(len(drawn), -1) - images.reshape(len(images), -1) / 255.0
    return (apart * apart).sum(axis=1).sum() * (1 / len(drawn))


# ---- best_drawings -------------------------------------------------------------------


def codes_and_points(rng):
    """Codes off the origin that hang together, and points that they half explain."""
    for N, K, D in [(4, 1, 2), (12, 2, 3), (30, 3, 5), (40, 4, 2)]:
        codes = rng.normal(size=(N, K)) @ rng.normal(size=(K, K)) + 2
        x = np.tanh(codes @ rng.normal(size=(K, D))) + rng.normal(size=D)
        yield codes, x + 0.3 * rng.normal(size=(N, D))


def solve(a, b):
    return np.linalg.lstsq(a, b)[0]


def centred(a):
    return a - a.mean(axis=0)


@exercise("best_drawings", inputs=codes_and_points)
def best_drawings(codes, x):
    a = np.column_stack([codes, np.ones(len(codes))])
    return a @ solve(a, x)


best_drawings.mistake(
    "no offset",
    hint="What should the decoder draw for a code of zeros? What does yours?",
)(lambda codes, x: codes @ solve(codes, x))

best_drawings.mistake(
    "a fit without an offset, and the mean added on top",
    hint="Without an offset the codes have explained the mean, as well as they could."
    " How often is it in your drawings?",
)(lambda codes, x: x.mean(axis=0) + codes @ solve(codes, x))

best_drawings.mistake(
    "drawings about the origin",
    hint="You took the means away. Who puts the mean of the points back?",
)(lambda codes, x: centred(codes) @ solve(centred(codes), centred(x)))

best_drawings.mistake(
    "codes whose mean is still in them",
    hint="With the mean of x as the offset, what must the mean of the codes be?",
)(lambda codes, x: x.mean(axis=0) + codes @ solve(codes, centred(x)))

best_drawings.mistake(
    "the best encoder, turned round",
    hint="You fitted the codes from the points. Which of the two is given to the"
    " decoder, and in which are errors counted?",
)(
    lambda codes, x: (
        x.mean(axis=0)
        + centred(codes) @ np.linalg.pinv(solve(centred(x), centred(codes)))
    )
)

best_drawings.mistake(
    "products of codes and points that nothing divides",
    hint="If the codes were twice as large, should the drawings be four times as wide?",
)(
    lambda codes, x: (
        x.mean(axis=0) + centred(codes) @ (centred(codes).T @ centred(x)) / len(x)
    )
)

best_drawings.mistake(
    "the mean, whatever the code",
    hint="What does the code tell the decoder?",
)(lambda codes, x: np.broadcast_to(x.mean(axis=0), x.shape).copy())

best_drawings.mistake(
    "the points themselves",
    hint="The decoder does not see the points. What does it see?",
)(lambda codes, x: x.copy())


@best_drawings.mistake(
    "every number of the code fitted alone",
    hint="If two numbers say the same thing twice, how often should it be added?",
)
def _(codes, x):
    z, y = centred(codes), centred(x)
    return x.mean(axis=0) + z @ ((z.T @ y) / (z**2).sum(axis=0)[:, None])


@best_drawings.mistake(
    "PCA of the points, which does not use the codes",
    hint="Somebody else chose these codes. Which argument did you not use?",
)
def _(codes, x):
    u = np.linalg.svd(centred(x), full_matrices=False)[2][: codes.shape[1]]
    return x.mean(axis=0) + centred(x) @ u.T @ u


@best_drawings.variant
def about_the_means(codes, x):
    return x.mean(axis=0) + centred(codes) @ solve(centred(codes), centred(x))


@best_drawings.variant
def by_normal_equations(codes, x):
    a = np.c_[np.ones(len(x)), codes]
    return a @ np.linalg.solve(a.T @ a, a.T @ x)


@best_drawings.variant
def by_projection(codes, x):
    q, _ = np.linalg.qr(np.hstack([codes, np.ones((len(codes), 1))]))
    return q @ (q.T @ x)


@best_drawings.variant
def by_covariances(codes, x):
    K = codes.shape[1]
    both = np.cov(np.hstack([codes, x]).T)
    weights = np.linalg.inv(both[:K, :K]) @ both[:K, K:]
    return codes @ weights + (x.mean(axis=0) - codes.mean(axis=0) @ weights)
