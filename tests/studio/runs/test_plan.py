"""What the plan says is what the training does, and each warning comes with a remedy that works."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from studio import device as devices
from studio.data.store import add_version
from studio.device import DeviceInfo
from studio.errors import RecipeError
from studio.fields import apply_overrides
from studio.models.registry import add_local
from studio.recipe import Recipe, parse
from studio.runs import cautions, counting, store
from studio.runs.plan import Plan, Warning, plan
from studio.runs.worker import Worker
from studio.workspace import Workspace

GIB = 2**30


def chat(i: int, words: int = 4, answer: bool = True) -> dict[str, object]:
    messages = [{"role": "user", "content": f"where is order {i}"}]
    if answer:
        messages.append({"role": "assistant", "content": "thank you " + "good " * words})
    return {"messages": messages}


@pytest.fixture
def ws(workspace: Workspace, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with a model and chats of mixed length, on a machine with enough memory."""
    monkeypatch.setattr(devices, "describe", lambda: DeviceInfo("cpu", "CPU", 2, 16 * GIB, 12 * GIB, False))
    add_local(workspace, tiny_model, "tiny")
    rows = [chat(i, words=2 if i % 5 else 60) for i in range(60)]
    add_version(workspace, "chats", "chat", {"train": rows[:50], "validation": rows[50:]}, {"kind": "test"})
    return workspace


def a_recipe(**changes: object) -> Recipe:
    base = {"name": "bot", "model": "tiny", "data": {"sources": [{"name": "chats"}], "max_length": 128}, "evaluation": {"samples": 0}}
    return parse({**base, **changes})


def data(name: str, **changes: object) -> dict[str, object]:
    return {"sources": [{"name": name}], "max_length": 128, **changes}


def warning(found: Plan, words: str) -> Warning:
    """The one warning whose text holds `words`."""
    matches = [each for each in found.warnings if words in each.text]
    assert len(matches) == 1, [each.text for each in found.warnings]
    return matches[0]


def remedied(ws: Workspace, recipe: Recipe, words: str) -> Plan:
    """The plan after one click on the remedy of the warning, which is then gone."""
    after = plan(ws, apply_overrides(recipe, warning(plan(ws, recipe), words).changes))
    assert not any(words in each.text for each in after.warnings)
    return after


def test_a_sound_recipe_has_no_warnings(ws: Workspace) -> None:
    found = plan(ws, a_recipe())
    assert found.warnings == []
    assert (found.rows, found.held_out, found.cut_rows, found.untrained_rows, found.estimated) == (50, 10, 0, 0, False)
    assert 0 < found.trained_tokens < found.tokens
    assert found.memory.fits
    assert found.seconds is None
    assert (found.precision, found.checkpointing) == ("float32", False)


@pytest.mark.parametrize(
    "optim",
    [
        {"epochs": 2, "packing": "on"},
        {"epochs": 2, "packing": "off"},
        {"epochs": 1.5, "packing": "off", "per_device_batch_size": 4, "gradient_accumulation": 3},
        {"epochs": 2, "packing": "on", "per_device_batch_size": 24, "gradient_accumulation": 2},
        {"max_steps": 5, "packing": "on"},
    ],
)
def test_the_steps_are_those_of_the_trainer(ws: Workspace, optim: dict[str, object]) -> None:
    recipe = a_recipe(optim=optim)
    planned = plan(ws, recipe)
    store.create_run(ws, recipe)
    ended = Worker(ws).run_next()
    assert ended is not None
    assert (ended.state, ended.message) == ("completed", "")
    steps = [row["step"] for row in ended.folder.read_metrics()[0] if "loss" in row]
    assert planned.steps == max(steps) == ended.folder.status()["steps"]
    evaluations = [row for row in ended.folder.read_metrics()[0] if "eval_loss" in row and row["step"] > 0]
    assert planned.evaluations == len(evaluations)
    assert planned.packing == ended.summary["packing"]
    after = plan(ws, recipe)
    assert after.seconds == pytest.approx(planned.tokens * planned.resolved.epochs / ended.summary["tokens_per_second"])


