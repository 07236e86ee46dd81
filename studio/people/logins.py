"""Logging in and out. A browser holds a random token in its cookie; the database holds the token's SHA-256.

Passwords that do not match are counted for each name and address within the last minute, in the memory of the server.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, select

from studio.db import LoginSession, Person, now
from studio.errors import AccessError
from studio.people import memory, passwords
from studio.people.accounts import info
from studio.people.roles import PersonInfo
from studio.workspace import Workspace

SESSION_DAYS = 14
FAILURES = 5
FAILURES_FROM_ADDRESS = 100
FAILURE_SECONDS = 60.0


class LockedOut(AccessError):
    """Too many wrong passwords within a minute."""


def log_in(ws: Workspace, name: str, password: str, address: str = "") -> str:
    """A token for the browser of somebody who knows their password; raises `AccessError`, `LockedOut` after five failures within a minute.

    A try counts as a failure until it succeeded, so that tries at the same moment are counted too.
    """
    name = " ".join(name.split())
    _failures.begin(ws.root, name, address)
    with ws.db.read() as session:
        person = session.scalar(select(Person).where(Person.name == name, Person.deleted_at.is_(None)))
    if not passwords.matches(person.password_hash if person else None, password) or person is None:
        raise AccessError("The name or the password is wrong.", "Try again, or ask an admin for a new password.")
    _failures.clear(ws.root, name, address)
    token = secrets.token_urlsafe(32)
    ends = now() + timedelta(days=SESSION_DAYS)
    with ws.db.write() as session:
        session.execute(delete(LoginSession).where(LoginSession.expires_at < now()))
        session.add(LoginSession(token_sha256=_fingerprint(token), person_id=person.id, expires_at=ends))
    return token


def person_of_token(ws: Workspace, token: str) -> PersonInfo | None:
    """Who is logged in with that token; None when it is unknown or too old, or its person was removed."""
    fingerprint = _fingerprint(token)
    known = memory.person(ws, fingerprint)
    if known is not None:
        return known
    with ws.db.read() as session:
        found = session.scalar(
            select(Person)
            .join(LoginSession, LoginSession.person_id == Person.id)
            .where(LoginSession.token_sha256 == fingerprint, LoginSession.expires_at > now(), Person.deleted_at.is_(None))
        )
    if found is None:
        return None
    memory.keep_person(ws, fingerprint, info(found))
    return info(found)


def remembered(ws: Workspace, token: str) -> PersonInfo | None:
    """Who is logged in with that token, if that was read a moment ago; never waits."""
    return memory.person(ws, _fingerprint(token))


def log_out(ws: Workspace, token: str) -> None:
    """End the session of that token, if there is one."""
    with ws.db.write() as session:
        session.execute(delete(LoginSession).where(LoginSession.token_sha256 == _fingerprint(token)))
    memory.forget(ws)


class _Failures:
    """When somebody tried to log in within the last minute and did not succeed, for each name and address, and each address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tries: dict[tuple[Path, str, str], list[float]] = {}

    def begin(self, root: Path, name: str, address: str) -> None:
        """Count a try; raises `LockedOut` when there were too many."""
        moment = time.monotonic()
        with self._lock:
            self._tries = {
                who: recent for who, tries in self._tries.items() if (recent := [at for at in tries if moment - at < FAILURE_SECONDS])
            }
            mine = self._tries.setdefault((root, name, address), [])
            theirs = [at for (_, _, origin), tries in self._tries.items() if origin == address for at in tries]
            for tries, most in ((mine, FAILURES), (theirs, FAILURES_FROM_ADDRESS)):
                if len(tries) >= most:
                    wait = int(FAILURE_SECONDS - (moment - min(tries))) + 1
                    raise LockedOut(f"{most} tries to log in failed within a minute.", f"Wait {wait} seconds, then try again.")
            mine.append(moment)

    def clear(self, root: Path, name: str, address: str) -> None:
        """Forget the tries of somebody who succeeded."""
        with self._lock:
            self._tries.pop((root, name, address), None)


_failures = _Failures()


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
