"""The rows of one dataset version: pages of 50 with filters, one row as a conversation or as tokens, and changing rows in place.

`page_of` is the substance and needs no page; `build` lays out the components. The filters stand in `app/dataset_filters.py`, one row in
`app/dataset_row_detail.py`, its form and the bar with what is not saved in `app/dataset_edit.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from app import dataset_edit, dataset_filters, html
from app.choices import Choices, key_of, static
from app.dataset_edit import RowEditor
from app.dataset_filters import filter_of
from app.dataset_row_detail import TRAIN_ON, VIEWS, columns_of, count_tokens, row_detail
from app.guard import guarded, notice
from app.page import Page
from studio.data import edits, rows, store
from studio.data.rows import RowFilter
from studio.errors import NotFoundError, StudioError
from studio.workspace import Workspace

PAGE_ROWS = 50
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def page_of(ws: Workspace, ref: str, wanted: RowFilter, start: int, order: str = "", chosen: str = "") -> tuple[str, str, int, bool]:
    """The table of one page, the words of the pager, the start that was used, and whether there is a next page."""
    version, draft = store.get_version(ws, ref), edits.pending(ws, ref)
    found = rows.find(ws, ref, wanted, max(start, 0) // PAGE_ROWS * PAGE_ROWS, PAGE_ROWS, order)
    start = min(max(start, 0), max(found.total - 1, 0)) // PAGE_ROWS * PAGE_ROWS
    if not found.rows and found.total:
        found = rows.find(ws, ref, wanted, start, PAGE_ROWS, order)
    columns, cells = columns_of(version.kind)
    flagged, several = bool(found.flags), len({split for split, _, _ in found.rows}) > 1
    lines = []
    for split, index, row in found.rows:
        state = "" if (split, index) not in draft.rows else " new" if index >= version.splits.get(split, 0) else " changed"
        number = html.Cell(f"{html.badge(state.strip(), 'warn')} {index + 1:,}") if state else f"{index + 1:,}"
        line = [number, *cells(row), *([split] if several else []), *([", ".join(found.flags.get((split, index), []))] if flagged else [])]
        lines.append((f"{split}:{index}", line))
    more = [html.Column("Split", wide_only=True)] * several + [html.Column("Flags", wide_only=True)] * flagged
    empty = "No row is left by these filters." if wanted != RowFilter(split=wanted.split) else "This split has no rows."
    if wanted.search.strip() and wanted == RowFilter(split=wanted.split, search=wanted.search):
        empty = f"No row holds “{wanted.search.strip()}”."
    markup = html.table([html.Column("#", number=True), *columns, *more], lines, chosen, label=f"Rows of {ref}", empty=empty)
    of = f"{found.total:,}" if wanted == RowFilter(split=wanted.split) else html.plural(found.total, "match", "matches")
    words = f"{start + 1:,}–{start + len(lines):,} of {of}" if lines else "0 rows"
    return markup, words, start, start + len(lines) < found.total


def address_of(key: str) -> tuple[str, int]:
    """The split and the index that a row's key names."""
    split, _, index = key.partition(":")
    return split, int(index)


@dataclass
class RowsView:
    """A part of the open dataset's panel: `show(ref)` gives updates for `outputs`; after `changed` another version is open."""

    outputs: list[Any] = field(default_factory=list)
    show: Any = None
    changed: list[Any] = field(default_factory=list)


@dataclass
class _Parts:
    """The components of the part."""

    filters: dataset_filters.Filters
    bar: dataset_edit.DraftBar
    words: Any
    back: Any
    forward: Any
    listing: Any
    start: Any
    chosen: Any
    editing: Any
    tools: Any
    view: Any
    edit: Any
    remove: Any
    add: Any
    said: Any
    editor: Any
    tokens: Any
    model: Any
    train_on: Any
    longest: Any
    count: Any
    detail: Any
    totals: Any

    @property
    def list_outputs(self) -> list[Any]:
        return [self.listing, self.words, self.start, self.back, self.forward, *self.bar.outputs]

    @property
    def row_outputs(self) -> list[Any]:
        return [self.chosen, self.detail, self.tools, self.tokens, self.editor, self.editing, self.said]

    @property
    def row_inputs(self) -> list[Any]:
        return [self.chosen, self.view, self.model, self.train_on, self.longest]


