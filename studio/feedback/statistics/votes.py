"""What the statistics read: votes (a judgement and the item it is about), and the table of the couples that follow from them.

A `Vote` is a plain fact without a database. `Couples` has one row for each two candidates that a vote compared; every number about who
wins, who agrees and who leans to one side is counted from its columns. To measure something else about two answers (another bias, say), add
a column to `Couples` and fill it in `couples_of`. No database here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from studio.feedback.answers import Answer, Outcome, outcomes

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
COVARIATES = ("length", "lists", "headings", "bold")
_WHOLE = ("vote", "task", "unit", "prompt", "person", "first", "second", "earlier", "longer")
_LIST = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)


def features_of(text: str) -> tuple[int, int, int, int]:
    """What can be counted on an answer's face, in the order of `COVARIATES`: characters, list items, headings, bold passages."""
    return len(text), len(_LIST.findall(text)), len(_HEADING.findall(text)) if "#" in text else 0, text.count("**") // 2


@dataclass(frozen=True)
class Item:
    """What was judged: `models[i]` made candidate `i`, whose looks are `features[i]`. `prompt` names the prompt, for votes on one prompt
    are not independent of each other. `gold` is the known right order as ranks, `reading` the characters that an annotator had to read."""

    task: int
    prompt: str
    models: tuple[str, ...]
    features: tuple[tuple[int, ...], ...]
    gold: tuple[int, ...] | None = None
    reading: int = 0


@dataclass(frozen=True)
class Vote:
    """One judgement. `shown[position]` is the candidate that stood there, None where the order was not drawn at random."""

    item: Item
    person: str
    answer: Answer
    shown: tuple[int, ...] | None = None
    seconds: float = 0.0
    repeat: int = 0
    adjudication: bool = False

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """What follows for each two candidates; see `studio.feedback.answers.outcomes`."""
        return outcomes(self.answer, len(self.item.models))


@dataclass(frozen=True)
class Couples:
    """Two candidates that a vote compared, a row each; all columns have the same length.

    `vote`, `task`, `prompt` and `person` are numbers that tell equal from different; `unit` is the same for all votes on the same two
    candidates. `first` and `second` are indexes into `models`. `result` is 1 when the first won, 0 when the second did, 0.5 for a tie.
    `earlier` and `longer` are 1 when the first was shown earlier or is longer, -1 when the second was, 0 when neither or unknown.
    `covariates` holds (a-b)/(a+b) of each of `COVARIATES`.
    """

    models: list[str]
    people: list[str]
    vote: Ints
    task: Ints
    unit: Ints
    prompt: Ints
    person: Ints
    first: Ints
    second: Ints
    result: Floats
    earlier: Ints
    longer: Ints
    covariates: Floats

    def __len__(self) -> int:
        return len(self.result)

    def where(self, mask: NDArray[np.bool_]) -> Couples:
        """The rows in `mask`; models and people keep their numbers."""
        columns = {name: value[mask] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return Couples(self.models, self.people, **columns)


def couples_of(votes: Sequence[Vote], models: Sequence[str] | None = None) -> Couples:
    """The table of `votes`. `models` fixes the order of models; else they stand in alphabetical order."""
    names = list(models) if models is not None else sorted({name for vote in votes for name in vote.item.models})
    place = {name: index for index, name in enumerate(names)}
    people, prompts, units = _Numbers(), _Numbers(), _Numbers()
    rows: list[tuple[float, ...]] = []
    for number, vote in enumerate(votes):
        item, person, prompt = vote.item, people[vote.person], prompts[vote.item.prompt]
        position = {candidate: at for at, candidate in enumerate(vote.shown)} if vote.shown else None
        for i, j, result in ((o.first, o.second, o.result) for o in vote.outcomes):
            one, other = item.features[i], item.features[j]
            earlier = _sign(position[j] - position[i]) if position else 0
            looks = ((a - b) / (a + b) if a + b else 0.0 for a, b in zip(one, other, strict=True))
            rows.append(
                (
                    number, item.task, units[(item.task, i, j)], prompt, person, place[item.models[i]], place[item.models[j]], result,
                    earlier, _sign(one[0] - other[0]), *looks,
                )
            )  # fmt: skip
    table = np.array(rows, dtype=np.float64).reshape(len(rows), -1 if rows else 10 + len(COVARIATES))
    whole = table[:, :10].astype(np.int64).T
    columns = dict(zip(_WHOLE, (*whole[:7], *whole[8:]), strict=True))
    return Couples(names, people.names, result=table[:, 7], covariates=table[:, 10:], **columns)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


class _Numbers(dict[object, int]):
    """Gives each new key the next number."""

    def __missing__(self, key: object) -> int:
        self[key] = len(self)
        return self[key]

    @property
    def names(self) -> list[str]:
        return [str(key) for key in self]
