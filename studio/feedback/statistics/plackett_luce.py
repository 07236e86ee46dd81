"""Whole rankings at once: the Plackett-Luce model, as a check on the order that Bradley-Terry gives from couples. No database here.

Rankings with ties have no Plackett-Luce likelihood of this kind and stay out; they go through Bradley-Terry.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.feedback.answers import ranks_of
from studio.feedback.statistics import words
from studio.feedback.statistics.results import WholeRankings
from studio.feedback.statistics.votes import Vote

SHRINKAGE = 0.1
FEWEST, SHORTEST, MOST = 5, 3, 1000


def rankings_of(votes: Sequence[Vote], models: Sequence[str]) -> list[tuple[int, ...]]:
    """The newest rankings without ties of at least three different models, best first, as indexes into `models`."""
    place = {name: index for index, name in enumerate(models)}
    found = []
    for vote in reversed(votes):
        count = len(vote.item.models)
        ranks = ranks_of(vote.answer, count) if vote.answer.ranks is not None else None
        if ranks and count >= SHORTEST and len(set(ranks)) == count == len(set(vote.item.models)):
            best_first = sorted(range(count), key=lambda candidate: ranks[candidate])
            found.append(tuple(place[vote.item.models[candidate]] for candidate in best_first))
        if len(found) == MOST:
            break
    return found


def strengths(rankings: Sequence[tuple[int, ...]], count: int) -> list[float]:
    """Plackett-Luce strengths in logits by iterated Luce spectral ranking, a little shrunk so that they are finite."""
    import choix

    return [float(one) for one in choix.ilsr_rankings(count, list(rankings), alpha=SHRINKAGE)]


def whole_rankings(votes: Sequence[Vote], order: Sequence[str]) -> WholeRankings | None:
    """The strengths from whole rankings beside `order`, best first; None where there are too few. The newest 1,000 are taken."""
    rankings = rankings_of(votes, order)
    ranked = sorted({model for ranking in rankings for model in ranking})
    if len(rankings) < FEWEST or len(ranked) < SHORTEST:
        return None
    renamed = {model: index for index, model in enumerate(ranked)}
    found = strengths([tuple(renamed[model] for model in ranking) for ranking in rankings], len(ranked))
    best_first = sorted(range(len(ranked)), key=lambda index: -found[index])
    names = [order[ranked[index]] for index in best_first]
    same = names == [name for name in order if name in names]
    sentence = words.whole_rankings(len(rankings), names, same)
    return WholeRankings(models=names, strengths=[found[index] for index in best_first], rankings=len(rankings), sentence=sentence)
