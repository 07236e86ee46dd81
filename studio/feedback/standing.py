"""Which judgements stand: reading rows, those that count, and how much one person has done.

A row stands when it is judged or skipped and no other supersedes it. `studio.feedback.judgements` offers the same names. To read another
column, add it to `JudgementInfo` and `_COLUMNS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session, aliased

from studio import db
from studio.feedback import queries
from studio.feedback.answers import Answer
from studio.workspace import Workspace

AT_ONCE = 500
_J, _P = db.Judgement, db.Person
_COLUMNS = (
    _J.id, _J.key, _J.task_id, _J.project_id, _J.person_id, _P.name, _P.role, _J.state, _J.reason, _J.supersedes_id, _J.repeat, _J.answer,
    _J.shown, _J.source, _J.guideline, _J.active_seconds, _J.wall_seconds, _J.app_version, _J.created_at,
)  # fmt: skip
_ANSWER = _COLUMNS.index(_J.answer)


@dataclass(frozen=True)
class JudgementInfo:
    """One row: what `person` (of `role`) said of a task. `answer` speaks of the task's candidates in their own order; `shown` is how
    they stood. `state` is `judged`, `skipped` (with its `reason`) or `withdrawn`."""

    id: int
    key: str
    task_id: int
    project_id: int
    person_id: int
    person: str
    role: str
    state: str
    reason: str
    supersedes_id: int | None
    repeat: int
    answer: Answer
    shown: list[int]
    source: str
    guideline: int
    active_seconds: float
    wall_seconds: float
    app_version: str
    created_at: datetime


def superseded(j: Any) -> ColumnElement[bool]:
    """Whether another row takes the place of this one."""
    later = aliased(db.Judgement)
    return exists().where(later.supersedes_id == j.id)


@dataclass(frozen=True)
class Counts:
    """How many judgements and skips of one person on the labelling screen stand in one project, repeats included, and how many of the
    judgements are from `today`."""

    judged: int
    skipped: int
    today: int


def counts_of(session: Session, project_id: int, person_id: int, midnight: datetime) -> Counts:
    """What stands of a person's work."""
    row = session.execute(queries.work, {"project": project_id, "person": person_id, "midnight": midnight}).one()
    said, unsaid, skipped, unskipped, said_today, unsaid_today = (int(number) for number in row)
    return Counts(said - unsaid, skipped - unskipped, max(0, said_today - unsaid_today))


def effective(ws: Workspace, project_ids: Sequence[int] | None = None, sources: Iterable[str] | None = None) -> list[JudgementInfo]:
    """All judgements that count, oldest first: judged, not skipped, not taken back or changed. Repeats and gold items are among them.

    `project_ids` and `sources` narrow them down; without projects those of all that are not deleted.
    """
    query = _query().where(db.Judgement.state == "judged", ~superseded(db.Judgement))
    if project_ids is not None:
        query = query.where(db.Judgement.project_id.in_(project_ids))
    else:
        query = query.join(db.Project, db.Project.id == db.Judgement.project_id).where(db.Project.deleted_at.is_(None))
    if sources is not None:
        query = query.where(db.Judgement.source.in_(list(sources)))
    with ws.db.read() as session:
        return [_info(row) for row in session.execute(query)]


def history(ws: Workspace, project_id: int) -> list[JudgementInfo]:
    """All rows of a project, oldest first, with those that no longer count."""
    with ws.db.read() as session:
        return [_info(row) for row in session.execute(_query().where(db.Judgement.project_id == project_id))]


def _query() -> Select[Any]:
    return select(*_COLUMNS).join(_P, _P.id == _J.person_id).order_by(_J.id)


def _info(row: Any) -> JudgementInfo:
    values = list(row)
    values[_ANSWER] = Answer.model_validate(row.answer)
    return JudgementInfo(*values)


def infos(session: Session, ids: list[int]) -> list[JudgementInfo]:
    """The rows with these numbers, in this order."""
    found: dict[int, JudgementInfo] = {}
    for start in range(0, len(ids), AT_ONCE):
        for row in session.execute(_query().where(db.Judgement.id.in_(ids[start : start + AT_ONCE]))):
            found[row.id] = _info(row)
    return [found[id] for id in ids]
