"""What the worker does to a run's row: takes it from the queue, ends it; and what is cleaned up when a workspace is opened.

Each function is one `BEGIN IMMEDIATE` transaction, so that two processes never take the same run.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from studio.db import Model, Run, now
from studio.models import registry
from studio.models.registry import ModelInfo
from studio.runs import owner
from studio.runs.store import RunInfo, get_run, mark_interrupted
from studio.workspace import Workspace

KEEP_DELETED = timedelta(days=7)


def claim_next(ws: Workspace) -> RunInfo | None:
    """Take the waiting run with the lowest position for this process and mark it running; `None` when none waits."""
    with ws.db.write() as session:
        waiting = select(Run).where(Run.state == "queued", Run.deleted_at.is_(None)).order_by(Run.position, Run.id).limit(1)
        row = session.scalar(waiting)
        if row is None:
            return None
        row.state, row.owner, row.message = "running", owner.this_process(), ""
        row.started_at, row.ended_at = now(), None
        name = row.name
    run = get_run(ws, name)
    run.folder.write_status(state="preparing", message="Starting")
    return get_run(ws, name)


def finish(ws: Workspace, run_id: int, state: str, message: str, summary: dict[str, Any]) -> RunInfo:
    """Write how a run ended."""
    with ws.db.write() as session:
        row = session.get_one(Run, run_id)
        row.state, row.message, row.summary = state, message, summary
        row.owner, row.ended_at = "", now()
        name = row.name
    return get_run(ws, name)


def interrupt_orphans(ws: Workspace) -> list[str]:
    """Mark as interrupted every running run whose process is gone; gives their names."""
    with ws.db.write() as session:
        orphans = [row for row in session.scalars(select(Run).where(Run.state == "running")) if not owner.is_alive(row.owner)]
        for row in orphans:
            mark_interrupted(row)
        return [row.name for row in orphans]


def purge(ws: Workspace) -> list[str]:
    """Remove the folders of runs that were deleted more than a week ago; the rows stay, so that numbers are not used twice."""
    with ws.db.read() as session:
        old = session.scalars(select(Run).where(Run.deleted_at < now() - KEEP_DELETED)).all()
    removed = [row for row in old if ws.absolute(row.folder).is_dir()]
    for row in removed:
        shutil.rmtree(ws.absolute(row.folder))
    return [row.name for row in removed]


def register(ws: Workspace, run: RunInfo, labels: list[str]) -> ModelInfo:
    """Put what a run made into the registry under the run's name; `labels` are a classifier's, in the order of its outputs.

    A run that was continued has changed the weights of the model that it registered before: that row keeps its name and gets the new facts.
    """
    recipe = run.recipe
    task = recipe.method.task
    kind = task if task != "causal" else "adapter" if recipe.adaptation.peft else "full"
    with ws.db.read() as session:
        before = session.scalar(select(Model.id).where(Model.run_id == run.id, Model.deleted_at.is_(None)).order_by(Model.id))
    made = registry.register_run_model(
        ws, run.name, kind, run.folder.model_path, recipe.model, run.id, {"labels": labels} if labels else None
    )
    if before is None:
        return made
    with ws.db.write() as session:
        old, new = session.get_one(Model, before), session.get_one(Model, made.id)
        old.info, old.kind, old.base_id = new.info, new.kind, new.base_id
        session.delete(new)
        name = old.name
    return registry.get_model(ws, name)
