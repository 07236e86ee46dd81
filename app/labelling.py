"""The labelling screen: blind answers side by side, judged by keyboard, mouse or touch.

One component; all that it shows and does stands in the scripts named here, which speak with the routes of `app/label_routes.py` and not
with gradio, so that a judgement takes milliseconds and a burst of keys keeps its order. It stands alone on `/label` and in the Label tab.
Its value is `{"project": id or None, "alone": bool}`: with a project it shows that one only; without one the person chooses among the open
ones where it stands alone, and elsewhere it waits for one.
To add a way of judging, see `assets/js/label_modes.js`; to add something that can be said of an item, a drawer in `label_drawers.js`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import gradio as gr

from app.theme import script
from studio.feedback.answers import FLAG_REASONS, LONGEST_TEXT, SKIP_REASONS
from studio.feedback.settings import HIGHEST_RATING, LOWEST_RATING

if TYPE_CHECKING:
    from studio.workspace import Workspace

SCRIPTS = ("label_send.js", "label_cards.js", "label_modes.js", "label_drawers.js", "label.js", "label_frame.js")
"""In this order they make one script: each uses names of those before it, and the last one begins."""


def labelling(project: int | None = None, alone: bool = False) -> gr.HTML:
    """The component, for one project or for all that are open to whoever looks; `alone` on a page of its own, with the person's name and
    the way out where there are accounts."""
    return gr.HTML(
        value={"project": project, "alone": alone},
        html_template='<div class="label-screen"></div>',
        js_on_load="\n".join([_constants(), *map(script, SCRIPTS)]),
        apply_default_css=False,
        elem_id="labelling",
    )


def _constants() -> str:
    """What the scripts know from the engine."""
    values = {
        "LOWEST": LOWEST_RATING, "HIGHEST": HIGHEST_RATING, "LONGEST_TEXT": LONGEST_TEXT,
        "FLAG_REASONS": FLAG_REASONS, "SKIP_REASONS": SKIP_REASONS,
    }  # fmt: skip
    return "\n".join(f"const {name} = {json.dumps(value)};" for name, value in values.items())


def label_page(ws: Workspace) -> gr.Blocks:
    """The page of an annotator: the labelling and nothing else."""
    with gr.Blocks(title=f"Labelling, {ws.root.name}", analytics_enabled=False, fill_width=True) as demo:
        labelling(alone=True)
    return demo
