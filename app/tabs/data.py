"""The Data tab: the list of datasets, the open one with its rows and versions, and the panel that adds one.

Adding stands in `app/dataset_import*.py`, the rows in `app/dataset_rows.py`, versions, splits, name and delete in `app/dataset_care.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import dataset_augment, dataset_care, dataset_clean, dataset_import_form, dataset_report, dataset_rows, html
from app.choices import Choices, key_of, static
from app.dataset_part import Part
from app.fitting import trained_on
from app.guard import guarded
from app.page import Page
from studio.data import store
from studio.data.quality import latest
from studio.data.step_words import step_words
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
EMPTY = html.empty_state(
    "Data is what a model learns from",
    "Upload a file with questions and answers, labelled texts or plain text, or take one of the shipped samples to try things out.",
    "Add data or take a sample",
    "data-add",
)


@dataclass
class DataTab:
    """What other tabs may use: the ref of the open version, and the button that trains on it."""

    selected: gr.State
    train_button: gr.Button


def datasets_table(ws: Workspace, wanted: str, ref: str) -> tuple[str, str]:
    """The heading with the count, and the list of datasets whose name holds `wanted`."""
    found = store.list_datasets(ws)
    shown = [v for v in found if wanted.strip().lower() in v.dataset.lower()]
    rows = [
        (
            v.dataset,
            (
                html.Cell(f'<strong class="clip">{html.esc(v.dataset)}</strong>'),
                v.kind,
                f"v{v.number}",
                f"{v.rows:,}",
                html.Cell(verdict_badge(ws, v.ref)),
            ),
        )
        for v in shown
    ]
    columns = [html.Column("Name"), html.Column("Kind"), html.Column("Newest"), html.Column("Rows", number=True), html.Column("Report")]
    empty = "No dataset yet." if not found else f"No dataset is called “{wanted}”."
    table = html.table(columns, rows, selected=ref.partition("@")[0], label="Datasets", empty=empty)
    return html.heading(f"Datasets ({len(found)})"), table


def verdict_badge(ws: Workspace, ref: str) -> str:
    """What the last report of a version came to, as a small label; nothing where there is none."""
    found = latest(ws, ref)
    if found is None:
        return ""
    words = found.verdict.replace(" things", "").replace(" thing", "")
    return html.badge(words, "good" if words == "Ready" else "warn")


def title_of(ws: Workspace, ref: str) -> str:
    """The open version in one line: name, version, rows, kind, how it was made."""
    v = store.get_version(ws, ref)
    splits = ", ".join(f"{count:,} {name}" for name, count in v.splits.items())
    note = f"v{v.number}, {html.plural(v.rows, 'row')} ({splits}), {step_words(v.step)}"
    return html.heading(v.dataset, note, html.badge(v.kind))


def train_update(ws: Workspace, ref: str) -> Any:
    """The button "Train on this": usable for the kinds that a method of this version trains on."""
    kind = store.get_version(ws, ref).kind
    usable = kind in trained_on()
    return gr.update(interactive=usable, value="Train on this" if usable else f"No method for {kind} rows yet")


PARTS: tuple[tuple[str, Callable[[Page, gr.State], Any]], ...] = (
    ("Rows", dataset_rows.build),
    ("Report", dataset_report.build),
    ("Clean", dataset_clean.build),
    ("Augment", dataset_augment.build),
    ("Versions and splits", dataset_care.build),
)
"""The inner tabs of the open dataset. Each builds a part: `show(ref)` gives updates for `outputs`; after an event of `changed` another
version may be open."""


def _part(page: Page, selected: gr.State, title: str, make: Callable[[Page, gr.State], Any]) -> Any:
    with gr.Tab(title, id=title.split()[0].lower()):
        return make(page, selected)


def build(page: Page) -> DataTab:
    ws = page.workspace
    selected, adding = gr.State(""), gr.State(False)
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=300):
            with gr.Row(elem_classes="tools bar"):
                heading = static(elem_id="data-heading", scale=1, min_width=120)
                add = gr.Button("+ Add", size="md", elem_id="data-add", scale=0, min_width=80)
            wanted = gr.Textbox(
                "", placeholder="Filter by name", label="Filter by name", show_label=False, container=False, elem_id="data-filter"
            )
            listing = Choices(elem_id="data-list")
            restore = dataset_care.restore_bar()
        with gr.Column(scale=9, min_width=320):
            with gr.Column(visible=False, elem_id="data-import") as import_panel:
                form = dataset_import_form.build(page)
            empty = static(EMPTY, elem_id="data-empty")
            with gr.Column(visible=False, elem_id="data-detail") as detail:
                with gr.Row(elem_classes="tools"):
                    title = static(elem_id="data-title", scale=1, min_width=200)
                    train = gr.Button("Train on this", variant="primary", size="md", elem_id="data-train", scale=0, min_width=130)
                with gr.Tabs(elem_classes="inner-tabs") as page.data_tabs:
                    parts = [_part(page, selected, title, make) for title, make in PARTS]
                    with gr.Tab("Name and delete", id="care"):
                        naming = dataset_care.build_naming(page, selected)

    def opened(ref: str, text: str) -> tuple[Any, ...]:
        """Everything that shows the open version; with an empty ref, the empty state."""
        panels = gr.update(visible=bool(ref)), gr.update(visible=not ref), gr.update(visible=False)
        top = (title_of(ws, ref), train_update(ws, ref)) if ref else ("", gr.skip())
        return (False, *datasets_table(ws, text, ref), *panels, *top, *(update for part in (*parts, naming) for update in part.show(ref)))

    outputs = [adding, heading, listing, detail, empty, import_panel, title, train]
    outputs += [output for part in (*parts, naming) for output in part.outputs]

    def choose(event: gr.EventData) -> str:
        return store.get_version(ws, key_of(event)).ref

    def refresh(ref: str, text: str, is_adding: bool) -> tuple[Any, ...]:
        """The list as it is now. What is open is left alone, for a person may be choosing just now, unless it is gone."""
        gone = bool(ref) and ref.partition("@")[0] not in [v.dataset for v in store.list_datasets(ws)]
        if not gone:
            return (gr.skip(), *datasets_table(ws, text, ref), gr.skip(), gr.skip())
        return ("", *datasets_table(ws, text, ""), gr.update(visible=False), gr.update(visible=not is_adding))

    def add_panel() -> tuple[Any, ...]:
        return True, gr.update(visible=True), gr.update(visible=False), gr.update(visible=False)

    def close_panel(ref: str) -> tuple[Any, ...]:
        return False, gr.update(visible=False), gr.update(visible=bool(ref)), gr.update(visible=not ref)

    def show_unless(ref: str, text: str, problem: str | None) -> tuple[Any, ...]:
        """As `opened`, but after a name that was refused everything stays as it was typed."""
        return (gr.skip(),) * len(outputs) if problem else opened(ref, text)

    def take_imported(ref: str, before: str) -> tuple[Any, ...]:
        """After an import: the new version is open; while files still wait, the form stays."""
        return (ref or before, *datasets_table(ws, "", ref or before))

    def finish(ref: str, imported: str) -> tuple[Any, ...]:
        return opened(ref, "") if imported else (gr.skip(),) * len(outputs)

    show = guarded(opened)
    listing.pick(guarded(choose), None, selected, **QUIET).success(show, [selected, wanted], outputs, **QUIET)
    wanted.change(
        guarded(lambda text, ref: datasets_table(ws, text, ref)),
        [wanted, selected],
        [heading, listing],
        trigger_mode="always_last",
        **QUIET,
    )
    cleared = add.click(form.reset, None, form.reset_outputs, **QUIET)  # before the panel is seen, or it would take away a quick upload
    cleared.then(add_panel, None, [adding, import_panel, detail, empty], **QUIET)
    form.close.click(close_panel, selected, [adding, import_panel, detail, empty], **QUIET)
    for event in form.done:
        event.success(guarded(take_imported), [form.imported, selected], [selected, heading, listing], **QUIET).success(
            guarded(finish), [selected, form.imported], outputs, **QUIET
        )
    for event in (event for part in parts for event in part.changed):
        event.success(show, [selected, wanted], outputs, **QUIET)
    for event in (event for part in parts if isinstance(part, Part) for event in part.listed):
        event.then(guarded(lambda text, ref: datasets_table(ws, text, ref)), [wanted, selected], [heading, listing], **QUIET)
    for event in naming.changed:
        event.success(guarded(show_unless), [selected, wanted, naming.said], outputs, **QUIET)
    restore.connect(page, selected, naming, (show, [selected, wanted], outputs))
    page.refreshes("data", refresh, [selected, heading, listing, detail, empty], [selected, wanted, adding])
    page.receives("open_dataset", lambda ref: (store.get_version(ws, ref).ref, *opened(ref, "")), [selected, *outputs], tab="data")
    page.sends("train_on", train.click, [selected])
    return DataTab(selected, train)
