"""The form that says which column gives what: readings to choose from, kind and parts, names for roles and verdicts, kept mappings.

The part fields are made from `TARGETS` and the fields of `Mapping`. Handlers take `MappingForm.values` in their order and hand them to
`mapping_of`; `updates` fills the whole form for a file. The substance is in `dataset_import.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import ValidationError

from app import dataset_import as importing
from app import html
from app.choices import Choices, key_of, static
from app.dataset_import import KIND_WORDS, MOST_ASKED, PARTS, Upload
from app.guard import guarded, notice
from app.page import Page
from studio.data import saved_mappings
from studio.data.mapping import TARGETS, Mapping
from studio.data.schema import Row
from studio.errors import DataError, StudioError
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
WHOLE = 1 << 20
NOBODY = ("leave such rows out", "")
ROLE_CHOICES = [NOBODY, ("the user", "user"), ("the assistant", "assistant"), ("the system text", "system"), ("a tool", "tool")]
TWO_CHOICES = [NOBODY, ("the first answer is better", "a"), ("the second answer is better", "b"), ("neither is better", "tie")]
ONE_CHOICES = [NOBODY, ("the answer is good", "good"), ("the answer is bad", "bad")]
AS_ROWS = ("a conversation or text", "")


@dataclass
class MappingForm:
    """The components. `values` are the inputs that describe a mapping, `outputs` all that `updates` fills."""

    readings: Choices
    saved: gr.Dropdown
    kind: gr.Dropdown
    parts: list[gr.Dropdown]
    asked: gr.State
    answers: list[gr.Dropdown]
    keep_name: gr.Textbox
    keep: gr.Button
    forget: gr.Button
    said: gr.HTML
    model: gr.Dropdown
    preview: gr.HTML

    @property
    def values(self) -> list[Any]:
        return [self.model, self.asked, self.kind, *self.parts, *self.answers]

    @property
    def outputs(self) -> list[Any]:
        return [self.readings, self.saved, self.forget, self.said, self.kind, *self.parts, *self.questions]

    @property
    def questions(self) -> list[Any]:
        """What `look_again` fills."""
        return [self.asked, *self.answers, self.preview]


def updates(ws: Workspace, upload: Upload, model: str = "") -> tuple[Any, ...]:
    """Updates of `MappingForm.outputs` for a file: its columns to choose from, the mapping of the moment filled in."""
    fitting = saved_mappings.suggest_mappings(ws, upload.columns) if upload.columns else []
    saved = gr.update(choices=fitting, value=upload.saved or None, visible=bool(fitting))
    kind, *parts = fields_for(upload)
    first = (importing.readings_table(upload), saved, gr.update(visible=bool(upload.saved)), "", kind, *parts)
    return (*first, *asked_for(upload, upload.mapping), importing.preview(upload, upload.mapping, view_of(ws, model)))


def fields_for(upload: Upload) -> tuple[Any, ...]:
    """Updates of the kind and of the parts, what was recognised filled in."""
    kind = upload.mapping.kind if upload.mapping else "chat"
    return (gr.update(value=kind), *parts_for(upload, kind))


def parts_for(upload: Upload, kind: str) -> tuple[Any, ...]:
    """Updates of the part fields for a kind."""
    wanted = {target.name: target.required for target in TARGETS[kind]}
    given = upload.mapping.sources() if upload.mapping and upload.mapping.kind == kind else {}
    changes = []
    for name in PARTS:
        title = Mapping.model_fields[name].title or name
        label = title if wanted.get(name) or (kind == "chat" and name in ("prompt", "answer")) else f"{title} (may stay empty)"
        value = given.get(name, "").replace("\n", "\\n")
        changes.append(gr.update(visible=name in wanted, choices=["", *upload.columns], value=value, label=label))
    return tuple(changes)


def asked_for(upload: Upload, mapping: Mapping | None) -> tuple[Any, ...]:
    """What a person has to name for this mapping, and updates of the fields for it, with nothing named yet."""
    asked = importing.questions(upload, mapping) if mapping and mapping.sources() and not upload.problem else []
    changes: list[Any] = []
    for sort, word in (*asked, *[("", "")] * (MOST_ASKED - len(asked))):
        two = mapping is not None and mapping.kind == "preference"
        choices = ROLE_CHOICES if sort == "role" else TWO_CHOICES if two else ONE_CHOICES
        label = f"Who is “{html.shorten(word, 40)}”?" if sort == "role" else f"“{html.shorten(word, 40)}” means"
        changes.append(gr.update(visible=bool(sort), label=label, choices=choices, value=""))
    return (asked, *changes)


def view_of(ws: Workspace, model: str) -> Callable[[Row, str], str] | None:
    """How the preview shows rows: by the chat template of a model, trained and read parts marked, or as they are."""
    if not model:
        return None
    from studio.data.rendering import render
    from studio.models.loading import load_tokenizer

    tokenizer = load_tokenizer(ws, model)

    def view(row: Row, kind: str) -> str:
        try:
            return html.token_view(render(tokenizer, row, kind, max_length=WHOLE).spans)
        except DataError as error:
            return notice(error, "warning")

    return view


def mapping_of(upload: Upload, values: tuple[Any, ...] | list[Any]) -> Mapping:
    """The mapping that stands in the form, from the values of `MappingForm.values`. Raises `DataError`."""
    _, asked, kind, *rest = values
    base = upload.mapping or Mapping(kind=kind)
    tables: dict[str, dict[str, str]] = {"roles": dict(base.roles), "verdicts": dict(base.verdicts), "keep": dict(base.keep)}
    for (sort, word), answer in zip(asked, rest[len(PARTS) :], strict=False):
        if answer:
            tables["roles" if sort == "role" else "verdicts"][word] = answer
    try:
        return importing.mapping_from(kind, dict(zip(PARTS, rest, strict=False)), **tables)
    except ValidationError as error:
        raise DataError(
            f"The columns cannot be used: {error.errors(include_url=False)[0]['msg']}.", "Choose a column or write a template."
        ) from error


def look_again(ws: Workspace, upload: Upload, values: tuple[Any, ...] | list[Any]) -> tuple[Any, ...]:
    """Updates of `MappingForm.questions` after a change; what was named stays named as long as the same is asked."""
    model, asked, *_ = values
    try:
        mapping = mapping_of(upload, values)
        unanswered = mapping_of(upload, [model, [], *values[2:]])
    except DataError as error:
        return (*(gr.skip(),) * (1 + MOST_ASKED), notice(error))
    first, *changes = asked_for(upload, unanswered)
    if [tuple(question) for question in asked] == first:
        changes = [gr.skip()] * MOST_ASKED
    else:
        mapping = unanswered
    return (first, *changes, importing.preview(upload, mapping, view_of(ws, model)))


def build(page: Page, uploads: gr.State, current: gr.State) -> MappingForm:
    """The form; `uploads` and `current` say which file it is about."""
    ws = page.workspace
    readings = Choices(elem_id="import-readings")
    with gr.Row(elem_classes="tools"):
        kind = gr.Dropdown(
            [(words, kind) for kind, words in KIND_WORDS.items()], value="chat", label="What the rows are", elem_id="import-kind"
        )
        saved = gr.Dropdown([], label="Saved mapping for these columns", visible=False, elem_id="import-saved", min_width=200)
        forget = gr.Button("Delete saved mapping", size="sm", visible=False, elem_id="import-forget", scale=0, min_width=150)
    gr.Markdown("For each part choose a column, or write a template such as `{question} {context}`.", elem_classes="muted")
    with gr.Row(elem_classes="tools"):
        parts = [
            gr.Dropdown(
                [], label=Mapping.model_fields[name].title, info=Mapping.model_fields[name].description, allow_custom_value=True,
                visible=False, elem_id=f"import-{name.replace('_', '-')}", min_width=200,
            )
            for name in PARTS
        ]  # fmt: skip
    asked = gr.State([])
    with gr.Row(elem_classes="tools"):
        answers = [gr.Dropdown([], visible=False, elem_id=f"import-asked-{i}", min_width=200) for i in range(MOST_ASKED)]
    with gr.Row(elem_classes="tools"):
        keep_name = gr.Textbox("", label="Keep this mapping as", placeholder="a name", elem_id="import-keep-name", min_width=180)
        keep = gr.Button("Save mapping", size="md", elem_id="import-keep", scale=0, min_width=130)
    said = static(elem_id="import-kept")
    model = gr.Dropdown([AS_ROWS], value="", label="Show the rows as read by", elem_id="import-model", render=False)
    form = MappingForm(
        readings, saved, kind, parts, asked, answers, keep_name, keep, forget, said, model,
        static(elem_id="import-preview", render=False),
    )  # fmt: skip
    _connect(ws, form, uploads, current)
    return form


def _connect(ws: Workspace, form: MappingForm, uploads: gr.State, current: gr.State) -> None:
    """What the form's own components do."""
    place = [uploads, current]

    def change_kind(items: list[Upload], at: int, kind: str) -> tuple[Any, ...]:
        return parts_for(items[at], kind)

    def change(items: list[Upload], at: int, *values: Any) -> tuple[Any, ...]:
        return look_again(ws, items[at], values)

    def choose(event: gr.EventData, items: list[Upload], at: int, model: str) -> tuple[Any, ...]:
        importing.take(items[at], items[at].readings[int(key_of(event))])
        return (items, *updates(ws, items[at], model))

    def use_saved(items: list[Upload], at: int, name: str | None, model: str) -> tuple[Any, ...]:
        if name:
            items[at].mapping, items[at].saved, items[at].found = saved_mappings.load_mapping(ws, name), name, ""
        return (items, *updates(ws, items[at], model))

    def save(items: list[Upload], at: int, name: str, *values: Any) -> tuple[Any, ...]:
        try:
            mapping = mapping_of(items[at], values)
            if not mapping.sources():
                raise DataError("No column has been chosen yet.", "Choose at least one, then save the mapping.")
            saved_mappings.save_mapping(ws, name.strip(), mapping)
        except StudioError as error:
            return gr.skip(), gr.skip(), notice(error)
        fitting = saved_mappings.suggest_mappings(ws, items[at].columns)
        words = notice(f"The mapping {name.strip()} is saved. It is offered for files that have these columns.", "info")
        return gr.update(choices=fitting, value=name.strip(), visible=True), gr.update(visible=True), words

    def remove(items: list[Upload], at: int, name: str | None) -> tuple[Any, ...]:
        saved_mappings.delete_mapping(ws, name or "")
        items[at].saved = ""
        fitting = saved_mappings.suggest_mappings(ws, items[at].columns)
        words = notice(f"The saved mapping {name} is deleted. What was imported with it stays.", "info")
        return items, gr.update(choices=fitting, value=None, visible=bool(fitting)), gr.update(visible=False), words

    changed = form.kind.input(guarded(change_kind), [*place, form.kind], form.parts, **QUIET)
    changed.then(guarded(change), [*place, *form.values], form.questions, **QUIET)
    fields = [*form.parts, *form.answers, form.model]
    gr.on([f.input for f in fields], guarded(change), [*place, *form.values], form.questions, trigger_mode="always_last", **QUIET)
    form.readings.pick(guarded(choose), [*place, form.model], [uploads, *form.outputs], **QUIET)
    form.saved.input(guarded(use_saved), [*place, form.saved, form.model], [uploads, *form.outputs], **QUIET)
    form.keep.click(guarded(save), [*place, form.keep_name, *form.values], [form.saved, form.forget, form.said], **QUIET)
    form.forget.click(guarded(remove), [*place, form.saved], [uploads, form.saved, form.forget, form.said], **QUIET)
