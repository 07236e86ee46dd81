"""A recipe is validated once, with messages at the field that caused them."""

from __future__ import annotations

import pytest

from studio.errors import RecipeError
from studio.recipe import Recipe, parse


def paths(values: dict[str, object]) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse(values)
    return [problem.path for problem in caught.value.problems]


def test_defaults_are_a_valid_recipe() -> None:
    assert parse({}) == Recipe()


def test_text_numbers_from_yaml_are_read() -> None:
    assert parse({"optim": {"learning_rate": "1e-4"}}).optim.learning_rate == 1e-4


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"optim": {"learning_rate": 0}}, "optim.learning_rate"),
        ({"optim": {"epochs": "many"}}, "optim.epochs"),
        ({"adaptation": {"kind": "dora", "rank": 0}}, "adaptation.rank"),
        ({"adaptation": {"kind": "magic"}}, "adaptation"),
        ({"method": {"kind": "sft", "train_on": "nothing"}}, "method.train_on"),
        ({"optim": {"learning_rat": 1}}, "optim.learning_rat"),
        ({"name": "../../etc"}, "name"),
        ({"data": {"sources": [{"name": "a", "weight": -1}]}}, "data.sources.0.weight"),
    ],
)
def test_a_bad_value_is_named_by_its_dotted_path(values: dict[str, object], path: str) -> None:
    assert paths(values) == [path]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"adaptation": {"kind": "head"}}, "adaptation"),
        ({"method": {"kind": "classify"}, "adaptation": {"kind": "prompt_tuning"}}, "adaptation"),
        ({"method": {"kind": "classify"}, "optim": {"packing": "on"}}, "optim.packing"),
        ({"adaptation": {"kind": "prompt_tuning"}, "optim": {"packing": "on"}}, "optim.packing"),
    ],
)
def test_combinations_that_cannot_run_are_refused_at_a_field(values: dict[str, object], path: str) -> None:
    assert paths(values) == [path]


def test_several_problems_are_all_named() -> None:
    assert set(paths({"optim": {"learning_rate": 0, "epochs": 0}})) == {"optim.learning_rate", "optim.epochs"}


def test_a_recipe_without_data_says_so_when_it_is_to_run() -> None:
    with pytest.raises(RecipeError, match="no dataset is chosen"):
        Recipe().train_sources()
