"""What people said: submitting, skipping, taking back, recording; and reading all that counts.

Rows are only ever added: taking back and editing add a row that supersedes. Each act is one write transaction and has a `key` of the
client's own, so that an act that is sent twice is stored once. `Task.judged` is counted anew from the rows at each act. To store judgements
that come from elsewhere than the labelling screen, use `record` or `record_all` with another `source`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio import db
from studio.errors import FeedbackError, NotFoundError
from studio.feedback import leases, queries
from studio.feedback.answers import SKIP_REASONS, Answer, check, from_shown, parse_answer
from studio.feedback.leases import LeaseInfo
from studio.feedback.projects import find
from studio.feedback.queries import ADJUDICATION
from studio.feedback.settings import ProjectSettings
from studio.feedback.standing import JudgementInfo, counts_of, effective, history, infos, superseded
from studio.feedback.tasks import find_task
from studio.workspace import Workspace

__all__ = [
    "ADJUDICATION", "JudgementInfo", "NewJudgement", "counts_of", "effective", "history", "pass_over", "put", "record", "record_all",
    "skip", "submit", "take_back", "undo", "withdraw",
]  # fmt: skip

VERSION = version("luthier")
LONGEST_KEY = 200
LONGEST_SECONDS = 86_400.0


@dataclass(frozen=True)
class NewJudgement:
    """A judgement from elsewhere, for `record_all`: `answer` in candidate order, `shown` where it is known in which order they stood."""

    task_id: int
    person_id: int
    answer: Answer
    source: str
    key: str
    supersedes: int | None = None
    shown: list[int] | None = None
    repeat: int = 0
    guideline: int = 0
    active_seconds: float = 0.0
    wall_seconds: float = 0.0
    created_at: datetime | None = None


def submit(
    ws: Workspace,
    lease_id: int,
    person_id: int,
    answer: Answer,
    key: str,
    active_seconds: float = 0.0,
    wall_seconds: float = 0.0,
    app_version: str = VERSION,
    now: datetime | None = None,
) -> JudgementInfo:
    """Store what a person said of the item that they hold; `answer` is in shown positions. The same `key` gives what is stored already.

    Raises `FeedbackError` when the answer is not complete, and when the item went to somebody else; nothing is changed then.
    """
    with ws.db.write() as session:
        row = put(session, lease_id, person_id, answer, key, active_seconds, wall_seconds, app_version, now or db.now())
        return _one(session, row)


def put(
    session: Session,
    lease_id: int,
    person_id: int,
    answer: Answer,
    key: str,
    active_seconds: float,
    wall_seconds: float,
    app_version: str,
    now: datetime,
) -> db.Judgement:
    """`submit` inside the caller's write transaction."""
    known = _known(session, key, person_id)
    if known is not None:
        return known
    lease = leases.held(session, lease_id, person_id, now)
    settings = ProjectSettings(**session.get_one(db.Project, lease.project_id).settings)
    check(answer, settings, len(lease.shown))
    row = _of_lease(lease, "judged", from_shown(answer, lease.shown), key, app_version, now)
    row.active_seconds, row.wall_seconds = _seconds(active_seconds), _seconds(wall_seconds)
    _add(session, row, lease)
    return row


def skip(ws: Workspace, lease_id: int, person_id: int, reason: str, note: str, key: str, now: datetime | None = None) -> JudgementInfo:
    """Pass an item over with a reason of `SKIP_REASONS`; it goes to others and does not come back to this person."""
    with ws.db.write() as session:
        return _one(session, pass_over(session, lease_id, person_id, reason, note, key, now or db.now()))


def pass_over(session: Session, lease_id: int, person_id: int, reason: str, note: str, key: str, now: datetime) -> db.Judgement:
    """`skip` inside the caller's write transaction."""
    known = _known(session, key, person_id)
    if known is not None:
        return known
    if reason not in SKIP_REASONS:
        raise FeedbackError(f"{reason or 'No reason'} is not among the reasons to skip.", f"Choose one of: {', '.join(SKIP_REASONS)}.")
    lease = leases.held(session, lease_id, person_id, now)
    row = _of_lease(lease, "skipped", parse_answer({"comment": note}), key, VERSION, now)
    row.reason = reason
    _add(session, row, lease)
    return row


