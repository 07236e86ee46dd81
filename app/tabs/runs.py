"""The Runs tab: the table of runs, and the one that is open beside its actions.

What a run shows while it trains is `app/live.py`; the table is `app/run_list.py`. To add an action, add a button to `_actions` with the
states in which it makes sense, and its handler to `_wire_actions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import live, run_list, run_words
from app.guard import guarded, notice
from app.page import Page
from studio.errors import NotFoundError, StudioError
from studio.runs import store

ACTIVE = ("preparing", "running", "evaluating", "saving")
TRY_LIVE = "The weights as they are at this step answer."
QUIET = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass
class RunsTab:
    """`current` holds the name of the open run, `view` draws it, `clone` carries its recipe to the Train tab."""

    current: gr.State
    view: gr.HTML
    clone: gr.Button


@dataclass
class _Parts:
    page: Page
    table: gr.HTML
    current: gr.State
    marked: gr.State
    empty: gr.HTML
    detail: gr.Column
    said: gr.HTML
    buttons: dict[str, gr.Button]
    confirm: gr.Row
    view: gr.HTML
    trying: gr.Column
    model: gr.State
    name: gr.Textbox
    note: gr.Textbox
    recipe: gr.Code
    difference: gr.HTML

    @property
    def shown(self) -> list[Any]:
        """What `show` fills."""
        return [self.current, self.table, self.empty, self.detail, self.said, *self.buttons.values(), self.confirm, self.view, self.name,
                self.note, self.recipe, self.difference, self.trying, self.model]  # fmt: skip

    def show(self, name: str, marked: list[str], said: str = "") -> list[Any]:
        """Everything that the tab shows of run `name`; the empty state when there is none."""
        try:
            run = store.get_run(self.page.workspace, name) if name else None
        except NotFoundError:
            run = None
        if run is None:
            nothing = [gr.update(visible=False) for _ in self.buttons]
            return ["", {"run": ""}, gr.update(visible=not store.list_runs(self.page.workspace)), gr.update(visible=False), said, *nothing,
                    gr.update(visible=False), {"run": "", "overlay": []}, "", "", "", "", gr.update(visible=False), ""]  # fmt: skip
        state = live.state_of(run)["state"]
        buttons = [gr.update(visible=state in _STATES[key] and (key != "chat" or bool(run.model))) for key in self.buttons]
        live_now = state in (*ACTIVE, "paused")
        view = {"run": run.name, "overlay": [other for other in marked if other != run.name]}
        return [run.name, {"run": run.name}, gr.update(visible=False), gr.update(visible=True), said, *buttons, gr.update(visible=False),
                view, run.name, run.note, run_words.recipe_text(run), run_words.difference(self.page.workspace, run, marked),
                gr.update(visible=live_now), run.model or ""]  # fmt: skip


_STATES: dict[str, tuple[str, ...]] = {
    "pause": ACTIVE,
    "resume": ("paused", "stopped", "failed", "interrupted"),
    "stop": (*ACTIVE, "paused", "queued"),
    "chat": ("completed", "stopped"),
    "clone": store.STATES + ACTIVE,
    "delete": ("queued", "completed", "stopped", "failed", "interrupted"),
}
_LABELS = {
    "pause": "Pause",
    "resume": "Continue",
    "stop": "Stop and save",
    "chat": "Chat with it",
    "clone": "Clone with changes",
    "delete": "Delete",
}


def build(page: Page) -> RunsTab:
    """The tab's components and what they do."""
    table = run_list.build(page)
    empty = gr.HTML(run_words.EMPTY, visible=False, apply_default_css=False, elem_id="runs-empty")
    said = gr.HTML(elem_id="runs-said")
    undo = gr.Button("Undo the deletion", size="md", visible=False, elem_id="run-undo")
    with gr.Column(visible=False, elem_id="run-detail") as detail:
        with gr.Row(elem_classes="actions"):
            buttons = {key: gr.Button(label, size="md", elem_id=f"run-{key}", scale=0, min_width=90) for key, label in _LABELS.items()}
        with gr.Row(visible=False, elem_classes="confirm") as confirm:
            gr.HTML(notice("Delete this run, its checkpoints and its model? It can be undone for a week.", "warning"))
            sure = gr.Button("Delete it", variant="stop", size="md", scale=0, min_width=90, elem_id="run-delete-sure")
            keep = gr.Button("Keep it", size="md", scale=0, min_width=90)
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                view = live.build(page)
            with gr.Column(scale=1, min_width=280):
                with gr.Column(visible=False, elem_id="try") as trying:
                    prompt = gr.Textbox(label="Try it now", info=TRY_LIVE, lines=2, elem_id="try-prompt")
                    ask = gr.Button("Ask", size="md", elem_id="try-ask")
                    answer = gr.HTML(elem_id="try-answer", apply_default_css=False)
                with gr.Accordion("Name and note", open=False):
                    name = gr.Textbox(label="Name", elem_id="run-name")
                    note = gr.Textbox(label="Note", lines=2, elem_id="run-note")
                    save = gr.Button("Save", size="md", elem_id="run-save")
                with gr.Accordion("Recipe", open=False):
                    recipe = gr.Code(language="yaml", label="Recipe", interactive=False, elem_id="run-recipe")
                difference = gr.HTML(elem_id="run-difference", apply_default_css=False)
    parts = _Parts(page, table, gr.State(""), gr.State([]), empty, detail, said, buttons, confirm, view, trying, gr.State(""), name,
                   note, recipe, difference)  # fmt: skip
    _wire_choice(parts)
    _wire_actions(parts, sure, keep, undo)
    save.click(guarded(_renamer(parts)), [parts.current, name, note, parts.marked], parts.shown, **QUIET)
    gr.on([ask.click, prompt.submit], guarded(_asker(page)), [parts.current, prompt], answer, **QUIET)
    page.sends("clone", buttons["clone"].click, [parts.current])
    page.sends("chat_with", buttons["chat"].click, [parts.model])
    return RunsTab(parts.current, view, buttons["clone"])


