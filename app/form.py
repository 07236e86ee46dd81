"""The recipe as a form: one component for each setting, generated from `studio.fields.specs()`, and back.

Nothing is listed by hand: a new setting appears by itself, basic ones at the top, the rest under "Advanced". Problems are written under
the field that has them, by `assets/js/problems.js`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from app.page import Page
from app.section_form import component
from app.theme import script
from studio import fields
from studio.errors import FieldProblem, RecipeError
from studio.fields import FieldSpec
from studio.recipe import Recipe

UNIONS = ("method", "adaptation")
SOURCES = "data.sources"
WEIGHTS, CAPS = "data.weights", "data.caps"
ORDER = ("name", "model", SOURCES)


@dataclass
class Form:
    """The form's components by key (see `studio/fields.py`). `inputs` is what handlers take, `outputs` what `show` fills, in order."""

    page: Page
    components: dict[str, Any] = field(default_factory=dict)
    groups: dict[tuple[str, str], list[gr.Column]] = field(default_factory=dict)
    advanced: gr.Accordion | None = None
    problems: gr.HTML | None = None
    preset: gr.Dropdown | None = None

    @property
    def inputs(self) -> list[Any]:
        return list(self.components.values())

    @property
    def outputs(self) -> list[Any]:
        columns = [column for group in self.groups.values() for column in group]
        return [*self.components.values(), *columns, self.advanced, self.problems]

    def read(self, values: Sequence[Any]) -> Recipe:
        """The recipe that the form's values describe; raises `RecipeError` with one problem a field."""
        named = dict(zip(self.components, values, strict=True))
        named[SOURCES] = _sources(named.get(SOURCES) or [], named.pop(WEIGHTS, ""), named.pop(CAPS, ""))
        method, adaptation = (str(named.pop(union)) for union in UNIONS)
        return fields.from_form(named, method, adaptation)

    def show(self, recipe: Recipe) -> list[Any]:
        """Updates for `outputs` that make the form say `recipe`."""
        values = fields.to_form(recipe)
        sources = values[SOURCES]
        datasets, models = self.page.dataset_choices(), self.page.model_choices()
        newest = {ref.partition("@")[0]: ref for _, ref in datasets}
        names = [newest.get(s["name"], s["name"]) for s in sources]
        values[WEIGHTS] = ", ".join(f"{s['weight']:.12g}" for s in sources) if any(s["weight"] != 1 for s in sources) else ""
        values[CAPS] = ", ".join(str(s["cap"] or "all") for s in sources) if any(s["cap"] for s in sources) else ""
        special = {
            "model": gr.update(value=recipe.model, choices=models),
            SOURCES: gr.update(value=names, choices=datasets),
            WEIGHTS: gr.update(value=values[WEIGHTS], visible=len(names) > 1),
            CAPS: gr.update(value=values[CAPS], visible=len(names) > 1),
            "method": gr.update(value=recipe.method.kind, info=summary("method", recipe.method.kind)),
            "adaptation": gr.update(value=recipe.adaptation.kind, info=summary("adaptation", recipe.adaptation.kind)),
        }
        optional = {spec.key for spec in fields.specs() if spec.optional}
        values |= {key: "" if values[key] is None else f"{values[key]:.12g}" for key in optional}
        filled = [special.get(key, values.get(key)) for key in self.components]
        return [*filled, *self.switch(recipe.method.kind, recipe.adaptation.kind), self.advanced_words(recipe), {}]

    def switch(self, method: str, adaptation: str) -> list[Any]:
        """Updates that show the fields of the chosen method and adaptation only."""
        chosen = {"method": method, "adaptation": adaptation}
        return [gr.update(visible=chosen[union] == kind) for (union, kind), group in self.groups.items() for _ in group]

    def advanced_words(self, recipe: Recipe | None, problems: Iterable[str] = ()) -> Any:
        """The accordion's title; it opens when a problem is inside."""
        basic = {spec.path for spec in fields.specs() if spec.basic}
        label = "Advanced"
        if recipe is not None:
            count = sum(path not in basic for path in fields.changed(recipe))
            label = f"Advanced ({count} changed)" if count else "Advanced"
        if any(path and path not in basic and path not in UNIONS for path in problems):
            return gr.update(label=label, open=True)
        return gr.update(label=label)


def _sources(names: Sequence[str], weights: str, caps: str) -> list[dict[str, Any]]:
    """The chosen datasets with their weights, which are written as `1, 0.5`, and their caps, written as `all, 200`."""
    given, most = _listed(weights, names, WEIGHTS), _listed(caps, names, CAPS)
    limits = [None if cap == "all" else cap for cap in most]
    sources = zip(names, given or [1.0] * len(names), limits or [None] * len(names), strict=True)
    return [{"name": name, "weight": weight, "cap": cap} for name, weight, cap in sources]