def _of_lease(lease: db.Lease, state: str, answer: Answer, key: str, app_version: str, now: datetime) -> db.Judgement:
    return db.Judgement(
        key=key, task_id=lease.task_id, project_id=lease.project_id, person_id=lease.person_id, state=state, repeat=lease.repeat,
        answer=stored(answer), shown=lease.shown, source="label", guideline=lease.guideline, app_version=app_version, created_at=now,
    )  # fmt: skip


def stored(answer: Answer) -> dict[str, Any]:
    """An answer as the table holds it: what was not said is left out."""
    return answer.model_dump(exclude_defaults=True)


def _seconds(value: float) -> float:
    return min(max(value, 0.0), LONGEST_SECONDS) if math.isfinite(value) else 0.0


def undo(ws: Workspace, project_id: int, person_id: int, key: str, now: datetime | None = None) -> LeaseInfo | None:
    """Take back the person's newest judgement or skip: they hold that task again, in the order in which it stood, with what they had said.

    As often as there is something to take back; None when there is not. A skipped item whose places went to others is
    passed over. Raises `FeedbackError` while the project is not open.
    """
    with ws.db.write() as session:
        row = take_back(session, find(session, project_id), person_id, key, now or db.now())
        return leases.info(session, row) if row else None


def take_back(session: Session, project: db.Project, person_id: int, key: str, now: datetime) -> db.Lease | None:
    """`undo` inside the caller's write transaction."""
    known = _known(session, key, person_id)
    if known is not None:
        again = select(db.Lease).where(db.Lease.person_id == person_id, db.Lease.undone_id == known.supersedes_id)
        return session.scalar(again) if known.supersedes_id is not None else None
    if project.state != "open":
        raise FeedbackError(f"{project.name} is {project.state}: nothing in it can be changed.", "Ask the person who leads it to open it.")
    undone = _newest(session, project.id, person_id, now)
    if undone is None:
        return None
    _withdraw(session, undone, key, now)
    for old in session.scalars(select(db.Lease).where(db.Lease.task_id == undone.task_id, db.Lease.person_id == person_id)).all():
        session.delete(old)
    session.flush()
    return leases.give_again(session, project, undone, now)


def _newest(session: Session, project_id: int, person_id: int, now: datetime) -> db.Judgement | None:
    j = db.Judgement
    mine = select(j).where(j.person_id == person_id, j.project_id == project_id, j.source == "label", j.state != "withdrawn")
    mine = mine.where(~superseded(j)).order_by(j.id.desc()).limit(1)
    row = session.scalar(mine)
    while row is not None and row.state == "skipped" and not leases.place_left(session, row.task_id, row.repeat, person_id, now):
        row = session.scalar(mine.where(j.id < row.id))
    return row


def withdraw(ws: Workspace, judgement_id: int, person_id: int, key: str, now: datetime | None = None) -> JudgementInfo:
    """Take back one judgement of the person's own without holding its task again."""
    with ws.db.write() as session:
        known = _known(session, key, person_id)
        if known is None:
            row = session.get(db.Judgement, judgement_id)
            if row is None or row.person_id != person_id or row.state == "withdrawn":
                raise NotFoundError(f"There is no judgement {judgement_id} of yours to take back.", "Reload the page.")
            _refuse_superseded(session, row)
            known = _withdraw(session, row, key, now or db.now())
        return _one(session, known)


def _withdraw(session: Session, row: db.Judgement, key: str, now: datetime) -> db.Judgement:
    back = db.Judgement(
        key=key, task_id=row.task_id, project_id=row.project_id, person_id=row.person_id, state="withdrawn", reason=row.reason,
        supersedes_id=row.id, repeat=row.repeat, answer=row.answer, shown=row.shown, source=row.source, guideline=row.guideline,
        app_version=VERSION, created_at=now,
    )  # fmt: skip
    _add(session, back)
    return back


def record(
    ws: Workspace,
    task_id: int,
    person_id: int,
    answer: Answer,
    source: str,
    key: str,
    supersedes: int | None = None,
    shown: list[int] | None = None,
    **more: Any,
) -> JudgementInfo:
    """Store a judgement from elsewhere; see `record_all`. `more` are the other fields of `NewJudgement`."""
    return record_all(ws, [NewJudgement(task_id, person_id, answer, source, key, supersedes, shown, **more)])[0]


