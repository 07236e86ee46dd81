"""What every part of the open dataset's panel gives to the Data tab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass
class Part:
    """A part of the open dataset's panel: `show(ref)` gives updates for `outputs`; after `changed` another version may be open.

    `said` holds what went wrong; while it does, what the person typed must stay.
    """

    outputs: list[Any]
    show: Any
    changed: list[Any]
    deleted: gr.State | None = None
    said: gr.HTML | None = None
