"""Prompt sets: what the models of a comparison are asked. Typed, from the held-out rows of a dataset, or from a file. No torch.

Each gives a list of prompts, every prompt a list of messages; equal ones are asked once. To take prompts from another place, add a function
that gives such a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from studio.data import store
from studio.data.formats import ReadSettings, open_source
from studio.data.mapping import map_rows
from studio.data.recognise import guesses, recognise
from studio.data.store import VersionInfo
from studio.errors import DataError
from studio.inference.outputs import Messages
from studio.workspace import Workspace

KINDS = ("chat", "prompt", "preference", "unpaired", "ranking", "rating")
"""The kinds of rows that hold prompts."""

MOST_PROMPTS = 1000
MOST_ROWS = 20_000
"""How many rows of a file are looked at."""

PAGE = 200

Apart = Literal["whole", "lines", "blank lines"]
"""How the prompts in a typed text stand apart."""


def typed(text: str, system: str = "", apart: Apart = "blank lines", turns: bool = False) -> list[Messages]:
    """The prompts in `text`: one (`whole`), one a line, or with blank lines between. With `turns` the lines of a prompt are what the person
    says one after the other. Raises `DataError` when there is none."""
    blocks = {"whole": [text], "lines": text.splitlines(), "blank lines": re.split(r"\n[^\S\n]*\n", text)}[apart]
    prompts = []
    for block in (block.strip() for block in blocks):
        said = [line.strip() for line in block.splitlines() if line.strip()] if turns else [block] if block else []
        prompts.append([{"role": "user", "content": each} for each in said])
    return _ready(prompts, MOST_PROMPTS, system, DataError("The prompt is empty.", "Write what the models shall answer."))


def held_out_split(version: VersionInfo) -> str | None:
    """The split whose rows were not trained on: validation, else test."""
    return next((split for split in ("validation", "test") if version.splits.get(split)), None)


def held_out(ws: Workspace, ref: str, count: int = MOST_PROMPTS, system: str = "", turns: bool = False) -> list[Messages]:
    """The first `count` different prompts of a dataset's held-out split: each conversation up to its last answer, or with `turns` to its
    end. `system` stands before those that have no system prompt of their own. Raises `NotFoundError` and `DataError`."""
    version = store.get_version(ws, ref)
    split = held_out_split(version)
    if split is None:
        raise DataError(
            f"{ref} has no held-out rows.", "Make a version with a validation split in the tab Data, or choose another dataset."
        )
    pages = (store.rows(ws, version.ref, split, start, PAGE) for start in range(0, version.splits[split], PAGE))
    asked = (_asked(row, turns) for page in pages for row in page)
    return _ready(asked, count, system, DataError(f"The held-out rows of {ref} have no prompts.", "Choose a dataset of chats."))


def from_file(path: str | Path, count: int = MOST_PROMPTS, system: str = "", turns: bool = False) -> list[Messages]:
    """The first `count` different prompts of a file: a text with one a line, or a table or JSON lines whose columns are recognised as an
    import recognises them. Raises `DataError`."""
    file = Path(path)
    return _ready(
        (_asked(row, turns) for row in _rows_of(file)), count, system,
        DataError(f"{file.name} has no prompts.", "Write one a line, or a column named prompt."),
    )  # fmt: skip


def _rows_of(file: Path) -> Iterator[dict[str, Any]]:
    settings = ReadSettings(text_rows="line") if file.suffix.lower() in (".txt", ".text", ".md", ".markdown") else None
    with open_source(file, settings) as source:
        for part in source.parts:
            raw = part.head(MOST_ROWS)
            found = recognise(raw) or next((guess for guess in guesses(raw) if guess.mapping.kind in KINDS), None)
            if found is None:
                named = ", ".join(raw.columns)
                raise DataError(f"It is not clear which column of {part.name} holds the prompts: {named}.", "Name one of them prompt.")
            mapped = map_rows(raw, found.mapping)
            if not mapped.rows and mapped.bad_rows:
                bad = mapped.bad_rows[0]
                raise DataError(f"No row of {part.name} can be used. The first: line {bad.line}, {bad.reason}.", "Mend the file.")
            yield from mapped.rows


def _asked(row: dict[str, Any], turns: bool) -> Messages:
    """The messages of a row that are put to a model."""
    if "text" in row:
        return [{"role": "user", "content": str(row["text"]).strip()}]
    messages = list(row.get("prompt") or row.get("messages") or [])
    while messages and not turns and messages[-1]["role"] == "assistant":
        messages.pop()
    return [{"role": m["role"], "content": str(m.get("content") or "")} for m in messages]


def _ready(prompts: Iterable[Messages], count: int, system: str, none: DataError) -> list[Messages]:
    """The first `count` different prompts in which somebody asks something; raises `none` when there is not one."""
    found: dict[str, Messages] = {}
    front: Messages = [{"role": "system", "content": system.strip()}] if system.strip() else []
    for asked in prompts:
        if not any(message["role"] == "user" and message["content"].strip() for message in asked):
            continue
        whole = asked if asked[0]["role"] == "system" else [*front, *asked]
        found.setdefault(json.dumps(whole), whole)
        if len(found) >= count:
            break
    if not found:
        raise none
    return list(found.values())
