"""Where files come from besides an upload, and how they are read: the inbox of the workspace, and what a person may say about a file.

The fields are those of `ReadSettings`; only those that the file can use are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app import html
from studio.data.formats import READABLE, READERS, ReadSettings
from studio.data.inbox import inbox
from studio.data.readers.delimited import open_delimited
from studio.data.readers.json_rows import open_json
from studio.data.readers.text import open_plain
from studio.data.readers.workbook import open_workbook, sheet_names
from studio.errors import DataError
from studio.workspace import Workspace

WANTED = "Files: CSV, TSV, JSON, JSONL, Excel, Parquet, Arrow, text, Markdown, also in .zip or .gz"
FILE_TYPES = sorted({*READABLE, ".gz"})
ENCODINGS = [
    ("found out by itself", ""),
    *((name, name) for name in ("utf-8", "utf-16", "cp1252", "latin-1", "cp1251", "gb18030", "shift_jis", "big5")),
]
DELIMITERS = [("found out by itself", ""), ("comma", ","), ("semicolon", ";"), ("tab", "\\t"), ("bar |", "|"), ("colon", ":")]
TEXT_ROWS = [
    ("found out by itself", "auto"), ("a line", "line"), ("a paragraph", "paragraph"),
    ("a section under a heading", "section"), ("the whole file", "file"),
]  # fmt: skip
ANY_SHEET = ("the first with rows", "")
USED_BY: dict[str, tuple[Any, ...]] = {
    "encoding": (open_delimited, open_json, open_plain),
    "delimiter": (open_delimited,),
    "sheet": (open_workbook,),
    "text_rows": (open_plain,),
}


def inbox_table(ws: Workspace) -> str:
    """The files that lie in the inbox; choosing one looks at it as if it had been uploaded."""
    files = inbox(ws)
    if not files:
        return ""
    return html.table(
        [html.Column("In the workspace's inbox"), html.Column("Size", number=True)],
        [(file.name, (file.name, size_words(file.bytes))) for file in files],
        label="Files in the inbox",
    )


def size_words(count: int) -> str:
    """A file's size: `12 KB`, `3.4 GB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}" if count < 10 * size else f"{count / size:,.0f} {unit}"
    return f"{count} bytes"


@dataclass
class ReadingForm:
    """The fields about how a file is read, in the order in which handlers take them."""

    row: gr.Row
    fields: dict[str, gr.Dropdown]

    @property
    def values(self) -> list[Any]:
        return list(self.fields.values())

    @property
    def outputs(self) -> list[Any]:
        return [self.row, *self.fields.values()]


def reading_form() -> ReadingForm:
    """The fields, hidden until a file can use them."""
    choices: dict[str, list[Any]] = {"encoding": ENCODINGS, "delimiter": DELIMITERS, "sheet": [ANY_SHEET], "text_rows": TEXT_ROWS}
    with gr.Row(visible=False, elem_classes="tools", elem_id="import-reading") as row:
        fields = {
            name: gr.Dropdown(
                choices[name], value=spec.default, label=spec.title, info=spec.description, allow_custom_value=name == "encoding",
                visible=False, elem_id=f"import-{name.replace('_', '-')}", min_width=200,
            )
            for name, spec in ReadSettings.model_fields.items()
        }  # fmt: skip
    return ReadingForm(row, fields)


def reading_updates(path: Path, settings: ReadSettings, usable: bool) -> tuple[Any, ...]:
    """Updates of `ReadingForm.outputs` for a file: the fields that it can use, with what was said of it."""
    reader = READERS.get(path.suffix.lower())
    sheets = _sheets(path) if reader is open_workbook else []
    changes = []
    for name in ReadSettings.model_fields:
        shown = usable and reader in USED_BY[name] and (name != "sheet" or len(sheets) > 1)
        change = gr.update(value=getattr(settings, name), visible=shown)
        changes.append({**change, "choices": [ANY_SHEET, *((sheet, sheet) for sheet in sheets)]} if name == "sheet" else change)
    return (gr.update(visible=usable and any(change["visible"] for change in changes)), *changes)


def _sheets(path: Path) -> list[str]:
    try:
        return sheet_names(path)
    except DataError:  # what is wrong with the file is told where it is looked at
        return []


def settings_of(values: tuple[Any, ...]) -> ReadSettings:
    """What stands in the fields."""
    given = zip(ReadSettings.model_fields, values, strict=True)
    return ReadSettings.model_validate({name: value for name, value in given if value})
