"""Who has which task in hands: leases, so that no item goes to more people than its overlap, and nobody meets one twice by accident.

`take` chooses in this order: what the person holds already; a gold or repeat item, by their shares; an open task with a free place that the
person has neither judged nor skipped, in the order of `draw`; a gold item that they have not met yet. Everything happens inside one write
transaction. A place is taken by a judgement that counts or by a lease that has not run out, repeats and gold items apart. To hand out
another sort of item, add a function beside `_gold_item` and call it in `_choose`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio import db
from studio.errors import FeedbackError
from studio.feedback import queries
from studio.feedback.answers import Answer, to_shown
from studio.feedback.items import coin, order_shown
from studio.feedback.projects import find
from studio.feedback.settings import ProjectSettings
from studio.feedback.tasks import find_task
from studio.workspace import Workspace

Chooser = Callable[[tuple[str, ...]], float]
"""The worth of asking about a task whose candidates come from these models (each once, sorted); the task worth most is asked first."""

ACTIVE_SHARE = 0.75
MOST_KINDS = 8
"""So many of the most worthwhile sets of models are looked through for a free task before one comes at random."""
BEFORE_REPEAT = 5
REPEAT_WINDOW = 200


@dataclass(frozen=True)
class LeaseInfo:
    """A task in somebody's hands until `expires_at`. `shown[position]` is the index of the candidate that stands there; `previous` is the
    answer that was taken back to judge the task again, in shown positions."""

    id: int
    task_id: int
    project_id: int
    person_id: int
    repeat: int
    shown: list[int]
    guideline: int
    previous: Answer | None
    created_at: datetime
    expires_at: datetime


def lease(ws: Workspace, project_id: int, person_id: int, now: datetime | None = None, choose: Chooser | None = None) -> LeaseInfo | None:
    """The next item for a person, theirs for `lease_minutes`; None when nothing is left for them or the project is not open.

    `choose` orders training items by their worth (a quarter of them still comes at random); without it all come at random.
    """
    with ws.db.write() as session:
        row = take(session, find(session, project_id), person_id, now or db.now(), choose)
        return info(session, row) if row else None


def heartbeat(ws: Workspace, lease_id: int, person_id: int, now: datetime | None = None) -> LeaseInfo:
    """A sign of life: the lease runs from now. Raises `FeedbackError` when the item went to somebody else in the meantime."""
    now = now or db.now()
    with ws.db.write() as session:
        row = held(session, lease_id, person_id, now)
        _renew(row, ProjectSettings(**session.get_one(db.Project, row.project_id).settings), now)
        return info(session, row)


def release(ws: Workspace, lease_id: int, person_id: int) -> None:
    """Give an item back; nothing happens when it is no longer theirs."""
    with ws.db.write() as session:
        row = session.get(db.Lease, lease_id)
        if row is not None and row.person_id == person_id:
            session.delete(row)


def info(session: Session, row: db.Lease) -> LeaseInfo:
    """A lease as others read it."""
    undone = session.get_one(db.Judgement, row.undone_id) if row.undone_id is not None else None
    previous = to_shown(Answer.model_validate(undone.answer), row.shown) if undone and undone.state == "judged" else None
    return LeaseInfo(
        row.id, row.task_id, row.project_id, row.person_id, row.repeat, row.shown, row.guideline, previous, row.created_at, row.expires_at
    )


def held(session: Session, lease_id: int, person_id: int, now: datetime) -> db.Lease:
    """The lease, if it is the person's own and has not run out, or its place is still free; raises `FeedbackError` otherwise."""
    row = session.get(db.Lease, lease_id)
    if row is None or row.person_id != person_id:
        raise FeedbackError(
            "This item is no longer yours: it was judged or given back in another window, or its time ran out and somebody else took it.",
            "Nothing else is lost; go on with the next item.",
        )
    if not _still_theirs(session, row, now):
        raise FeedbackError(
            "The time for this item ran out, and it went to somebody else.", "Nothing else is lost; go on with the next item."
        )
    return row


def _still_theirs(session: Session, row: db.Lease, now: datetime) -> bool:
    if not row.repeat and had(session, row.task_id, row.person_id):
        return False
    return row.expires_at > now or place_left(session, row.task_id, row.repeat, row.person_id, now)


def place_left(session: Session, task_id: int, repeat: int, person_id: int, now: datetime) -> bool:
    """Whether the person may take the task beside those who judged it and those who hold it; repeats and gold items have places for all."""
    task = find_task(session, task_id)
    if repeat or task.gold is not None:
        return True
    return session.scalar(queries.place_left, {"task": task_id, "person": person_id, "now": now}) is not None


def had(session: Session, task_id: int, person_id: int) -> bool:
    """Whether the person has judged or skipped the task, and not taken it back."""
    return bool(session.scalar(queries.had, {"task": task_id, "person": person_id}))


def take(session: Session, project: db.Project, person_id: int, now: datetime, choose: Chooser | None = None) -> db.Lease | None:
    """`lease` inside the caller's write transaction."""
    if project.state != "open":
        return None
    settings = ProjectSettings(**project.settings)
    guideline = guideline_now(session, project.id)
    row = _own(session, project.id, person_id, now)
    if row is None:
        row = _choose(session, project.id, person_id, settings, now, choose)
        if row is None:
            return None
        row.created_at = now
        session.add(row)
    row.guideline = guideline
    _renew(row, settings, now)
    session.flush()
    return row


