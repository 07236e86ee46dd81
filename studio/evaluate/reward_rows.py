"""What an audit of a reward model compares, read from the rows of a dataset: answers, couples, ratings, and what several people said.

Couples are two answers to one prompt of which people preferred one. Datasets that were made from votes have a manifest, which says whose
votes they were: with it answers know their models, rows their items, and the agreement between people can be counted. To audit on another
kind of row, add a reader to `READERS`. No torch.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from studio.data import held_out, store
from studio.data.schema import Row
from studio.data.store import VersionInfo
from studio.errors import DataError, FeedbackError, NotFoundError
from studio.feedback import manifest, training, votes
from studio.feedback.manifest import Manifest
from studio.feedback.opinions import Opinion, opinions
from studio.feedback.projects import get_project
from studio.feedback.votes import Item, Messages
from studio.workspace import Workspace

WRITTEN = "written by people"


@dataclass(frozen=True)
class JudgedAnswer:
    """A conversation that ends with the answer `text` to what was `asked` last; `prompt` is the hash that the prompt is known by, `model`
    is empty where not known."""

    messages: Messages
    asked: str
    text: str
    prompt: str
    model: str


@dataclass(frozen=True)
class Couple:
    """Somebody, or most people, preferred one answer to another; both are places in `Reading.answers`. `row` counts from 1 in the split."""

    better: int
    worse: int
    row: int
    task: int | None = None
    person: str = ""


@dataclass(frozen=True)
class RatedAnswer:
    """An answer's score by a criterion; the criterion of the rows' own scores is empty. Answers that were rated by a criterion together
    have the same `group`."""

    answer: int
    score: float
    criterion: str = ""
    group: int = 0


@dataclass(frozen=True)
class Statement:
    """Of the two answers that `unit` names, a person preferred `better`; to count how far people agree."""

    unit: tuple[Any, ...]
    better: int
    person: str
    prompt: str


@dataclass
class Reading:
    """All that an audit reads. `together` says that a row is what most people said, not one person's vote; `items` are those that the rows
    come from, by number, `prompts` the prompts by their hashes."""

    data: str
    split: str
    kind: str
    rows: int
    together: bool
    answers: list[JudgedAnswer] = field(default_factory=list)
    couples: list[Couple] = field(default_factory=list)
    ratings: list[RatedAnswer] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    items: dict[int, Item] = field(default_factory=dict)
    prompts: dict[str, Messages] = field(default_factory=dict)
    _places: dict[str, int] = field(default_factory=dict)

    def add(self, prompt: Messages, completion: Messages, task: int | None) -> int:
        """The place of an answer, each once."""
        key = json.dumps([_plain(prompt), _plain(completion)])
        if key not in self._places:
            self._places[key] = len(self.answers)
            text = "\n".join(str(message.get("content") or "") for message in completion if message["role"] == "assistant")
            asked = str(prompt[-1].get("content") or "") if prompt else ""
            sha256 = held_out.prompt_sha256(prompt)
            self.prompts.setdefault(sha256, prompt)
            self.answers.append(JudgedAnswer([*prompt, *completion], asked, text, sha256, self._model(completion, task)))
        return self._places[key]

    def _model(self, completion: Messages, task: int | None) -> str:
        item = self.items.get(task) if task is not None else None
        if item is None:
            return ""
        of_item = (model for model, shown in zip(item.models, item.completions, strict=True) if _plain(shown) == _plain(completion))
        return next(of_item, WRITTEN)


def _plain(messages: Messages) -> list[tuple[str, str, str]]:
    return [(str(m["role"]), str(m.get("content") or ""), str(m.get("tool_calls") or "")) for m in messages]


def read(ws: Workspace, data: str | Sequence[int], split: str) -> Reading:
    """The rows of one split of a dataset, or those that the votes of projects give, by their numbers.

    Raises `DataError` when there are no such rows or a reward model has no use for their kind, `NotFoundError`, `FeedbackError`.
    """
    if isinstance(data, str):
        info = store.get_version(ws, data)
        rows = store.rows(ws, info.ref, split, 0, info.splits.get(split, 0)) if info.splits.get(split) else []
        return _reading(ws, info.ref, split, info.kind, rows, info.splits, _manifest(ws, info))
    kind = _kind_of(ws, data)
    found = training.rows_for(ws, data, kind)  # type: ignore[arg-type]
    splits = {name: len(part) for name, part in found.splits.items()}
    named = ", ".join(found.manifest.projects.values())
    return _reading(ws, named, split, kind, found.splits.get(split, []), splits, found.manifest)


def _kind_of(ws: Workspace, projects: Sequence[int]) -> str:
    modes = {get_project(ws, id).mode for id in projects}
    if "rating" in modes and len(modes) > 1:
        raise FeedbackError("Some of these projects rate answers and others order them.", "Audit on them one kind at a time.")
    return "rating" if modes == {"rating"} else "preference"


def _manifest(ws: Workspace, info: VersionInfo) -> Manifest | None:
    """The manifest of a version, or of the version of votes that it was curated from."""
    seen: set[str] = set()
    while info.ref not in seen:
        seen.add(info.ref)
        found = manifest.read(info.folder)
        made = info.step.get("from")
        if found is not None or not isinstance(made, str):
            return found
        try:
            info = store.get_version(ws, made)
        except NotFoundError:  # what it was made from is gone
            return None
    return None


def _reading(ws: Workspace, data: str, split: str, kind: str, rows: list[Row], splits: dict[str, int], frozen: Manifest | None) -> Reading:
    if kind not in READERS:
        raise DataError(f"{data} holds {kind} rows, which order no answers.", f"Choose rows of one of these kinds: {', '.join(READERS)}.")
    if not rows:
        there = ", ".join(f"{name} ({count:,})" for name, count in splits.items() if count) or "none"
        raise DataError(f"{data} has no rows in the split {split}.", f"It has: {there}. Choose one of these.")
    found = Reading(data, split, kind, len(rows), frozen is not None and frozen.rule != "all")
    given = votes.read(ws, frozen.judgements) if frozen is not None else votes.Votes([], {})
    found.items = given.items
    READERS[kind](found, rows)
    if frozen is None:
        people = [couple for couple in found.couples if couple.person]
        found.statements = [
            Statement((min(c.better, c.worse), max(c.better, c.worse)), c.better, c.person, found.answers[c.better].prompt) for c in people
        ]
        return found
    for opinion in opinions(given, "all"):
        found.statements += _statements(opinion, frozen.criterion)
    if kind == "rating" and not frozen.criterion:
        here = {task for row in rows if (task := _task(found, row)) is not None}
        _by_criterion(found, [each for each in opinions(given, frozen.rule) if each.item.id in here])  # type: ignore[arg-type]
    return found


def _task(found: Reading, row: Row) -> int | None:
    """The item that a row comes from, where the manifest names it."""
    name = str(row.get("task_id") or "")
    return int(name) if name.isdigit() and int(name) in found.items else None


def _read_preferences(found: Reading, rows: Iterable[Row]) -> None:
    for number, row in enumerate(rows, 1):
        task = _task(found, row)
        better, worse = (found.add(row["prompt"], row[side], task) for side in ("chosen", "rejected"))
        found.couples.append(Couple(better, worse, number, task, str(row.get("annotator") or "")))


def _read_rankings(found: Reading, rows: Iterable[Row]) -> None:
    for number, row in enumerate(rows, 1):
        task, person = _task(found, row), str(row.get("annotator") or "")
        ranked = [(rank, found.add(row["prompt"], each, task)) for rank, each in zip(row["ranks"], row["completions"], strict=True)]
        for (rank, one), (other_rank, other) in combinations(ranked, 2):
            if rank != other_rank:
                better, worse = (one, other) if rank < other_rank else (other, one)
                found.couples.append(Couple(better, worse, number, task, person))


def _read_ratings(found: Reading, rows: Iterable[Row]) -> None:
    """Ratings, and as couples each two answers to one prompt that one person rated differently."""
    together: dict[tuple[Any, ...], list[tuple[int, float, int]]] = defaultdict(list)
    for number, row in enumerate(rows, 1):
        task, person = _task(found, row), str(row.get("annotator") or "")
        place, score = found.add(row["prompt"], row["completion"], task), float(row["score"])
        found.ratings.append(RatedAnswer(place, score))
        together[json.dumps(_plain(row["prompt"])), task, person].append((place, score, number))
    for (_, task, person), rated in together.items():
        for (one, score, number), (other, other_score, other_number) in combinations(rated, 2):
            if score > other_score and one != other:
                found.couples.append(Couple(one, other, number, task, person))
            elif score < other_score and one != other:
                found.couples.append(Couple(other, one, other_number, task, person))


READERS: dict[str, Callable[[Reading, list[Row]], None]] = {
    "preference": _read_preferences,
    "ranking": _read_rankings,
    "rating": _read_ratings,
}


def _statements(opinion: Opinion, criterion: str) -> list[Statement]:
    """What one person's vote says of each two candidates of an item, ties left out."""
    item, scores = opinion.item, [_score(each, criterion) for each in opinion.ratings]
    couples = [(couple.better, couple.worse) for couple in opinion.couples]
    for (i, one), (j, other) in combinations(enumerate(scores), 2):
        if one is not None and other is not None and one != other:
            couples.append((i, j) if one > other else (j, i))
    return [Statement((item.id, min(i, j), max(i, j)), i, opinion.person, item.prompt_sha256) for i, j in couples]


def _score(by_criterion: dict[str, float], criterion: str) -> float | None:
    values = [value for name, value in by_criterion.items() if name == (criterion or name)]
    return sum(values) / len(values) if values else None


def _by_criterion(found: Reading, said: Sequence[Opinion]) -> None:
    """The ratings of each criterion, which the rows hold only as their mean."""
    for number, opinion in enumerate(said):
        for completion, by_criterion in zip(opinion.item.completions, opinion.ratings, strict=False):
            place = found.add(opinion.item.prompt, completion, opinion.item.id)
            found.ratings += [RatedAnswer(place, float(value), name, number) for name, value in by_criterion.items()]
