"""Labelling projects: made from a comparison, listed, named, paused, deleted; their guidelines, tasks and gold items.

A project is what people are asked about one comparison. Its tasks are made at once (`items.py`), and handed out by `leases.py`. What a task
was judged is counted in `judgements.py`. To let something else than a comparison become tasks, make `NewItem`s and give them to
`create_project` or `add_items`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from studio import db
from studio.data import held_out
from studio.errors import FeedbackError, NotFoundError
from studio.feedback import items as drawing
from studio.feedback.items import NewItem
from studio.feedback.settings import ProjectSettings
from studio.feedback.tasks import CandidateInfo, TaskInfo, TaskOutline, get_task, outline, set_gold, state_for, tasks
from studio.workspace import Workspace

__all__ = [
    "CandidateInfo", "GuidelineInfo", "NewItem", "ProjectInfo", "TaskInfo", "TaskOutline", "add_items", "change_overlap", "create_project",
    "delete_project", "get_project", "get_task", "guidelines", "list_projects", "outline", "rename_project", "restore_project", "set_gold",
    "set_guidelines", "set_state", "tasks",
]  # fmt: skip

State = Literal["open", "paused", "closed"]
STATES = ("open", "paused", "closed")


@dataclass(frozen=True)
class GuidelineInfo:
    """One version of what annotators are told."""

    number: int
    text: str
    author: str
    created_at: datetime


@dataclass(frozen=True)
class ProjectInfo:
    """A project. `wanted` is how many judgements its tasks need, gold items left out, and `judged` how many of these are there."""

    id: int
    name: str
    comparison_id: int
    mode: str
    settings: ProjectSettings
    state: str
    round: int
    source: str
    created_by: str
    created_at: datetime
    models: list[str]
    tasks: int
    gold: int
    wanted: int
    judged: int
    guideline: GuidelineInfo | None
    deleted_at: datetime | None = None


def create_project(
    ws: Workspace,
    name: str,
    comparison_id: int,
    settings: ProjectSettings,
    guidelines: str = "",
    round: int = 1,
    created_by: str = "",
    source: str = "label",
    items: Sequence[NewItem] | None = None,
) -> ProjectInfo:
    """Make a project and its tasks from a comparison; `items` replaces those that the comparison itself gives, and may be empty.

    Raises `NotFoundError` for an unknown comparison, `FeedbackError` for a name that is taken and when no item can be made.
    """
    name = _checked_name(name)
    with ws.db.read() as session:
        comparison = _comparison(session, comparison_id)
        outputs = _outputs(session, comparison_id)
    made = list(items) if items is not None else drawing.items_of(comparison.prompts, outputs, comparison.models, settings)
    seen = held_out.seen_in_training(ws, comparison.models, [item.prompt for item in made])
    with ws.db.write() as session:
        _refuse_taken(session, name)
        row = db.Project(
            name=name, comparison_id=comparison_id, mode=settings.mode, settings=settings.model_dump(), state="open",
            round=round, source=source, created_by=created_by,
        )  # fmt: skip
        session.add(row)
        session.flush()
        _add_tasks(ws, session, row, made, seen)
        if guidelines.strip():
            session.add(db.Guideline(project_id=row.id, number=1, text=guidelines.strip(), author=created_by))
    return get_project(ws, row.id)


def add_items(ws: Workspace, project_id: int, items: Sequence[NewItem]) -> list[int]:
    """Add tasks to a project; gives their numbers."""
    with ws.db.read() as session:
        comparison = _comparison(session, find(session, project_id).comparison_id)
    seen = held_out.seen_in_training(ws, comparison.models, [item.prompt for item in items])
    with ws.db.write() as session:
        return _add_tasks(ws, session, find(session, project_id), items, seen)


def _add_tasks(ws: Workspace, session: Session, project: db.Project, items: Sequence[NewItem], seen: Iterable[str]) -> list[int]:
    settings = ProjectSettings(**project.settings)
    sides = held_out.sides_of(ws, [item.prompt for item in items], seen, session)
    before = session.scalar(select(func.count()).where(db.Task.project_id == project.id)) or 0
    overlaps = drawing.overlaps(settings, before + len(items))[before:]
    rows = [
        {
            "project_id": project.id, "prompt": item.prompt, "prompt_sha256": held_out.prompt_sha256(item.prompt), "side": side,
            "overlap": overlap, "judged": 0, "state": "open", "models": item.models, "candidates": item.candidates,
            "draw": drawing.coin(settings.seed, project.id, before + number),
        }
        for number, (item, side, overlap) in enumerate(zip(items, sides, overlaps, strict=True))
    ]  # fmt: skip
    adding = insert(db.Task).returning(db.Task.id, sort_by_parameter_order=True)
    return list(session.scalars(adding, rows)) if rows else []


def _comparison(session: Session, comparison_id: int) -> db.Comparison:
    row = session.get(db.Comparison, comparison_id)
    if row is None:
        raise NotFoundError(f"There is no comparison {comparison_id}.", "Choose one from the list.")
    return row


def _outputs(session: Session, comparison_id: int) -> list[drawing.Output]:
    c = db.Candidate
    query = select(c.id, c.prompt_index, c.model, c.text, c.messages, c.finish_reason).where(c.comparison_id == comparison_id)
    return [drawing.Output(*row) for row in session.execute(query.order_by(c.id))]


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise FeedbackError("The project has no name.", "Give it one.")
    return name


def _refuse_taken(session: Session, name: str) -> None:
    taken = session.scalar(select(db.Project).where(db.Project.name == name))
    if taken is not None:
        what = "A deleted project" if taken.deleted_at else "Another project"
        raise FeedbackError(f"{what} is called {name} already.", "Choose another name.")


def find(session: Session, id_or_name: int | str, deleted: bool = False) -> db.Project:
    """The row of a project by number or name; raises `NotFoundError`, also for a deleted one unless `deleted` is asked for."""
    row = session.scalar(select(db.Project).where(db.Project.name == id_or_name)) if isinstance(id_or_name, str) else None
    if row is None and str(id_or_name).isdigit():
        row = session.get(db.Project, int(id_or_name))
    if row is None or (row.deleted_at is not None) != deleted:
        raise NotFoundError(f"There is no {'deleted ' if deleted else ''}project {id_or_name}.", "Choose one from the list of projects.")
    return row


def get_project(ws: Workspace, id_or_name: int | str) -> ProjectInfo:
    """The project of that number or name; raises `NotFoundError`."""
    with ws.db.read() as session:
        return _infos(session, [find(session, id_or_name)])[0]


def list_projects(ws: Workspace, deleted: bool = False) -> list[ProjectInfo]:
    """All projects, newest first; or those that were deleted and can be restored."""
    wanted = db.Project.deleted_at.is_not(None) if deleted else db.Project.deleted_at.is_(None)
    with ws.db.read() as session:
        return _infos(session, list(session.scalars(select(db.Project).where(wanted).order_by(db.Project.id.desc()))))


def _infos(session: Session, rows: list[db.Project]) -> list[ProjectInfo]:
    ids = [row.id for row in rows]
    counts: dict[int, dict[str, Any]] = {id: {"models": set(), "tasks": 0, "gold": 0, "wanted": 0, "judged": 0} for id in ids}
    t = db.Task
    sums = (func.count(), func.sum(t.overlap), func.sum(func.min(t.judged, t.overlap)))
    for id, models, state, count, wanted, judged in session.execute(
        select(t.project_id, t.models, t.state, *sums).where(t.project_id.in_(ids)).group_by(t.project_id, t.state, t.models)
    ):
        one = counts[id]
        one["models"].update(models)
        one["tasks"] += count
        for key, number in (("gold", count),) if state == "gold" else (("wanted", wanted), ("judged", judged)):
            one[key] += number
    newest: dict[int, GuidelineInfo] = {}
    for guideline in session.scalars(select(db.Guideline).where(db.Guideline.project_id.in_(ids)).order_by(db.Guideline.number)):
        newest[guideline.project_id] = _guideline(guideline)
    return [_info(row, counts[row.id], newest.get(row.id)) for row in rows]


def _info(row: db.Project, counts: dict[str, Any], guideline: GuidelineInfo | None) -> ProjectInfo:
    return ProjectInfo(
        row.id, row.name, row.comparison_id, row.mode, ProjectSettings(**row.settings), row.state, row.round, row.source, row.created_by,
        row.created_at, sorted(counts["models"]), counts["tasks"], counts["gold"], counts["wanted"], counts["judged"], guideline,
        row.deleted_at,
    )  # fmt: skip


def set_state(ws: Workspace, project_id: int, state: State) -> ProjectInfo:
    """Open, pause or close a project. Only an open one hands out items; what somebody holds already may still be judged."""
    if state not in STATES:
        raise FeedbackError(f"A project cannot be {state}.", f"Choose one of {', '.join(STATES)}.")
    with ws.db.write() as session:
        find(session, project_id).state = state
    return get_project(ws, project_id)


def rename_project(ws: Workspace, project_id: int, name: str) -> ProjectInfo:
    """Give a project another name; raises `FeedbackError` when it is taken."""
    name = _checked_name(name)
    with ws.db.write() as session:
        row = find(session, project_id)
        if row.name != name:
            _refuse_taken(session, name)
            row.name = name
    return get_project(ws, project_id)


def delete_project(ws: Workspace, project_id: int) -> None:
    """Take a project off the list; its judgements stay, and `restore_project` brings it back."""
    with ws.db.write() as session:
        find(session, project_id).deleted_at = db.now()


def restore_project(ws: Workspace, project_id: int) -> ProjectInfo:
    """Bring a deleted project back as it was."""
    with ws.db.write() as session:
        find(session, project_id, deleted=True).deleted_at = None
    return get_project(ws, project_id)


def change_overlap(
    ws: Workspace, project_id: int, overlap: int | None = None, shared_overlap: int | None = None, shared_share: float | None = None
) -> ProjectInfo:
    """Ask more or fewer people for each item. Judgements beyond a lowered overlap stay and count."""
    changes = {"overlap": overlap, "shared_overlap": shared_overlap, "shared_share": shared_share}
    with ws.db.write() as session:
        row = find(session, project_id)
        settings = _changed(row.settings, {name: value for name, value in changes.items() if value is not None})
        row.settings = settings.model_dump()
        query = select(db.Task.id, db.Task.judged, db.Task.state).where(db.Task.project_id == row.id).order_by(db.Task.id)
        found = session.execute(query).all()
        changed = [
            {"id": id, "overlap": wanted, "state": state if state == "gold" else state_for(judged, wanted)}
            for (id, judged, state), wanted in zip(found, drawing.overlaps(settings, len(found)), strict=True)
        ]
        if changed:
            session.execute(update(db.Task), changed)
    return get_project(ws, project_id)


def _changed(settings: dict[str, Any], changes: dict[str, Any]) -> ProjectSettings:
    try:
        return ProjectSettings.model_validate({**settings, **changes})
    except ValidationError as error:
        first = error.errors()[0]
        title = ProjectSettings.model_fields[str(first["loc"][0])].title
        raise FeedbackError(f"{title}: {first['msg'][0].lower()}{first['msg'][1:]}.", "Choose another number.") from error


def set_guidelines(ws: Workspace, project_id: int, text: str, author: str = "") -> GuidelineInfo:
    """A new version of what annotators are told; the newest comes back when the text is the same."""
    with ws.db.write() as session:
        row, text = find(session, project_id), text.strip()
        newest = newest_guideline(session, row.id)
        if newest is None or newest.text != text:
            newest = db.Guideline(project_id=row.id, number=newest.number + 1 if newest else 1, text=text, author=author)
            session.add(newest)
    return _guideline(newest)


def guidelines(ws: Workspace, project_id: int) -> list[GuidelineInfo]:
    """All versions, the oldest first."""
    query = select(db.Guideline).where(db.Guideline.project_id == project_id).order_by(db.Guideline.number)
    with ws.db.read() as session:
        return [_guideline(row) for row in session.scalars(query)]


def newest_guideline(session: Session, project_id: int) -> db.Guideline | None:
    """The version that stands beside an item now."""
    return session.scalar(select(db.Guideline).where(db.Guideline.project_id == project_id).order_by(db.Guideline.number.desc()).limit(1))


def _guideline(row: db.Guideline) -> GuidelineInfo:
    return GuidelineInfo(row.number, row.text, row.author, row.created_at)
