"""Who is better and how sure that is: Bradley-Terry with ties, a prior, and intervals that know which votes belong together.

The model: P(a beats b) = 1 / (1 + exp(-(s_a - s_b + x·w))), a tie counts as half a win; strengths s and effects w of covariates x are
logits with a normal prior of mean 0 and standard deviation 1.5. The fit is the posterior mode, so a 5-0 record has a finite strength.
With J the information of the games, P the precision of the prior and H = J + P, the covariance is

    H^-1 (M + P) H^-1,    M = v S + (1 - v) d J,    v = max(0, 1 - 20 / C)

where S is the sum over the C clusters of the outer products of their scores, times C / (C - 1). With few clusters M is J widened by one
figure, the design effect d = max(1, mean of S against J), which a few clusters suffice to estimate; for one game a cluster that is the
Laplace interval. With many it is the sandwich. `python -m tests.stress.coverage` shows what the intervals cover.

To add a covariate, give `Games` another column of `covariates`. No database here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.errors import FeedbackError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
PRIOR_SD = 1.5
FEW_CLUSTERS = 20
Z95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Games:
    """Comparisons of two models, a row each: `result` is 1 when `first` won, 0 when `second` did, 0.5 for a tie.

    Rows with the same `cluster` are not independent of each other: one ranking's couples, or all votes on one prompt. `covariates` holds a
    column for each difference in looks, positive where the first has more of it.
    """

    count: int
    first: Ints
    second: Ints
    result: Floats
    cluster: Ints
    covariates: Floats | None = None


@dataclass(frozen=True)
class Fit:
    """Strengths in logits, which sum to 0, and effects of the covariates; `covariance` is of both together, strengths first.

    `curvature` is the inverse of H above: the covariance if all games were independent. `groups` are models that games connect.
    """

    strengths: Floats
    effects: Floats
    covariance: Floats
    curvature: Floats
    games: Ints
    groups: list[list[int]]

    def difference(self, a: int, b: int) -> tuple[float, float]:
        """How much stronger `a` is than `b`, in logits, and the standard error."""
        return float(self.strengths[a] - self.strengths[b]), self._error(self.covariance, a, b)

    def design_effect(self, a: int, b: int) -> float:
        """By how much the variance of the difference exceeds that of independent games."""
        return (self._error(self.covariance, a, b) / self._error(self.curvature, a, b)) ** 2

    def _error(self, covariance: Floats, a: int, b: int) -> float:
        return float(np.sqrt(covariance[a, a] + covariance[b, b] - 2 * covariance[a, b]))

    def together(self, a: int, b: int) -> bool:
        """Whether games connect the two, directly or through others."""
        return any(a in group and b in group for group in self.groups)


@dataclass(frozen=True)
class Share:
    """An estimated figure with its 95 % interval; `n` is how many independent values stand behind it, where that is counted."""

    value: float
    low: float
    high: float
    n: float = 0.0


def expit(x: ArrayLike) -> Floats:
    """1 / (1 + exp(-x)) without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -np.asarray(x, dtype=np.float64))))


def fit(games: Games, prior_sd: float = PRIOR_SD) -> Fit:
    """The posterior mode for `games`; see the head of this file. Raises `FeedbackError` when it cannot be found."""
    from scipy.optimize import minimize

    x = _design(games)
    precision = np.eye(x.shape[1]) / prior_sd**2

    def loss(w: Floats) -> float:
        eta = x @ w
        return float(np.sum(np.logaddexp(0.0, eta) - games.result * eta) + w @ precision @ w / 2)

    def gradient(w: Floats) -> Floats:
        return x.T @ (expit(x @ w) - games.result) + precision @ w

    def hessian(w: Floats) -> Floats:
        return _information(x, w) + precision

    start, options = np.zeros(x.shape[1]), {"gtol": 1e-6 * max(1, len(x)) ** 0.5}
    found = minimize(loss, start, jac=gradient, hess=hessian, method="trust-exact", options=options)
    if not np.all(np.isfinite(found.x)):
        raise FeedbackError("The strengths of the models cannot be computed from these votes.", "Look for wrong votes in the export.")
    weights = np.asarray(found.x)
    information = _information(x, weights)
    curvature = np.asarray(np.linalg.inv(information + precision), dtype=np.float64)
    meat = _meat(x * (games.result - expit(x @ weights))[:, None], games.cluster, information)
    covariance = curvature @ (meat + precision) @ curvature
    m = games.count
    return Fit(weights[:m], weights[m:], covariance, curvature, _games_between(games), connected(m, games.first, games.second))


def _design(games: Games) -> Floats:
    """A row a game: 1 for the first model, -1 for the second, then the covariates."""
    rows = np.arange(len(games.result))
    x = np.zeros((len(rows), games.count))
    x[rows, games.first] = 1.0
    x[rows, games.second] = -1.0
    return x if games.covariates is None else np.hstack([x, games.covariates])


