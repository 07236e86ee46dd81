"""Files become versions in bounded memory; what cannot be used is kept for mending; nothing is half imported."""

from __future__ import annotations

import gzip
import json
import threading
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest

from studio.data import hub, store
from studio.data.formats import ReadSettings
from studio.data.importing import suggest_name
from studio.data.inbox import inbox, inbox_file
from studio.data.mapping import Mapping
from studio.data.similar import Stopped
from studio.data.splits import SplitSettings
from studio.errors import DataError, NotFoundError
from studio.network import allow_network
from studio.workspace import Workspace


def texts(path: Path, count: int, start: int = 0) -> Path:
    path.write_text("".join(json.dumps({"text": f"row number {i}"}) + "\n" for i in range(start, start + count)))
    return path


def left_behind(workspace: Workspace) -> list[Path]:
    return list(workspace.datasets.iterdir())


def test_memory_does_not_grow_with_the_file(workspace, tmp_path):
    path = tmp_path / "rows.jsonl"
    with path.open("w") as file:
        for i in range(12_000):
            file.write(json.dumps({"text": f"row number {i} " + "x" * 2000}) + "\n")
    store.import_file(workspace, texts(tmp_path / "warm.jsonl", 3), "warm")
    tracemalloc.start()
    info = store.import_file(workspace, path, "rows")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert info.rows == 12_000
    assert peak < path.stat().st_size
    assert path.stat().st_size > 20_000_000


def test_splits_are_those_of_rows_held_in_memory(workspace, chat_file):
    """Rows that are read batch by batch are divided as those that are given at once, and keep their order."""
    path = chat_file(5000)
    settings = SplitSettings(validation=0.2, test=0.1, seed=7)
    streamed = store.import_file(workspace, path, "streamed", split=settings)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    store.add_version(workspace, "held", "chat", {"train": rows}, {})
    held = store.resplit(workspace, "held", settings)
    assert streamed.splits == held.splits == {"train": 3500, "validation": 1000, "test": 500}
    for side in held.splits:
        assert store.rows(workspace, "streamed", side, count=5000) == store.rows(workspace, held.ref, side, count=5000)
    assert streamed.sha256 == held.sha256


