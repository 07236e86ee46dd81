"""The panel that adds data: files or samples on top, then one file's name, columns and preview. The substance is in `dataset_import.py`,
the form for the columns in `mapping_form.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import dataset_import as importing
from app import mapping_form
from app.choices import Choices, key_of, static
from app.dataset_import import Upload
from app.guard import guarded, notice
from app.mapping_form import QUIET, mapping_of
from app.page import Page
from studio.data.formats import READERS
from studio.data.samples import shipped_samples
from studio.errors import DataError, StudioError

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
            fields = mapping_form.build(page, uploads, current)
        fields.model.render()
        fields.preview.render()

    def show(items: list[Upload], at: int) -> tuple[Any, ...]:
        """The form for file number `at`."""
        upload = items[at]
        usable = not upload.problem and not upload.imported
        pending = sum(1 for u in items if u.understood and not u.imported)
        filled = mapping_form.updates(ws, upload)
        unclear = not upload.found or any(sort for sort, _ in filled[fields.outputs.index(fields.asked)])
        return (
            items, at, importing.uploads_table(items, at), gr.update(visible=True), importing.said(upload), upload.name,
            gr.update(interactive=usable), gr.update(visible=pending > 1), gr.update(open=unclear and usable, visible=usable),
            gr.update(choices=[mapping_form.AS_ROWS, *page.model_choices()], value="", visible=usable), *filled,
        )  # fmt: skip

    def receive(paths: list[str] | None) -> tuple[Any, ...]:
        if not paths:
            return ([], 0, "", gr.update(visible=False), *(gr.skip(),) * (len(outputs) - 4), "")
        if len(paths) > MOST_FILES:
            raise DataError(f"{len(paths)} files are too many at once.", f"Choose up to {MOST_FILES}.")
        items = [importing.look_at(path, ws) for path in paths]
        first = next((i for i, u in enumerate(items) if not u.problem), 0)
        return (*show(items, first), "")

    def turn_to(event: gr.EventData, items: list[Upload]) -> tuple[Any, ...]:
        return show(items, int(key_of(event)))

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
            if upload.imported or not upload.understood:
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
        return (gr.skip(),) * len(outputs)

    def sample(event: gr.EventData) -> str:
        return importing.take_sample(ws, key_of(event)).ref

    outputs = [uploads, current, chosen, form, found, name, go, every, accordion, fields.model, *fields.outputs]
    files.change(guarded(receive), files, [*outputs, trouble], show_progress="minimal", api_visibility="private")
    chosen.pick(guarded(turn_to), uploads, outputs, **QUIET)
    ran = go.click(guarded(run), [uploads, current, name, held, *fields.values], [*outputs, trouble, imported], api_visibility="private")
    ran_all = every.click(guarded(run_all), [uploads, held], [*outputs, trouble, imported], api_visibility="private")
    sampled = samples.pick(guarded(sample), None, imported, api_visibility="private")
    return ImportForm(imported, [ran, ran_all, sampled], [uploads, current, files, chosen, form, trouble], close)
