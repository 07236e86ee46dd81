"""Saved conversations: chats that a person keeps, and the way from them to training data. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from studio import db
from studio.data import store
from studio.data.store import VersionInfo
from studio.errors import DataError, NotFoundError
from studio.inference.sampling import Sampling
from studio.workspace import Workspace

Messages = list[dict[str, Any]]
TITLE_LENGTH = 60


@dataclass(frozen=True)
class ConversationInfo:
    """A saved chat: what was said in order, by which model, with which settings. A message has at least a role and a content; an answer may
    also say how it was made."""

    id: int
    title: str
    model: str
    messages: Messages
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime


def save_conversation(
    ws: Workspace, model: str, messages: Messages, sampling: Sampling | None = None, title: str = "", id: int | None = None
) -> ConversationInfo:
    """Save a conversation; with `id`, continue that one.

    What was saved is never overwritten: when `messages` do not begin with what conversation `id` already holds (an answer was made again, a
    question was edited), they become a new conversation. Raises `DataError` when nobody said anything, `NotFoundError` for an unknown `id`.
    """
    if not any(m["role"] == "user" for m in messages):
        raise DataError("There is nothing to save yet.", "Write a message first.")
    settings = sampling.model_dump() if sampling else {}
    with ws.db.write() as session:
        row = session.get(db.Conversation, id) if id is not None else None
        if id is not None and row is None:
            raise _missing(id)
        if row is not None and messages[: len(row.messages)] == row.messages:
            row.messages, row.model, row.settings, row.title = list(messages), model, settings, title or row.title
        else:
            row = db.Conversation(title=title or _title(messages), model=model, messages=list(messages), settings=settings)
            session.add(row)
    return _info(row)


def list_conversations(ws: Workspace) -> list[ConversationInfo]:
    """All saved conversations, the one last continued first."""
    with ws.db.read() as session:
        rows = session.scalars(select(db.Conversation).order_by(db.Conversation.updated_at.desc(), db.Conversation.id.desc()))
        return [_info(row) for row in rows]


def get_conversation(ws: Workspace, id: int) -> ConversationInfo:
    """One saved conversation. Raises `NotFoundError`."""
    with ws.db.read() as session:
        row = session.get(db.Conversation, id)
        if row is None:
            raise _missing(id)
        return _info(row)


def delete_conversation(ws: Workspace, id: int) -> ConversationInfo:
    """Delete a conversation for good and give it back, so that `restore_conversation` can undo it. Raises `NotFoundError`."""
    with ws.db.write() as session:
        row = session.get(db.Conversation, id)
        if row is None:
            raise _missing(id)
        info = _info(row)
        session.delete(row)
    return info


def restore_conversation(ws: Workspace, info: ConversationInfo) -> ConversationInfo:
    """Put a deleted conversation back, with the number it had if nobody else has it now."""
    with ws.db.write() as session:
        free = session.get(db.Conversation, info.id) is None
        row = db.Conversation(
            id=info.id if free else None, title=info.title, model=info.model, messages=info.messages, settings=info.settings,
            created_at=info.created_at,
        )  # fmt: skip
        session.add(row)
    return _info(row)


def to_dataset(ws: Workspace, conversation_ids: list[int], dataset_name: str) -> VersionInfo:
    """Append conversations to the training split of a chat dataset, as a new version; the dataset is made if there is none of that name.

    A conversation ends with its last answer there; one that the dataset already holds is not added again. Raises `DataError` when the
    dataset has another kind or nothing would be added.
    """
    found = [_row(get_conversation(ws, id)) for id in conversation_ids]
    rows = [row for row in found if row is not None]
    splits, existing = _splits(ws, dataset_name)
    held = [row["messages"] for split in splits.values() for row in split]
    new = [row for index, row in enumerate(rows) if row["messages"] not in held and row not in rows[:index]]
    if not new:
        raise DataError(
            "None of these conversations can be added: each lacks an answer, or the dataset already holds it.",
            "Choose conversations with at least one answer.",
        )
    splits["train"] = splits.get("train", []) + new
    step = {
        "kind": "conversations",
        "from": existing,
        "conversations": list(conversation_ids),
        "counts": {"read": len(conversation_ids), "kept": len(new)},
    }
    return store.add_version(ws, dataset_name, "chat", splits, step)


def _row(info: ConversationInfo) -> dict[str, Any] | None:
    """A chat row that ends with the last answer, or None when there is no answer."""
    last = max((i for i, m in enumerate(info.messages) if m["role"] == "assistant" and m["content"].strip()), default=None)
    return None if last is None else {"messages": [{"role": m["role"], "content": m["content"]} for m in info.messages[: last + 1]]}


def _splits(ws: Workspace, name: str) -> tuple[dict[str, list[dict[str, Any]]], str | None]:
    """The rows of the newest version of dataset `name` by split, and its reference; nothing when there is no such dataset."""
    try:
        version = store.get_version(ws, name)
    except NotFoundError:
        return {}, None
    if version.kind != "chat":
        raise DataError(f"The dataset {name} holds {version.kind} rows, not chats.", "Choose a chat dataset, or a new name.")
    return {split: store.rows(ws, version.ref, split, 0, count) for split, count in version.splits.items()}, version.ref


def _title(messages: Messages) -> str:
    words = " ".join(next(m["content"] for m in messages if m["role"] == "user").split())
    return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1].rstrip() + "…"


def _info(row: db.Conversation) -> ConversationInfo:
    return ConversationInfo(row.id, row.title, row.model, row.messages, row.settings, row.created_at, row.updated_at)


def _missing(id: int) -> NotFoundError:
    return NotFoundError(f"There is no conversation {id}.", "It may have been deleted; choose one from the list.")
