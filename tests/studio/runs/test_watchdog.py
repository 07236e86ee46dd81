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


def turns(watchdog: Watchdog, count: int, **figures: tuple[float, float]) -> list[Any]:
    """Turns of a policy whose figures go from one value to the other."""
    rows = [{name: a + (b - a) * i / (count - 1) for name, (a, b) in figures.items()} for i in range(count)]
    return [event for i, row in enumerate(rows) for event in watchdog.see({"step": i + 1, "loss": 0.0, **row})]


def test_reward_that_rises_with_length_is_named_once() -> None:
    same = {"entropy": (2.0, 2.0), "kl": (0.0, 5.0)}
    assert [event.kind for event in turns(Watchdog(), 20, reward=(0.1, 0.9), length=(20, 40), **same)] == ["longer"]
    assert turns(Watchdog(), 20, reward=(0.1, 0.9), length=(20, 24), **same) == []
    assert turns(Watchdog(), 20, reward=(0.5, 0.5), length=(20, 60), **same) == []


def test_answers_that_lose_their_variety_are_named_once() -> None:
    steady = {"reward": (0.1, 0.9), "length": (20.0, 20.0), "kl": (0.0, 5.0)}
    events = turns(Watchdog(), 20, entropy=(3.0, 0.2), **steady)
    assert [event.kind for event in events] == ["less_variety"]
    assert "from 2.7" in events[0].text
    assert turns(Watchdog(), 20, entropy=(3.0, 1.5), **steady) == []


def test_limits_end_a_run_without_failing_it_also_after_a_resume() -> None:
    steady = {"reward": (0.1, 0.9), "entropy": (2.0, 2.0), "length": (10.0, 12.0)}
    first = Watchdog(limits={"kl": 4.0, "length": 30.0})
    assert turns(first, 3, kl=(0.0, 3.0), **steady) == []
    second = Watchdog(limits={"kl": 4.0, "length": 30.0})
    second.restore(json.loads(json.dumps(first.state())))
    events = turns(second, 2, kl=(5.0, 6.0), **steady)
    assert [(event.kind, event.end, event.stop) for event in events] == [("limit", True, False)]
    assert "4.67 nats in the last 3 turns, beyond the limit of 4." in events[0].text
    held_out = second.see({"step": 9, "eval_reward": 0.5, "eval_kl": 1.0, "eval_length": 31.0})
    assert ["31 tokens on held-out prompts" in event.text for event in held_out] == [True]
