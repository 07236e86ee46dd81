"""The settings of generation as fields, made from `Sampling` itself, so that a new setting there appears in Chat and Compare by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from pydantic import ValidationError

from studio.errors import DataError
from studio.inference.sampling import Sampling


def _bounds(metadata: list[Any]) -> dict[str, float]:
    """The inclusive bounds of a pydantic field, as `gr.Number` takes them."""
    found: dict[str, float] = {}
    for item in metadata:
        for name, key in (("ge", "minimum"), ("gt", "minimum"), ("le", "maximum"), ("lt", "maximum")):
            if (value := getattr(item, name, None)) is not None:
                found[key] = value
    return found


def build(prefix: str) -> list[Any]:
    """One field for each setting, in the order of `Sampling.model_fields`; ids are `<prefix>-temperature` and so on.

    A setting that may stay empty is a text box: an empty number field comes back from gradio as 0.
    """
    fields: list[Any] = []
    for name, info in Sampling.model_fields.items():
        unit = (info.json_schema_extra or {}).get("unit", "") if isinstance(info.json_schema_extra, dict) else ""
        common: dict[str, Any] = {
            "label": f"{info.title}, {unit}" if unit else info.title,
            "info": info.description,
            "elem_id": f"{prefix}-{name.replace('_', '-')}",
            "min_width": 140,
        }
        if info.default is None:
            fields.append(gr.Textbox("", **common))
            continue
        whole = info.annotation is int
        fields.append(
            gr.Number(info.default, precision=0 if whole else None, step=1 if whole else 0.05, **common, **_bounds(info.metadata))
        )
    return fields


def given(values: Sequence[Any]) -> dict[str, Any]:
    """The fields' values by the settings' names, without the emptied ones."""
    return {name: value for name, value in zip(Sampling.model_fields, values, strict=True) if value not in (None, "")}


def read(values: Sequence[Any]) -> Sampling:
    """The settings from the fields' values; an emptied field gives its default. Raises `DataError` that names the field."""
    try:
        return Sampling(**given(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        title = Sampling.model_fields[str(first["loc"][0])].title
        raise DataError(f"{title}: {first['msg']}.", "Change this sampling setting and try again.") from error
