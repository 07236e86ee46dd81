"""Mappings that a person keeps: one YAML file each in the workspace's `mappings` folder, to use for the next file of that make."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml
from pydantic import ValidationError

from studio.data.mapping import PLACEHOLDER, Mapping
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}")


def folder(ws: Workspace) -> Path:
    """Where the mappings stand."""
    return ws.root / "mappings"


def save_mapping(ws: Workspace, name: str, mapping: Mapping) -> None:
    """Keep a mapping under a name; one that has the name already is replaced. Raises `DataError` for names that no file can have."""
    path = _path(ws, name)
    path.parent.mkdir(exist_ok=True)
    written = path.with_name(f".{path.name}.new")
    with written.open("w", encoding="utf-8") as file:
        yaml.safe_dump(mapping.model_dump(exclude_defaults=True), file, sort_keys=False, allow_unicode=True)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


def mappings(ws: Workspace) -> list[str]:
    """The names of the kept mappings, in the order of the alphabet."""
    return sorted((path.stem for path in folder(ws).glob("*.yaml") if NAME.fullmatch(path.stem)), key=str.casefold)


def load_mapping(ws: Workspace, name: str) -> Mapping:
    """The mapping of that name; raises `NotFoundError` when there is none, `DataError` when its file cannot be used."""
    path = _path(ws, name)
    if not path.is_file():
        known = ", ".join(mappings(ws))
        raise NotFoundError(f"There is no mapping called {name}.", f"There are: {known}." if known else "No mapping has been saved yet.")
    try:
        return Mapping.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise DataError(f"The mapping {path} cannot be read: {error}", "Mend the file, or delete it and save the mapping again.") from error


def delete_mapping(ws: Workspace, name: str) -> None:
    """Remove a kept mapping; what was imported with it stays. Raises `NotFoundError` when there is none."""
    path = _path(ws, name)
    if not path.is_file():
        raise NotFoundError(f"There is no mapping called {name}.", "Look at the list of saved mappings.")
    path.unlink()


def suggest_mappings(ws: Workspace, columns: list[str]) -> list[str]:
    """The kept mappings that fit a table: all columns that they read exist. Those that read most columns come first."""
    fitting: list[tuple[int, str]] = []
    for name in mappings(ws):
        try:
            needed = columns_read(load_mapping(ws, name), columns)
        except DataError:  # a file that someone broke: opening it by name says so
            continue
        if needed <= set(columns):
            fitting.append((-len(needed), name))
    return [name for _, name in sorted(fitting)]


def columns_read(mapping: Mapping, columns: list[str]) -> set[str]:
    """The columns that a mapping reads from a table with these columns."""
    read: set[str] = set()
    for source in (*mapping.sources().values(), *mapping.keep.values()):
        named = [] if source in columns else PLACEHOLDER.findall(source)
        read.update(named or [source])
    return read


def _path(ws: Workspace, name: str) -> Path:
    if not NAME.fullmatch(name):
        raise DataError(
            f"A mapping cannot be called {name!r}.", "Use up to 80 letters, digits, spaces, dots and hyphens; start with a letter or digit."
        )
    return folder(ws) / f"{name}.yaml"
