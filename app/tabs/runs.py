"""The Runs tab."""

from __future__ import annotations

import gradio as gr

from app.page import Page


def build(page: Page) -> None:
    run = gr.Textbox(label="Run")
    page.receives("open_run", lambda name: name, [run], "runs")
