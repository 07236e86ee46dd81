"""Comparisons as the Compare tab makes and shows them, without a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app import compare_prompts, compare_shelf, comparison_view
from app.page import Page
from app.tabs import compare
from studio import db
from studio.data import store
from studio.errors import DataError
from studio.inference.comparisons import CandidateInfo, ComparisonInfo
from studio.inference.sampling import Sampling
from studio.models.adaptations import LoRA
from studio.session import Studio
from studio.workspace import Workspace
from tests.studio.models.helpers import add, run_with_checkpoints

EVIL = "<img src=x onerror=window.pwned=1></template>"


def candidate(number: int, model: str, text: str, **other: Any) -> CandidateInfo:
    values: dict[str, Any] = {"sample": 0, "tokens": 3, "seconds": 0.5, "finish_reason": "stop", "error": "", "duplicate_of": None} | other
    return CandidateInfo(number, 1, 0, model, text=text, **({"provenance": {}} | values))


def comparison(candidates: list[CandidateInfo], n: int = 1) -> ComparisonInfo:
    prompts = [[{"role": "user", "content": EVIL}], [{"role": "user", "content": "two"}]]
    return ComparisonInfo(1, "mine", ["a", "b"], prompts, Sampling(seed=3), n, datetime(2026, 1, 1), len(candidates), candidates)


def shown(ws: Workspace, candidates: list[CandidateInfo], unit: str = comparison_view.OFF, waiting: bool = False) -> str:
    return comparison_view.prompt_view(ws, comparison(candidates), 0, unit, waiting)


def test_columns_have_names_figures_and_plain_text(workspace: Workspace) -> None:
    made = {"sha256": "abc123", "base": "starter", "seed": 7, "system": EVIL, "sampling": {"temperature": 0.7, "seed": 7}}
    view = shown(workspace, [candidate(1, "a", EVIL, provenance=made), candidate(2, "b", "well\n  said")])
    assert "<img" not in view
    assert view.count("&lt;img src=x") == 4  # prompt, answer, what Copy copies, system prompt
    assert view.count("</template>") == 2
    assert "well\n  said" in view
    assert "3 tokens, 0.50 s, 6 tokens/s, ended by itself" in view
    assert ">a</h2>" in view
    assert "abc123" in view
    assert "temperature 0.7" in view


def test_what_is_missing_failed_or_equal_is_said(workspace: Workspace) -> None:
    failed = candidate(1, "a", "", finish_reason="error", error="The prompt is too long.")
    assert "The prompt is too long." in shown(workspace, [failed])
    assert "not answered" in shown(workspace, [failed])
    assert "no answer yet" in shown(workspace, [failed], waiting=True)
    same = [candidate(1, "a", "yes"), candidate(2, "b", "yes", duplicate_of=1), candidate(3, "b", "yes", duplicate_of=2, sample=1)]
    assert "same text as a<" in shown(workspace, same)
    assert "same text as answer 1<" in shown(workspace, same)


def test_differences_are_marked_against_the_first_column(workspace: Workspace) -> None:
    both = [candidate(1, "a", "the shop is open"), candidate(2, "b", "the shop was open")]
    words = shown(workspace, both, comparison_view.WORDS)
    assert "the shop <del>is</del><ins>was</ins> open" in words.replace("</ins><del>", "</del><ins>")
    assert "Differences from a" in words
    assert "<del>i</del><ins>wa</ins>s open" in shown(workspace, both, comparison_view.LETTERS)
    assert "<ins>" not in shown(workspace, both)
    without = shown(workspace, both, comparison_view.TOKENS)
    assert "Words are compared, not tokens. There is no model a" in without


def test_conversations_are_compared_turn_by_turn(workspace: Workspace) -> None:
    def talk(*answers: str) -> list[dict[str, str]]:
        first, second = answers
        return [{"role": "assistant", "content": first}, {"role": "user", "content": "and?"}, {"role": "assistant", "content": second}]

    both = [
        candidate(1, "a", "one\n\ntwo", messages=talk("one", "two")),
        candidate(2, "b", "one\n\nthree", messages=talk("one", "three")),
    ]
    view = shown(workspace, both, comparison_view.WORDS)
    assert view.count("and?") == 2
    assert "<del>two</del><ins>three</ins>" in view.replace("</ins><del>", "</del><ins>")


def test_a_comparison_says_how_much_of_it_there_is() -> None:
    assert comparison_view.answered(comparison([candidate(1, "a", "x")])) == "1 of 4 answers, temperature 0.7, seed 3"


def test_answers_from_elsewhere_have_only_their_own_columns(workspace: Workspace) -> None:
    foreign = replace(comparison([candidate(1, "b", "x", provenance={"source": "file.csv"})]), generated=False)
    view = comparison_view.prompt_view(workspace, foreign, 0, comparison_view.WORDS)
    assert "not answered" not in view
    assert view.count("<h2") == 1
    assert comparison_view.answered(foreign) == "1 answer"
    assert "<h2" not in comparison_view.prompt_view(workspace, replace(foreign, candidates=[]), 0, comparison_view.WORDS)


def test_the_fields_give_prompts_or_say_what_is_missing(workspace: Workspace, chat_file: Callable[..., Path], tmp_path: Path) -> None:
    ref = store.import_file(workspace, chat_file(60), "chats").ref

    def asked(source: str, text: str = "", chosen: str | None = None, file: str | None = None) -> list[str]:
        prompts = compare_prompts.prompts_for(workspace, source, text, "lines", "", False, chosen, file, 4)
        return [prompt[-1]["content"] for prompt in prompts]

    assert asked(compare_prompts.TYPED, "one\ntwo") == ["one", "two"]
    held = [row["messages"][0]["content"] for row in store.rows(workspace, ref, "validation", 0, 50)]
    assert asked(compare_prompts.HELD_OUT, chosen=ref) == held[:4]
    (tmp_path / "asked.txt").write_text("three\nfour\n")
    assert asked(compare_prompts.FILE, file=str(tmp_path / "asked.txt")) == ["three", "four"]
    for source, problem in ((compare_prompts.TYPED, "empty"), (compare_prompts.HELD_OUT, "No dataset"), (compare_prompts.FILE, "No file")):
        with pytest.raises(DataError, match=problem):
            asked(source)


def test_the_typed_prompts_are_counted() -> None:
    assert "2 prompts" in compare_prompts.counted(compare_prompts.TYPED, "a\n\nb", "blank lines", False)
    assert "1 prompt, 2 turns" in compare_prompts.counted(compare_prompts.TYPED, "a\nb", "blank lines", True)
    assert compare_prompts.counted(compare_prompts.TYPED, "a", "blank lines", False) == ""


def test_the_list_is_filtered_and_leaves_deleted_ones_out(workspace: Workspace) -> None:
    with workspace.db.write() as session:
        for name, model in (("opening hours", "starter"), ("parcels", "bot-1"), ("gone", "bot-1")):
            session.add(db.Comparison(name=name, models=[model], prompts=[], settings={}, deleted_at=db.now() if name == "gone" else None))
    heading, table = compare_shelf.listed(workspace, 2)
    assert "(2)" in heading
    assert "gone" not in table
    assert 'data-key="2" tabindex="0" aria-current="true"' in table
    assert "parcels" not in compare_shelf.listed(workspace, None, "START")[1]


def test_checkpoints_stand_below_the_models(workspace: Workspace) -> None:
    add(workspace, "llama", "tiny")
    run_with_checkpoints(workspace, "bot-1", "tiny", LoRA(rank=4))
    choices = compare.generating_models(Page(Studio(workspace.root)))
    assert [name for _, name in choices][-3:] == ["tiny", "bot-1@step-2", "bot-1@step-1"]
    assert choices[-1][0] == "bot-1, step 1  (checkpoint)"
