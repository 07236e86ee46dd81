"""Form, YAML, overrides, commands and differences all derive from the recipe and lose nothing."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from studio import fields
from studio.cli.train import read_arguments
from studio.errors import RecipeError
from studio.recipe import Recipe, parse

RICH = {
    "name": "support bot",
    "model": "starter",
    "data": {"sources": [{"name": "support@2"}, {"name": "faq", "weight": 0.5}], "max_length": 300},
    "adaptation": {"kind": "dora", "rank": 4, "targets": "q_proj, v_proj"},
    "optim": {"learning_rate": 1e-4, "max_steps": 7, "neftune_noise_alpha": 5, "warmup": 0.0},
    "evaluation": {"every": 3, "keep": "last"},
    "seed": 7,
}


def all_kinds() -> list[dict[str, object]]:
    generators = [{"adaptation": {"kind": v.kind}} for v in fields.variants("adaptation") if v.kind != "head"]
    return [*generators, {"method": {"kind": "classify"}, "adaptation": {"kind": "head"}}, RICH]


@pytest.mark.parametrize("values", all_kinds(), ids=lambda v: str(v.get("adaptation", "rich")))
def test_every_way_out_leads_back(values: dict[str, object]) -> None:
    recipe = parse(values)
    assert fields.from_yaml(fields.to_yaml(recipe)) == recipe
    assert fields.from_form(fields.to_form(recipe), recipe.method.kind, recipe.adaptation.kind) == recipe
    words = shlex.split(fields.to_command(recipe))
    assert words[:2] == ["luthier", "train"]
    assert read_arguments(tuple(words[2:])) == recipe


def test_every_field_has_words_for_a_person() -> None:
    for spec in fields.specs():
        assert spec.title, spec.key
        assert spec.help.endswith("."), spec.key
    assert len({spec.key for spec in fields.specs()}) == len(fields.specs())


def test_few_fields_are_basic() -> None:
    shown = [s for s in fields.specs() if s.basic and s.section in ("recipe", "data", "optim")]
    assert 3 <= len(shown) <= 8


def test_overrides_switch_a_variant_and_keep_the_rest() -> None:
    recipe = fields.apply_overrides(parse(RICH), {"adaptation.kind": "ia3", "optim.learning_rate": "5e-3", "evaluation.every": "null"})
    assert recipe.adaptation.kind == "ia3"
    assert recipe.optim.learning_rate == 5e-3
    assert recipe.evaluation.every is None
    assert recipe.optim.max_steps == 7


def test_none_is_a_choice_where_it_is_one_and_nothing_elsewhere() -> None:
    balanced = parse({"method": {"kind": "classify", "class_weights": "balanced"}, "optim": {"max_steps": 7}})
    plain = fields.apply_overrides(balanced, {"method.class_weights": "none", "optim.max_steps": "none"})
    assert plain.method.model_dump()["class_weights"] == "none"
    assert plain.optim.max_steps is None


def test_sources_are_written_as_names_with_weights() -> None:
    recipe = fields.apply_overrides(Recipe(), {"data.sources": "support, reviews@2=0.5"})
    assert [(s.name, s.weight) for s in recipe.data.sources] == [("support", 1.0), ("reviews@2", 0.5)]


def test_an_unknown_override_is_refused_by_name() -> None:
    with pytest.raises(RecipeError, match=r"optim\.learning_rat"):
        fields.apply_overrides(Recipe(), {"optim.learning_rat": "1"})


def test_an_empty_number_in_the_form_is_a_problem_at_its_field() -> None:
    values = fields.to_form(Recipe())
    values["optim.learning_rate"] = None
    with pytest.raises(RecipeError) as caught:
        fields.from_form(values, "sft", "lora")
    assert caught.value.problems[0].path == "optim.learning_rate"


def test_difference_shows_only_what_differs() -> None:
    one, two = parse(RICH), parse({**RICH, "seed": 8, "adaptation": {"kind": "full"}})
    table = fields.difference([one, two])
    assert table["seed"] == [7, 8]
    assert table["adaptation.kind"] == ["dora", "full"]
    assert table["adaptation.rank"] == [4, None]
    assert "optim.learning_rate" not in table


def test_shipped_recipes_are_valid_and_titled() -> None:
    presets = fields.presets()
    assert {"chat-lora", "sentiment-lora"} <= {preset.name for preset in presets}
    for preset in presets:
        assert preset.title
        assert fields.load_recipe(Path(preset.name)) == preset.recipe


@pytest.mark.parametrize("text", ["[1, 2", "- a\n- b", "just words"])
def test_a_file_that_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(RecipeError):
        fields.from_yaml(text)
