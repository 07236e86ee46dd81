"""What the Data tab shows and does, without a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app import dataset_care, dataset_import, dataset_row_detail, dataset_rows, dataset_versions
from app.mapping_form import fields_for, parts_for
from app.tabs import data
from studio.data import rows, store
from studio.data.quality import report
from studio.data.rows import RowFilter
from studio.errors import DataError
from studio.models import registry
from studio.workspace import Workspace

EVIL = "<img src=x onerror=window.pwned=1>"


@pytest.fixture
def chats(workspace: Workspace, chat_file: Callable[..., Path]) -> str:
    return store.import_file(workspace, chat_file(120), "chats").ref


def test_the_list_counts_and_filters(workspace: Workspace, chats: str, label_file: Callable[..., Path]) -> None:
    store.import_file(workspace, label_file(), "labels")
    heading, table = data.datasets_table(workspace, "", chats)
    assert "Datasets (2)" in heading
    assert 'data-key="labels"' in table
    assert 'data-key="chats" tabindex="0" aria-current="true"' in table
    _, table = data.datasets_table(workspace, "LAB", chats)
    assert "labels" in table
    assert "chats" not in table


def test_the_title_says_how_the_version_was_made(workspace: Workspace, chats: str) -> None:
    title = data.title_of(workspace, chats)
    assert "v1, 120 rows" in title
    assert "108 train, 12 validation" in title
    assert "from chats.jsonl" in title


def test_the_list_says_what_the_last_report_found(workspace: Workspace, chats: str) -> None:
    assert data.verdict_badge(workspace, chats) == ""
    verdict = report(workspace, chats).verdict
    count = verdict.split()[0]
    assert data.verdict_badge(workspace, chats) in data.datasets_table(workspace, "", chats)[1]
    assert (">Ready<" if verdict == "Ready" else f">{count} to fix<") in data.verdict_badge(workspace, chats)


def test_rows_come_in_pages_of_fifty(workspace: Workspace, chats: str) -> None:
    markup, words, start, more = dataset_rows.page_of(workspace, chats, RowFilter(), 50)
    assert (start, more) == (50, True)
    assert words == "51–100 of 120"
    assert markup.count("data-key=") == 50
    _, words, start, more = dataset_rows.page_of(workspace, chats, RowFilter(), 900)
    assert (start, more) == (100, False)
    assert words == "101–120 of 120"


def test_search_and_split_narrow_the_rows(workspace: Workspace, chats: str) -> None:
    markup, words, _, more = dataset_rows.page_of(workspace, chats, RowFilter(search="ORDER 77"), 0)
    assert words == "1–1 of 1 match"
    assert "where is order 77" in markup
    assert not more
    _, words, _, _ = dataset_rows.page_of(workspace, chats, RowFilter(split="validation"), 0)
    assert words == "1–12 of 12"
    markup, words, _, _ = dataset_rows.page_of(workspace, chats, RowFilter(search="nothing like it"), 0)
    assert words == "0 rows"
    assert "No row holds" in markup


def test_markup_in_rows_is_text(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "evil.csv"
    path.write_text(f'text,label\n"{EVIL}","{EVIL}"\n"plain","good"\n')
    ref = store.import_file(workspace, path, "evil").ref
    markup, *_ = dataset_rows.page_of(workspace, ref, RowFilter(), 0)
    row = rows.get(workspace, ref, "train", 0)
    for text in (markup, dataset_row_detail.row_detail(workspace, ref, row, "Conversation", "", "assistant", 512)):
        assert "<img" not in text
        assert "&lt;img src=x" in text


def test_the_token_view_tells_trained_from_masked_and_cut(workspace: Workspace, chats: str, tiny_model: Path) -> None:
    registry.add_local(workspace, tiny_model, "tiny")
    row = rows.get(workspace, chats, "train", 0)
    whole = dataset_row_detail.row_detail(workspace, chats, row, "Tokens", "tiny", "assistant", 512)
    assert "<dt>Cut</dt><dd>0 tokens</dd>" in whole
    assert 'class="span trained" title="trained on: ' in whole
    assert 'class="span masked" title="read only: ' in whole
    short = dataset_row_detail.row_detail(workspace, chats, row, "Tokens", "tiny", "assistant", 12)
    assert 'class="span cut" title="cut: ' in short
    counts = dataset_row_detail.count_tokens(workspace, chats, "tiny", "assistant", 512)
    assert "120 rows" in counts


def test_a_known_file_is_recognised_with_its_name(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "My alpaca (1).json"
    path.write_text(json.dumps([{"instruction": f"say {i}", "input": "", "output": f"it is {i}"} for i in range(12)]))
    upload = dataset_import.look_at(path)
    assert upload.name == "My-alpaca-1"
    assert "recognised" in upload.status
    assert "% sure" in dataset_import.said(upload)
    shown = dataset_import.preview(upload, upload.mapping)
    assert shown.count("preview-row") == 3
    version = dataset_import.bring_in(workspace, upload, upload.name, upload.mapping, 0.1)
    assert (version.kind, version.rows) == ("chat", 12)


def test_an_unknown_file_is_mapped_by_hand(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("zzz,yyy,xxx\n" + "".join(f"one {i},two {i},three {i}\n" for i in range(10)))
    upload = dataset_import.look_at(path)
    assert upload.mapping is None
    assert "zzz, yyy, xxx" in dataset_import.said(upload)
    with pytest.raises(DataError):
        dataset_import.bring_in(workspace, upload, "odd", None, 0.1)
    mapping = dataset_import.mapping_from("chat", {"prompt": "{zzz}\\n\\n{xxx}", "answer": "yyy", "label": "xxx"})
    assert "one 0\n\nthree 0" in dataset_import.preview(upload, mapping)
    version = dataset_import.bring_in(workspace, upload, "odd", mapping, 0)
    assert store.rows(workspace, version.ref)[0]["messages"][0]["content"] == "one 0\n\nthree 0"


def test_the_mapping_form_shows_the_parts_of_the_kind(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("zzz,yyy\n" + "a,b\n" * 5)
    upload = dataset_import.look_at(path)
    shown = {name for name, update in zip(dataset_import.PARTS, parts_for(upload, "labelled"), strict=True) if update["visible"]}
    assert shown == {"text", "label", "split"}
    assert fields_for(upload)[0]["value"] == "chat"


def test_bad_rows_are_counted_with_line_and_reason(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    good = json.dumps({"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "good day"}]})
    path.write_text(good + "\n" + '{"messages": \n' + good.replace("hello", "hi") + "\n")
    upload = dataset_import.look_at(path)
    shown = dataset_import.preview(upload, upload.mapping)
    assert "1 row cannot be used" in shown
    assert '<td class="number">2</td>' in shown
    version = dataset_import.bring_in(workspace, upload, "half", upload.mapping, 0)
    assert "1 row cannot be used" in dataset_import.outcome(version)


def test_a_file_that_is_no_data_gives_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    upload = dataset_import.look_at(path)
    assert upload.status == "cannot be read"
    assert "picture.csv" in dataset_import.said(upload)
    assert 'role="alert"' in dataset_import.said(upload)


def test_a_sample_is_taken_once(workspace: Workspace) -> None:
    from studio.data.samples import shipped_samples

    name = shipped_samples()[0].name
    first = dataset_import.take_sample(workspace, name)
    assert dataset_import.take_sample(workspace, name).ref == first.ref


def test_dividing_anew_makes_a_version(workspace: Workspace, chats: str) -> None:
    version = dataset_care.divide(workspace, chats, 25, 5, 7)
    assert (version.number, version.splits) == (2, {"train": 84, "validation": 30, "test": 6})
    assert "divided anew from chats@1, seed 7" in dataset_versions.versions_table(workspace, version.ref)
    with pytest.raises(DataError, match="0 to 50"):
        dataset_care.divide(workspace, chats, 90, 0, 7)
