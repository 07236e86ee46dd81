"""The panel that adds data: files, the inbox or samples on top, then one file's name, columns and preview.

The substance is in `dataset_import.py`, the inbox and how a file is read in `dataset_sources.py`, the form for the columns in
`mapping_form.py`. Imports run on a thread of their own and can be stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from app import dataset_hub, mapping_form
from app import dataset_import as importing
from app import dataset_sources as sources
from app.background import Told, followed
from app.choices import Choices, key_of, static
from app.dataset_import import Upload
from app.guard import guarded, notice
from app.mapping_form import QUIET, mapping_of
from app.page import Page
from app.stopping import Stops
from studio.data.inbox import inbox_file
from studio.data.samples import shipped_samples
from studio.data.store import VersionInfo
from studio.errors import DataError, StudioError

MOST_FILES = 50


@dataclass
class ImportForm:
    """`done` are the events after which `imported` holds the ref of a new version (or nothing); `reset` empties the form."""

    imported: gr.State
    done: list[Any]
    reset: Callable[[], tuple[Any, ...]]
    reset_outputs: list[Any]
    close: gr.Button


def build(page: Page) -> ImportForm:
    ws = page.workspace
    stops = Stops()
    uploads, current, imported = gr.State([]), gr.State(0), gr.State("")
    with gr.Row(elem_classes="tools"):
        static('<h2 class="heading">Add a dataset</h2>', scale=1)
        close = gr.Button("Close", size="sm", elem_id="import-close", scale=0, min_width=80)
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=1, min_width=280):
            files = gr.File(label=sources.WANTED, file_count="multiple", file_types=sources.FILE_TYPES, elem_id="import-files", height=150)
            box = Choices(elem_id="import-inbox")
        samples = Choices(importing.samples_table(shipped_samples()), elem_id="import-samples", scale=1, min_width=280)
    fetched = dataset_hub.build(page, imported)
    with gr.Row(elem_classes="tools"):
        trouble = static(elem_id="import-notice", scale=1, min_width=200)
        stop = gr.Button("Stop", size="md", visible=False, elem_id="import-stop", scale=0, min_width=80)
    chosen = Choices(elem_id="import-chosen")
    with gr.Column(visible=False, elem_id="import-form") as form:
        found = static(elem_id="import-found")
        reading = sources.reading_form()
        with gr.Row(elem_classes="tools"):
            name = gr.Textbox("", label="Name of the dataset", elem_id="import-name", scale=2, min_width=180)
            held = gr.Number(10, label="Held out for evaluation, %", minimum=0, maximum=50, elem_id="import-held", scale=1, min_width=150)
            go = gr.Button("Import", variant="primary", size="md", elem_id="import-go", scale=0, min_width=110)
            every = gr.Button("Import all recognised", size="md", elem_id="import-all", visible=False, scale=0, min_width=170)
            join = gr.Button("Import as one dataset", size="md", elem_id="import-together", visible=False, scale=0, min_width=170)
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
            gr.update(interactive=usable), gr.update(visible=pending > 1), gr.update(visible=pending > 1),
            gr.update(open=unclear and usable, visible=usable),
            gr.update(choices=[mapping_form.AS_ROWS, *page.model_choices()], value="", visible=usable),
            *sources.reading_updates(upload.path, upload.settings, not upload.imported), *filled,
        )  # fmt: skip

    def receive(paths: list[str] | None, items: list[Upload]) -> tuple[Any, ...]:
        kept = [upload for upload in items if upload.path.is_relative_to(ws.inbox)]
        if not paths and not kept:
            return ([], 0, "", gr.update(visible=False), *(gr.skip(),) * (len(outputs) - 4), "")
        if len(paths or []) > MOST_FILES:
            raise DataError(f"{len(paths or [])} files are too many at once.", f"Choose up to {MOST_FILES}.")
        items = kept + [importing.look_at(path, ws) for path in paths or []]
        first = next((i for i, u in enumerate(items) if not u.problem and not u.imported), 0)
        return (*show(items, first), "")

    def from_inbox(event: gr.EventData, items: list[Upload]) -> tuple[Any, ...]:
        path = inbox_file(ws, key_of(event))
        at = next((i for i, upload in enumerate(items) if upload.path == path), len(items))
        return (*show(items if at < len(items) else [*items, importing.look_at(path, ws)], at), "")

    def read_again(items: list[Upload], at: int, name: str, *values: Any) -> tuple[Any, ...]:
        items[at] = importing.look_at(items[at].path, ws, sources.settings_of(values))
        items[at].name = name
        return show(items, at)

    def turn_to(event: gr.EventData, items: list[Upload]) -> tuple[Any, ...]:
        return show(items, int(key_of(event)))

    def work(request: gr.Request, job: Callable[..., VersionInfo]) -> Iterator[Told | VersionInfo | StudioError]:
        """Do `job(progress, stop)` and tell how far it is, in KB; ends with the new version, or with what went wrong."""
        event = stops.begin(request)
        for news in followed(lambda progress, stop: job(lambda _, done, total: progress(done // 1000, total // 1000), stop), event):
            if isinstance(news, Told):
                yield news
                continue
            stops.end(request, event)
            try:
                yield news.result()
            except StudioError as error:
                yield error

    def busy(news: Told) -> tuple[Any, ...]:
        far = f": {news.words('KB')}" if news.total else ""
        return (*show_nothing(), notice(f"Importing{far}.", "info"), "", gr.update(visible=True))

    def refused(error: StudioError) -> tuple[Any, ...]:
        return (*show_nothing(), notice(error), "", gr.update(visible=False))

    def bring(request: gr.Request, items: list[Upload], taken: list[Upload], job: Callable[..., VersionInfo]) -> Iterator[tuple[Any, ...]]:
        """Import what was `taken`, then turn to a file that still waits, or to the new version."""
        for news in work(request, job):
            if isinstance(news, Told):
                yield busy(news)
            elif isinstance(news, StudioError):
                yield refused(news)
            else:
                for upload in taken:
                    upload.imported = news.dataset
                waiting = next((i for i, u in enumerate(items) if not u.imported and not u.problem), None)
                at = items.index(taken[0]) if waiting is None else waiting
                yield (*show(items, at), importing.outcome(news), news.ref if waiting is None else "", gr.update(visible=False))

    def run(request: gr.Request, items: list[Upload], at: int, name: str, held: float, *values: Any) -> Iterator[tuple[Any, ...]]:
        upload = items[at]
        try:
            mapping = mapping_of(upload, values)
        except DataError as error:
            yield refused(error)
            return
        yield from bring(request, items, [upload], lambda *how: importing.bring_in(ws, upload, name, mapping, share(held), *how))

    def run_together(request: gr.Request, items: list[Upload], at: int, name: str, held: float, *values: Any) -> Iterator[tuple[Any, ...]]:
        taken = [upload for upload in items if upload.understood and not upload.imported]
        try:
            mappings = [mapping_of(upload, values) if upload is items[at] else upload.mapping for upload in taken]
        except DataError as error:
            yield refused(error)
            return
        yield from bring(request, items, taken, lambda *how: importing.bring_together(ws, taken, name, mappings, share(held), *how))

    def run_all(request: gr.Request, items: list[Upload], held: float) -> Iterator[tuple[Any, ...]]:
        outcomes, last = "", ""
        for i, upload in enumerate(items):
            if upload.imported or not upload.understood:
                continue
            how = (upload, upload.name, upload.mapping, share(held))
            for news in work(request, partial(importing.bring_in, ws, *how)):
                if isinstance(news, Told):
                    yield busy(news)
                elif isinstance(news, StudioError):
                    outcomes += notice(news)
                else:
                    upload.imported, last = news.dataset, news.ref
                    outcomes += importing.outcome(news)
            yield (*show(items, i), outcomes, "", gr.update(visible=False))
        left = next((i for i, u in enumerate(items) if not u.imported and not u.problem), None)
        yield (*show(items, left or 0), outcomes, "" if left is not None else last, gr.update(visible=False))

    def show_nothing() -> tuple[Any, ...]:
        return (gr.skip(),) * len(outputs)

    def sample(event: gr.EventData) -> str:
        return importing.take_sample(ws, key_of(event)).ref

    def halt(request: gr.Request) -> None:
        stops.stop(request)

    def reset() -> tuple[Any, ...]:
        return ([], 0, None, "", gr.update(visible=False), "", sources.inbox_table(ws), gr.update(visible=False), *fetched.show())

    outputs = [
        uploads, current, chosen, form, found, name, go, every, join, accordion, fields.model, *reading.outputs, *fields.outputs
    ]  # fmt: skip
    results = [*outputs, trouble, imported, stop]
    inputs = [uploads, current, name, held, *fields.values]
    files.change(guarded(receive), [files, uploads], [*outputs, trouble], show_progress="minimal", api_visibility="private")
    box.pick(guarded(from_inbox), uploads, [*outputs, trouble], show_progress="minimal", api_visibility="private")
    chosen.pick(guarded(turn_to), uploads, outputs, **QUIET)
    gr.on([f.input for f in reading.values], guarded(read_again), [uploads, current, name, *reading.values], outputs, **QUIET)
    ran = go.click(guarded(run), inputs, results, api_visibility="private")
    joined = join.click(guarded(run_together), inputs, results, api_visibility="private")
    ran_all = every.click(guarded(run_all), [uploads, held], results, api_visibility="private")
    stop.click(halt, None, None, queue=False, **QUIET)
    sampled = samples.pick(guarded(sample), None, imported, api_visibility="private")
    done = [ran, joined, ran_all, sampled, fetched.done]
    return ImportForm(imported, done, reset, [uploads, current, files, chosen, form, trouble, box, stop, *fetched.outputs], close)


def share(percent: float | None) -> float:
    """A percentage as a share."""
    return float(percent or 0) / 100
