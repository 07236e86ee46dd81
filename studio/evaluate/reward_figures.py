"""The figures of an audit of a reward model: pure functions from rewards and what people preferred to numbers with intervals.

`gaps` are rewards of the preferred answer less that of the other, one for each couple; `prompts` says which couples belong together, since
those on one prompt are not independent. All intervals are 95 % intervals. To add a figure, add its result and its function here and its
sentence to `reward_words.py`. No database, no torch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.evaluate import reward_words as words
from studio.evaluate.reward_rows import Statement
from studio.feedback.statistics.results import Result
from studio.feedback.statistics.shares import share_of

Floats = NDArray[np.float64]
FEWEST_UNITS = 5
RESAMPLES = 400
BINS = 5
COLUMNS = 20
LENGTHS = (
    ("less than half as long", 0.0, 0.5),
    ("shorter", 0.5, 1 / 1.1),
    ("about as long", 1 / 1.1, 1.1),
    ("longer", 1.1, 2.0),
    ("more than twice as long", 2.0, math.inf),
)
"""How long the preferred answer is against the other: name, and the ratio from (included) and to (not included)."""


class Figure(Result):
    """A figure with its interval, None where there is too little for one, over `n` couples or answers to `prompts` prompts."""

    value: float
    low: float | None
    high: float | None
    n: int
    prompts: int

    @property
    def interval(self) -> tuple[float, float, float]:
        """The figure and the bounds of its interval; of a share without one, all that a share can be."""
        return self.value, 0.0 if self.low is None else self.low, 1.0 if self.high is None else self.high


class LengthBucket(Result):
    """Order accuracy where the preferred answer is this much longer or shorter; None where there is no such couple."""

    name: str
    n: int
    accuracy: Figure | None


class LengthBaseline(Result):
    """How well length alone orders the answers, by whichever `rule` is right more often.

    `ahead` is the share of the couples on which the two differ that the model orders right; None where they never differ. `better` is
    whether its interval lies above one half.
    """

    rule: str
    accuracy: Figure
    ahead: Figure | None
    better: bool
    sentence: str


class CalibrationBin(Result):
    """Couples for which the model gave the answer that it prefers a probability from `low` to `high`: the mean of these, and the share in
    which people preferred that answer."""

    low: float
    high: float
    n: int
    predicted: float | None
    preferred: Figure | None


class Calibration(Result):
    """`error` is the expected calibration error: the mean distance between `predicted` and `preferred`, bins weighed by their couples."""

    bins: list[CalibrationBin]
    error: float
    sentence: str


class Distribution(Result):
    """The rewards of some answers; `counts` are those of a histogram whose edges stand beside it. `p5` and `p95` are percentiles."""

    name: str
    n: int
    mean: float
    spread: float
    p5: float
    median: float
    p95: float
    counts: list[int]


class CriterionFigure(Result):
    """How far the rewards go with the ratings by one criterion, and how often they order two answers as these ratings do."""

    criterion: str
    correlation: Figure
    accuracy: Figure | None
    sentence: str


def hits(gaps: ArrayLike) -> Floats:
    """1 for a positive gap, 0 for a negative one, 0.5 for none."""
    return (np.sign(np.asarray(gaps, np.float64)) + 1) / 2


def proportion(values: ArrayLike, prompts: Sequence[str]) -> Figure | None:
    """The mean of values from 0 to 1 with Wilson's interval, clustered by prompt; None where there are none."""
    share = share_of(values, prompts)
    if share is None:
        return None
    return Figure(value=share.value, low=share.low, high=share.high, n=len(prompts), prompts=len(set(prompts)))


def agreement(statements: Iterable[Statement]) -> Figure | None:
    """How often two people who both preferred one of two answers preferred the same; `n` counts the couples of answers.

    None where fewer than `FEWEST_UNITS` couples of answers were judged by two people.
    """
    said: dict[tuple[object, ...], dict[str, Statement]] = defaultdict(dict)
    for statement in statements:
        said[statement.unit][statement.person] = statement
    shared = [list(people.values()) for people in said.values() if len(people) > 1]
    if len(shared) < FEWEST_UNITS:
        return None
    together = [(one.better == other.better, one.prompt) for people in shared for one, other in combinations(people, 2)]
    found = proportion([float(same) for same, _ in together], [prompt for _, prompt in together])
    return found.model_copy(update={"n": len(shared)}) if found else None


def by_length(gaps: Floats, ratios: Floats, prompts: Sequence[str]) -> list[LengthBucket]:
    """Order accuracy by how long the preferred answer is against the other (`ratios`)."""
    found = []
    for name, low, high in LENGTHS:
        inside = np.flatnonzero((ratios >= low) & (ratios < high))
        accuracy = proportion(hits(gaps[inside]), [prompts[i] for i in inside.tolist()])
        found.append(LengthBucket(name=name, n=len(inside), accuracy=accuracy))
    return found


