"""Models that are not ours go the whole way: added, trained, asked, judged, compared, made a classifier, and trained again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import studio
from studio.models.registry import get_model, lineage
from studio.session import Studio
from tests.tiny import TEMPLATE, make_model

QUICK: dict[str, Any] = {
    "data__max_length": 64,
    "optim__max_steps": 4,
    "optim__per_device_batch_size": 4,
    "optim__learning_rate": 0.01,
    "evaluation__samples": 0,
    "adaptation__rank": 4,
}


@pytest.fixture
def opened(tmp_path: Path, chat_file: Callable[..., Path], label_file: Callable[..., Path]) -> Iterator[Studio]:
    """A studio with conversations and labelled texts."""
    opened = studio.open(tmp_path / "workspace")
    opened.import_data(chat_file(), "chats", validation=0.2)
    opened.import_data(label_file(), "labels", validation=0.2)
    yield opened
    opened.close()


@pytest.mark.parametrize(("architecture", "template"), [("qwen3", TEMPLATE), ("gpt2", None), ("llama", None)])
def test_a_foreign_model_goes_the_whole_way(opened: Studio, tmp_path: Path, architecture: str, template: str | None) -> None:
    added = opened.add_model(make_model(tmp_path / architecture, architecture, template), "other")
    assert (added.name, added.kind, added.source) == ("other", "base", "local")

    recipe = opened.recipe("chat-lora", name="bot", model="other", data="chats", **QUICK)
    planned = opened.plan(recipe)
    assert (planned.rows, planned.held_out, planned.steps, planned.untrained_rows) == (32, 8, 4, 0)
    run = opened.train(recipe)
    assert run.model == "bot-1"
    assert run.summary["held_out"] == 8
    assert run.summary["final"]["eval_loss"] < run.summary["baseline"]["eval_loss"]

    before, after = (opened.evaluate(model, "chats").metrics["loss"] for model in ("other", "bot-1"))
    assert after < before
    assert after == pytest.approx(run.summary["best"]["value"], rel=1e-3)
    answers = opened.generate("bot-1", "where is order 3", n=2, max_new_tokens=6, seed=1)
    assert len(answers) == 2
    prompts = ["where is order 1", "hello"]
    candidates = opened.compare(["other", "bot-1"], prompts, temperature=0, max_new_tokens=6)
    assert [(candidate.model, candidate.prompt_index) for candidate in candidates] == [
        ("other", 0), ("other", 1), ("bot-1", 0), ("bot-1", 1)
    ]  # fmt: skip
    assert all(candidate.error == "" for candidate in candidates)

    classifier = opened.train(opened.recipe("sentiment-lora", name="labels", model="bot-1", data="labels", **QUICK))
    assert sum(opened.probabilities(str(classifier.model), ["the film is great"])[0].values()) == pytest.approx(1, abs=1e-4)
    report = opened.evaluate(str(classifier.model), "labels")
    assert set(report.by_class) == {"good", "bad"}
    assert report.metrics["f1"] == pytest.approx(classifier.summary["best"]["value"], abs=1e-4)


@pytest.mark.parametrize("second", ["lora", "dora"])
def test_a_second_run_goes_on_from_the_first(opened: Studio, tmp_path: Path, second: str) -> None:
    """The same kind of adapter is continued, another is put on top of the merged first one; both keep what the first run learned."""
    opened.add_model(make_model(tmp_path / "qwen3", "qwen3"), "other")
    first = opened.train(opened.recipe("chat-lora", name="first", model="other", data="chats", **QUICK))
    recipe = opened.recipe(
        "chat-lora", name="second", model=first.model, data="chats", adaptation__kind=second, **{**QUICK, "optim__max_steps": 8}
    )
    run = opened.train(recipe)
    assert run.summary["baseline"]["eval_loss"] == pytest.approx(first.summary["best"]["value"], rel=1e-3)
    assert run.summary["best"]["value"] < run.summary["baseline"]["eval_loss"]
    assert opened.evaluate(str(run.model), "chats").metrics["loss"] == pytest.approx(run.summary["best"]["value"], rel=1e-3)

    steps = lineage(opened.workspace, str(run.model))
    assert [step.split(" ")[0] for step in steps] == ["second-1", "first-1", "other"]
    assert ("continuing the adapter first-1" in steps[0]) is (second == "lora")
    assert get_model(opened.workspace, str(run.model)).base == ("other" if second == "lora" else "first-1")
