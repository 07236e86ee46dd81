"""The steps that a pipeline can name, and what a form and the command line need to know of each.

A new step is a subclass of `StepSettings` and its name in the union `Step`; the form, the command line and YAML follow from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter, ValidationError

from studio.data.cleaning.base import StepSettings, problems
from studio.data.cleaning.controls import ControlTokens
from studio.data.cleaning.duplicates import ExactDuplicates, NearDuplicates
from studio.data.cleaning.html import StripHTML
from studio.data.cleaning.labels import Labels
from studio.data.cleaning.languages import Language
from studio.data.cleaning.masking import Personal
from studio.data.cleaning.rows import Length, Missing
from studio.data.cleaning.texts import Normalise, Replace
from studio.data.cleaning.turns import EmptyTurns
from studio.errors import DataError
from studio.settings import FieldSpec, field_spec

Step = Annotated[
    Normalise
    | StripHTML
    | Missing
    | EmptyTurns
    | ExactDuplicates
    | NearDuplicates
    | Length
    | Language
    | Labels
    | Replace
    | ControlTokens
    | Personal,
    Field(discriminator="kind"),
]


@dataclass(frozen=True)
class StepSpec:
    """One step as a form shows it: `kinds` are the kinds of row that it works on, `fields` its settings in order."""

    kind: str
    title: str
    summary: str
    kinds: tuple[str, ...]
    fields: tuple[FieldSpec, ...]


@cache
def steps() -> tuple[type[StepSettings], ...]:
    """Every step, in the order of the union."""
    return get_args(get_args(Step)[0])


@cache
def step_specs() -> tuple[StepSpec, ...]:
    """Every step with its settings. A field's key and path are its plain name."""
    return tuple(
        StepSpec(
            kind=kind_of(step),
            title=step.title,
            summary=step.summary,
            kinds=step.kinds,
            fields=tuple(field_spec(info, kind_of(step), name, name) for name, info in step.model_fields.items() if name != "kind"),
        )
        for step in steps()
    )


def kind_of(step: type[StepSettings]) -> str:
    return str(step.model_fields["kind"].default)


def parse_step(values: dict[str, Any]) -> StepSettings:
    """A step from plain values with its `kind`, as a form or the command line gives them; an empty optional number is none.

    Raises `DataError` that names the settings that are wrong.
    """
    spec = next((spec for spec in step_specs() if spec.kind == values.get("kind")), None)
    if spec is None:
        raise DataError(f"There is no cleaning step {values.get('kind', '')!r}.", f"Use {', '.join(spec.kind for spec in step_specs())}.")
    if unknown := [name for name in values if name not in ("kind", *(field.key for field in spec.fields))]:
        names = ", ".join(field.key for field in spec.fields) or "none"
        raise DataError(f"{spec.kind} has no setting {', '.join(unknown)}.", f"It has: {names}.")
    optional = {field.key for field in spec.fields if field.optional}
    plain = {name: None if name in optional and value == "" else value for name, value in values.items()}
    try:
        step: StepSettings = TypeAdapter(Step).validate_python(plain)
    except ValidationError as error:
        raise DataError(f"This step cannot be used: {problems(error)}.", "Change the settings named here.") from error
    return step