def test_all_bad_rows_are_kept_with_what_they_hold(workspace, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{broken\n{"text": ""}\n' + "[1]\n" * 150 + '{"text": "b"}\n')
    info = store.import_file(workspace, path, "rows", split=None)
    assert info.bad_row_count == 152
    assert len(info.bad_rows) < 152
    kept = [json.loads(line) for line in store.bad_rows_file(workspace, "rows").read_text().splitlines()]
    assert len(kept) == 152
    assert (kept[0]["line"], kept[0]["text"]) == (2, "{broken")
    assert "not valid JSON" in kept[0]["reason"]
    assert (kept[1]["line"], kept[1]["text"]) == (3, '{"text": ""}')
    assert kept[-1]["line"] == 153
    store.add_version(workspace, "clean", "text", {"train": [{"text": "a"}]}, {})
    with pytest.raises(NotFoundError, match="No rows were set aside"):
        store.bad_rows_file(workspace, "clean")


def test_bytes_that_are_no_text_are_kept_readable(workspace, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"text\n" + "schön\n".encode() * 40 + b"sch\xf6n\n")
    info = store.import_file(workspace, path, "rows", Mapping(kind="text", text="text"), split=None)
    assert (info.rows, info.bad_row_count) == (40, 1)
    assert json.loads(store.bad_rows_file(workspace, "rows").read_text())["line"] == 42


def test_several_files_become_one_dataset(workspace, tmp_path):
    first, second = texts(tmp_path / "a.jsonl", 3), tmp_path / "b.csv"
    second.write_text("text\nfrom the other file\n\n")
    (info,) = store.import_files(workspace, [first, second], "both", together=True, split=None)
    assert info.rows == 4
    assert store.rows(workspace, "both")[0] == {"text": "row number 0", "source": "a.jsonl"}
    assert store.rows(workspace, "both")[3] == {"text": "from the other file", "source": "b.csv"}
    assert [(file["name"], file["kept"]) for file in info.step["files"]] == [("a.jsonl", 3), ("b.csv", 1)]
    odd = tmp_path / "c.csv"
    odd.write_text("xxx,yyy\nask,tell\n")
    with pytest.raises(DataError, match="xxx, yyy"):
        store.import_files(workspace, [first, odd], "mapped", together=True)
    mappings = [None, Mapping(kind="text", text="{xxx} {yyy}")]
    (info,) = store.import_files(workspace, [first, odd], "mapped", together=True, mapping=mappings, split=None)
    assert store.rows(workspace, "mapped")[3]["text"] == "ask tell"


def test_several_files_become_several_datasets(workspace, tmp_path):
    paths = [texts(tmp_path / "My first.jsonl", 3), texts(tmp_path / "b.jsonl", 5)]
    infos = store.import_files(workspace, paths)
    assert [(info.dataset, info.rows) for info in infos] == [("My-first", 3), ("b", 5)]
    assert [info.dataset for info in store.import_files(workspace, paths, "x")] == ["x-My-first", "x-b"]
    broken = tmp_path / "c.csv"
    broken.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(DataError, match=r"c\.csv is an image"):
        store.import_files(workspace, [texts(tmp_path / "new.jsonl", 3), broken])
    with pytest.raises(NotFoundError):
        store.get_version(workspace, "new")


def test_files_of_different_kinds_do_not_become_one(workspace, tmp_path, chat_file, label_file):
    with pytest.raises(DataError, match=r"chats\.jsonl holds chat rows and labels\.csv holds labelled rows"):
        store.import_files(workspace, [chat_file(), label_file()], "both", together=True)
    assert left_behind(workspace) == []


def test_an_archive_with_a_file_for_each_split(workspace, tmp_path):
    path = tmp_path / "reviews.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, count in (("data/train.jsonl", 6), ("data/test-00000-of-00001.jsonl", 3), ("data/dev.jsonl", 2)):
            archive.write(texts(tmp_path / "part.jsonl", count, len(name) * 10), name)
    info = store.import_file(workspace, path, "reviews")
    assert info.splits == {"train": 6, "validation": 2, "test": 3}
    assert {row["source"] for row in store.rows(workspace, "reviews", "test")} == {"data/test-00000-of-00001.jsonl"}
    assert info.step["split"]["files"]["data/dev.jsonl"] == "validation"
    assert store.import_file(workspace, path, "all", split=None).splits == {"train": 11}
    assert {folder.name for folder in left_behind(workspace)} == {"reviews", "all"}


def test_workbooks_and_gzip_come_in_as_datasets(workspace, tmp_path):
    book = openpyxl.Workbook()
    for row in (["text", "label"], ["fine", "good"], ["awful", "bad"], ["nice", "good"]):
        book.active.append(row)
    book.create_sheet("Other").append(["prompt", "completion"])
    book["Other"].append(["ask", "tell"])
    book.save(tmp_path / "book.xlsx")
    assert store.import_file(workspace, tmp_path / "book.xlsx", "book").kind == "labelled"
    other = store.import_file(workspace, tmp_path / "book.xlsx", "other", settings=ReadSettings(sheet="Other"), split=None)
    assert other.kind == "chat"
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(texts(tmp_path / "rows.jsonl", 50).read_bytes()))
    assert store.import_file(workspace, packed, suggest_name(packed.name)).ref == "rows@1"


def test_progress_is_told_and_a_stop_keeps_nothing(workspace, tmp_path):
    path = texts(tmp_path / "rows.jsonl", 10_000)
    seen: list[tuple[int, int, int]] = []
    store.import_file(workspace, path, "rows", progress=lambda *numbers: seen.append(numbers))
    assert [rows for rows, _, _ in seen] == sorted(rows for rows, _, _ in seen)
    assert seen[-1] == (10_000, path.stat().st_size, path.stat().st_size)
    stop = threading.Event()
    with pytest.raises(Stopped):
        store.import_file(workspace, path, "stopped", progress=lambda *_: stop.set(), stop=stop)
    assert [folder.name for folder in left_behind(workspace)] == ["rows"]
    with pytest.raises(NotFoundError):
        store.get_version(workspace, "stopped")


def test_a_file_that_breaks_off_leaves_nothing_behind(workspace, tmp_path):
    whole = json.dumps([{"text": f"row number {i}"} for i in range(60_000)])
    path = tmp_path / "rows.json"
    path.write_text(whole[:-40])
    with pytest.raises(DataError, match="not valid JSON"):
        store.import_file(workspace, path, "rows")
    assert left_behind(workspace) == []
    assert store.list_datasets(workspace) == []


def test_a_second_import_of_another_kind_is_refused_before_it_is_read(workspace, tmp_path, chat_file):
    store.import_file(workspace, texts(tmp_path / "rows.jsonl", 3), "rows")
    seen: list[int] = []
    with pytest.raises(DataError, match="holds text rows"):
        store.import_file(workspace, chat_file(), "rows", progress=lambda rows, *_: seen.append(rows))
    assert not seen


@pytest.mark.parametrize(
    ("file", "name"),
    [("rows.csv", "rows"), ("My data (1).csv", "My-data-1"), ("rows.jsonl.gz", "rows"), ("....csv", "dataset"), ("日本.csv", "dataset")],
)
def test_names_for_datasets(file, name):
    assert suggest_name(file) == name


def test_the_inbox_offers_what_can_be_imported(workspace, tmp_path):
    assert inbox(workspace) == []
    assert "Put data files" in (workspace.inbox / "README.txt").read_text()
    texts(workspace.inbox / "b.jsonl", 3)
    (workspace.inbox / "more").mkdir()
    texts(workspace.inbox / "more" / "a.jsonl", 3)
    (workspace.inbox / "rows.csv.gz").write_bytes(gzip.compress(b"text\na\n"))
    (workspace.inbox / "program.exe").write_bytes(b"MZ")
    (workspace.inbox / ".hidden.csv").write_text("text\na\n")
    model = workspace.inbox / "model"
    model.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (model / name).write_text("{}")
    outside = texts(tmp_path / "outside.jsonl", 3)
    (workspace.inbox / "link.jsonl").symlink_to(outside)
    found = inbox(workspace)
    assert [(file.name, file.format) for file in found] == [("b.jsonl", "jsonl"), ("more/a.jsonl", "jsonl"), ("rows.csv.gz", "csv.gz")]
    assert found[0].bytes == (workspace.inbox / "b.jsonl").stat().st_size
    assert inbox_file(workspace, "more/a.jsonl") == workspace.inbox / "more" / "a.jsonl"
    for name in ("../../outside.jsonl", str(outside), "link.jsonl"):
        with pytest.raises(DataError, match="leads out"):
            inbox_file(workspace, name)
    with pytest.raises(DataError, match="no file"):
        inbox_file(workspace, "none.csv")


def test_the_hub_is_asked_only_when_the_network_is_allowed(workspace, monkeypatch):
    asked: list[tuple] = []

    def fetch(repo_id, config, split, folder, max_rows, stop):
        asked.append((repo_id, config, split, max_rows))
        texts(folder / "train.jsonl", 6)
        texts(folder / "test.jsonl", 2, 10)

    monkeypatch.setattr(hub, "fetch", fetch)
    with pytest.raises(DataError, match="does not use the network"):
        hub.import_hub(workspace, "owner/things")
    with pytest.raises(DataError, match="does not name a dataset"):
        hub.import_hub(workspace, "../../etc/passwd")
    assert not asked
    allow_network(workspace, True)
    info = hub.import_hub(workspace, "owner/things", config="en", max_rows=6)
    assert asked == [("owner/things", "en", "", 6)]
    assert (info.ref, info.splits) == ("things@1", {"train": 6, "test": 2})
    assert info.step["file"] == "owner/things of the Hugging Face Hub"
    assert [folder.name for folder in left_behind(workspace)] == ["things"]
