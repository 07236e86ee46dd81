"""Evens out the classes of labelled rows, by repeating rows of rare labels or leaving out rows of frequent ones."""

from __future__ import annotations

from collections import defaultdict
from random import Random

from studio.data.augment.settings import Balance
from studio.data.schema import Row


def targets(counts: dict[str, int], step: Balance) -> dict[str, int]:
    """How many rows each label shall have: `strength` of the way from its own count to the largest (over) or the smallest (under)."""
    goal = max(counts.values()) if step.method == "over" else min(counts.values())
    return {label: round(count + step.strength * (goal - count)) for label, count in counts.items()}


def balanced(rows: list[Row], step: Balance) -> tuple[list[tuple[int, Row]], set[int]]:
    """The rows to add, each with the place of its source, and the places of the rows to leave out. Made-up rows go first."""
    by_label: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        by_label[row["label"]].append(place)
    added: list[tuple[int, Row]] = []
    removed: set[int] = set()
    rng = Random(step.seed)
    for label, wanted in targets({label: len(places) for label, places in by_label.items()}, step).items():
        places = by_label[label]
        drawn = rng.sample(places, len(places))
        for number in range(wanted - len(places)):
            source = drawn[number % len(drawn)]
            added.append((source, {**rows[source], "augmented": "repeated to balance labels"}))
        if wanted < len(places):
            real_last = sorted(drawn, key=lambda place: not rows[place].get("augmented"))
            removed.update(real_last[: len(places) - wanted])
    return added, removed
