"""The tasks of projects as others read them: whole, with their candidates (`tasks`), or in outline (`outline`), and gold items.

`studio.feedback.projects` offers the same names. To tell more of a candidate, add a field to `CandidateInfo` and its column to `_INFO`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio import db
from studio.errors import FeedbackError, NotFoundError
from studio.workspace import Workspace

AT_ONCE = 500


@dataclass(frozen=True)
class CandidateInfo:
    """One output that people judge. `messages` is what followed the prompt where that is more than one answer."""

    id: int
    comparison_id: int
    prompt_index: int
    model: str
    sample: int
    text: str
    messages: list[dict[str, Any]] | None
    tokens: int
    seconds: float
    finish_reason: str
    provenance: dict[str, Any]


@dataclass(frozen=True)
class TaskInfo:
    """A task with its candidates, in the order that stored answers speak of. `gold` is the order that is known to be right, as ranks.

    `state` is `open`, `done` or `gold`; `judged` counts the people whose judgement counts.
    """

    id: int
    project_id: int
    prompt: list[dict[str, Any]]
    prompt_sha256: str
    side: str
    candidates: list[CandidateInfo]
    overlap: int
    judged: int
    state: str
    gold: list[int] | None


@dataclass(frozen=True)
class TaskOutline:
    """What statistics need of a task: for each candidate, in order, its `candidates` id, its model and the length of its text."""

    id: int
    project_id: int
    prompt_sha256: str
    side: str
    candidates: list[int]
    models: list[str]
    lengths: list[int]
    overlap: int
    judged: int
    state: str
    gold: list[int] | None


_INFO = (
    db.Candidate.id, db.Candidate.comparison_id, db.Candidate.prompt_index, db.Candidate.model, db.Candidate.sample, db.Candidate.text,
    db.Candidate.messages, db.Candidate.tokens, db.Candidate.seconds, db.Candidate.finish_reason, db.Candidate.provenance,
)  # fmt: skip
_OUTLINE = (db.Candidate.id, db.Candidate.model, func.length(db.Candidate.text))


def tasks(ws: Workspace, project_id: int, side: str = "", state: str = "") -> list[TaskInfo]:
    """The tasks of a project by number; those on one `side` or in one `state` only where that is given."""
    query = select(db.Task).where(db.Task.project_id == project_id).order_by(db.Task.id)
    query = query.where(db.Task.side == side) if side else query
    query = query.where(db.Task.state == state) if state else query
    with ws.db.read() as session:
        return _task_infos(session, list(session.scalars(query)))


def get_task(ws: Workspace, task_id: int) -> TaskInfo:
    """One task; raises `NotFoundError`."""
    with ws.db.read() as session:
        return _task_infos(session, [find_task(session, task_id)])[0]


def find_task(session: Session, task_id: int) -> db.Task:
    """The row of a task; raises `NotFoundError`."""
    row = session.get(db.Task, task_id)
    if row is None:
        raise NotFoundError(f"There is no task {task_id}.", "Choose one from the project's tasks.")
    return row


def _task_infos(session: Session, rows: list[db.Task]) -> list[TaskInfo]:
    known = {row[0]: CandidateInfo(*row) for row in _columns(session, _INFO, (id for row in rows for id in row.candidates))}
    return [
        TaskInfo(
            row.id, row.project_id, row.prompt, row.prompt_sha256, row.side, [known[id] for id in row.candidates], row.overlap, row.judged,
            row.state, _ranks(row.gold),
        )
        for row in rows
    ]  # fmt: skip


def outline(ws: Workspace, project_ids: Sequence[int]) -> list[TaskOutline]:
    """The tasks of several projects without prompts and texts, quick to read."""
    t = db.Task
    columns = (t.id, t.project_id, t.prompt_sha256, t.side, t.candidates, t.overlap, t.judged, t.state, t.gold)
    with ws.db.read() as session:
        rows = session.execute(select(*columns).where(t.project_id.in_(project_ids)).order_by(t.id)).all()
        known = {row[0]: row for row in _columns(session, _OUTLINE, (id for row in rows for id in row.candidates))}
    return [
        TaskOutline(
            id, project_id, sha256, side, candidates, [known[c][1] for c in candidates], [known[c][2] for c in candidates], overlap,
            judged, state, _ranks(gold),
        )
        for id, project_id, sha256, side, candidates, overlap, judged, state, gold in rows
    ]  # fmt: skip


def _columns(session: Session, columns: tuple[Any, ...], ids: Iterable[int]) -> list[Any]:
    wanted = sorted(set(ids))
    found: list[Any] = []
    for start in range(0, len(wanted), AT_ONCE):
        found += session.execute(select(*columns).where(db.Candidate.id.in_(wanted[start : start + AT_ONCE]))).all()
    return found


def _ranks(gold: dict[str, Any] | None) -> list[int] | None:
    return None if gold is None else list(gold["ranks"])


def set_gold(ws: Workspace, task_id: int, ranks: list[int] | None) -> TaskInfo:
    """Make a task a gold item, whose right order is known (1 is best, equal is a tie) and which everybody meets, or an ordinary one again.

    Judgements of gold items say how well people judge and never who is better. Raises `FeedbackError` when the ranks do not fit.
    """
    with ws.db.write() as session:
        task = find_task(session, task_id)
        if ranks is not None:
            _check_gold(ranks, len(task.candidates), session.get_one(db.Project, task.project_id).mode)
        task.gold = None if ranks is None else {"ranks": ranks}
        task.state = state_of(task)
    return get_task(ws, task_id)


def _check_gold(ranks: list[int], count: int, mode: str) -> None:
    if mode == "rating":
        raise FeedbackError("Ratings have no right order.", "Mark gold items in projects that compare answers.")
    if len(ranks) != count or any(not 1 <= rank <= count for rank in ranks):
        raise FeedbackError(f"{count} answers need {count} ranks from 1 to {count}.", "Give the best one 1; equal ranks are ties.")
    if mode in ("forced", "best") and ranks.count(min(ranks)) > 1:
        raise FeedbackError("Several answers share the first place, and people can choose only one.", "Say which one is best.")


def state_of(task: db.Task) -> str:
    """The state that follows from what stands in the row."""
    return "gold" if task.gold is not None else state_for(task.judged, task.overlap)


def state_for(judged: int, overlap: int) -> str:
    """The state of a task that is no gold item."""
    return "done" if judged >= overlap else "open"
