"""The newest act in a project, read in one step, so that a page can ask every few seconds whether there is something new."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from studio import db
from studio.workspace import Workspace


def newest(ws: Workspace, project_id: int) -> tuple[int, datetime | None]:
    """The number and the time (UTC) of the newest row of a project's judgements; 0 and None where there is none."""
    j = db.Judgement
    with ws.db.read() as session:
        row = session.execute(select(j.id, j.created_at).where(j.project_id == project_id).order_by(j.id.desc()).limit(1)).first()
    return (row.id, row.created_at) if row else (0, None)
