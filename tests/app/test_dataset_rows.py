"""Rows in the Data tab: filters, the form of a row of every kind, the bar of what is not saved, versions side by side."""

from __future__ import annotations

import re
from html import unescape

import pytest

from app import dataset_edit, dataset_filters, dataset_rows, dataset_versions
from studio.data import edits, rows, store, versions
from studio.data.rows import RowFilter
from studio.data.schema import KINDS
from studio.errors import DataError
from studio.workspace import Workspace
from tests.studio.data.examples import rows_of

EVIL = "<img src=x onerror=window.pwned=1>"


@pytest.fixture
def texts(workspace: Workspace) -> str:
    made = [{"text": f"row {i}", "label": "a" if i % 2 else "b", "source": "forum"} for i in range(120)]
    return store.add_version(workspace, "a", "labelled", {"train": made, "test": made[:3]}, {"kind": "made"}).ref


def test_filters_say_what_was_chosen() -> None:
    nothing = ("", "all splits", "any flag", "any label", "any source", None, None, "")
    assert dataset_filters.filter_of(nothing) == (RowFilter(), "")
    chosen = ("film", "test", "short", "bad", "forum", "10", "1,200", "longest")
    expected = RowFilter("test", "film", "short", "bad", "forum", 10, 1200)
    assert dataset_filters.filter_of(chosen) == (expected, "longest")
    with pytest.raises(DataError, match="not a number of characters"):
        dataset_filters.filter_of(("", None, None, None, None, "ten", "", ""))


def test_a_page_marks_what_is_not_saved(workspace: Workspace, texts: str) -> None:
    edits.edit(workspace, texts, "train", 3, {"text": EVIL, "label": "a"})
    edits.add(workspace, texts, "train", {"text": "quite new", "label": "a"})
    markup, words, _, _ = dataset_rows.page_of(workspace, texts, RowFilter(), 0)
    assert words == "1–50 of 124"
    assert 'data-key="train:3"' in markup
    assert ">changed</span> 4" in markup
    assert "<img" not in markup
    markup, words, _, more = dataset_rows.page_of(workspace, texts, RowFilter(), 100)
    assert ">new</span> 121" in markup
    assert '<td class="wide">test</td>' in markup
    assert not more
    _, words, start, _ = dataset_rows.page_of(workspace, texts, RowFilter(label="a"), 9000)
    assert (words, start) == ("51–62 of 62 matches", 50)


@pytest.mark.parametrize("kind", KINDS)
def test_the_form_holds_the_whole_row(kind: str) -> None:
    row = rows_of(kind)[1]
    form = dataset_edit.editor(row, kind, "Row 2")
    shown = [
        unescape(text) for text in re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", re.sub(r"(?s)<template>.*?</template>", "", form), re.S)
    ]
    written = [message["content"] for name in ("messages", "prompt", "chosen", "rejected", "completion") for message in row.get(name) or []]
    written += [message["content"] for answer in row.get("completions") or [] for message in answer]
    assert shown == (written or [row["text"]])
    assert form.count("data-part=") == sum(isinstance(v, list) for v in row.values()) + (2 - 1 if kind == "ranking" else 0)
    blank = dataset_edit.editor(dataset_edit.BLANK[kind], kind, "A new row", ["train", "test"])
    assert "data-split" in blank


def test_markup_in_a_row_is_text_in_its_form() -> None:
    form = dataset_edit.editor({"text": f"</textarea>{EVIL}", "label": f'"{EVIL}'}, "labelled", "Row 1")
    assert "<img" not in form
    assert form.count("</textarea>") == 1


def test_what_the_form_sends_becomes_a_row() -> None:
    sent = {"prompt": [], "chosen": [], "rejected": [], "margin": " ", "tools": "", "source": "me"}
    assert dataset_edit.row_of(sent, "preference") == {"prompt": [], "chosen": [], "rejected": []}
    assert dataset_edit.row_of({"score": "0,5", "ranks": ["1", "2"]}, "rating") == {"score": 0.5, "ranks": [1, 2]}
    with pytest.raises(DataError, match="Score is 'much', not a number"):
        dataset_edit.row_of({"score": "much"}, "rating")


def test_the_bar_counts_changes_and_names_the_next_version(workspace: Workspace, texts: str) -> None:
    from app.dataset_edit import DraftBar

    bar = DraftBar(*[None] * 8)  # type: ignore[arg-type]
    assert bar.show(workspace, texts)[0]["visible"] is False
    edits.edit(workspace, texts, "train", 0, {"text": "x", "label": "a"})
    row, words, save, undo, redo, discard, newest = bar.show(workspace, texts)
    assert (row["visible"], save["value"], newest) == (True, "Save as version 2", 1)
    assert "1 change not yet saved." in words
    assert (undo["interactive"], redo["interactive"], discard["interactive"]) == (True, False, True)
    store.add_version(workspace, "a", "labelled", {"train": [{"text": "x", "label": "y"}]}, {"kind": "clean"})
    _, words, save, *_ = bar.show(workspace, texts)
    assert save["value"] == "Save as version 3"
    assert "Version 2 is newer" in words


def test_versions_are_told_in_words(workspace: Workspace, texts: str) -> None:
    edits.edit(workspace, texts, "train", 0, {"text": f"row 0 {EVIL}", "label": "b"})
    new = edits.commit(workspace, texts, "ann", f"why {EVIL}")
    table = dataset_versions.versions_table(workspace, new.ref)
    assert "rows changed by hand: 1 edited, by ann" in table
    shown = dataset_versions.diff_view(versions.diff(workspace, texts, new.ref))
    assert "<dt>Changed</dt><dd>1 row</dd>" in shown
    assert "Row 1 of train, changed" in shown
    assert "<ins>" in shown
    for markup in (table, shown):
        assert "<img" not in markup
    assert "no run yet" in dataset_versions.use_words(workspace, texts)
    assert rows.get(workspace, new.ref, "train", 0)["source"] == "forum"
