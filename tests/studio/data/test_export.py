"""What is exported can be read by others and comes back as the same rows."""

from __future__ import annotations

import csv
import json
import zipfile

import pytest
import yaml

from studio.data import edits, export, store
from studio.data.schema import KINDS
from studio.errors import DataError, NotFoundError
from tests.studio.data.examples import rows_of, said


@pytest.mark.parametrize("format", export.FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back_as_it_was(workspace, tmp_path, kind, format):
    made = rows_of(kind)
    store.add_version(workspace, "a", kind, {"train": made[:4], "test": made[4:]}, {})
    train, test, card = export.export(workspace, "a", tmp_path / "out", format)
    assert [path.name for path in (train, test, card)] == [f"train.{format}", f"test.{format}", "README.md"]
    for path, rows in ((train, made[:4]), (test, made[4:])):
        info = store.import_file(workspace, path, f"back-{path.stem}", split=None)
        assert (info.kind, info.bad_rows) == (kind, [])
        assert store.rows(workspace, info.ref) == rows


def test_tools_are_written_as_templates_take_them(workspace, tmp_path):
    call = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    row = {
        "messages": [
            {"role": "user", "content": "Will it rain?"},
            {"role": "assistant", "content": "", "tool_calls": json.dumps([call])},
            {"role": "tool", "content": "yes", "name": "weather"},
            *said("It will."),
        ],
        "tools": json.dumps([tool]),
    }
    store.add_version(workspace, "a", "chat", {"train": [row, *rows_of("chat")]}, {})
    path, _ = export.export(workspace, "a", tmp_path / "out")
    written = json.loads(path.read_text().splitlines()[0])
    assert written["messages"][1]["tool_calls"] == [call]
    assert written["tools"] == [tool]
    assert store.rows(workspace, store.import_file(workspace, path, "back", split=None).ref) == [row, *rows_of("chat")]


def test_formulas_in_a_csv_are_text(workspace, tmp_path):
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "fine = 1"]
    store.add_version(workspace, "a", "labelled", {"train": [{"text": text, "label": "=x"} for text in evil]}, {})
    path, card = export.export(workspace, "a", tmp_path / "out", "csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [*(f"'{text}" for text in evil[:-1]), "fine = 1"]
    assert {row["label"] for row in rows} == {"'=x"}
    assert "apostrophe" in card.read_text()


def test_the_card_says_where_the_rows_come_from(workspace, chat_file, tmp_path):
    info = store.import_file(workspace, chat_file(40), "chats")
    edits.remove(workspace, info.ref, "train", 0, "ann")
    edits.commit(workspace, info.ref, "ann", "one was *wrong*")
    card = export.export(workspace, "chats", tmp_path / "out", licence="cc-by-4.0")[-1].read_text()
    _, head, body = card.split("---\n", 2)
    assert yaml.safe_load(head)["license"] == "cc-by-4.0"
    assert yaml.safe_load(head)["configs"][0]["data_files"][0] == {"split": "train", "path": "train.jsonl"}
    for words in (
        "39 rows of kind `chat`",
        "| train | 35 |",
        "`chats.jsonl`",
        "Licence: cc-by-4.0",
        "**edit** by ann",
        "removed 1",
        r"\*wrong\*",
    ):
        assert words in body
    assert "not stated" in export.export(workspace, "chats@1", tmp_path / "other")[-1].read_text()


def test_an_export_overwrites_nothing_and_leaves_nothing_half(workspace, tmp_path):
    store.add_version(workspace, "a", "text", {"train": rows_of("text"), "test": [{"text": "last"}]}, {})
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(DataError, match=r"has a README\.md already"):
        export.export(workspace, "a", tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
    assert not (tmp_path / "train.jsonl").exists()
    with pytest.raises(DataError, match="exported as 'xls'"):
        export.export(workspace, "a", tmp_path / "b", "xls")
    with pytest.raises(NotFoundError, match="no split called dev"):
        export.export(workspace, "a", tmp_path / "b", splits=["dev"])
    with pytest.raises(DataError, match="cannot be written"):
        export.export(workspace, "a", tmp_path / "README.md" / "below")
    assert [path.name for path in export.export(workspace, "a", tmp_path / "b", splits=["test"])] == ["test.jsonl", "README.md"]


def test_an_archive_for_a_download(workspace, tmp_path):
    store.add_version(workspace, "a", "text", {"train": rows_of("text")}, {})
    path = export.archive(workspace, "a", tmp_path, "csv")
    assert path == tmp_path / "a-v1-csv.zip"
    assert sorted(zipfile.ZipFile(path).namelist()) == ["a-v1-csv/", "a-v1-csv/README.md", "a-v1-csv/train.csv"]
    assert list(tmp_path.glob("a-v1-csv")) == []