def _layout() -> _Parts:
    bar = dataset_edit.build_bar()
    with gr.Row(elem_classes="tools bar"):
        search = dataset_filters.build_search()
        words = static(elem_id="data-pager", elem_classes="pager-words")
        back = gr.Button("‹ Back", size="sm", scale=0, min_width=64, elem_id="data-back")
        forward = gr.Button("Next ›", size="sm", scale=0, min_width=64, elem_id="data-next")
        add = gr.Button("Add a row", size="sm", scale=0, min_width=84, elem_id="data-row-add")
    filters = dataset_filters.build(search)
    listing = Choices(elem_id="data-rows", elem_classes="rows-list")
    with gr.Row(elem_classes="tools bar", visible=False) as tools:
        view = gr.Radio(VIEWS, value=VIEWS[0], label="Show the row as", show_label=False, container=False, elem_id="data-view")
        edit = gr.Button("Edit", size="sm", scale=0, min_width=64, elem_id="data-row-edit")
        remove = gr.Button("Remove", size="sm", scale=0, min_width=74, elem_id="data-row-remove")
    said = static(elem_id="data-row-said")
    editor = RowEditor(elem_id="data-row-editor", visible=False)
    with gr.Row(visible=False, elem_classes="tools") as tokens:
        model = gr.Dropdown([], label="Chat template of", elem_id="data-template", min_width=180)
        train_on = gr.Dropdown(TRAIN_ON, value="assistant", label="Train on", elem_id="data-train-on", min_width=200)
        longest = gr.Number(512, label="Longest row, tokens", minimum=8, precision=0, elem_id="data-longest", min_width=140)
        count = gr.Button("Count all rows", size="md", elem_id="data-count", scale=0, min_width=130)
    detail, totals = static(elem_id="data-row"), static(elem_id="data-totals")
    start, chosen, editing = gr.State(0), gr.State(""), gr.State(None)
    return _Parts(
        filters, bar, words, back, forward, listing, start, chosen, editing, tools, view, edit, remove, add, said, editor, tokens, model,
        train_on, longest, count, detail, totals,
    )  # fmt: skip


