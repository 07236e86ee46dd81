"""The workspace's database file: opened, migrated after a backup, read and written in sessions.

What a person typed is never lost: WAL, `synchronous=FULL`, a 30 s busy timeout and `BEGIN IMMEDIATE` for writes.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from studio.errors import WorkspaceError

BUSY_SECONDS = 30
CONNECTIONS = 40
"""How many stay open: as many as there are requests at once, for opening one costs more than a vote. None is opened before it is needed."""


class Database:
    """The workspace's database file; opening it applies the migrations that it lacks, after a backup."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = _engine(path)
        self._writers = threading.RLock()
        try:
            self._migrate()
        except (DatabaseError, sqlite3.DatabaseError) as error:
            raise WorkspaceError(
                f"The database {path} cannot be opened: {error}.",
                "Restore it from a backup beside it (luthier.db.before-*), or choose another workspace with --workspace.",
            ) from error

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
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
        """A session that holds the write lock from its first statement; committed at the end, rolled back on an error.

        Writers of this process queue in Python: SQLite lets those that wait poll at growing intervals, and some would wait for seconds.
        """
        with self._writers, Session(self.engine.execution_options(immediate=True), expire_on_commit=False) as session, session.begin():
            yield session


def _engine(path: Path) -> Engine:
    options = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(f"sqlite:///{path}", connect_args=options, pool_size=CONNECTIONS)

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
