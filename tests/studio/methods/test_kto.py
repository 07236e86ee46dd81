"""Learning from marks: mismatched answers, balance, and that acceptable answers gain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from datasets import Dataset

from studio.data.store import add_version
from studio.methods.kto import KTO
from studio.methods.unpaired import with_mismatched
from studio.runs.execute import execute
from studio.runs.folder import RunFolder
from studio.workspace import Workspace
from tests.studio.methods.stopping import rows, same_when_stopped, weights
from tests.studio.runs.conftest import new_run, studio_ws

__all__ = ["new_run", "studio_ws"]

New = Callable[..., RunFolder]
MARKS: dict[str, Any] = {"method__kind": "kto", "data__sources": "marks", "optim__learning_rate": 0.01}


def mark(i: int) -> dict[str, Any]:
    """Every third answer is acceptable, and thanks."""
    good = i % 3 == 0
    said = f"thank you the order {i} is good" if good else f"the film {i} is awful and bad"
    return {
        "prompt": [{"role": "user", "content": f"where is order {i // 2}"}],
        "completion": [{"role": "assistant", "content": said}],
        "label": good,
    }


@pytest.fixture
def marks(studio_ws: Workspace) -> Workspace:
    """The workspace with the dataset `marks`: 24 + 9 rows."""
    add_version(studio_ws, "marks", "unpaired", {"train": [mark(i) for i in range(24)], "validation": [mark(i) for i in range(30, 39)]}, {})
    return studio_ws


def test_mismatched_answers_are_those_of_other_prompts() -> None:
    data = Dataset.from_dict(
        {"prompt_ids": [[1], [1], [2], [2], [3]], "completion_ids": [[10], [11], [20], [21, 22, 23], [30]], "label": [True] * 5}
    )
    found = with_mismatched(data, max_length=3, seed=1)
    for row in found:
        assert row["KL_completion_ids"][0] // 10 != row["prompt_ids"][0]
        assert len(row["KL_completion_ids"]) <= 2
    assert found["KL_completion_ids"] == with_mismatched(data, 3, 1)["KL_completion_ids"]
    alone = with_mismatched(data.select([0, 1]), 3, 1)
    assert alone["KL_completion_ids"] == [[10], [11]]


def test_the_rarer_mark_counts_for_more() -> None:
    assert KTO().weights(10, 40) == (4.0, 1.0)
    assert KTO(balance=False, desirable_weight=2).weights(10, 40) == (2.0, 1.0)


@pytest.mark.parametrize("adaptation", ["lora", "full"])
def test_acceptable_answers_gain(new_run: New, marks: Workspace, adaptation: str) -> None:
    folder = new_run(**MARKS, adaptation__kind=adaptation, optim__max_steps=12)
    outcome = execute(folder.path)
    assert (outcome.state, outcome.message) == ("completed", ""), folder.read_log()
    before, after = outcome.summary["baseline"], outcome.summary["final"]
    assert before["eval_rewards/margins"] == pytest.approx(0, abs=1e-4)
    assert after["eval_rewards/margins"] > 0.1
    assert after["eval_loss"] < before["eval_loss"]
    assert rows(folder, "kl")
    if adaptation == "lora":
        assert all(value.abs().sum() > 0 for name, value in weights(folder).items() if "lora_B" in name)


def test_stop_and_resume_end_with_the_same_weights(new_run: New, marks: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    same_when_stopped(new_run, monkeypatch, MARKS, 5, ("loss", "eval_loss"))


def test_marks_that_are_all_the_same_are_refused(new_run: New, studio_ws: Workspace) -> None:
    add_version(studio_ws, "marks", "unpaired", {"train": [mark(0), mark(3)], "validation": [mark(6)]}, {})
    outcome = execute(new_run(**MARKS).path)
    assert outcome.state == "failed"
    assert "All 2 answers are marked acceptable." in outcome.message
