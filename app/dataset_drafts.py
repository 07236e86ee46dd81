"""Reviewing what a model wrote, draft by draft: take it, correct it, or leave it; the taken ones become a version."""

from __future__ import annotations

import copy
from typing import Any

import gradio as gr

from app import html
from app.choices import static
from app.dataset_part import Part
from app.guard import guarded, notice
from app.page import Page
from studio.data import store
from studio.data.augment import drafts
from studio.data.augment.drafts import DraftInfo
from studio.data.schema import Message, Row
from studio.errors import DataError, StudioError

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
STATES = (("waiting", "to review"), ("accepted", "accepted"), ("rejected", "rejected"), ("added", "added before"))


def _messages(row: Row) -> list[Message]:
    found: list[Message] = row.get("messages") or row.get("prompt") or []
    return found


def _question(row: Row) -> Message:
    """The message that a model rewrote: the first thing that the person says."""
    messages = _messages(row)
    return next((message for message in messages if message["role"] == "user"), messages[-1])


def has_answer(row: Row) -> bool:
    """Whether a draft holds an answer beside its question."""
    return "messages" in row and row["messages"][-1]["role"] == "assistant"


def texts_of(row: Row) -> tuple[str, str]:
    """What a person may correct in a draft: its text or question, and its answer where it has one."""
    if "text" in row:
        return str(row["text"]), ""
    return str(_question(row)["content"]), str(row["messages"][-1]["content"]) if has_answer(row) else ""


def corrected(row: Row, text: str, answer: str) -> Row:
    """The draft with what the person wrote in place of what the model wrote. Raises `DataError` when a part of it is empty."""
    if not text.strip():
        raise DataError("The draft is empty.", "Write something, or reject it.")
    if has_answer(row) and not answer.strip():
        raise DataError("The answer is empty.", "Write one, or reject the draft.")
    row = copy.deepcopy(row)
    if "text" in row:
        return {**row, "text": text.strip()}
    _question(row)["content"] = text.strip()
    if has_answer(row):
        row["messages"][-1]["content"] = answer.strip()
    return row


def words_of(found: list[DraftInfo]) -> str:
    """How many drafts wait, and how many were decided on."""
    states = [draft.state for draft in found]
    note = ", ".join(f"{states.count(state):,} {word}" for state, word in STATES if state == "waiting" or state in states)
    return html.heading("Drafts", note)


def source_html(draft: DraftInfo) -> str:
    """The row that a draft was made from, and who wrote it."""
    row = {name: value for name, value in draft.source.items() if name not in ("group", "augmented", "source")}
    words = f"{draft.how[:1].upper()}{draft.how[1:]} by {draft.model}, made from this row"
    return f'{html.muted(words)}<div class="row-source">{html.row_view(row)}</div>'