def test_moving_a_slider_is_quick_once_the_rows_are_counted(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    add_version(ws, "many", "chat", {"train": [chat(i, i % 40) for i in range(3000)]}, {"kind": "test"})
    plan(ws, a_recipe(data=data("many")))
    monkeypatch.setattr(counting, "render_count", None)
    started = time.perf_counter()
    shorter = plan(ws, a_recipe(data=data("many", max_length=32), optim={"learning_rate": 1e-4}))
    assert time.perf_counter() - started < 0.2
    assert shorter.cut_rows > 0


def test_a_new_version_is_counted_anew(ws: Workspace) -> None:
    plan(ws, a_recipe())
    add_version(ws, "chats", "chat", {"train": [chat(i) for i in range(7)], "validation": [chat(9)]}, {"kind": "test"})
    assert plan(ws, a_recipe()).rows == 7


def test_large_data_is_estimated_from_a_sample(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    add_version(ws, "many", "chat", {"train": [chat(i, i % 40) for i in range(1200)], "validation": [chat(0)]}, {"kind": "test"})
    recipe = a_recipe(data=data("many"), optim={"packing": "off"}, seed=1)
    exact = plan(ws, recipe)
    monkeypatch.setattr(counting, "EXACT_ROWS", 500)
    monkeypatch.setattr(counting, "SAMPLE_ROWS", 300)
    monkeypatch.setattr(counting, "_memory", counting._Memory())
    estimated = plan(ws, recipe)
    assert (exact.estimated, estimated.estimated) == (False, True)
    assert estimated.rows == exact.rows == 1200
    assert estimated.steps == pytest.approx(exact.steps, rel=0.02)
    assert estimated.tokens == pytest.approx(exact.tokens, rel=0.15)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"data": data("nothing")}, "data.sources"),
        ({"data": data("chats@7")}, "data.sources"),
        ({"data": {"sources": []}}, "data.sources"),
        ({"model": "nobody"}, "model"),
        ({"data": data("chats", max_length=257)}, "data.max_length"),
        ({"data": data("chats", max_length=256), "adaptation": {"kind": "prompt_tuning"}}, "data.max_length"),
        ({"compute": {"device": "cuda"}}, "compute.device"),
    ],
)
def test_what_cannot_be_is_an_error_at_its_field(ws: Workspace, changes: dict[str, object], path: str) -> None:
    with pytest.raises(RecipeError) as error:
        plan(ws, a_recipe(**changes))
    assert [problem.path for problem in error.value.problems] == [path]


