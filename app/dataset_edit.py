"""Changing the rows of a version in place: the form of one row, and the bar that says what is not saved yet.

The form is HTML made from the row, whatever its kind; its script sends the row back as it stands. `row_of` reads it, `studio.data.edits`
checks and keeps it. To give a kind another field, add it to `SCALARS`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import html
from app.choices import static
from app.dataset_edit_script import SCRIPT
from studio.data import edits, store
from studio.data.schema import PROVENANCE, ROLES, SCHEMAS, SPLITS, TOOL_FIELDS, Row
from studio.errors import DataError
from studio.workspace import Workspace

MESSAGE_PARTS = {"messages": "Conversation", "prompt": "Prompt", "chosen": "Chosen", "rejected": "Rejected", "completion": "Answer"}
SCALARS = {"text": "Text", "label": "Label", "score": "Score", "margin": "Margin", "tools": "Tools, as JSON"}
ANSWER = [{"role": "assistant", "content": ""}]
QUESTION = [{"role": "user", "content": ""}]
BLANK: dict[str, Row] = {
    "chat": {"messages": QUESTION + ANSWER},
    "preference": {"prompt": QUESTION, "chosen": ANSWER, "rejected": ANSWER},
    "labelled": {"text": "", "label": ""},
    "text": {"text": ""},
    "prompt": {"prompt": QUESTION},
    "unpaired": {"prompt": QUESTION, "completion": ANSWER, "label": True},
    "ranking": {"prompt": QUESTION, "completions": [ANSWER, ANSWER], "ranks": [1, 2]},
    "rating": {"prompt": QUESTION, "completion": ANSWER, "score": 0.0},
}


class RowEditor(gr.HTML):
    """The form of one row, from `editor(...)`; listen with `.save(handler)`, whose event has `row` and `split`, and `.cancel(handler)`."""

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, js_on_load=SCRIPT, apply_default_css=False, **options)

    def get_block_name(self) -> str:
        return "html"


def editor(row: Mapping[str, Any], kind: str, title: str, splits: Sequence[str] = ()) -> str:
    """The form of a row; with `splits`, of a new one, which goes to one of them."""
    parts = [f'<div class="part">{html.esc(title)}</div>']
    if splits:
        parts.append(f'<label class="field">Split {_select("", splits, splits[0], "data-split")}</label>')
    parts += [_messages(name, row[name], words) for name, words in MESSAGE_PARTS.items() if name in SCHEMAS[kind].names]
    for number, answer in enumerate(row.get("completions") or []):
        rank = f'<label class="field">Rank <input type="number" min="1" data-rank value="{html.esc(row["ranks"][number])}"></label>'
        parts.append(_messages("completions", answer, f"Answer {number + 1}", rank))
    parts += [_scalar(name, row.get(name), kind) for name in SCALARS if name in SCHEMAS[kind].names or row.get(name) is not None]
    parts.append(
        '<div class="foot"><button type="button" class="act save" data-act="save">Keep this change</button>'
        '<button type="button" class="act" data-act="cancel">Cancel</button></div>'
    )
    return f'<div class="row-editor">{"".join(parts)}</div>'


def _messages(name: str, messages: Sequence[Mapping[str, Any]], title: str, extra: str = "") -> str:
    blocks = "".join(_message(message) for message in messages)
    return (
        f'<section class="edit-part" data-part="{name}"><div class="part">{html.esc(title)}</div>{extra}'
        f'<div class="edit-list">{blocks}</div>'
        f"<template>{_message({'role': 'user', 'content': ''})}</template>"
        '<button type="button" class="act" data-act="more">Add a message</button></section>'
    )


def _message(message: Mapping[str, Any]) -> str:
    kept = html.esc(json.dumps({name: message[name] for name in TOOL_FIELDS if message.get(name) is not None}))
    content = str(message.get("content") or "")
    return (
        f'<div class="edit-message" data-kept="{kept}"><div class="edit-head">{_select("Role", ROLES, str(message["role"]), "data-role")}'
        '<button type="button" class="act" data-act="less">Remove this message</button></div>'
        f"{_area(content, 'data-content', 'Message text')}</div>"
    )


def _select(label: str, names: Sequence[str], chosen: str, mark: str) -> str:
    options = "".join(f"<option{' selected' if name == chosen else ''}>{html.esc(name)}</option>" for name in names)
    return f'<select {mark} aria-label="{html.esc(label or "Split")}">{options}</select>'


def _area(text: str, mark: str, label: str) -> str:
    lines = min(14, max(2, text.count("\n") + 1 + len(text) // 110))
    return f'<textarea {mark} rows="{lines}" aria-label="{html.esc(label)}">\n{html.esc(text)}</textarea>'


def _scalar(name: str, value: Any, kind: str) -> str:
    mark = f'data-value="{name}"'
    if isinstance(value, bool):
        field = f'<input type="checkbox" {mark}{" checked" if value else ""}>'
        return f'<label class="field">{field} The answer is good</label>'
    if name in ("text", "tools"):
        return f'<div class="part">{SCALARS[name]}</div>{_area(str(value or ""), mark, SCALARS[name])}'
    shown = f"{value:.12g}" if isinstance(value, float) else str(value if value is not None else "")
    return f'<label class="field">{SCALARS[name]} <input type="text" {mark} value="{html.esc(shown)}"></label>'


def row_of(sent: Mapping[str, Any], kind: str) -> Row:
    """The row that the form sent. Raises `DataError` when a number is none; what it says is checked when it is kept."""
    row: Row = {}
    for name, value in sent.items():
        if name in ("score", "margin"):
            if str(value).strip():
                row[name] = _number(value, SCALARS[name])
        elif name == "ranks":
            row[name] = [int(_number(rank, "Rank")) for rank in value]
        elif name != "tools" or str(value).strip():
            row[name] = value
    return {name: value for name, value in row.items() if name not in PROVENANCE}


def _number(value: Any, title: str) -> float:
    try:
        return float(str(value).replace(",", "."))
    except ValueError as error:
        raise DataError(f"{title} is {value!r}, not a number.", "Write a number such as 3 or 0.5.") from error


def splits_for(info: store.VersionInfo) -> list[str]:
    """Where a new row can go, the version's own splits first."""
    return [*info.splits, *(side for side in SPLITS if side not in info.splits)]