def record_all(ws: Workspace, rows: Sequence[NewJudgement]) -> list[JudgementInfo]:
    """Store judgements from elsewhere, all or none: imported, from a chat, simulated, or an `adjudication`.

    They count towards a task's overlap and are not held back by it; adjudications do not count, and take the place of the task's earlier
    one. Raises `FeedbackError` for a second judgement by the same person that neither supersedes the first nor is a repeat.
    """
    with ws.db.write() as session:
        return infos(session, [_record(session, new).id for new in rows])


def _record(session: Session, new: NewJudgement) -> db.Judgement:
    known = _known(session, new.key, new.person_id)
    if known is not None:
        return known
    task = find_task(session, new.task_id)
    check(new.answer, ProjectSettings(**session.get_one(db.Project, task.project_id).settings), len(task.candidates))
    shown = new.shown if new.shown is not None else list(range(len(task.candidates)))
    if sorted(shown) != list(range(len(task.candidates))):
        raise FeedbackError(f"{shown} is no order of {len(task.candidates)} answers.", "Name each position once, from 0.")
    old = _to_supersede(session, new)
    if old is None and not new.repeat and new.source != ADJUDICATION and leases.had(session, task.id, new.person_id):
        raise FeedbackError("This person has judged this item already.", "Name the judgement that the new one takes the place of.")
    row = db.Judgement(
        key=new.key, task_id=task.id, project_id=task.project_id, person_id=new.person_id, state="judged",
        supersedes_id=old.id if old else None, repeat=new.repeat, answer=stored(new.answer), shown=shown, source=new.source,
        guideline=new.guideline or leases.guideline_now(session, task.project_id), active_seconds=_seconds(new.active_seconds),
        wall_seconds=_seconds(new.wall_seconds), app_version=VERSION, created_at=new.created_at or db.now(),
    )  # fmt: skip
    _add(session, row)
    return row


def _to_supersede(session: Session, new: NewJudgement) -> db.Judgement | None:
    j = db.Judgement
    if new.supersedes is None:
        if new.source != ADJUDICATION:
            return None
        standing = select(j).where(j.task_id == new.task_id, j.source == ADJUDICATION, j.state == "judged", ~superseded(j))
        return session.scalar(standing.order_by(j.id.desc()).limit(1))
    old = session.get(j, new.supersedes)
    if old is None or old.task_id != new.task_id or (old.source == ADJUDICATION) != (new.source == ADJUDICATION):
        raise FeedbackError(f"There is no judgement {new.supersedes} of this item.", "Reload the page.")
    if old.person_id != new.person_id and new.source != ADJUDICATION:
        raise FeedbackError("A judgement can be changed only by the person who gave it.", "Add one of your own.")
    _refuse_superseded(session, old)
    return old


def _refuse_superseded(session: Session, row: db.Judgement) -> None:
    if session.scalar(select(db.Judgement.id).where(db.Judgement.supersedes_id == row.id)) is not None:
        raise FeedbackError("This judgement was changed or taken back in the meantime.", "Reload the page to see what stands now.")


def _known(session: Session, key: str, person_id: int) -> db.Judgement | None:
    """The row that was stored under this key, if the act was sent before."""
    if not 0 < len(key) <= LONGEST_KEY or any("\ud800" <= letter <= "\udfff" for letter in key):
        raise FeedbackError(
            "The act has no usable key of its own.", f"Send a text of up to {LONGEST_KEY} characters that is new for each act."
        )
    known = session.scalar(queries.known, {"key": key})
    row = session.get_one(db.Judgement, known) if known is not None else None
    if row is not None and row.person_id != person_id:
        raise FeedbackError("This key names an act of somebody else.", "Reload the page.")
    return row


def _add(session: Session, row: db.Judgement, lease: db.Lease | None = None) -> None:
    """Add a row, end the lease that it answers, and count the task anew."""
    session.add(row)
    if lease is not None:
        session.delete(lease)
    session.flush()
    session.execute(queries.recount, {"task": row.task_id})


def _one(session: Session, row: db.Judgement) -> JudgementInfo:
    return infos(session, [row.id])[0]
