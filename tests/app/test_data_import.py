"""The import panel beyond an upload: the inbox, how a file is read, several files as one dataset, progress, and the rows set aside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import openpyxl
import pytest

from app import dataset_aside, dataset_import, dataset_import_form, dataset_sources
from app.page import Page
from studio.data import store
from studio.data.formats import ReadSettings
from studio.session import Studio
from studio.workspace import Workspace


class Pick:
    """The choice of a row in a table."""

    def __init__(self, key: str) -> None:
        self.key = key


class Panel:
    """The panel with its handlers, called as the browser would; what one handler puts into the fields the next one finds there."""

    def __init__(self, workspace: Workspace) -> None:
        with gr.Blocks() as demo:
            self.form = dataset_import_form.build(Page(Studio(workspace.root)))
        self.handlers = {getattr(fn.fn, "__name__", ""): fn for fn in demo.fns.values()}
        self.values: dict[int, Any] = {}

    def take(self, name: str, output: tuple[Any, ...]) -> tuple[Any, ...]:
        outputs = self.handlers[name].outputs
        assert len(outputs) == len(output)
        for component, value in zip(outputs, output, strict=True):
            if not isinstance(value, dict) or "value" in value or "__type__" not in value:
                self.values[component._id] = value["value"] if isinstance(value, dict) and "__type__" in value else value
        return output

    def inputs(self, name: str) -> list[Any]:
        return [self.values.get(component._id, getattr(component, "value", None)) for component in self.handlers[name].inputs]

    def call(self, name: str, *before: Any) -> list[tuple[Any, ...]]:
        """Run a handler with what stands in its inputs; gives each of its outputs."""
        result = self.handlers[name].fn(*before, *self.inputs(name))
        return [self.take(name, result)] if isinstance(result, tuple) else [self.take(name, output) for output in result]


@pytest.fixture
def panel(workspace: Workspace) -> Panel:
    (workspace.inbox / "a.jsonl").write_text("".join(json.dumps({"text": f"row {i}"}) + "\n" for i in range(10)))
    (workspace.inbox / "b.csv").write_text("text\n" + "".join(f"line {i}\n" for i in range(5)) + '"never closed\n')
    return Panel(workspace)


def test_the_inbox_is_listed_and_its_files_become_one_dataset(panel: Panel, workspace: Workspace) -> None:
    table = panel.form.reset()[6]
    assert 'data-key="a.jsonl"' in table
    assert 'data-key="b.csv"' in table
    for name in ("a.jsonl", "b.csv"):
        panel.call("from_inbox", Pick(name))
    *_, last = panel.call("run_together", None)
    assert last[-2] == "b@1"
    assert store.get_version(workspace, "b").rows == 15
    assert {row["source"] for row in store.rows(workspace, "b")} == {"a.jsonl", "b.csv"}


def test_one_file_after_the_other_and_all_at_once(panel: Panel, workspace: Workspace) -> None:
    for name in ("a.jsonl", "b.csv"):
        panel.call("from_inbox", Pick(name))
    *_, last = panel.call("run", None)
    assert "Imported b version 1: 5 rows" in last[-3]
    assert last[-2] == ""
    *_, last = panel.call("run_all", None)
    assert last[-2] == "a@1"
    assert not store.get_version(workspace, "a").bad_rows


def test_a_refusal_stands_where_it_was_asked_for(panel: Panel) -> None:
    panel.call("from_inbox", Pick("a.jsonl"))
    values = panel.inputs("run")
    values[2] = "../up"
    *_, last = panel.handlers["run"].fn(None, *values)
    assert "cannot be called" in last[-3]


def test_how_a_file_is_read_can_be_said(workspace: Workspace, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["text", "label"])
    book.active.append(["fine", "good"])
    book.create_sheet("Questions").append(["prompt", "completion"])
    book["Questions"].append(["ask", "tell"])
    book.save(tmp_path / "book.xlsx")
    row, encoding, delimiter, sheet, text_rows = dataset_sources.reading_updates(tmp_path / "book.xlsx", ReadSettings(), True)
    assert [change["visible"] for change in (row, encoding, delimiter, sheet, text_rows)] == [True, False, False, True, False]
    assert [value for _, value in sheet["choices"]] == ["", "Sheet", "Questions"]
    settings = dataset_sources.settings_of(("", "", "Questions", "auto"))
    upload = dataset_import.look_at(tmp_path / "book.xlsx", workspace, settings)
    assert upload.columns == ["prompt", "completion"]
    assert "there are also: Sheet" in dataset_import.said(upload)
    version = dataset_import.bring_in(workspace, upload, "asked", upload.mapping, 0)
    assert store.rows(workspace, version.ref)[0]["messages"][1]["content"] == "tell"


def test_the_rows_set_aside_can_be_downloaded(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{broken\n')
    ref = store.import_file(workspace, path, "rows", split=None).ref
    copy = dataset_aside.bad_rows_copy(workspace, ref)
    assert copy is not None
    assert Path(copy).name == "rows-v1-set-aside.jsonl"
    assert json.loads(Path(copy).read_text())["text"] == "{broken"
    store.add_version(workspace, "clean", "text", {"train": [{"text": "a"}]}, {})
    assert dataset_aside.bad_rows_copy(workspace, "clean@1") is None


@pytest.mark.parametrize(("count", "words"), [(0, "0 bytes"), (1200, "1.2 KB"), (34_000_000, "34 MB"), (3_400_000_000, "3.4 GB")])
def test_sizes_in_words(count: int, words: str) -> None:
    assert dataset_sources.size_words(count) == words
