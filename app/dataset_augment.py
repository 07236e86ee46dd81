"""More rows from the rows that there are: noise, system prompts, balance, and drafts that a model writes and a person decides on.

The steps' fields come from their settings (`studio/data/augment`, `studio/inference/writing.py`); reviewing drafts stands in
`app/dataset_drafts.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, Queue
from threading import Thread
from typing import Any

import gradio as gr
from pydantic import ValidationError

from app import dataset_drafts, html, sampling_form, section_form
from app.choices import static
from app.dataset_care import Part
from app.guard import guarded, notice
from app.page import Page
from app.stopping import Stops
from studio.data import store
from studio.data.augment.apply import AugmentPreview, augment, preview
from studio.data.augment.settings import STEPS, fields_of, step_of
from studio.errors import DataError, StudioError
from studio.inference.writing import NewExamples, Paraphrase, Written, write_drafts
from studio.settings import FieldSpec, field_spec

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
WRITERS: tuple[type[Paraphrase] | type[NewExamples], ...] = (Paraphrase, NewExamples)
WRITER_KINDS = ("labelled", "text", "chat", "prompt")
TICK_SECONDS = 0.5


def ways(kind: str) -> list[tuple[str, str]]:
    """`(title, kind of step)` of what can be done with rows of this kind."""
    plain = [(step.title, str(step.model_fields["kind"].default)) for step in STEPS if not step.row_kinds or kind in step.row_kinds]
    return plain + [(w.title, str(w.model_fields["kind"].default)) for w in WRITERS if kind in WRITER_KINDS]


def specs_of(way: str) -> list[FieldSpec]:
    """The fields of a step or of a model's task, without those of sampling."""
    for step in STEPS:
        if step.model_fields["kind"].default == way:
            return fields_of(step)
    task = _writer(way)
    return [field_spec(info, "augment", name, name) for name, info in task.model_fields.items() if name not in ("kind", "sampling")]


def summary_of(way: str) -> str:
    """What a way does, in one sentence."""
    return next(w.summary for w in (*STEPS, *WRITERS) if w.model_fields["kind"].default == way)


def preview_html(seen: AugmentPreview) -> str:
    """Counts, labels before and after, and pairs of a row and what is made of it."""
    words = f"{seen.rows_before:,} training rows would become {seen.rows_after:,}: {seen.added:,} added, {seen.removed:,} left out."
    labels = ""
    if seen.labels_before:
        rows = [("", (label, f"{count:,}", f"{seen.labels_after.get(label, 0):,}")) for label, count in seen.labels_before.items()]
        labels = html.table([html.Column("Label"), html.Column("Now", number=True), html.Column("Then", number=True)], rows, label="Labels")
    pairs = "".join(f'<div class="pair">{_side("From", source)}{_side("Added", row)}</div>' for source, row in seen.examples[:5])
    return f"<p>{html.esc(words)}</p>{labels}{pairs}"


def _side(title: str, row: dict[str, Any]) -> str:
    return f"<div>{html.muted(title)}{html.row_view(row)}</div>"


