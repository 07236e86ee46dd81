"""A mapping made for one file is kept as YAML and offered for the next file with its columns."""

from __future__ import annotations

import pytest

from studio.data.mapping import Mapping
from studio.data.saved_mappings import delete_mapping, folder, load_mapping, mappings, save_mapping, suggest_mappings
from studio.errors import DataError, NotFoundError

TICKETS = Mapping.parse("prompt={subject}\\n\\n{body}\nanswer=reply\nsystem=Be brief, {agent}.\nrole.Kunde=user\nkeep.source=channel")


def test_a_mapping_comes_back_as_it_was_saved(workspace):
    save_mapping(workspace, "Tickets 2024", TICKETS)
    assert mappings(workspace) == ["Tickets 2024"]
    assert load_mapping(workspace, "Tickets 2024") == TICKETS
    assert "prompt:" in (folder(workspace) / "Tickets 2024.yaml").read_text()
    other = Mapping.parse("text=body\nlabel=topic")
    save_mapping(workspace, "Tickets 2024", other)
    assert load_mapping(workspace, "Tickets 2024") == other
    delete_mapping(workspace, "Tickets 2024")
    assert mappings(workspace) == []


def test_mappings_are_suggested_where_all_their_columns_exist(workspace):
    save_mapping(workspace, "tickets", TICKETS)
    save_mapping(workspace, "topics", Mapping.parse("text=body\nlabel=reply"))
    columns = ["subject", "body", "reply", "agent", "channel", "id"]
    assert suggest_mappings(workspace, columns) == ["tickets", "topics"]
    assert suggest_mappings(workspace, columns[1:]) == ["topics"]
    assert suggest_mappings(workspace, ["a"]) == []
    (folder(workspace) / "broken.yaml").write_text("kind: poem")
    assert suggest_mappings(workspace, ["body", "reply"]) == ["topics"]
    with pytest.raises(DataError, match="cannot be read"):
        load_mapping(workspace, "broken")


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".hidden", "x" * 81])
def test_names_that_no_mapping_can_have(workspace, name):
    with pytest.raises(DataError, match="cannot be called"):
        save_mapping(workspace, name, TICKETS)


def test_mappings_that_are_not_there(workspace):
    with pytest.raises(NotFoundError, match="no mapping called x"):
        load_mapping(workspace, "x")
    with pytest.raises(NotFoundError, match="no mapping called x"):
        delete_mapping(workspace, "x")
