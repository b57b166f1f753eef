"""Figures that say how good a model is, without looking at its samples.

Bits per dimension (`likelihood`); what a code knows of the causes (`codes`). Of samples
beside real ones: how far apart two sets are (`distances`), whose neighbours are whose
(`neighbours`), which modes and classes are there (`modes`). Sets of samples are tables
of features (N, D): for toys the points themselves, for digits what the last layer of a
trained classifier sees (`features`),

    classifier = zoo.load("classifier-mnist")
    real = metrics.features_of(classifier.features, test.images)  # (N, 64)
    fake = metrics.features_of(classifier.features, generator.sample(N, rng=rng))
    metrics.frechet_distance(real, fake)

Such a figure depends on the features and on the number of samples. Give both with it,
and what real samples beside other real ones get (`real_against_real`).
"""

from .codes import (
    entropy,
    informativeness,
    mutual_information,
    mutual_information_gap,
)
from .distances import frechet_distance, kernel_distance, real_against_real
from .features import features_of
from .likelihood import bits_per_dim
from .modes import (
    ClassifierScore,
    Modes,
    classifier_score,
    label_entropy,
    mixture_modes,
    mode_spread,
)
from .neighbours import (
    Memorisation,
    density_coverage,
    expected_coverage,
    memorisation,
    nearest_neighbours,
    precision_recall,
)

__all__ = [
    "ClassifierScore",
    "Memorisation",
    "Modes",
    "bits_per_dim",
    "classifier_score",
    "density_coverage",
    "entropy",
    "expected_coverage",
    "features_of",
    "frechet_distance",
    "informativeness",
    "kernel_distance",
    "label_entropy",
    "memorisation",
    "mixture_modes",
    "mode_spread",
    "mutual_information",
    "mutual_information_gap",
    "nearest_neighbours",
    "precision_recall",
    "real_against_real",
]
