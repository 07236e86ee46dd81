r"""Settings and cleaning steps as one word of the command line: `kind:name=value,name=value`.

A comma ends a value where the name of a setting follows, so that values may hold commas. `\n` stands for a line break, `\,` for a comma
that would end the value, `\\` for a backslash before one of these; any other backslash is itself, as in a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from studio.data.cleaning.base import StepSettings
from studio.data.cleaning.settings import parse_step, step_specs
from studio.errors import DataError

ESCAPED = re.compile(r"\\([\\n,])")
TO_ESCAPE = re.compile(r"\\(?=[\\n,\n]|\Z)")


def settings_from(pairs: Iterable[str]) -> dict[str, Any]:
    """`name=value` options as settings."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise DataError(f"The setting {pair!r} cannot be read.", "Write it as name=value.")
        found[name.strip()] = ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], value)
    return found


def step_from(text: str) -> StepSettings:
    """A cleaning step from `kind` or `kind:name=value,name=value`."""
    kind, _, rest = text.partition(":")
    kind = kind.strip()
    pieces = re.findall(rf"(?:\\[\s\S]|(?!{_separator(kind)})[\s\S])+", rest.strip(" ,"))
    return parse_step({"kind": kind, **settings_from(piece.removeprefix(",") for piece in pieces)})


def step_text(values: Mapping[str, Any]) -> str:
    """A step as `step_from` reads it; settings without a value are left out."""
    kind = str(values["kind"])
    named = [(name, str(value)) for name, value in values.items() if name != "kind" and value not in ("", None)]
    lines = [f"{name}={_escaped(value, kind)}" for name, value in named]
    return kind + (":" + ",".join(lines) if lines else "")


def _separator(kind: str) -> str:
    """The pattern of a comma that ends a value: one before the name of a setting of this kind of step."""
    names = [field.key for spec in step_specs() if spec.kind == kind for field in spec.fields]
    return rf",\s*(?:{'|'.join(names)})\s*=" if names else ","


def _escaped(value: str, kind: str) -> str:
    plain = TO_ESCAPE.sub(r"\\\\", value).replace("\n", "\\n")
    return re.sub(_separator(kind), r"\\\g<0>", plain)
