"""The versions of the open dataset: how each was made, how two differ, an old one made the newest again, who used one, and its note."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import dataset_aside, html
from app.choices import Choices, key_of, static
from app.dataset_part import Part
from app.guard import guarded, notice
from app.page import Page
from studio.data import store, versions
from studio.data.step_words import step_words
from studio.data.versions import RowChange, VersionDiff
from studio.errors import StudioError
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def versions_table(ws: Workspace, ref: str) -> str:
    """All versions of the open dataset, the newest first."""
    rows = []
    for v in reversed(store.versions(ws, ref.partition("@")[0])):
        splits = ", ".join(f"{count:,} {name}" for name, count in v.splits.items())
        by = f", by {v.step['author']}" if v.step.get("author") else ""
        note = f' <span class="muted">{html.esc(html.shorten(v.step["note"]))}</span>' if v.step.get("note") else ""
        how = html.Cell(html.esc(step_words(v.step) + by) + note)
        rows.append((v.ref, (f"v{v.number}", f"{v.rows:,}", splits, how, f"{v.created_at:%d %b %Y, %H:%M} UTC")))
    columns = [
        html.Column("Version"),
        html.Column("Rows", number=True),
        html.Column("Splits"),
        html.Column("How it was made"),
        html.Column("Made", wide_only=True),
    ]
    return html.table(columns, rows, selected=ref, label="Versions")


def use_words(ws: Workspace, ref: str) -> str:
    """Who used the version, as HTML."""
    used = versions.used_by(ws, ref)
    return html.facts([("Used by", ", ".join(used) if used else "no run yet")])


def diff_view(diff: VersionDiff) -> str:
    """How two versions differ: counts, settings, examples."""
    counts = html.facts(
        [
            ("Changed", html.plural(diff.changed, "row")),
            ("Added", html.plural(diff.added, "row")),
            ("Removed", html.plural(diff.removed, "row")),
            ("In another split", html.plural(diff.moved, "row")),
            ("The same", html.plural(diff.same, "row")),
        ]
    )
    settings = html.table(
        [html.Column("Step"), html.Column(diff.a), html.Column(diff.b)],
        [("", (name, html.shorten(a, 200), html.shorten(b, 200))) for name, a, b in diff.settings],
        label="How the steps differ",
        empty="Both were made in the same way.",
    )
    shown = "".join(_example(change) for change in diff.examples)
    return html.heading(f"From {diff.a} to {diff.b}") + counts + shown + html.heading("How they were made") + settings


def _example(change: RowChange) -> str:
    what = "removed" if change.after is None else "added" if change.before is None else "changed"
    return f'<div class="preview-row"><div class="part">Row {change.index + 1:,} of {html.esc(change.split)}, {what}</div>' + (
        html.difference(change.pieces) + "</div>"
    )


def build(page: Page, selected: gr.State) -> Part:
    ws = page.workspace
    listing = Choices(elem_id="data-versions")
    aside = dataset_aside.build(page)
    used = static(elem_id="data-used-by")
    with gr.Row(elem_classes="tools"):
        other = gr.Dropdown([], label="Compare with", elem_id="data-diff-with", min_width=160)
        compare = gr.Button("Show the difference", size="md", elem_id="data-diff", scale=0, min_width=160)
        restore = gr.Button("Make this the newest", size="md", elem_id="data-restore", scale=0, min_width=160)
    with gr.Row(elem_classes="tools"):
        note = gr.Textbox("", label="Note", placeholder="Why this version was made", elem_id="data-note", min_width=220)
        keep = gr.Button("Keep the note", size="md", elem_id="data-note-keep", scale=0, min_width=120)
    said = static(elem_id="data-versions-said")
    difference = static(elem_id="data-difference")

    def show(ref: str) -> tuple[Any, ...]:
        if not ref:
            return "", *aside.show(""), "", gr.update(choices=[], value=None), gr.skip(), "", "", ""
        version = store.get_version(ws, ref)
        others = [v for v in store.versions(ws, version.dataset) if v.number != version.number]
        before = [v.ref for v in others if v.number < version.number]
        chosen = before[-1] if before else others[0].ref if others else None
        newest = not others or others[-1].number < version.number
        return (
            versions_table(ws, version.ref),
            *aside.show(version.ref),
            use_words(ws, version.ref),
            gr.update(choices=[(f"v{v.number}, {v.rows:,} rows, {step_words(v.step)}", v.ref) for v in others], value=chosen),
            gr.update(interactive=not newest),
            str(version.step.get("note") or ""),
            "",
            "",
        )

    def choose(event: gr.EventData) -> str:
        return key_of(event)

    def differ(ref: str, with_ref: str | None) -> tuple[str, str]:
        try:
            if not with_ref:
                return notice("There is no other version to compare with yet.", "info"), ""
            a, b = sorted((ref, with_ref), key=lambda name: store.get_version(ws, name).number)
            return "", diff_view(versions.diff(ws, a, b))
        except StudioError as error:
            return notice(error), ""

    def bring_back(ref: str) -> tuple[str, str]:
        try:
            return versions.restore(ws, ref).ref, ""
        except StudioError as error:
            return ref, notice(error)

    def keep_note(ref: str, text: str) -> str:
        versions.set_note(ws, ref, text.strip())
        return versions_table(ws, ref)

    picked = listing.pick(guarded(choose), None, selected, **QUIET)
    compare.click(guarded(differ), [selected, other], [said, difference], api_visibility="private")
    restored = restore.click(guarded(bring_back), selected, [selected, said], **QUIET)
    gr.on([keep.click, note.submit], guarded(keep_note), [selected, note], listing, **QUIET)
    return Part([listing, *aside.outputs, used, other, restore, note, said, difference], show, [picked, restored])
