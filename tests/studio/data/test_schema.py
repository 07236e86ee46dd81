"""Every kind of row is stored and read back as it was, with tool turns and without, and its texts are found."""

from __future__ import annotations

import pytest

from studio.data import store
from studio.data.schema import KINDS, answer_text, features, message_lists, row_text, schema_for, schema_of, to_table
from studio.data.splits import SplitSettings
from studio.errors import DataError
from tests.studio.data.sample_rows import CALL, ROWS, TOOLS, assistant, user


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_read_back_as_they_were_stored(workspace, kind):
    store.add_version(workspace, "data", kind, {"train": ROWS[kind]}, {"kind": "test"})
    assert store.rows(workspace, "data") == ROWS[kind]
    assert store.rows(workspace, store.resplit(workspace, "data", SplitSettings(validation=0)).ref) == ROWS[kind]


def test_rows_without_tools_have_the_columns_that_they_always_had():
    schema = schema_of("chat", ROWS["chat"][:1])
    assert str(schema.field("messages").type) == "list<item: struct<role: string, content: string>>"
    assert schema.names == ["messages"]


def test_a_schema_for_rows_that_come_in_parts():
    found = features(ROWS["chat"][:1], "chat") | features(ROWS["chat"][1:], "chat")
    assert schema_for("chat", found) == schema_of("chat", ROWS["chat"])
    assert to_table("chat", ROWS["chat"][:1], schema_for("chat", found)).num_rows == 1


def test_what_a_kind_cannot_hold_is_refused():
    with pytest.raises(DataError, match="cannot hold colour"):
        schema_of("text", [{"text": "a", "colour": "b"}])
    with pytest.raises(DataError, match="cannot hold messages' weight"):
        schema_of("chat", [{"messages": [{**user("q"), "weight": 1}, assistant("a")]}])
    with pytest.raises(DataError, match="cannot hold tools"):
        schema_of("labelled", [{"text": "a", "label": "b", "tools": TOOLS}])


def test_texts_of_rows():
    assert row_text(ROWS["chat"][1], "chat").splitlines() == ["hour?", CALL["tool_calls"], "nine", "at nine"]
    assert row_text(ROWS["preference"][0], "preference") == "q\na\nb"
    assert row_text(ROWS["ranking"][0], "ranking").startswith("q\na\n")
    assert row_text(ROWS["labelled"][0], "labelled") == "a film"
    answers = {kind: answer_text(ROWS[kind][0], kind) for kind in KINDS}
    assert answers["chat"] == answers["preference"] == answers["unpaired"] == answers["rating"] == "a"
    assert (answers["prompt"], answers["text"], answers["labelled"]) == ("", "once", "good")
    assert answers["ranking"].endswith("\nb")


@pytest.mark.parametrize("kind", KINDS)
def test_changes_to_message_lists_stay_in_the_row(kind):
    row = {key: [*value] if isinstance(value, list) else value for key, value in ROWS[kind][0].items()}
    lists = message_lists(row, kind)
    assert len(lists) == {"chat": 1, "preference": 3, "unpaired": 2, "rating": 2, "ranking": 3, "prompt": 1}.get(kind, 0)
    for messages in lists:
        messages.append(user("more"))
    assert row_text(row, kind).count("more") == len(lists)