def test_warns_of_memory_with_ways_to_fit(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = a_recipe(
        data=data("chats", max_length=256), adaptation={"kind": "full"}, optim={"learning_rate": 1e-4, "per_device_batch_size": 512}
    )
    total = plan(ws, recipe).memory.total
    low = DeviceInfo("cpu", "CPU", 2, total, int(total * 0.4), False)
    monkeypatch.setattr(devices, "describe", lambda: low)
    found = plan(ws, recipe)
    assert found.checkpointing
    assert not found.memory.fits
    remedies = {tuple(each.changes) for each in found.warnings}
    assert ("optim.per_device_batch_size", "optim.gradient_accumulation") in remedies
    first = apply_overrides(recipe, found.warnings[0].changes)
    assert plan(ws, first).memory.fits
    assert first.optim.per_device_batch_size * first.optim.gradient_accumulation == 512
    monkeypatch.setattr(devices, "describe", lambda: replace(low, free_bytes=1000))
    assert warning(plan(ws, recipe), "smaller model").changes == {}


def test_warns_of_cut_rows_and_offers_a_longer_row(ws: Workspace) -> None:
    after = remedied(ws, a_recipe(data=data("chats", max_length=48)), "lose their end")
    assert after.cut_rows == 0
    add_version(ws, "long", "chat", {"train": [chat(i, 500) for i in range(9)], "validation": [chat(0)]}, {"kind": "test"})
    assert warning(plan(ws, a_recipe(data=data("long"))), "lose their end").changes == {"data.max_length": 256}
    assert warning(plan(ws, a_recipe(data=data("long", max_length=256))), "lose their end").changes == {}


def test_warns_of_rows_without_anything_to_train(ws: Workspace) -> None:
    rows = [chat(i, answer=i % 3 > 0) for i in range(30)]
    add_version(ws, "questions", "chat", {"train": rows, "validation": [chat(0)]}, {"kind": "test"})
    after = remedied(ws, a_recipe(data=data("questions")), "nothing to train")
    assert after.untrained_rows == 0
    long = [{"messages": [{"role": "user", "content": "where is " * 60}, {"role": "assistant", "content": "good"}]} for _ in range(9)]
    add_version(ws, "long", "chat", {"train": long, "validation": [chat(0)]}, {"kind": "test"})
    assert remedied(ws, a_recipe(data=data("long", max_length=32)), "nothing to train").untrained_rows == 0


def test_warns_of_rows_of_the_wrong_kind_and_offers_the_method(ws: Workspace) -> None:
    rows = [{"text": f"the film is great {i}", "label": "good" if i % 2 else "bad"} for i in range(20)]
    add_version(ws, "reviews", "labelled", {"train": rows[:16], "validation": rows[16:]}, {"kind": "test"})
    recipe = a_recipe(data=data("reviews"), adaptation={"kind": "prompt_tuning"}, optim={"learning_rate": 1e-2})
    assert warning(plan(ws, recipe), "labelled rows").changes == {"method.kind": "classify", "adaptation.kind": "lora"}
    remedied(ws, a_recipe(data=data("reviews")), "labelled rows")
    classify = a_recipe(method={"kind": "classify"})
    assert warning(plan(ws, classify), "chat rows").changes == {"method.kind": "sft"}


def test_warns_of_a_single_label(ws: Workspace) -> None:
    rows = [{"text": f"the film {i}", "label": "good"} for i in range(9)]
    add_version(ws, "reviews", "labelled", {"train": rows, "validation": rows[:2]}, {"kind": "test"})
    warning(plan(ws, a_recipe(data=data("reviews"), method={"kind": "classify"})), "same label")


def test_warns_when_nothing_is_held_out(ws: Workspace) -> None:
    add_version(ws, "plain", "chat", {"train": [chat(i) for i in range(30)]}, {"kind": "test"})
    assert plan(ws, a_recipe(data=data("plain"))).held_out == 3
    after = remedied(ws, a_recipe(data=data("plain", holdout=0)), "held out")
    assert (after.rows, after.held_out) == (27, 3)


@pytest.mark.parametrize(
    ("kind", "rate", "word"), [("full", 5e-3, "high"), ("lora", 0.1, "high"), ("ia3", 1e-4, "low"), ("prompt_tuning", 2e-4, "low")]
)
def test_warns_of_unusual_learning_rates(ws: Workspace, kind: str, rate: float, word: str) -> None:
    remedied(ws, a_recipe(adaptation={"kind": kind}, optim={"learning_rate": rate}), f"unusually {word}")


def test_warns_of_many_epochs_on_few_rows(ws: Workspace) -> None:
    assert remedied(ws, a_recipe(optim={"epochs": 30}), "by heart").resolved.epochs == 3


def test_warns_of_qlora_without_its_library(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cautions.importlib.util, "find_spec", lambda name: None)
    remedied(ws, a_recipe(adaptation={"kind": "qlora"}), "bitsandbytes")


def test_warns_of_float16_on_a_cpu(ws: Workspace) -> None:
    assert remedied(ws, a_recipe(optim={"precision": "float16"}), "float16").precision == "float32"


def test_warns_when_packing_would_mix_rows(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.runs.resolve.ISOLATING", frozenset())
    assert not plan(ws, a_recipe(optim={"packing": "on"})).packing
    remedied(ws, a_recipe(optim={"packing": "on"}), "mix the rows")


def test_weights_and_a_limit_draw_rows_by_the_seed(ws: Workspace) -> None:
    add_version(ws, "more", "chat", {"train": [chat(i) for i in range(20)], "validation": [chat(0)]}, {"kind": "test"})

    def rows(**changes: object) -> int:
        sources = [{"name": "chats"}, {"name": "more", "weight": changes.pop("weight", 1.0)}]
        return plan(ws, a_recipe(data={"sources": sources, "max_length": 128, **changes})).rows

    assert rows() == 70
    assert rows(weight=2.5) == 50 + 50
    assert rows(weight=0.5) == 100 + 20
    assert rows(max_rows=30) == 30
