"""What a labelling screen needs, as plain dictionaries ready for JSON: an item with its cards, progress, and each act with the next item.

Nothing here names a model, a candidate or another person: the screen is blind. Positions are those on the screen. An act and the lease of
the next item are one write transaction, so that a vote is on disk when the next item is shown. To send another thing to the screen, add it
to `_item` or `state`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio import db
from studio.feedback import judgements, leases, queries
from studio.feedback.answers import FLAG_REASONS, SKIP_REASONS, Answer
from studio.feedback.leases import Chooser
from studio.feedback.projects import find, newest_guideline
from studio.feedback.settings import ProjectSettings
from studio.feedback.tasks import find_task
from studio.workspace import Workspace

Act = Callable[[Session, db.Project, datetime], object]
SOURCES_ELSEWHERE = ("chat",)
"""Projects that are filled elsewhere than on the labelling screen."""


class Who(Protocol):
    """The person at the screen."""

    @property
    def id(self) -> int: ...


def projects_for(ws: Workspace, person: Who) -> list[dict[str, Any]]:
    """The projects that a person can choose from: `id`, `name`, `mode`, how much they have `done` and how much is `left` for them."""
    query = select(db.Project).where(db.Project.deleted_at.is_(None), db.Project.state == "open")
    found = []
    with ws.db.read() as session:
        for row in session.scalars(query.where(db.Project.source.not_in(SOURCES_ELSEWHERE)).order_by(db.Project.id.desc())).all():
            progress = _standing(session, row, person.id, db.now())["progress"]
            found.append(
                {"id": row.id, "name": row.name, "mode": row.mode, "done": progress["done_by_me"], "left": progress["left_for_me"]}
            )
    return found


def state(ws: Workspace, project_id: int, person: Who) -> dict[str, Any]:
    """What stays the same from item to item: the project, what it asks, its guidelines, the reasons to choose from; and progress."""
    with ws.db.read() as session:
        row = find(session, project_id)
        settings = ProjectSettings(**row.settings)
        newest = newest_guideline(session, row.id)
        return {
            "project": {"id": row.id, "name": row.name, "mode": row.mode, "state": row.state},
            **_asked(settings),
            "guidelines": {"number": newest.number, "text": newest.text} if newest else None,
            "flag_reasons": list(FLAG_REASONS),
            "skip_reasons": list(SKIP_REASONS),
            **_standing(session, row, person.id, db.now()),
        }


def next_item(ws: Workspace, project_id: int, person: Who, now: datetime | None = None) -> dict[str, Any]:
    """The item that the person holds or gets: `item` (None when nothing is left), `progress`, `undoable`, and the project's `state`."""
    return _act(ws, project_id, person, lambda session, project, moment: None, now)


def submit(
    ws: Workspace,
    project_id: int,
    person: Who,
    lease_id: int,
    key: str,
    answer: Answer,
    active_seconds: float = 0.0,
    wall_seconds: float = 0.0,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Store a judgement and give the next item; see `judgements.submit`."""

    def put(session: Session, project: db.Project, moment: datetime) -> object:
        return judgements.put(session, lease_id, person.id, answer, key, active_seconds, wall_seconds, judgements.VERSION, moment)

    return _act(ws, project_id, person, put, now)


def skip(
    ws: Workspace, project_id: int, person: Who, lease_id: int, reason: str, note: str, key: str, now: datetime | None = None
) -> dict[str, Any]:
    """Pass an item over and give the next; see `judgements.skip`."""

    def put(session: Session, project: db.Project, moment: datetime) -> object:
        return judgements.pass_over(session, lease_id, person.id, reason, note, key, moment)

    return _act(ws, project_id, person, put, now)


def undo(ws: Workspace, project_id: int, person: Who, key: str, now: datetime | None = None) -> dict[str, Any]:
    """Take the person's newest judgement or skip back and give its item again, with what they had said as `previous`."""

    def back(session: Session, project: db.Project, moment: datetime) -> object:
        return judgements.take_back(session, project, person.id, key, moment)

    return _act(ws, project_id, person, back, now)


def heartbeat(ws: Workspace, project_id: int, person: Who, lease_id: int, now: datetime | None = None) -> dict[str, Any]:
    """A sign of life for an item; gives until when it is theirs."""
    return {"expires_at": _time(leases.heartbeat(ws, lease_id, person.id, now).expires_at)}


def _act(ws: Workspace, project_id: int, person: Who, act: Act, now: datetime | None) -> dict[str, Any]:
    choose = _chooser(ws, project_id)
    moment = now or db.now()
    with ws.db.write() as session:
        project = find(session, project_id)
        act(session, project, moment)
        row = leases.take(session, project, person.id, moment, choose)
        held = leases.info(session, row) if row else None
        task = find_task(session, row.task_id) if row else None
    with ws.db.read() as session:
        return {
            "item": _item(session, project, task, held) if task and held else None,
            **_standing(session, project, person.id, moment),
            "state": project.state,
        }


def _chooser(ws: Workspace, project_id: int) -> Chooser | None:
    with ws.db.read() as session:
        settings = session.scalar(queries.settings, {"project": project_id}) or {}
    if settings.get("choice") != "active" or settings["mode"] == "rating":
        return None
    from studio.feedback.active import chooser  # the statistics are not needed by those who only read

    return chooser(ws, project_id)


def _item(session: Session, project: db.Project, task: db.Task, held: leases.LeaseInfo) -> dict[str, Any]:
    c = db.Candidate
    said = {row.id: row for row in session.execute(select(c.id, c.text, c.messages).where(c.id.in_(task.candidates)))}
    cards = [said[task.candidates[index]] for index in held.shown]
    return {
        "lease": held.id,
        "task_number": task.id,
        "mode": project.mode,
        "prompt": task.prompt,
        "cards": [{"text": card.text, "messages": card.messages} for card in cards],
        **_asked(ProjectSettings(**project.settings)),
        "guideline": held.guideline,
        "previous": held.previous.model_dump() if held.previous else None,
        "expires_at": _time(held.expires_at),
    }


def _asked(settings: ProjectSettings) -> dict[str, Any]:
    criteria = settings.criteria_list if settings.mode == "rating" else []
    return {"criteria": criteria, "marks": settings.marks, "edits": settings.edits}


def _time(moment: datetime) -> str:
    return f"{moment.isoformat()}Z"


def _standing(session: Session, project: db.Project, person_id: int, now: datetime) -> dict[str, Any]:
    """`progress` and `undoable`."""
    names = {"project": project.id, "person": person_id, "now": now}
    done, wanted, left, skipped, taken, gold = session.execute(queries.progress, names).one()
    counts = judgements.counts_of(session, project.id, person_id, _midnight())
    progress = {
        "done_by_me": counts.judged,
        "today": counts.today,
        "left_for_me": left - skipped - taken + (gold if project.settings["gold_share"] > 0 else 0),
        "project_done": done or 0,
        "project_wanted": wanted or 0,
    }
    return {"progress": progress, "undoable": counts.judged + counts.skipped}


def _midnight() -> datetime:
    """When today began here, in UTC."""
    return datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC).replace(tzinfo=None)
