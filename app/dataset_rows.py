"""The rows of one dataset version: pages of 50 with search and split filter, and one row as a conversation or as tokens.

`page_of` and `row_detail` are the handlers' substance and need no page; `build` lays out the components. To show a row in another way,
add a name to `VIEWS` and a branch to `row_detail`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from app import html
from app.choices import Choices, key_of, static
from app.guard import guarded, notice
from app.page import Page
from studio.data import store
from studio.errors import StudioError
from studio.workspace import Workspace

PAGE_ROWS = 50
COUNTED_MATCHES = 2000
STATISTICS_ROWS = 2000
ALL = "all splits"
VIEWS = ("Conversation", "Tokens")
TRAIN_ON = (("what the assistant says", "assistant"), ("the last answer only", "last_answer"), ("everything", "everything"))


def last_content(messages: list[Mapping[str, Any]], role: str) -> str:
    """The first thing that `role` says in a conversation."""
    return next((str(m.get("content") or "") for m in messages if m.get("role") == role), "")


def columns_of(kind: str) -> tuple[list[html.Column], Any]:
    """The table's columns for rows of `kind`, and a function from a row to its cells."""
    cut = html.shorten
    if kind == "chat":
        return [html.Column("User"), html.Column("Assistant", wide_only=True)], lambda r: (
            cut(last_content(r["messages"], "user")),
            cut(last_content(r["messages"], "assistant")),
        )
    if kind == "labelled":
        return [html.Column("Text"), html.Column("Label")], lambda r: (cut(r["text"], 160), r["label"])
    if kind == "text":
        return [html.Column("Text")], lambda r: (cut(r["text"], 200),)
    answers = {
        "preference": ("Chosen", lambda r: r["chosen"][-1]["content"]),
        "unpaired": ("Answer", lambda r: ("good: " if r["label"] else "bad: ") + r["completion"][-1]["content"]),
        "rating": ("Answer", lambda r: f"{r['score']:g}: {r['completion'][-1]['content']}"),
        "ranking": ("Answers", lambda r: f"{len(r['completions'])} ranked"),
        "prompt": ("", lambda r: ""),
    }
    title, answer = answers[kind]
    return [html.Column("Prompt"), html.Column(title, wide_only=True)], lambda r: (
        cut(last_content(r["prompt"], "user")),
        cut(str(answer(r))),
    )


def page_of(ws: Workspace, ref: str, split: str, search: str, start: int) -> tuple[str, str, int, bool]:
    """The table of one page, the words of the pager, the start that was used, and whether there is a next page."""
    version = store.get_version(ws, ref)
    chosen = None if split in ("", ALL) else split
    total = version.rows if chosen is None else version.splits.get(chosen, 0)
    search = search.strip()
    if search:
        total = len(store.rows(ws, ref, chosen, 0, COUNTED_MATCHES, search))
    start = min(max(start, 0), max(total - 1, 0)) // PAGE_ROWS * PAGE_ROWS
    rows = store.rows(ws, ref, chosen, start, PAGE_ROWS, search)
    columns, cells = columns_of(version.kind)
    markup = html.table(
        [html.Column("#", number=True), *columns],
        [(str(start + i), (f"{start + i + 1:,}", *cells(row))) for i, row in enumerate(rows)],
        label=f"Rows of {ref}",
        empty=f"No row holds “{search}”." if search else "This split has no rows.",
    )
    of = f"{total:,}" + ("" if not search else " or more matches" if total == COUNTED_MATCHES else " matches")
    words = f"{start + 1:,}–{start + len(rows):,} of {of}" if rows else "0 rows"
    return markup, words, start, start + len(rows) < total


def one_row(ws: Workspace, ref: str, split: str, search: str, index: int) -> dict[str, Any]:
    """The row at `index` of what the filters leave."""
    return store.rows(ws, ref, None if split in ("", ALL) else split, index, 1, search.strip())[0]


def row_detail(ws: Workspace, ref: str, row: Mapping[str, Any], view: str, model: str, train_on: str, max_length: int) -> str:
    """The row as HTML; in the token view with counts and with what a trainer would do with each part."""
    if view == "Conversation":
        return html.row_view(row)
    kind = store.get_version(ws, ref).kind
    if kind not in ("chat", "text"):
        return notice(f"Rows of kind {kind} are not trained as one text, so there is no token view.", "info")
    from studio.data.rendering import render
    from studio.models.loading import load_tokenizer

    rendered = render(load_tokenizer(ws, model), row, kind, train_on=train_on, max_length=max_length)
    kept, trained = len(rendered.input_ids), sum(rendered.trained)
    counts = html.facts(
        [
            ("In all", html.plural(kept + rendered.cut_tokens, "token")),
            ("Trained on", html.plural(trained, "token")),
            ("Read only", html.plural(kept - trained, "token")),
            ("Cut", html.plural(rendered.cut_tokens, "token")),
        ]
    )
    warning = notice("Nothing of this row is trained on: its answer is cut off or empty.", "warning") if not trained else ""
    return warning + counts + html.token_view(rendered.spans)


