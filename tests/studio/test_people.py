"""People: roles, accounts that cannot lock everybody out, passwords, sessions, and tries that are counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from studio import people
from studio.db import LoginSession, Person
from studio.errors import AccessError, AccountError, NotFoundError
from studio.people import memory
from studio.workspace import Workspace

PASSWORD, OTHER = "right horse", "other horse"


def test_alone_on_a_machine_nobody_logs_in(workspace: Workspace) -> None:
    first = people.local_person(workspace)
    assert first.role == "admin"
    assert people.local_person(workspace) == first
    assert not people.needs_login(workspace)
    assert [person.name for person in people.list_people(workspace)] == [first.name]


def test_the_local_person_becomes_an_account_and_stays_the_same_person(workspace: Workspace) -> None:
    local = people.local_person(workspace)
    account = people.add_person(workspace, local.name, "admin", PASSWORD)
    assert account.id == local.id
    assert people.needs_login(workspace)
    with pytest.raises(AccountError, match="already"):
        people.add_person(workspace, local.name, "annotator", OTHER)


def test_there_is_always_an_admin_who_can_log_in(workspace: Workspace) -> None:
    with pytest.raises(AccountError, match="first account"):
        people.add_person(workspace, "ina", "annotator", PASSWORD)
    people.add_person(workspace, "ada", "admin", PASSWORD)
    people.add_person(workspace, "ina", "annotator", PASSWORD)
    people.add_person(workspace, "written by hand", "admin")
    for act in (lambda: people.remove_person(workspace, "ada"), lambda: people.set_role(workspace, "ada", "trainer")):
        with pytest.raises(AccountError, match="last admin"):
            act()
    people.set_role(workspace, "ina", "admin")
    people.remove_person(workspace, "ada")
    assert people.needs_login(workspace)


@pytest.mark.parametrize(
    ("name", "password"), [("", PASSWORD), ("a" * 81, PASSWORD), ("a\x00b", PASSWORD), ("ada", "short"), ("ada", "x" * 1001)]
)
def test_names_and_passwords_that_cannot_be(workspace: Workspace, name: str, password: str) -> None:
    with pytest.raises(AccountError):
        people.add_person(workspace, name, "admin", password)
    assert people.list_people(workspace) == []


def test_a_session_lasts_until_it_is_ended(workspace: Workspace) -> None:
    people.add_person(workspace, "ada", "admin", PASSWORD)
    people.add_person(workspace, "ina", "annotator", PASSWORD)
    token = people.log_in(workspace, " ina ", PASSWORD)
    assert people.person_of_token(workspace, token) == people.get_person(workspace, "ina")
    assert people.person_of_token(workspace, token + "x") is None
    with workspace.db.read() as session:
        kept = session.query(LoginSession.token_sha256).scalar()
        assert PASSWORD not in (session.query(Person.password_hash).filter(Person.name == "ina").scalar() or PASSWORD)
    assert token not in kept
    people.log_out(workspace, token)
    assert people.person_of_token(workspace, token) is None


def test_a_new_password_and_a_removal_end_every_session_at_once(workspace: Workspace) -> None:
    people.add_person(workspace, "ada", "admin", PASSWORD)
    people.add_person(workspace, "ina", "annotator", PASSWORD)
    token = people.log_in(workspace, "ina", PASSWORD)
    assert people.person_of_token(workspace, token) is not None
    people.set_password(workspace, "ina", OTHER)
    assert people.person_of_token(workspace, token) is None
    again = people.log_in(workspace, "ina", OTHER)
    assert people.person_of_token(workspace, again) is not None
    people.remove_person(workspace, "ina")
    assert people.person_of_token(workspace, again) is None
    with pytest.raises(AccessError, match="wrong"):
        people.log_in(workspace, "ina", OTHER)
    with pytest.raises(NotFoundError, match="removed"):
        people.set_role(workspace, "ina", "viewer")
    people.restore_person(workspace, "ina")
    assert people.person_of_token(workspace, people.log_in(workspace, "ina", OTHER)) is not None


def test_a_role_that_changes_holds_at_once(workspace: Workspace) -> None:
    people.add_person(workspace, "ada", "admin", PASSWORD)
    people.add_person(workspace, "ina", "admin", PASSWORD)
    token = people.log_in(workspace, "ina", PASSWORD)
    assert people.may(people.require(people.person_of_token(workspace, token), "administer"), "train")
    people.set_role(workspace, "ina", "annotator")
    ina = people.person_of_token(workspace, token)
    assert people.may(ina, "label")
    for act in ("train", "administer", "view"):
        with pytest.raises(AccessError, match="ina has the role annotator"):
            people.require(ina, act)


def test_the_sixth_try_within_a_minute_waits_even_with_the_right_password(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    people.add_person(workspace, "ada", "admin", PASSWORD)

    def attempt(number: int) -> type[Exception]:
        with pytest.raises(AccessError) as caught:
            people.log_in(workspace, "ada", f"guess {number}", "10.0.0.1")
        return caught.type

    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(attempt, range(12)))
    assert outcomes.count(people.LockedOut) == 7, "tries at the same moment are counted too"
    with pytest.raises(people.LockedOut, match="Wait"):
        people.log_in(workspace, "ada", PASSWORD, "10.0.0.1")
    assert people.log_in(workspace, "ada", PASSWORD, "10.0.0.2")
    monkeypatch.setattr("studio.people.logins.FAILURE_SECONDS", 0.0)
    assert people.log_in(workspace, "ada", PASSWORD, "10.0.0.1")


def test_what_another_process_changed_is_seen_after_a_moment(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SECONDS", -1.0)
    assert not people.needs_login(workspace)
    with workspace.db.write() as session:
        session.add(Person(name="ada", role="admin", password_hash="x"))
    assert people.needs_login(workspace)
