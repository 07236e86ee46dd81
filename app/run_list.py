"""The table of runs: state, recipe in a few words, best figure, duration, note; filtered and redrawn in the browser.

It fires `pick` with a run's name, `marked` with the names of the ticked runs and `move` with a run and its wanted place in the queue. The
browser's half is `assets/js/run_list.js`.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.live import seconds_of, state_of
from app.page import Page
from app.theme import script
from studio import fields
from studio.errors import RecipeError
from studio.runs import store

TEMPLATE = """
<div class="listing">
  <div class="listing-bar">
    <h2>Runs <span class="count"></span></h2>
    <input type="search" class="filter" placeholder="Filter by name, state, data or note" aria-label="Filter the runs">
  </div>
  <div class="table-frame">
    <table class="plain">
      <thead><tr>
        <th title="Tick runs to draw them together and to compare their recipes"><span class="sr-only">Compare</span></th>
        <th>Run</th><th>State</th><th class="recipe">Recipe</th>
        <th class="number" title="The best value of the figure that decides which checkpoint is kept">Best</th>
        <th class="number">Duration</th><th class="note">Note</th><th>Queue</th>
      </tr></thead>
      <tbody></tbody>
    </table>
  </div>
</div>
"""


def row_of(run: store.RunInfo) -> dict[str, Any]:
    """One line of the table, as plain values."""
    state = state_of(run)
    best = state["best"] or {}
    return {
        "name": run.name,
        "state": state["state"],
        "words": state["words"],
        "step": state["step"],
        "steps": state["steps"],
        "recipe": _recipe_words(run),
        "metric": best.get("words", ""),
        "best": best.get("value"),
        "seconds": seconds_of(run),
        "note": run.note,
        "position": run.position,
        "created": run.created_at.strftime("%Y-%m-%d %H:%M UTC"),
    }


def _recipe_words(run: store.RunInfo) -> str:
    try:
        return fields.summary(run.recipe)
    except RecipeError:
        return "a recipe of another version of Luthier"


def build(page: Page) -> gr.HTML:
    """The table; its value is `{"run": the name that is open}`."""
    workspace = page.workspace

    def listing(_request: object = None) -> list[dict[str, Any]]:
        return [row_of(run) for run in store.list_runs(workspace)]

    return gr.HTML(
        value={"run": ""},
        html_template=TEMPLATE,
        js_on_load=script("run_list.js"),
        server_functions=[listing],
        apply_default_css=False,
        elem_id="run-list",
    )