class _Handlers:
    """What happens on the part; every method gives updates for the outputs that its name says."""

    def __init__(self, ws: Workspace, bar: dataset_edit.DraftBar, editor: Any) -> None:
        self.ws, self.bar, self.editor = ws, bar, editor

    def listed(self, ref: str, values: tuple[Any, ...], at: int, chosen: str = "") -> tuple[Any, ...]:
        """`list_outputs`: the page from row `at` on, and the bar."""
        if not ref:
            return ("", "", 0, gr.update(interactive=False), gr.update(interactive=False), *self.bar.show(self.ws, ref))
        wanted, order = filter_of(values)
        if (said := self._too_narrow(ref, wanted)) is not None:
            return (said, "", 0, gr.update(interactive=False), gr.update(interactive=False), *self.bar.show(self.ws, ref))
        markup, said, at, more = page_of(self.ws, ref, wanted, int(at), order, chosen)
        pager = f'<span class="number">{html.esc(said)}</span>'
        return markup, pager, at, gr.update(interactive=at > 0), gr.update(interactive=more), *self.bar.show(self.ws, ref)

    def _too_narrow(self, ref: str, wanted: RowFilter) -> str | None:
        """Why these filters cannot be applied, as HTML."""
        try:
            rows.find(self.ws, ref, wanted, 0, 0)
        except StudioError as error:
            return notice(error)
        return None

    def row(self, ref: str, chosen: str, how: str, name: str, on: str, limit: Any) -> tuple[Any, ...]:
        """`row_outputs`: the chosen row, or nothing."""
        if not ref or not chosen:
            return self.nothing()
        try:
            markup = row_detail(self.ws, ref, rows.get(self.ws, ref, *address_of(chosen)), how, name, on, int(limit or 512))
        except NotFoundError:
            return self.nothing()
        except StudioError as error:
            markup = notice(error)
        return chosen, markup, gr.update(visible=True), gr.update(visible=how == VIEWS[1]), gr.update(value="", visible=False), None, ""

    @staticmethod
    def nothing() -> tuple[Any, ...]:
        hidden = gr.update(visible=False)
        return "", "", hidden, hidden, gr.update(value="", visible=False), None, ""

    @staticmethod
    def choose(event: gr.EventData, editing: Any) -> tuple[Any, str]:
        """`[chosen, said]`: the row that was clicked, unless another is being changed."""
        if editing:
            return gr.skip(), notice("A row is being changed. Keep the change or cancel it, then choose another row.", "warning")
        return key_of(event), ""

    def open_editor(self, ref: str, chosen: str) -> tuple[Any, ...]:
        """`[editor, editing, detail, said]`: the form of the chosen row."""
        split, index = address_of(chosen)
        row, kind = rows.get(self.ws, ref, split, index), store.get_version(self.ws, ref).kind
        form = dataset_edit.editor(row, kind, f"Row {index + 1:,} of {split}")
        return gr.update(value=form, visible=True), {"split": split, "index": index, "seen": row}, "", ""

    def open_blank(self, ref: str) -> tuple[Any, ...]:
        """`[editor, editing, detail, said]`: the form of a new row."""
        info = store.get_version(self.ws, ref)
        form = dataset_edit.editor(dataset_edit.BLANK[info.kind], info.kind, "A new row", dataset_edit.splits_for(info))
        return gr.update(value=form, visible=True), {"split": ""}, "", ""

    def keep(self, event: gr.EventData, ref: str, editing: dict[str, Any] | None) -> tuple[Any, ...]:
        """`[said, chosen, editing]`: what the form says becomes a change; a row that does not fit leaves the form as it is."""
        try:
            row = dataset_edit.row_of(event.row, store.get_version(self.ws, ref).kind)
            if editing and editing["split"]:
                address = editing["split"], int(editing["index"])
                edits.edit(self.ws, ref, *address, row, seen=editing["seen"])
            else:
                address = edits.add(self.ws, ref, str(event.split), row)
        except StudioError as error:
            return notice(error), gr.skip(), editing
        return "", f"{address[0]}:{address[1]}", None

    def take_out(self, ref: str, chosen: str) -> str:
        edits.remove(self.ws, ref, *address_of(chosen))
        return ""

    def save(self, ref: str, newest: int) -> tuple[str, str]:
        """`[selected, said]`: the draft becomes a version."""
        try:
            return edits.commit(self.ws, ref, newest=newest).ref, ""
        except StudioError as error:
            return ref, notice(error)


