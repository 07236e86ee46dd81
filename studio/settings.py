"""How a setting is declared: once, as a pydantic field with type, bounds, default, unit and one sentence of help.

The form, the command line, the YAML file and the messages derive from it: `field_spec` says what a form needs to know of one (see also
`studio/fields.py`). To add a setting, add a field made with `setting()` to the section that it belongs to; nothing else needs to change.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

REQUIRED: Any = object()


class Settings(BaseModel):
    """Base of every section of a recipe: unknown names are refused, values are validated on assignment."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, validate_default=True)


def setting(default: Any, title: str, help: str, *, basic: bool = False, unit: str = "", lines: bool = False, **bounds: Any) -> Any:
    """A pydantic field for one setting.

    `title` is the label, `help` one sentence, `unit` is shown behind the label, `basic` puts it among the first fields of the form, `lines`
    says that a text has several lines; `bounds` go to pydantic (`ge`, `gt`, `le`, `lt`, `min_length`, ...).
    """
    extra: dict[str, Any] = {"basic": basic, "unit": unit, "lines": lines}
    return Field(default, title=title, description=help, json_schema_extra=extra, **bounds)


@dataclass(frozen=True)
class FieldSpec:
    """One setting as a form shows it. `minimum` and `maximum` are inclusive unless `open_minimum`; `default` is the section's own.

    `type` is int, float, switch, choice, text, lines (a text of several lines), or what a list of sections is called.
    """

    key: str
    path: str
    section: str
    title: str
    help: str
    unit: str
    type: str
    choices: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    open_minimum: bool
    optional: bool
    default: Any
    basic: bool


def field_spec(info: FieldInfo, section: str, key: str, path: str, lists: Mapping[type[Settings], str] | None = None) -> FieldSpec:
    """What a form needs to know of a field; `lists` gives the type's name for each class of which a field may hold a list."""
    extra: dict[str, Any] = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    annotation, optional = _strip_optional(info.annotation)
    lower = next((m for m in info.metadata if isinstance(m, Ge | Gt)), None)
    upper = next((m for m in info.metadata if isinstance(m, Le | Lt)), None)
    low: Any = lower.gt if isinstance(lower, Gt) else lower.ge if lower else None
    high: Any = upper.lt if isinstance(upper, Lt) else upper.le if upper else None
    return FieldSpec(
        key=key,
        path=path,
        section=section,
        title=info.title or path,
        help=info.description or "",
        unit=str(extra.get("unit", "")),
        type="lines" if extra.get("lines") else _type(annotation, lists or {}),
        choices=tuple(get_args(annotation)) if get_origin(annotation) is Literal else (),
        minimum=low,
        maximum=high,
        open_minimum=isinstance(lower, Gt),
        optional=optional,
        default=REQUIRED if info.is_required() else info.get_default(call_default_factory=True),
        basic=bool(extra.get("basic")),
    )


def _strip_optional(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [a for a in get_args(annotation) if a is not type(None)]
        return rest[0], len(rest) < len(get_args(annotation))
    return annotation, False


def _type(annotation: Any, lists: Mapping[type[Settings], str]) -> str:
    if get_origin(annotation) is Literal:
        return "choice"
    if get_origin(annotation) is list:
        return lists[get_args(annotation)[0]]
    return {int: "int", float: "float", bool: "switch", str: "text"}[annotation]
