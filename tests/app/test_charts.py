"""The points of the curves: what is drawn of the metrics, thinned without losing the shape."""

from __future__ import annotations

import math

from app import charts


def test_points_follow_the_rows_and_leave_out_what_is_not_a_number() -> None:
    rows = [
        {"step": 1, "loss": 2.0, "memory": 2**30},
        {"step": 2, "loss": float("nan"), "memory": None},
        {"step": 2, "eval_loss": 1.5},
        {"step": 3, "loss": 1.0, "eval_by_class": {"good": {"f1": 0.5}}},
    ]
    points = charts.points(rows)
    assert points["loss"] == {"x": [1, 3], "y": [2.0, 1.0]}
    assert points["eval_loss"] == {"x": [2], "y": [1.5]}
    assert points["memory"]["y"] == [1.0]
    assert charts.by_class(rows) == [{"label": "good", "f1": 0.5}]


def test_thinning_keeps_the_ends_and_the_spike() -> None:
    rows = [{"step": i, "loss": math.exp(-i / 1000)} for i in range(5000)]
    rows[2500]["loss"] = 9.0
    thin = charts.thinned(charts.points(rows))["loss"]
    assert len(thin["x"]) == charts.MOST_POINTS
    assert thin["x"][0] == 0
    assert thin["x"][-1] == 4999
    assert max(thin["y"]) == 9.0


def test_short_curves_are_drawn_whole() -> None:
    curve = {"loss": {"x": [1, 2], "y": [3.0, 2.0]}}
    assert charts.thinned(curve) == curve


def test_a_preference_run_draws_its_margin_and_its_accuracy() -> None:
    rows = [{"step": 1, "loss": 0.7, "rewards/margins": 0.1, "rewards/accuracies": 0.5}, {"step": 1, "eval_rewards/margins": 0.2}]
    points = charts.points(rows)
    assert points["rewards/margins"]["y"] == [0.1]
    assert points["eval_rewards/margins"]["y"] == [0.2]
    panels = {panel["id"]: panel for panel in charts.layout()}
    assert panels["preferences"]["share"]
    assert all(panels[name]["meaning"].count(".") == 1 for name in ("margins", "preferences", "rewards"))


def test_the_table_by_dataset_is_that_of_the_newest_evaluation() -> None:
    rows = [
        {"step": 5, "eval_by_task": {"support": {"loss": 2.0}, "reviews": {"loss": 1.0}}},
        {"step": 9, "loss": 0.5},
        {"step": 10, "eval_by_task": {"support": {"loss": 1.5, "token_accuracy": 0.25}, "reviews": {"loss": 0.5, "token_accuracy": 0.75}}},
        {"step": 11, "loss": 0.4},
    ]
    assert charts.by_task(rows) == [
        {"task": "support", "loss": 1.5, "token_accuracy": 0.25},
        {"task": "reviews", "loss": 0.5, "token_accuracy": 0.75},
    ]
    assert charts.by_task(rows[1:2]) == []
