"""More rows from the rows that there are: noise, system prompts, balance, and drafts that a model writes and a person decides on.

The fields come from the settings of each way (`app/augment_view.py`); reviewing drafts stands in `app/dataset_drafts.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
from pydantic import ValidationError

from app import augment_view as view
from app import dataset_drafts, html, sampling_form, section_form
from app.background import Told, followed
from app.choices import kept, static
from app.dataset_part import Part
from app.guard import guarded, notice
from app.page import Page
from app.stopping import Stops
from app.theme import script
from studio.data import store
from studio.data.augment.apply import augment, preview
from studio.data.step_words import augment_words
from studio.errors import StudioError
from studio.inference.writing import write_drafts
from studio.models import registry

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
WRITER = "starter"


class Augmenting:
    """The components and their handlers. `asked` is what handlers take of the form: the way, then the values of all fields."""

    def __init__(self, page: Page, selected: gr.State) -> None:
        self.page, self.selected, self.stops = page, selected, Stops()
        self.columns: dict[str, gr.Column] = {}
        self.fields: dict[str, list[Any]] = {}

    def lay_out(self) -> None:
        """A way, its fields, for a model's tasks the model, and the buttons."""
        static(html.heading("Augment", "adds training rows made from those that there are; validation and test rows stay as they are"))
        self.way = gr.Dropdown([], label="Augmentation", elem_id="augment-way", elem_classes="one-field")
        self.about = static(elem_id="augment-about")
        with gr.Column(visible=False) as self.writing:
            self.model = gr.Dropdown([], label="Model that writes", elem_id="augment-model", elem_classes="one-field")
        for name in view.WAYS:
            with gr.Column(visible=False, elem_classes="augment-fields") as self.columns[name]:
                self.fields[name] = [self._field(name, spec) for spec in view.specs_of(name)]
        with gr.Accordion("How it writes", open=False, visible=False, elem_id="augment-how") as self.how:
            with gr.Column(elem_classes="augment-fields"):
                self.sampling = sampling_form.build("augment-sampling")
        with gr.Row(elem_classes="tools"):
            self.look = gr.Button("Preview", size="md", elem_id="augment-preview", scale=0, min_width=100)
            self.go = gr.Button("Make a version", size="md", elem_id="augment-go", scale=0, min_width=130)
            self.write = gr.Button("Write drafts", size="md", elem_id="augment-write", scale=0, min_width=120, visible=False)
            self.stop = gr.Button("Stop", size="md", elem_id="augment-stop", scale=0, min_width=80, visible=False)
        self.problems = gr.HTML(
            value={}, html_template="", js_on_load=script("problems.js"), apply_default_css=False, elem_id="augment-problems"
        )
        self.said = static(elem_id="augment-said")

    @staticmethod
    def _field(way: str, spec: Any) -> Any:
        classes = "whole-line" if spec.type == "lines" else ""
        return section_form.component(spec, view.element_id(way, spec.path), min_width=200, elem_classes=classes)

    @property
    def asked(self) -> list[Any]:
        return [self.way, *(field for fields in self.fields.values() for field in fields), *self.sampling]

    @property
    def switched(self) -> list[Any]:
        """What `switch` fills."""
        return [self.about, *self.columns.values(), self.writing, self.how, self.look, self.go, self.write, self.problems, self.said]

    def switch(self, way: str | None, said: str = "") -> list[Any]:
        """Show the fields and buttons of a way."""
        columns = [gr.update(visible=name == way) for name in self.columns]
        written, plain = gr.update(visible=view.writes(way)), gr.update(visible=bool(way) and not view.writes(way))
        return [html.muted(view.WAYS[way].summary) if way else "", *columns, written, written, plain, plain, written, {}, said]

    def show(self, ref: str) -> tuple[Any, ...]:
        """The ways for the open version; one that was made here says so, and its way stays chosen."""
        if not ref:
            return gr.update(choices=[], value=None), *self.switch(None)
        version = store.get_version(self.page.workspace, ref)
        found, said = view.ways(version.kind), ""
        way = found[0][1] if found else None
        if version.step.get("kind") == "augment":
            said = notice(f"Version {version.number}: {augment_words(version.step)}.", "info")
            made = str(version.step.get("settings", {}).get("kind", ""))
            way = next((name for _, name in found if name == made or (made == "drafts" and view.writes(name))), way)
        return gr.update(choices=found, value=way), *self.switch(way, said)

    def models(self, chosen: str | None) -> Any:
        """The models that can write, as they are now."""
        able = {model.name for model in registry.list_models(self.page.workspace) if model.generates}
        choices = [choice for choice in self.page.model_choices() if choice[1] in able]
        return kept(choices, chosen, WRITER)

    def settings(self, way: str, values: Sequence[Any]) -> Any:
        """The step or the task that the form describes. Raises `ValidationError`."""
        start = 0
        for name, fields in self.fields.items():
            if name == way:
                break
            start += len(fields)
        specs = view.specs_of(way)
        found = section_form.values_of(specs, values[start : start + len(specs)])
        if view.writes(way):
            found["sampling"] = sampling_form.given(values[-len(self.sampling) :])
        return view.WAYS[way].model_validate(found)

    def try_it(self, ref: str, way: str, *values: Any) -> tuple[Any, ...]:
        """What the step would do: said, problems."""
        try:
            return view.preview_html(preview(self.page.workspace, ref, self.settings(way, values))), {}
        except ValidationError as error:
            return "", view.problems_of(error, way)
        except StudioError as error:
            return notice(error), {}

    def make(self, ref: str, way: str, *values: Any) -> tuple[Any, ...]:
        """Make a version: the new ref, said, problems."""
        try:
            return augment(self.page.workspace, ref, self.settings(way, values)).ref, "", {}
        except ValidationError as error:
            return gr.skip(), "", view.problems_of(error, way)
        except StudioError as error:
            return gr.skip(), notice(error), {}

    def run(self, request: gr.Request, ref: str, model: str, way: str, *values: Any) -> Iterator[list[Any]]:
        """Let the model write drafts and tell how far it is: said, problems, how, the buttons."""
        try:
            task = self.settings(way, values)
        except ValidationError as error:
            wrong = view.problems_of(error, way)
            folded = any(name.startswith("augment-sampling-") for name in wrong)
            yield ["", wrong, gr.update(open=True) if folded else gr.skip(), *buttons(busy=False)]
            return
        stop = self.stops.begin(request)
        stopped = False
        try:
            yield [html.progress(0, task.rows, f"{model} is writing"), {}, gr.skip(), *buttons(busy=True)]
            ws, engine = self.page.workspace, self.page.studio.engine
            for news in followed(lambda progress, stop: write_drafts(ws, engine, model, ref, task, progress, stop), stop):
                if isinstance(news, Told):
                    yield [html.progress(news.done, news.total, news.words("answers")), {}, gr.skip(), *buttons(busy=True)]
                    continue
                stopped = stop.is_set()
                yield [notice(view.written_words(news.result(), stopped), "info"), {}, gr.skip(), *buttons(busy=False)]
        except StudioError as error:
            yield [notice(error), {}, gr.skip(), *buttons(busy=False)]
        finally:
            self.stops.end(request, stop)

    def halt(self, request: gr.Request) -> None:
        self.stops.stop(request)


