"""Votes become training rows: preferences, rankings, marks and ratings, as versioned datasets that can be made again row for row.

`rows_for` gives the rows, `to_dataset` stores them with a manifest (`manifest.py`) of the judgements that they come from, `rebuild` makes
them again from it. Prompts that are held out go to the validation split and are never trained on. Repeated and gold items measure people
and give no rows. To make another kind of row, write a function from an opinion to rows and name it in `MAKERS`.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from studio.data.schema import Row, schema_of
from studio.data.step_words import plural
from studio.data.store import VersionInfo, check_name, get_version, new_version
from studio.errors import FeedbackError, NotFoundError
from studio.feedback import judgements, manifest, votes
from studio.feedback.manifest import Manifest
from studio.feedback.opinions import RULE_NAMES, Opinion, Rule, opinions
from studio.feedback.projects import get_project
from studio.feedback.tasks import outline
from studio.workspace import Workspace

TrainingKind = Literal["preference", "ranking", "unpaired", "rating"]
TRAINING_KINDS: tuple[str, ...] = get_args(TrainingKind)
SPLIT_OF = {"train": "train", "held_out": "validation"}


@dataclass(frozen=True)
class TrainingRows:
    """Rows by split, the manifest that they can be made from again, and counts: `judgements` read, `rows` made, `without` a row."""

    splits: dict[str, list[Row]]
    manifest: Manifest
    counts: dict[str, int] = field(default_factory=dict)


def rows_for(
    ws: Workspace, project_ids: Sequence[int], kind: TrainingKind, rule: Rule = "all", criterion: str = "", edits: bool = True
) -> TrainingRows:
    """The rows that the votes in these projects give at present; `SPLIT_OF` names the splits.

    preference: a pair for each two answers of which one is strictly better, a better answer that somebody wrote being better than all that
    were shown (unless `edits` is off); `margin` stands on every row or on none. ranking: whole orders with ties. unpaired: the marks
    alone, in an order in which neighbours differ in prompt. rating: the mean of all criteria, or one `criterion`. Raises `FeedbackError`
    when the votes give no such row, saying why.
    """
    frozen = freeze(ws, project_ids, kind, rule, criterion, edits)
    rows = make(ws, frozen)
    made = sum(len(part) for part in rows.values())
    if not made:
        raise FeedbackError(f"The votes give no {kind} rows.", _WHY[kind])
    frozen = manifest.sealed(frozen, rows)
    of_rows = {row["task_id"] for part in rows.values() for row in part}
    asked = {task for task in frozen.tasks if str(task) not in of_rows}
    return TrainingRows(rows, frozen, {"judgements": len(frozen.judgements), "rows": made, "items_without_a_row": len(asked)})


_WHY = {
    "preference": "There must be votes that prefer one answer to another, or answers that people wrote; ties give no pair.",
    "ranking": "There must be items that were ranked or judged in pairs; the best of several is no whole order.",
    "unpaired": "There must be marks that say of an answer whether it is acceptable.",
    "rating": "There must be items that were rated by criteria.",
}


def freeze(ws: Workspace, project_ids: Sequence[int], kind: str, rule: str, criterion: str = "", edits: bool = True) -> Manifest:
    """Which judgements count now, and what is to be made of them."""
    if kind not in TRAINING_KINDS:
        raise FeedbackError(f"Votes cannot become {kind} rows.", f"Choose one of {', '.join(TRAINING_KINDS)}.")
    if rule not in RULE_NAMES:
        raise FeedbackError(f"There is no rule called {rule!r}.", f"Choose one of {', '.join(RULE_NAMES)}.")
    projects = [get_project(ws, id) for id in dict.fromkeys(project_ids)]
    if not projects:
        raise FeedbackError("No project is chosen.", "Choose at least one.")
    known = {name for project in projects for name in project.settings.criteria_list if project.mode == "rating"}
    if criterion and criterion not in known:
        raise FeedbackError(f"No project rates by {criterion!r}.", f"Choose one of: {', '.join(sorted(known)) or 'none'}.")
    ids = [project.id for project in projects]
    gold = {task.id for task in outline(ws, ids) if task.state == "gold"}
    counting = [
        row
        for row in judgements.effective(ws, ids)
        if not row.repeat and row.task_id not in gold and (rule == "adjudicated" or row.source != judgements.ADJUDICATION)
    ]
    return Manifest(
        kind=kind,
        rule=rule,
        criterion=criterion,
        edits=edits,
        projects={project.id: project.name for project in projects},
        judgements=[row.id for row in counting],
        tasks=sorted({row.task_id for row in counting}),
        people={row.person_id: row.person for row in counting},
    )


def make(ws: Workspace, frozen: Manifest) -> dict[str, list[Row]]:
    """The rows of a manifest by split: the same whenever they are made."""
    read = votes.read(ws, frozen.judgements)
    names = {vote.id: frozen.people[vote.person_id] for vote in read.votes}
    splits: dict[str, list[Row]] = defaultdict(list)
    for opinion in opinions(read, frozen.rule):  # type: ignore[arg-type]
        item = opinion.item
        origin = {"source": frozen.projects[item.project_id], "task_id": str(item.id), "round": str(item.round)}
        origin["group"] = f"task-{item.id}" if not opinion.person else f"judgement-{opinion.votes[0]}"
        if opinion.person:
            origin["annotator"] = names[opinion.votes[0]]
        splits[SPLIT_OF[item.side]] += [{"prompt": item.prompt, **row, **origin} for row in MAKERS[frozen.kind](opinion, frozen)]
    found = {side: splits[side] for side in SPLIT_OF.values() if splits[side]}
    if frozen.kind == "preference" and any("margin" not in row for rows in found.values() for row in rows):
        found = {side: [{name: value for name, value in row.items() if name != "margin"} for row in rows] for side, rows in found.items()}
    if frozen.kind == "unpaired":
        found = {side: apart(rows) for side, rows in found.items()}
    return found


def _preferences(opinion: Opinion, frozen: Manifest) -> Iterator[Row]:
    answers = opinion.item.completions
    for edit in opinion.edits if frozen.edits else []:
        for answer in answers:
            yield {"chosen": edit, "rejected": answer}
    for couple in opinion.couples:
        row: Row = {"chosen": answers[couple.better], "rejected": answers[couple.worse]}
        yield row if couple.strength is None else {**row, "margin": couple.strength}


def _rankings(opinion: Opinion, frozen: Manifest) -> Iterator[Row]:
    """The whole order; one in which all are equal says nothing. An answer that somebody wrote stands before all others."""
    if opinion.ranks is None:
        return
    edits = opinion.edits if frozen.edits else []
    ranks = [1] * len(edits) + [rank + bool(edits) for rank in opinion.ranks]
    if len(set(ranks)) > 1:
        yield {"completions": [*edits, *opinion.item.completions], "ranks": ranks}


def _marks(opinion: Opinion, frozen: Manifest) -> Iterator[Row]:
    for answer, mark in zip(opinion.item.completions, opinion.marks, strict=True):
        if mark is not None:
            yield {"completion": answer, "label": mark}


def _ratings(opinion: Opinion, frozen: Manifest) -> Iterator[Row]:
    for answer, by_criterion in zip(opinion.item.completions, opinion.ratings, strict=False):
        values = [value for name, value in by_criterion.items() if name == (frozen.criterion or name)]
        if values:
            yield {"completion": answer, "score": round(sum(values) / len(values), 4)}


MAKERS: dict[str, Callable[[Opinion, Manifest], Iterator[Row]]] = {
    "preference": _preferences,
    "ranking": _rankings,
    "unpaired": _marks,
    "rating": _ratings,
}


def apart(rows: list[Row], seed: int = 0) -> list[Row]:
    """`rows` in an order, drawn by the seed, in which neighbours differ in prompt, as far as there are enough different ones.

    KTO's estimate of the distance from the reference model takes the answer of the row before for a mismatched one.
    """
    rng = random.Random(seed)
    waiting: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        waiting[repr(row["prompt"])].append(row)
    for group in waiting.values():
        rng.shuffle(group)
    heap = [(-len(group), rng.random(), name) for name, group in waiting.items()]
    heapq.heapify(heap)
    order: list[Row] = []
    held: tuple[int, float, str] | None = None
    while heap or held:
        if not heap:  # what is left has one prompt
            assert held is not None
            order += waiting[held[2]]
            break
        count, _, name = heapq.heappop(heap)
        order.append(waiting[name].pop())
        if held is not None:
            heapq.heappush(heap, held)
        held = (count + 1, rng.random(), name) if count < -1 else None
    return order


def to_dataset(
    ws: Workspace,
    project_ids: Sequence[int],
    kind: TrainingKind,
    name: str,
    rule: Rule = "all",
    criterion: str = "",
    edits: bool = True,
    author: str = "",
    note: str = "",
) -> VersionInfo:
    """Store the rows of `rows_for` as the next version of the dataset `name`, with their manifest beside them."""
    check_name(name)
    found = rows_for(ws, project_ids, kind, rule, criterion, edits)
    step = {
        "kind": "votes",
        "projects": list(found.manifest.projects.values()),
        "rule": rule,
        "criterion": criterion,
        "edits": edits,
        "margin": any("margin" in row for rows in found.splits.values() for row in rows),
        "author": author,
        "note": note,
        "counts": {"read": found.counts["judgements"], "kept": found.counts["rows"], "without": found.counts["items_without_a_row"]},
    }
    together = [row for rows in found.splits.values() for row in rows]
    with new_version(ws, name, kind, schema_of(kind, together)) as writer:
        for side, rows in found.splits.items():
            for row in rows:
                writer.write(side, row)
        manifest.write(writer.folder, found.manifest)
        return writer.commit(step)


def rebuild(ws: Workspace, ref: str) -> dict[str, list[Row]]:
    """The rows of a version by split, made again from the judgements that its manifest names.

    Raises `NotFoundError` for a version that was not made from votes and `FeedbackError` when the rows come out different.
    """
    info = get_version(ws, ref)
    frozen = manifest.read(info.folder)
    if frozen is None:
        made = info.step.get("from")
        raise NotFoundError(f"{info.ref} was not made from votes itself.", f"Look at {made}." if made else "Choose one that was.")
    rows = make(ws, frozen)
    manifest.verify(frozen, rows)
    return rows


def summary(found: TrainingRows) -> str:
    """What the rows come to, in a sentence or two."""
    sides = {side: len(rows) for side, rows in found.splits.items()}
    prompts = len({repr(row["prompt"]) for rows in found.splits.values() for row in rows})
    given, without = found.counts["judgements"], found.counts["items_without_a_row"]
    rows = plural(sum(sides.values()), "row")
    text = f"{plural(given, 'judgement')} give{'s' if given == 1 else ''} {rows} for {plural(prompts, 'prompt')}"
    if sides.get("validation"):
        text += f", {sides['validation']:,} of them held out"
    if without:
        text += f"; {plural(without, 'judged item')} give{'s' if without == 1 else ''} none"
    if found.manifest.kind == "preference":
        margin = any("margin" in row for rows in found.splits.values() for row in rows)
        text += ". Each row says by how much" if margin else ". By how much is not said of every row, so no row says it"
    return f"{text}."
