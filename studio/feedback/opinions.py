"""What people think of an item, vote by vote or all together: the step between judgements and training rows. No database here.

By the rule `all` every vote is an opinion of its own. By `majority` the votes on an item become one: for each two candidates what more
people said, of marks what more people gave, of ratings the mean; where equally many said the opposite there is none. By `adjudicated` the
lead's decision stands where there is one, and the majority elsewhere. To add a rule, write a function and name it in `RULES`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, get_args

from studio.feedback.answers import outcomes, ranks_of
from studio.feedback.judgements import ADJUDICATION
from studio.feedback.votes import Item, Messages, Vote, Votes

Rule = Literal["all", "majority", "adjudicated"]
RULE_NAMES: tuple[str, ...] = get_args(Rule)
WITHOUT_STRENGTH = ("import", "chat")
"""Sources that say which answer is better and not by how much."""


@dataclass(frozen=True)
class Couple:
    """Of two candidates the first is better; `strength` says by how much, where people were asked."""

    better: int
    worse: int
    strength: float | None


@dataclass(frozen=True)
class Opinion:
    """What one vote or several say of an item's candidates, by their index.

    `ranks` is None where the whole order was not said, a mark where it was not given; `edits` are better answers that people wrote.
    `votes` are the judgements' numbers; `person` is empty when there may be several.
    """

    item: Item
    votes: list[int]
    person: str
    couples: list[Couple] = field(default_factory=list)
    ranks: list[int] | None = None
    marks: list[bool | None] = field(default_factory=list)
    ratings: list[dict[str, float]] = field(default_factory=list)
    edits: list[Messages] = field(default_factory=list)


def opinions(votes: Votes, rule: Rule) -> list[Opinion]:
    """The opinions that votes give by a rule, in the order of the items, then of the votes."""
    of_item: dict[int, list[Vote]] = defaultdict(list)
    for vote in votes.votes:
        of_item[vote.item].append(vote)
    return [opinion for id in sorted(of_item) for opinion in RULES[rule](votes.items[id], of_item[id])]


def one_by_one(item: Item, votes: Iterable[Vote]) -> list[Opinion]:
    """Each vote as it is, without decisions of a lead."""
    return [_opinion(item, [vote], vote.person) for vote in votes if vote.source != ADJUDICATION]


def majority(item: Item, votes: Iterable[Vote]) -> list[Opinion]:
    """One opinion of all votes, without decisions of a lead."""
    counted = [vote for vote in votes if vote.source != ADJUDICATION]
    return [_opinion(item, counted, "")] if counted else []


def adjudicated(item: Item, votes: Iterable[Vote]) -> list[Opinion]:
    """The lead's newest decision, or what the majority says."""
    given = list(votes)
    decisions = [vote for vote in given if vote.source == ADJUDICATION]
    return [_opinion(item, decisions[-1:], decisions[-1].person)] if decisions else majority(item, given)


RULES: dict[str, Callable[[Item, Iterable[Vote]], list[Opinion]]] = {"all": one_by_one, "majority": majority, "adjudicated": adjudicated}


def _opinion(item: Item, votes: list[Vote], person: str) -> Opinion:
    return Opinion(
        item, [vote.id for vote in votes], person, _couples(item, votes), _ranks(item, votes), _marks(item, votes), _ratings(item, votes),
        _edits(item, votes),
    )  # fmt: skip


def _couples(item: Item, votes: list[Vote]) -> list[Couple]:
    """Each two candidates of which more people prefer one; its strength is the mean of those who do."""
    balance: dict[tuple[int, int], float] = defaultdict(float)
    strengths: dict[tuple[int, int], list[int | None]] = defaultdict(list)
    for vote in votes:
        for each in outcomes(vote.answer, len(item.completions)):
            balance[each.first, each.second] += each.result - 0.5
            if each.result != 0.5:
                better, worse = (each.first, each.second) if each.result == 1 else (each.second, each.first)
                asked = item.mode == "pair" and vote.answer.strength is not None and vote.source not in WITHOUT_STRENGTH
                strengths[better, worse].append(abs(vote.answer.strength or 0) if asked else None)
    found = [(i, j) if won > 0 else (j, i) for (i, j), won in sorted(balance.items()) if won]
    return [Couple(i, j, _mean(strengths[i, j])) for i, j in found]


def _mean(values: list[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 4) if known and len(known) == len(values) else None


def _ranks(item: Item, votes: list[Vote]) -> list[int] | None:
    """The order of the mean ranks, equal means being ties; None where a vote gives no whole order, as "the best" of several does."""
    given = [
        ranks if vote.answer.best is None or len(item.completions) == 2 else None
        for vote in votes
        if (ranks := ranks_of(vote.answer, len(item.completions))) is not None
    ]
    if not given or None in given:
        return None
    if len(given) == 1:
        return given[0]
    means = [Fraction(sum(ranks[i] for ranks in given if ranks), len(given)) for i in range(len(item.completions))]
    places = {mean: place for place, mean in enumerate(sorted(set(means)), 1)}
    return [places[mean] for mean in means]


def _marks(item: Item, votes: list[Vote]) -> list[bool | None]:
    balance = [0] * len(item.completions)
    for vote in votes:
        for index, mark in enumerate(vote.answer.acceptable):
            balance[index] += 0 if mark is None else 1 if mark else -1
    return [None if number == 0 else number > 0 for number in balance]


def _ratings(item: Item, votes: list[Vote]) -> list[dict[str, float]]:
    given = [vote.answer.ratings for vote in votes if vote.answer.ratings]
    if not given:
        return []
    found: list[dict[str, float]] = []
    for index in range(len(item.completions)):
        values: dict[str, list[int]] = defaultdict(list)
        for ratings in given:
            for criterion, value in ratings[index].items():
                values[criterion].append(value)
        found.append({criterion: sum(each) / len(each) for criterion, each in values.items()})
    return found


def _edits(item: Item, votes: list[Vote]) -> list[Messages]:
    """The better answers, each once and none that is a candidate already."""
    found: list[Messages] = []
    for vote in votes:
        edited = item.edited(vote.answer)
        if edited is not None and edited not in found and edited not in item.completions:
            found.append(edited)
    return found
