"""Votes made by drawing: people who rank answers of models with known strengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from studio.feedback.answers import Answer
from studio.feedback.statistics.votes import Item, Vote


def item(task: int, models: Sequence[str], lengths: Sequence[int] = (), prompt: str = "", gold: Sequence[int] | None = None) -> Item:
    """An item with answers of these lengths and nothing else on their faces."""
    sizes = list(lengths) or [100] * len(models)
    features = tuple((size, 0, 0, 0) for size in sizes)
    return Item(task, prompt or f"prompt {task}", tuple(models), features, tuple(gold) if gold else None, sum(sizes))


def pair(one: Item, person: str, strength: int, **more: Any) -> Vote:
    return Vote(one, person, Answer(strength=strength), **more)


def rankings(
    strengths: dict[str, float], count: int, size: int, people: int = 1, seed: int = 0, tie: float = 0.0, shared: float = 0.0
) -> list[Vote]:
    """`count` items with `size` models each, ranked by `people`; answers differ by `shared` beyond their models."""
    rng, names, votes = np.random.default_rng(seed), list(strengths), []
    for task in range(count):
        models = [names[index] for index in rng.permutation(len(names))[:size]]
        quality = np.array([strengths[model] for model in models]) + rng.normal(0, 1, size) * shared
        one = item(task, models, rng.integers(50, 500, size).tolist())
        for person in range(people):
            felt = quality + rng.gumbel(size=size)
            ranks = [1 + sum(other > own + tie for other in felt) for own in felt]
            shown = tuple(int(at) for at in rng.permutation(size))
            votes.append(Vote(one, f"person {person}", Answer(ranks=ranks), shown, seconds=float(rng.uniform(8, 30))))
    return votes
