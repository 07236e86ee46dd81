"""The Label tab: the projects in which people judge answers, the open one with its results and items, a new one, and the accounts.

Each inner tab of the open project is a part in a file of its own (see `app/label_part.py`); what annotators see is `app/labelling.py`.
A part is drawn when its inner tab is opened, so that opening a project costs no more than its results.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from app import html, label_care, label_form, label_items, label_judgements, label_out, label_people, label_results
from app.choices import Choices, key_of, static
from app.guard import guarded
from app.label_part import NONE, QUIET, Part
from app.label_projects import EMPTY, NONE_OPEN, origin_of, projects_table, title_of
from app.labelling import labelling
from app.page import Page
from app.theme import script
from studio.feedback import chat, imports, projects


def build_screen(page: Page, selected: gr.State) -> Part:
    """What annotators see, for the open project."""
    screen = labelling()
    return Part([screen], lambda project: gr.update(value={"project": project or None, "alone": False}))


PARTS: tuple[tuple[str, str, Callable[[Page, gr.State], Part]], ...] = (
    ("screen", "Judge", build_screen),
    ("split", "Disagreements", label_items.build_disagreements),
    ("judgements", "Judgements", label_judgements.build),
    ("items", "Items", label_items.build_items),
    ("out", "Datasets", label_out.build),
)
"""The inner tabs after Results: id, title, how it is built."""

LINK = (
    '<div class="link-line"><button type="button" class="step plain" data-path="label">Copy the link for annotators</button>'
    '<span class="muted" data-shown role="status"></span></div>'
)
PANELS = ("empty", "new", "people", "project")


@dataclass
class LabelTab:
    """What other tabs may use, and the handlers of the tab. `selected` is the number of the open project, 0 for none."""

    page: Page
    selected: gr.State = field(default_factory=lambda: gr.State(NONE))
    parts: list[tuple[gr.Tab, Part]] = field(default_factory=list)

    def lay_out(self) -> None:
        with gr.Row(elem_classes="tools bar"):
            self.heading = static(elem_id="label-heading", scale=1, min_width=150)
            self.wanted = gr.Textbox(
                "",
                placeholder="Filter by name or model",
                label="Filter",
                show_label=False,
                container=False,
                elem_id="label-filter",
                scale=1,
                min_width=150,
            )
            self.people_button = gr.Button("People", size="md", elem_id="label-people", scale=0, min_width=80)
            self.new = gr.Button("+ New project", size="md", elem_id="label-new", scale=0, min_width=120)
        self.listing = Choices(elem_id="label-list", elem_classes="short-list")
        with gr.Row(visible=False, elem_classes="tools confirm") as self.undo_bar:
            self.gone = static(elem_id="label-deleted", scale=1, min_width=140)
            self.undo = gr.Button("Undo", size="md", elem_id="label-undo", scale=0, min_width=80)
        self.panels: dict[str, Any] = {"empty": static(EMPTY, elem_id="label-empty")}
        with gr.Column(visible=False, elem_id="label-new-panel") as self.panels["new"]:
            self.form = label_form.build(self.page)
        with gr.Column(visible=False, elem_id="label-people-panel") as self.panels["people"]:
            self.people = label_people.build(self.page)
        with gr.Column(visible=False, elem_id="label-detail") as self.panels["project"]:
            self._lay_out_project()

    def _lay_out_project(self) -> None:
        with gr.Row(elem_classes="tools bar"):
            self.title = static(elem_id="label-title", scale=1, min_width=260)
            self.link = gr.HTML(
                LINK, js_on_load=script("copy_link.js"), apply_default_css=False, elem_id="label-link", scale=0, min_width=230
            )
            self.pause = gr.Button("Pause", size="md", elem_id="label-pause", scale=0, min_width=90)
        with gr.Tabs(elem_classes="inner-tabs", elem_id="label-parts") as self.inner:
            with gr.Tab("Results", id="results") as tab:
                self.results, part = label_results.build(self.page, self.selected)
            self.parts.append((tab, part))
            for key, title, make in PARTS:
                with gr.Tab(title, id=key) as tab:
                    part = make(self.page, self.selected)
                self.parts.append((tab, part))
            with gr.Tab("Guidelines and settings", id="care") as tab:
                self.care, part = label_care.build(self.page, self.selected)
            self.parts.append((tab, part))

    @property
    def list_outputs(self) -> list[Any]:
        return [self.heading, self.listing]

    @property
    def head_outputs(self) -> list[Any]:
        """What `head` fills."""
        return [*self.list_outputs, self.title, self.link, self.pause]

    @property
    def outputs(self) -> list[Any]:
        """What `opened` fills."""
        return [self.selected, *self.panels.values(), *self.head_outputs, self.inner, *self.parts[0][1].outputs]

    def listed(self, project: int, text: str) -> tuple[str, str]:
        return projects_table(projects.list_projects(self.page.workspace), text, project)

    def panel(self, which: str) -> tuple[Any, ...]:
        """Only one of the panels is seen."""
        empty = EMPTY if not projects.list_projects(self.page.workspace) else NONE_OPEN
        first = gr.update(value=empty, visible=which == "empty")
        return (first, *(gr.update(visible=which == name) for name in PANELS[1:]))

    def head(self, project: int, text: str) -> tuple[Any, ...]:
        """The list, and the open project's heading with its button."""
        if not project:
            return (*self.listed(project, text), "", gr.skip(), gr.skip())
        info = projects.get_project(self.page.workspace, project)
        title = title_of(info) + origin_of(imports.imported(self.page.workspace, project))
        labelled = gr.update(visible=info.source != chat.SOURCE)  # what is said in chats has no items to hand out
        pause = gr.update(value="Pause" if info.state == "open" else "Open again", visible=info.source != chat.SOURCE)
        return (*self.listed(project, text), title, labelled, pause)

    def opened(self, project: int, text: str, inner: str = "results") -> tuple[Any, ...]:
        """A project with one of its inner tabs, or none."""
        seen = self.panel("project" if project else "empty")
        return (project, *seen, *self.head(project, text), gr.Tabs(selected=inner), *self.parts[0][1].show(project))

    def choose(self, event: gr.EventData, text: str) -> tuple[Any, ...]:
        return self.opened(int(key_of(event)), text)

    def refreshed(self, project: int, text: str) -> tuple[Any, ...]:
        """The list as it is now, when the tab is opened. What is open stays, unless it is gone."""
        known = [p.id for p in projects.list_projects(self.page.workspace)]
        if project and project not in known:
            return self.opened(NONE, text)
        empty = gr.update(value=NONE_OPEN if known else EMPTY)
        kept = (gr.skip(), empty, *(gr.skip(),) * (len(PANELS) - 1))
        return (*kept, *self.head(project, text), *(gr.skip(),) * (1 + len(self.parts[0][1].outputs)))

    def new_panel(self, comparison: int = 0) -> tuple[Any, ...]:
        """The form for a new project, on a comparison."""
        return (*self.panel("new"), *self.form.fresh(comparison))

    def toggle(self, project: int, text: str) -> tuple[Any, ...]:
        ws = self.page.workspace
        state = projects.get_project(ws, project).state
        projects.set_state(ws, project, "paused" if state == "open" else "open")
        return self.head(project, text)

    def said_gone(self, deleted: int) -> tuple[Any, str]:
        """The bar with Undo after a project was deleted."""
        found = next((p for p in projects.list_projects(self.page.workspace, deleted=True) if p.id == deleted), None)
        return gr.update(visible=bool(found)), f"<p><strong>{html.esc(found.name)}</strong> is deleted.</p>" if found else ""

    def bring_back(self, deleted: int, text: str) -> tuple[Any, ...]:
        return (gr.update(visible=False), *self.opened(projects.restore_project(self.page.workspace, deleted).id, text))

    def connect(self) -> None:
        place, panels = [self.selected, self.wanted], list(self.panels.values())
        self.listing.pick(guarded(self.choose), self.wanted, self.outputs, **QUIET)
        self.wanted.change(guarded(self.listed), place, self.list_outputs, trigger_mode="always_last", **QUIET)
        self.new.click(guarded(self.new_panel), None, [*panels, *self.form.outputs], **QUIET)
        self.people_button.click(guarded(self.people.opened), None, self.people.outputs, **QUIET).success(
            guarded(lambda: self.panel("people")), None, panels, **QUIET
        )
        for close in (self.form.close, self.people.close):
            close.click(guarded(lambda project: self.panel("project" if project else "empty")), self.selected, panels, **QUIET)
        for event in self.form.done:
            shown = guarded(lambda made, text: self.opened(made, text) if made else (gr.skip(),) * len(self.outputs))
            event.success(shown, [self.form.made, self.wanted], self.outputs, **QUIET)
        self.pause.click(guarded(self.toggle), place, self.head_outputs, **QUIET)
        self.undo.click(guarded(self.bring_back), [self.care.deleted, self.wanted], [self.undo_bar, *self.outputs], **QUIET)
        self._connect_parts(place)

    def _connect_parts(self, place: list[Any]) -> None:
        for tab, part in self.parts:
            shown = tab.select(guarded(part.show), self.selected, part.outputs, **QUIET)
            shown.success(guarded(self.head), place, self.head_outputs, **QUIET)
            for event in part.changed:
                event.success(guarded(self.head), place, self.head_outputs, **QUIET)
            for event in part.opens:
                event.success(guarded(self.opened), place, self.outputs, **QUIET).success(
                    guarded(self.said_gone), self.care.deleted, [self.undo_bar, self.gone], **QUIET
                )
        for button, key in ((self.results.begin, "screen"), (self.results.train, "out"), (self.results.settle, "split")):
            part = next(part for (_, part), name in zip(self.parts, ("results", *(k for k, _, _ in PARTS)), strict=False) if name == key)
            button.click(_opener(key), None, self.inner, **QUIET).success(guarded(part.show), self.selected, part.outputs, **QUIET)


def _opener(key: str) -> Callable[[], Any]:
    return lambda: gr.Tabs(selected=key)


def build(page: Page) -> LabelTab:
    tab = LabelTab(page)
    tab.lay_out()
    tab.connect()
    page.refreshes("label", tab.refreshed, tab.outputs, [tab.selected, tab.wanted])
    page.receives("label", lambda comparison: tab.new_panel(int(comparison)), [*tab.panels.values(), *tab.form.outputs], tab="label")
    return tab
