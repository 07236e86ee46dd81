"""Looking after a dataset: its versions, its files, how its rows are divided, its name, and deleting with undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import ValidationError

from app import dataset_export, dataset_versions, html
from app.choices import static
from app.dataset_part import Part
from app.guard import guarded, notice
from app.page import Page
from studio.data import store
from studio.data.splits import SplitSettings
from studio.errors import DataError, StudioError
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def divide(
    ws: Workspace, ref: str, validation: float, test: float, seed: float, similar: bool = False, by_label: bool = True
) -> store.VersionInfo:
    """A new version divided anew; shares are in percent. `similar` keeps near duplicates on one side, `by_label` gives each side its
    share of every label. Raises `DataError`."""
    try:
        settings = SplitSettings(
            validation=(validation or 0) / 100, test=(test or 0) / 100, seed=int(seed or 0), group_similar=similar, stratify=by_label
        )
    except ValidationError as error:
        shares = f"{validation or 0:g} % for validation and {test or 0:g} % for test"
        raise DataError(f"The split cannot be made with {shares}.", "Each share goes from 0 to 50 %.") from error
    return store.resplit(ws, ref, settings)


def build(page: Page, selected: gr.State) -> Part:
    """Versions with what can be done to them, and the split form."""
    ws = page.workspace
    history = dataset_versions.build(page, selected)
    files = dataset_export.build(page, selected)
    static(
        html.heading("Divide the rows anew", "makes a new version; rows with the same prompt stay on one side"), elem_classes="part-heading"
    )
    with gr.Row(elem_classes="tools"):
        validation = gr.Number(10, label="Validation, %", elem_id="split-validation", min_width=120)
        test = gr.Number(0, label="Test, %", elem_id="split-test", min_width=120)
        seed = gr.Number(42, label="Seed", minimum=0, precision=0, elem_id="split-seed", min_width=120)
        go = gr.Button("Make a version", size="md", elem_id="split-go", scale=0, min_width=130)
    with gr.Row(elem_classes="tools"):
        similar = gr.Checkbox(
            label="Similar rows together", info="Near duplicates stay on one side.", elem_id="split-similar", min_width=200
        )
        by_label = gr.Checkbox(
            value=True, label="By label", info="Labelled rows: each side gets its share.", elem_id="split-by-label", min_width=200
        )
    said = static(elem_id="split-said")

    def show(ref: str) -> tuple[Any, ...]:
        return *history.show(ref), *files.show(ref)

    def run(ref: str, validation: float, test: float, seed: float, similar: bool, by_label: bool) -> tuple[str, str]:
        try:
            return divide(ws, ref, validation, test, seed, bool(similar), bool(by_label)).ref, ""
        except StudioError as error:
            return ref, notice(error)

    made = go.click(guarded(run), [selected, validation, test, seed, similar, by_label], [selected, said], **QUIET)
    return Part([*history.outputs, *files.outputs], show, [*history.changed, made])


def build_naming(page: Page, selected: gr.State) -> Part:
    """Rename, and delete after asking."""
    ws = page.workspace
    deleted = gr.State("")
    with gr.Row(elem_classes="tools"):
        name = gr.Textbox("", label="Name", elem_id="data-name", info="Recipes that use the old name keep working.", scale=2, min_width=200)
        rename = gr.Button("Rename", size="md", elem_id="data-rename", scale=0, min_width=100)
    said = static(elem_id="data-name-said")
    ask = gr.Button("Delete this dataset", size="sm", elem_id="data-delete", elem_classes="quiet-danger")
    with gr.Row(visible=False, elem_classes="tools confirm") as confirm:
        question = static(elem_id="data-delete-question", scale=1, min_width=200)
        yes = gr.Button("Delete", size="md", elem_id="data-delete-yes", elem_classes="danger", scale=0, min_width=90)
        no = gr.Button("Keep", size="md", elem_id="data-delete-no", scale=0, min_width=90)

    def show(ref: str) -> tuple[Any, ...]:
        return ref.partition("@")[0], gr.update(visible=False), gr.update(interactive=bool(ref))

    def change_name(ref: str, new: str) -> tuple[str, str]:
        old, _, number = ref.partition("@")
        try:
            store.rename(ws, old, new.strip())
        except StudioError as error:
            return ref, notice(error)
        return f"{new.strip()}@{number}", ""

    def question_of(ref: str) -> tuple[Any, ...]:
        name = ref.partition("@")[0]
        count = len(store.versions(ws, name))
        return gr.update(
            visible=True
        ), f"<p>Delete <strong>{html.esc(name)}</strong> with {html.plural(count, 'version')}? It can be undone.</p>"

    def remove(ref: str) -> tuple[str, str, str]:
        name = ref.partition("@")[0]
        store.delete_dataset(ws, name)
        return "", name, ""

    ask.click(guarded(question_of), selected, [confirm, question], **QUIET)
    no.click(lambda: gr.update(visible=False), None, confirm, **QUIET)
    renamed = gr.on([rename.click, name.submit], guarded(change_name), [selected, name], [selected, said], **QUIET)
    removed = yes.click(guarded(remove), selected, [selected, deleted, said], **QUIET)
    return Part([name, confirm, ask], show, [renamed, removed], deleted, said)


@dataclass
class RestoreBar:
    """What stands under the list after a delete."""

    row: gr.Row
    words: gr.HTML
    undo: gr.Button

    def connect(self, page: Page, selected: gr.State, naming: Part, show: tuple[Any, list[Any], list[Any]]) -> None:
        """Show the bar after a delete; its button brings the dataset back and opens it."""
        ws = page.workspace

        def appear(name: str, ref: str) -> tuple[Any, ...]:
            gone = bool(name) and not ref
            return gr.update(visible=gone), f"<p><strong>{html.esc(name)}</strong> is deleted.</p>" if gone else ""

        def bring_back(name: str) -> tuple[Any, ...]:
            return store.restore_dataset(ws, name).ref, gr.update(visible=False)

        naming.changed[-1].success(guarded(appear), [naming.deleted, selected], [self.row, self.words], **QUIET)
        back = self.undo.click(guarded(bring_back), naming.deleted, [selected, self.row], **QUIET)
        back.success(*show, **QUIET)


def restore_bar() -> RestoreBar:
    with gr.Row(visible=False, elem_classes="tools confirm") as row:
        words = static(elem_id="data-deleted", scale=1, min_width=140)
        undo = gr.Button("Undo", size="md", elem_id="data-undo", scale=0, min_width=80)
    return RestoreBar(row, words, undo)
