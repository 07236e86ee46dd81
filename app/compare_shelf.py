"""The comparisons that there are: listed with a filter, opened, renamed, deleted with undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import comparison_view, html
from app.choices import Choices, static
from app.guard import guarded, notice
from app.page import Page, Step
from studio.errors import StudioError
from studio.inference import comparisons
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass
class Shelf:
    """`listing` is the table, `relist` the step (handler, inputs, outputs) that brings heading and table up to date; after the event
    `removed` nothing is open, after `restored` the comparison is again."""

    listing: Choices
    wanted: gr.Textbox
    relist: Step
    removed: Any
    restored: Any


def listed(ws: Workspace, opened: int | None, wanted: str = "") -> tuple[str, str]:
    """The heading with the count, and the table."""
    found = comparisons.list_comparisons(ws)
    return html.heading(f"Earlier comparisons ({len(found)})"), comparison_view.saved_table(found, opened, wanted)


def drawn(ws: Workspace, opened: int | None, wanted: str = "") -> tuple[Any, ...]:
    """Heading, table, the panel of the open comparison with its name, its question, and what was said there."""
    name = comparisons.get_comparison(ws, opened, prompt=0).name if opened else ""
    return *listed(ws, opened, wanted), gr.update(visible=bool(opened)), name, gr.update(visible=False), ""


def build(page: Page, opened: gr.State) -> Shelf:
    ws, gone = page.workspace, gr.State(None)
    with gr.Row(elem_classes="tools bar"):
        heading = static(elem_id="compare-heading", scale=1, min_width=160)
        wanted = gr.Textbox(
            "", placeholder="Filter by name or model", label="Filter", show_label=False, container=False, elem_id="compare-filter",
            scale=1, min_width=160,
        )  # fmt: skip
    listing = Choices(elem_id="compare-saved", elem_classes="short-list")
    with gr.Row(visible=False, elem_classes="tools confirm") as undo_bar:
        words = static(elem_id="compare-deleted", scale=1, min_width=140)
        undo = gr.Button("Undo", size="md", elem_id="compare-undo", scale=0, min_width=80)
    with gr.Accordion("Name, delete", open=False, elem_id="compare-care", visible=False) as care:
        with gr.Row(elem_classes="tools"):
            name = gr.Textbox("", label="Name", elem_id="compare-name", scale=2, min_width=180)
            rename = gr.Button("Rename", size="md", elem_id="compare-rename", scale=0, min_width=100)
        remove = gr.Button("Delete this comparison", size="sm", elem_id="compare-delete", elem_classes="quiet-danger")
        with gr.Row(visible=False, elem_classes="tools confirm") as confirm:
            static("<p>Delete it with its answers? It can be undone; judgements of it stay.</p>", scale=1, min_width=200)
            yes = gr.Button("Delete", size="md", elem_id="compare-delete-yes", elem_classes="danger", scale=0, min_width=90)
            no = gr.Button("Keep", size="md", elem_id="compare-delete-no", scale=0, min_width=90)
        said = static(elem_id="compare-said")
    shown = [heading, listing, care, name, confirm, said]

    def change_name(number: int, text: str, filtered: str) -> tuple[Any, ...]:
        try:
            comparisons.rename_comparison(ws, number, text)
        except StudioError as error:
            return *(gr.skip(),) * (len(shown) - 1), notice(error)
        return *drawn(ws, number, filtered)[:-1], notice("The name is changed.", "info")

    def delete(number: int) -> tuple[Any, ...]:
        called = comparisons.get_comparison(ws, number, prompt=0).name
        comparisons.delete_comparison(ws, number)
        told = f"<p><strong>{html.esc(html.shorten(called, 60))}</strong> is deleted.</p>"
        return None, number, gr.update(visible=True), told

    def bring_back(number: int) -> tuple[Any, ...]:
        return comparisons.restore_comparison(ws, number).id, gr.update(visible=False)

    gr.on([rename.click, name.submit], guarded(change_name), [opened, name, wanted], shown, **QUIET)
    remove.click(lambda: gr.update(visible=True), None, confirm, **QUIET)
    no.click(lambda: gr.update(visible=False), None, confirm, **QUIET)
    removed = yes.click(guarded(delete), opened, [opened, gone, undo_bar, words], **QUIET)
    restored = undo.click(guarded(bring_back), gone, [opened, undo_bar], **QUIET)
    relist = (guarded(lambda number, text: listed(ws, number, text)), [opened, wanted], [heading, listing])
    wanted.change(*relist, trigger_mode="always_last", **QUIET)
    opened.change(guarded(lambda number, text: drawn(ws, number, text)), [opened, wanted], shown, **QUIET)
    return Shelf(listing, wanted, relist, removed, restored)
