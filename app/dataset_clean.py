"""Cleaning on the page: a pipeline of steps that a person puts together, previews and turns into a new version.

The steps are plain values (`dataset_clean_steps.py`) in a `gr.State`; the form shows the one that is open. Every handler that takes
`Cleaning.inputs` first writes the form into the steps, so that nothing depends on which event comes first. Each kind of step has a column
of fields made from its settings; a new step appears by itself. Saved pipelines and YAML stand in `dataset_clean_saved.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from app import dataset_clean_view as view
from app import html
from app.background import Told, followed
from app.choices import Choices, key_of, static
from app.dataset_care import Part
from app.dataset_clean_steps import (
    FIELDS,
    Values,
    add_step,
    complete,
    element_id,
    kept,
    move,
    pipeline_of,
    problems,
    remove,
    suggested_table,
    yaml_of,
)  # fmt: skip
from app.guard import guarded, notice
from app.page import Page
from app.section_form import component
from app.stopping import Stops
from app.theme import script
from studio.data import store
from studio.data.cleaning import Pipeline, Stopped, clean, preview, step_specs
from studio.errors import StudioError

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
TAB = "clean"
STALE = "The steps or the version have changed since this preview."


class StepList(gr.HTML):
    """The steps from `dataset_clean_view.steps_list`; fires `act` with a step's `key` and what to do: open, up, down or remove."""

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, js_on_load=view.STEP_LIST, apply_default_css=False, **options)

    def get_block_name(self) -> str:
        return "html"