def _information(x: Floats, weights: Floats) -> Floats:
    p = expit(x @ weights)
    return np.asarray(x.T @ (x * (p * (1 - p))[:, None]))


def _meat(scores: Floats, cluster: Ints, information: Floats) -> Floats:
    """M of the head of this file."""
    _, number = np.unique(cluster, return_inverse=True)
    count = int(number.max(initial=-1)) + 1
    if count < 2:
        return information
    sums = np.stack([np.bincount(number, column, count) for column in scores.T], axis=1)
    sandwich = sums.T @ sums * (count / (count - 1))
    inverse = np.linalg.pinv(information, hermitian=True)
    wider = max(1.0, float(np.trace(inverse @ sandwich) / max(1, np.linalg.matrix_rank(information, hermitian=True))))
    weight = max(0.0, 1 - FEW_CLUSTERS / count)
    return np.asarray(weight * sandwich + (1 - weight) * wider * information)


def _games_between(games: Games) -> Ints:
    between = np.zeros((games.count, games.count), np.int64)
    np.add.at(between, (games.first, games.second), 1)
    return between + between.T


def connected(count: int, first: Ints, second: Ints) -> list[list[int]]:
    """The groups of models that games connect, the largest first."""
    group = list(range(count))
    for a, b in {(int(a), int(b)) for a, b in zip(first, second, strict=True)}:
        old, new = group[a], group[b]
        group = [new if one == old else one for one in group]
    found = [[model for model in range(count) if group[model] == label] for label in dict.fromkeys(group)]
    return sorted(found, key=lambda members: (-len(members), members))


def strength_interval(fit: Fit, model: int) -> Share:
    """A model's strength in logits against the mean of its group, with its interval."""
    group = next(group for group in fit.groups if model in group)
    contrast = np.zeros(len(fit.strengths))
    contrast[group] -= 1 / len(group)
    contrast[model] += 1
    m = len(contrast)
    value = float(contrast @ fit.strengths)
    error = Z95 * max(0.0, float(contrast @ fit.covariance[:m, :m] @ contrast)) ** 0.5
    return Share(value, value - error, value + error)


def pair(fit: Fit, a: int, b: int) -> tuple[Share, float]:
    """How often `a` beats `b` with its interval, and the confidence that it is the better one."""
    difference, error = fit.difference(a, b)
    value, low, high = (float(expit(one)) for one in (difference, difference - Z95 * error, difference + Z95 * error))
    return Share(value, low, high), NormalDist().cdf(difference / error)


def win_rate(fit: Fit, model: int) -> Share:
    """How often a model wins against the others of its group on average; the interval by the delta method on the logit scale."""
    group = next(group for group in fit.groups if model in group)
    others = [other for other in group if other != model]
    if not others:
        return Share(0.5, 0.0, 1.0)
    p = expit(fit.strengths[model] - fit.strengths[others])
    slope = np.zeros(len(fit.strengths))
    slope[model] = np.mean(p * (1 - p))
    slope[others] = -p * (1 - p) / len(others)
    m, mean = len(slope), float(np.mean(p))
    error = Z95 * float(np.sqrt(slope @ fit.covariance[:m, :m] @ slope)) / (mean * (1 - mean))
    centre = float(np.log(mean / (1 - mean)))
    return Share(mean, float(expit(centre - error)), float(expit(centre + error)))


def judgements_needed(fit: Fit, a: int, b: int, half_width: float = 0.05) -> int | None:
    """How many more judgements of `a` and `b` bring the interval of the win rate to ± `half_width`; None when it is there already.

    Of two that no games connect nothing is known, so the number is what two equal models need.
    """
    if not fit.together(a, b):
        return round((Z95 / (2 * half_width)) ** 2)
    share, _ = pair(fit, a, b)
    if (share.high - share.low) / 2 <= half_width:
        return None
    _, error = fit.difference(a, b)
    spread = share.value * (1 - share.value)
    wanted = (Z95 * spread / half_width) ** 2
    return max(1, round((wanted - error**-2) * fit.design_effect(a, b) / spread))


def pair_values(fit: Fit, names: Sequence[str]) -> dict[tuple[str, str], float]:
    """For each two models, by how much one more comparison is expected to lower the mean variance of all differences between models.

    Keys are in alphabetical order. One comparison adds p (1 - p) of information in one direction, so the drop is known before it is made.
    """
    m = len(fit.strengths)
    centre = np.eye(m) - 1 / m
    covariance = fit.curvature[:m, :m]
    values: dict[tuple[str, str], float] = {}
    for a in range(m):
        for b in range(a + 1, m):
            direction = np.zeros(m)
            direction[a], direction[b] = 1.0, -1.0
            moved = covariance @ direction
            p = float(expit(float(fit.strengths[a] - fit.strengths[b])))
            gain = p * (1 - p) / (1 + p * (1 - p) * float(direction @ moved))
            low, high = sorted((names[a], names[b]))
            values[low, high] = 2 * gain * float(moved @ centre @ moved) / max(1, m - 1)
    return values
