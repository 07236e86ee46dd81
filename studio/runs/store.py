"""The runs of a workspace: creating, listing, naming, ordering, stopping, continuing and deleting them.

The database holds a run's life (queued, running, completed, stopped, failed, interrupted) and its place in the queue; what happens while it
runs stands in its folder (`studio/runs/folder.py`), from which "paused" is read. How the worker takes a run and ends it is in
`studio/runs/lifecycle.py`. To allow another transition, add it to the function that makes it here and to `WHAT_NOW`.
"""

from __future__ import annotations

import re
import shutil
import threading
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.db import Model, Run, now
from studio.errors import NotFoundError, RunError
from studio.recipe import Recipe, parse
from studio.runs import owner
from studio.runs.folder import RunFolder
from studio.workspace import Workspace

STATES = ("queued", "running", "paused", "completed", "stopped", "failed", "interrupted")
CONTINUABLE = ("stopped", "interrupted", "failed")
WHAT_NOW = {
    "queued": "It waits in the queue: it can be stopped, moved or deleted.",
    "running": "It can be paused or stopped.",
    "paused": "It can be continued or stopped.",
    "completed": "It can be deleted, or its recipe started again as a new run.",
    "stopped": "It can be continued or deleted.",
    "failed": "It can be continued from its last checkpoint, or deleted.",
    "interrupted": "It can be continued from its last checkpoint, or deleted.",
}

queue_changed = threading.Condition()
"""Notified when a run is queued in this process, so that the worker need not wait for its next look."""


@dataclass(frozen=True)
class RunInfo:
    """A run as it stood when it was read. `position` is its place in the queue, from 1, and 0 when it does not wait there; `model` is the
    name of the model that it made, if any; `summary` holds its last figures."""

    id: int
    name: str
    state: str
    position: int
    values: dict[str, Any]
    path: Path
    note: str
    message: str
    summary: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    deleted_at: datetime | None
    model: str | None

    @cached_property
    def recipe(self) -> Recipe:
        """Its recipe, with dataset versions pinned; raises `RecipeError` when a newer Luthier no longer accepts it."""
        return parse(self.values)

    @cached_property
    def folder(self) -> RunFolder:
        """Its folder: metrics, log, status, samples, checkpoints, model."""
        return RunFolder(self.path)

    @property
    def finished(self) -> bool:
        """Whether it neither runs nor waits."""
        return self.state not in ("queued", "running", "paused")


def create_run(ws: Workspace, recipe: Recipe) -> RunInfo:
    """Queue a run of `recipe` at the end of the queue. Dataset names are pinned to versions, so that a later import changes nothing.

    Raises `RecipeError`, naming every field, when a dataset or the model does not exist or they do not suit the method.
    """
    from studio.runs.check import pinned

    recipe = pinned(ws, recipe)
    folder: Path | None = None
    try:
        with ws.db.write() as session:
            name = _free_name(ws, session, recipe.name)
            folder = ws.runs / name
            folder.mkdir()
            RunFolder(folder).write_recipe(recipe)
            row = Run(name=name, state="queued", position=_end_of_queue(session), folder=ws.relative(folder))
            row.recipe = recipe.model_dump(mode="json")
            session.add(row)
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    _announce()
    return get_run(ws, name)


def _free_name(ws: Workspace, session: Session, wanted: str) -> str:
    """`wanted` as a slug and the lowest number above all that runs, models and folders have used for it."""
    slug = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-") or "run"
    taken = [*session.scalars(select(Run.name)), *session.scalars(select(Model.name)), *(p.name for p in ws.runs.iterdir())]
    pattern = re.compile(rf"{re.escape(slug)}-(\d+)")
    numbers = [int(match[1]) for name in taken if (match := pattern.fullmatch(name))]
    return f"{slug}-{max(numbers, default=0) + 1}"


def _end_of_queue(session: Session) -> int:
    return (session.scalar(select(func.max(Run.position))) or 0) + 1


def _announce() -> None:
    with queue_changed:
        queue_changed.notify_all()


def list_runs(ws: Workspace, deleted: bool = False) -> list[RunInfo]:
    """All runs, newest first. `deleted` lists those that were deleted and can still be restored instead."""
    with ws.db.read() as session:
        wanted = Run.deleted_at.is_not(None) if deleted else Run.deleted_at.is_(None)
        rows = session.scalars(select(Run).where(wanted).order_by(Run.id.desc())).all()
        infos = _infos(ws, session, list(rows))
    return [info for info in infos if _restorable(info.path)] if deleted else infos


