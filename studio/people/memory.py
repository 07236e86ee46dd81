"""What was read of accounts within the last seconds, so that a vote costs no query for its author.

A change in this process holds at once (`forget`), one that another process made after `SECONDS`. That accounts are in use is known for
good: the last admin cannot be taken away.
"""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path

from studio.people.roles import PersonInfo
from studio.workspace import Workspace

SECONDS = 2.0
_lock = threading.Lock()
_people: dict[tuple[Path, str], tuple[float, PersonInfo]] = {}
_accounts: dict[Path, tuple[float, bool]] = {}


def person(ws: Workspace, fingerprint: str) -> PersonInfo | None:
    """Who was logged in with that token's hash a moment ago, if that is known."""
    known = _people.get((ws.root, fingerprint))
    return known[1] if known is not None and time.monotonic() < known[0] else None


def keep_person(ws: Workspace, fingerprint: str, found: PersonInfo) -> None:
    moment = time.monotonic()
    with _lock:
        for key in [key for key, (until, _) in _people.items() if until <= moment]:
            del _people[key]
        _people[ws.root, fingerprint] = (moment + SECONDS, found)


def accounts(ws: Workspace) -> bool | None:
    """Whether accounts were in use a moment ago, if that is known."""
    known = _accounts.get(ws.root)
    return known[1] if known is not None and time.monotonic() < known[0] else None


def keep_accounts(ws: Workspace, used: bool) -> None:
    with _lock:
        _accounts[ws.root] = (math.inf if used else time.monotonic() + SECONDS, used)


def forget(ws: Workspace) -> None:
    """Drop what is known of that workspace."""
    with _lock:
        for key in [key for key in _people if key[0] == ws.root]:
            del _people[key]
        _accounts.pop(ws.root, None)
