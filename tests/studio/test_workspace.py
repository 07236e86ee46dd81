"""The workspace opens where asked, its database is migrated, durable and backed up."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from studio.db import Base, Preference
from studio.errors import WorkspaceError
from studio.workspace import Workspace


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUTHIER_WORKSPACE", str(tmp_path / "mine"))
    assert Workspace().root == tmp_path / "mine"


def test_a_path_that_cannot_be_made_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="--workspace"):
        Workspace(tmp_path / "file" / "inside")


def test_a_damaged_database_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "luthier.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(WorkspaceError, match="backup"):
        Workspace(tmp_path)


def test_the_migrations_give_the_schema_of_the_models(workspace: Workspace) -> None:
    with workspace.db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_database_is_durable(workspace: Workspace) -> None:
    with workspace.db.engine.connect() as connection:
        values = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "busy_timeout")}
    assert values == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 30000}


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from studio.workspace import Workspace; from studio.db import Preference\n"
        "w = Workspace(sys.argv[1])\n"
        "with w.db.write() as s: s.add(Preference(key='k', value={'n': 1}))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9
    with Workspace(tmp_path).db.read() as session:
        found = session.get(Preference, "k")
    assert found is not None
    assert found.value == {"n": 1}


def test_concurrent_writers_lose_nothing(workspace: Workspace) -> None:
    with workspace.db.write() as session:
        session.add(Preference(key="count", value={"n": 0}))

    def add() -> None:
        for _ in range(10):
            with workspace.db.write() as session:
                row = session.get(Preference, "count")
                assert row is not None
                row.value = {"n": row.value["n"] + 1}

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with workspace.db.read() as session:
        row = session.get(Preference, "count")
        assert row is not None
        assert row.value == {"n": 40}


def test_an_error_rolls_back(workspace: Workspace) -> None:
    with pytest.raises(RuntimeError):
        with workspace.db.write() as session:
            session.add(Preference(key="half", value={}))
            raise RuntimeError
    with workspace.db.read() as session:
        assert session.get(Preference, "half") is None


def test_a_backup_holds_what_is_still_in_the_log(workspace: Workspace, tmp_path: Path) -> None:
    with workspace.db.write() as session:
        session.add(Preference(key="k", value={"n": 1}))
    workspace.db.backup(tmp_path / "copy.db")
    assert sqlite3.connect(tmp_path / "copy.db").execute("select count(*) from preferences").fetchone() == (1,)


def test_stored_paths_move_with_the_workspace(workspace: Workspace, tmp_path: Path) -> None:
    inside = workspace.models / "m"
    assert workspace.relative(inside) == "models/m"
    assert workspace.absolute("models/m") == inside
    outside = tmp_path / "elsewhere"
    assert workspace.absolute(workspace.relative(outside)) == outside
