"""The database: SQLAlchemy models on SQLite, and the sessions that read and write it.

What a person typed is never lost: WAL, `synchronous=FULL`, a 30 s busy timeout and `BEGIN IMMEDIATE` for writes. To change the
schema, change a model here and add a numbered step to `studio/migrations/versions`; a test compares the two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Engine, ForeignKey, UniqueConstraint, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from studio.errors import WorkspaceError

BUSY_SECONDS = 30


def now() -> datetime:
    """The time in UTC, without a zone, as stored in every table."""
    return datetime.now(UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}


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
    candidates: Mapped[list[Candidate]] = relationship(back_populates="comparison", order_by="Candidate.id")


class Candidate(Base):
    """One output of one model for one prompt, with everything needed to produce it again (`provenance`)."""

    __tablename__ = "candidates"

    id: Mapped[int] = mapped_column(primary_key=True)
    comparison_id: Mapped[int] = mapped_column(ForeignKey("comparisons.id"), index=True)
    prompt_index: Mapped[int]
    model: Mapped[str]
    sample: Mapped[int] = mapped_column(default=0)
    text: Mapped[str]
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


class Database:
    """The workspace's database file; opening it applies the migrations that it lacks, after a backup."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = _engine(path)
        try:
            self._migrate()
        except (DatabaseError, sqlite3.DatabaseError) as error:
            raise WorkspaceError(
                f"The database {path} cannot be opened: {error}.",
                "Restore it from a backup beside it (luthier.db.before-*), or choose another workspace with --workspace.",
            ) from error

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        newest = ScriptDirectory.from_config(config).get_current_head()
        with self.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        if current == newest:
            return
        if current is not None:
            self.backup(self.path.with_name(f"{self.path.name}.before-{newest}"))
        with self.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def backup(self, target: Path) -> None:
        """Write a consistent copy to `target` with SQLite's backup API (a plain file copy would miss what is still in the WAL)."""
        source = sqlite3.connect(self.path)
        copy = sqlite3.connect(target)
        with copy:
            source.backup(copy)
        copy.close()
        source.close()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; objects stay usable after it closes."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that holds the write lock from its first statement; committed at the end, rolled back on an error."""
        with Session(self.engine.execution_options(immediate=True), expire_on_commit=False) as session, session.begin():
            yield session


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # pysqlite must not begin transactions by itself; _begin does
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
