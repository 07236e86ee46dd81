"""Walks a recipe's fields, for everything that derives from them: the form, YAML, dotted overrides, commands and differences.

A field is known by its `key`, which names the variant (`adaptation.lora.rank`), and by its `path`, as people write it
(`adaptation.rank`). Nothing here lists a field by name: declare settings in `studio/recipe.py` and beside the methods and adaptations.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel

from studio.errors import FieldProblem, RecipeError
from studio.recipe import UNIONS, DataSource, Recipe, parse
from studio.settings import REQUIRED as REQUIRED
from studio.settings import FieldSpec, field_spec
from studio.workspace import assets_dir


@dataclass(frozen=True)
class Variant:
    """One choice of a union: a method or an adaptation."""

    kind: str
    title: str
    summary: str


@dataclass(frozen=True)
class Preset:
    """A shipped starting point: a recipe and the sentence that says what it is for."""

    name: str
    title: str
    recipe: Recipe


@cache
def specs() -> tuple[FieldSpec, ...]:
    """Every setting of a recipe, in the order of declaration, all variants included."""
    return tuple(_walk())


def _walk() -> Iterator[FieldSpec]:
    for name, info in Recipe.model_fields.items():
        if name in UNIONS:
            for variant in _variants(name):
                yield from _section(variant, name, f"{name}.{_kind(variant)}.", f"{name}.")
        elif isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _section(info.annotation, name, f"{name}.", f"{name}.")
        else:
            yield field_spec(info, "recipe", name, name)


def _section(model: type[BaseModel], section: str, key_prefix: str, path_prefix: str) -> Iterator[FieldSpec]:
    for name, info in model.model_fields.items():
        if name != "kind":
            yield field_spec(info, section, key_prefix + name, path_prefix + name, {DataSource: "sources"})


def _variants(union: str) -> tuple[Any, ...]:
    annotation = Recipe.model_fields[union].annotation
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_args(annotation) or (annotation,)


def _kind(variant: type[BaseModel]) -> str:
    return str(variant.model_fields["kind"].default)


def variants(union: Literal["method", "adaptation"]) -> list[Variant]:
    """The choices of a union, in order."""
    return [Variant(_kind(v), v.title, v.summary) for v in _variants(union)]


def sections() -> dict[str, str]:
    """Section names and their titles, in order; `recipe` holds the fields that stand outside any section."""
    titled = {name: info.title or name for name, info in Recipe.model_fields.items() if name in {s.section for s in specs()}}
    return {"recipe": "Run", **titled}


def key_of(path: str, method: str, adaptation: str) -> str:
    """The form's key for a dotted path, given the chosen method and adaptation."""
    head, _, rest = path.partition(".")
    kind = {"method": method, "adaptation": adaptation}.get(head)
    return f"{head}.{kind}.{rest}" if kind and rest else path


def to_form(recipe: Recipe) -> dict[str, Any]:
    """The value of every field in a form, by key; variants that are not chosen show their defaults. `sources` is a list of dicts."""
    plain = recipe.model_dump()
    kinds = {union: plain[union]["kind"] for union in UNIONS}
    values: dict[str, Any] = {union: kinds[union] for union in UNIONS}
    for spec in specs():
        chosen = spec.key == key_of(spec.path, kinds["method"], kinds["adaptation"])
        values[spec.key] = _get(plain, spec.path) if chosen else spec.default
    return values


def from_form(values: dict[str, Any], method: str, adaptation: str) -> Recipe:
    """The recipe that a form's values describe; fields of other variants are ignored, an empty text is an empty optional field.

    Raises `RecipeError` with one problem a field.
    """
    plain: dict[str, Any] = {"method": {"kind": method}, "adaptation": {"kind": adaptation}}
    for spec in specs():
        if spec.key != key_of(spec.path, method, adaptation) or spec.key not in values:
            continue
        value = values[spec.key]
        if value is None or value == "":
            if spec.optional:
                value = None
            elif spec.type in ("int", "float"):
                raise RecipeError([FieldProblem(spec.path, "needs a number")])
        _set(plain, spec.path, value)
    return parse(plain)


