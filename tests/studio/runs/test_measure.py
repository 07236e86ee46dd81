"""A measurement takes real steps on the longest rows, predicts the whole run, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.device import lease
from studio.errors import RecipeError
from studio.fields import apply_overrides
from studio.recipe import Recipe
from studio.runs import execute, store
from studio.runs.folder import RunFolder
from studio.runs.measure import MEASURED_STEPS, WARM_STEPS, measure
from studio.runs.worker import Worker
from studio.workspace import Workspace


def files(ws: Workspace) -> set[Path]:
    """All files of a workspace but the database and the lock."""
    return {path for path in ws.root.rglob("*") if "luthier.db" not in path.name and path.name != "worker.lock"}


@pytest.fixture
def recipe(new_run: Callable[..., RunFolder]) -> Recipe:
    """A small recipe for chats."""
    return new_run().recipe()


@pytest.mark.parametrize("packing", ["on", "off"])
def test_a_measurement_predicts_and_keeps_nothing(studio_ws: Workspace, recipe: Recipe, packing: str) -> None:
    before = files(studio_ws)
    worker = Worker(studio_ws)
    measured = worker.measure(apply_overrides(recipe, {"optim.packing": packing, "optim.max_steps": 200}), timeout=120)
    worker.shutdown()
    assert measured.seconds_per_step > 0
    assert measured.tokens_per_second > 0
    assert measured.total_seconds > 20 * measured.seconds_per_step
    assert measured.peak_bytes > 2**20
    assert files(studio_ws) == before
    assert store.list_runs(studio_ws) == []
    assert lease.holder() is None


def test_it_takes_the_longest_rows_and_few_steps(studio_ws: Workspace, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[execute.Prepared] = []
    build = execute.build_trainer

    def spy(run: execute.Prepared) -> object:
        seen.append(run)
        return build(run)

    monkeypatch.setattr(execute, "build_trainer", spy)
    measure(studio_ws, apply_overrides(recipe, {"optim.packing": "off", "optim.per_device_batch_size": 2}))
    lengths = seen[0].tokens.lengths
    assert len(lengths) == len(seen[0].tokens.train) == 2 * (WARM_STEPS + MEASURED_STEPS)
    whole = execute.tokenise(seen[0].tokenizer, seen[0].rows, recipe).lengths
    assert sorted(lengths) == sorted(whole)[-len(lengths) :]
    assert seen[0].recipe.optim.max_steps == WARM_STEPS + MEASURED_STEPS


def test_a_classifier_is_measured(studio_ws: Workspace, recipe: Recipe) -> None:
    assert measure(studio_ws, apply_overrides(recipe, {"method.kind": "classify", "data.sources": "labels"})).tokens_per_second > 0


def test_a_recipe_that_cannot_run_is_not_measured(studio_ws: Workspace, recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="nothing"):
        measure(studio_ws, apply_overrides(recipe, {"data.sources": "nothing"}))
    assert lease.holder() is None