def get_run(ws: Workspace, name: str) -> RunInfo:
    """The run called `name`, deleted or not; raises `NotFoundError`."""
    with ws.db.read() as session:
        return _infos(ws, session, [_row(session, name)])[0]


def queue(ws: Workspace) -> list[RunInfo]:
    """The runs that wait, in the order in which they will be taken."""
    with ws.db.read() as session:
        return _infos(ws, session, _queued(session))


def _row(session: Session, name: str) -> Run:
    row = session.scalar(select(Run).where(Run.name == name))
    if row is None:
        raise NotFoundError(f"There is no run called {name} in this workspace.", "Look at the list of runs for its name.")
    return row


def _queued(session: Session) -> list[Run]:
    wanted = select(Run).where(Run.state == "queued", Run.deleted_at.is_(None))
    return list(session.scalars(wanted.order_by(Run.position, Run.id)).all())


def _infos(ws: Workspace, session: Session, rows: list[Run]) -> list[RunInfo]:
    places = {row.id: place for place, row in enumerate(_queued(session), start=1)}
    made = select(Model.run_id, Model.name).where(Model.run_id.in_([row.id for row in rows]), Model.deleted_at.is_(None))
    models: dict[int | None, str] = dict(session.execute(made).tuples().all())
    return [_info(row, ws.absolute(row.folder), places.get(row.id, 0), models.get(row.id)) for row in rows]


def _info(row: Run, path: Path, place: int, model: str | None) -> RunInfo:
    return RunInfo(
        id=row.id,
        name=row.name,
        state=_state(row, path),
        position=place,
        values=row.recipe,
        path=path,
        note=row.note,
        message=row.message,
        summary=row.summary,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        deleted_at=row.deleted_at,
        model=model,
    )


def _state(row: Run, path: Path) -> str:
    """The state in the database; a running run whose folder says that it is paused is paused."""
    if row.state == "running" and RunFolder(path).status().get("state") == "paused":
        return "paused"
    return row.state


def rename_run(ws: Workspace, name: str, new_name: str) -> RunInfo:
    """Give a run another name; its folder and its model keep theirs. Raises `RunError` when the name is taken or unusable."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,79}", new_name):
        raise RunError(
            f"{new_name!r} cannot be the name of a run.",
            "Use up to 80 letters, digits, spaces, dots, dashes and underscores, starting with a letter or digit.",
        )
    with ws.db.write() as session:
        row = _row(session, name)
        if new_name != name and session.scalar(select(Run.id).where(Run.name == new_name)) is not None:
            raise RunError(f"There is already a run called {new_name}.", "Choose another name.")
        row.name = new_name
    return get_run(ws, new_name)


def set_note(ws: Workspace, name: str, note: str) -> RunInfo:
    """Keep a person's note with a run."""
    with ws.db.write() as session:
        _row(session, name).note = note
    return get_run(ws, name)


def move_run(ws: Workspace, name: str, position: int) -> RunInfo:
    """Move a waiting run to a place in the queue, 1 being next; past the end means last. Raises `RunError` when it does not wait."""
    with ws.db.write() as session:
        row = _row(session, name)
        if row.state != "queued" or row.deleted_at is not None:
            raise RunError(f"{name} does not wait in the queue, so it has no place there.", WHAT_NOW[row.state])
        rows = [other for other in _queued(session) if other.id != row.id]
        rows.insert(max(position, 1) - 1, row)
        for place, other in enumerate(rows, start=1):
            other.position = place
    _announce()
    return get_run(ws, name)


def stop_run(ws: Workspace, name: str) -> RunInfo:
    """Stop a run: a waiting one leaves the queue at once, a running one saves at its next step and ends.

    Raises `RunError` when it neither waits nor runs.
    """
    with ws.db.write() as session:
        row = _active_row(session, name)
        if row.state == "queued":
            row.state, row.ended_at, row.message = "stopped", now(), "Stopped before it started."
        elif row.state == "running":
            RunFolder(ws.absolute(row.folder)).request("stop")
        else:
            raise RunError(f"{name} is {row.state}: there is nothing to stop.", WHAT_NOW[row.state])
    return get_run(ws, name)


def pause_run(ws: Workspace, name: str) -> RunInfo:
    """Ask a running run to wait after its next step. Raises `RunError` when it does not run."""
    with ws.db.write() as session:
        row = _active_row(session, name)
        state = _state(row, ws.absolute(row.folder))
        if state != "running":
            raise RunError(f"{name} is {state}: only a running run can be paused.", WHAT_NOW[state])
        RunFolder(ws.absolute(row.folder)).request("pause")
    return get_run(ws, name)


