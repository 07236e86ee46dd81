"""What the statistics read: votes (a judgement and the item it is about), and the table of the couples that follow from them.

A `Vote` is a plain fact without a database. `Couples` has one row for each two candidates that a vote compared; every number about who
wins, who agrees and who leans to one side is counted from its columns. To measure something else about two answers (another bias, say), add
a column to `Couples` and fill it in `couples_of`. No database here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.feedback.answers import Answer, Outcome, outcomes, ranks_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
COVARIATES = ("length", "lists", "headings", "bold")
CHARACTERS_PER_SECOND = 200.0
FASTEST, SLOWEST_ASKED = 1.0, 10.0
UNITS = 100
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

    @cached_property
    def too_fast(self) -> bool:
        """Whether it took less than a second for each 200 characters of the answers; never less than 1 s is asked, never more than 10 s."""
        return self.seconds < min(max(self.item.reading / CHARACTERS_PER_SECOND, FASTEST), SLOWEST_ASKED)


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


def couples_of(votes: Sequence[Vote]) -> Couples:
    """The table of `votes`, in their order; models in alphabetical order. It says what `Vote.outcomes` says, and is quick."""
    names = sorted({name for vote in votes for name in vote.item.models})
    place = {name: index for index, name in enumerate(names)}
    people, prompts = _Numbers(), _Numbers()
    known: dict[int, tuple[list[int], int]] = {}
    by_size: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for number, vote in enumerate(votes):
        item, size = vote.item, len(vote.item.models)
        ranks = ranks_of(vote.answer, size)
        if ranks is None or size < 2:
            continue
        if id(item) not in known:
            known[id(item)] = ([place[model] for model in item.models], prompts[item.prompt])
        models, prompt = known[id(item)]
        best = -1 if vote.answer.best is None else vote.answer.best
        whole = (number, item.task, prompt, people[vote.person], best)
        by_size[size].append((whole, models, ranks, item.features, vote.shown or [0] * size))
    parts = [_couples_of_size(size, rows) for size, rows in by_size.items()]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else _couples_of_size(2, [])
    columns["unit"] = np.unique(columns["unit"], return_inverse=True)[1]
    order = np.argsort(columns["vote"], kind="stable")
    return Couples(names, people.names, **{name: column[order] for name, column in columns.items()})


def _couples_of_size(size: int, rows: list[tuple[Any, ...]]) -> dict[str, NDArray[Any]]:
    """The columns of `Couples` for votes on items of `size` candidates."""
    n = len(rows)
    whole, models, ranks, features, shown = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    number, task, prompt, person, best = np.array(whole, np.int64).reshape(n, 5).T[:, :, None]
    model, rank, position = (np.array(values, np.int64).reshape(n, size) for values in (models, ranks, shown))
    stood = np.argsort(position, axis=1, kind="stable") * (position.max(axis=1, keepdims=True, initial=0) > 0)
    looks = np.array(features, np.float64).reshape(n, size, len(COVARIATES))
    i, j = np.triu_indices(size, 1)
    said = (best < 0) | (best == i) | (best == j)  # of those that were not picked as the best one nothing is known among themselves
    one, other = looks[:, i], looks[:, j]
    columns: dict[str, NDArray[Any]] = {
        "vote": number, "task": task, "unit": (task * UNITS + i) * UNITS + j, "prompt": prompt, "person": person, "first": model[:, i],
        "second": model[:, j], "result": (1 + np.sign(rank[:, j] - rank[:, i])) / 2, "earlier": np.sign(stood[:, j] - stood[:, i]),
        "longer": np.sign(one[..., 0] - other[..., 0]).astype(np.int64),
    }  # fmt: skip
    flat = {name: np.broadcast_to(column, said.shape)[said] for name, column in columns.items()}
    flat["covariates"] = np.divide(one - other, one + other, out=np.zeros_like(one), where=one + other > 0)[said]
    return flat


class _Numbers(dict[object, int]):
    """Gives each new key the next number."""

    def __missing__(self, key: object) -> int:
        self[key] = len(self)
        return self[key]

    @property
    def names(self) -> list[str]:
        return [str(key) for key in self]
