"""A run from its recipe to a model that loads, on tiny real models."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio.runs.execute import execute
from studio.runs.folder import RunFolder

New = Callable[..., RunFolder]


def test_a_run_learns_and_leaves_a_model_that_loads(new_run: New) -> None:
    folder = new_run()
    outcome = execute(folder.path)
    assert (outcome.state, outcome.message) == ("completed", ""), folder.read_log()
    rows, _ = folder.read_metrics()
    losses = [row["loss"] for row in rows if "loss" in row]
    evaluations = [row["eval_loss"] for row in rows if "eval_loss" in row]
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, 9))
    assert [row["step"] for row in rows if "eval_loss" in row] == [0, 4, 8]
    assert losses[-1] < losses[0]
    assert evaluations[-1] < evaluations[0]
