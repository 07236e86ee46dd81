"""The panel that adds data: files or samples on top, then one file's name, columns and preview. The substance is in `dataset_import.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import ValidationError

from app import dataset_import as importing
from app.choices import Choices, key_of, static
from app.dataset_import import KIND_WORDS, PARTS, Upload
from app.guard import guarded, notice
from app.page import Page
from studio.data.formats import READERS
from studio.data.mapping import TARGETS, Mapping
from studio.data.samples import shipped_samples
from studio.errors import DataError, StudioError

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
MOST_FILES = 50


@dataclass
class ImportForm:
    """`done` are the events after which `imported` holds the ref of a new version (or nothing); `reset` empties the form."""

    imported: gr.State
    done: list[Any]
    reset_outputs: list[Any]
    close: gr.Button

    @staticmethod
    def reset() -> tuple[Any, ...]:
        return ([], 0, None, "", gr.update(visible=False), "")


@dataclass
class _Fields:
    """The components of the mapping form, in the order in which handlers take them: kind, then one for each part."""

    kind: gr.Dropdown
    parts: list[gr.Dropdown]

    @property
    def all(self) -> list[Any]:
        return [self.kind, *self.parts]


def fields_for(upload: Upload) -> tuple[Any, ...]:
    """Updates of the mapping form for a file: its columns to choose from, what was recognised filled in."""
    kind = upload.mapping.kind if upload.mapping else "chat"
    return (gr.update(value=kind), *parts_for(upload, kind))


def parts_for(upload: Upload, kind: str) -> tuple[Any, ...]:
    """Updates of the part fields for a kind."""
    wanted = {target.name: target.required for target in TARGETS[kind]}
    given = upload.mapping.sources() if upload.mapping and upload.mapping.kind == kind else {}
    updates = []
    for name in PARTS:
        title = Mapping.model_fields[name].title or name
        label = title if wanted.get(name) or (kind == "chat" and name in ("prompt", "answer")) else f"{title} (may stay empty)"
        value = given.get(name, "").replace("\n", "\\n")
        updates.append(gr.update(visible=name in wanted, choices=["", *upload.columns], value=value, label=label))
    return tuple(updates)


def mapping_of(upload: Upload, values: tuple[Any, ...] | list[Any]) -> Mapping:
    """The mapping that stands in the form. Raises `DataError`."""
    roles = upload.mapping.roles if upload.mapping else {}
    try:
        return importing.mapping_from(values[0], dict(zip(PARTS, values[1:], strict=True)), roles)
    except ValidationError as error:
        raise DataError(
            f"The columns cannot be used: {error.errors(include_url=False)[0]['msg']}.", "Choose a column or write a template."
        ) from error


def _mapping_fields() -> _Fields:
    kind = gr.Dropdown(
        [(words, kind) for kind, words in KIND_WORDS.items()], value="chat", label="What the rows are", elem_id="import-kind"
    )
    gr.Markdown("For each part choose a column, or write a template such as `{question} {context}`.", elem_classes="muted")
    with gr.Row(elem_classes="tools"):
        parts = [
            gr.Dropdown(
                [], label=Mapping.model_fields[name].title, info=Mapping.model_fields[name].description, allow_custom_value=True,
                visible=False,                 elem_id=f"import-{name.replace('_', '-')}", min_width=200,
            )
            for name in PARTS
        ]  # fmt: skip
    return _Fields(kind, parts)


def build(page: Page) -> ImportForm:
    ws = page.workspace
    uploads, current, imported = gr.State([]), gr.State(0), gr.State("")
    with gr.Row(elem_classes="tools"):
        static('<h2 class="heading">Add a dataset</h2>', scale=1)
        close = gr.Button("Close", size="sm", elem_id="import-close", scale=0, min_width=80)
    with gr.Row(elem_classes="columns"):
        kinds = sorted(READERS)
        files = gr.File(
            label="Files: CSV, TSV, JSON, JSONL, Parquet, plain text", file_count="multiple", file_types=kinds, elem_id="import-files",
            height=150, scale=1, min_width=280,
        )  # fmt: skip
        samples = Choices(importing.samples_table(shipped_samples()), elem_id="import-samples", scale=1, min_width=280)
    trouble = static(elem_id="import-notice")
    chosen = Choices(elem_id="import-chosen")
    with gr.Column(visible=False, elem_id="import-form") as form:
        found = static(elem_id="import-found")
        with gr.Row(elem_classes="tools"):
            name = gr.Textbox("", label="Name of the dataset", elem_id="import-name", scale=2, min_width=180)
            held = gr.Number(10, label="Held out for evaluation, %", minimum=0, maximum=50, elem_id="import-held", scale=1, min_width=150)
            go = gr.Button("Import", variant="primary", size="md", elem_id="import-go", scale=0, min_width=110)
            every = gr.Button("Import all recognised", size="md", elem_id="import-all", visible=False, scale=0, min_width=170)
        with gr.Accordion("Which column gives what", open=False, elem_id="import-columns") as accordion:
            fields = _mapping_fields()
        preview = static(elem_id="import-preview")

    def show(items: list[Upload], at: int) -> tuple[Any, ...]:
        """The form for file number `at`."""
        upload = items[at]
        usable = not upload.problem and not upload.imported
        pending = sum(1 for u in items if u.found and not u.imported)
        return (
            items, at, importing.uploads_table(items, at), gr.update(visible=True), importing.said(upload), upload.name,
            gr.update(interactive=usable), gr.update(visible=pending > 1), gr.update(open=not upload.found and usable, visible=usable),
            *fields_for(upload), importing.preview(upload, upload.mapping),
        )  # fmt: skip

    def receive(paths: list[str] | None) -> tuple[Any, ...]:
        if not paths:
            return ([], 0, "", gr.update(visible=False), *(gr.skip(),) * (6 + len(PARTS) + 1), "")
        if len(paths) > MOST_FILES:
            raise DataError(f"{len(paths)} files are too many at once.", f"Choose up to {MOST_FILES}.")
        items = [importing.look_at(path) for path in paths]
        first = next((i for i, u in enumerate(items) if not u.problem), 0)
        return (*show(items, first), "")

    def turn_to(event: gr.EventData, items: list[Upload]) -> tuple[Any, ...]:
        return show(items, int(key_of(event)))

    def change_kind(items: list[Upload], at: int, kind: str) -> tuple[Any, ...]:
        return parts_for(items[at], kind)

    def look_again(items: list[Upload], at: int, *values: Any) -> str:
        try:
            return importing.preview(items[at], mapping_of(items[at], values))
        except DataError as error:
            return notice(error)

    def run(items: list[Upload], at: int, name: str, held: float, *values: Any) -> tuple[Any, ...]:
        upload = items[at]
        try:
            version = importing.bring_in(ws, upload, name, mapping_of(upload, values), float(held or 0) / 100)
        except DataError as error:
            return (*show_nothing(), notice(error), "")
        upload.imported = version.dataset
        waiting = next((i for i, u in enumerate(items) if not u.imported and not u.problem), None)
        if waiting is None:
            return (*show(items, at), importing.outcome(version), version.ref)
        return (*show(items, waiting), importing.outcome(version), "")

    def run_all(items: list[Upload], held: float) -> Iterator[tuple[Any, ...]]:
        outcomes, last = "", ""
        for i, upload in enumerate(items):
            if upload.imported or not upload.found:
                continue
            try:
                version = importing.bring_in(ws, upload, upload.name, upload.mapping, float(held or 0) / 100)
                upload.imported, last = version.dataset, version.ref
                outcomes += importing.outcome(version)
            except StudioError as error:
                outcomes += notice(error)
            yield (*show(items, i), outcomes, "")
        left = next((i for i, u in enumerate(items) if not u.imported and not u.problem), None)
        yield (*show(items, left if left is not None else 0), outcomes, "" if left is not None else last)

    def show_nothing() -> tuple[Any, ...]:
        return (gr.skip(),) * (10 + len(PARTS) + 1)

    def sample(event: gr.EventData) -> str:
        return importing.take_sample(ws, key_of(event)).ref

    outputs = [uploads, current, chosen, form, found, name, go, every, accordion, *fields.all, preview]
    files.change(guarded(receive), files, [*outputs, trouble], show_progress="minimal", api_visibility="private")
    chosen.pick(guarded(turn_to), uploads, outputs, **QUIET)
    kind_changed = fields.kind.input(guarded(change_kind), [uploads, current, fields.kind], fields.parts, **QUIET)
    kind_changed.then(guarded(look_again), [uploads, current, *fields.all], preview, **QUIET)
    gr.on(
        [f.input for f in fields.parts], guarded(look_again), [uploads, current, *fields.all], preview, trigger_mode="always_last", **QUIET
    )
    ran = go.click(guarded(run), [uploads, current, name, held, *fields.all], [*outputs, trouble, imported], api_visibility="private")
    ran_all = every.click(guarded(run_all), [uploads, held], [*outputs, trouble, imported], api_visibility="private")
    sampled = samples.pick(guarded(sample), None, imported, api_visibility="private")
    return ImportForm(imported, [ran, ran_all, sampled], [uploads, current, files, chosen, form, trouble], close)