def task_of(way: str, given: list[Any], sampling: list[Any]) -> Paraphrase | NewExamples:
    """A model's task from the fields. Raises `DataError` that names the wrong one."""
    values = section_form.values_of(specs_of(way), given)
    try:
        return _writer(way).model_validate({**values, "sampling": sampling_form.read(sampling).model_dump()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise DataError(f"{first['loc'][-1]}: {first['msg']}.", "Correct this field and try again.") from error


def _writer(way: str) -> type[Paraphrase] | type[NewExamples]:
    return next(task for task in WRITERS if task.model_fields["kind"].default == way)


def written_words(written: Written) -> str:
    """What came of a model's writing."""
    dropped = f"; {written.dropped:,} dropped, because they were empty or repeat what is there" if written.dropped else ""
    return f"{html.plural(written.kept, 'draft')} to review{dropped}."


def build(page: Page, selected: gr.State) -> Part:
    """The tab: a way, its fields, a preview or a model that writes, and the drafts."""
    ws, stops = page.workspace, Stops()
    static(html.heading("Add training rows", "made from the rows that there are; validation and test rows stay as they are"))
    way = gr.Dropdown([], label="Way", elem_id="augment-way")
    about = static(elem_id="augment-about")
    groups: dict[str, tuple[gr.Column, list[Any]]] = {}
    for each in (*STEPS, *WRITERS):
        name = str(each.model_fields["kind"].default)
        with gr.Column(visible=False, elem_classes="variant") as column, gr.Row(elem_classes="tools fields"):
            fields = [section_form.component(spec, f"augment-{name}-{spec.path}", min_width=200) for spec in specs_of(name)]
        groups[name] = (column, fields)
    with gr.Column(visible=False) as writing:
        model = gr.Dropdown([], label="Model that writes", elem_id="augment-model")
        with gr.Accordion("How it writes", open=False), gr.Row(elem_classes="tools"):
            sampling = sampling_form.build("augment-sampling")
    with gr.Row(elem_classes="tools"):
        look = gr.Button("Preview", size="md", elem_id="augment-preview", scale=0, min_width=100)
        go = gr.Button("Make a version", size="md", elem_id="augment-go", scale=0, min_width=130)
        write = gr.Button("Write drafts", size="md", elem_id="augment-write", scale=0, min_width=120, visible=False)
        stop = gr.Button("Stop", size="md", elem_id="augment-stop", scale=0, min_width=80, visible=False)
    said = static(elem_id="augment-said")
    drafts = dataset_drafts.build(page, selected)
    names = list(groups)
    fields_flat = [field for _, fields in groups.values() for field in fields]

    def switch(chosen: str | None) -> list[Any]:
        writes = any(task.model_fields["kind"].default == chosen for task in WRITERS)
        columns = [gr.update(visible=name == chosen) for name in names]
        buttons = [
            gr.update(visible=bool(chosen) and not writes),
            gr.update(visible=bool(chosen) and not writes),
            gr.update(visible=writes),
        ]
        return [html.muted(summary_of(chosen)) if chosen else "", *columns, gr.update(visible=writes), *buttons, ""]

    switched = [about, *(column for column, _ in groups.values()), writing, look, go, write, said]

    def show(ref: str) -> tuple[Any, ...]:
        if not ref:
            return gr.update(choices=[], value=None), gr.update(), *switch(None), *drafts.show(ref)
        found = ways(store.get_version(ws, ref).kind)
        first = found[0][1] if found else None
        models = gr.update(choices=page.model_choices(), value="starter")
        return gr.update(choices=found, value=first), models, *switch(first), *drafts.show(ref)

    def given(chosen: str, values: tuple[Any, ...]) -> list[Any]:
        start = 0
        for name, (_, fields) in groups.items():
            if name == chosen:
                return list(values[start : start + len(fields)])
            start += len(fields)
        raise DataError("No way is chosen.", "Choose one from the list.")

    def step(chosen: str, values: tuple[Any, ...]) -> Any:
        return step_of({"kind": chosen, **section_form.values_of(specs_of(chosen), given(chosen, values))})

    def try_it(ref: str, chosen: str, *values: Any) -> str:
        try:
            return preview_html(preview(ws, ref, step(chosen, values)))
        except StudioError as error:
            return notice(error)

    def make(ref: str, chosen: str, *values: Any) -> tuple[str, str]:
        try:
            version = augment(ws, ref, step(chosen, values))
        except StudioError as error:
            return ref, notice(error)
        return version.ref, notice(f"Version {version.number} has {version.step['counts']['added']:,} added rows.", "info")

    def run(request: gr.Request, ref: str, chosen: str, name: str, *values: Any) -> Iterator[tuple[Any, Any, Any]]:
        """Write drafts on a thread of their own, and tell how far it is until they are there."""
        settings, drawing = values[: len(fields_flat)], list(values[len(fields_flat) :])
        busy, idle = (gr.update(visible=False), gr.update(visible=True)), (gr.update(visible=True), gr.update(visible=False))
        try:
            task = task_of(chosen, given(chosen, settings), drawing)
        except StudioError as error:
            yield notice(error), *idle
            return
        event, news = stops.begin(request), Queue[Any]()
        thread = Thread(target=_write, args=(page, name, ref, task, news, event), daemon=True)
        thread.start()
        yield notice(f"{name} is being loaded.", "info"), *busy
        while True:
            try:
                found = news.get(timeout=TICK_SECONDS)
            except Empty:
                continue
            if isinstance(found, tuple):
                yield notice(f"{found[0]} of {found[1]} written.", "info"), *busy
                continue
            break
        stops.end(request, event)
        if not isinstance(found, Written | StudioError):
            yield "", *idle
            raise found
        yield (notice(written_words(found), "info") if isinstance(found, Written) else notice(found)), *idle

    def halt(request: gr.Request) -> None:
        stops.stop(request)

    way.input(guarded(switch), way, switched, **QUIET)
    look.click(guarded(try_it), [selected, way, *fields_flat], said, show_progress="minimal", api_visibility="private")
    made = go.click(guarded(make), [selected, way, *fields_flat], [selected, said], show_progress="minimal", api_visibility="private")
    written = write.click(guarded(run), [selected, way, model, *fields_flat, *sampling], [said, write, stop], **QUIET)
    written.success(guarded(drafts.show), selected, drafts.outputs, **QUIET)
    stop.click(halt, None, None, queue=False, **QUIET)
    return Part([way, model, *switched, *drafts.outputs], show, [made, *drafts.changed])


def _write(page: Page, model: str, ref: str, task: Paraphrase | NewExamples, news: Queue[Any], stop: Any) -> None:
    """The thread's work: what it tells goes into `news`, at the end what was written or the error."""
    try:
        news.put(write_drafts(page.workspace, page.studio.engine, model, ref, task, lambda done, of: news.put((done, of)), stop))
    except Exception as error:  # noqa: BLE001  the handler raises it again
        news.put(error)
