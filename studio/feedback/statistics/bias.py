"""Leanings that may have nothing to do with quality: place on the screen, length, haste. No database here.

Each vote counts once, by the side to which most of its decided couples lean, because the couples of one ranking are not independent. The
order on the screen is drawn at random, so without a position bias either side is equally likely and the exact binomial test holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from studio.feedback.statistics import words
from studio.feedback.statistics.bradley_terry import Share
from studio.feedback.statistics.results import Bias
from studio.feedback.statistics.shares import share_of
from studio.feedback.statistics.votes import Couples, Vote

SIGNIFICANT = 0.01
NOTABLE = 0.05
HASTY_SHARE = 0.2


def position(couples: Couples) -> Bias:
    """How often votes lean to what was shown earlier (of a pair, to the left), with a binomial test against one half."""
    lean, _ = leanings(couples, couples.earlier)
    if not len(lean):
        return Bias(kind="position", sentence=words.nothing_yet("position"))
    share, p = _exact(lean)
    warning = p < SIGNIFICANT and abs(share.value - 0.5) > NOTABLE
    pairs = len(np.unique(couples.vote)) == len(couples)
    sentence = words.position(share.value, share.low, share.high, len(lean), p, pairs, warning)
    return _bias("position", share, len(lean), warning, sentence, p)


def _exact(lean: NDArray[np.bool_]) -> tuple[Share, float]:
    """The share of leanings to one side with its exact interval, and the binomial p of one half."""
    from scipy.stats import binomtest

    test = binomtest(int(lean.sum()), len(lean))
    interval = test.proportion_ci(0.95)
    return Share(float(lean.mean()), float(interval.low), float(interval.high)), float(test.pvalue)


def chance(lean: NDArray[np.bool_]) -> float:
    """The binomial p of as uneven a split when either side is equally likely."""
    from scipy.stats import binomtest

    return float(binomtest(int(lean.sum()), len(lean)).pvalue)


def length(couples: Couples) -> Bias:
    """How often votes lean to the longer answer; the interval and p know that votes on one prompt belong together."""
    lean, prompts = leanings(couples, couples.longer)
    share = share_of(lean, prompts)
    if share is None:
        return Bias(kind="length", sentence=words.nothing_yet("length"))
    p = _p_of(share)
    warning = p < SIGNIFICANT and abs(share.value - 0.5) > NOTABLE
    return _bias("length", share, len(lean), warning, words.length(share.value, share.low, share.high, len(lean), warning), p)


def _p_of(share: Share) -> float:
    """The two-sided p of one half."""
    return 2 * NormalDist().cdf(-abs(share.value - 0.5) * 2 * share.n**0.5)


def speed(votes: Sequence[Vote]) -> Bias:
    """The share of votes that came faster than their texts can be skimmed; see `Vote.too_fast`."""
    timed = [vote for vote in votes if vote.seconds > 0]
    share = share_of([vote.too_fast for vote in timed], range(len(timed)))
    if share is None:
        return Bias(kind="speed", sentence=words.nothing_yet("speed"))
    warning = share.value > HASTY_SHARE
    return _bias("speed", share, len(timed), warning, words.speed(share.value, share.low, share.high, len(timed), warning), None)


def leanings(couples: Couples, side: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """For each vote that leans, whether it does so to the side of 1 in `side`; and its prompt."""
    if not len(couples):
        return np.zeros(0, np.bool_), np.zeros(0, np.int64)
    votes, at, number = np.unique(couples.vote, return_index=True, return_inverse=True)
    sums = np.bincount(number, side * np.sign(couples.result - 0.5), len(votes))
    return (sums > 0)[sums != 0], couples.prompt[at][sums != 0]


def _bias(kind: str, share: Share, n: int, warning: bool, sentence: str, p: float | None) -> Bias:
    return Bias.model_validate(
        {"kind": kind, "share": share.value, "low": share.low, "high": share.high, "p": p, "n": n, "warning": warning, "sentence": sentence}
    )
