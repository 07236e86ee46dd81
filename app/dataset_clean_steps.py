"""The steps of a pipeline while a person works on them: plain values as a form has them, which may still be wrong.

A step is a dict with its `kind` and a value for each of its settings, an empty text for an optional one that is not set. Nothing here knows
a step by name: a new step of `studio/data/cleaning` appears by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow.parquet as pq
from pydantic import ValidationError

from studio.data.cleaning import Pipeline, StepSpec, parse_step, similar_labels, step_specs, table_text
from studio.data.store import get_version
from studio.errors import DataError
from studio.settings import FieldSpec
from studio.workspace import Workspace

Values = dict[str, Any]

FIELDS: list[tuple[str, FieldSpec]] = [
    (spec.kind, field) for spec in step_specs() for basic in (True, False) for field in spec.fields if field.basic is basic
]
"""Every field of the form with the kind of its step, in the order in which handlers take them: basic ones first."""


def spec_of(kind: str) -> StepSpec:
    """What a step of this kind is; raises `DataError`."""
    spec = next((spec for spec in step_specs() if spec.kind == kind), None)
    if spec is None:
        known = ", ".join(spec.kind for spec in step_specs())
        raise DataError(f"There is no cleaning step {kind!r}.", f"There are: {known}.")
    return spec


def element_id(kind: str, name: str) -> str:
    """The id of a field's element on the page."""
    return f"clean-{kind}-{name}".replace("_", "-")


def complete(values: Values) -> Values:
    """A step with all its settings as a form shows them; what is not given has its default. Raises `DataError` for a name that is none."""
    spec = spec_of(str(values.get("kind", "")))
    if unknown := sorted(set(values) - {field.key for field in spec.fields} - {"kind"}):
        raise DataError(f"The step {spec.title!r} has no setting {', '.join(unknown)}.", f"It has {', '.join(f.key for f in spec.fields)}.")
    return {"kind": spec.kind, **{field.key: _shown(field, values.get(field.key, field.default)) for field in spec.fields}}


def _shown(field: FieldSpec, value: Any) -> Any:
    """A value as its field shows it: optional numbers stand in texts."""
    if field.optional:
        return "" if value is None or value == "" else str(value)
    return value


def add_step(steps: Sequence[Values], values: Values) -> tuple[list[Values], int]:
    """The steps with one more at the end, and its place; a step that is there already with the same settings is not added again."""
    step, present = complete(values), list(steps)
    if step in present:
        return present, present.index(step)
    return [*present, step], len(present)


def move(steps: Sequence[Values], place: int, by: int) -> tuple[list[Values], int]:
    """The steps with the one at `place` moved up (-1) or down (1), and where it is now."""
    moved, to = list(steps), min(max(place + by, 0), len(steps) - 1)
    moved.insert(to, moved.pop(place))
    return moved, to


def remove(steps: Sequence[Values], place: int) -> list[Values]:
    return [step for index, step in enumerate(steps) if index != place]


def kept(steps: Sequence[Values], current: int, given: Sequence[Any]) -> list[Values]:
    """The steps with what stands in the form written into the one that is open; `given` are the values of `FIELDS`."""
    steps = list(steps)
    if not 0 <= current < len(steps):
        return steps
    kind = steps[current]["kind"]
    typed = {field.key: _typed(value) for (owner, field), value in zip(FIELDS, given, strict=True) if owner == kind}
    steps[current] = {**steps[current], **typed}
    return steps


def _typed(value: Any) -> Any:
    """A number field gives whole numbers with a fraction of nothing at times; a step's settings want them whole."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def problems(values: Values, kind: str) -> dict[str, str]:
    """What is wrong with a step by the setting that it is about; an empty name where it is about the step, or the kind of row."""
    try:
        parse_step(values).require(kind)
    except DataError as error:
        cause = error.__cause__
        if not isinstance(cause, ValidationError):
            return {"": str(error)}
        found: dict[str, str] = {}
        for item in cause.errors(include_url=False):
            name = str(item["loc"][-1]) if len(item["loc"]) > 1 else ""
            message = "Needs a value" if item["input"] is None else item["msg"].removeprefix("Value error, ")
            found.setdefault(name, f"{message[:1].upper()}{message[1:].rstrip('.')}.")
        return found
    return {}


def pipeline_of(steps: Sequence[Values], kind: str) -> Pipeline:
    """The pipeline that the steps make; raises `DataError` that names the first step with a problem."""
    for number, values in enumerate(steps, 1):
        for name, message in problems(values, kind).items():
            spec = spec_of(values["kind"])
            title = next((field.title for field in spec.fields if field.key == name), "")
            where = f"{spec.title}, {title}: " if title else "" if spec.title in message else f"{spec.title}: "
            raise DataError(f"Step {number} cannot be used. {where}{message}", "Open the step and change it, or take it out.")
    pipeline = Pipeline(steps=[parse_step(values) for values in steps])
    pipeline.require(kind)
    return pipeline


def yaml_of(steps: Sequence[Values]) -> str:
    """The steps as YAML; nothing when there is none, a comment while one cannot be read."""
    if not steps:
        return ""
    try:
        return Pipeline(steps=[parse_step(values) for values in steps]).to_yaml()
    except DataError as error:
        return f"# {error.message}\n"


def steps_of(pipeline: Pipeline) -> list[Values]:
    """A pipeline as steps to work on."""
    return [complete(step.model_dump()) for step in pipeline.steps]


def changed_settings(values: Values) -> list[tuple[FieldSpec, Any]]:
    """The settings of a step that differ from their defaults."""
    defaults = complete({"kind": values["kind"]})
    return [(field, values[field.key]) for field in spec_of(values["kind"]).fields if values[field.key] != defaults[field.key]]


def suggested_table(ws: Workspace, ref: str) -> str:
    """Labels of a version that look like spellings of another one, as the rename table that merges them."""
    info = get_version(ws, ref)
    counts: Counter[str] = Counter()
    for side in info.splits:
        for item in pq.read_table(info.folder / f"{side}.parquet", columns=["label"])["label"].value_counts().to_pylist():
            counts[item["values"]] += item["counts"]
    return table_text(similar_labels(counts))
