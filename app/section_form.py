"""One component for one setting, for any section of settings: the recipe's form, cleaning and augmentation all draw theirs from here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.settings import REQUIRED, FieldSpec


def component(spec: FieldSpec, elem_id: str, **options: Any) -> Any:
    """The component for a number, a switch, a choice or a text; an optional number is a text, since an empty number would read as 0."""
    value = None if spec.default is REQUIRED else spec.default
    common = {"label": f"{spec.title}, {spec.unit}" if spec.unit else spec.title, "info": spec.help, "elem_id": elem_id, **options}
    if spec.type == "choice":
        return gr.Dropdown(list(spec.choices), value=value, **common)
    if spec.type == "switch":
        return gr.Checkbox(value=bool(value), **common)
    if spec.type in ("int", "float") and not spec.optional:
        return gr.Number(value=value, step=1 if spec.type == "int" else None, **common)
    if spec.type == "lines":
        return gr.Textbox(value="" if value is None else str(value), lines=4, max_lines=12, **common)
    placeholder = "automatic" if spec.optional else None
    return gr.Textbox(value="" if value is None else str(value), max_lines=1, placeholder=placeholder, **common)


def values_of(specs: Sequence[FieldSpec], given: Sequence[Any]) -> dict[str, Any]:
    """The components' values by the settings' names; what was emptied is left out, so that its default holds, unless it is a text."""
    texts = ("text", "lines")
    return {
        spec.path: value
        for spec, value in zip(specs, given, strict=True)
        if value is not None and (value != "" or (spec.type in texts and not spec.optional))
    }
