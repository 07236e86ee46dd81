"""What the Runs tab says in words: recipe, differences between recipes, the answer of a model that trains. All of it escaped."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator

from app.guard import notice
from studio import fields
from studio.errors import RecipeError, StudioError
from studio.runs import asks, store
from studio.workspace import Workspace

ANSWER_SECONDS = 300
LOOK_SECONDS = 0.15
EMPTY = """
<div class="empty">
  <h2>No runs yet</h2>
  <p>A run is one fine-tuning of a model. Its curves, sample answers and log appear here while it trains, and stay afterwards.</p>
  <p>Choose a dataset and start one in the <button type="button" class="link" onclick="luthier.openTab('Train')">Train</button> tab.
  If there is no data yet, the <button type="button" class="link" onclick="luthier.openTab('Data')">Data</button> tab has samples.</p>
</div>
"""


def recipe_text(run: store.RunInfo) -> str:
    """The run's recipe as YAML, or why it cannot be read."""
    try:
        return fields.to_yaml(run.recipe)
    except RecipeError as error:
        return f"# {error}"


def difference(workspace: Workspace, run: store.RunInfo, marked: list[str]) -> str:
    """A table of the settings at which the ticked runs and the open one differ; empty when fewer than two are at hand."""
    names = [run.name, *(name for name in marked if name != run.name)]
    if len(names) < 2:
        return ""
    try:
        runs = [store.get_run(workspace, name) for name in names]
        table = fields.difference([other.recipe for other in runs])
    except StudioError as error:
        return notice(error)
    table.pop("name", None)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ["Setting", *names])
    body = "".join(
        f"<tr><td>{html.escape(path)}</td>{''.join(f'<td>{html.escape(_value(value))}</td>' for value in values)}</tr>"
        for path, values in table.items()
    )
    if not table:
        return notice("The ticked runs have equal recipes.", "info")
    caption = "<caption>Where the recipes differ</caption>"
    return f'<div class="table-frame"><table class="plain">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(f"{v['name']} ({v['weight']:g})" if isinstance(v, dict) and "name" in v else str(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def try_now(workspace: Workspace, name: str, prompt: str) -> Iterator[str]:
    """The answer of the run's weights as they are now, as HTML that grows until it is done."""
    if not prompt.strip():
        yield notice("Write something to ask first.", "info")
        return
    try:
        folder = store.get_run(workspace, name).folder
        ask_id = asks.ask(folder, [{"role": "user", "content": prompt}])
    except StudioError as error:
        yield notice(error)
        return
    yield '<div class="waiting" role="status">Waiting for the end of this step</div>'
    end, shown = time.monotonic() + ANSWER_SECONDS, ""
    while time.monotonic() < end:
        answer = asks.answer(folder, ask_id)
        if answer.error:
            yield notice(answer.error)
            return
        if answer.text != shown or answer.done:
            shown = answer.text
            note = f"Step {answer.step}" + ("" if answer.done else ", answering")
            yield f'<div class="sample"><div class="said">{html.escape(shown)}</div><div class="reference">{note}</div></div>'
        if answer.done:
            return
        time.sleep(LOOK_SECONDS)
    yield notice("No answer came. The run may have ended or be busy with a long step.", "warning")