def build(page: Page, selected: gr.State) -> RowsView:
    parts = _layout()
    handlers = _Handlers(page.workspace, parts.bar, parts.editor)
    filters = parts.filters.inputs

    def everything(ref: str, *values: Any) -> tuple[Any, ...]:
        """The page and the row as they are now."""
        *wanted, at, chosen, how, name, on, limit = values
        return *handlers.listed(ref, tuple(wanted), at, chosen), *handlers.row(ref, chosen, how, name, on, limit)

    def turned(by: int | None) -> Callable[..., tuple[Any, ...]]:
        """Another page, or with None the first; no row is open then, but a form stays."""

        def turn(ref: str, editing: Any, *values: Any) -> tuple[Any, ...]:
            at = 0 if by is None else values[-1] + by
            closed = (gr.skip(),) * len(parts.row_outputs) if editing else handlers.nothing()
            return *handlers.listed(ref, values[:-1], at), *closed

        return turn

    def show_row(ref: str, editing: Any, chosen: str, *values: Any) -> tuple[Any, ...]:
        return handlers.row(ref, chosen, *values) if chosen and not editing else (gr.skip(),) * len(parts.row_outputs)

    outputs = [*parts.list_outputs, *parts.row_outputs]
    again = (guarded(everything), [selected, *filters, parts.start, *parts.row_inputs], outputs)
    page_inputs = [selected, parts.editing, *filters, parts.start]
    boxes = [parts.filters.search, parts.filters.shortest, parts.filters.longest]
    changes = [*(box.change for box in boxes), *(chosen.input for chosen in filters if chosen not in boxes)]
    gr.on(changes, guarded(turned(None)), page_inputs, outputs, trigger_mode="always_last", **QUIET)
    parts.back.click(guarded(turned(-PAGE_ROWS)), page_inputs, outputs, **QUIET)
    parts.forward.click(guarded(turned(PAGE_ROWS)), page_inputs, outputs, **QUIET)
    row_inputs = [selected, parts.editing, *parts.row_inputs]
    picked = parts.listing.pick(guarded(handlers.choose), [parts.editing], [parts.chosen, parts.said], **QUIET)
    picked.success(guarded(show_row), row_inputs, parts.row_outputs, **QUIET)
    looks = [parts.view.input, parts.model.input, parts.train_on.input, parts.longest.change]
    gr.on(looks, guarded(show_row), row_inputs, parts.row_outputs, **QUIET)
    counted = [selected, parts.model, parts.train_on, parts.longest]
    parts.count.click(guarded(lambda *v: count_tokens(page.workspace, *v)), counted, parts.totals, api_visibility="private")
    saved = _connect_edits(parts, handlers, selected, again)

    def show(ref: str) -> tuple[Any, ...]:
        """Updates of `outputs` for another version: its first page, its filters, the models to choose from."""
        cleared = parts.filters.show(page.workspace, ref)
        models = page.model_choices()
        names = [name for _, name in models]
        first = handlers.listed(ref, ("", "", None, None, None, None, None, ""), 0)
        return *first, *handlers.nothing(), *cleared, gr.update(choices=models, value=names[0] if names else None), "", ""

    return RowsView([*outputs, *filters, parts.model, parts.totals, parts.bar.said], show, [saved])


def _connect_edits(parts: _Parts, handlers: _Handlers, selected: gr.State, again: tuple[Any, list[Any], list[Any]]) -> Any:
    """Connect the buttons that change rows; gives the event after which a new version is open."""
    ws, bar = handlers.ws, parts.bar
    form = [parts.editor, parts.editing, parts.detail, parts.said]
    parts.edit.click(guarded(handlers.open_editor), [selected, parts.chosen], form, **QUIET)
    parts.add.click(guarded(handlers.open_blank), selected, form, **QUIET)
    parts.editor.cancel(*again, **QUIET)
    kept = parts.editor.save(guarded(handlers.keep), [selected, parts.editing], [parts.said, parts.chosen, parts.editing], **QUIET)

    def after(said: str, *values: Any) -> tuple[Any, ...]:
        """The page as it is now, unless the row was refused: then the form stays as it was typed."""
        return (gr.skip(),) * len(again[2]) if said else again[0](*values)

    kept.success(after, [parts.said, *again[1]], again[2], **QUIET)
    parts.remove.click(guarded(handlers.take_out), [selected, parts.chosen], parts.chosen, **QUIET).success(*again, **QUIET)
    for button, change in ((bar.undo, edits.undo), (bar.redo, edits.redo), (bar.discard, edits.discard)):
        done = button.click(guarded(_without_result(ws, change)), selected, None, **QUIET)
        done.success(*again, **QUIET)
    return bar.save.click(guarded(handlers.save), [selected, bar.newest], [selected, bar.said], **QUIET)


def _without_result(ws: Workspace, change: Callable[..., Any]) -> Callable[[str], None]:
    def run(ref: str) -> None:
        change(ws, ref)

    return run
