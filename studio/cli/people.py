"""`luthier people`: who may log in, and what they may do. Passwords are typed twice or read from a file, never given as an option."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from studio import people as accounts
from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option
from studio.errors import AccountError
from studio.people import ROLE_WORDS, ROLES, PersonInfo, Role

ROLE = click.Choice(ROLES)


def password_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the ways to give a password; the command passes them to `_password`."""
    command = click.option("--password-stdin", "stdin", is_flag=True, help="Read the password from standard input.")(command)
    return click.option(
        "--password-file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read the password from a file."
    )(command)


def _password(file: Path | None, stdin: bool) -> str:
    """The password, without the end of its line."""
    if file is not None and stdin:
        raise AccountError("The password comes from two places.", "Give either --password-file or --password-stdin.")
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt="Once more"))


def _told(person: PersonInfo, words: str, as_json: bool) -> None:
    if as_json:
        emit_json(person)
    else:
        console.print(f"{person.name} ({person.role}) {words}.")


@click.group()
def people() -> None:
    """People: who may log in, and what they may do."""


@people.command("list")
@click.option("--removed", is_flag=True, help="Those who were removed.")
@json_option
@click.pass_obj
def list_(opener: Opener, removed: bool, as_json: bool) -> None:
    """Everybody who works in this workspace."""
    found = accounts.list_people(opener.studio.workspace, removed)
    if as_json:
        emit_json(found)
        return
    rows = [(person.name, person.role, "yes" if person.can_log_in else "no", ROLE_WORDS.get(person.role, "")) for person in found]
    emit_table("People", ("name", "role", "can log in", "may"), rows, "Nobody yet. Add an admin: luthier people add NAME --role admin")


@people.command()
@click.argument("name")
@click.option("--role", type=ROLE, default="annotator", show_default=True, help="What they may do.")
@password_options
@json_option
@click.pass_obj
def add(opener: Opener, name: str, role: Role, file: Path | None, stdin: bool, as_json: bool) -> None:
    """Add NAME, who can then log in. The first account has to be an admin's."""
    person = accounts.add_person(opener.studio.workspace, name, role, _password(file, stdin))
    _told(person, "can log in now", as_json)


@people.command()
@click.argument("name")
@click.argument("role", type=ROLE)
@json_option
@click.pass_obj
def role(opener: Opener, name: str, role: Role, as_json: bool) -> None:
    """Give NAME another ROLE."""
    person = accounts.set_role(opener.studio.workspace, name, role)
    _told(person, "has this role now", as_json)


@people.command()
@click.argument("name")
@password_options
@json_option
@click.pass_obj
def password(opener: Opener, name: str, file: Path | None, stdin: bool, as_json: bool) -> None:
    """Give NAME a new password; wherever they were logged in, they are logged out."""
    workspace = opener.studio.workspace
    accounts.get_person(workspace, name)
    person = accounts.set_password(workspace, name, _password(file, stdin))
    _told(person, "has a new password", as_json)


@people.command()
@click.argument("name")
@json_option
@click.pass_obj
def remove(opener: Opener, name: str, as_json: bool) -> None:
    """Take NAME's access away. What they judged stays."""
    person = accounts.remove_person(opener.studio.workspace, name)
    _told(person, f"was removed; luthier people restore '{person.name}' brings them back", as_json)


@people.command()
@click.argument("name")
@json_option
@click.pass_obj
def restore(opener: Opener, name: str, as_json: bool) -> None:
    """Give NAME, who was removed, their access back."""
    person = accounts.restore_person(opener.studio.workspace, name)
    _told(person, "is back", as_json)


COMMANDS = (people,)
