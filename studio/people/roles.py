"""Roles, and what each allows. To add a kind of act, name it in `Act` and `_ALLOWED`, and `require` it where it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from studio.errors import AccessError

Role = Literal["admin", "trainer", "annotator", "viewer"]
Act = Literal["label", "train", "administer", "view"]
ROLES: tuple[Role, ...] = get_args(Role)
ROLE_WORDS: dict[str, str] = {
    "admin": "Everything, accounts included",
    "trainer": "Everything but accounts",
    "annotator": "Labelling, and nothing else",
    "viewer": "The results of labelling, and nothing else",
}
_ALLOWED: dict[str, tuple[Act, ...]] = {
    "admin": ("label", "train", "administer", "view"),
    "trainer": ("label", "train", "view"),
    "annotator": ("label",),
    "viewer": ("view",),
}
_WORDS: dict[Act, str] = {
    "label": "label",
    "train": "change datasets, runs, models or projects",
    "administer": "change accounts",
    "view": "see the results",
}


@dataclass(frozen=True)
class PersonInfo:
    """Somebody who works in this workspace. `can_log_in` is whether they have a password."""

    id: int
    name: str
    role: str
    can_log_in: bool = False
    removed: bool = False
    created_at: datetime | None = None


def may(person: PersonInfo, act: Act) -> bool:
    """Whether the person's role allows `act`."""
    return act in _ALLOWED.get(person.role, ())


def require(person: PersonInfo, act: Act) -> PersonInfo:
    """The person, if their role allows `act`; raises `AccessError` otherwise."""
    if not may(person, act):
        raise AccessError(f"{person.name} has the role {person.role} and may not {_WORDS[act]}.", "Ask an admin for another role.")
    return person