def count_tokens(ws: Workspace, ref: str, model: str, train_on: str, max_length: int) -> str:
    """What the whole version costs in tokens, from at most `STATISTICS_ROWS` rows."""
    version = store.get_version(ws, ref)
    if version.kind not in ("chat", "text"):
        return notice(f"Token counts are for chat and text; this dataset is {version.kind}.", "info")
    from studio.data.rendering import statistics
    from studio.models.loading import load_tokenizer

    rows = store.rows(ws, ref, None, 0, STATISTICS_ROWS)
    stats = statistics(load_tokenizer(ws, model), rows, version.kind, train_on, max_length)
    about = "" if stats.rows == version.rows else f" (the first {stats.rows:,} of {version.rows:,} rows)"
    longest = max(stats.lengths, default=0)
    return html.facts(
        [
            ("Counted", html.plural(stats.rows, "row") + about),
            ("In all", html.plural(stats.tokens, "token")),
            ("Trained on", html.plural(stats.trained_tokens, "token")),
            ("Longest row", html.plural(longest, "token")),
            ("Cut at the end", html.plural(stats.cut_rows, "row")),
            ("With nothing to learn", html.plural(stats.untrained_rows, "row")),
        ]
    )


@dataclass
class RowsView:
    """The components; `show(ref)` gives updates for `outputs`, for when another version is opened."""

    outputs: list[Any]
    show: Any
    changed: list[Any] = field(default_factory=list)


def build(page: Page, selected: gr.State) -> RowsView:
    ws = page.workspace
    start, chosen = gr.State(0), gr.State(-1)
    with gr.Row(elem_classes="tools bar"):
        search = gr.Textbox(
            "",
            placeholder="Search the rows",
            label="Search",
            show_label=False,
            container=False,
            elem_id="data-search",
            scale=3,
            min_width=160,
        )
        split = gr.Dropdown(
            [ALL], value=ALL, label="Split", show_label=False, container=False, elem_id="data-split", scale=2, min_width=120
        )
        words = static(elem_id="data-pager", elem_classes="pager-words")
        back = gr.Button("‹ Back", size="sm", scale=0, min_width=64, elem_id="data-back")
        forward = gr.Button("Next ›", size="sm", scale=0, min_width=64, elem_id="data-next")
    listing = Choices(elem_id="data-rows", elem_classes="rows-list")
    with gr.Row(elem_classes="tools bar", visible=False) as view_row:
        view = gr.Radio(VIEWS, value=VIEWS[0], label="Show the row as", show_label=False, container=False, elem_id="data-view")
    with gr.Row(visible=False, elem_classes="tools") as token_row:
        model = gr.Dropdown([], label="Chat template of", elem_id="data-template", min_width=180)
        train_on = gr.Dropdown(TRAIN_ON, value="assistant", label="Train on", elem_id="data-train-on", min_width=200)
        longest = gr.Number(512, label="Longest row, tokens", minimum=8, precision=0, elem_id="data-longest", min_width=140)
        count = gr.Button("Count all rows", size="md", elem_id="data-count", scale=0, min_width=130)
    detail = static(elem_id="data-row")
    totals = static(elem_id="data-totals")

    hidden = gr.update(visible=False), gr.update(visible=False)

    def turn(ref: str, split_name: str, text: str, at: int) -> tuple[Any, ...]:
        if not ref:
            return ("", "", 0, gr.update(interactive=False), gr.update(interactive=False), -1, "", *hidden)
        markup, said, at, more = page_of(ws, ref, split_name, text, int(at))
        pager = f'<span class="number">{html.esc(said)}</span>'
        return markup, pager, at, gr.update(interactive=at > 0), gr.update(interactive=more), -1, "", *hidden

    def show_row(ref: str, split_name: str, text: str, at: int, index: int, how: str, name: str, on: str, limit: int) -> tuple[Any, ...]:
        if index < 0:
            return gr.skip(), "", gr.update(visible=False), gr.update(visible=False)
        row = one_row(ws, ref, split_name, text, index)
        try:
            markup = row_detail(ws, ref, row, how, name, on, int(limit or 512))
        except StudioError as error:
            markup = notice(error)
        return gr.skip(), markup, gr.update(visible=True), gr.update(visible=how == VIEWS[1])

    def choose(event: gr.EventData) -> int:
        return int(key_of(event))

    filters = [selected, split, search]
    page_outputs = [listing, words, start, back, forward, chosen, detail, view_row, token_row]
    row_inputs = [*filters, start, chosen, view, model, train_on, longest]
    row_outputs = [listing, detail, view_row, token_row]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    first = guarded(lambda ref, s, text: turn(ref, s, text, 0))
    gr.on([search.change, split.input], first, filters, page_outputs, trigger_mode="always_last", **quiet)
    back.click(guarded(lambda r, s, t, at: turn(r, s, t, at - PAGE_ROWS)), [*filters, start], page_outputs, **quiet)
    forward.click(guarded(lambda r, s, t, at: turn(r, s, t, at + PAGE_ROWS)), [*filters, start], page_outputs, **quiet)
    listing.pick(guarded(choose), None, chosen, **quiet).then(guarded(show_row), row_inputs, row_outputs, **quiet)
    gr.on([view.input, model.input, train_on.input, longest.change], guarded(show_row), row_inputs, row_outputs, **quiet)
    count.click(guarded(lambda *values: count_tokens(ws, *values)), [selected, model, train_on, longest], totals, api_visibility="private")

    def show(ref: str) -> tuple[Any, ...]:
        """Updates of `outputs` for another version: its first page, its splits, the models to choose from."""
        splits = [ALL, *(store.get_version(ws, ref).splits if ref else [])]
        models = page.model_choices()
        names = [name for _, name in models]
        return (
            *turn(ref, ALL, "", 0),
            gr.update(value=""),
            gr.update(choices=splits, value=ALL),
            gr.update(choices=models, value=names[0] if names else None),
            "",
        )

    return RowsView([*page_outputs, search, split, model, totals], show)
