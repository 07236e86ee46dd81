"""A file of JSON lines that is only ever added to: what is acknowledged has reached the disk, and one writer writes at a time.

A line that a crash cut short was never acknowledged; readers leave it out and the next writer removes it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt


class Journal:
    """The journal at `path`, which need not exist yet. Write only inside `locked()`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other writer, in this process or another, holds the journal, and hold it."""
        with self.path.with_suffix(".lock").open("a") as file:
            _lock(file)
            try:
                yield
            finally:
                _unlock(file)

    def entries(self) -> list[dict[str, Any]]:
        """All that was written, in order."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]

    def append(self, entry: dict[str, Any]) -> None:
        """Write one entry; it is on the disk when this returns."""
        line = json.dumps(entry, ensure_ascii=True, allow_nan=False).encode() + b"\n"
        new = not self.path.exists()
        with self.path.open("ab") as file:
            end = file.tell()
            if end and not self._ends_whole():
                file.truncate(self.path.read_bytes().rfind(b"\n") + 1)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync(self.path.parent)

    def _ends_whole(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(file: IO[str]) -> None:
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX)
    else:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)


def _unlock(file: IO[str]) -> None:
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_UN)
    else:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
