"""What one judgement says: the order of the candidates, marks, ratings, flags, a better answer; checked, reordered, counted.

An `Answer` speaks of candidates by their index. On the way from a screen these are the positions at which they stood; `from_shown` makes
them the indexes in the task's own order, in which judgements are stored. No database here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.errors import FeedbackError
from studio.feedback.settings import HIGHEST_RATING, LOWEST_RATING, STRONGEST, ProjectSettings

FLAG_REASONS = ("harmful", "personal data", "broken or cut off", "wrong language", "prompt makes no sense", "other")
SKIP_REASONS = ("cannot tell", "not my field", "prompt makes no sense", "harmful", "other")
LONGEST_TEXT = 100_000
RANKED_BELOW = 2


class Said(BaseModel):
    """Base of what comes from a screen: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Flag(Said):
    """Something that a person should look at, with its reason."""

    reason: Literal["harmful", "personal data", "broken or cut off", "wrong language", "prompt makes no sense", "other"]
    note: str = Field("", max_length=LONGEST_TEXT)


class Answer(Said):
    """What somebody said of the candidates of one task; which parts are needed depends on the mode (see `check`).

    `strength` of a pair goes from -3 (the first is much better) over 0 (the same) to 3 (the second is much better); `ranks` gives each
    candidate its rank, 1 is best and equal ranks are ties; `best` is an index; `ratings` gives each candidate its value by criterion;
    `acceptable` marks each candidate, None where no mark was given; `edited` is the better answer that somebody wrote, made from
    candidate `edited_from`.
    """

    strength: int | None = Field(None, ge=-STRONGEST, le=STRONGEST)
    ranks: list[int] | None = None
    best: int | None = Field(None, ge=0)
    ratings: list[dict[str, int]] | None = None
    acceptable: list[bool | None] = Field(default_factory=list)
    edited: str | None = Field(None, max_length=LONGEST_TEXT)
    edited_from: int | None = Field(None, ge=0)
    flags: list[Flag] = Field(default_factory=list)
    comment: str = Field("", max_length=LONGEST_TEXT)


@dataclass(frozen=True)
class Outcome:
    """What a judgement says of two candidates: `result` is 1 when `first` is better, 0 when `second` is, 0.5 for a tie."""

    first: int
    second: int
    result: float


def parse_answer(values: dict[str, Any]) -> Answer:
    """The answer in `values`; raises `FeedbackError` that names the part that cannot be read."""
    try:
        return Answer.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "answer"
        raise FeedbackError(
            f"The judgement cannot be read: {where}: {first['msg']}.", "Reload the page and judge the item again."
        ) from error


def check(answer: Answer, settings: ProjectSettings, count: int) -> None:
    """Raise `FeedbackError` unless `answer` is complete for `count` candidates and says nothing that its mode does not ask."""
    asked = {"pair": "strength", "forced": "strength", "rank": "ranks", "best": "best", "rating": "ratings"}[settings.mode]
    for part in ("strength", "ranks", "best", "ratings"):
        if part != asked and getattr(answer, part) is not None:
            raise FeedbackError(f"This project does not ask for {part}.", "Reload the page and judge the item again.")
    if getattr(answer, asked) is None:
        raise FeedbackError("The item is not judged yet.", _MISSING[settings.mode])
    _CHECKS[asked](answer, settings, count)
    if answer.acceptable and len(answer.acceptable) != count:
        raise FeedbackError(f"There are {count} answers and {len(answer.acceptable)} marks.", "Mark each answer, or none.")
    if answer.edited is not None and not answer.edited.strip():
        raise FeedbackError("The better answer is empty.", "Write it, or take it back.")
    if answer.edited_from is not None and answer.edited_from >= count:
        raise FeedbackError(f"There is no answer {answer.edited_from + 1}.", "Reload the page and judge the item again.")


_MISSING = {
    "pair": "Say which answer is better, or that they are the same.",
    "forced": "Say which answer is better.",
    "rank": "Give every answer a rank; equal ranks are ties.",
    "best": "Pick the best answer.",
    "rating": "Rate every answer by every criterion.",
}


