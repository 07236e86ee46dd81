"""A prompt that models are compared on is never trained on, by any kind of row, and the plan says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.data import held_out
from studio.data.store import add_version
from studio.errors import RecipeError
from studio.models.registry import add_local
from studio.recipe import Recipe, parse
from studio.runs.execute import _rows_as_of
from studio.runs.folder import RunFolder
from studio.runs.plan import plan
from studio.runs.rows import training_rows
from studio.workspace import Workspace


def ask(number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"where is order {number}"}]


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def a_row(kind: str, number: int) -> dict[str, Any]:
    prompt = ask(number)
    return {
        "chat": {"messages": prompt + said("good")},
        "prompt": {"prompt": prompt},
        "preference": {"prompt": prompt, "chosen": said("good"), "rejected": said("bad")},
        "unpaired": {"prompt": prompt, "completion": said("good"), "label": True},
        "ranking": {"prompt": prompt, "completions": [said("good"), said("bad")], "ranks": [1, 2]},
        "rating": {"prompt": prompt, "completion": said("good"), "score": 4.0},
        "labelled": {"text": f"where is order {number}", "label": "lost" if number % 2 else "found"},
        "text": {"text": f"where is order {number}"},
    }[kind]


@pytest.fixture
def ws(workspace: Workspace) -> Workspace:
    """A workspace in which some of forty prompts are held out."""
    sides = held_out.sides_of(workspace, [ask(number) for number in range(40)])
    assert 2 < sides.count("held_out") < 20
    return workspace


def a_recipe(name: str, **data: Any) -> Recipe:
    return parse({"name": "bot", "model": "tiny", "data": {"sources": [{"name": name}], "max_length": 64, **data}})


def hashes(rows: Any, kind: str) -> set[str]:
    return {sha256 for row in rows for sha256 in held_out.trained_prompts(row, kind)}


@pytest.mark.parametrize("kind", ["chat", "prompt", "preference", "unpaired", "ranking", "rating", "labelled", "text"])
def test_no_kind_of_row_trains_on_a_held_out_prompt(ws: Workspace, kind: str) -> None:
    rows = [a_row(kind, number) for number in range(40)]
    never = held_out.held_out_hashes(ws)
    add_version(ws, "rows", kind, {"train": rows[:30], "validation": rows[30:]}, {"kind": "test"})
    found = training_rows(ws, a_recipe("rows"))
    first = [held_out.prompt_sha256(ask(number)) for number in range(30)]
    assert hashes(found.train, kind) == set(first) - never
    assert found.left_out == 30 - len(found.train) == len(never.intersection(first))
    assert found.validation is not None
    assert len(found.validation) == 10


def test_the_plan_says_how_many_rows_are_left_out_and_follows_new_ones(ws: Workspace, tiny_model: Path) -> None:
    add_local(ws, tiny_model, "tiny")
    rows = [a_row("chat", number) for number in range(60)]
    add_version(ws, "rows", "chat", {"train": rows}, {"kind": "test"})
    before = plan(ws, a_recipe("rows"))
    left_out = len(held_out.held_out_hashes(ws))
    assert before.rows + before.held_out == 60 - left_out
    assert any(f"{left_out} rows have prompts" in warning.text for warning in before.warnings)
    held_out.set_share(ws, 0.9)
    held_out.sides_of(ws, [ask(number) for number in range(40, 60)])
    after = plan(ws, a_recipe("rows"))
    assert after.rows + after.held_out == 60 - len(held_out.held_out_hashes(ws))


def test_rows_that_are_all_held_out_are_refused_in_words(ws: Workspace) -> None:
    held = [number for number in range(40) if held_out.side_of(ws, ask(number)) == "held_out"]
    add_version(ws, "rows", "chat", {"train": [a_row("chat", number) for number in held]}, {"kind": "test"})
    with pytest.raises(RecipeError, match="held out for comparing"):
        training_rows(ws, a_recipe("rows"))
    add_version(ws, "aside", "chat", {"validation": [a_row("chat", 0)]}, {"kind": "test"})
    with pytest.raises(RecipeError, match="no rows to train on"):
        training_rows(ws, a_recipe("aside"))


def test_a_run_that_goes_on_keeps_the_rows_that_it_began_with(ws: Workspace) -> None:
    folder = RunFolder(ws.runs / "bot")
    begun = _rows_as_of(folder, None)
    rows = [a_row("chat", number) for number in range(60)]
    add_version(ws, "rows", "chat", {"train": rows}, {"kind": "test"})
    first = training_rows(ws, a_recipe("rows"), begun).train.to_list()
    held_out.set_share(ws, 0.9)
    held_out.sides_of(ws, [ask(number) for number in range(40, 60)])
    assert training_rows(ws, a_recipe("rows"), _rows_as_of(folder, folder.checkpoints_path)).train.to_list() == first
    assert len(training_rows(ws, a_recipe("rows"), _rows_as_of(folder, None)).train) < len(first)
