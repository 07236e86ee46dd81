"""The tables of human feedback: people, projects, tasks, leases, judgements."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from studio.db.tables import Base, now


class Person(Base):
    """Somebody who works in this workspace. Without a password nobody can log in as them: the local person, and those who were imported."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password_hash: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]


class LoginSession(Base):
    """A browser in which somebody is logged in; `token_sha256` is the hash of what its cookie holds."""

    __tablename__ = "login_sessions"

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class Project(Base):
    """A labelling project: what people are asked about the candidates of a comparison, and how. `settings` is a `ProjectSettings`."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    comparison_id: Mapped[int] = mapped_column(ForeignKey("comparisons.id"), index=True)
    mode: Mapped[str]
    settings: Mapped[dict[str, Any]]
    state: Mapped[str]
    round: Mapped[int] = mapped_column(default=1)
    source: Mapped[str] = mapped_column(default="label")
    created_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]


class Guideline(Base):
    """One version of what annotators of a project are told; judgements name its number."""

    __tablename__ = "guidelines"
    __table_args__ = (UniqueConstraint("project_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    number: Mapped[int]
    text: Mapped[str]
    author: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class PromptSide(Base):
    """On which side of the split a prompt is, for good: `train`, or `held_out`, which is never trained on."""

    __tablename__ = "prompt_sides"

    prompt_sha256: Mapped[str] = mapped_column(primary_key=True)
    side: Mapped[str]
    why: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Task(Base):
    """What one judgement is about: a prompt and its `candidates` (their ids, ascending) of `models` (their names, each once, sorted).

    `judged` counts the people whose judgement counts; `overlap` is how many are wanted; `state` is `open`, `done` or `gold`. `gold` holds
    the `ranks` that are known to be right. `draw` is the task's place in the random order in which tasks are handed out. The long column
    stands last, so that SQLite need not read over it.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_open", "project_id", "state", "draw", "side", "judged", "overlap"),
        Index("ix_tasks_models", "project_id", "state", "side", "models", "draw", "judged", "overlap"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    prompt_sha256: Mapped[str] = mapped_column(index=True)
    side: Mapped[str]
    overlap: Mapped[int]
    judged: Mapped[int] = mapped_column(default=0)
    state: Mapped[str]
    draw: Mapped[float]
    models: Mapped[list[Any]]
    candidates: Mapped[list[Any]]
    gold: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    prompt: Mapped[list[Any]]


class Lease(Base):
    """A task in the hands of one annotator until `expires_at`. `shown[position]` is the index of the candidate that stands there.

    `undone_id` is the judgement that was taken back to judge the task again; `guideline` is the version that stood beside it. A number is
    never used again, so that a page left open cannot answer for the item that came after.
    """

    __tablename__ = "leases"
    __table_args__ = (UniqueConstraint("task_id", "person_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    repeat: Mapped[int] = mapped_column(default=0)
    shown: Mapped[list[Any]]
    undone_id: Mapped[int | None] = mapped_column(ForeignKey("judgements.id"))
    guideline: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Judgement(Base):
    """What one annotator said of one task, or that they skipped or took it back. Rows are only ever added.

    `supersedes_id` names the row that this one takes the place of; a row that another supersedes no longer counts. `answer` is an `Answer`
    in the order of the task's candidates, `shown` the order in which they stood. `key` is the client's own name for the act, so that
    sending it twice stores it once. `repeat` is 1 when the annotator had judged the task before. `reason` says why somebody skipped it.
    Times are in seconds. `state` is `judged`, `skipped` or `withdrawn`; a withdrawn row repeats what it takes back.
    """

    __tablename__ = "judgements"
    __table_args__ = (
        Index("ix_judgements_person", "person_id", "project_id", "id", "source", "state", "reason", "supersedes_id", "created_at"),
        Index("ix_judgements_task", "task_id", "person_id"),
        Index("ix_judgements_supersedes", "supersedes_id", unique=True, sqlite_where=text("supersedes_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("judgements.id"))
    repeat: Mapped[int] = mapped_column(default=0)
    answer: Mapped[dict[str, Any]]
    shown: Mapped[list[Any]]
    source: Mapped[str] = mapped_column(default="label")
    guideline: Mapped[int] = mapped_column(default=0)
    active_seconds: Mapped[float] = mapped_column(default=0.0)
    wall_seconds: Mapped[float] = mapped_column(default=0.0)
    app_version: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
