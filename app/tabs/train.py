"""The Train tab: the recipe as a form, and beside it what would happen.

The form is generated (`app/form.py`), the panel is `app/plan_view.py`. Everything ends in `_describe`: read the form, plan, and say either
what will happen or which field is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import form as forms
from app import plan_view
from app.fitting import context_limit, fitted, for_dataset
from app.guard import guarded, notice
from app.page import Page
from app.warm import in_a_while
from studio import fields
from studio.errors import FieldProblem, RecipeError, StudioError
from studio.recipe import Recipe
from studio.runs import store

if TYPE_CHECKING:
    from studio.runs.plan import Plan

MEASURING = "Measuring a few real steps on the longest rows. That takes from a few seconds to a minute."
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass
class TrainTab:
    """The form, and the buttons that start what it says."""

    form: forms.Form
    start: gr.Button
    queue: gr.Button


@dataclass
class _Parts:
    page: Page
    form: forms.Form
    plan: gr.HTML
    said: gr.HTML
    yaml: gr.Code
    command: gr.Code

    @property
    def described(self) -> list[Any]:
        """What `describe` fills."""
        return [self.plan, self.form.advanced, self.form.problems, self.yaml, self.command]

    @property
    def progress(self) -> dict[str, Any]:
        """How the planning shows itself."""
        return {"show_progress": "minimal", "show_progress_on": self.plan, "api_visibility": "private"}

    def describe(self, *values: Any) -> Iterator[list[Any]]:
        """The plan of what the form says, or the problems at its fields; words in the panel when it takes a while."""
        try:
            recipe = self.form.read(values)
        except RecipeError as error:
            yield self.troubles(error, values)
            return
        yield from self.plan_of(recipe, values)

    def plan_of(self, recipe: Recipe, values: tuple[Any, ...], measured: Any = None) -> Iterator[list[Any]]:
        texts = [fields.to_yaml(recipe), fields.to_command(recipe)]
        words = self.form.advanced_words(recipe)
        if not recipe.data.sources:
            yield [plan_view.NO_DATA, words, {}, *texts]
            return
        try:
            for planned in in_a_while(lambda: self.planned(recipe)):
                if planned.done():
                    yield [plan_view.plan_html(planned.result(), measured), words, {}, *texts]
                else:
                    yield [plan_view.waiting_html(self.page.warm.loading), words, {}, *texts]
        except RecipeError as error:
            yield [*self.troubles(error, values)[:3], *texts]
        except StudioError as error:
            yield [plan_view.trouble_html(error), words, {}, *texts]

    def planned(self, recipe: Recipe) -> Plan:
        from studio.runs.plan import plan

        self.page.warm.ready()
        return plan(self.page.workspace, recipe)

    def troubles(self, error: RecipeError, values: tuple[Any, ...]) -> list[Any]:
        """Each problem at its field, and one sentence in the panel."""
        named = dict(zip(self.form.components, values, strict=True))
        at_fields = forms.problems_value(error, named["method"], named["adaptation"])
        words = self.form.advanced_words(None, [problem.path for problem in error.problems])
        count = len(at_fields)
        text = (
            "One field needs another value before this can run." if count == 1 else f"{count} fields need other values before this can run."
        )
        return [plan_view.trouble_html(StudioError(text, "They are marked in the form.")), words, at_fields, gr.skip(), gr.skip()]


def build(page: Page) -> TrainTab:
    """The tab's components and what they do."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            form = forms.build(page)
        with gr.Column(scale=2, min_width=300, elem_classes="beside"):
            plan = plan_view.build()
            said = gr.HTML(elem_id="train-said")
            with gr.Row(elem_classes="actions"):
                start = gr.Button("Start", variant="primary", size="md", elem_id="start", min_width=120)
                queue = gr.Button("Queue for later", size="md", elem_id="queue")
                measure = gr.Button("Measure time and memory", size="md", elem_id="measure")
            with gr.Accordion("Load, save or copy this recipe", open=False, elem_id="as-text"):
                load = gr.UploadButton("Load a YAML file", file_types=[".yaml", ".yml"], size="md", elem_id="load-yaml")
                yaml = gr.Code(language="yaml", label="Recipe (YAML)", interactive=False, elem_id="yaml")
                command = gr.Code(language="shell", label="Command", interactive=False, wrap_lines=True, elem_id="command")
    parts = _Parts(page, form, plan, said, yaml, command)
    _wire_form(parts, load)
    _wire_buttons(parts, start, queue, measure)
    _wire_handovers(parts)
    return TrainTab(form, start, queue)