@dataclass
class Cleaning:
    """The components and their handlers. `shown` is what `drawn` fills. Handlers take `inputs`: `place` (the open version's ref, the
    steps, the open step, and the version and YAML of the last preview), then the values of `FIELDS`."""

    page: Page
    selected: gr.State
    stops: Stops = field(default_factory=Stops)
    columns: dict[str, gr.Column] = field(default_factory=dict)
    fields: list[Any] = field(default_factory=list)

    def lay_out(self) -> None:
        """The components, left the steps and what they do, right what can be added."""
        self.steps, self.current, self.previewed = gr.State([]), gr.State(-1), gr.State("")
        self.before, self.made, self.incoming = gr.State(None), gr.State(""), gr.State({})
        with gr.Row(elem_classes="tools bar"):
            self.heading = static(html.heading("Steps (0)"), elem_id="clean-heading", scale=1, min_width=100)
            self.undo = gr.Button("Undo", size="sm", visible=False, elem_id="clean-undo", scale=0, min_width=70)
            self.clear = gr.Button("Remove all", size="sm", visible=False, elem_id="clean-clear", scale=0, min_width=90)
        self.listing = StepList(view.EMPTY, elem_id="clean-steps")
        with gr.Column(visible=False, elem_id="clean-step") as self.panel:
            self.title = static(elem_id="clean-title")
            self.problems = gr.HTML(
                value={}, html_template="", js_on_load=script("problems.js"), apply_default_css=False, elem_id="clean-problems"
            )
            self._lay_out_fields()
        with gr.Row(elem_classes="tools", visible=False) as self.actions:
            self.look = gr.Button("Preview", size="md", elem_id="clean-preview", scale=0, min_width=100)
            self.make = gr.Button("Make a version", size="md", elem_id="clean-go", scale=0, min_width=140)
            self.stop = gr.Button("Stop", size="md", visible=False, elem_id="clean-stop", scale=0, min_width=80)
            self.progress = static(elem_id="clean-progress", scale=1, min_width=160)
        self.said = static(elem_id="clean-said")
        self.stale = static(elem_id="clean-stale")
        self.effects = static(elem_id="clean-effects")

    def _lay_out_fields(self) -> None:
        """One column for each kind of step, its further settings folded away."""
        for spec in step_specs():
            mine = [item for kind, item in FIELDS if kind == spec.kind]
            with gr.Column(visible=False, elem_classes="clean-fields") as self.columns[spec.kind]:
                self.fields += [self._field(spec.kind, item) for item in mine if item.basic]
                if spec.kind == "labels":
                    with gr.Row(elem_classes="tools bar"):
                        self.suggest = gr.Button("Find spellings to merge", size="sm", elem_id="clean-suggest", scale=0, min_width=170)
                        self.suggested = static(elem_id="clean-suggested", scale=1, min_width=140)
                rest = [item for item in mine if not item.basic]
                if rest:
                    with gr.Accordion(f"More settings ({len(rest)})", open=False):
                        self.fields += [self._field(spec.kind, item) for item in rest]

    def _field(self, kind: str, item: Any) -> Any:
        name = element_id(kind, item.key)
        if item.key == "model":
            return gr.Dropdown([("none", "")], value="", allow_custom_value=True, label=item.title, info=item.help, elem_id=name)
        return component(item, name, **({"elem_classes": "whole-line"} if item.type == "lines" else {}))

    @property
    def place(self) -> list[Any]:
        return [self.selected, self.steps, self.current, self.previewed]

    @property
    def inputs(self) -> list[Any]:
        return [*self.place, *self.fields]

    @property
    def said_by_steps(self) -> list[Any]:
        """What `words` fills."""
        return [self.heading, self.listing, self.yaml, self.stale, self.problems]

    @property
    def shown(self) -> list[Any]:
        return [
            self.steps,
            self.current,
            *self.said_by_steps,
            self.before,
            self.undo,
            self.clear,
            self.panel,
            self.actions,
            self.title,
            *self.columns.values(),
            *self.fields,
        ]

    @property
    def models(self) -> list[Any]:
        return [component for (_, item), component in zip(FIELDS, self.fields, strict=True) if item.key == "model"]

    def kind(self, ref: str) -> str:
        return store.get_version(self.page.workspace, ref).kind

    def words(self, ref: str, steps: list[Values], current: int, previewed: str) -> list[Any]:
        """What the steps say outside their form: heading, list, YAML, whether the preview is old, problems at the fields."""
        kind = self.kind(ref)
        wrong = [problems(values, kind) for values in steps]
        yaml = yaml_of(steps)
        at_fields = {}
        if 0 <= current < len(steps):
            owner = steps[current]["kind"]
            at_fields = {element_id(owner, name) if name else "": message for name, message in wrong[current].items()}
        stale = notice(STALE, "info") if previewed and previewed != preview_key(ref, yaml) else ""
        return [html.heading(f"Steps ({len(steps)})"), view.steps_list(steps, current, wrong), yaml, stale, at_fields]

    def drawn(self, ref: str, steps: list[Values], current: int, previewed: str, before: Any = ...) -> list[Any]:
        """Updates of `shown`; `before` are the steps that Undo brings back, None for none, left out to keep what it has."""
        current = min(max(current, 0), len(steps) - 1)
        undo = [gr.skip(), gr.skip()] if before is ... else [before, gr.update(visible=before is not None)]
        opened = steps[current] if steps else None
        title = view.step_heading(opened, current + 1) if opened else ""
        columns = [gr.update(visible=bool(opened) and opened["kind"] == kind) for kind in self.columns]
        values = [opened[item.key] if opened and opened["kind"] == kind else gr.skip() for kind, item in FIELDS]
        panels = [*[gr.update(visible=bool(steps))] * 3, title]
        return [steps, current, *self.words(ref, steps, current, previewed), *undo, *panels, *columns, *values]

    def add(self, event: gr.EventData, ref: str, steps: list[Values], current: int, previewed: str, *given: Any) -> list[Any]:
        return self.take({"kind": key_of(event)}, ref, steps, current, previewed, *given)

    def take(self, values: Values, ref: str, steps: list[Values], current: int, previewed: str, *given: Any) -> list[Any]:
        """One more step, from the list or from the report, opened."""
        steps, current = add_step(kept(steps, current, given), values)
        return self.drawn(ref, steps, current, previewed)

    def act(self, event: gr.EventData, ref: str, steps: list[Values], current: int, previewed: str, *given: Any) -> list[Any]:
        """Open, move or remove a step."""
        steps, at, what = kept(steps, current, given), int(event.key), str(event.act)
        if not 0 <= at < len(steps):
            return self.drawn(ref, steps, current, previewed)
        if what == "remove":
            return self.drawn(ref, remove(steps, at), current - (at < current), previewed, before=steps)
        if what in ("up", "down"):
            steps, at = move(steps, at, -1 if what == "up" else 1)
        return self.drawn(ref, steps, at, previewed)

    def empty(self, ref: str, steps: list[Values], current: int, previewed: str, *given: Any) -> list[Any]:
        return self.drawn(ref, [], -1, previewed, before=kept(steps, current, given))

    def bring_back(self, before: list[Values], ref: str, current: int, previewed: str) -> list[Any]:
        return self.drawn(ref, before or [], current, previewed, before=None)

    def typed(self, ref: str, steps: list[Values], current: int, previewed: str, *given: Any) -> list[Any]:
        """The list and the YAML while a person changes a field; the form is left alone."""
        return self.words(ref, kept(steps, current, given), current, previewed)

    def opened(self, ref: str, steps: list[Values], current: int, previewed: str, made: str, *given: Any) -> list[Any]:
        """Another version is open: the steps and their form stay, what was said about the other one goes."""
        if not ref:
            return [gr.skip()] * (len(self.said_by_steps) + 5)
        newest = store.versions(self.page.workspace, ref.partition("@")[0])[-1].number
        outcome = gr.skip() if made == ref else ""
        go = gr.update(value=f"Make version {newest + 1}")
        adding = view.adding_table(self.kind(ref))
        return [*self.words(ref, kept(steps, current, given), current, ""), adding, go, "", outcome, ""]

    def begun(self, request: gr.Request, ref: str, steps: list[Values], work: Callable[..., Any]) -> Iterator[tuple[Any, str, str]]:
        """Do `work(pipeline, progress, stop)`: gives how far it is as markup, and at the end its result or what went wrong."""
        stop = self.stops.begin(request)
        try:
            pipeline = pipeline_of(steps, self.kind(ref))
            rows = store.get_version(self.page.workspace, ref).rows
            yield None, html.progress(0, rows, f"0 of {html.plural(rows, 'row')}"), ""
            for news in followed(lambda progress, halt: work(pipeline, progress, halt), stop):
                if isinstance(news, Told):
                    yield None, html.progress(news.done, news.total, news.words()), ""
                else:
                    yield news.result(), "", ""
        except Stopped:
            yield None, "", notice("Stopped; nothing was changed.", "info")
        except StudioError as error:
            yield None, "", notice(error)
        finally:
            self.stops.end(request, stop)

    def try_out(self, request: gr.Request, ref: str, steps: list[Values], current: int, previewed: str, *given: Any) -> Iterator[list[Any]]:
        """Preview: previewed, effects, stale, progress, what went wrong, the buttons. The steps may be changed meanwhile."""
        ws, steps = self.page.workspace, kept(steps, current, given)

        def work(pipeline: Pipeline, progress: Any, stop: Any) -> Any:
            return preview(ws, ref, pipeline, progress, stop)

        for seen, far, trouble in self.begun(request, ref, steps, work):
            if seen is None:
                yield [gr.skip(), gr.skip(), gr.skip(), far, trouble, *buttons(busy=not trouble)]
            else:
                yield [preview_key(ref, yaml_of(steps)), view.preview_view(seen), "", "", "", *buttons(busy=False)]

    def make_version(
        self, request: gr.Request, ref: str, steps: list[Values], current: int, previewed: str, *given: Any
    ) -> Iterator[list[Any]]:
        """Apply the steps: made (the new version's ref, empty when there is none), progress, what came of it, the buttons."""
        ws, steps = self.page.workspace, kept(steps, current, given)

        def work(pipeline: Pipeline, progress: Any, stop: Any) -> Any:
            return clean(ws, ref, pipeline, progress=progress, stop=stop)

        for version, far, trouble in self.begun(request, ref, steps, work):
            if version is None:
                yield ["", far, trouble, *buttons(busy=not trouble)]
            elif version.ref == store.get_version(ws, ref).ref:
                said = notice("Nothing would change, so no version was made.", "info")
                yield ["", "", said, *buttons(busy=False)]
            else:
                yield [version.ref, "", notice(view.outcome(version), "info"), *buttons(busy=False)]

    def halt(self, request: gr.Request) -> None:
        self.stops.stop(request)

    def fill_labels(self, ref: str, table: str) -> tuple[str, str]:
        """Spellings of one label, added to the rename table, and how many there are."""
        found = suggested_table(self.page.workspace, ref).splitlines()
        new = [line for line in found if line not in (table or "").splitlines()]
        words = f"{html.plural(len(new), 'label')} added to the table." if new else "No label looks like another spelling of one."
        return "\n".join([*(table or "").splitlines(), *new]), html.muted(words)


