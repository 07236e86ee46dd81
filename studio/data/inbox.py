"""The workspace's inbox: a folder into which a person copies files that are too large, or too many, to upload.

Only what lies in it is offered and opened through the page, whatever name is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.data.formats import ARCHIVES, READABLE
from studio.errors import DataError
from studio.workspace import INBOX_NOTE, Workspace

MOST_FILES = 500


@dataclass(frozen=True)
class InboxFile:
    """One file: `name` is its path inside the inbox, `format` its extension without the dot (`csv`, `jsonl.gz`)."""

    name: str
    path: Path
    bytes: int
    format: str


def inbox(ws: Workspace) -> list[InboxFile]:
    """The files in the inbox that can be imported, by name. Hidden files and the folders of models are left out."""
    found = [_file(ws, path) for path in _walk(ws.inbox) if _is_inside(ws, path)]
    return sorted(found, key=lambda file: file.name.casefold())[:MOST_FILES]


def inbox_file(ws: Workspace, name: str) -> Path:
    """The file of this name in the inbox. Raises `DataError` for one that is not there or lies outside."""
    path = ws.inbox / name
    if not _is_inside(ws, path):
        raise DataError(f"{name} leads out of the workspace's inbox.", f"Copy the file into {ws.inbox} and choose it there.")
    if not path.is_file():
        raise DataError(f"There is no file {name} in the inbox.", f"Copy it into {ws.inbox} first.")
    return path


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == INBOX_NOTE:
            continue
        if path.is_dir() and not path.is_symlink() and not (path / "config.json").exists():
            yield from _walk(path)
        elif path.is_file() and path.suffix.lower() in READABLE:
            yield path


def _is_inside(ws: Workspace, path: Path) -> bool:
    """Whether the path stays in the inbox, links followed."""
    return path.resolve().is_relative_to(ws.inbox.resolve())


def _file(ws: Workspace, path: Path) -> InboxFile:
    suffixes = path.suffixes[-2:] if path.suffix.lower() in ARCHIVES and path.suffix.lower() != ".zip" else path.suffixes[-1:]
    return InboxFile(path.relative_to(ws.inbox).as_posix(), path, path.stat().st_size, "".join(suffixes).lstrip(".").lower())
