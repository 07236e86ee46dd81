"""Of several equal or nearly equal rows one stays, which one the person says, and rows that only look alike all stay."""

from __future__ import annotations

import pytest

from studio.data import store
from studio.data.cleaning import Pipeline, clean

LONG = "The parcel that I ordered last week has not arrived at my new address, where is it now and who can tell me"


@pytest.fixture
def kept(workspace):
    """The texts that are left, by split."""

    def run(rows_by_split, kind, **settings):
        store.add_version(workspace, "a", "text", rows_by_split, {})
        info = clean(workspace, "a", Pipeline.parse([{"kind": kind, **settings}]))
        return {side: [row["text"] for row in store.rows(workspace, info.ref, side, count=5000)] for side in info.splits}

    return run


def rows(*texts):
    return [{"text": text} for text in texts]


def test_exact_duplicates_over_all_splits(kept):
    splits = {"train": rows("a  B", "b", "A b"), "test": rows("b", "c")}
    assert kept(splits, "exact_duplicates") == {"train": ["a  B", "b"], "test": ["c"]}
    assert kept(splits, "exact_duplicates", splits="apart") == {"train": ["a  B", "b"], "test": ["b", "c"]}
    assert kept(splits, "exact_duplicates", loose=False) == {"train": ["a  B", "b", "A b"], "test": ["c"]}


def test_which_of_equal_rows_stays(kept):
    splits = {"train": rows("a b", "x", "a   b", "A b")}
    assert kept(splits, "exact_duplicates", keep="last") == {"train": ["x", "A b"]}
    assert kept(splits, "exact_duplicates", keep="longest") == {"train": ["x", "a   b"]}


def test_rows_wait_on_disk_in_their_order(kept):
    texts = [f"row {index}" for index in range(2500)]
    assert kept({"train": rows(*texts, *texts)}, "exact_duplicates", keep="last") == {"train": texts}


def test_equal_prompts_with_other_answers_or_labels(workspace):
    splits = {"train": [{"text": "a", "label": "x"}, {"text": "A", "label": "y"}, {"text": "a", "label": "x"}]}
    store.add_version(workspace, "b", "labelled", splits, {})
    by_row = clean(workspace, "b@1", Pipeline.parse([{"kind": "exact_duplicates"}]))
    assert by_row.rows == 2
    by_prompt = clean(workspace, "b@1", Pipeline.parse([{"kind": "exact_duplicates", "compare": "prompt"}]))
    assert store.rows(workspace, by_prompt.ref) == [{"text": "a", "label": "x"}]


def test_near_duplicates(kept):
    splits = {"train": rows(LONG, "something else altogether", LONG + " please"), "validation": rows(LONG.replace("week", "weak"), "short")}
    assert kept(splits, "near_duplicates") == {"train": [LONG, "something else altogether"], "validation": ["short"]}
    assert kept(splits, "near_duplicates", keep="longest")["train"] == ["something else altogether", LONG + " please"]
    assert kept(splits, "near_duplicates", keep="last")["train"] == ["something else altogether"]
    assert kept(splits, "near_duplicates", splits="apart")["validation"] == [LONG.replace("week", "weak"), "short"]


def test_near_duplicates_with_other_labels_stay(workspace):
    rows = [{"text": LONG, "label": "x"}, {"text": LONG + " please", "label": "y"}]
    store.add_version(workspace, "b", "labelled", {"train": rows}, {})
    assert clean(workspace, "b", Pipeline.parse([{"kind": "near_duplicates"}])).ref == "b@1"
    assert clean(workspace, "b", Pipeline.parse([{"kind": "near_duplicates", "same_label": False}])).rows == 1