def buttons(busy: bool) -> list[Any]:
    """Write and Stop."""
    return [gr.update(interactive=not busy), gr.update(visible=busy)]


def build(page: Page, selected: gr.State) -> Part:
    """The tab: a way, its fields, a preview or a model that writes, and the drafts."""
    it = Augmenting(page, selected)
    it.lay_out()
    drafts = dataset_drafts.build(page, selected)
    it.way.input(guarded(it.switch), it.way, it.switched, **QUIET)
    seen: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": it.said, "api_visibility": "private"}
    it.look.click(guarded(it.try_it), [selected, *it.asked], [it.said, it.problems], **seen)
    made = it.go.click(guarded(it.make), [selected, *it.asked], [selected, it.said, it.problems], **seen)
    two = [it.write, it.stop]
    written = it.write.click(guarded(it.run), [selected, it.model, *it.asked], [it.said, it.problems, it.how, *two], **QUIET)
    written.then(lambda: buttons(busy=False), None, two, **QUIET).then(guarded(drafts.show), selected, drafts.outputs, **QUIET)
    it.stop.click(guarded(it.halt), None, None, queue=False, **QUIET)
    page.refreshes("data", it.models, [it.model], [it.model])

    def show(ref: str) -> tuple[Any, ...]:
        return *it.show(ref), *drafts.show(ref)

    return Part([it.way, *it.switched, *drafts.outputs], show, [made, *drafts.changed])