def _check_strength(answer: Answer, settings: ProjectSettings, count: int) -> None:
    if count != 2:
        raise FeedbackError(f"The item has {count} answers, not two.", "Choose another way of judging for it.")
    if settings.mode == "forced" and answer.strength == 0:
        raise FeedbackError("A tie is not possible here.", _MISSING["forced"])


def _check_ranks(answer: Answer, settings: ProjectSettings, count: int) -> None:
    ranks = answer.ranks or []
    if len(ranks) != count or any(not 1 <= rank <= count for rank in ranks):
        raise FeedbackError(f"{count} answers need {count} ranks from 1 to {count}.", _MISSING["rank"])


def _check_best(answer: Answer, settings: ProjectSettings, count: int) -> None:
    if answer.best is None or answer.best >= count:
        raise FeedbackError("The best answer is not among those shown.", _MISSING["best"])


def _check_ratings(answer: Answer, settings: ProjectSettings, count: int) -> None:
    ratings, criteria = answer.ratings or [], set(settings.criteria_list)
    if len(ratings) != count or any(set(one) != criteria for one in ratings):
        raise FeedbackError("Some ratings are missing.", _MISSING["rating"])
    if any(not LOWEST_RATING <= value <= HIGHEST_RATING for one in ratings for value in one.values()):
        raise FeedbackError(f"Ratings go from {LOWEST_RATING} to {HIGHEST_RATING}.", _MISSING["rating"])


_CHECKS = {"strength": _check_strength, "ranks": _check_ranks, "best": _check_best, "ratings": _check_ratings}


def from_shown(answer: Answer, shown: list[int]) -> Answer:
    """`answer` about positions on the screen as one about the task's candidates; `shown[position]` is the candidate that stood there."""
    return _reordered(answer, shown)


def to_shown(answer: Answer, shown: list[int]) -> Answer:
    """The opposite of `from_shown`."""
    inverse = [0] * len(shown)
    for position, candidate in enumerate(shown):
        inverse[candidate] = position
    return _reordered(answer, inverse)


def _reordered(answer: Answer, to: list[int]) -> Answer:
    """`answer` with what it says of index `i` said of index `to[i]`."""
    changes: dict[str, Any] = {}
    for name in ("ranks", "ratings", "acceptable"):
        values = getattr(answer, name)
        if values:
            moved = [None] * len(to)
            for index, value in enumerate(values):
                moved[to[index]] = value
            changes[name] = moved
    for name in ("best", "edited_from"):
        if getattr(answer, name) is not None:
            changes[name] = to[getattr(answer, name)]
    if answer.strength is not None and to == [1, 0]:
        changes["strength"] = -answer.strength
    return answer.model_copy(update=changes)


def ranks_of(answer: Answer, count: int) -> list[int] | None:
    """The rank of each candidate, dense from 1 with ties equal; None where the answer gives no order (ratings, marks alone).

    Of `best` only the winner is ranked above the others; that these share a rank does not mean that they are equal (see `outcomes`).
    """
    if answer.ranks is not None:
        dense = {rank: place for place, rank in enumerate(sorted(set(answer.ranks)), 1)}
        return [dense[rank] for rank in answer.ranks]
    if answer.strength is not None:
        return [1, 1] if answer.strength == 0 else [1, 2] if answer.strength < 0 else [2, 1]
    if answer.best is not None:
        return [1 if index == answer.best else RANKED_BELOW for index in range(count)]
    return None


def outcomes(answer: Answer, count: int) -> list[Outcome]:
    """What follows for each two candidates. Ratings give none: preferences are never inferred from them. Of `best` only the winner's
    couples count, for nothing was said of the others among themselves."""
    ranks = ranks_of(answer, count)
    if ranks is None:
        return []
    couples = [(i, j) for i in range(count) for j in range(i + 1, count)]
    if answer.best is not None:
        couples = [couple for couple in couples if answer.best in couple]
    return [Outcome(i, j, 0.5 if ranks[i] == ranks[j] else float(ranks[i] < ranks[j])) for i, j in couples]