@dataclass
class DraftBar:
    """What is not saved yet, and the buttons; `outputs` are filled by `show`. `newest` remembers the newest version that it named."""

    row: gr.Row
    words: gr.HTML
    save: gr.Button
    undo: gr.Button
    redo: gr.Button
    discard: gr.Button
    said: gr.HTML
    newest: gr.State

    @property
    def outputs(self) -> list[Any]:
        return [self.row, self.words, self.save, self.undo, self.redo, self.discard, self.newest]

    def show(self, ws: Workspace, ref: str) -> list[Any]:
        """Updates of `outputs` for the draft on top of a version."""
        if not ref:
            return [gr.update(visible=False), "", *[gr.skip()] * 4, 0]
        info, draft = store.get_version(ws, ref), edits.pending(ws, ref)
        newest, count = store.get_version(ws, info.dataset).number, len(draft.changes)
        words = f"{html.plural(count, 'change')} not yet saved." if count else "No changes to save."
        if count and newest != info.number:
            words += (
                f" Version {newest} is newer: version {newest + 1} would be version {info.number} with these changes, without its step."
            )
        return [
            gr.update(visible=bool(count) or draft.can_undo or draft.can_redo),
            f"<p>{html.esc(words)}</p>",
            gr.update(value=f"Save as version {newest + 1}", interactive=bool(count)),
            gr.update(interactive=draft.can_undo),
            gr.update(interactive=draft.can_redo),
            gr.update(interactive=bool(count)),
            newest,
        ]


def build_bar() -> DraftBar:
    """The bar, hidden while there is nothing to save or undo."""
    newest = gr.State(0)
    with gr.Row(visible=False, elem_classes="tools confirm", elem_id="data-draft") as row:
        words = static(elem_id="data-draft-words", scale=1, min_width=180)
        save = gr.Button("Save as a version", size="md", elem_id="data-draft-save", scale=0, min_width=150)
        undo = gr.Button("Undo", size="md", elem_id="data-draft-undo", scale=0, min_width=80)
        redo = gr.Button("Redo", size="md", elem_id="data-draft-redo", scale=0, min_width=80)
        discard = gr.Button("Discard", size="md", elem_id="data-draft-discard", scale=0, min_width=90)
    said = static(elem_id="data-draft-said")
    return DraftBar(row, words, save, undo, redo, discard, said, newest)
