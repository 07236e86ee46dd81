"""The mapping form: other readings, roles and verdicts that a person names, saved mappings, and the rows as a model reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app import dataset_import, html, mapping_form
from app.dataset_import import PARTS, Upload
from studio.data import store
from studio.data.mapping import Mapping
from studio.data.saved_mappings import save_mapping
from studio.models import registry
from studio.workspace import Workspace
from tests.tiny import make_model


@pytest.fixture
def calls(tmp_path: Path) -> Upload:
    path = tmp_path / "calls.jsonl"
    talk = [{"role": "Client", "content": "where is my order"}, {"role": "Agent", "content": "at the shop"}]
    path.write_text("".join(json.dumps({"talk": talk, "desk": "b"}) + "\n" for _ in range(5)))
    return dataset_import.look_at(path)


def form(mapping: Mapping, asked: list[tuple[str, str]] | None = None, answers: tuple[str, ...] = ()) -> list[Any]:
    """The values of a form that says this."""
    given = mapping.sources()
    return ["", asked or [], mapping.kind, *(given.get(name, "") for name in PARTS), *answers]


def test_roles_are_asked_for_and_never_guessed(workspace: Workspace, calls: Upload) -> None:
    mapping = Mapping.parse("messages=talk")
    asked, *changes, shown = mapping_form.look_again(workspace, calls, form(mapping))
    assert asked == [("role", "Client"), ("role", "Agent")]
    assert [change["label"] for change in changes if change["visible"]] == ["Who is “Client”?", "Who is “Agent”?"]
    assert {change["value"] for change in changes} == {""}
    assert "5 rows" in shown
    values = form(mapping, asked, ("user", "assistant"))
    *_, shown = mapping_form.look_again(workspace, calls, values)
    assert "5 rows can be used" in shown
    version = dataset_import.bring_in(workspace, calls, "calls", mapping_form.mapping_of(calls, values), 0)
    assert [message["role"] for message in store.rows(workspace, version.ref)[0]["messages"]] == ["user", "assistant"]


def test_names_are_forgotten_when_something_else_is_asked(workspace: Workspace, calls: Upload) -> None:
    values = form(Mapping.parse("messages=talk"), [("role", "Somebody")], ("user",))
    asked, *changes, _ = mapping_form.look_again(workspace, calls, values)
    assert asked[0] == ("role", "Client")
    assert changes[0]["value"] == ""


def test_verdicts_are_asked_for_in_the_words_of_the_kind(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("prompt,response_a,response_b,winner\n" + "q,x,y,left\nq,x,y,right\n" * 3)
    upload = dataset_import.look_at(path)
    assert upload.mapping is None
    assert "comparison" in dataset_import.readings_table(upload)
    dataset_import.take(upload, upload.readings[0])
    asked, first, *_ = mapping_form.asked_for(upload, upload.mapping)
    assert asked == [("verdict", "left"), ("verdict", "right")]
    assert ("the first answer is better", "a") in first["choices"]
    mapping = mapping_form.mapping_of(upload, form(upload.mapping, asked, ("a", "b")))
    assert mapping.verdicts == {"left": "a", "right": "b"}
    assert "6 rows can be used" in dataset_import.preview(upload, mapping)


def test_a_saved_mapping_is_filled_in_for_the_next_file(workspace: Workspace, calls: Upload) -> None:
    save_mapping(workspace, "desk", Mapping.parse("messages=talk\nrole.Client=user\nrole.Agent=assistant"))
    again = dataset_import.look_at(calls.path, workspace)
    assert (again.saved, again.understood) == ("desk", True)
    assert "the saved mapping desk fits" in dataset_import.said(again)
    assert again.status == "fits the saved mapping desk"
    _, saved, forget, *_ = mapping_form.updates(workspace, again)
    assert (saved["choices"], saved["value"], forget["visible"]) == (["desk"], "desk", True)
    assert "5 rows can be used" in dataset_import.preview(again, again.mapping)


def test_tables_of_the_mapping_survive_the_form(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"prompt": "q", "response_0": "x", "response_1": "y", "better_response_id": 1, "source": "forum"}) + "\n")
    upload = dataset_import.look_at(path)
    assert mapping_form.mapping_of(upload, form(upload.mapping)) == upload.mapping
    assert upload.mapping.keep == {"source": "source"}
    assert upload.mapping.verdicts == {"0": "a", "1": "b"}


def test_the_preview_shows_rows_as_a_model_reads_them(workspace: Workspace, tmp_path: Path) -> None:
    registry.add_local(workspace, make_model(tmp_path / "tiny"), "tiny")
    path = tmp_path / "shop.csv"
    path.write_text("question,answer\n" + "where is the shop,at five\n" * 3)
    upload = dataset_import.look_at(path)
    shown = mapping_form.updates(workspace, upload, "tiny")[-1]
    assert "&lt;|user|&gt;where is the shop&lt;|end|&gt;" in shown
    assert 'class="span trained"' in shown
    assert "at five&lt;|end|&gt;</span>" in shown


def test_rows_with_tools_are_readable() -> None:
    calls = json.dumps([{"type": "function", "function": {"name": "hour", "arguments": {"zone": "<b>é"}}}])
    shown = html.row_view(
        {"messages": [{"role": "assistant", "content": "", "tool_calls": calls}, {"role": "tool", "content": "9", "name": "hour"}]}
    )
    assert "calls hour with {&quot;zone&quot;: &quot;&lt;b&gt;é&quot;}" in shown
    assert "(empty)" not in shown
    assert "Tool hour" in shown
