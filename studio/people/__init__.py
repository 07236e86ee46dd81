"""Who works in a workspace: people, their roles, their accounts, and the browsers in which they are logged in.

On a machine of one's own nobody logs in: `local_person` is an admin. As soon as an admin with a password exists, everybody logs in
(`needs_login`). What a role allows stands in `roles.py`; accounts change in `accounts.py`; `logins.py` checks passwords and sessions.
"""

from studio.people.accounts import (
    add_person,
    get_person,
    known_person,
    list_people,
    local_person,
    needs_login,
    remove_person,
    restore_person,
    set_password,
    set_role,
)
from studio.people.logins import LockedOut, log_in, log_out, person_of_token
from studio.people.roles import ROLE_WORDS, ROLES, Act, PersonInfo, Role, may, require

__all__ = [
    "ROLES", "ROLE_WORDS", "Act", "LockedOut", "PersonInfo", "Role", "add_person", "get_person", "known_person", "list_people",
    "local_person", "log_in", "log_out", "may", "needs_login", "person_of_token", "remove_person", "require", "restore_person",
    "set_password", "set_role",
]  # fmt: skip
