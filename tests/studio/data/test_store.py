"""Versions are immutable, complete or absent, and can be paged, searched, renamed, deleted and brought back."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading

import pytest

from studio.data import store
from studio.data.mapping import Mapping
from studio.data.samples import WORDS, shipped_samples
from studio.data.splits import SplitSettings
from studio.errors import DataError, NotFoundError


def texts(count, start=0):
    return {"train": [{"text": f"row number {i}"} for i in range(start, start + count)]}


def test_importing_a_file(workspace, chat_file):
    info = store.import_file(workspace, chat_file(40), "support")
    assert (info.ref, info.kind, info.rows) == ("support@1", "chat", 40)
    assert info.splits == {"train": 36, "validation": 4}
    assert sorted(path.name for path in info.folder.iterdir()) == ["train.parquet", "validation.parquet"]
    assert info.folder == workspace.datasets / "support" / "v1"
    assert info.step["kind"] == "import"
    assert info.step["counts"] == {"read": 40, "kept": 40, "set_aside": 0}
    assert len(info.sha256) == 64
    assert store.get_version(workspace, "support") == info


def test_bad_rows_are_reported_and_the_rest_kept(workspace, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{broken\n{"text": ""}\n{"text": "b"}\n')
    info = store.import_file(workspace, path, "rows", split=None)
    assert info.splits == {"train": 2}
    assert [bad.line for bad in info.bad_rows] == [2, 3]
    assert info.bad_row_count == 2


def test_columns_that_are_not_clear_are_named(workspace, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("first,second\na,b\n")
    with pytest.raises(DataError, match="first, second"):
        store.import_file(workspace, path, "rows")
    info = store.import_file(workspace, path, "rows", Mapping.parse(["prompt=first", "answer=second"]))
    assert store.rows(workspace, "rows")[0]["messages"][1] == {"role": "assistant", "content": "b"}
    assert "prompt=first" in info.step["mapping"]
    with pytest.raises(DataError, match="None of the 1 rows"):
        store.import_file(workspace, path, "other", Mapping.parse(["messages=first"]))


def test_a_split_column_decides(workspace, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label,split\na,x,train\nb,y,test\nc,x,valid\n")
    info = store.import_file(workspace, path, "rows", split=SplitSettings(validation=0.5))
    assert info.splits == {"train": 1, "validation": 1, "test": 1}
    assert store.rows(workspace, "rows", "test") == [{"text": "b", "label": "y"}]
    path.write_text("text,label,split\na,x,train\nb,y,train\nc,x,train\n")
    assert store.import_file(workspace, path, "more").splits == {"train": 2, "validation": 1}


@pytest.mark.parametrize("name", ["", "a b", "../up", "a/b", "a@1", ".hidden", "-x", "x" * 81, "ü", "a~1", "a\n"])
def test_names_that_cannot_be_used(workspace, name):
    with pytest.raises(DataError, match="cannot be called"):
        store.add_version(workspace, name, "text", texts(1), {})


def test_versions_add_up_and_never_change(workspace):
    first = store.add_version(workspace, "a", "text", texts(3), {"kind": "typed"})
    before = (first.folder / "train.parquet").read_bytes()
    second = store.add_version(workspace, "a", "text", texts(5), {"kind": "more"})
    assert (second.ref, second.rows) == ("a@2", 5)
    assert (first.folder / "train.parquet").read_bytes() == before
    assert [info.number for info in store.versions(workspace, "a")] == [1, 2]
    assert store.get_version(workspace, "a@1").rows == 3
    assert store.get_version(workspace, "a").number == 2
    assert [info.ref for info in store.list_datasets(workspace)] == ["a@2"]
    with pytest.raises(DataError, match="holds text rows"):
        store.add_version(workspace, "a", "labelled", {"train": [{"text": "a", "label": "b"}]}, {})


def test_references_that_name_nothing(workspace):
    store.add_version(workspace, "a", "text", texts(1), {})
    for ref, told in (("b", "There are: a"), ("a@2", "versions 1 to 1"), ("a@x", "no version x"), ("a@", "no version")):
        with pytest.raises(NotFoundError, match=told):
            store.get_version(workspace, ref)
    with pytest.raises(NotFoundError, match="no split called test"):
        store.rows(workspace, "a", "test")


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("poem", {"text": "a"}),
        ("text", {"words": "a"}),
        ("text", {"text": None}),
        ("text", {"text": 3}),
        ("text", {"text": "\ud800"}),
        ("chat", {"messages": "hello"}),
        ("labelled", {"text": "a"}),
        ("preference", {"prompt": [], "chosen": []}),
    ],
)
def test_rows_that_do_not_fit_leave_nothing_behind(workspace, kind, row):
    with pytest.raises(DataError):
        store.add_version(workspace, "a", kind, {"train": [row]}, {})
    assert list(workspace.datasets.iterdir()) == []
    assert store.list_datasets(workspace) == []


def test_empty_datasets_and_unknown_splits_are_refused(workspace):
    for splits in ({}, {"train": []}, {"dev": [{"text": "a"}]}):
        with pytest.raises(DataError, match="cannot be stored"):
            store.add_version(workspace, "a", "text", splits, {})


def test_provenance_stands_beside_the_rows(workspace):
    row = {"text": "a", "source": "forum", "round": 2}
    store.add_version(workspace, "a", "text", {"train": [row, {"text": "b"}]}, {})
    assert store.rows(workspace, "a") == [{"text": "a", "source": "forum", "round": "2"}, {"text": "b"}]


def test_paging_and_searching(workspace):
    splits = {"train": texts(5000)["train"], "validation": texts(100, 5000)["train"]}
    store.add_version(workspace, "a", "text", splits, {})
    assert [row["text"] for row in store.rows(workspace, "a", start=3999, count=2)] == ["row number 3999", "row number 4000"]
    assert [row["text"] for row in store.rows(workspace, "a", start=4999, count=2)] == ["row number 4999", "row number 5000"]
    assert len(store.rows(workspace, "a", "validation", start=90)) == 10
    assert store.rows(workspace, "a", start=6000) == []
    assert [row["text"] for row in store.rows(workspace, "a", search="NUMBER 499", count=3)] == [
        "row number 499",
        "row number 4990",
        "row number 4991",
    ]
    assert [row["text"] for row in store.rows(workspace, "a", search="number 499", start=10)] == ["row number 4999"]
    assert store.count_rows(workspace, "a") == 5100
    assert store.count_rows(workspace, "a", "validation") == 100
    assert store.count_rows(workspace, "a", search="number 499") == 11


def test_searching_conversations(workspace, chat_file):
    store.import_file(workspace, chat_file(40), "chats", split=None)
    found = store.rows(workspace, "chats", search="the order 17 is")
    assert len(found) == 1
    assert found[0]["messages"][0]["content"] == "where is order 17"
    assert store.count_rows(workspace, "chats", search="assistant") == 0


def test_loading_for_training(workspace, chat_file, monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("the network was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    store.import_file(workspace, chat_file(20), "chats")
    loaded = store.load(workspace, "chats")
    assert {side: len(rows) for side, rows in loaded.items()} == {"train": 18, "validation": 2}
    first = loaded["train"][0]
    assert first == store.rows(workspace, "chats", count=1)[0]


def test_dividing_anew(workspace):
    store.add_version(workspace, "a", "text", texts(100), {})
    info = store.resplit(workspace, "a", SplitSettings(validation=0.2, test=0.1))
    assert info.splits == {"train": 70, "validation": 20, "test": 10}
    assert info.step["from"] == "a@1"


def test_renaming_keeps_old_references(workspace):
    store.add_version(workspace, "a", "text", texts(1), {})
    store.rename(workspace, "a", "b")
    assert store.get_version(workspace, "b@1").ref == "b@1"
    assert store.get_version(workspace, "a@1").ref == "b@1"
    assert store.rows(workspace, "a@1") == [{"text": "row number 0"}]
    store.add_version(workspace, "c", "text", texts(1), {})
    for taken in ("a", "b"):
        with pytest.raises(DataError, match="already"):
            store.rename(workspace, "c", taken)
    store.rename(workspace, "b", "a")
    assert store.get_version(workspace, "b").ref == "a@1"


def test_deleting_and_restoring(workspace):
    store.add_version(workspace, "a", "text", texts(1), {})
    store.delete_dataset(workspace, "a")
    assert store.list_datasets(workspace) == []
    assert [info.dataset for info in store.list_datasets(workspace, deleted=True)] == ["a"]
    with pytest.raises(NotFoundError):
        store.get_version(workspace, "a")
    again = store.add_version(workspace, "a", "text", texts(2), {})
    assert again.ref == "a@1"
    with pytest.raises(DataError, match="given to another"):
        store.restore_dataset(workspace, "a")
    store.rename(workspace, "a", "b")
    store.delete_dataset(workspace, "b")
    assert store.restore_dataset(workspace, "a").rows == 1
    assert store.rows(workspace, "a") == [{"text": "row number 0"}]
    assert store.restore_dataset(workspace, "b").rows == 2


def test_many_at_once(workspace):
    errors = []

    def add(number):
        try:
            store.add_version(workspace, "a", "text", texts(number + 1), {})
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    infos = store.versions(workspace, "a")
    assert [info.number for info in infos] == list(range(1, 9))
    assert sorted(info.rows for info in infos) == list(range(1, 9))


def test_a_folder_left_by_a_crash_is_replaced(workspace):
    store.add_version(workspace, "a", "text", texts(1), {})
    left = workspace.datasets / "a" / "v2"
    left.mkdir()
    (left / "train.parquet").write_bytes(b"torn")
    assert store.add_version(workspace, "a", "text", texts(2), {}).number == 2
    assert len(store.rows(workspace, "a")) == 2


def test_a_damaged_file_is_told(workspace):
    info = store.add_version(workspace, "a", "text", texts(1), {})
    (info.folder / "train.parquet").write_bytes(b"torn")
    for use in (store.load, store.rows):
        with pytest.raises(DataError, match="cannot be read"):
            use(workspace, "a")


def test_data_comes_up_without_torch():
    code = (
        "import sys, studio.data.store, studio.data.rendering, studio.data.samples;"
        "print([name for name in ('torch', 'transformers', 'datasets') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_shipped_samples_can_be_imported(workspace):
    samples = shipped_samples()
    assert {sample.name for sample in samples} >= set(WORDS)
    for sample in samples:
        assert sample.what_for
        info = store.import_file(workspace, sample.path, sample.name)
        assert info.rows
        assert bool(info.bad_rows) == (sample.name == "customers_messy")


def test_samples_without_words_follow_under_their_own_names(tmp_path, monkeypatch):
    folder = tmp_path / "samples"
    folder.mkdir()
    for name in ("a_few_more.jsonl", "support.jsonl", "README.md"):
        (folder / name).write_text(json.dumps({"text": "a"}))
    monkeypatch.setattr("studio.data.samples.assets_dir", lambda: tmp_path)
    assert [(sample.name, sample.title) for sample in shipped_samples()] == [
        ("support", "Customer support"),
        ("a_few_more", "A few more"),
    ]
