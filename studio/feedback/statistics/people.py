"""One person's work: how much, how fast, which leanings, and how far it agrees with themselves, with gold items and with the others.

Warnings are for a person to look at; nothing is ever done to anybody because of them. To watch something else, count it in `annotators`,
add its field to `AnnotatorReport` and its warning to `_warnings`. No database here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.feedback.statistics import bias, words
from studio.feedback.statistics.agreement import repeated
from studio.feedback.statistics.bias import chance, leanings
from studio.feedback.statistics.results import AnnotatorReport
from studio.feedback.statistics.votes import Couples, Vote

LEAST_TO_JUDGE = 5
LEAST_COUPLES = 10
LOW_CONSISTENCY, LOW_GOLD, LOW_TAU = 0.6, 0.7, 0.2


@dataclass(frozen=True)
class _Leaning:
    share: float | None
    n: int
    p: float


def annotators(votes: Sequence[Vote], couples: Couples) -> list[AnnotatorReport]:
    """A report for each person in `votes`, who judged most first. `couples` are those of first votes on items that are not gold."""
    by_person: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        by_person[vote.person].append(vote)
    taus = tau_against_rest(couples)
    number = {name: index for index, name in enumerate(couples.people)}
    found = [
        _report(person, mine, couples.where(couples.person == number.get(person, -1)), taus.get(person))
        for person, mine in by_person.items()
    ]
    return sorted(found, key=lambda one: (-one.judgements, one.person))


def _report(person: str, votes: list[Vote], couples: Couples, tau: tuple[float, int] | None) -> AnnotatorReport:
    timed = [vote for vote in votes if vote.seconds > 0]
    seconds = [vote.seconds for vote in timed]
    left, longer = _leaning(couples, couples.earlier), _leaning(couples, couples.longer)
    same, repeats = repeated(votes)
    gold, gold_items = gold_accuracy(votes)
    return AnnotatorReport(
        person=person,
        judgements=len(votes),
        per_hour=len(timed) * 3600 / sum(seconds) if timed else None,
        median_seconds=float(np.median(seconds)) if timed else None,
        left_share=left.share,
        longer_share=longer.share,
        too_fast_share=float(np.mean([vote.too_fast for vote in timed])) if timed else None,
        consistency=float(np.mean(same)) if same else None,
        repeats=len(set(repeats)),
        gold=gold,
        gold_items=gold_items,
        tau=tau[0] if tau else None,
        warnings=_warnings(left, timed, same, (gold, gold_items), tau),
    )


def _leaning(couples: Couples, side: NDArray[np.int64]) -> _Leaning:
    lean, _ = leanings(couples, side)
    if not len(lean):
        return _Leaning(None, 0, 1.0)
    return _Leaning(float(lean.mean()), len(lean), chance(lean))


def gold_accuracy(votes: Sequence[Vote]) -> tuple[float | None, int]:
    """The share of couples of gold items, one of which is known to be better, that were judged right; and the number of gold votes."""
    right, items = [], 0
    for vote in votes:
        gold = vote.item.gold
        if gold is None or vote.repeat:
            continue
        items += 1
        right += [
            one.result == (1.0 if gold[one.first] < gold[one.second] else 0.0)
            for one in vote.outcomes
            if gold[one.first] != gold[one.second]
        ]
    return (float(np.mean(right)) if right else None), items


def tau_against_rest(couples: Couples) -> dict[str, tuple[float, int]]:
    """Each person's Kendall tau-b with what the others said of the same two answers, and over how many couples.

    The others are taken together: they prefer what most of their votes prefer. People whose couples nobody else judged are left out.
    """
    if not len(couples):
        return {}
    said = np.sign(couples.result - 0.5)
    total = np.bincount(couples.unit, couples.result - 0.5)
    votes = np.bincount(couples.unit)
    rest = np.sign(np.round(total[couples.unit] - (couples.result - 0.5), 6))
    shared = votes[couples.unit] > 1
    found: dict[str, tuple[float, int]] = {}
    for number, name in enumerate(couples.people):
        mine = shared & (couples.person == number)
        scale = np.sqrt(np.sum(said[mine] != 0) * np.sum(rest[mine] != 0))
        if scale > 0:
            found[name] = (float(np.sum(said[mine] * rest[mine]) / scale), int(mine.sum()))
    return found


def _warnings(
    left: _Leaning, timed: list[Vote], same: list[float], gold: tuple[float | None, int], tau: tuple[float, int] | None
) -> list[str]:
    found: list[str] = []
    if left.share is not None and left.p < bias.SIGNIFICANT and abs(left.share - 0.5) > 2 * bias.NOTABLE:
        found.append(words.leans_to_place(left.share, left.n, left.p))
    hasty = float(np.mean([vote.too_fast for vote in timed])) if timed else 0.0
    if len(timed) >= LEAST_TO_JUDGE and hasty > bias.HASTY_SHARE:
        found.append(words.hasty(hasty, len(timed)))
    if len(same) >= LEAST_TO_JUDGE and np.mean(same) < LOW_CONSISTENCY:
        found.append(words.inconsistent(float(np.mean(same)), len(same)))
    if gold[0] is not None and gold[1] >= LEAST_TO_JUDGE and gold[0] < LOW_GOLD:
        found.append(words.misses_gold(gold[0], gold[1]))
    if tau and tau[1] >= LEAST_COUPLES and tau[0] < LOW_TAU:
        found.append(words.unlike_others(tau[0], tau[1]))
    return found
