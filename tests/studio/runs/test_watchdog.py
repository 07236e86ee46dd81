"""The watchdog speaks when it should, once, and not otherwise."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from studio.runs.watchdog import Watchdog


def feed(watchdog: Watchdog, losses: list[float], start: int = 1) -> list[Any]:
    return [event for i, loss in enumerate(losses) for event in watchdog.see({"step": start + i, "loss": loss, "grad_norm": 1.0})]


def noisy(count: int, mean: float = 2.0) -> list[float]:
    draw = random.Random(0)
    return [mean + draw.gauss(0, 0.1) for _ in range(count)]


@pytest.mark.parametrize("row", [{"loss": float("nan")}, {"loss": float("inf")}, {"loss": 1.0, "grad_norm": float("nan")},
                                 {"eval_loss": float("nan")}])  # fmt: skip
def test_what_is_not_finite_stops_at_once(row: dict[str, float]) -> None:
    events = Watchdog().see({"step": 7, **row})
    assert [(event.kind, event.stop, event.step) for event in events] == [("non_finite", True, 7)]
    assert "learning rate" in events[0].text


def test_half_precision_may_overflow_a_few_times() -> None:
    watchdog = Watchdog(half_precision=True)
    row = {"loss": 1.0, "grad_norm": float("inf")}
    assert [watchdog.see({"step": step, **row}) for step in range(10)] == [[]] * 10
    assert watchdog.see({"step": 10, **row})[0].stop


def test_ordinary_noise_says_nothing() -> None:
    assert feed(Watchdog(), noisy(500)) == []


def test_a_spike_warns_once() -> None:
    watchdog = Watchdog()
    feed(watchdog, noisy(60))
    events = feed(watchdog, [5.0, 5.0], start=61)
    assert [(event.kind, event.stop, event.step) for event in events] == [("spike", False, 61)]


def test_overfitting_is_named_once_with_the_best_step() -> None:
    watchdog = Watchdog()
    events = []
    for i, (train, held) in enumerate([(2.0, 2.1), (1.6, 1.8), (1.2, 1.9), (0.8, 2.0), (0.5, 2.2)]):
        events += feed(watchdog, [train] * 5, start=10 * i + 1)
        events += watchdog.see({"step": 10 * i + 5, "eval_loss": held})
    named = [event for event in events if event.kind == "overfitting"]
    assert len(named) == 1
    assert "1.8 at step 15" in named[0].text


def test_rising_held_out_loss_alone_is_not_overfitting() -> None:
    watchdog = Watchdog()
    events = []
    for i, held in enumerate([1.8, 1.9, 2.0, 2.2]):
        events += feed(watchdog, [2.0 + i] * 5, start=10 * i + 1) + watchdog.see({"step": 10 * i + 5, "eval_loss": held})
    assert [event for event in events if event.kind == "overfitting"] == []


def test_a_plateau_and_a_good_run_are_named() -> None:
    watchdog = Watchdog()
    kinds = []
    for i, held in enumerate([3.0, 2.5, 2.0, 2.0, 2.001, 2.0, 1.999, 2.0, 2.0]):
        kinds += [event.kind for event in watchdog.see({"step": 10 * i, "eval_loss": held})]
    assert kinds == ["learning", "plateau"]


def test_its_memory_survives_a_checkpoint() -> None:
    watchdog = Watchdog()
    feed(watchdog, noisy(60))
    watchdog.see({"step": 60, "eval_loss": 2.0})
    other = Watchdog()
    other.restore(json.loads(json.dumps(watchdog.state())))
    assert other.state() == watchdog.state()
    assert feed(other, [9.0], start=61)[0].kind == "spike"
