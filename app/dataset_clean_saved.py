"""Pipelines that are kept in the workspace, and the steps as YAML: to read, copy and change by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import html
from app.choices import static
from app.dataset_clean_steps import Values, kept, pipeline_of, steps_of
from app.guard import guarded, notice
from app.page import Page
from studio.data.cleaning import Pipeline, delete_pipeline, load_pipeline, pipelines, save_pipeline
from studio.errors import DataError, StudioError

if TYPE_CHECKING:
    from app.dataset_clean import Cleaning

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
NONE = "No pipeline is saved yet. Save the steps under a name to use them on another dataset."


@dataclass
class Saved:
    """The components of saved pipelines and YAML around a `Cleaning`. `fresh` gives updates for `choices` and its models."""

    page: Page
    cleaning: Cleaning
    chosen: gr.Dropdown
    load: gr.Button
    delete: gr.Button
    back: gr.Button
    name: gr.Textbox
    save: gr.Button
    said: gr.HTML
    use: gr.Button
    yaml_said: gr.HTML

    @property
    def choices(self) -> list[Any]:
        return [self.chosen, self.load, self.delete]

    def offered(self, name: str | None = None) -> list[Any]:
        """The saved pipelines, `name` chosen, and the buttons that need one."""
        names = pipelines(self.page.workspace)
        value = name if name in names else names[0] if names else None
        usable = gr.update(interactive=bool(names))
        return [gr.update(choices=names, value=value, info="" if names else NONE), usable, usable]

    def fresh(self) -> list[Any]:
        models = gr.update(choices=[("none", ""), *self.page.model_choices()])
        return [*self.offered(), *([models] * len(self.cleaning.models))]

    def take(self, name: str | None, ref: str, steps: list[Values], current: int, previewed: str, *given: Any) -> list[Any]:
        """A saved pipeline in place of the steps, which Undo brings back."""
        if not name:
            raise DataError("No pipeline is chosen.", "Choose a saved one.")
        before = kept(steps, current, given)
        loaded = steps_of(load_pipeline(self.page.workspace, name))
        words = f"{name} is loaded: {html.plural(len(loaded), 'step')}."
        return [*self.cleaning.drawn(ref, loaded, 0, previewed, before=before or None), name, notice(words, "info")]

    def keep(self, name: str, asked: str, ref: str, steps: list[Values], current: int, previewed: str, *given: Any) -> list[Any]:
        """Save the steps; another pipeline of that name is only replaced when the person presses twice."""
        ws, name = self.page.workspace, name.strip()
        try:
            pipeline = pipeline_of(kept(steps, current, given), self.cleaning.kind(ref))
            if name in pipelines(ws) and name != asked and load_pipeline(ws, name) != pipeline:
                words = f"There is another pipeline called {name}. Save once more to replace it, or choose another name."
                return [gr.skip()] * 3 + [name, notice(words, "warning")]
            save_pipeline(ws, name, pipeline)
        except StudioError as error:
            return [gr.skip()] * 3 + ["", notice(error)]
        return [*self.offered(name), "", notice(f"{name} is saved with {html.plural(len(pipeline.steps), 'step')}.", "info")]

    def forget(self, name: str | None) -> list[Any]:
        """Delete the chosen pipeline; what it was stays for Undo."""
        if not name:
            raise DataError("No pipeline is chosen.", "Choose a saved one.")
        yaml = load_pipeline(self.page.workspace, name).to_yaml()
        delete_pipeline(self.page.workspace, name)
        undo = gr.update(visible=True, value=f"Undo the deletion of {name}")
        return [*self.offered(), (name, yaml), undo, notice(f"{name} is deleted.", "info")]

    def restore(self, gone: tuple[str, str]) -> list[Any]:
        name, yaml = gone
        save_pipeline(self.page.workspace, name, Pipeline.from_yaml(yaml))
        return [*self.offered(name), gr.update(visible=False), notice(f"{name} is back.", "info")]

    def read(self, text: str | None, ref: str, steps: list[Values], current: int, previewed: str, *given: Any) -> list[Any]:
        """What a person wrote as YAML in place of the steps, or what is wrong with it."""
        try:
            written = steps_of(Pipeline.from_yaml(text or "steps: []"))
        except StudioError as error:
            return [*[gr.skip()] * len(self.cleaning.shown), notice(error)]
        before = kept(steps, current, given)
        words = f"{html.plural(len(written), 'step')} taken from the YAML."
        return [*self.cleaning.drawn(ref, written, 0, previewed, before=before or None), notice(words, "info")]

    def wire(self) -> None:
        it, asked, gone = self.cleaning, gr.State(""), gr.State(("", ""))
        self.load.click(guarded(self.take), [self.chosen, *it.inputs], [*it.shown, self.name, self.said], **QUIET)
        keeping = [self.save.click, self.name.submit]
        gr.on(keeping, guarded(self.keep), [self.name, asked, *it.inputs], [*self.choices, asked, self.said], **QUIET)
        self.delete.click(guarded(self.forget), self.chosen, [*self.choices, gone, self.back, self.said], **QUIET)
        self.back.click(guarded(self.restore), gone, [*self.choices, self.back, self.said], **QUIET)
        self.use.click(guarded(self.read), [it.yaml, *it.inputs], [*it.shown, self.yaml_said], **QUIET)


def build(page: Page, cleaning: Cleaning) -> Saved:
    """Lay the components out; `cleaning.yaml` is made here."""
    static(html.heading("Saved pipelines"), elem_classes="part-heading")
    chosen = gr.Dropdown([], label="Saved pipelines", show_label=False, info=NONE, elem_id="pipeline-saved")
    with gr.Row(elem_classes="tools"):
        load = gr.Button("Load", size="sm", interactive=False, elem_id="pipeline-load", scale=0, min_width=70)
        delete = gr.Button("Delete", size="sm", interactive=False, elem_id="pipeline-delete", scale=0, min_width=70)
        back = gr.Button("Undo the deletion", size="sm", visible=False, elem_id="pipeline-undo", scale=0, min_width=130)
    with gr.Row(elem_classes="tools"):
        name = gr.Textbox("", label="Save these steps as", max_lines=1, elem_id="pipeline-name", scale=1, min_width=140)
        save = gr.Button("Save", size="md", elem_id="pipeline-save", scale=0, min_width=70)
    said = static(elem_id="pipeline-said")
    with gr.Accordion("The steps as YAML", open=False, elem_id="clean-as-yaml"):
        cleaning.yaml = gr.Code(
            "", language="yaml", label="Pipeline (YAML)", interactive=True, lines=6, max_lines=24, wrap_lines=True, elem_id="clean-yaml"
        )
        use = gr.Button("Use this YAML", size="sm", elem_id="clean-use-yaml", scale=0, min_width=120)
        yaml_said = static(elem_id="clean-yaml-said")
    return Saved(page, cleaning, chosen, load, delete, back, name, save, said, use, yaml_said)