def _wire_choice(parts: _Parts) -> None:
    """Open a run by a click, by a handover, or the one that trains when the tab is opened; redraw it when its state moves."""
    workspace = parts.page.workspace

    def pick(marked: list[str], event: gr.EventData) -> list[Any]:
        return parts.show(str(event.run), marked)

    def mark(current: str, event: gr.EventData) -> list[Any]:
        marked = [str(name) for name in event.runs]
        return [marked, *parts.show(current, marked)]

    def move(current: str, marked: list[str], event: gr.EventData) -> list[Any]:
        store.move_run(workspace, str(event.run), int(event.to))
        return parts.show(current, marked)

    def opened(current: str, marked: list[str]) -> list[Any]:
        return parts.show(current or _most_interesting(store.list_runs(workspace)), marked)

    inputs = [parts.current, parts.marked]
    parts.table.pick(guarded(pick), parts.marked, parts.shown, **QUIET)
    parts.table.marked(guarded(mark), parts.current, [parts.marked, *parts.shown], **QUIET)
    parts.table.move(guarded(move), inputs, parts.shown, **QUIET)
    parts.view.moved(guarded(_moved(parts)), inputs, parts.shown, **QUIET)
    parts.page.refreshes("runs", opened, parts.shown, inputs)
    parts.page.receives("open_run", lambda name: parts.show(name, []), parts.shown, "runs")


def _moved(parts: _Parts) -> Callable[..., list[Any]]:
    def moved(current: str, marked: list[str]) -> list[Any]:
        """Fresh buttons for a new state; what a person is typing into name and note stays."""
        fresh = parts.show(current, marked)
        kept = {parts.shown.index(parts.name), parts.shown.index(parts.note)}
        return [gr.skip() if index in kept else value for index, value in enumerate(fresh)]

    return moved


def _most_interesting(runs: list[store.RunInfo]) -> str:
    """The run that trains, else the newest."""
    return next((run.name for run in runs if run.state in ("running", "paused")), runs[0].name if runs else "")


def _wire_actions(parts: _Parts, sure: gr.Button, keep: gr.Button, undo: gr.Button) -> None:
    inputs, workspace = [parts.current, parts.marked], parts.page.workspace

    def action(work: Callable[..., Any], words: str) -> Callable[..., list[Any]]:
        def act(current: str, marked: list[str]) -> list[Any]:
            try:
                work(workspace, current)
            except StudioError as error:
                return parts.show(current, marked, notice(error))
            return parts.show(current, marked, notice(words, "info") if words else "")

        return guarded(act)

    parts.buttons["pause"].click(action(store.pause_run, "It pauses after this step."), inputs, parts.shown, **QUIET)
    parts.buttons["resume"].click(action(store.resume_run, ""), inputs, parts.shown, **QUIET)
    parts.buttons["stop"].click(action(store.stop_run, "It saves itself and stops."), inputs, parts.shown, **QUIET)
    parts.buttons["delete"].click(lambda: gr.update(visible=True), None, parts.confirm, **QUIET)
    keep.click(lambda: gr.update(visible=False), None, parts.confirm, **QUIET)

    def delete(current: str, marked: list[str]) -> list[Any]:
        try:
            store.delete_run(workspace, current)
        except StudioError as error:
            return [*parts.show(current, marked, notice(error)), gr.update(visible=False), ""]
        runs = store.list_runs(workspace)
        shown = parts.show(_most_interesting(runs), marked)
        return [*shown, gr.update(visible=True, value=f"Undo the deletion of {current}"), current]

    def restore(name: str, marked: list[str]) -> list[Any]:
        store.restore_run(workspace, name)
        return [*parts.show(name, marked), gr.update(visible=False), ""]

    gone = gr.State("")
    sure.click(guarded(delete), inputs, [*parts.shown, undo, gone], **QUIET)
    undo.click(guarded(restore), [gone, parts.marked], [*parts.shown, undo, gone], **QUIET)


def _renamer(parts: _Parts) -> Callable[..., list[Any]]:
    def rename(current: str, name: str, note: str, marked: list[str]) -> list[Any]:
        workspace = parts.page.workspace
        try:
            store.set_note(workspace, current, note)
            if name.strip() != current:
                current = store.rename_run(workspace, current, name.strip()).name
        except StudioError as error:
            return parts.show(current, marked, notice(error))
        return parts.show(current, marked, notice("Saved.", "info"))

    return rename


def _asker(page: Page) -> Callable[..., Iterator[str]]:
    def ask(current: str, prompt: str) -> Iterator[str]:
        yield from run_words.try_now(page.workspace, current, prompt)

    return ask
