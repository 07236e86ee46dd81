"""People and their accounts: who there is, and adding, changing and removing them.

People are removed softly: what they said stays and keeps their name. The first account with a password is an admin's, and the last such
account cannot be taken away, so that a server never falls back to letting everybody in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from studio.db import Lease, LoginSession, Person, now
from studio.errors import AccountError, NotFoundError
from studio.people import memory, passwords
from studio.people.roles import ROLES, PersonInfo, Role
from studio.workspace import Workspace

LONGEST_NAME = 80
UNNAMED = "local"
LOCAL = "local"
"""Stands where the hash of a token does, for the person who needs none."""


def list_people(ws: Workspace, removed: bool = False) -> list[PersonInfo]:
    """Everybody, by name; or those who were removed."""
    chosen = Person.deleted_at.is_not(None) if removed else Person.deleted_at.is_(None)
    with ws.db.read() as session:
        return [info(person) for person in session.scalars(select(Person).where(chosen).order_by(Person.name))]


def get_person(ws: Workspace, name: str) -> PersonInfo:
    """The person of that name, removed or not; raises `NotFoundError`."""
    with ws.db.read() as session:
        return info(_find(session, name))


def local_person(ws: Workspace) -> PersonInfo:
    """Whoever sits at this machine: an admin, made on first use under the name that versions give as their author."""
    known = memory.person(ws, LOCAL)
    if known is None:
        known = replace(known_person(ws, ws.owner or UNNAMED, "admin"), role="admin")
        memory.keep_person(ws, LOCAL, known)
    return known


def known_person(ws: Workspace, name: str, role: Role = "annotator") -> PersonInfo:
    """The person of that name, made without a password where there is none: the local person, and authors of imported votes."""
    name, role = _checked_name(name), _checked_role(role)
    query = select(Person).where(Person.name == name)
    with ws.db.read() as session:
        found = session.scalar(query)
    if found is not None:
        return info(found)
    with ws.db.write() as session:
        found = session.scalar(query)
        if found is None:
            found = Person(name=name, role=role)
            session.add(found)
            session.flush()
        return info(found)


def needs_login(ws: Workspace) -> bool:
    """Whether accounts are in use: an admin with a password exists."""
    known = memory.accounts(ws)
    if known is None:
        with ws.db.read() as session:
            known = bool(_account_admins(session))
        memory.keep_accounts(ws, known)
    return known


def add_person(ws: Workspace, name: str, role: Role = "annotator", password: str | None = None) -> PersonInfo:
    """Add somebody; without a password they cannot log in yet. A person who is known but never had a password (the local one, the author of
    imported votes) becomes the account, and what they said stays theirs. Raises `AccountError`."""
    name, role = _checked_name(name), _checked_role(role)
    stored = passwords.hashed(password) if password is not None else None
    with ws.db.write() as session:
        person = session.scalar(select(Person).where(Person.name == name))
        if person is not None and person.deleted_at is not None:
            raise AccountError(f"{name} was removed.", f"Choose another name, or restore {name}.")
        if person is not None and (person.password_hash is not None or stored is None):
            raise AccountError(f"{name} is there already.", "Choose another name, or change the role or the password.")
        if stored is not None:
            _refuse_first_account(session, role)
        if person is None:
            person = Person(name=name)
            session.add(person)
        person.role, person.password_hash = role, stored
        session.flush()
        added = info(person)
    memory.forget(ws)
    return added


def set_password(ws: Workspace, name: str, password: str) -> PersonInfo:
    """Give somebody a new password; wherever they were logged in, they are logged out."""
    stored = passwords.hashed(password)
    with ws.db.write() as session:
        person = _present(session, name)
        if person.password_hash is None:
            _refuse_first_account(session, person.role)
        person.password_hash = stored
        session.execute(delete(LoginSession).where(LoginSession.person_id == person.id))
        changed = info(person)
    memory.forget(ws)
    return changed


def set_role(ws: Workspace, name: str, role: Role) -> PersonInfo:
    """Give somebody another role; raises `AccountError` for the last admin who can log in."""
    role = _checked_role(role)
    with ws.db.write() as session:
        person = _present(session, name)
        if role != "admin":
            _refuse_last_admin(session, person)
        person.role = role
        changed = info(person)
    memory.forget(ws)
    return changed


def remove_person(ws: Workspace, name: str) -> PersonInfo:
    """Take somebody's access away: they are logged out, and what they were working on goes to others. Their judgements stay."""
    with ws.db.write() as session:
        person = _present(session, name)
        _refuse_last_admin(session, person)
        person.deleted_at = now()
        session.execute(delete(LoginSession).where(LoginSession.person_id == person.id))
        session.execute(delete(Lease).where(Lease.person_id == person.id))
        removed = info(person)
    memory.forget(ws)
    return removed


def restore_person(ws: Workspace, name: str) -> PersonInfo:
    """Give somebody who was removed their access back, with the role and the password that they had."""
    with ws.db.write() as session:
        person = _find(session, name)
        person.deleted_at = None
        restored = info(person)
    memory.forget(ws)
    return restored


def info(person: Person) -> PersonInfo:
    """The row as others see it."""
    can_log_in = person.password_hash is not None
    return PersonInfo(person.id, person.name, person.role, can_log_in, person.deleted_at is not None, person.created_at)


def _find(session: Session, name: str) -> Person:
    person = session.scalar(select(Person).where(Person.name == " ".join(name.split())))
    if person is None:
        raise NotFoundError(f"There is nobody named {name}.", "`luthier people list` shows who there is.")
    return person


def _present(session: Session, name: str) -> Person:
    """The person of that name, unless they were removed."""
    person = _find(session, name)
    if person.deleted_at is not None:
        raise NotFoundError(f"{person.name} was removed.", f"Restore {person.name} first.")
    return person


def _account_admins(session: Session) -> list[int]:
    """The ids of the admins who can log in."""
    able = select(Person.id).where(Person.role == "admin", Person.password_hash.is_not(None), Person.deleted_at.is_(None))
    return list(session.scalars(able))


def _refuse_first_account(session: Session, role: str) -> None:
    if role != "admin" and not _account_admins(session):
        raise AccountError("The first account with a password has to be an admin's.", "Add an admin first, then the others.")


def _refuse_last_admin(session: Session, person: Person) -> None:
    if _account_admins(session) == [person.id]:
        raise AccountError(f"{person.name} is the last admin who can log in.", "Make somebody else an admin first.")


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise AccountError(f"A name has 1 to {LONGEST_NAME} characters that can be printed.", "Choose another name.")
    return name


def _checked_role(role: str) -> Role:
    for known in get_args(Role):
        if role == known:
            return known
    raise AccountError(f"There is no role {role!r}.", f"Choose one of {', '.join(ROLES)}.")
