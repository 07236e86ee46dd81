"""The fields that say what is asked in a comparison: typed prompts, held-out rows, or a file; and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import html
from app.choices import kept, static
from app.dataset_sources import FILE_TYPES
from app.page import Page
from studio.data import store
from studio.errors import DataError
from studio.inference import prompt_sets
from studio.inference.outputs import Messages
from studio.workspace import Workspace

TYPED, HELD_OUT, FILE = "Prompts that I write", "Held-out rows of a dataset", "A file with prompts"
APART = (("Blank lines between prompts", "blank lines"), ("One prompt a line", "lines"), ("One prompt in all", "whole"))
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass
class PromptFields:
    """The fields; `inputs` is what handlers take, in the order of `prompts_for`."""

    source: gr.Radio
    text: gr.Textbox
    apart: gr.Dropdown
    system: gr.Textbox
    turns: gr.Checkbox
    ref: gr.Dropdown
    file: gr.File
    count: gr.Number

    @property
    def inputs(self) -> list[Any]:
        return [self.source, self.text, self.apart, self.system, self.turns, self.ref, self.file, self.count]


def prompts_for(
    ws: Workspace, source: str, text: str, apart: Any, system: str, turns: bool, ref: str | None, file: str | None, count: float | None
) -> list[Messages]:
    """What shall be asked. Raises `DataError` that says what is missing."""
    most = int(count or prompt_sets.MOST_PROMPTS)
    if source == HELD_OUT:
        if not ref:
            raise DataError("No dataset is chosen.", "Choose one with held-out rows.")
        return prompt_sets.held_out(ws, ref, most, system, turns)
    if source == FILE:
        if not file:
            raise DataError("No file is chosen.", "Choose one with a prompt a line, or with a column of prompts.")
        return prompt_sets.from_file(file, most, system, turns)
    return prompt_sets.typed(text, system, apart, turns)


def sources_choices(page: Page) -> list[tuple[str, str]]:
    """The datasets whose rows hold prompts."""
    return [(label, ref) for label, ref in page.dataset_choices() if store.get_version(page.workspace, ref).kind in prompt_sets.KINDS]


def refreshed(page: Page, ref: str | None) -> Any:
    """The datasets to choose from, as the workspace is now."""
    data = sources_choices(page)
    return kept(data, ref, data[0][1] if data else None)


def counted(source: str, text: str, apart: Any, turns: bool) -> str:
    """How many prompts stand in the typed text, once there is more than one or they have turns."""
    if source != TYPED or not text.strip():
        return ""
    found = prompt_sets.typed(text, "", apart, turns)
    words = html.plural(len(found), "prompt")
    if turns:
        words += f", {html.plural(sum(len(prompt) for prompt in found), 'turn')} (one a line)"
    return html.muted(words) if len(found) > 1 or turns else ""


def which_source(source: str) -> tuple[Any, ...]:
    """The fields of the chosen kind of prompts: text, how prompts stand apart, dataset, file, how many."""
    shown = (source == TYPED, source == TYPED, source == HELD_OUT, source == FILE, source != TYPED)
    return tuple(gr.update(visible=visible) for visible in shown)


def build() -> PromptFields:
    source = gr.Radio([TYPED, HELD_OUT, FILE], value=TYPED, label="Prompts", show_label=False, container=False, elem_id="compare-source")
    with gr.Row(elem_classes="tools"):
        text = gr.Textbox("", label="Prompts", lines=3, max_lines=10, elem_id="compare-prompt", scale=3, min_width=240)
        ref = gr.Dropdown([], label="Dataset", elem_id="compare-dataset", scale=3, min_width=240, visible=False)
        file = gr.File(
            label="Text with a prompt a line, JSON lines, CSV or another table", file_types=FILE_TYPES, elem_id="compare-file", height=130,
            scale=3, min_width=240, visible=False,
        )  # fmt: skip
        system = gr.Textbox(
            "", label="System prompt, for prompts without one", lines=3, max_lines=10, elem_id="compare-system", scale=2, min_width=220
        )
    with gr.Row(elem_classes="tools centred"):
        apart = gr.Dropdown(
            list(APART), value="blank lines", label="In this text", show_label=False, container=False, elem_id="compare-apart", scale=0,
            min_width=250,
        )  # fmt: skip
        count = gr.Number(
            20, label="Prompts at most", minimum=1, maximum=prompt_sets.MOST_PROMPTS, precision=0, elem_id="compare-count", scale=0,
            min_width=150, visible=False,
        )  # fmt: skip
        turns = gr.Checkbox(
            False, label="Answer every turn of a conversation", elem_id="compare-turns", container=False, scale=0, min_width=270
        )
        said = static(elem_id="compare-counted", scale=1, min_width=120)
    source.change(which_source, source, [text, apart, ref, file, count], **QUIET)
    gr.on(
        [text.change, apart.change, turns.change, source.change], counted, [source, text, apart, turns], said,
        trigger_mode="always_last", queue=False, **QUIET,
    )  # fmt: skip
    return PromptFields(source, text, apart, system, turns, ref, file, count)
