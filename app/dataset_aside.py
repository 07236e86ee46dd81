"""The rows that were set aside when a version was imported: what is wrong with each, and all of them to download, mend and import again."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr

from app.choices import static
from app.dataset_import import set_aside
from app.dataset_part import Part
from app.page import Page
from studio.data import store
from studio.errors import NotFoundError
from studio.workspace import Workspace


def bad_rows_copy(ws: Workspace, ref: str) -> str | None:
    """A copy of the rows that were set aside, in a place from which the page may hand files out; None where they were not kept."""
    version = store.get_version(ws, ref)
    try:
        file = store.bad_rows_file(ws, ref)
    except NotFoundError:
        return None
    folder = Path(tempfile.gettempdir()) / f"luthier-{os.getuid() if hasattr(os, 'getuid') else 0}" / version.sha256[:16]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / f"{version.dataset}-v{version.number}-set-aside.jsonl"
    shutil.copyfile(file, target)
    return str(target)


def build(page: Page) -> Part:
    """The list, folded up, and the button under it; nothing where no row was set aside."""
    ws = page.workspace
    words = static(elem_id="data-set-aside")
    download = gr.DownloadButton("Download the rows set aside", size="sm", visible=False, elem_id="data-bad-rows")

    def show(ref: str) -> tuple[Any, ...]:
        version = store.get_version(ws, ref) if ref else None
        if version is None or not version.bad_row_count:
            return "", gr.update(visible=False)
        file = bad_rows_copy(ws, ref)
        return set_aside(version.bad_rows, version.bad_row_count), gr.update(value=file, visible=file is not None)

    return Part([words, download], show, [])
