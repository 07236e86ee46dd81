"""The Train tab."""

from __future__ import annotations

import gradio as gr

from app.page import Page


def build(page: Page) -> None:
    text = gr.Textbox(label="Data")
    page.receives("train_on", lambda name: name, [text], "train")
