"""What every part of the open dataset's panel gives to the Data tab."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr


@dataclass
class Part:
    """A part of the open dataset's panel: `show(ref)` gives updates for `outputs`; after `changed` another version may be open.

    `said` holds what went wrong; while it does, what the person typed must stay. After an event of `listed` the list says something else
    about the open dataset, which stays open as it is.
    """

    outputs: list[Any]
    show: Any
    changed: list[Any]
    deleted: gr.State | None = None
    said: gr.HTML | None = None
    listed: list[Any] = field(default_factory=list)
