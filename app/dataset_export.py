"""The open version as files: prepared as one ZIP with its data card, then downloaded."""

from __future__ import annotations

import tempfile
from typing import Any

import gradio as gr

from app import html
from app.choices import static
from app.dataset_part import Part
from app.guard import guarded
from app.page import Page
from studio.data import export

FORMATS = {"jsonl": "JSON lines", "csv": "CSV, for spreadsheets", "parquet": "Parquet"}
NOTE = "every split as a file, with a card that says source, licence, steps and counts"


def build(page: Page, selected: gr.State) -> Part:
    ws = page.workspace
    static(html.heading("Export", NOTE), elem_classes="part-heading")
    with gr.Row(elem_classes="tools"):
        format = gr.Dropdown(
            [(words, name) for name, words in FORMATS.items()], value="jsonl", label="Format", elem_id="export-format", min_width=180
        )
        prepare = gr.Button("Prepare the files", size="md", elem_id="export-prepare", scale=0, min_width=140)
        download = gr.DownloadButton("Download", size="md", elem_id="export-download", visible=False, scale=0, min_width=180)

    def show(ref: str) -> tuple[Any, ...]:
        return (gr.update(visible=False, value=None),)

    def make(ref: str, format: str) -> Any:
        path = export.archive(ws, ref, tempfile.mkdtemp(prefix="luthier-export-"), format)
        return gr.update(value=str(path), label=f"Download {path.name} ({html.megabytes(path.stat().st_size)})", visible=True)

    prepare.click(guarded(make), [selected, format], download, api_visibility="private")
    format.input(lambda: gr.update(visible=False), None, download, show_progress="hidden", api_visibility="private")
    return Part([download], show, [])
