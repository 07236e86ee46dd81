"""The line at the top of the page: name, workspace, device, and what holds the device now."""

from __future__ import annotations

import html

import gradio as gr

from app.page import Page


def build(page: Page) -> gr.HTML:
    """The header, which asks the server every two seconds while it can be seen."""
    return gr.HTML(f"<h1>Luthier</h1> <span>{html.escape(str(page.workspace.root))}</span>", elem_id="header")
