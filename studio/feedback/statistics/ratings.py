"""Ratings by criteria and the acceptable mark: means and shares for each model, with intervals clustered by prompt. No database here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from studio.feedback.statistics import words
from studio.feedback.statistics.results import Acceptable, Rating
from studio.feedback.statistics.shares import mean_of, share_of
from studio.feedback.statistics.votes import Vote


def ratings(votes: Sequence[Vote]) -> list[Rating]:
    """The mean rating for each model and criterion, criteria in the order in which they were asked, the best model first."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    prompts: dict[tuple[str, str], list[str]] = defaultdict(list)
    criteria: dict[str, int] = {}
    for vote in votes:
        for model, rated in zip(vote.item.models, vote.answer.ratings or [], strict=False):
            for criterion, value in rated.items():
                criteria.setdefault(criterion, len(criteria))
                values[model, criterion].append(value)
                prompts[model, criterion].append(vote.item.prompt)
    found = []
    for (model, criterion), given in values.items():
        mean, low, high = mean_of(given, prompts[model, criterion])
        sentence = words.rating(model, criterion, mean, low, high, len(given))
        found.append(Rating(model=model, criterion=criterion, mean=mean, low=low, high=high, n=len(given), sentence=sentence))
    return sorted(found, key=lambda one: (criteria[one.criterion], -one.mean, one.model))


def acceptable(votes: Sequence[Vote]) -> list[Acceptable]:
    """The share of each model's marked answers that are acceptable, the best first."""
    marks: dict[str, list[bool]] = defaultdict(list)
    prompts: dict[str, list[str]] = defaultdict(list)
    for vote in votes:
        for model, mark in zip(vote.item.models, vote.answer.acceptable, strict=False):
            if mark is not None:
                marks[model].append(mark)
                prompts[model].append(vote.item.prompt)
    found = []
    for model, given in marks.items():
        share = share_of(given, prompts[model])
        if share is not None:
            sentence = words.acceptable(model, share.value, share.low, share.high, len(given))
            found.append(Acceptable(model=model, share=share.value, low=share.low, high=share.high, n=len(given), sentence=sentence))
    return sorted(found, key=lambda one: (-one.share, one.model))
