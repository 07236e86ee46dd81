"""One row of a dataset: its cells in the table, and the row in full, as a conversation or as the tokens that a trainer would see.

To show a row in another way, add a name to `VIEWS` and a branch to `row_detail`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import html
from app.guard import notice
from studio.data import store
from studio.workspace import Workspace

STATISTICS_ROWS = 2000
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
