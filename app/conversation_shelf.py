"""Keeping conversations: save, reopen with what was said of the answers, delete with undo, and turn one into training data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import chat_feedback, html
from app.choices import Choices, key_of, static
from app.conversation import Talk, new_talk, stored
from app.gate import person_in
from app.guard import guarded, notice
from app.page import Page
from app.sampling_form import read
from studio.errors import DataError, StudioError
from studio.inference import conversations
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass
class Shelf:
    """`opened` is the event after which the page shows another conversation."""

    opened: Any


def saved_table(ws: Workspace, selected: int | None = None) -> str:
    """The saved conversations, the one last continued first."""
    rows = [(str(c.id), (html.shorten(c.title, 60), c.model)) for c in conversations.list_conversations(ws)]
    return html.table(
        [html.Column("Saved conversations"), html.Column("Model")],
        rows,
        selected=str(selected or ""),
        label="Saved conversations",
        empty="No conversation is saved yet.",
    )


def save(ws: Workspace, talk: Talk, models: list[str], system: str, sampling: Any) -> Talk:
    """Store each side that has an answer; the talk then knows the numbers under which its sides are kept."""
    ids = list(talk.get("saved") or [None, None])
    for side, model in enumerate(models):
        messages = stored(talk["sides"][side], system)
        if not any(m["role"] == "assistant" for m in messages):
            continue
        ids[side] = conversations.save_conversation(ws, model, messages, sampling, id=ids[side]).id
    if not any(ids):
        raise DataError("There is nothing to save yet.", "Write a message and wait for its answer.")
    return {**talk, "saved": ids}


def reopen(ws: Workspace, id: int) -> tuple[Talk, str, str]:
    """A stored conversation as a talk, its model and its system prompt."""
    info = conversations.get_conversation(ws, id)
    system = next((m["content"] for m in info.messages if m["role"] == "system"), "")
    said: list[dict[str, Any]] = [
        {"model": info.model, "system": system, **m} if m["role"] == "assistant" else dict(m)
        for m in info.messages
        if m["role"] != "system"
    ]
    return {**new_talk(), "sides": [said, []], "saved": [id, None]}, info.model, system


def build(page: Page, talk: gr.State, model: gr.Dropdown, second: gr.Dropdown, system: gr.Textbox, sampling: list[Any]) -> Shelf:
    ws = page.workspace
    removed = gr.State(None)
    with gr.Column(elem_id="chat-shelf"):
        keep = gr.Button("Save conversation", size="md", elem_id="chat-save")
        listing = Choices(elem_id="chat-saved", elem_classes="short-list")
        with gr.Row(elem_classes="tools"):
            remove = gr.Button("Delete this conversation", size="sm", variant="secondary", visible=False, elem_id="chat-delete")
            undo = gr.Button("Undo delete", size="sm", visible=False, elem_id="chat-undo")
    with gr.Column(elem_id="chat-training"):
        name = gr.Dropdown(
            [], label="Save into a dataset", info="Adds this conversation to its training rows; a new name makes a new dataset.",
            allow_custom_value=True, elem_id="chat-dataset",
        )  # fmt: skip
        side = gr.Radio([], label="Whose answers", visible=False, elem_id="chat-dataset-side")
        add = gr.Button("Add to the dataset", size="md", elem_id="chat-to-dataset")
        said = static(elem_id="chat-dataset-said")

    def keep_it(talk: Talk, first: str, other: str, system: str, *values: Any) -> tuple[Any, ...]:
        try:
            talk = save(ws, talk, [first, other] if other else [first], system, read(values))
        except DataError as error:
            return talk, gr.skip(), gr.skip(), notice(error)
        return talk, saved_table(ws, talk["saved"][0]), gr.update(visible=True), ""

    def open_it(request: gr.Request, event: gr.EventData) -> tuple[Any, ...]:
        found, name, system = reopen(ws, int(key_of(event)))
        found = chat_feedback.remember(ws, person_in(request).id, found)
        known = [n for _, n in page.model_choices()]
        chosen = gr.update(value=name) if name in known else gr.skip()
        return found, chosen, "", system, saved_table(ws, found["saved"][0]), gr.update(visible=True), ""

    def delete(talk: Talk) -> tuple[Any, ...]:
        ids = [i for i in talk.get("saved") or [] if i]
        gone = [conversations.delete_conversation(ws, i) for i in ids]
        return {**talk, "saved": None}, gone, saved_table(ws), gr.update(visible=False), gr.update(visible=bool(gone))

    def bring_back(gone: list[Any] | None) -> tuple[Any, ...]:
        for info in gone or []:
            conversations.restore_conversation(ws, info)
        return None, saved_table(ws), gr.update(visible=False)

    def add_it(talk: Talk, first: str, other: str, system: str, whose: str | None, dataset: str | None, *values: Any) -> tuple[Any, ...]:
        try:
            if not (dataset or "").strip():
                raise DataError("No dataset is named.", "Choose one, or write a new name.")
            talk = save(ws, talk, [first, other] if other else [first], system, read(values))
            picked = talk["saved"][1] if other and whose == other else talk["saved"][0]
            version = conversations.to_dataset(ws, [picked], str(dataset).strip())
        except StudioError as error:
            return talk, gr.skip(), notice(error), gr.skip()
        words = f"Added: {version.dataset} version {version.number} has {html.plural(version.rows, 'row')}."
        return talk, saved_table(ws, talk["saved"][0]), notice(words, "info"), gr.update(visible=True)

    def whose_answers(first: str, other: str) -> Any:
        return gr.update(choices=[first, other] if other else [], value=first if other else None, visible=bool(other))

    def refresh(talk: Talk) -> tuple[Any, Any]:
        from studio.data import store

        names = [v.dataset for v in store.list_datasets(ws) if v.kind == "chat"]
        return saved_table(ws, (talk.get("saved") or [None])[0]), gr.update(choices=names)

    settings = [model, second, system]
    keep.click(guarded(keep_it), [talk, *settings, *sampling], [talk, listing, remove, said], **QUIET)
    opened = listing.pick(guarded(open_it), None, [talk, model, second, system, listing, remove, said], **QUIET)
    remove.click(guarded(delete), talk, [talk, removed, listing, remove, undo], **QUIET)
    undo.click(guarded(bring_back), removed, [removed, listing, undo], **QUIET)
    add.click(guarded(add_it), [talk, *settings, side, name, *sampling], [talk, listing, said, remove], **QUIET)
    gr.on([model.change, second.change], guarded(whose_answers), [model, second], side, **QUIET)
    page.refreshes("chat", refresh, [listing, name], [talk])
    return Shelf(opened)