def to_plain(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values: what differs from the defaults, and always the kinds of its unions, the model, the data and the seed."""
    full, keep = recipe.model_dump(), changed(recipe)
    plain: dict[str, Any] = {"name": recipe.name, "model": recipe.model}
    for path in keep:
        _set(plain, path, _get(full, path))
    for union in UNIONS:
        plain[union] = {"kind": full[union]["kind"], **plain.get(union, {})}
    plain["seed"] = recipe.seed
    return plain


def to_yaml(recipe: Recipe) -> str:
    """The recipe as YAML; `from_yaml` reads it back to an equal recipe."""
    return yaml.safe_dump(to_plain(recipe), sort_keys=False, allow_unicode=True)


def from_yaml(text: str) -> Recipe:
    """A recipe from YAML text; raises `RecipeError`."""
    try:
        plain = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError([FieldProblem("", f"this is not YAML: {error}")]) from error
    if not isinstance(plain, dict):
        raise RecipeError([FieldProblem("", "a recipe is a YAML mapping such as `model: starter`")])
    return parse(plain)


def apply_overrides(recipe: Recipe, overrides: dict[str, Any]) -> Recipe:
    """The recipe with some fields changed by dotted path (`{"optim.learning_rate": "1e-4"}`); texts are read as YAML values.

    `method.kind` and `adaptation.kind` switch the variant, whose other fields then start from their defaults. `data.sources` also takes
    `name,name@2`, `name=0.5,other=2` for weights, or `name=1:200` for at most 200 rows of it. Raises `RecipeError`.
    """
    plain = recipe.model_dump()
    for union in UNIONS:
        kind = overrides.get(f"{union}.kind")
        if kind is not None and kind != plain[union]["kind"]:
            plain[union] = {"kind": kind}
    for path, value in overrides.items():
        if path.rpartition(".")[2] == "kind" and path.rpartition(".")[0] in UNIONS:
            continue
        if path == "data.sources" and isinstance(value, str):
            value = parse_sources(value)
        elif isinstance(value, str):
            value = _scalar(path, value)
        _set(plain, path, value)
    return parse(plain)


def parse_sources(text: str) -> list[dict[str, Any]]:
    """`support, reviews@2=0.5:200` as data sources with weights and caps."""
    sources = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, rest = part.partition("=")
        weight, _, cap = rest.partition(":")
        sources.append({"name": name.strip(), "weight": weight.strip() or 1.0, "cap": cap.strip() or None})
    return sources


def _source_text(source: dict[str, Any]) -> str:
    """A source as `parse_sources` reads it."""
    weight = "" if source["weight"] == 1 and source["cap"] is None else f"={source['weight']:g}"
    return source["name"] + weight + (f":{source['cap']}" if source["cap"] is not None else "")


def _scalar(path: str, text: str) -> Any:
    """A text from the command line: empty, `null` and, where it is no choice, `none` are nothing; the rest stays text for pydantic."""
    if text == "none" and any(spec.path == path and text in (spec.choices or ()) for spec in specs()):
        return text
    return None if text in ("", "null", "none") else text


def to_command(recipe: Recipe) -> str:
    """A command line that trains this recipe from the defaults."""
    plain = recipe.model_dump()
    parts = ["luthier", "train", "--name", recipe.name, "--model", recipe.model]
    for union in UNIONS:
        parts += [f"--{union}.kind", plain[union]["kind"]]
    for path in changed(recipe):
        if path in ("name", "model"):
            continue
        value = _get(plain, path)
        if path == "data.sources":
            value = ",".join(_source_text(source) for source in value)
        parts += [f"--{path}", "null" if value is None else str(value)]
    return shlex.join(parts)


def changed(recipe: Recipe) -> list[str]:
    """Paths of the fields whose value differs from the default of their section or variant."""
    plain = recipe.model_dump()
    kinds = {union: plain[union]["kind"] for union in UNIONS}
    return [
        spec.path
        for spec in specs()
        if spec.key == key_of(spec.path, kinds["method"], kinds["adaptation"]) and _get(plain, spec.path) != spec.default
    ]


def difference(recipes: list[Recipe]) -> dict[str, list[Any]]:
    """The paths at which recipes differ, with each one's value (None where a recipe has no such field)."""
    plains = [r.model_dump() for r in recipes]
    paths = [f"{union}.kind" for union in UNIONS] + [*dict.fromkeys(spec.path for spec in specs())]
    table = {path: [_get(plain, path) for plain in plains] for path in paths}
    return {path: row for path, row in table.items() if any(value != row[0] for value in row)}


def summary(recipe: Recipe) -> str:
    """A recipe in a few words: `sft, LoRA, starter, support-bot@3`."""
    data = ", ".join(source.name for source in recipe.data.sources) or "no data"
    return f"{recipe.method.kind}, {recipe.adaptation.title}, {recipe.model}, {data}"


@cache
def presets() -> tuple[Preset, ...]:
    """The shipped recipes; the first comment line of each file is its title."""
    found = []
    for path in sorted((assets_dir() / "recipes").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        found.append(Preset(path.stem, text.splitlines()[0].lstrip("# ").strip(), from_yaml(text)))
    return tuple(found)


def load_recipe(path: Path) -> Recipe:
    """A recipe from a YAML file, or a shipped one by its name; raises `RecipeError`."""
    if path.is_file():
        return from_yaml(path.read_text(encoding="utf-8"))
    by_name = {preset.name: preset.recipe for preset in presets()}
    if str(path) in by_name:
        return by_name[str(path)]
    raise RecipeError([FieldProblem("", f"there is no recipe {path}; shipped ones are {', '.join(by_name)}")])


def _get(plain: dict[str, Any], path: str) -> Any:
    for part in path.split("."):
        plain = plain.get(part) if isinstance(plain, dict) else None  # type: ignore[assignment]
    return plain


def _set(plain: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        plain = plain.setdefault(part, {})
    plain[last] = value