def _wire_form(parts: _Parts, load: gr.UploadButton) -> None:
    """Every change by a person is planned; method and adaptation switch their fields; presets and files fill the form."""
    form, listeners = parts.form, []
    for key, component in form.components.items():
        if key not in forms.UNIONS:
            listeners.append(component.change if isinstance(component, gr.Dropdown) else component.input)
    progress = parts.progress
    gr.on(listeners, guarded(parts.describe), form.inputs, parts.described, trigger_mode="always_last", **progress)
    columns = [column for group in form.groups.values() for column in group]
    unions = [form.components[union] for union in forms.UNIONS]

    def switch(method: str, adaptation: str) -> list[Any]:
        words = [gr.update(info=forms.summary(u, kind)) for u, kind in zip(forms.UNIONS, (method, adaptation), strict=True)]
        return [*form.switch(method, adaptation), *words]

    switched = gr.on([u.input for u in unions], guarded(switch), unions, [*columns, *unions], **QUIET)
    switched.then(guarded(parts.describe), form.inputs, parts.described, **progress)
    sources = form.components[forms.SOURCES]
    mixing = [form.components[forms.WEIGHTS], form.components[forms.CAPS]]
    sources.change(lambda names: [gr.update(visible=len(names or []) > 1)] * 2, sources, mixing, **QUIET)

    def model_chosen(model: str, max_length: Any) -> Any:
        limit = context_limit(parts.page, model)
        return limit if limit and isinstance(max_length, int | float) and max_length > limit else gr.skip()

    longest = form.components["data.max_length"]
    limited = form.components["model"].input(guarded(model_chosen), [form.components["model"], longest], longest, **QUIET)
    limited.then(guarded(parts.describe), form.inputs, parts.described, **progress)

    def from_preset(name: str, sources_now: list[str], model: str) -> list[Any]:
        recipe = next(p.recipe for p in fields.presets() if p.name == name)
        plain = [{"name": source} for source in sources_now or []]
        return form.show(fitted(parts.page, fields.apply_overrides(recipe, {"data.sources": plain, "model": model or recipe.model})))

    def from_file(path: str) -> list[Any]:
        try:
            return [*form.show(fields.from_yaml(Path(path).read_text(encoding="utf-8"))), ""]
        except (RecipeError, UnicodeDecodeError) as error:
            said = error if isinstance(error, StudioError) else RecipeError([FieldProblem("", "the file is not text in UTF-8")])
            return [*[gr.skip() for _ in form.outputs], notice(said)]

    filled = form.preset.input(guarded(from_preset), [form.preset, sources, form.components["model"]], form.outputs, **QUIET)
    filled.then(guarded(parts.describe), form.inputs, parts.described, **progress)
    loaded = load.upload(guarded(from_file), load, [*form.outputs, parts.said], **QUIET)
    loaded.then(guarded(parts.describe), form.inputs, parts.described, **progress)

    def wanted(event: gr.EventData) -> dict[str, Any]:
        return dict(event.changes)

    def mend(changes: dict[str, Any], *values: Any) -> list[Any]:
        return form.show(fields.apply_overrides(form.read(values), changes))

    changes = gr.State({})
    asked = parts.plan.mend(guarded(wanted), None, changes, **QUIET)
    mended = asked.then(guarded(mend), [changes, *form.inputs], form.outputs, **QUIET)
    mended.then(guarded(parts.describe), form.inputs, parts.described, **progress)


def _wire_buttons(parts: _Parts, start: gr.Button, queue: gr.Button, measure: gr.Button) -> None:
    page, form = parts.page, parts.form
    made = gr.State("")
    outputs = [made, parts.said, *parts.described]

    def create(*values: Any) -> list[Any]:
        """Make the run; nothing starts while a field is wrong."""
        try:
            run = store.create_run(page.workspace, form.read(values))
        except RecipeError as error:
            return ["", "", *parts.troubles(error, values)]
        except StudioError as error:
            return ["", notice(error), *[gr.skip() for _ in parts.described]]
        place = f" It is number {run.position} in the queue." if run.position > 1 else ""
        return [run.name, notice(f"{run.name} is queued.{place}", "info"), *[gr.skip() for _ in parts.described]]

    def measured(*values: Any) -> Iterator[list[Any]]:
        try:
            recipe = form.read(values)
            figures = page.studio.worker.measure(recipe)
            yield from (["", *described] for described in parts.plan_of(recipe, values, figures))
        except RecipeError as error:
            yield ["", *parts.troubles(error, values)]
        except StudioError as error:
            yield [notice(error), *[gr.skip() for _ in parts.described]]

    started = start.click(guarded(create), form.inputs, outputs, **QUIET)
    page.sends("open_run", started.then, [made])
    queue.click(guarded(create), form.inputs, outputs, **QUIET)
    waiting = measure.click(lambda: notice(MEASURING, "info"), None, parts.said, **QUIET)
    waiting.then(guarded(measured), form.inputs, [parts.said, *parts.described], show_progress="minimal", api_visibility="private")


def _wire_handovers(parts: _Parts) -> None:
    """Datasets, models and recipes that other tabs hand over, and fresh choices whenever the tab is opened."""
    page, form = parts.page, parts.form

    def receiver(change: Callable[[Any], Recipe]) -> Callable[[Any], list[Any]]:
        def receive(value: Any) -> list[Any]:
            return form.show(fitted(page, change(value)))

        return receive

    def then_plan(opened: Any) -> None:
        opened.then(guarded(parts.describe), form.inputs, parts.described, **parts.progress)

    def fresh() -> list[Any]:
        return [gr.update(choices=page.dataset_choices()), gr.update(choices=page.model_choices())]

    page.receives("train_on", receiver(lambda ref: for_dataset(page, ref)), form.outputs, "train", then_plan)
    page.receives("train_from", receiver(lambda name: Recipe(model=name)), form.outputs, "train", then_plan)
    page.receives("clone", receiver(lambda name: store.get_run(page.workspace, name).recipe), form.outputs, "train", then_plan)
    page.refreshes("train", fresh, [form.components[forms.SOURCES], form.components["model"]])
