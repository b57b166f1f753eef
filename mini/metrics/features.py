"""The numbers by which samples are compared, and the checks of tables of them."""

import numpy as np

from ..init import check_sizes
from ..tensor import no_grad, value_of


def features_of(extract, images, *, at_once=500):
    """Features (N, D) of images (N, …), computed `at_once` images at a time.

    `extract` is given an array (n, …) and returns n rows as an array or a Tensor, of
    any shape, which becomes (n, D); no gradient is kept. Bytes are given to it as
    float32 from 0 to 1, all else as it is.
    """
    name = "features_of"
    check_sizes(name, at_once=at_once)
    images = np.asarray(value_of(images))
    if not images.ndim or not len(images):
        raise ValueError(f"{name}: images has shape {images.shape}, expected (N, …)")
    rows = []
    with no_grad():
        for i in range(0, len(images), at_once):
            part = images[i : i + at_once]
            if part.dtype == np.uint8:
                part = part.astype(np.float32) / 255
            found = np.asarray(value_of(extract(part)))
            if not found.ndim or len(found) != len(part):
                raise ValueError(
                    f"{name}: extract made shape {found.shape} of {len(part)} images,"
                    " expected a row for each"
                )
            rows.append(found.reshape(len(part), -1))
    return np.concatenate(rows)


NUMBERS = 2_000_000  # at a time, 16 MB


def rows_at_once(width):
    """So many rows of a table of that width are held at a time; 10⁸ pairs are not."""
    return max(1, NUMBERS // width)


# ---- checks of arguments -------------------------------------------------------------


def numbers(function, **tables):
    """The tables as float64 arrays (N, D), if they hold finite numbers."""
    tables = {name: np.asarray(value_of(table)) for name, table in tables.items()}
    for name, table in tables.items():
        if table.ndim != 2 or not table.size or table.dtype.kind not in "biuf":
            got = f"{table.dtype} of shape {table.shape}"
            raise ValueError(f"{function}: {name} is {got}, expected numbers (N, …)")
        if not np.isfinite(table).all():
            bad = table[~np.isfinite(table)][0]
            raise ValueError(f"{function}: {name} has {bad}, expected finite numbers")
    return [table.astype(np.float64) for table in tables.values()]


def samples(function, least=1, **tables):
    """Such tables of `least` rows or more, if they have equally many columns."""
    arrays = numbers(function, **tables)
    for name, x in zip(tables, arrays):
        if len(x) < least:
            rows = f"{len(x)} row" + "s" * (len(x) > 1)
            raise ValueError(f"{function}: {name} has {rows}, expected {least} or more")
    columns = {name: x.shape[1] for name, x in zip(tables, arrays)}
    if len(set(columns.values())) > 1:
        raise ValueError(f"{function}: columns are {columns}, expected equally many")
    return arrays
