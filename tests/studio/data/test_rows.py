"""Rows are filtered, sorted and paged, and told apart by where they stand."""

from __future__ import annotations

import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.data import edits, rows, store
from studio.data.rows import RowFilter
from studio.data.schema import KINDS, row_text
from studio.errors import DataError, NotFoundError
from tests.studio.data.examples import rows_of


@pytest.fixture
def labels(workspace):
    train = [{"text": f"film {i} " + "x" * i, "label": "good" if i % 3 else "bad", "source": f"site {i % 2}"} for i in range(4500)]
    rest = [{"text": "a last Größe", "label": "bad"}, {"text": "film again", "label": "odd"}]
    return store.add_version(workspace, "films", "labelled", {"train": train, "test": rest}, {}).ref


def addresses(found):
    return [(split, index) for split, index, _ in found.rows]


def test_without_a_filter_every_row_has_its_page(workspace, labels):
    assert rows.find(workspace, labels).total == 4502
    found = rows.find(workspace, labels, start=4499, count=2)
    assert addresses(found) == [("train", 4499), ("test", 0)]
    assert found.rows[1][2] == {"text": "a last Größe", "label": "bad"}
    assert rows.find(workspace, labels, start=9999).rows == []
    assert rows.find(workspace, labels, RowFilter(split="test")).total == 2
    with pytest.raises(NotFoundError, match="no split called dev"):
        rows.find(workspace, labels, RowFilter(split="dev"))


def test_filters_narrow_together(workspace, labels):
    assert addresses(rows.find(workspace, labels, RowFilter(search="FILM 4499"))) == [("train", 4499)]
    assert addresses(rows.find(workspace, labels, RowFilter(search="GRÖSSE".replace("SS", "ß")))) == [("test", 0)]
    assert rows.find(workspace, labels, RowFilter(label="bad")).total == 1501
    assert rows.find(workspace, labels, RowFilter(label="bad", source="site 1")).total == 750
    assert rows.find(workspace, labels, RowFilter(source="nowhere")).total == 0
    both = rows.find(workspace, labels, RowFilter(label="good", search="film 22", min_characters=20, max_characters=40), count=5)
    assert addresses(both) == [("train", 22)]


def test_rows_are_sorted_by_length(workspace, labels):
    assert addresses(rows.find(workspace, labels, count=2, sort="longest")) == [("train", 4499), ("train", 4498)]
    assert addresses(rows.find(workspace, labels, count=2, sort="shortest")) == [("train", 0), ("train", 1)]
    with pytest.raises(DataError, match="sorted by 'size'"):
        rows.find(workspace, labels, sort="size")


@pytest.mark.parametrize("kind", KINDS)
def test_lengths_are_those_of_the_text_of_a_row(workspace, kind):
    made = rows_of(kind)
    if kind == "chat":
        made[1]["messages"][-1] |= {"content": "", "tool_calls": '[{"type": "function", "function": {"name": "f", "arguments": {}}}]'}
    ref = store.add_version(workspace, "a", kind, {"train": made}, {}).ref
    lengths = sorted(len(row_text(row, kind)) for row in made)
    for length in set(lengths):
        found = rows.find(workspace, ref, RowFilter(min_characters=length, max_characters=length))
        assert found.total == lengths.count(length)
        assert {len(row_text(row, kind)) for *_, row in found.rows} == {length}


def test_flags_come_from_the_report(workspace, labels):
    with pytest.raises(DataError, match="Run the report first"):
        rows.find(workspace, labels, RowFilter(flag="duplicate"))
    assert not rows.facets(workspace, labels).reported
    info = store.get_version(workspace, labels)
    marks = [("train", 3, ["duplicate", "short"]), ("train", 4, []), ("test", 1, ["short"])]
    table = pa.table(dict(zip(("split", "row", "flags"), map(list, zip(*marks, strict=True)), strict=True)))
    pq.write_table(table, info.folder / "flags.parquet")
    assert addresses(rows.find(workspace, labels, RowFilter(flag="short"))) == [("train", 3), ("test", 1)]
    found = rows.find(workspace, labels, RowFilter(flag="short", label="bad"))
    assert addresses(found) == [("train", 3)]
    assert found.flags == {("train", 3): ["duplicate", "short"]}
    assert rows.facets(workspace, labels).flags == ["short", "duplicate"]


def test_facets_name_what_occurs(workspace, labels):
    facets = rows.facets(workspace, labels)
    assert facets.labels == ["good", "bad", "odd"]
    assert facets.sources == ["site 0", "site 1"]
    store.add_version(workspace, "votes", "unpaired", {"train": rows_of("unpaired")}, {})
    assert sorted(rows.facets(workspace, "votes").labels) == ["false", "true"]
    assert rows.find(workspace, "votes", RowFilter(label="true")).total == 1


def test_rows_are_shown_with_what_is_not_saved_yet(workspace, labels):
    edits.edit(workspace, labels, "train", 3, {"text": "quite new", "label": "good"})
    edits.remove(workspace, labels, "train", 4)
    added = edits.add(workspace, labels, "validation", {"text": "quite new too", "label": "good"})
    assert added == ("validation", 0)
    found = rows.find(workspace, labels, RowFilter(search="QUITE NEW"))
    assert addresses(found) == [("train", 3), ("validation", 0)]
    assert found.rows[0][2] == {"text": "quite new", "label": "good", "source": "site 1"}
    assert rows.find(workspace, labels).total == 4502
    assert addresses(rows.find(workspace, labels, start=3, count=2)) == [("train", 3), ("train", 5)]
    assert rows.find(workspace, labels, RowFilter(search="film 4 x")).total == 0
    assert addresses(rows.find(workspace, labels, RowFilter(split="train"), count=2, sort="shortest")) == [("train", 0), ("train", 1)]
    with pytest.raises(NotFoundError, match="Row 5 of train has been removed"):
        rows.get(workspace, labels, "train", 4)
    with pytest.raises(NotFoundError, match="no row 4501 in train"):
        rows.get(workspace, labels, "train", 4500)


def test_a_large_dataset_is_paged_and_searched_quickly(workspace):
    made = [{"text": f"row {i} of a set that has very many rows in it, all of them with a handful of words"} for i in range(100_000)]
    ref = store.add_version(workspace, "large", "text", {"train": made}, {}).ref
    began = time.thread_time()
    assert rows.find(workspace, ref, start=99_950).total == 100_000
    assert time.thread_time() - began < 0.3
    began = time.thread_time()
    assert addresses(rows.find(workspace, ref, RowFilter(search="ROW 77777 "))) == [("train", 77_777)]
    assert time.thread_time() - began < 1.5