def _renew(row: db.Lease, settings: ProjectSettings, now: datetime) -> None:
    row.expires_at = now + timedelta(minutes=settings.lease_minutes)


def guideline_now(session: Session, project_id: int) -> int:
    """The number of the guidelines that stand beside an item now; 0 where there are none."""
    return session.scalar(queries.guideline, {"project": project_id}) or 0


def give_again(session: Session, project: db.Project, undone: db.Judgement, now: datetime) -> db.Lease:
    """A lease on the task of a judgement that was taken back, in the order in which it stood."""
    row = db.Lease(
        task_id=undone.task_id, project_id=project.id, person_id=undone.person_id, repeat=undone.repeat, shown=undone.shown,
        undone_id=undone.id, guideline=guideline_now(session, project.id), created_at=now,
    )  # fmt: skip
    _renew(row, ProjectSettings(**project.settings), now)
    session.add(row)
    session.flush()
    return row


def _own(session: Session, project_id: int, person_id: int, now: datetime) -> db.Lease | None:
    """What the person holds already, the newest first; leases that went to others are cleared away."""
    query = select(db.Lease).where(db.Lease.person_id == person_id, db.Lease.project_id == project_id).order_by(db.Lease.id.desc())
    for row in session.scalars(query).all():
        if _still_theirs(session, row, now):
            return row
        session.delete(row)
        session.flush()
    return None


def _choose(
    session: Session, project_id: int, person_id: int, settings: ProjectSettings, now: datetime, choose: Chooser | None
) -> db.Lease | None:
    acts, behind = session.execute(queries.turn, {"project": project_id, "person": person_id}).one()
    turn = (settings.seed, project_id, person_id, acts)
    task_id: int | None = None
    if coin("gold", *turn) < settings.gold_share:
        task_id = _gold_item(session, project_id, person_id)
    if task_id is None and coin("repeat", *turn) < settings.repeat_share:
        again = _repeat_item(session, project_id, person_id, coin("which", *turn))
        if again is not None:
            return _new(session, again.task_id, person_id, repeat=1, other_than=again.shown)
    if task_id is None:
        names = {"project": project_id, "person": person_id, "now": now, "behind": behind}
        task_id = _open_item(session, names, choose, turn)
    if task_id is None and settings.gold_share > 0:
        task_id = _gold_item(session, project_id, person_id)
    return _new(session, task_id, person_id) if task_id is not None else None


def _new(session: Session, task_id: int, person_id: int, repeat: int = 0, other_than: list[int] | None = None) -> db.Lease:
    task = find_task(session, task_id)
    shown = order_shown(len(task.candidates), task.id, person_id, repeat, other_than)
    return db.Lease(task_id=task.id, project_id=task.project_id, person_id=person_id, repeat=repeat, shown=shown)


def _open_item(session: Session, names: dict[str, Any], choose: Chooser | None, turn: tuple[int, ...]) -> int | None:
    """The first free task by draw. With a chooser the side is drawn by what is open, and what is worth most goes first in training."""

    def first(**where: Any) -> int | None:
        from_there, from_front = queries.FIRST[tuple(where)]
        found = session.scalar(from_there, {**names, **where}) if names["behind"] is not None else None
        return found if found is not None else session.scalar(from_front, {**names, **where})

    if choose is None:
        return first()
    groups = session.execute(queries.kinds, names).all()
    here = {side: sum(count for other, _, count in groups if other == side) for side in ("train", "held_out")}
    wanted = "held_out" if coin("side", *turn) * sum(here.values()) < here["held_out"] else "train"
    for side in sorted(here, key=lambda side: side != wanted):
        task_id: int | None = None
        if side == "train" and coin("active", *turn) < ACTIVE_SHARE:
            kinds = [models for other, models, _ in groups if other == side]
            for models in sorted(kinds, key=lambda models: (-choose(tuple(models)), models))[:MOST_KINDS]:
                task_id = task_id or first(side=side, models=models)
        task_id = task_id or first(side=side)
        if task_id is not None:
            return task_id
    return None


def _gold_item(session: Session, project_id: int, person_id: int) -> int | None:
    return session.scalar(queries.gold_item, {"project": project_id, "person": person_id})


def _repeat_item(session: Session, project_id: int, person_id: int, draw: float) -> Any | None:
    """A judgement of the person's that they gave at least five judgements ago, of a task that has not come back yet and is no gold item."""
    rows = session.execute(queries.done_before, {"project": project_id, "person": person_id, "window": REPEAT_WINDOW}).all()
    superseded = {row.supersedes_id for row in rows}
    counting = [row for row in rows if row.state == "judged" and row.id not in superseded]
    came_back = {row.task_id for row in rows if row.repeat}
    fit = [row for row in counting[BEFORE_REPEAT:] if row.task_id not in came_back and row.task_state != "gold"]
    return fit[int(draw * len(fit))] if fit else None
