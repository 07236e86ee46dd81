"""Means and shares of values that come in clusters, with 95 % intervals that know it.

`share_of` is Wilson's interval with as many independent values as the clusters leave, `mean_of` a t interval over clusters. No database.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.feedback.statistics.bradley_terry import Z95, Share


def wilson(share: float, n: float) -> Share:
    """Wilson's score interval of a share among `n` independent values."""
    z2 = Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * float(np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)))
    return Share(share, max(0.0, centre - half), min(1.0, centre + half), n)


def share_of(hits: ArrayLike, cluster: Iterable[object]) -> Share | None:
    """The mean of values from 0 to 1, such as hits and misses; None where there are none."""
    values, number, count = _clusters(hits, cluster)
    if not count:
        return None
    n, mean = len(values), float(values.mean())
    spread = mean * (1 - mean) / n
    if spread == 0:  # all equal: how far values of a cluster go together cannot be seen, so each cluster counts once
        return wilson(mean, count)
    effect = _variance(values, number, count) / spread if count > 1 else 1.0
    return wilson(mean, n / max(1.0, effect))


def mean_of(numbers: ArrayLike, cluster: Iterable[object]) -> tuple[float, float | None, float | None]:
    """The mean of values and its interval; no interval from a single cluster. There must be at least one value."""
    from scipy.special import stdtrit

    values, number, count = _clusters(numbers, cluster)
    mean = float(values.mean())
    if count < 2:
        return mean, None, None
    half = float(stdtrit(count - 1, 0.975) * np.sqrt(_variance(values, number, count)))
    return mean, mean - half, mean + half


def _clusters(values: ArrayLike, cluster: Iterable[object]) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    place: dict[object, int] = {}
    number = [place.setdefault(name, len(place)) for name in cluster]
    return np.asarray(values, dtype=np.float64), np.array(number, dtype=np.int64), len(place)


def _variance(values: NDArray[np.float64], number: NDArray[np.int64], count: int) -> float:
    """The variance of the mean when values of one cluster go together."""
    sums = np.bincount(number, values - values.mean(), count)
    return float(sums @ sums) * count / (count - 1) / len(values) ** 2
