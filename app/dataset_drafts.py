"""Reviewing what a model wrote, draft by draft: take it, correct it, or leave it; the taken ones become a version."""

from __future__ import annotations

import copy
from typing import Any

import gradio as gr

from app import html
from app.choices import static
from app.guard import guarded, notice
from app.page import Page
from studio.data import store
from studio.data.augment import drafts
from studio.data.augment.drafts import DraftInfo
from studio.data.schema import Row
from studio.errors import StudioError
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def texts_of(row: Row) -> tuple[str, str]:
    """What a person may correct in a draft: its text or question, and its answer where it has one."""
    if "text" in row:
        return str(row["text"]), ""
    messages = row.get("messages") or row.get("prompt") or []
    question = next((m["content"] for m in messages if m["role"] == "user"), "")
    answer = messages[-1]["content"] if "messages" in row and messages[-1]["role"] == "assistant" else ""
    return str(question), str(answer)


def corrected(row: Row, text: str, answer: str) -> Row:
    """The draft with what the person wrote in place of what the model wrote."""
    row = copy.deepcopy(row)
    if "text" in row:
        return {**row, "text": text.strip()}
    messages = row.get("messages") or row["prompt"]
    next(m for m in messages if m["role"] == "user")["content"] = text.strip()
    if "messages" in row and messages[-1]["role"] == "assistant":
        messages[-1]["content"] = answer.strip()
    return row


def words_of(ws: Workspace, ref: str) -> str:
    """How many drafts wait, and how many were decided on."""
    states = [draft.state for draft in drafts.drafts(ws, ref, None)]
    if not states:
        return ""
    waiting, accepted, rejected = (states.count(state) for state in ("waiting", "accepted", "rejected"))
    note = f"{waiting:,} to review, {accepted:,} accepted, {rejected:,} rejected"
    return html.heading("Drafts", note)


def draft_html(draft: DraftInfo) -> str:
    """The row that a draft was made from, and who wrote it."""
    label = f"label {draft.row['label']}, " if "label" in draft.row else ""
    return html.muted(f"{label}{draft.how} by {draft.model}, from this row:") + html.row_view(draft.source)


class Drafts:
    """The components, as `Part` of `app/dataset_care.py` has them."""

    def __init__(self, outputs: list[Any], show: Any, changed: list[Any]) -> None:
        self.outputs, self.show, self.changed = outputs, show, changed


def build(page: Page, selected: gr.State) -> Drafts:
    ws = page.workspace
    number = gr.State(0)
    with gr.Column(visible=False, elem_id="drafts") as panel:
        heading = static(elem_id="drafts-heading")
        with gr.Column() as review:
            source = static(elem_id="draft-source")
            text = gr.Textbox("", label="Draft", lines=2, max_lines=10, elem_id="draft-text", info="Correct it if you like.")
            answer = gr.Textbox("", label="Answer", lines=2, max_lines=10, elem_id="draft-answer")
            with gr.Row(elem_classes="tools"):
                take = gr.Button("Accept", size="md", variant="primary", elem_id="draft-accept", scale=0, min_width=90)
                leave = gr.Button("Reject", size="md", elem_id="draft-reject", scale=0, min_width=90)
                rest = gr.Button("Accept the rest", size="md", elem_id="draft-rest", scale=0, min_width=130)
        with gr.Row(elem_classes="tools"):
            undo = gr.Button("Decide anew", size="sm", elem_id="draft-undo", scale=0, min_width=110)
            add = gr.Button("Add the accepted ones", size="md", elem_id="draft-add", scale=0, min_width=170)
        said = static(elem_id="draft-said")

    outputs = [panel, heading, review, number, source, text, answer, add, said]

    def show(ref: str) -> tuple[Any, ...]:
        everything = drafts.drafts(ws, ref, None) if ref else []
        open_ones = [draft for draft in everything if draft.state != "added"]
        if not open_ones:
            return gr.update(visible=False), *(gr.skip(),) * (len(outputs) - 1)
        accepted = sum(draft.state == "accepted" for draft in open_ones)
        button = gr.update(interactive=accepted > 0, value=f"Add {html.plural(accepted, 'accepted draft')}")
        first = next((draft for draft in open_ones if draft.state == "waiting"), None)
        if first is None:
            return gr.update(visible=True), words_of(ws, ref), gr.update(visible=False), 0, "", "", "", button, ""
        question, reply = texts_of(first.row)
        shown = gr.update(value=reply, visible="messages" in first.row)
        return gr.update(visible=True), words_of(ws, ref), gr.update(visible=True), first.id, draft_html(first), question, shown, button, ""

    def accept(ref: str, draft: int, text: str, answer: str) -> tuple[Any, ...]:
        found = next((each for each in drafts.drafts(ws, ref) if each.id == draft), None)
        if found is not None:
            if not text.strip():
                return (*(gr.skip(),) * (len(outputs) - 1), notice("The draft is empty. Write something, or reject it."))
            drafts.judge(ws, [draft], "accepted", corrected(found.row, text, answer))
        return show(ref)

    def reject(ref: str, draft: int) -> tuple[Any, ...]:
        drafts.judge(ws, [draft], "rejected")
        return show(ref)

    def accept_rest(ref: str) -> tuple[Any, ...]:
        drafts.judge(ws, [draft.id for draft in drafts.drafts(ws, ref)], "accepted")
        return show(ref)

    def again(ref: str) -> tuple[Any, ...]:
        drafts.judge(ws, [draft.id for draft in drafts.drafts(ws, ref, None)], "waiting")
        return show(ref)

    def add_them(ref: str) -> tuple[str, str]:
        try:
            return drafts.add_accepted(ws, store.get_version(ws, ref).ref).ref, ""
        except StudioError as error:
            return ref, notice(error)

    take.click(guarded(accept), [selected, number, text, answer], outputs, **QUIET)
    leave.click(guarded(reject), [selected, number], outputs, **QUIET)
    rest.click(guarded(accept_rest), selected, outputs, **QUIET)
    undo.click(guarded(again), selected, outputs, **QUIET)
    added = add.click(guarded(add_them), selected, [selected, said], **QUIET)
    return Drafts(outputs, show, [added])