def _listed(text: str, names: Sequence[str], key: str) -> list[str]:
    """The parts of a text with commas: one for each dataset, or none at all."""
    parts = [part.strip() for part in str(text or "").split(",") if part.strip()]
    if parts and len(parts) != len(names):
        raise RecipeError([FieldProblem(key, f"{len(names)} datasets need {len(names)} values, or none")])
    return parts


def problems_value(error: RecipeError, method: str, adaptation: str) -> dict[str, str]:
    """The problems as `{element id: message}`, for the component that writes them under the fields."""
    found: dict[str, str] = {}
    for problem in error.problems:
        path = problem.path
        if path.startswith(f"{SOURCES}."):
            path = {"weight": WEIGHTS, "cap": CAPS}.get(path.rpartition(".")[2], SOURCES)
        message = problem.message[:1].upper() + problem.message[1:]
        found.setdefault(element_id(fields.key_of(path, method, adaptation)) if path else "", message.rstrip(".") + ".")
    return found


def element_id(key: str) -> str:
    """The id of a field's element on the page."""
    return "field-" + key.replace(".", "-")


def build(page: Page) -> Form:
    """Lay out the form; must be called inside the column that holds it."""
    form = Form(page)
    specs = fields.specs()
    with gr.Column(elem_classes="form-grid"):
        shipped = [(preset.title, preset.name) for preset in fields.presets()]
        form.preset = gr.Dropdown(shipped, value=None, label="Start from", info="A shipped recipe; it fills the form.", elem_id="preset")
        for key in ORDER:
            form.components[key] = _component(next(spec for spec in specs if spec.key == key))
        form.components[WEIGHTS] = gr.Textbox(
            label="Weights",
            info="How often each dataset is drawn, in order (1, 0.5); empty draws all alike.",
            visible=False,
            elem_id=element_id(WEIGHTS),
        )
        form.components[CAPS] = gr.Textbox(
            label="Rows at most",
            info="Of each dataset, in order (all, 200); empty takes all rows of each.",
            visible=False,
            elem_id=element_id(CAPS),
        )
        for union in UNIONS:
            form.components[union] = _union(union)
        for spec in specs:
            if spec.basic and spec.key not in form.components and not _variant(spec):
                form.components[spec.key] = _component(spec)
        _variant_groups(form, [spec for spec in specs if spec.basic])
    with gr.Accordion("Advanced", open=False, elem_id="advanced") as form.advanced:
        for section, title in fields.sections().items():
            rest = [spec for spec in specs if spec.section == section and spec.key not in form.components]
            if not rest:
                continue
            gr.HTML(f"<h3>{title}</h3>", elem_classes="form-heading")
            with gr.Column(elem_classes="form-grid"):
                for spec in rest:
                    if not _variant(spec):
                        form.components[spec.key] = _component(spec)
                _variant_groups(form, [spec for spec in rest if _variant(spec)])
    form.problems = gr.HTML(value={}, html_template="", js_on_load=script("problems.js"), apply_default_css=False, elem_id="problems")
    return form


def _variant(spec: FieldSpec) -> tuple[str, str] | None:
    """The union and kind that a field belongs to, if any."""
    return (spec.section, spec.key.split(".")[1]) if spec.section in UNIONS else None


def _variant_groups(form: Form, specs: Sequence[FieldSpec]) -> None:
    """One column a variant, shown only while the variant is chosen."""
    default = Recipe()
    chosen = {"method": default.method.kind, "adaptation": default.adaptation.kind}
    for owner in dict.fromkeys(_variant(spec) for spec in specs if _variant(spec)):
        union, kind = owner  # type: ignore[misc]
        with gr.Column(visible=chosen[union] == kind, elem_classes="variant") as column:
            for spec in specs:
                if _variant(spec) == owner and spec.key not in form.components:
                    form.components[spec.key] = _component(spec)
        form.groups.setdefault((union, kind), []).append(column)


def _union(union: Any) -> gr.Dropdown:
    variants = fields.variants(union)
    title = Recipe.model_fields[union].title
    kind = getattr(Recipe(), union).kind
    return gr.Dropdown([(v.title, v.kind) for v in variants], value=kind, label=title, info=summary(union, kind), elem_id=element_id(union))


def summary(union: Any, kind: str) -> str:
    """What a method or an adaptation does, in one sentence."""
    return next(variant.summary for variant in fields.variants(union) if variant.kind == kind)


def _component(spec: FieldSpec) -> Any:
    """The component for one setting; datasets and models are chosen from what the workspace holds."""
    if spec.type == "sources":
        return gr.Dropdown(
            [], value=[], multiselect=True, allow_custom_value=True, label=spec.title, info=spec.help, elem_id=element_id(spec.key)
        )
    if spec.key == "model":
        return gr.Dropdown(
            [(spec.default, spec.default)],
            value=spec.default,
            allow_custom_value=True,
            label=spec.title,
            info=spec.help,
            elem_id=element_id(spec.key),
        )
    return component(spec, element_id(spec.key))
