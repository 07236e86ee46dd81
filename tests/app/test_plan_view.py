"""The panel "What will happen", from a plan."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from app import plan_view
from studio.runs.mix import shares


def _plan(names: list[str], rows: list[int], drawn: list[int], epochs: float = 2.0) -> Any:
    return SimpleNamespace(shares=shares(names, rows, drawn), resolved=SimpleNamespace(epochs=epochs))


def test_a_mix_says_what_part_each_dataset_has_and_how_often_its_rows_come() -> None:
    ((label, value, meaning),) = plan_view._mix(_plan(["support", "reviews"], [100, 40], [100, 100]))
    assert label == "Mix"
    assert value == "support 50% (100 rows, 2 times); reviews 50% (40 rows, 5 times)"
    assert meaning.endswith(".")


def test_one_dataset_is_no_mix() -> None:
    assert plan_view._mix(_plan(["support"], [100], [100])) == []