def against_length(gaps: Floats, ratios: Floats, prompts: Sequence[str]) -> LengthBaseline:
    """Whether the model orders answers better than their length alone; there must be a couple.

    Only couples on which the two differ can tell (McNemar 1947, https://doi.org/10.1007/BF02295996).
    """
    model, longer = hits(gaps), hits(ratios - 1)
    rule, length = ("longer", longer) if longer.mean() >= 0.5 else ("shorter", 1 - longer)
    accuracy = proportion(length, prompts)
    assert accuracy is not None
    differ = np.flatnonzero(model != length)
    ahead = proportion((model[differ] - length[differ] + 1) / 2, [prompts[i] for i in differ.tolist()])
    better = ahead is not None and ahead.interval[1] > 0.5
    sentence = words.against_length(rule, accuracy.interval, ahead.interval if ahead else None, ahead.n if ahead else 0)
    return LengthBaseline(rule=rule, accuracy=accuracy, ahead=ahead, better=better, sentence=sentence)


def probability(gaps: ArrayLike) -> Floats:
    """The Bradley-Terry probability that the first of two answers is preferred: sigmoid of the difference of their rewards."""
    return 0.5 * (1 + np.tanh(np.asarray(gaps, np.float64) / 2))


def calibration(gaps: Floats, prompts: Sequence[str]) -> Calibration:
    """The probability of the answer that the model prefers, from 0.5 to 1, against how often people prefer it; there must be a couple.

    The expected calibration error is that of Guo et al. 2017 (https://arxiv.org/abs/1706.04599, equation 5), with `BINS` bins.
    """
    sure, right = probability(np.abs(gaps)), hits(gaps)
    place = np.minimum(((sure - 0.5) * 2 * BINS).astype(np.int64), BINS - 1)
    bins, error = [], 0.0
    for number in range(BINS):
        inside = np.flatnonzero(place == number)
        edges = {"low": 0.5 + number / (2 * BINS), "high": 0.5 + (number + 1) / (2 * BINS)}
        preferred = proportion(right[inside], [prompts[i] for i in inside.tolist()])
        predicted = float(sure[inside].mean()) if len(inside) else None
        if preferred is not None and predicted is not None:
            error += len(inside) / len(gaps) * abs(preferred.value - predicted)
        bins.append(CalibrationBin(**edges, n=len(inside), predicted=predicted, preferred=preferred))
    overall = proportion(right, prompts)
    assert overall is not None
    return Calibration(bins=bins, error=error, sentence=words.calibration(error, float(sure.mean()), overall.interval))


def correlation(rewards: Floats, scores: Floats, prompts: Sequence[str], seed: int = 0) -> Figure | None:
    """Spearman's rank correlation, with an interval from resamples of whole prompts; None where all rewards or all scores are equal."""
    if len(set(rewards.tolist())) < 2 or len(set(scores.tolist())) < 2:
        return None
    names, number = np.unique(np.array(prompts), return_inverse=True)
    rows = [np.flatnonzero(number == place) for place in range(len(names))]
    low = high = None
    if len(names) >= FEWEST_UNITS:
        rng = np.random.default_rng(seed)
        drawn = [np.concatenate([rows[i] for i in rng.integers(len(names), size=len(names))]) for _ in range(RESAMPLES)]
        values = [value for chosen in drawn if not math.isnan(value := spearman(rewards[chosen], scores[chosen]))]
        low, high = (float(bound) for bound in np.quantile(values, [0.025, 0.975])) if values else (None, None)
    return Figure(value=spearman(rewards, scores), low=low, high=high, n=len(rewards), prompts=len(names))


def spearman(one: Floats, other: Floats) -> float:
    """The correlation of ranks, ties at their mean rank; not a number where one of the two is constant."""
    from scipy.stats import rankdata

    a, b = (rankdata(values) - (len(values) + 1) / 2 for values in (one, other))
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale else math.nan


def histogram_edges(rewards: Floats) -> list[float]:
    """The edges of `COLUMNS` columns that hold all rewards."""
    return [float(edge) for edge in np.histogram_bin_edges(rewards, COLUMNS)]


def distribution(name: str, rewards: Floats, edges: Sequence[float]) -> Distribution:
    """How some rewards, at least one, are spread."""
    low, middle, high = (float(value) for value in np.quantile(rewards, [0.05, 0.5, 0.95]))
    counts = [int(count) for count in np.histogram(rewards, np.asarray(edges))[0]]
    return Distribution(
        name=name, n=len(rewards), mean=float(rewards.mean()), spread=float(rewards.std()), p5=low, median=middle, p95=high, counts=counts
    )
