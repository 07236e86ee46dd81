"""Judgements with what they are about, read by their numbers: what datasets, adjudication and exports are made of.

Judgements, prompts and candidates never change once they are stored, so that the same numbers always give the same votes, whatever
superseded them later. To know more of an item or a vote, add a field here and fill it in `read`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio import db
from studio.errors import FeedbackError
from studio.feedback.answers import Answer
from studio.workspace import Workspace

AT_ONCE = 500

Messages = list[dict[str, Any]]
T = TypeVar("T")


@dataclass(frozen=True)
class Item:
    """A task as it was asked: its prompt and its candidates in order, each the messages that followed the prompt."""

    id: int
    project_id: int
    mode: str
    round: int
    prompt: Messages
    prompt_sha256: str
    side: str
    candidates: list[int]
    models: list[str]
    completions: list[Messages]

    def edited(self, answer: Answer) -> Messages | None:
        """The better answer that somebody wrote, in the place of the last one of what they started from; None when they wrote none."""
        if answer.edited is None:
            return None
        before = self.completions[answer.edited_from][:-1] if answer.edited_from is not None else []
        return [*before, {"role": "assistant", "content": answer.edited}]


@dataclass(frozen=True)
class Vote:
    """One judgement: `answer` speaks of the candidates in the item's order, `person` is a name."""

    id: int
    item: int
    person_id: int
    person: str
    source: str
    answer: Answer


@dataclass(frozen=True)
class Votes:
    """Votes in the order in which they were given, and the items that they are about by number."""

    votes: list[Vote]
    items: dict[int, Item]


def read(ws: Workspace, ids: Iterable[int]) -> Votes:
    """The judgements of these numbers. Raises `FeedbackError` when one does not exist."""
    wanted = sorted(set(ids))
    with ws.db.read() as session:
        j = db.Judgement
        found: list[Any] = []
        for part in parts(wanted):
            query = select(j.id, j.task_id, j.person_id, db.Person.name, j.source, j.answer).join(db.Person, j.person_id == db.Person.id)
            found += session.execute(query.where(j.id.in_(part)).order_by(j.id)).all()
        if missing := sorted(set(wanted) - {row[0] for row in found}):
            numbers = ", ".join(str(id) for id in missing[:10])
            raise FeedbackError(f"{len(missing)} judgements are not in this workspace: {numbers}.", "Restore its database from a backup.")
        votes = [Vote(id, task, who, name, source, Answer.model_validate(answer)) for id, task, who, name, source, answer in found]
        return Votes(votes, read_items(session, {vote.item for vote in votes}))


def read_items(session: Session, ids: Iterable[int]) -> dict[int, Item]:
    """The tasks of these numbers."""
    tasks: list[tuple[db.Task, str, int]] = []
    for part in parts(sorted(set(ids))):
        query = select(db.Task, db.Project.mode, db.Project.round).join(db.Project, db.Task.project_id == db.Project.id)
        tasks += [(task, mode, round) for task, mode, round in session.execute(query.where(db.Task.id.in_(part)))]
    known = _candidates(session, {id for task, _, _ in tasks for id in task.candidates})
    return {
        task.id: Item(
            task.id, task.project_id, mode, round, task.prompt, task.prompt_sha256, task.side, list(task.candidates),
            [known[id][0] for id in task.candidates], [known[id][1] for id in task.candidates],
        )
        for task, mode, round in tasks
    }  # fmt: skip


def _candidates(session: Session, ids: set[int]) -> dict[int, tuple[str, Messages]]:
    """Model and messages of each candidate."""
    c = db.Candidate
    found: dict[int, tuple[str, Messages]] = {}
    for part in parts(sorted(ids)):
        for id, model, text, messages in session.execute(select(c.id, c.model, c.text, c.messages).where(c.id.in_(part))):
            found[id] = (model, messages or [{"role": "assistant", "content": text}])
    return found


def parts(ids: Sequence[T]) -> Iterable[Sequence[T]]:
    """Numbers, or rows, in portions that one query takes."""
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
