"""How a setting is declared: once, as a pydantic field with type, bounds, default, unit and one sentence of help.

The form, the command line, the YAML file and the messages derive from it (see `studio/fields.py`). To add a setting, add a field made
with `setting()` to the section that it belongs to; nothing else needs to change.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Base of every section of a recipe: unknown names are refused, values are validated on assignment."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, validate_default=True)


def setting(default: Any, title: str, help: str, *, basic: bool = False, unit: str = "", **bounds: Any) -> Any:
    """A pydantic field for one setting.

    `title` is the label, `help` one sentence, `unit` is shown behind the label, `basic` puts it among the first fields of the form;
    `bounds` go to pydantic (`ge`, `gt`, `le`, `lt`, `min_length`, ...).
    """
    extra: dict[str, Any] = {"basic": basic, "unit": unit}
    return Field(default, title=title, description=help, json_schema_extra=extra, **bounds)
