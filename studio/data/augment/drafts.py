"""Rows that a model wrote and that wait for a person: kept in the database, accepted or rejected one by one, then added as a version.

A draft names the dataset, the training row that it was made from and how. Accepting or rejecting is stored at once and can be taken back
until `add_accepted` makes a version of the accepted ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from studio.data import store
from studio.data.augment.apply import add_rows
from studio.data.schema import Row, prompt_text, to_table
from studio.data.store import VersionInfo
from studio.db import Dataset, Draft
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace

State = Literal["waiting", "accepted", "rejected", "added"]


@dataclass(frozen=True)
class DraftInfo:
    """One draft: the row that a model proposes, the row that it was made from, and what became of it."""

    id: int
    row: Row
    source: Row
    how: str
    model: str
    state: str
    created_at: datetime


def propose(ws: Workspace, ref: str, row: Row, source: Row, how: str, model: str) -> int:
    """Keep a draft of a training row; gives its id. Raises `DataError` when the row does not fit the dataset's kind."""
    info = store.get_version(ws, ref)
    to_table(info.kind, [row])
    with ws.db.write() as session:
        draft = Draft(dataset_id=_dataset(session, info.dataset), row=row, source=source, how=how, model=model, state="waiting")
        session.add(draft)
        session.flush()
        return draft.id


def drafts(ws: Workspace, ref: str, state: State | None = "waiting") -> list[DraftInfo]:
    """The drafts of a dataset in the order in which they were written; with `state=None`, all of them."""
    info = store.get_version(ws, ref)
    with ws.db.read() as session:
        wanted = select(Draft).where(Draft.dataset_id == _dataset(session, info.dataset)).order_by(Draft.id)
        found = session.scalars(wanted if state is None else wanted.where(Draft.state == state)).all()
        return [DraftInfo(d.id, d.row, d.source, d.how, d.model, d.state, d.created_at) for d in found]


def judge(ws: Workspace, ids: Iterable[int], state: Literal["waiting", "accepted", "rejected"], row: Row | None = None) -> int:
    """Accept, reject or take back drafts, one of them in a corrected form; gives how many changed. Added ones stay as they are."""
    if state not in get_args(State)[:3]:
        raise DataError(f"A draft cannot be {state!r}.", "Use waiting, accepted or rejected.")
    changed = 0
    with ws.db.write() as session:
        for draft in session.scalars(select(Draft).where(Draft.id.in_(list(ids)))):
            if draft.state == "added":
                continue
            changed += draft.state != state or (row is not None and draft.row != row)
            draft.state = state
            if row is not None:
                draft.row = row
    return changed


def add_accepted(ws: Workspace, ref: str, author: str = "") -> VersionInfo:
    """A new version with the accepted drafts in its training split, in their sources' groups.

    Raises `DataError` when none is accepted. A draft whose source is no longer among the training rows stays accepted; the step counts it.
    """
    info = store.get_version(ws, ref)
    accepted = drafts(ws, info.dataset, "accepted")
    if not accepted:
        raise DataError("No draft is accepted yet.", "Accept some drafts first; they then become training rows.")
    if not info.splits.get("train"):
        raise DataError(f"{info.ref} has no training rows.", "Drafts are added to the training split only.")
    rows = store.rows(ws, info.ref, "train", 0, info.splits["train"])
    places = {prompt_text(row, info.kind): place for place, row in reversed(list(enumerate(rows)))}
    placed = [(places[text], draft) for draft in accepted if (text := prompt_text(draft.source, info.kind)) in places]
    added = [(place, {**draft.row, "augmented": f"{draft.how} by {draft.model}"}) for place, draft in placed]
    if not added:
        raise DataError("The rows that the accepted drafts were made from are no longer in the training split.", "Write new drafts.")
    step: dict[str, Any] = {"kind": "augment", "settings": {"kind": "drafts"}, "skipped": len(accepted) - len(added)}
    version = add_rows(ws, info, rows, added, set(), step, author)
    with ws.db.write() as session:
        session.execute(update(Draft).where(Draft.id.in_([draft.id for _, draft in placed])).values(state="added"))
    return version


def _dataset(session: Session, name: str) -> int:
    found = session.scalar(select(Dataset.id).where(Dataset.name == name, Dataset.deleted_at.is_(None)))
    if found is None:
        raise NotFoundError(f"There is no dataset called {name}.", "Look at the list of datasets.")
    return found
