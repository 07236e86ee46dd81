"""A new labelling project: whose answers are judged, what people are asked, what they are told. Its fields come from `ProjectSettings`.

A project is made of a comparison, or of a file or a dataset of preferences (`studio/feedback/imports.py`), with or without its votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import ValidationError

from app import gate, html
from app.choices import kept, static
from app.guard import guarded, notice
from app.label_part import QUIET
from app.label_projects import against
from app.page import Page
from app.section_form import component, values_of
from studio.data import store
from studio.data.samples import shipped_samples
from studio.errors import FeedbackError, StudioError
from studio.feedback import imports, projects
from studio.feedback.projects import ProjectInfo
from studio.feedback.settings import MODE_WORDS, ProjectSettings
from studio.inference import compare as comparing
from studio.settings import FieldSpec, field_spec
from studio.workspace import Workspace

COMPARISON, FILE = "Answers of a comparison", "A file or a dataset of preferences"
SPECS: list[FieldSpec] = [field_spec(info, "project", name, name) for name, info in ProjectSettings.model_fields.items()]
ASKED = ("source", "comparison", "file", "ref", "votes", "suited", "name", "round", "guidelines")
SAMPLE, JUDGED_SAMPLES = "sample:", ("preferences", "rankings")
MANY = ("rank", "best", "rating")
GUIDELINES = """Read the question, then every answer to its end, before you judge.

1. Is it right? An answer that is wrong in what matters is worse than any that is not.
2. Does it do what was asked, all of it and nothing else?
3. Is it clear and in the tone that the question calls for? Longer is not better.

