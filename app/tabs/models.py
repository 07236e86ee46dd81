"""The Models tab: the models of the workspace, what each is and what fits this machine, and adding one.

What is shown stands in `app/model_view.py`, adding one in `app/model_add.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import html, model_add, model_view
from app.choices import Choices, key_of, static
from app.guard import guarded, notice
from app.page import Page
from studio.errors import StudioError
from studio.models import registry
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass
class ModelsTab:
    """What other tabs may use: the name of the open model, and the buttons that hand it over."""

    selected: gr.State
    chat_button: gr.Button
    train_button: gr.Button


def listed(ws: Workspace, wanted: str, selected: str) -> tuple[str, str]:
    """The heading with the count, and the table."""
    models = registry.list_models(ws)
    return html.heading(f"Models ({len(models)})"), model_view.models_table(models, wanted, selected)


def shown(ws: Workspace, name: str) -> tuple[Any, ...]:
    """The open model: summary, facts, advice, lineage, template, name, note, and which buttons can be pressed."""
    info = registry.get_model(ws, name)
    fixed = info.source == "embedded"
    return (
        model_view.summary(info),
        model_view.details(info),
        model_view.advice_table(info) if info.available else "",
        model_view.history(ws, name),
        model_view.template_of(info) if info.available else "",
        gr.update(value=info.name, interactive=not fixed),
        info.note,
        gr.update(interactive=not fixed),
        gr.update(interactive=not fixed),
        gr.update(interactive=info.available),
        gr.update(interactive=info.available),
    )


def build(page: Page) -> ModelsTab:
    ws = page.workspace
    selected, drawn, deleted = gr.State(""), gr.State(""), gr.State("")
    with gr.Row(elem_classes="tools bar"):
        heading = static(elem_id="models-heading", scale=1, min_width=120)
        wanted = gr.Textbox(
            "",
            placeholder="Filter by name or architecture",
            label="Filter",
            show_label=False,
            container=False,
            elem_id="models-filter",
            scale=1,
            min_width=160,
        )
        add = gr.Button("+ Add", size="md", elem_id="models-add", scale=0, min_width=80)
    with gr.Column(visible=False, elem_id="models-add-panel") as add_panel:
        adding = model_add.build(page)
    listing = Choices(elem_id="models-list")
    with gr.Row(visible=False, elem_classes="tools confirm") as undo_bar:
        gone = static(elem_id="models-deleted", scale=1, min_width=140)
        undo = gr.Button("Undo", size="md", elem_id="models-undo", scale=0, min_width=80)
    with gr.Column(visible=False, elem_id="models-detail") as detail:
        with gr.Row(elem_classes="tools"):
            top = static(elem_id="models-title", scale=1, min_width=300)
            chat = gr.Button("Chat", size="md", elem_id="models-chat", scale=0, min_width=80)
            train = gr.Button("Train from this", variant="primary", size="md", elem_id="models-train", scale=0, min_width=140)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=6, min_width=320):
                advice = static(elem_id="models-advice")
                lineage = static(elem_id="models-lineage")
            with gr.Column(scale=5, min_width=300):
                facts = static(elem_id="models-facts")
        with gr.Accordion("Chat template", open=False):
            template = gr.Code(language="jinja2", show_label=False, interactive=False, elem_id="models-template", max_lines=20)
        with gr.Accordion("Name, note, delete", open=False, elem_id="models-care"):
            with gr.Row(elem_classes="tools"):
                name = gr.Textbox("", label="Name", elem_id="models-name", scale=2, min_width=180)
                rename = gr.Button("Rename", size="md", elem_id="models-rename", scale=0, min_width=100)
                note = gr.Textbox("", label="Note", elem_id="models-note", lines=1, max_lines=4, scale=3, min_width=220)
                keep_note = gr.Button("Save note", size="md", elem_id="models-note-save", scale=0, min_width=100)
            remove = gr.Button("Delete this model", size="sm", elem_id="models-delete", elem_classes="quiet-danger")
            with gr.Row(visible=False, elem_classes="tools confirm") as confirm:
                question = static(elem_id="models-question", scale=1, min_width=200)
                yes = gr.Button("Delete", size="md", elem_id="models-delete-yes", elem_classes="danger", scale=0, min_width=90)
                no = gr.Button("Keep", size="md", elem_id="models-delete-no", scale=0, min_width=90)
        said = static(elem_id="models-said")

    shows = [top, facts, advice, lineage, template, name, note, rename, remove, chat, train]
    outputs = [drawn, heading, listing, detail, confirm, said, *shows]

    def opened(model: str, text: str) -> tuple[Any, ...]:
        """Everything that shows the open model, or nothing when none is open."""
        inside = shown(ws, model) if model else (gr.skip(),) * len(shows)
        return (model, *listed(ws, text, model), gr.update(visible=bool(model)), gr.update(visible=False), "", *inside)

    def reopened(model: str, text: str, before: str) -> tuple[Any, ...]:
        """As `opened`, but what is drawn already stays, with what a person is typing into it; only the list is brought up to date."""
        if model != before:
            return opened(model, text)
        return (gr.skip(), *listed(ws, text, model), *(gr.skip(),) * (len(outputs) - 3))

    def choose(event: gr.EventData) -> tuple[str, str]:
        """The row's model, which counts as drawn from now on: opening the tab then leaves it, and what is typed into it, alone."""
        return key_of(event), key_of(event)

    def keep(model: str) -> Any:
        """The open model for as long as it exists, else the first one. Left alone where it can be: a person may be choosing just now."""
        names = [m.name for m in registry.list_models(ws)]
        return gr.skip() if model in names else (names[0] if names else "")

    def change_name(old: str, new: str) -> tuple[str, str]:
        try:
            return registry.rename_model(ws, old, new.strip()).name, ""
        except StudioError as error:
            return old, notice(error)

    def show_unless(model: str, text: str, problem: str | None) -> tuple[Any, ...]:
        """As `opened`, but after a name that was refused everything stays as it was typed."""
        return (gr.skip(),) * len(outputs) if problem else opened(model, text)

    def write_note(model: str, text: str) -> str:
        registry.set_note(ws, model, text)
        return notice("The note is saved.", "info")

    def ask(model: str) -> tuple[Any, ...]:
        return gr.update(visible=True), f"<p>Delete <strong>{html.esc(model)}</strong>? It can be undone; its files stay.</p>"

    def delete(model: str) -> tuple[Any, ...]:
        try:
            registry.delete_model(ws, model)
        except StudioError as error:
            return model, "", notice(error), gr.update(visible=False), gr.skip(), gr.skip()
        words = f"<p><strong>{html.esc(model)}</strong> is deleted.</p>"
        return "", model, "", gr.update(visible=False), gr.update(visible=True), words

    def bring_back(model: str) -> tuple[Any, ...]:
        return registry.restore_model(ws, model).name, gr.update(visible=False)

    show: Any = (guarded(opened), [selected, wanted], outputs)
    listing.pick(guarded(choose), None, [selected, drawn], **QUIET).success(*show, **QUIET)
    wanted.change(
        guarded(lambda text, model: listed(ws, text, model)), [wanted, selected], [heading, listing], trigger_mode="always_last", **QUIET
    )
    add.click(lambda: gr.update(visible=True), None, add_panel, **QUIET).then(guarded(adding.refresh), None, adding.refreshed, **QUIET)
    adding.close.click(lambda: gr.update(visible=False), None, add_panel, **QUIET)
    for event in adding.done:
        event.success(guarded(lambda new, old: new or old), [adding.added, selected], selected, **QUIET).success(*show, **QUIET)
    renamed = gr.on([rename.click, name.submit], guarded(change_name), [selected, name], [selected, said], **QUIET)
    renamed.success(guarded(show_unless), [selected, wanted, said], outputs, **QUIET)
    keep_note.click(guarded(write_note), [selected, note], said, **QUIET)
    remove.click(guarded(ask), selected, [confirm, question], **QUIET)
    no.click(lambda: gr.update(visible=False), None, confirm, **QUIET)
    removed = yes.click(guarded(delete), selected, [selected, deleted, said, confirm, undo_bar, gone], **QUIET)
    removed.success(
        guarded(lambda model, text: (*listed(ws, text, model), gr.update(visible=bool(model)))),
        [selected, wanted],
        [heading, listing, detail],
        **QUIET,
    )
    undo.click(guarded(bring_back), deleted, [selected, undo_bar], **QUIET).success(*show, **QUIET)

    page.refreshes("models", keep, [selected], [selected], then=(reopened, [selected, wanted, drawn], outputs))
    page.receives("open_model", lambda model: (model, *opened(model, "")), [selected, *outputs], tab="models")
    page.sends("chat_with", chat.click, [selected])
    page.sends("train_from", train.click, [selected])
    return ModelsTab(selected, chat, train)
