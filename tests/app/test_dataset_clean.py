"""What cleaning shows and does on the page, without a page."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import dataset_clean_view as view
from app.background import Told, followed
from app.dataset_clean_steps import (
    FIELDS,
    add_step,
    complete,
    element_id,
    kept,
    move,
    pipeline_of,
    problems,
    remove,
    steps_of,
    suggested_table,
    yaml_of,
)
from studio.data import store
from studio.data.cleaning import Pipeline, Stopped, clean, preview, step_specs
from studio.data.step_words import step_words
from studio.errors import DataError
from studio.workspace import Workspace

EVIL = "<img src=x onerror=window.pwned=1>"


@pytest.fixture
def messy(workspace: Workspace, tmp_path: Path) -> str:
    """Ten chats: the first one twice more, two with a stray tag."""
    rows = [(f"where is order {i}", f"order {i} is on its way") for i in range(8)] + [("where is order 0", "order 0 is on its way")] * 2
    rows[1] = (rows[1][0], f"<p>{rows[1][1]}</p>")
    rows[2] = (rows[2][0], f"  <b>{rows[2][1]}</b>")
    path = tmp_path / "messy.jsonl"
    path.write_text("".join(json.dumps({"prompt": q, "completion": a}) + "\n" for q, a in rows))
    return store.import_file(workspace, path, "messy").ref


def values_with(kind: str, **changes: Any) -> list[Any]:
    """What the form gives when the step of this kind is open with its defaults but for `changes`."""
    defaults = complete({"kind": kind})
    return [(changes.get(field.key, defaults[field.key]) if owner == kind else field.default) for owner, field in FIELDS]


def test_every_step_can_be_completed_and_read_back() -> None:
    steps = [complete({"kind": spec.kind}) for spec in step_specs()]
    assert [set(step) - {"kind"} for step in steps] == [{field.key for field in spec.fields} for spec in step_specs()]
    assert {(kind, field.key) for kind, field in FIELDS} == {(spec.kind, field.key) for spec in step_specs() for field in spec.fields}
    pipeline = Pipeline.from_yaml(yaml_of(steps))
    assert steps_of(pipeline) == steps


def test_a_step_is_added_once_moved_and_removed() -> None:
    steps, at = add_step([], {"kind": "normalise"})
    steps, at = add_step(steps, {"kind": "near_duplicates", "threshold": 0.7})
    assert (at, steps[1]["threshold"]) == (1, 0.7)
    assert add_step(steps, {"kind": "near_duplicates", "threshold": 0.7}) == (steps, 1)
    assert len(add_step(steps, {"kind": "near_duplicates"})[0]) == 3
    moved, at = move(steps, 1, -1)
    assert ([step["kind"] for step in moved], at) == (["near_duplicates", "normalise"], 0)
    assert move(moved, 0, -1) == (moved, 0)
    assert [step["kind"] for step in remove(moved, 0)] == ["normalise"]


def test_a_step_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="no cleaning step 'bleach'"):
        add_step([], {"kind": "bleach"})
    with pytest.raises(DataError, match="has no setting strength"):
        add_step([], {"kind": "normalise", "strength": 3})


def test_the_form_is_written_into_the_open_step_only() -> None:
    steps = [complete({"kind": "length"}), complete({"kind": "length", "maximum": 5})]
    given = values_with("length", minimum="3", unit="words")
    after = kept(steps, 0, given)
    assert (after[0]["minimum"], after[0]["unit"]) == ("3", "words")
    assert after[1] == steps[1]
    assert kept(steps, -1, given) == steps
    assert pipeline_of(after[:1], "chat").steps[0].minimum == 3


def test_problems_stand_at_their_setting() -> None:
    assert problems(complete({"kind": "normalise"}), "chat") == {}
    assert set(problems({**complete({"kind": "near_duplicates"}), "threshold": 7}, "chat")) == {"threshold"}
    assert problems({**complete({"kind": "near_duplicates"}), "threshold": None}, "chat") == {"threshold": "Needs a value."}
    assert "nothing to find" in problems(complete({"kind": "replace"}), "chat")[""]
    assert "does not work on rows of kind chat" in problems(complete({"kind": "labels"}), "chat")[""]
    with pytest.raises(DataError, match=r"Step 2 cannot be used\. Near duplicates, "):
        pipeline_of([complete({"kind": "normalise"}), {**complete({"kind": "near_duplicates"}), "threshold": 7}], "chat")
    with pytest.raises(DataError, match="has no steps"):
        pipeline_of([], "chat")


def test_the_list_names_settings_and_problems() -> None:
    steps = [complete({"kind": "normalise", "quotes": True}), complete({"kind": "replace"})]
    markup = view.steps_list(steps, 1, [problems(step, "chat") for step in steps])
    assert "Straight quotes: on" in markup
    assert "to fill in" in markup
    assert 'data-step="1" aria-current="true"' in markup
    assert 'data-act="up" aria-label="Move up Tidy the text, step 1" title="Move up" disabled' in markup
    assert "No steps yet" in view.steps_list([], -1, [])


def test_only_steps_for_this_kind_are_offered() -> None:
    assert 'data-key="labels"' in view.adding_table("labelled")
    assert 'data-key="labels"' not in view.adding_table("chat")
    assert step_specs()[0].summary in view.adding_table("chat")


def test_a_preview_shows_counts_and_word_diffs(workspace: Workspace, messy: str) -> None:
    pipeline = pipeline_of([complete({"kind": "strip_html"}), complete({"kind": "exact_duplicates"})], "chat")
    markup = view.preview_view(preview(workspace, messy, pipeline))
    assert "10 rows of messy@1 would become 8" in markup
    assert "2 rows removed, 2 changes to rows" in markup
    assert "<del>&lt;p&gt;</del>" in markup
    assert markup.count("<details") == 2
    assert markup.count(" open>") == 1
    assert "removed</span>" in markup
    nothing = view.preview_view(preview(workspace, messy, pipeline_of([complete({"kind": "length", "maximum": 900})], "chat")))
    assert "Nothing would change" in nothing


def test_markup_in_rows_and_settings_is_text(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "evil.csv"
    path.write_text(f'text,label\n"{EVIL} one",good\n"plain text",bad\n')
    ref = store.import_file(workspace, path, "evil").ref
    step = complete({"kind": "replace", "pattern": EVIL, "replacement": f"{EVIL}!", "expression": False})
    shown = view.preview_view(preview(workspace, ref, pipeline_of([step], "labelled"))) + view.steps_list([step], 0, [{"": EVIL}])
    assert "<img" not in shown
    assert "&lt;img src=x" in shown


def test_long_rows_are_shortened_around_what_changes() -> None:
    long = "word " * 2000
    pieces = view.shortened([("equal", long), ("delete", "gone"), ("insert", "come"), ("equal", long)])
    assert [op for op, _ in pieces] == ["equal", "delete", "insert", "equal"]
    assert all(len(text) < 2 * view.AROUND for _, text in pieces)
    assert pieces[0][1].endswith("word ")
    assert pieces[3][1].startswith("word ")
    assert "more characters)" in view.shortened([("delete", long)])[0][1]


def test_white_space_that_changes_can_be_seen() -> None:
    assert view.shortened([("equal", "a"), ("delete", "  \t"), ("insert", "\n"), ("delete", "\u200bx y")]) == [
        ("equal", "a"),
        ("delete", "␣␣⇥"),
        ("insert", "↵\n"),
        ("delete", "⟨zero-width space⟩x y"),
    ]


def test_what_a_version_holds_is_said(workspace: Workspace, messy: str) -> None:
    version = clean(workspace, messy, pipeline_of([complete({"kind": "exact_duplicates"})], "chat"))
    assert view.outcome(version) == "messy v2 is made: 8 of 10 rows kept; 2 rows removed, 0 changes to rows."
    assert step_words(version.step) == "cleaned from messy@1: 2 rows removed, 0 changes"


def test_spellings_of_a_label_are_suggested(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    labels = ["refund"] * 6 + ["Refunds"] * 2 + ["order"] * 4
    path.write_text("text,label\n" + "".join(f"text number {i},{label}\n" for i, label in enumerate(labels)))
    ref = store.import_file(workspace, path, "labels").ref
    assert suggested_table(workspace, ref) == "Refunds = refund"


def test_ids_can_stand_in_a_page() -> None:
    assert element_id("near_duplicates", "threshold") == "clean-near-duplicates-threshold"
    assert len({element_id(kind, field.key) for kind, field in FIELDS}) == len(FIELDS)


def test_yaml_of_a_step_that_cannot_be_read_says_so() -> None:
    assert yaml_of([]) == ""
    assert yaml_of([{**complete({"kind": "near_duplicates"}), "threshold": 7}]).startswith("# This step cannot be used")
    assert yaml_of([complete({"kind": "length", "maximum": 20})]) == "steps:\n- kind: length\n  maximum: 20\n"


def test_long_work_tells_how_far_it_is_and_stops() -> None:
    stop, told = threading.Event(), threading.Event()

    def work(progress: Callable[[int, int], None], halt: threading.Event) -> str:
        progress(3, 10)
        told.set()
        halt.wait(20)
        raise Stopped

    news = followed(work, stop)
    first = next(news)
    assert isinstance(first, Told)
    assert (first.done, first.total) == (3, 10)
    stop.set()
    last = list(news)[-1]
    assert not isinstance(last, Told)
    with pytest.raises(Stopped):
        last.result()
    assert told.is_set()


def test_the_time_left_is_told_once_it_is_known() -> None:
    assert Told(10, 100, 0.5).words() == "10 of 100 rows"
    assert Told(50, 100, 30.0).words() == "50 of 100 rows, about 30 s left"
    assert Told(1000, 5000, 60.0).words() == "1,000 of 5,000 rows, about 4 min left"


def test_leaving_early_stops_the_work() -> None:
    stop = threading.Event()
    news = followed(lambda progress, halt: (progress(1, 2), halt.wait(20))[1], stop)
    next(news)
    news.close()
    assert stop.is_set()
