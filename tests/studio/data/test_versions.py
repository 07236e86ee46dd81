"""Versions are compared, restored and annotated, and say who used them."""

from __future__ import annotations

import pytest

from studio.data import edits, store, versions
from studio.db import Run
from studio.errors import DataError
from tests.studio.data.examples import rows_of, said


@pytest.fixture
def chats(workspace):
    made = [
        {"messages": [{"role": "user", "content": f"where is order {i}"}, *said(f"the order {i} is on its way to you")]} for i in range(50)
    ]
    return store.add_version(workspace, "a", "chat", {"train": made[:40], "validation": made[40:]}, {"kind": "made"}).ref


def test_a_diff_tells_changed_added_removed_and_moved(workspace, chats):
    row = store.rows(workspace, chats)[3]
    row["messages"][1]["content"] = "the order 3 is lost"
    edits.edit(workspace, chats, "train", 3, row)
    edits.remove(workspace, chats, "train", 10)
    edits.add(workspace, chats, "train", {"messages": [{"role": "user", "content": "may I pay by card"}, *said("yes")]})
    edits.remove(workspace, chats, "train", 0)
    edits.add(workspace, chats, "validation", store.rows(workspace, chats)[0])
    new = edits.commit(workspace, chats, "ann").ref
    found = versions.diff(workspace, chats, new)
    assert (found.changed, found.added, found.removed, found.moved, found.same) == (1, 1, 1, 1, 47)
    changed, added, removed = found.examples
    assert (changed.split, changed.index) == ("train", 2)
    assert ("insert", "lost") in changed.pieces
    assert changed.before is not None
    assert added.before is None
    assert added.after["messages"][1]["content"] == "yes"
    assert (removed.index, removed.after) == (10, None)
    assert ("kind", "made", "edit") in found.settings
    assert ("author", workspace.person, "ann") in found.settings


def test_a_version_equals_itself_and_order_does_not_matter(workspace, chats):
    same = versions.diff(workspace, chats, chats)
    assert (same.changed, same.added, same.removed, same.moved, same.same) == (0, 0, 0, 0, 50)
    turned = list(reversed(store.rows(workspace, chats, count=50)))
    new = store.add_version(workspace, "a", "chat", {"train": turned}, {}).ref
    found = versions.diff(workspace, chats, new)
    assert (found.changed, found.added, found.removed, found.moved, found.same) == (0, 0, 0, 10, 40)


def test_duplicates_are_counted_one_by_one(workspace):
    store.add_version(workspace, "a", "text", {"train": [{"text": "same"}] * 3 + [{"text": "other"}]}, {})
    store.add_version(workspace, "a", "text", {"train": [{"text": "same"}, {"text": "other"}]}, {})
    found = versions.diff(workspace, "a@1", "a@2")
    assert (found.removed, found.added, found.changed, found.same) == (2, 0, 0, 2)


def test_rows_changed_all_over_are_paired(workspace):
    before = [{"text": f"call me at 555-010{i} about the offer number {i} of last week"} for i in range(9)]
    after = [{"text": row["text"].replace("555-010", "[PHONE] ")} for row in before if "3" not in row["text"]]
    store.add_version(workspace, "a", "text", {"train": before}, {})
    store.add_version(workspace, "a", "text", {"train": after}, {})
    found = versions.diff(workspace, "a@1", "a@2")
    assert (found.changed, found.removed, found.added) == (8, 1, 0)
    store.add_version(workspace, "b", "labelled", {"train": [{"text": "fine", "label": "good"}]}, {})
    with pytest.raises(DataError, match="one kind"):
        versions.diff(workspace, "a", "b")


def test_an_old_version_is_restored(workspace, chats):
    edits.remove(workspace, chats, "train", 0)
    edits.commit(workspace, chats)
    info = versions.restore(workspace, chats, "ann", "the removal was a mistake")
    assert (info.ref, info.splits) == ("a@3", {"train": 40, "validation": 10})
    assert info.step["from"] == "a@1"
    assert (info.step["author"], info.step["note"]) == ("ann", "the removal was a mistake")
    assert versions.diff(workspace, chats, "a").same == 50
    assert [v.number for v in versions.lineage(workspace, "a")] == [1, 3]
    with pytest.raises(DataError, match="newest version already"):
        versions.restore(workspace, "a")


def test_runs_that_used_a_version_are_named_also_after_a_rename(workspace, chats):
    store.add_version(workspace, "a", "chat", {"train": rows_of("chat")}, {})
    with workspace.db.write() as session:
        for name, ref, state in (("one-1", "a@1", "completed"), ("two-1", "a@2", "queued"), ("three-1", "gone@1", "failed")):
            recipe = {"data": {"sources": [{"name": ref, "weight": 1}]}}
            session.add(Run(name=name, state=state, recipe=recipe, folder=f"runs/{name}"))
    store.rename(workspace, "a", "b")
    assert versions.used_by(workspace, "b@1") == ["run one-1 (completed)"]
    assert versions.used_by(workspace, "b") == ["run two-1 (queued)"]


def test_a_note_is_kept_with_the_version(workspace, chats):
    before = store.get_version(workspace, chats)
    info = versions.set_note(workspace, chats, "checked by Ann")
    assert info.step == {"kind": "made", "author": workspace.person, "note": "checked by Ann"}
    assert info.sha256 == before.sha256
    assert store.get_version(workspace, "a").step["note"] == "checked by Ann"
