"""A lock on a file that one process holds at a time; the system frees it when that process ends, however it ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt


class FileLock:
    """An exclusive lock on `path`; two locks on one path exclude each other within a process too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def acquire(self) -> bool:
        """Take the lock if it is free; says whether it is held now. The file then names this process."""
        if self._file is not None:
            return True
        file = self.path.open("a+", encoding="utf-8")
        if not _lock(file):
            file.close()
            return False
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._file is not None:
            _unlock(self._file)
            self._file.close()
            self._file = None

    def holder(self) -> str:
        """The number of the process that took the lock last, as text; empty when nobody has."""
        try:
            return self.path.read_text(encoding="utf-8").strip()
        except OSError:
            return ""


def _lock(file: IO[str]) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            file.seek(0x7FFF0000)  # far behind the text, so that others can still read it
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def _unlock(file: IO[str]) -> None:
    """Free the lock for everybody: a forked child that still has the file open would otherwise keep it."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_UN)
    else:
        file.seek(0x7FFF0000)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
