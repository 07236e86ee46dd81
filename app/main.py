"""Composes the page and opens it.

To add a tab: a file in `app/tabs` with `build(page)`, and one line in `TABS`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import gradio as gr

from app import header
from app.page import Page

if TYPE_CHECKING:
    from studio.session import Studio

TABS = (("data", "Data"), ("train", "Train"), ("runs", "Runs"), ("compare", "Compare"), ("chat", "Chat"), ("models", "Models"))


def compose(studio: Studio) -> gr.Blocks:
    """The page over `studio`, not yet served."""
    with gr.Blocks(title="Luthier", analytics_enabled=False, fill_width=True) as demo:
        page = Page(studio)
        header.build(page)
        items: dict[str, gr.Tab] = {}
        with gr.Tabs(elem_id="tabs") as page.tabs:
            for key, label in TABS:
                if find_spec(f"app.tabs.{key}") is None:
                    continue
                with gr.Tab(label, id=key, elem_id=f"tab-{key}") as items[key]:
                    import_module(f"app.tabs.{key}").build(page)
        page.wire(demo, items)
    return demo
