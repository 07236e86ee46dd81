"""The tables of datasets, models, runs, conversations and comparisons. Those of feedback stand in `feedback.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


def now() -> datetime:
    """The time in UTC, without a zone, as stored in every table."""
    return datetime.now(UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {dict[str, Any]: JSON(none_as_null=True), list[Any]: JSON(none_as_null=True)}


class Dataset(Base):
    """A named table that people curate; its rows live in its versions."""

    __tablename__ = "datasets"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]
    versions: Mapped[list[DatasetVersion]] = relationship(back_populates="dataset", order_by="DatasetVersion.number")


class DatasetVersion(Base):
    """One immutable state of a dataset: `folder` holds a Parquet file a split, `step` says how it was made and with which counts."""

    __tablename__ = "dataset_versions"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("dataset_versions.id"))
    number: Mapped[int]
    kind: Mapped[str]
    rows: Mapped[int]
    splits: Mapped[dict[str, Any]]
    folder: Mapped[str]
    step: Mapped[dict[str, Any]]
    sha256: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    dataset: Mapped[Dataset] = relationship(back_populates="versions")


class Draft(Base):
    """A training row that a model wrote, from the row `source`, and what a person made of it: waiting, accepted, rejected or added."""

    __tablename__ = "drafts"

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"), index=True)
    row: Mapped[dict[str, Any]]
    source: Mapped[dict[str, Any]]
    how: Mapped[str]
    model: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Model(Base):
    """Anything one can chat with or train from. `info` holds architecture, parameters, layers, context length, template, licence."""

    __tablename__ = "models"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    source: Mapped[str]
    path: Mapped[str]
    info: Mapped[dict[str, Any]] = mapped_column(default=dict)
    base_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]


class Run(Base):
    """One execution of a recipe. The folder holds what happened; this row holds its state and its place in the queue."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(index=True)
    position: Mapped[int] = mapped_column(default=0)
    recipe: Mapped[dict[str, Any]]
    folder: Mapped[str]
    owner: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    message: Mapped[str] = mapped_column(default="")
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Conversation(Base):
    """A saved chat: messages in order, the model and settings that answered."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    model: Mapped[str]
    messages: Mapped[list[Any]]
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Comparison(Base):
    """A prompt set answered by several models; its outputs are `Candidate` rows."""

    __tablename__ = "comparisons"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    models: Mapped[list[Any]]
    prompts: Mapped[list[Any]]
    settings: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]
    candidates: Mapped[list[Candidate]] = relationship(back_populates="comparison", order_by="Candidate.id")


class Candidate(Base):
    """One output of one model for one prompt, with everything needed to produce it again (`provenance`).

    `messages` is what followed the prompt where that is more than one answer: the model's answers and the user's turns between them.
    """

    __tablename__ = "candidates"

    id: Mapped[int] = mapped_column(primary_key=True)
    comparison_id: Mapped[int] = mapped_column(ForeignKey("comparisons.id"), index=True)
    prompt_index: Mapped[int]
    model: Mapped[str]
    sample: Mapped[int] = mapped_column(default=0)
    text: Mapped[str]
    messages: Mapped[list[Any] | None]
    tokens: Mapped[int]
    seconds: Mapped[float]
    finish_reason: Mapped[str]
    provenance: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    comparison: Mapped[Comparison] = relationship(back_populates="candidates")


class Preference(Base):
    """One remembered choice of the workspace, for example whether the network may be used."""

    __tablename__ = "preferences"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
