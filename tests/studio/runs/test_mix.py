"""Mixes of datasets: what is drawn of each, what the plan says of it, and metrics of each dataset's held-out rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio import fields
from studio.data import store
from studio.errors import RecipeError
from studio.recipe import Recipe
from studio.runs.execute import execute
from studio.runs.folder import RunFolder
from studio.runs.mix import repeats, shares
from studio.runs.plan import plan
from studio.runs.rows import training_rows
from studio.workspace import Workspace


def _add(ws: Workspace, name: str, count: int, held: int = 4) -> None:
    def row(number: int) -> dict[str, object]:
        return {"messages": [{"role": "user", "content": f"{name} {number}?"}, {"role": "assistant", "content": f"{name} yes"}]}

    splits = {"train": [row(i) for i in range(count)], "validation": [row(1000 + i) for i in range(held)]}
    store.add_version(ws, name, "chat", splits, {"kind": "made"})


@pytest.fixture
def mixed(studio_ws: Workspace) -> Workspace:
    _add(studio_ws, "big", 40)
    _add(studio_ws, "small", 10, held=2)
    return studio_ws


def _recipe(model: str = "tiny", **overrides: object) -> Recipe:
    base = {
        "name": "mix",
        "model": model,
        "data.sources": "big,small",
        "data.max_length": "64",
        "optim.max_steps": "4",
        "compute.device": "cpu",
    }
    return fields.apply_overrides(Recipe(), {**base, **{key.replace("__", "."): value for key, value in overrides.items()}})


def test_a_temperature_repeats_the_small_ones() -> None:
    assert repeats([40, 10], [1, 1], 1) == [1, 1]
    assert repeats([40, 10], [1, 1], 2) == pytest.approx([1, 2])  # n^(1/2 - 1): 40^-0.5 to 10^-0.5
    assert repeats([40, 10], [1, 1], 100) == pytest.approx([1, 3.945], abs=1e-3)  # nearly alike: 4 times would be
    assert repeats([40, 10], [1, 3], 2) == pytest.approx([1, 6])
    assert [s.share for s in shares(["a", "b"], [40, 10], [40, 20])] == pytest.approx([2 / 3, 1 / 3])


def test_what_is_drawn_is_what_the_plan_says(mixed: Workspace) -> None:
    recipe = _recipe(data__temperature="2")
    rows = training_rows(mixed, recipe)
    said = [message["content"].split()[0] for row in rows.train for message in row["messages"][:1]]
    assert (said.count("big"), said.count("small")) == (40, 20)
    planned = plan(mixed, recipe)
    assert [(s.name, s.rows, s.drawn, s.times) for s in planned.shares] == [("big", 40, 40, 1.0), ("small", 10, 20, 2.0)]
    assert planned.rows == 60


def test_a_cap_takes_some_rows_of_one_dataset_by_the_seed(mixed: Workspace) -> None:
    recipe = _recipe(data__sources="big=1:12,small")
    first, again = training_rows(mixed, recipe), training_rows(mixed, recipe)
    assert first.train.to_list() == again.train.to_list()
    assert [(s.rows, s.drawn) for s in first.shares] == [(12, 12), (10, 10)]
    assert plan(mixed, recipe).rows == 22
    assert plan(mixed, _recipe()).rows == 50, "a count is not kept for another cap"


def test_sources_with_caps_survive_the_command_line() -> None:
    recipe = _recipe(data__sources="big=1:12,small@1=0.5,third")
    assert [(s.name, s.weight, s.cap) for s in recipe.data.sources] == [("big", 1.0, 12), ("small@1", 0.5, None), ("third", 1.0, None)]
    assert "--data.sources big=1:12,small@1=0.5,third" in fields.to_command(recipe)
    with pytest.raises(RecipeError, match="cap"):
        _recipe(data__sources="big=1:0")


def test_a_run_on_a_mix_reports_each_dataset(mixed: Workspace, new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(data__sources="big,small", optim__max_steps=4, evaluation__every=2)
    assert execute(folder.path).state == "completed"
    rows, _ = folder.read_metrics()
    evaluations = [row for row in rows if "eval_loss" in row]
    assert len(evaluations) >= 2
    for row in evaluations:
        by_task = row["eval_by_task"]
        assert set(by_task) == {"big", "small"}
        low, high = sorted(task["loss"] for task in by_task.values())
        assert low <= row["eval_loss"] <= high, "the whole lies between its parts"
        assert all(0 <= task["token_accuracy"] <= 1 for task in by_task.values())


def test_a_single_dataset_has_no_table_by_dataset(mixed: Workspace) -> None:
    rows = training_rows(mixed, _recipe(data__sources="big"))
    assert rows.tasks == []
    assert len(rows.shares) == 1
