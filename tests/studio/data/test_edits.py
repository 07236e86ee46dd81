"""Rows changed by hand: acknowledged changes survive, can be undone, and become a version once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from studio.data import edits, rows, store
from studio.data.schema import KINDS
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace
from tests.studio.data.examples import rows_of, said


@pytest.fixture
def texts(workspace):
    made = [{"text": f"row {i}", "source": "forum"} for i in range(4100)]
    return store.add_version(workspace, "a", "text", {"train": made, "test": [{"text": "kept aside"}]}, {}).ref


def stored(workspace, ref, split="train"):
    return [row["text"] for row in store.rows(workspace, ref, split, 0, 10_000)]


def test_changes_become_a_version_and_the_old_one_stays(workspace, texts):
    edits.edit(workspace, texts, "train", 1, {"text": "one"}, "ann")
    edits.edit(workspace, texts, "train", 1, {"text": "uno"}, "ann")
    edits.remove(workspace, texts, "train", 4000)
    assert edits.add(workspace, texts, "train", {"text": "new"}) == ("train", 4100)
    assert [change.kind for change in edits.pending(workspace, texts).changes] == ["edit", "edit", "remove", "add"]
    info = edits.commit(workspace, texts, "ann", "mended by hand")
    assert (info.ref, info.splits) == ("a@2", {"train": 4100, "test": 1})
    counts = {"read": 4101, "kept": 4101, "edited": 1, "added": 1, "removed": 1}
    assert info.step | {"journal": 0} == {
        "kind": "edit", "from": "a@1", "author": "ann", "note": "mended by hand", "counts": counts, "base": 1, "journal": 0,
    }  # fmt: skip
    expected = [f"row {i}" for i in range(4100) if i != 4000] + ["new"]
    expected[1] = "uno"
    assert stored(workspace, "a@2") == expected
    assert stored(workspace, "a@1") == [f"row {i}" for i in range(4100)]
    assert edits.pending(workspace, texts).changes == []
    with pytest.raises(DataError, match="no changes to a@2"):
        edits.commit(workspace, "a@2")


def test_an_edit_keeps_where_the_row_comes_from(workspace, texts):
    edits.edit(workspace, texts, "train", 0, {"text": "changed", "source": "me", "annotator": "me"})
    assert rows.get(workspace, texts, "train", 0) == {"text": "changed", "source": "forum"}
    assert store.rows(workspace, edits.commit(workspace, texts).ref)[0] == {"text": "changed", "source": "forum"}


def test_undo_redo_and_discard(workspace, texts):
    with pytest.raises(DataError, match="nothing to undo"):
        edits.undo(workspace, texts)
    edits.edit(workspace, texts, "train", 0, {"text": "first"})
    edits.remove(workspace, texts, "train", 0)
    edits.undo(workspace, texts)
    assert rows.get(workspace, texts, "train", 0)["text"] == "first"
    draft = edits.undo(workspace, texts)
    assert (draft.changes, draft.can_undo, draft.can_redo) == ([], False, True)
    edits.redo(workspace, texts)
    assert rows.get(workspace, texts, "train", 0)["text"] == "first"
    edits.edit(workspace, texts, "train", 1, {"text": "second"})
    with pytest.raises(DataError, match="nothing to redo"):
        edits.redo(workspace, texts)
    assert edits.discard(workspace, texts).changes == []
    assert rows.get(workspace, texts, "train", 0)["text"] == "row 0"
    assert len(edits.undo(workspace, texts).changes) == 2
    assert rows.get(workspace, texts, "train", 1)["text"] == "second"


def test_an_address_is_never_given_twice(workspace, texts):
    first = edits.add(workspace, texts, "test", {"text": "a"})
    edits.undo(workspace, texts)
    second = edits.add(workspace, texts, "test", {"text": "b"})
    assert (first, second) == (("test", 1), ("test", 2))
    edits.edit(workspace, texts, *second, {"text": "c"})
    assert stored(workspace, edits.commit(workspace, texts).ref, "test") == ["kept aside", "c"]


def test_an_edit_that_changes_nothing_is_none(workspace, texts):
    assert edits.edit(workspace, texts, "train", 0, {"text": "row 0"}).changes == []


def test_what_somebody_else_changed_is_not_overwritten(workspace, texts):
    seen = rows.get(workspace, texts, "train", 0)
    edits.edit(workspace, texts, "train", 0, {"text": "theirs"}, seen=seen)
    with pytest.raises(DataError, match="changed by somebody else"):
        edits.edit(workspace, texts, "train", 0, {"text": "mine"}, seen=seen)
    assert rows.get(workspace, texts, "train", 0)["text"] == "theirs"


def test_addresses_that_name_nothing(workspace, texts):
    for split, index in (("train", 4100), ("train", -1), ("validation", 0)):
        with pytest.raises(NotFoundError, match="has no row"):
            edits.edit(workspace, texts, split, index, {"text": "x"})
    with pytest.raises(DataError, match="no split called 'dev'"):
        edits.add(workspace, texts, "dev", {"text": "x"})
    edits.remove(workspace, texts, "train", 0)
    with pytest.raises(NotFoundError, match="has been removed"):
        edits.remove(workspace, texts, "train", 0)


def test_an_old_version_is_not_edited_and_a_newer_one_not_overwritten(workspace, texts):
    edits.edit(workspace, texts, "train", 0, {"text": "mine"})
    store.add_version(workspace, "a", "text", {"train": [{"text": "cleaned"}]}, {"kind": "clean"})
    with pytest.raises(DataError, match="a@2 has been made since") as told:
        edits.commit(workspace, texts)
    assert "version 3" in told.value.remedy
    assert edits.commit(workspace, texts, newest=2).ref == "a@3"
    with pytest.raises(DataError, match="Version 1 is not the newest"):
        edits.edit(workspace, texts, "train", 0, {"text": "late"})


def test_all_rows_cannot_be_removed(workspace):
    ref = store.add_version(workspace, "a", "text", {"train": [{"text": "only"}]}, {}).ref
    edits.remove(workspace, ref, "train", 0)
    with pytest.raises(DataError, match="All rows have been removed"):
        edits.commit(workspace, ref)
    assert len(edits.pending(workspace, ref).changes) == 1


def test_a_row_may_bring_columns_that_the_version_lacks(workspace):
    ref = store.add_version(workspace, "a", "chat", {"train": rows_of("chat")}, {}).ref
    call = {"role": "assistant", "content": "", "tool_calls": '[{"type": "function", "function": {"name": "f", "arguments": {}}}]'}
    new = {
        "messages": [{"role": "user", "content": "hello"}, call, *said("done")],
        "tools": '[{"type": "function", "function": {"name": "f"}}]',
    }
    edits.add(workspace, ref, "train", new)
    version = edits.commit(workspace, ref)
    assert store.rows(workspace, version.ref)[-1] == new
    assert store.rows(workspace, version.ref)[:-1] == rows_of("chat")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_every_kind_are_edited(workspace, kind):
    made = rows_of(kind)
    ref = store.add_version(workspace, "a", kind, {"train": made[:-1]}, {}).ref
    edits.edit(workspace, ref, "train", 2, made[-1])
    version = edits.commit(workspace, ref)
    assert store.rows(workspace, version.ref) == [*made[:2], made[-1], *made[3:-1]]


WRONG = [
    ("chat", {"messages": []}, "no message"),
    ("chat", {"messages": [{"role": "user", "content": "hello"}]}, "no answer by the assistant"),
    ("chat", {"messages": [{"role": "user", "content": " "}, *said("x")]}, r"message 1 of conversation \(user\) is empty"),
    ("chat", {"messages": [{"role": "boss", "content": "x"}, *said("x")]}, "role 'boss'"),
    ("chat", {"messages": [{"role": "user", "content": "x", "mood": "y"}, *said("x")]}, "unknown field mood"),
    ("chat", {"messages": "x"}, "no message"),
    ("chat", {"messages": said("\ud800")}, "half a character"),
    ("chat", {"messages": [{**said("")[0], "tool_calls": "{}"}]}, "call of a tool in message 1"),
    ("chat", {"messages": said("x"), "tools": "[1]"}, "tools"),
    ("text", {"text": "  "}, "text is empty"),
    ("text", {"text": 3}, "is a int, not text"),
    ("text", {}, "no text"),
    ("labelled", {"text": "x", "label": ""}, "label is empty"),
    ("labelled", {"text": "x", "label": "y", "mood": "z"}, "no column mood"),
    ("prompt", {"prompt": [{"role": "system", "content": "x"}]}, "no message by the user"),
    ("preference", {**rows_of("preference")[1], "rejected": rows_of("preference")[1]["chosen"]}, "are equal"),
    ("preference", {**rows_of("preference")[1], "chosen": [{"role": "user", "content": "x"}]}, "begins with a message by the user"),
    ("preference", {**rows_of("preference")[1], "margin": "much"}, "'much', not a number"),
    ("unpaired", {**rows_of("unpaired")[1], "label": "good"}, "'good'"),
    ("ranking", {**rows_of("ranking")[1], "ranks": [1, 2]}, "not as many ranks"),
    ("ranking", {**rows_of("ranking")[1], "ranks": [1, 2, 0]}, "whole numbers from 1"),
    ("ranking", {**rows_of("ranking")[1], "completions": [said("x")], "ranks": [1]}, "at least two"),
    ("rating", {**rows_of("rating")[1], "score": float("nan")}, "not a number"),
]


@pytest.mark.parametrize(("kind", "row", "told"), WRONG)
def test_rows_that_do_not_fit_are_refused_in_words(workspace, kind, row, told):
    ref = store.add_version(workspace, "a", kind, {"train": rows_of(kind)}, {}).ref
    for write in (lambda: edits.edit(workspace, ref, "train", 1, row), lambda: edits.add(workspace, ref, "train", row)):
        with pytest.raises(DataError, match=told) as error:
            write()
        assert error.value.remedy
    assert edits.pending(workspace, ref).changes == []


def test_concurrent_editors_lose_nothing(workspace, texts):
    errors = []

    def work(number):
        try:
            mine = Workspace(workspace.root)
            for i in range(10):
                edits.edit(mine, texts, "train", number * 10 + i, {"text": f"{number} changed {i}"}, f"editor {number}")
            edits.add(mine, texts, "test", {"text": f"added by {number}"})
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(edits.pending(workspace, texts).changes) == 66
    ref = edits.commit(workspace, texts).ref
    assert stored(workspace, ref)[:60] == [f"{n} changed {i}" for n in range(6) for i in range(10)]
    assert sorted(stored(workspace, ref, "test")[1:]) == [f"added by {n}" for n in range(6)]


EDITOR = """
import sys
from studio.data import edits
from studio.workspace import Workspace
ws = Workspace(sys.argv[1])
for number in range(4000):
    edits.edit(ws, "a@1", "train", number, {"text": f"changed {number}"})
    print(number, flush=True)
"""


def test_a_kill_loses_nothing_that_was_acknowledged(workspace, texts):
    command = [sys.executable, "-c", EDITOR, str(workspace.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(25)]
        os.kill(child.pid, signal.SIGKILL)
        told += [int(line) for line in child.stdout.read().split("\n") if line]
    changed = {change.index: change.row["text"] for change in edits.pending(workspace, texts).changes}
    assert {number: f"changed {number}" for number in told}.items() <= changed.items()
    assert len(changed) <= len(told) + 1
    edits.edit(workspace, texts, "train", 4050, {"text": "goes on"})
    assert edits.commit(workspace, texts).step["counts"]["edited"] == len(changed) + 1


def test_a_torn_line_is_left_out_and_written_over(workspace, texts):
    edits.edit(workspace, texts, "train", 0, {"text": "whole"})
    path = store.get_version(workspace, texts).folder.parent / "draft-v1.jsonl"
    with path.open("a") as file:
        file.write('{"op": "edit", "split": "tra')
    assert len(edits.pending(workspace, texts).changes) == 1
    edits.edit(workspace, texts, "train", 1, {"text": "after"})
    assert [change.row["text"] for change in edits.pending(workspace, texts).changes] == ["whole", "after"]
