"""Prompt sets: typed, from held-out rows, from files; equal prompts are asked once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.data import store
from studio.errors import DataError
from studio.inference.prompt_sets import from_file, held_out, typed
from studio.workspace import Workspace


def texts(prompts: list[list[dict[str, str]]]) -> list[list[str]]:
    return [[m["content"] for m in prompt] for prompt in prompts]


def test_typed_prompts_stand_apart_as_asked() -> None:
    text = " where is\nmy parcel \n \nhello\n\n\nhello"
    assert texts(typed(text)) == [["where is\nmy parcel"], ["hello"]]
    assert texts(typed(text, apart="lines")) == [["where is"], ["my parcel"], ["hello"]]
    assert texts(typed(text, apart="whole")) == [[text.strip()]]
    assert texts(typed(text, turns=True)) == [["where is", "my parcel"], ["hello"]]
    assert typed("hi", "be kind") == [[{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]]
    with pytest.raises(DataError, match="empty"):
        typed(" \n ")


def test_held_out_rows_are_asked_and_the_others_are_not(workspace: Workspace, chat_file: Callable[..., Path]) -> None:
    ref = store.import_file(workspace, chat_file(60), "chats").ref
    held = [row["messages"][0]["content"] for row in store.rows(workspace, ref, "validation", 0, 50)]
    assert texts(held_out(workspace, ref, 4)) == [[text] for text in held[:4]]
    assert [len(prompt) for prompt in held_out(workspace, ref, 1, "be kind", turns=True)] == [3]
    only = store.import_file(workspace, chat_file(10), "all-for-training", split=None).ref
    with pytest.raises(DataError, match="no held-out rows"):
        held_out(workspace, only, 4)


def test_prompts_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("first question\n\nsecond question\nfirst question\n")
    assert texts(from_file(tmp_path / "lines.txt")) == [["first question"], ["second question"]]
    (tmp_path / "table.csv").write_text("prompt,topic\nwhere is it,parcel\nwhen does it open,shop\n")
    assert texts(from_file(tmp_path / "table.csv", count=1, system="be kind")) == [["be kind", "where is it"]]
    rows = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]}]
    rows += [{"messages": [{"role": "user", "content": "d"}, {"role": "assistant", "content": "e"}]}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert texts(from_file(tmp_path / "rows.jsonl")) == [["a", "b", "c"], ["d"]]
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "one"}\n{"prompt": "two"}\n')
    assert texts(from_file(tmp_path / "prompts.jsonl")) == [["one"], ["two"]]
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(DataError):
        from_file(tmp_path / "empty.txt")
    (tmp_path / "odd.csv").write_text("left,right\n1,2\n")
    with pytest.raises(DataError, match="which column"):
        from_file(tmp_path / "odd.csv")
