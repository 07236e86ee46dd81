"""A project's own affairs: what people are told, how many judge an item, pause and close, name, delete. A part of the Label tab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import gate, html
from app.choices import static
from app.guard import guarded, notice
from app.label_form import SPECS
from app.label_part import NONE, QUIET, Part
from app.page import Page
from app.section_form import component
from studio.errors import StudioError
from studio.feedback import projects
from studio.workspace import Workspace

OVERLAPS = ("overlap", "shared_overlap", "shared_share")
STATES = (("Open: people get items", "open"), ("Paused: nobody gets a new item", "paused"), ("Closed: labelling is over", "closed"))


def versions_html(ws: Workspace, project: int) -> str:
    """Earlier versions of the guidelines, the newest first."""
    found = projects.guidelines(ws, project)
    older = "".join(
        f"<details><summary>version {g.number}, {html.esc(g.author or 'nobody')}, {g.created_at:%d %b %Y, %H:%M}</summary>"
        f"{html.text_block(g.text)}</details>"
        for g in reversed(found[:-1])
    )
    return f'<div class="versions">{html.muted(f"Version {len(found)} is in force." if found else "Nothing is said yet.")}{older}</div>'


@dataclass
class Care:
    """The components and their handlers. `deleted` holds the number of the project that was deleted last."""

    ws: Workspace
    selected: gr.State

    def lay_out(self) -> None:
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=6, min_width=320):
                static(html.heading("Guidelines", "what stands beside each item"))
                self.text = gr.Textbox(
                    "", label="Guidelines", show_label=False, container=False, lines=10, max_lines=24, elem_id="care-guidelines"
                )
                with gr.Row(elem_classes="actions"):
                    self.keep = gr.Button("Save as a new version", size="md", elem_id="care-save", scale=0, min_width=170)
                self.versions = static(elem_id="care-versions")
            with gr.Column(scale=5, min_width=300):
                self._lay_out_settings()
        self.said = static(elem_id="care-said")
        self.deleted = gr.State(NONE)

    def _lay_out_settings(self) -> None:
        static(html.heading("People for each item", "more can be asked at any time"))
        specs = {spec.path: spec for spec in SPECS}
        with gr.Row(elem_classes="tools"):
            self.overlaps = [component(specs[path], f"care-{path.replace('_', '-')}", min_width=140) for path in OVERLAPS]
        with gr.Row(elem_classes="actions"):
            self.ask = gr.Button("Change", size="md", elem_id="care-overlap-go", scale=0, min_width=90)
        static(html.heading("State and name"))
        with gr.Row(elem_classes="tools"):
            self.state = gr.Radio(list(STATES), label="State", show_label=False, container=False, elem_id="care-state", min_width=220)
        with gr.Row(elem_classes="tools"):
            self.name = gr.Textbox("", label="Name", elem_id="care-name", max_lines=1, scale=2, min_width=160)
            self.rename = gr.Button("Rename", size="md", elem_id="care-rename", scale=0, min_width=90)
        self.remove = gr.Button("Delete this project", size="sm", elem_id="care-delete", elem_classes="quiet-danger")
        with gr.Row(visible=False, elem_classes="tools confirm") as self.confirm:
            self.question = static(elem_id="care-question", scale=1, min_width=180)
            self.yes = gr.Button("Delete", size="md", elem_id="care-delete-yes", elem_classes="danger", scale=0, min_width=90)
            self.no = gr.Button("Keep", size="md", elem_id="care-delete-no", scale=0, min_width=90)

    @property
    def outputs(self) -> list[Any]:
        return [self.text, self.versions, *self.overlaps, self.state, self.name, self.confirm, self.said]

    def show(self, project: int) -> tuple[Any, ...]:
        if not project:
            return (gr.skip(),) * len(self.outputs)
        info = projects.get_project(self.ws, project)
        text = info.guideline.text if info.guideline else ""
        overlaps = [getattr(info.settings, path) for path in OVERLAPS]
        return text, versions_html(self.ws, project), *overlaps, info.state, info.name, gr.update(visible=False), ""

    def write(self, request: gr.Request, project: int, text: str) -> tuple[str, str]:
        made = projects.set_guidelines(self.ws, project, text, gate.person_in(request).name)
        return versions_html(self.ws, project), notice(f"Version {made.number} of the guidelines is in force.", "info")

    def more(self, project: int, *values: float) -> str:
        overlap, shared, share = values
        try:
            info = projects.change_overlap(self.ws, project, int(overlap), int(shared), float(share))
        except StudioError as error:
            return notice(error)
        return notice(f"{html.plural(info.wanted, 'judgement')} are wanted now.", "info")

    def change_name(self, project: int, name: str) -> str:
        try:
            projects.rename_project(self.ws, project, name)
        except StudioError as error:
            return notice(error)
        return ""

    def question_of(self, project: int) -> tuple[Any, str]:
        info = projects.get_project(self.ws, project)
        words = f"Delete <strong>{html.esc(info.name)}</strong> with {html.plural(info.judged, 'judgement')}? It can be undone."
        return gr.update(visible=True), f"<p>{words}</p>"

    def delete(self, project: int) -> tuple[int, int]:
        projects.delete_project(self.ws, project)
        return NONE, project

    def connect(self) -> Part:
        on = [self.selected]
        self.keep.click(guarded(self.write), [*on, self.text], [self.versions, self.said], **QUIET)
        asked = self.ask.click(guarded(self.more), [*on, *self.overlaps], self.said, **QUIET)
        turned = self.state.input(
            guarded(lambda project, state: projects.set_state(self.ws, project, state) and ""), [*on, self.state], self.said, **QUIET
        )
        renamed = gr.on([self.rename.click, self.name.submit], guarded(self.change_name), [*on, self.name], self.said, **QUIET)
        self.remove.click(guarded(self.question_of), on, [self.confirm, self.question], **QUIET)
        self.no.click(lambda: gr.update(visible=False), None, self.confirm, **QUIET)
        gone = self.yes.click(guarded(self.delete), on, [self.selected, self.deleted], **QUIET)
        return Part(self.outputs, self.show, changed=[asked, turned, renamed], opens=[gone])


def build(page: Page, selected: gr.State) -> tuple[Care, Part]:
    care = Care(page.workspace, selected)
    care.lay_out()
    return care, care.connect()
