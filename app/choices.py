"""HTML components that answer to clicks and keys: a table whose rows can be chosen.

Gradio's own table uploads its rows with every event and has no labels for a screen reader; this one sends the key of the chosen row.
Use it with `table(...)` of `app/html.py`; listen with `.pick(handler)` where the handler takes `gr.EventData` and reads `event.key`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

PICK_ROW = """
const rowOf = (target) => { const row = target.closest('[data-key]'); return row && element.contains(row) ? row : null; };
const pick = (row) => {
  element.querySelectorAll('[data-key]').forEach((other) => other.setAttribute('aria-current', String(other === row)));
  trigger('pick', {key: row.dataset.key});
};
element.addEventListener('click', (event) => {
  const row = rowOf(event.target);
  if (row && !String(window.getSelection())) pick(row);
});
element.addEventListener('keydown', (event) => {
  const row = rowOf(event.target);
  if (!row) return;
  if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); pick(row); }
  const next = event.key === 'ArrowDown' ? row.nextElementSibling : event.key === 'ArrowUp' ? row.previousElementSibling : null;
  if (next) { event.preventDefault(); next.focus(); }
});
"""


class Choices(gr.HTML):
    """A table from `app.html.table` whose rows can be chosen."""

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, js_on_load=PICK_ROW, apply_default_css=False, **options)

    def get_block_name(self) -> str:
        return "html"


def static(value: str = "", **options: Any) -> gr.HTML:
    """Escaped HTML that does nothing when clicked."""
    return gr.HTML(value, js_on_load=None, apply_default_css=False, **options)


def kept(choices: Sequence[tuple[str, str]], chosen: Any, otherwise: Any) -> Any:
    """The choices of a dropdown as they are now. What is chosen is left alone, for a person may be changing it just now, unless it is gone;
    of several, those that are left stay."""
    known = {value for _, value in choices}
    if isinstance(chosen, list):
        left = [value for value in chosen if value in known]
        return gr.update(choices=choices) if left == chosen else gr.update(choices=choices, value=left)
    return gr.update(choices=choices) if chosen in known else gr.update(choices=choices, value=otherwise)


def key_of(event: gr.EventData) -> str:
    """The key of the row that was chosen."""
    return str(event.key)
