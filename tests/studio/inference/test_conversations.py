"""Saved conversations: nothing typed is lost, and they become training data."""

from __future__ import annotations

import pytest

from studio.data import store
from studio.errors import DataError, NotFoundError
from studio.inference.conversations import (
    delete_conversation,
    get_conversation,
    list_conversations,
    restore_conversation,
    save_conversation,
    to_dataset,
)
from studio.inference.sampling import Sampling


def turns(*texts: str) -> list[dict[str, str]]:
    return [{"role": "assistant" if index % 2 else "user", "content": text} for index, text in enumerate(texts)]


def test_a_conversation_is_continued_under_its_number(workspace):
    saved = save_conversation(workspace, "starter", turns("hello", "hi"), Sampling(temperature=0.2))
    more = save_conversation(workspace, "starter", turns("hello", "hi", "where", "here"), id=saved.id, title="Greeting")
    assert more.id == saved.id
    found = get_conversation(workspace, saved.id)
    assert (found.messages, found.title) == (turns("hello", "hi", "where", "here"), "Greeting")
    assert len(list_conversations(workspace)) == 1


def test_a_changed_conversation_becomes_a_new_one(workspace):
    saved = save_conversation(workspace, "starter", turns("hello", "hi", "more", "yes"))
    other = save_conversation(workspace, "starter", turns("hello", "another answer"), id=saved.id)
    assert other.id != saved.id
    assert get_conversation(workspace, saved.id).messages == turns("hello", "hi", "more", "yes")
    assert [c.id for c in list_conversations(workspace)] == [other.id, saved.id]


def test_the_title_is_the_first_question_shortened(workspace):
    assert save_conversation(workspace, "starter", turns("hello  there\nyou")).title == "hello there you"
    assert len(save_conversation(workspace, "starter", turns("word " * 50)).title) <= 60


def test_nothing_said_and_unknown_numbers_are_refused(workspace):
    with pytest.raises(DataError):
        save_conversation(workspace, "starter", [{"role": "system", "content": "be kind"}])
    for call in (get_conversation, delete_conversation):
        with pytest.raises(NotFoundError):
            call(workspace, 7)
    with pytest.raises(NotFoundError):
        save_conversation(workspace, "starter", turns("hello"), id=7)


def test_a_deletion_can_be_undone(workspace):
    saved = save_conversation(workspace, "starter", turns("hello", "hi"), Sampling(seed=3))
    gone = delete_conversation(workspace, saved.id)
    assert list_conversations(workspace) == []
    assert restore_conversation(workspace, gone).id == saved.id
    assert get_conversation(workspace, saved.id).messages == saved.messages
    assert get_conversation(workspace, saved.id).settings["seed"] == 3


def test_conversations_become_a_new_version_of_a_dataset(workspace):
    ids = [save_conversation(workspace, "starter", turns(f"q{i}", f"a{i}", "unanswered")).id for i in range(3)]
    first = to_dataset(workspace, ids[:2], "talks")
    assert (first.ref, first.kind, first.splits) == ("talks@1", "chat", {"train": 2})
    second = to_dataset(workspace, ids, "talks")
    assert (second.ref, second.splits) == ("talks@2", {"train": 3})
    rows = store.rows(workspace, "talks", "train")
    assert [row["messages"] for row in rows] == [turns(f"q{i}", f"a{i}") for i in range(3)]
    assert store.get_version(workspace, "talks@1").rows == 2


def test_other_splits_of_the_dataset_stay(workspace):
    splits = {"train": [{"messages": turns("t", "a")}], "validation": [{"messages": turns("v", "a")}]}
    store.add_version(workspace, "talks", "chat", splits, {"kind": "import"})
    to_dataset(workspace, [save_conversation(workspace, "starter", turns("new", "answer")).id], "talks")
    assert store.get_version(workspace, "talks").splits == {"train": 2, "validation": 1}


def test_what_cannot_be_added_is_said(workspace):
    silent = save_conversation(workspace, "starter", turns("hello"))
    with pytest.raises(DataError, match="None of these"):
        to_dataset(workspace, [silent.id], "talks")
    store.add_version(workspace, "marks", "labelled", {"train": [{"text": "a", "label": "b"}]}, {"kind": "import"})
    with pytest.raises(DataError, match="labelled rows"):
        to_dataset(workspace, [save_conversation(workspace, "starter", turns("q", "a")).id], "marks")
