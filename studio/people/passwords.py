"""Passwords as argon2id hashes, with the settings that OWASP recommends. At most two are worked on at once, for each costs a processor."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from studio.errors import AccountError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 8, 1000
AT_ONCE = 2
PASSES, KIB = 2, 19_456
_turn = threading.BoundedSemaphore(AT_ONCE)


def hashed(password: str) -> str:
    """What is stored of `password`; raises `AccountError` when it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(f"A password has {SHORTEST} to {LONGEST:,} characters.", "Choose another password.")
    with _turn:
        return _hasher().hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the one that `stored` was made of. Without a stored one the answer is no, and takes as long."""
    from argon2.exceptions import VerifyMismatchError

    if len(password) > LONGEST:
        return False
    with _turn:
        try:
            return _hasher().verify(stored or _decoy(), password) and stored is not None
        except VerifyMismatchError:
            return False


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=KIB, parallelism=1)


@cache
def _decoy() -> str:
    return _hasher().hash("nobody has this password")
