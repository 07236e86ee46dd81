"""Comparisons as the Compare tab makes and shows them, without a page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app import comparison_view
from app.tabs import compare
from studio.data import store
from studio.errors import DataError
from studio.inference.compare import CandidateInfo, ComparisonInfo
from studio.inference.sampling import Sampling
from studio.workspace import Workspace

EVIL = "<img src=x onerror=window.pwned=1>"


def candidate(number: int, model: str, text: str, **other: Any) -> CandidateInfo:
    values: dict[str, Any] = {"sample": 0, "tokens": 3, "seconds": 0.5, "finish_reason": "stop", "error": "", "duplicate_of": None} | other
    return CandidateInfo(number, 1, 0, model, text=text, provenance={}, **values)


def comparison(candidates: list[CandidateInfo], n: int = 1) -> ComparisonInfo:
    prompts = [[{"role": "user", "content": EVIL}], [{"role": "user", "content": "two"}]]
    return ComparisonInfo(1, "mine", ["a", "b"], prompts, Sampling(seed=3), n, datetime(2026, 1, 1), len(candidates), candidates)


def test_columns_have_names_figures_and_plain_text() -> None:
    view = comparison_view.prompt_view(comparison([candidate(1, "a", EVIL), candidate(2, "b", "well\n  said")]), 0, False)
    assert "<img" not in view
    assert view.count("&lt;img src=x") == 2
    assert "well\n  said" in view
    assert "3 tokens, 0.50 s, 6 tokens/s, ended by itself" in view
    assert ">a</h2>" in view


def test_what_is_missing_failed_or_equal_is_said() -> None:
    failed = candidate(1, "a", "", finish_reason="error", error="The prompt is too long.")
    assert "The prompt is too long." in comparison_view.prompt_view(comparison([failed]), 0, False)
    assert "not answered" in comparison_view.prompt_view(comparison([failed]), 0, False)
    same = comparison([candidate(1, "a", "yes"), candidate(2, "b", "yes", duplicate_of=1)])
    assert "same text as another answer" in comparison_view.prompt_view(same, 0, False)


def test_differences_are_marked_against_the_first_column() -> None:
    view = comparison_view.prompt_view(comparison([candidate(1, "a", "the shop is open"), candidate(2, "b", "the shop was open")]), 0, True)
    assert "the shop <del>is</del><ins>was</ins> open" in view.replace("</ins><del>", "</del><ins>")
    assert "Differences from a" in view


def test_a_comparison_says_how_much_of_it_there_is() -> None:
    assert comparison_view.answered(comparison([candidate(1, "a", "x")])) == "1 of 4 answers, temperature 0.7, seed 3"


def test_prompts_come_from_the_held_out_rows(workspace: Workspace, chat_file: Callable[..., Path]) -> None:
    ref = store.import_file(workspace, chat_file(60), "chats").ref
    prompts = compare.prompts_for(workspace, compare.HELD_OUT, "", "", ref, 4)
    held = [row["messages"][0]["content"] for row in store.rows(workspace, ref, "validation", 0, 50)]
    assert [p[-1]["content"] for p in prompts] == held[:4]
    assert all(p[-1]["role"] == "user" for p in prompts)


def test_without_held_out_rows_or_a_prompt_it_says_so(workspace: Workspace, chat_file: Callable[..., Path]) -> None:
    ref = store.import_file(workspace, chat_file(10), "all-for-training", split=None).ref
    with pytest.raises(DataError, match="no held-out rows"):
        compare.prompts_for(workspace, compare.HELD_OUT, "", "", ref, 4)
    with pytest.raises(DataError, match="empty"):
        compare.prompts_for(workspace, compare.TYPED, "  ", "", None, 4)
    assert compare.prompts_for(workspace, compare.TYPED, " hi ", "be kind", None, 4) == [
        [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]
    ]