def resume_run(ws: Workspace, name: str) -> RunInfo:
    """Let a paused run go on, or queue a stopped, interrupted or failed one again; it continues from its newest complete checkpoint.

    Raises `RunError` when there is nothing to continue.
    """
    with ws.db.write() as session:
        row = _active_row(session, name)
        folder = RunFolder(ws.absolute(row.folder))
        if row.state == "running" and folder.wanted() == "pause":
            folder.request("run")
        elif row.state in CONTINUABLE:
            _refuse_descendants(session, name, _models_of(session, row), "continued")
            folder.request("run")
            row.position = _end_of_queue(session)
            row.state, row.message, row.ended_at = "queued", "", None
        else:
            raise RunError(f"{name} is {row.state}: there is nothing to continue.", WHAT_NOW[row.state])
    _announce()
    return get_run(ws, name)


def _active_row(session: Session, name: str) -> Run:
    """A run that is not deleted; one whose process has died is marked interrupted first."""
    row = _row(session, name)
    if row.deleted_at is not None:
        raise RunError(f"{name} was deleted.", "Restore it first.")
    if row.state == "running" and not owner.is_alive(row.owner):
        mark_interrupted(row)
    return row


def mark_interrupted(row: Run) -> None:
    """Note that the process which ran this run is gone."""
    row.state, row.owner, row.ended_at = "interrupted", "", now()
    row.message = "Its process ended before the run did. It continues from its last checkpoint."


def delete_run(ws: Workspace, name: str) -> None:
    """Put a run and its model away; both can be restored for a week, then the folder goes.

    Raises `RunError` while it runs, and while other models or waiting runs start from its model.
    """
    with ws.db.write() as session:
        row = _active_row(session, name)
        if row.state == "running":
            raise RunError(f"{name} is running and cannot be deleted.", "Stop it first.")
        models = _models_of(session, row)
        _refuse_descendants(session, name, models, "deleted")
        row.deleted_at = now()
        if row.state == "queued":
            row.state, row.ended_at, row.message = "stopped", now(), "Deleted before it started."
        for model in models:
            model.deleted_at = row.deleted_at


def _refuse_descendants(session: Session, name: str, models: list[Model], deed: str) -> None:
    """Raise `RunError` when other models, or runs under way, start from what this run made."""
    ids, names = {model.id for model in models}, {model.name for model in models}
    users = []
    for other in session.scalars(select(Model).where(Model.deleted_at.is_(None), Model.id.not_in(ids))):
        if other.base_id in ids or other.info.get("continued_from_id") in ids or other.info.get("continued_from") in names:
            users.append(other.name)
    active = session.scalars(select(Run).where(Run.state.in_(("queued", "running")), Run.deleted_at.is_(None)))
    users += [f"{run.name} ({run.state})" for run in active if run.recipe.get("model") in names]
    if users:
        raise RunError(f"{name} cannot be {deed}: {', '.join(users)} started from its model.", "Delete those first.")


def _models_of(session: Session, row: Run) -> list[Model]:
    return list(session.scalars(select(Model).where(Model.run_id == row.id, Model.deleted_at.is_(None))))


def _restorable(path: Path) -> bool:
    """Whether a run's folder has not been purged."""
    return (path / "recipe.yaml").is_file()


def restore_run(ws: Workspace, name: str) -> RunInfo:
    """Bring back a deleted run and its model. Raises `RunError` when it is not deleted or its folder is gone."""
    with ws.db.write() as session:
        row = _row(session, name)
        if row.deleted_at is None:
            raise RunError(f"{name} is not deleted.", WHAT_NOW[row.state])
        if not _restorable(ws.absolute(row.folder)):
            raise RunError(f"{name} was deleted more than a week ago and its folder is gone.", "Start its recipe as a new run.")
        for model in session.scalars(select(Model).where(Model.run_id == row.id, Model.deleted_at == row.deleted_at)):
            model.deleted_at = None
        row.deleted_at = None
    return get_run(ws, name)


def recover(ws: Workspace) -> list[str]:
    """Mark runs whose process is gone as interrupted and give their names; also removes folders deleted over a week ago.

    Nothing is started: waiting runs keep their order, and an interrupted one waits for a person to continue it.
    """
    from studio.runs.lifecycle import interrupt_orphans, purge

    purge(ws)
    return interrupt_orphans(ws)
