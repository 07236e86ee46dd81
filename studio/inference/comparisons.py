"""Comparisons as they are stored: listed, read prompt by prompt, renamed, deleted and brought back. No torch.

How one is made stands in `compare.py`; what people say about its outputs is kept in `studio/feedback`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio import db
from studio.errors import DataError, NotFoundError
from studio.inference.outputs import FinishReason, Messages
from studio.inference.sampling import Sampling
from studio.workspace import Workspace

LONGEST_NAME = 200


@dataclass(frozen=True)
class CandidateInfo:
    """One stored output. `duplicate_of` is the id of an earlier output to the same prompt with the same text; `error` is empty when all
    went well. `messages` is what followed the prompt where a whole conversation was answered, turn by turn; `text` then holds the model's
    answers, one below the other. `provenance` names model, weights, base, template, sampling settings and seed."""

    id: int
    comparison_id: int
    prompt_index: int
    model: str
    sample: int
    text: str
    tokens: int
    seconds: float
    finish_reason: FinishReason
    error: str
    duplicate_of: int | None
    provenance: dict[str, Any]
    messages: Messages | None = None


@dataclass(frozen=True)
class ComparisonInfo:
    """A comparison: its prompts, models and settings; `outputs` counts the candidates, which `list_comparisons` leaves out.

    `later` holds for each prompt what the person says after the first answer, where whole conversations are answered (`turns`).
    `generated` is whether every model was asked every prompt here; outputs from a chat or a file are collected as they come.
    """

    id: int
    name: str
    models: list[str]
    prompts: list[Messages]
    sampling: Sampling
    n: int
    created_at: datetime
    outputs: int
    candidates: list[CandidateInfo]
    turns: bool = False
    later: list[Messages] | None = None
    round: int = 1
    deleted_at: datetime | None = None
    generated: bool = True


def list_comparisons(ws: Workspace, deleted: bool = False) -> list[ComparisonInfo]:
    """All comparisons, newest first, without their outputs; with `deleted`, the deleted ones instead."""
    with ws.db.read() as session:
        counted = select(db.Candidate.comparison_id, func.count()).group_by(db.Candidate.comparison_id)
        counts = {row[0]: row[1] for row in session.execute(counted)}
        wanted = db.Comparison.deleted_at.is_not(None) if deleted else db.Comparison.deleted_at.is_(None)
        rows = session.scalars(select(db.Comparison).where(wanted).order_by(db.Comparison.id.desc()))
        return [_comparison(row, counts.get(row.id, 0), []) for row in rows]


def get_comparison(ws: Workspace, id: int, prompt: int | None = None) -> ComparisonInfo:
    """One comparison, deleted or not, with its outputs in the order in which they were made, or only those to prompt number `prompt`.

    Raises `NotFoundError`.
    """
    with ws.db.read() as session:
        row = _row(session, id)
        wanted = select(db.Candidate).where(db.Candidate.comparison_id == id)
        if prompt is not None:
            wanted = wanted.where(db.Candidate.prompt_index == prompt)
        candidates = [candidate_of(each) for each in session.scalars(wanted.order_by(db.Candidate.id))]
        count = select(func.count()).select_from(db.Candidate).where(db.Candidate.comparison_id == id)
        outputs = len(candidates) if prompt is None else session.scalar(count) or 0
        first: dict[tuple[int, str], int] = {}
        return _comparison(row, outputs, [replace(each, duplicate_of=duplicate_of(first, each)) for each in candidates])


def rename_comparison(ws: Workspace, id: int, name: str) -> ComparisonInfo:
    """Give a comparison another name. Raises `NotFoundError`, and `DataError` for an empty one."""
    words = " ".join(name.split())
    if not words or len(words) > LONGEST_NAME:
        raise DataError("A comparison needs a name.", f"Write one of up to {LONGEST_NAME} letters.")
    with ws.db.write() as session:
        _row(session, id).name = words
    return get_comparison(ws, id)


def delete_comparison(ws: Workspace, id: int) -> None:
    """Put a comparison aside with its outputs; judgements of them stay. `restore_comparison` brings it back. Raises `NotFoundError`."""
    with ws.db.write() as session:
        _row(session, id).deleted_at = db.now()


def restore_comparison(ws: Workspace, id: int) -> ComparisonInfo:
    """Bring a deleted comparison back. Raises `NotFoundError`."""
    with ws.db.write() as session:
        _row(session, id).deleted_at = None
    return get_comparison(ws, id)


def candidate_of(row: db.Candidate) -> CandidateInfo:
    """What a row says, without `duplicate_of`, which its neighbours decide."""
    return CandidateInfo(
        row.id, row.comparison_id, row.prompt_index, row.model, row.sample, row.text, row.tokens, row.seconds,
        row.finish_reason, row.provenance.get("error", ""), None, row.provenance, row.messages,  # type: ignore[arg-type]
    )  # fmt: skip


def duplicate_of(first: dict[tuple[int, str], int], candidate: CandidateInfo) -> int | None:
    """The id of the first output to the same prompt with the same text, if this is not it; `first` remembers them."""
    if candidate.finish_reason == "error":
        return None
    earlier = first.setdefault((candidate.prompt_index, candidate.text), candidate.id)
    return None if earlier == candidate.id else earlier


def _row(session: Session, id: int) -> db.Comparison:
    row = session.get(db.Comparison, id)
    if row is None:
        raise NotFoundError(f"There is no comparison {id}.", "Choose one from the list.")
    return row


def _comparison(row: db.Comparison, outputs: int, candidates: list[CandidateInfo]) -> ComparisonInfo:
    settings = row.settings
    return ComparisonInfo(
        row.id, row.name, row.models, row.prompts, Sampling(**settings.get("sampling", {})), settings.get("n", 1), row.created_at,
        outputs, candidates, settings.get("turns", False), settings.get("later"), settings.get("round", 1), row.deleted_at,
        "logits_sha256" in settings,
    )  # fmt: skip