def preview_key(ref: str, yaml: str) -> str:
    """What a preview was made of."""
    return f"{ref}\n{yaml}"


def buttons(busy: bool) -> list[Any]:
    """Preview, Make version and Stop."""
    return [gr.update(interactive=not busy), gr.update(interactive=not busy), gr.update(visible=busy)]


def build(page: Page, selected: gr.State) -> Part:
    """The tab. After an event of `changed` the new version is open."""
    from app import dataset_clean_saved

    cleaning = Cleaning(page, selected)
    with gr.Row(elem_classes="columns clean"):
        with gr.Column(scale=3, min_width=300):
            cleaning.lay_out()
        with gr.Column(scale=2, min_width=260, elem_id="clean-side"):
            adding = Choices(elem_id="clean-add")
            saved = dataset_clean_saved.build(page, cleaning)
    saved.wire()
    _wire_steps(cleaning, adding)
    page.refreshes("data", saved.fresh, [*saved.choices, *cleaning.models])
    return Part([], lambda ref: (), [_wire_work(cleaning)])


def _wire_steps(cleaning: Cleaning, adding: Choices) -> None:
    """Adding, opening, moving and removing steps, their fields, and the step that the report hands over."""
    it = cleaning
    adding.pick(guarded(it.add), it.inputs, it.shown, **QUIET)
    it.listing.act(guarded(it.act), it.inputs, it.shown, **QUIET)
    it.clear.click(guarded(it.empty), it.inputs, it.shown, **QUIET)
    it.undo.click(guarded(it.bring_back), [it.before, it.selected, it.current, it.previewed], it.shown, **QUIET)
    changes = [each.change if item.key == "model" else each.input for (_, item), each in zip(FIELDS, it.fields, strict=True)]
    gr.on(changes, guarded(it.typed), it.inputs, it.said_by_steps, trigger_mode="always_last", **QUIET)
    table = next(component for (kind, item), component in zip(FIELDS, it.fields, strict=True) if (kind, item.key) == ("labels", "table"))
    filled = it.suggest.click(guarded(it.fill_labels), [it.selected, table], [table, it.suggested], **QUIET)
    filled.then(guarded(it.typed), it.inputs, it.said_by_steps, **QUIET)
    about_version = [adding, it.make, it.effects, it.said, it.previewed]
    it.selected.change(guarded(it.opened), [*it.place, it.made, *it.fields], [*it.said_by_steps, *about_version], **QUIET)

    def receive(values: Values) -> list[Any]:
        return [complete(values), gr.Tabs(selected=TAB)]

    def add_received(opened: Any) -> None:
        opened.then(guarded(it.take), [it.incoming, *it.inputs], it.shown, **QUIET)

    it.page.receives("clean_with", receive, [it.incoming, it.page.data_tabs], tab="data", after=add_received)


def _wire_work(cleaning: Cleaning) -> Any:
    """Preview, Make version and Stop; gives the event after which the new version is open."""
    it = cleaning
    three = [it.look, it.make, it.stop]
    looks = [it.previewed, it.effects, it.stale, it.progress, it.said, *three]
    looked = it.look.click(guarded(it.try_out), it.inputs, looks, concurrency_limit=2, **QUIET)
    makes = [it.made, it.progress, it.said, *three]
    made = it.make.click(guarded(it.make_version), it.inputs, makes, concurrency_limit=2, **QUIET)
    for event in (looked, made):
        event.then(lambda: buttons(busy=False), None, three, **QUIET)
    it.stop.click(guarded(it.halt), None, None, queue=False, **QUIET)

    def open_made(made_ref: str, ref: str) -> Any:
        """The new version, unless another dataset was opened meanwhile."""
        return made_ref if made_ref and made_ref.partition("@")[0] == ref.partition("@")[0] else gr.skip()

    return made.success(guarded(open_made), [it.made, it.selected], it.selected, **QUIET)