Say that answers are the same when you would be content with either. Skip an item that you cannot judge, and say why."""


def settings_of(values: dict[str, Any]) -> ProjectSettings:
    """The settings that the form says; raises `FeedbackError` that names the first wrong field."""
    try:
        return ProjectSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        title = next((spec.title for spec in SPECS if spec.path == name), name)
        raise FeedbackError(f"{title}: {first['msg'].removeprefix('Value error, ')}.", "Change this field and try again.") from error


def comparison_choices(ws: Workspace) -> list[tuple[str, int]]:
    """The comparisons that have answers, newest first."""
    return [
        (f"{html.shorten(c.name, 60)}: {', '.join(c.models)} ({html.plural(len(c.prompts), 'prompt')})", c.id)
        for c in comparing.list_comparisons(ws)
        if c.outputs
    ]


def samples() -> list[tuple[str, str]]:
    """The shipped datasets that say what people prefer."""
    return [(f"Sample: {one.title}", f"{SAMPLE}{one.name}") for one in shipped_samples() if one.name in JUDGED_SAMPLES]


def suggested_name(ws: Workspace, comparison: int) -> str:
    """`Round 2: support-bot-7 against starter`, and a number behind it when there is such a project."""
    info = comparing.get_comparison(ws, comparison)
    taken = {p.name for p in projects.list_projects(ws)}
    name = html.shorten(f"Round {next_round(ws, info.models)}: {against(info.models)}", 80)
    number = 2
    first = name
    while name in taken:
        name, number = f"{first} ({number})", number + 1
    return name


def next_round(ws: Workspace, models: Sequence[str]) -> int:
    """One more than the newest round in which one of these models was judged."""
    return 1 + max((p.round for p in projects.list_projects(ws) if set(p.models) & set(models)), default=0)


@dataclass
class NewProject:
    """The form. After an event of `done`, `made` holds the number of the new project, or 0."""

    page: Page
    fields: list[Any] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)

    def lay_out(self) -> None:
        with gr.Row(elem_classes="tools bar"):
            static(html.heading("New project"), scale=1, min_width=140)
            self.close = gr.Button("Close", size="sm", elem_id="project-close", scale=0, min_width=80)
        self.source = gr.Radio(
            [COMPARISON, FILE], value=COMPARISON, label="What is judged", show_label=False, container=False, elem_id="project-source"
        )
        with gr.Row(elem_classes="tools") as self.from_comparison:
            self.comparison = gr.Dropdown([], label="Comparison", elem_id="project-comparison", scale=3, min_width=260)
        with gr.Row(elem_classes="tools", visible=False) as self.from_file:
            self.file = gr.File(label="Preferences or rankings (JSONL, JSON, CSV, Parquet)", elem_id="project-file", height=110, scale=3)
            with gr.Column(scale=2, min_width=240):
                self.data = gr.Dropdown([], label="Or a dataset of this workspace, or a shipped sample", elem_id="project-data")
                self.votes = gr.Checkbox(True, label="Take its votes over as judgements", elem_id="project-votes")
                self.suited = gr.Checkbox(
                    True, label="Ask what suits the file", info="Pairs by strength, longer lists by rank.", elem_id="project-suited"
                )
        with gr.Row(elem_classes="tools"):
            self.name = gr.Textbox(
                "", label="Name", placeholder="after the file", elem_id="project-name", max_lines=1, scale=3, min_width=240
            )
            self.round = gr.Number(1, label="Round", minimum=1, precision=0, elem_id="project-round", scale=0, min_width=90)
        with gr.Column() as self.settings:
            self._lay_out_settings()
        self.guidelines = gr.Textbox(
            GUIDELINES, label="Guidelines", info="Stand beside each item. Every change is a new version, which judgements name.",
            lines=6, max_lines=16, elem_id="project-guidelines",
        )  # fmt: skip
        with gr.Row(elem_classes="actions"):
            self.make = gr.Button("Make the project", variant="primary", size="md", elem_id="project-go", scale=0, min_width=150)
        self.said = static(elem_id="project-said")
        self.made = gr.State(0)

    def _lay_out_settings(self) -> None:
        """The basic settings in a line, the rest folded away. `fields` is in the order of `SPECS`."""
        made: dict[str, Any] = {}
        with gr.Row(elem_classes="tools project-fields"):
            for spec in (s for s in SPECS if s.basic):
                made[spec.path] = self._field(spec)
        for spec in (s for s in SPECS if s.path == "criteria"):
            made[spec.path] = component(spec, "project-criteria", visible=False)
        rest = [spec for spec in SPECS if spec.path not in made]
        with gr.Accordion(f"More settings ({len(rest)})", open=False, elem_id="project-more"), gr.Row(elem_classes="project-fields"):
            for spec in rest:
                made[spec.path] = self._field(spec)
        self.fields = [made[spec.path] for spec in SPECS]

    @staticmethod
    def _field(spec: FieldSpec) -> Any:
        if spec.path == "mode":
            choices = [(words, mode) for mode, words in MODE_WORDS.items()]
            return gr.Dropdown(
                choices, value=spec.default, label=spec.title, info=spec.help, elem_id="project-mode", min_width=260, scale=2
            )
        options = {"visible": False} if spec.path == "candidates" else {}
        return component(spec, f"project-{spec.path.replace('_', '-')}", min_width=170, **options)

    @property
    def outputs(self) -> list[Any]:
        """What `fresh` fills."""
        return [self.source, *self.panels, self.comparison, self.data, self.file, self.name, self.round, self.said]

    @property
    def panels(self) -> list[Any]:
        """What `which` shows and hides."""
        return [self.from_comparison, self.from_file, self.settings]

    def fresh(self, comparison: int = 0) -> tuple[Any, ...]:
        """The form as it is opened: on the newest comparison, or on `comparison`."""
        ws = self.page.workspace
        choices = comparison_choices(ws)
        chosen = comparison or (choices[0][1] if choices else None)
        source = COMPARISON if choices else FILE
        said = "" if choices else notice("There is no comparison yet: make one in the tab Compare, or import a file here.", "info")
        return (
            source,
            *self.which(source, True),
            gr.update(choices=choices, value=chosen),
            self._data(None),
            None,
            *self.named(chosen),
            said,
        )

    def _data(self, chosen: str | None) -> Any:
        ws = self.page.workspace
        found = [(label, ref) for label, ref in self.page.dataset_choices() if store.get_version(ws, ref).kind in imports.KINDS]
        return kept(found + samples(), chosen, None)

    def named(self, comparison: int | None) -> tuple[Any, Any]:
        """Name and round for a comparison."""
        if not comparison:
            return gr.skip(), gr.skip()
        ws = self.page.workspace
        return suggested_name(ws, comparison), next_round(ws, comparing.get_comparison(ws, comparison).models)

    @staticmethod
    def which(source: str, suited: bool) -> tuple[Any, ...]:
        """The fields of a source; the settings are hidden where the file decides them."""
        made = source == COMPARISON
        return gr.update(visible=made), gr.update(visible=not made), gr.update(visible=made or not suited)

    def turned(self, source: str, suited: bool, comparison: int | None) -> tuple[Any, ...]:
        """Another source was chosen: its fields and its name; a file gives its own."""
        return (*self.which(source, suited), *(self.named(comparison) if source == COMPARISON else ("", 1)))

    @staticmethod
    def asked(mode: str) -> tuple[Any, Any]:
        """The fields that a mode needs: how many answers, which criteria."""
        return gr.update(visible=mode in MANY), gr.update(visible=mode == "rating")

    @property
    def asks(self) -> list[Any]:
        """What `create` takes: `ASKED`, then the settings."""
        asked = [self.source, self.comparison, self.file, self.data, self.votes, self.suited, self.name, self.round, self.guidelines]
        return [*asked, *self.fields]

    def create(self, request: gr.Request, *values: Any) -> tuple[int, str]:
        """Make the project: its number and an empty notice, or 0 and what is wrong."""
        asked, given = dict(zip(ASKED, values, strict=False)), values[len(ASKED) :]
        about = {
            "guidelines": str(asked["guidelines"] or ""),
            "round": int(asked["round"] or 1),
            "created_by": gate.person_in(request).name,
        }
        name, settled = str(asked["name"] or "").strip(), asked["source"] == FILE and asked["suited"]
        try:
            settings = None if settled else settings_of(values_of(SPECS, given))
            made = self._imported(asked, name, settings, about) if asked["source"] == FILE else self._compared(asked, name, settings, about)
        except StudioError as error:
            return 0, notice(error)
        return made.id, ""

    def _compared(self, asked: dict[str, Any], name: str, settings: ProjectSettings | None, about: dict[str, Any]) -> ProjectInfo:
        """A project on a comparison. Raises `FeedbackError`."""
        if not asked["comparison"] or settings is None:
            raise FeedbackError("No comparison is chosen.", "Choose one; the tab Compare makes them.")
        return projects.create_project(self.page.workspace, name, int(asked["comparison"]), settings, **about)

    def _imported(self, asked: dict[str, Any], name: str, settings: ProjectSettings | None, about: dict[str, Any]) -> ProjectInfo:
        """A project from a file or a dataset. Raises `FeedbackError`, `DataError`."""
        if not asked["file"] and not asked["ref"]:
            raise FeedbackError("No file and no dataset is chosen.", "Choose a file of preferences, or a dataset.")
        sample = next((one.path for one in shipped_samples() if asked["ref"] == f"{SAMPLE}{one.name}"), None)
        source = Path(asked["file"]) if asked["file"] else sample or str(asked["ref"])
        return imports.as_tasks(self.page.workspace, source, name=name, settings=settings, votes=bool(asked["votes"]), **about)

    def connect(self) -> None:
        by_path = dict(zip((spec.path for spec in SPECS), self.fields, strict=True))
        place = [self.source, self.suited, self.comparison]
        self.source.input(guarded(self.turned), place, [*self.panels, self.name, self.round], **QUIET)
        self.suited.input(self.which, [self.source, self.suited], self.panels, **QUIET)
        self.comparison.input(guarded(self.named), self.comparison, [self.name, self.round], **QUIET)
        by_path["mode"].change(self.asked, by_path["mode"], [by_path["candidates"], by_path["criteria"]], **QUIET)
        self.done = [self.make.click(guarded(self.create), self.asks, [self.made, self.said], **QUIET)]


def build(page: Page) -> NewProject:
    form = NewProject(page)
    form.lay_out()
    form.connect()
    return form
