"""What a project asks about: which candidates of a comparison stand together in an item, and the draws that decide the rest.

`items_of` chooses candidates, `shared` which items several people judge, `coin` and `order_shown` are draws that give the same result
whenever they are made again. To group candidates in another way, write a function like `_sets` and call it in `items_of`. No database here.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from studio.errors import FeedbackError
from studio.feedback.settings import ProjectSettings

MOST_ITEMS = 100_000
UNUSABLE = {"error": "failed", "length": "cut off at the length limit", "cancelled": "stopped"}


@dataclass(frozen=True)
class Usable:
    """One candidate that people may judge."""

    id: int
    prompt_index: int
    model: str


@dataclass(frozen=True)
class NewItem:
    """A task to be: the prompt and the candidates' ids, ascending, with the models that they come from."""

    prompt: list[dict[str, Any]]
    candidates: list[int]
    models: list[str]


@dataclass(frozen=True)
class Output:
    """What `items_of` needs to know of a candidate."""

    id: int
    prompt_index: int
    model: str
    text: str
    messages: list[dict[str, Any]] | None
    finish_reason: str


def items_of(
    prompts: list[list[dict[str, Any]]], outputs: Sequence[Output], models: Sequence[str], settings: ProjectSettings
) -> list[NewItem]:
    """The items of a comparison. Raises `FeedbackError` that says why when there are none, or far too many.

    Failed, stopped and cut-off outputs are left out, and of equal texts the first stays. Pairs are all couples of different models, or of
    one model's samples where there is but one; other modes get sets of at most `settings.candidates` with the models spread over them.
    """
    if settings.mode in ("rank", "best") and settings.candidates < 2:
        raise FeedbackError("One answer cannot be ranked.", "Let at least two answers stand in an item.")
    usable = _usable(outputs)
    of_prompt: dict[int, list[Usable]] = {}
    for one in usable:
        of_prompt.setdefault(one.prompt_index, []).append(one)
    single = len({*models, *(output.model for output in outputs)}) == 1
    items: list[NewItem] = []
    for index in sorted(of_prompt):
        for group in _groups(of_prompt[index], settings, single, random.Random(f"{settings.seed}:{index}")):
            group = sorted(group, key=lambda one: one.id)
            items.append(NewItem(prompts[index], [one.id for one in group], sorted({one.model for one in group})))
        if len(items) > MOST_ITEMS:
            raise FeedbackError(f"That makes more than {MOST_ITEMS:,} items.", "Compare fewer prompts, models or answers to a prompt.")
    if not items:
        raise FeedbackError("No item can be made from this comparison.", _why(outputs, usable, settings, single))
    return items


def _usable(outputs: Sequence[Output]) -> list[Usable]:
    seen: set[tuple[int, str, str]] = set()
    found: list[Usable] = []
    for output in sorted(outputs, key=lambda one: one.id):
        said = (output.prompt_index, output.text.strip(), repr(output.messages) if output.messages else "")
        if output.finish_reason not in UNUSABLE and said not in seen:
            seen.add(said)
            found.append(Usable(output.id, output.prompt_index, output.model))
    return found


def _why(outputs: Sequence[Output], usable: Sequence[Usable], settings: ProjectSettings, single: bool) -> str:
    if not outputs:
        return "It has no answers yet: generate them first."
    lost = [f"{n} {words}" for reason, words in UNUSABLE.items() if (n := sum(one.finish_reason == reason for one in outputs))]
    equal = len(outputs) - len(usable) - sum(one.finish_reason in UNUSABLE for one in outputs)
    lost += [f"{equal} the same as another"] if equal else []
    of = f"Of its {len(outputs)} answers {', '.join(lost) or 'none'} cannot be used. " if lost else ""
    if settings.mode == "rating":
        return f"{of}Generate the answers again."
    other = "at least two answers to each prompt" if single else "answers of at least two models to the same prompt"
    return f"{of}There must be {other} that differ and are whole."


def _groups(usable: list[Usable], settings: ProjectSettings, single: bool, rng: random.Random) -> list[list[Usable]]:
    if settings.mode in ("pair", "forced"):
        return [[a, b] for a, b in combinations(usable, 2) if single or a.model != b.model]
    return _sets(usable, settings.candidates, 1 if settings.mode == "rating" else 2, rng)


def _sets(usable: list[Usable], most: int, least: int, rng: random.Random) -> list[list[Usable]]:
    """All candidates dealt into as few sets as possible, of nearly equal size, each model's spread over them."""
    if len(usable) < least:
        return []
    models = sorted({one.model for one in usable})
    rng.shuffle(models)
    deck = sorted(usable, key=lambda one: (models.index(one.model), rng.random()))
    count = -(-len(deck) // most)
    sets = [deck[start::count] for start in range(count)]
    for group in sets:
        while len(group) < least:  # a single one that is left over meets one that another set has already
            others = [one for one in deck if one not in group]
            group.append(rng.choice([one for one in others if one.model != group[0].model] or others))
    return sets


def shared(settings: ProjectSettings, count: int) -> set[int]:
    """Which of `count` items several people judge; at least one unless the share is 0."""
    wanted = max(1, round(settings.shared_share * count)) if settings.shared_share > 0 and count else 0
    return set(random.Random(f"{settings.seed}:shared").sample(range(count), wanted))


def overlaps(settings: ProjectSettings, count: int) -> list[int]:
    """How many people judge each of `count` items."""
    several = shared(settings, count)
    return [max(settings.overlap, settings.shared_overlap) if i in several else settings.overlap for i in range(count)]


def coin(*parts: object) -> float:
    """A draw from 0 to 1 that is always the same for the same parts."""
    digest = hashlib.sha256(":".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def order_shown(count: int, task_id: int, person_id: int, repeat: int, other_than: Sequence[int] | None = None) -> list[int]:
    """The order in which a person sees a task's candidates: `order[position]` is a candidate; not `other_than` where there is another."""
    order = list(range(count))
    rng = random.Random(f"{task_id}:{person_id}:{repeat}")
    rng.shuffle(order)
    while other_than is not None and count > 1 and order == list(other_than):
        rng.shuffle(order)
    return order
