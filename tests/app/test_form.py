"""The form says what the recipe says, and back; problems find their field."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from app import form as forms
from app.page import Page
from studio import fields
from studio.errors import FieldProblem, RecipeError
from studio.recipe import Recipe
from studio.workspace import Workspace


@pytest.fixture
def form(workspace: Workspace) -> forms.Form:
    with gr.Blocks(analytics_enabled=False):
        return forms.build(Page(SimpleNamespace(workspace=workspace)))  # type: ignore[arg-type]


def _values(form: forms.Form, recipe: Recipe) -> list[Any]:
    shown = form.show(recipe)[: len(form.components)]
    return [value.get("value") if isinstance(value, dict) else value for value in shown]


def test_every_setting_has_a_field(form: forms.Form) -> None:
    assert {spec.key for spec in fields.specs()} <= set(form.components)


@pytest.mark.parametrize("preset", fields.presets(), ids=lambda preset: preset.name)
def test_every_preset_survives_the_form(form: forms.Form, preset: fields.Preset) -> None:
    assert form.read(_values(form, preset.recipe)) == preset.recipe


def test_weights_and_optional_numbers_survive_the_form(form: forms.Form) -> None:
    recipe = Recipe.model_validate(
        {"data": {"sources": [{"name": "a@1", "weight": 2}, {"name": "b"}]}, "optim": {"max_steps": 1234567}, "evaluation": {"every": 5}}
    )
    assert form.read(_values(form, recipe)) == recipe


def test_a_problem_finds_the_field_of_the_chosen_variant() -> None:
    error = RecipeError([FieldProblem("adaptation.rank", "must be positive"), FieldProblem("data.sources.0.name", "there is no x")])
    found = forms.problems_value(error, "sft", "dora")
    assert found == {"field-adaptation-dora-rank": "Must be positive.", "field-data-sources": "There is no x."}