class Review:
    """The components and their handlers. `outputs` is what `drawn` fills; `past` holds the decisions that can be taken back."""

    def __init__(self, page: Page, selected: gr.State) -> None:
        self.ws, self.selected = page.workspace, selected
        self.number, self.past = gr.State(0), gr.State([])

    def lay_out(self) -> None:
        with gr.Column(visible=False, elem_id="drafts") as self.panel:
            self.heading = static(elem_id="drafts-heading")
            with gr.Row(elem_classes="columns") as self.both:
                with gr.Column(min_width=260):
                    self.source = static(elem_id="draft-source")
                with gr.Column(min_width=260):
                    self.text = gr.Textbox("", label="Draft", lines=2, max_lines=10, elem_id="draft-text", info="Correct it if need be.")
                    self.answer = gr.Textbox("", label="Answer", lines=2, max_lines=10, elem_id="draft-answer")
            with gr.Row(elem_classes="tools"):
                self.take = gr.Button("Accept", size="md", elem_id="draft-accept", scale=0, min_width=90)
                self.leave = gr.Button("Reject", size="md", elem_id="draft-reject", scale=0, min_width=90)
                self.rest = gr.Button("Accept the rest", size="md", elem_id="draft-rest", scale=0, min_width=130)
                self.undo = gr.Button("Undo", size="md", elem_id="draft-undo", scale=0, min_width=80)
                self.add = gr.Button("Add the accepted drafts", size="md", elem_id="draft-add", scale=0, min_width=190)
            self.said = static(elem_id="draft-said")

    @property
    def outputs(self) -> list[Any]:
        reviewed = [self.both, self.source, self.text, self.answer, self.take, self.leave, self.rest]
        return [self.panel, self.heading, self.number, self.past, *reviewed, self.undo, self.add, self.said]

    def drawn(self, ref: str, past: list[list[int]]) -> tuple[Any, ...]:
        """The next draft, or that all are decided; nothing when there is none to decide or to add."""
        everything = drafts.drafts(self.ws, ref, None) if ref else []
        waiting = [draft for draft in everything if draft.state == "waiting"]
        accepted = sum(draft.state == "accepted" for draft in everything)
        if not waiting and not accepted and not past:
            return gr.update(visible=False), "", 0, [], *(gr.skip(),) * (len(self.outputs) - 5), ""
        seen = gr.update(visible=bool(waiting))
        first: tuple[Any, ...] = (seen, "", "", gr.skip())
        if waiting:
            question, answer = texts_of(waiting[0].row)
            first = (seen, source_html(waiting[0]), question, gr.update(value=answer, visible=has_answer(waiting[0].row)))
        words = f"Add {html.plural(accepted, 'accepted draft')}" if accepted else "Add the accepted drafts"
        number, more = waiting[0].id if waiting else 0, gr.update(visible=len(waiting) > 1)
        after = gr.update(interactive=bool(past)), gr.update(interactive=accepted > 0, value=words)
        return gr.update(visible=True), words_of(everything), number, past, *first, seen, seen, more, *after, ""

    def show(self, ref: str) -> tuple[Any, ...]:
        return self.drawn(ref, [])

    def accept(self, ref: str, past: list[list[int]], number: int, text: str, answer: str, rest: bool = False) -> tuple[Any, ...]:
        """Accept the draft that is shown as the person left it, and with `rest` all others that wait."""
        waiting = drafts.drafts(self.ws, ref)
        done: list[int] = []
        for draft in waiting:
            if draft.id == number:
                try:
                    row = corrected(draft.row, text, answer)
                except StudioError as error:
                    return *(gr.skip(),) * (len(self.outputs) - 1), notice(error)
                drafts.judge(self.ws, [draft.id], "accepted", row)
                done.append(draft.id)
        if rest:
            others = [draft.id for draft in waiting if draft.id != number]
            drafts.judge(self.ws, others, "accepted")
            done += others
        return self.drawn(ref, [*past, done] if done else past)

    def accept_rest(self, ref: str, past: list[list[int]], number: int, text: str, answer: str) -> tuple[Any, ...]:
        return self.accept(ref, past, number, text, answer, rest=True)

    def reject(self, ref: str, past: list[list[int]], number: int) -> tuple[Any, ...]:
        changed = drafts.judge(self.ws, [number], "rejected")
        return self.drawn(ref, [*past, [number]] if changed else past)

    def take_back(self, ref: str, past: list[list[int]]) -> tuple[Any, ...]:
        """Undo the last decision."""
        if past:
            drafts.judge(self.ws, past[-1], "waiting")
        return self.drawn(ref, past[:-1])

    def add_them(self, ref: str) -> tuple[Any, str]:
        try:
            return drafts.add_accepted(self.ws, store.get_version(self.ws, ref).ref).ref, ""
        except StudioError as error:
            return gr.skip(), notice(error)


def build(page: Page, selected: gr.State) -> Part:
    """The panel, shown while there are drafts to decide on or to add."""
    it = Review(page, selected)
    it.lay_out()
    shown = [selected, it.past, it.number, it.text, it.answer]
    it.take.click(guarded(it.accept), shown, it.outputs, **QUIET)
    it.rest.click(guarded(it.accept_rest), shown, it.outputs, **QUIET)
    it.leave.click(guarded(it.reject), [selected, it.past, it.number], it.outputs, **QUIET)
    it.undo.click(guarded(it.take_back), [selected, it.past], it.outputs, **QUIET)
    added = it.add.click(guarded(it.add_them), selected, [selected, it.said], **QUIET)
    return Part(it.outputs, it.show, [added])
