"""A pipeline shows exactly what it then does, can be kept and applied again, and leaves nothing behind when it is stopped or fails."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from studio.data import store
from studio.data.cleaning import Pipeline, Stopped, clean, delete_pipeline, load_pipeline, pipelines, preview, save_pipeline, step_specs
from studio.data.cleaning.diff import diff_texts
from studio.errors import DataError, NotFoundError

YAML = """\
steps:
- kind: normalise
- kind: exact_duplicates
  keep: last
- kind: length
  minimum: 3
- kind: personal
  email: drop
"""


def texts(count, start=0):
    return [
        {"text": f" row  number {index % 40} a{index % 7}@b.example" if index % 5 == 0 else f"row {index % 50}"} for index in range(count)
    ]


def test_a_preview_is_what_is_done(workspace):
    info = store.add_version(workspace, "a", "text", {"train": texts(300), "test": [{"text": "x"}, {"text": "long enough"}]}, {})
    shown = preview(workspace, "a", Pipeline.from_yaml(YAML))
    done = clean(workspace, "a", Pipeline.from_yaml(YAML), author="anna")
    assert shown.after == done.splits
    assert done.ref == "a@2"
    assert done.step["kind"] == "clean"
    assert (done.step["from"], done.step["author"], done.step["pipeline"]) == ("a@1", "anna", YAML)
    assert done.step["effects"] == [
        {"kind": step.kind, "title": step.title, "rows_before": step.rows_before, "rows_after": step.rows_after,
         "changed": step.changed, "removed": step.removed, "notes": step.notes}
        for step in shown.steps
    ]  # fmt: skip
    assert done.step["counts"]["read"] == info.rows == 302
    assert done.step["counts"]["kept"] == done.rows == shown.steps[-1].rows_after
    assert [step.rows_before for step in shown.steps[1:]] == [step.rows_after for step in shown.steps[:-1]]
    assert store.get_version(workspace, "a@1").rows == 302


def test_examples_say_where_a_row_stood_and_how_it_changed(workspace):
    store.add_version(workspace, "a", "text", {"train": [{"text": "fine"}] * 3 + [{"text": " a  b"}] * 15, "test": [{"text": "x "}]}, {})
    effect = preview(workspace, "a", Pipeline.parse([{"kind": "normalise"}])).steps[0]
    assert (effect.rows_before, effect.rows_after, effect.changed, effect.removed) == (19, 19, 16, 0)
    assert [(example.split, example.index) for example in effect.examples] == [("train", index) for index in range(3, 13)]
    first = effect.examples[0]
    assert (first.before, first.after) == ({"text": " a  b"}, {"text": "a b"})
    assert "".join(text for op, text in first.diff if op != "insert") == " a  b"
    assert "".join(text for op, text in first.diff if op != "delete") == "a b"
    removed = preview(workspace, "a", Pipeline.parse([{"kind": "length", "minimum": 4}])).steps[0].examples[0]
    assert (removed.split, removed.after, removed.diff) == ("test", None, [("delete", "x ")])


def test_what_stands_beside_the_texts_stays(workspace):
    call = {"role": "assistant", "content": "", "tool_calls": '[{"name": "f"}]'}
    rows = [
        {
            "messages": [{"role": "user", "content": " a"}, call, {"role": "tool", "content": "1 ", "name": "f"}],
            "tools": "[]",
            "group": "g",
        },
        {"messages": [{"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}], "source": "forum"},
    ]
    store.add_version(workspace, "a", "chat", {"train": rows}, {})
    info = clean(workspace, "a", Pipeline.parse([{"kind": "normalise"}]))
    new = store.rows(workspace, info.ref)
    assert new[1] == rows[1]
    assert new[0] == {
        "messages": [{"role": "user", "content": "a"}, call, {"role": "tool", "content": "1", "name": "f"}], "tools": "[]", "group": "g",
    }  # fmt: skip


def test_margins_and_marks_stay(workspace):
    row = {
        "prompt": [{"role": "user", "content": "a "}],
        "chosen": [{"role": "assistant", "content": "b"}],
        "rejected": [{"role": "assistant", "content": "c"}],
        "margin": 0.5,
    }
    store.add_version(workspace, "a", "preference", {"train": [row]}, {})
    new = store.rows(workspace, clean(workspace, "a", Pipeline.parse([{"kind": "normalise"}])).ref)
    assert new == [row | {"prompt": [{"role": "user", "content": "a"}]}]


def test_nothing_to_change_makes_no_version(workspace):
    store.add_version(workspace, "a", "text", {"train": [{"text": "fine"}]}, {})
    assert not preview(workspace, "a", Pipeline.parse([{"kind": "normalise"}])).changes
    assert clean(workspace, "a", Pipeline.parse([{"kind": "normalise"}])).ref == "a@1"
    assert len(store.versions(workspace, "a")) == 1


def test_a_pipeline_that_leaves_nothing_is_refused(workspace):
    store.add_version(workspace, "a", "text", {"train": texts(20)}, {})
    with pytest.raises(DataError, match="Length removes 20 of 20"):
        clean(workspace, "a", Pipeline.parse([{"kind": "length", "minimum": 999}]))
    assert [path.name for path in workspace.datasets.iterdir()] == ["a"]
    assert preview(workspace, "a", Pipeline.parse([{"kind": "length", "minimum": 999}])).after == {"train": 0}
    with pytest.raises(DataError, match="no steps"):
        preview(workspace, "a", Pipeline())


def test_a_split_that_is_emptied_is_told(workspace):
    store.add_version(workspace, "a", "text", {"train": texts(20), "test": [{"text": "x"}]}, {})
    shown = preview(workspace, "a", Pipeline.parse([{"kind": "length", "minimum": 2}]))
    assert "no row is left in test" in shown.steps[-1].notes
    assert clean(workspace, "a", Pipeline.parse([{"kind": "length", "minimum": 2}])).splits == {"train": 20}


@pytest.mark.parametrize("kind", ["normalise", "exact_duplicates", "near_duplicates"])
def test_stopping_leaves_nothing(workspace, kind):
    store.add_version(workspace, "a", "text", {"train": texts(3000)}, {})
    stop = threading.Event()
    told = []

    def progress(done, rows):
        told.append((done, rows))
        stop.set()

    with pytest.raises(Stopped):
        clean(workspace, "a", Pipeline.parse([{"kind": kind}]), progress=progress, stop=stop)
    assert told
    assert [path.name for path in workspace.datasets.iterdir()] == ["a"]
    assert [info.number for info in store.versions(workspace, "a")] == [1]


def test_progress_grows_to_the_end(workspace):
    store.add_version(workspace, "a", "text", {"train": texts(3000)}, {})
    told = []
    preview(workspace, "a", Pipeline.parse([{"kind": "near_duplicates"}, {"kind": "normalise"}]), progress=lambda *now: told.append(now))
    done = [now for now, _ in told]
    assert done == sorted(done)
    assert len(set(done)) > 10
    assert told[-1] == (3000, 3000)


def test_pipelines_are_kept_and_applied_again(workspace):
    pipeline = Pipeline.from_yaml(YAML)
    assert pipeline.to_yaml() == YAML
    path = save_pipeline(workspace, "tidy", pipeline)
    assert path == workspace.root / "pipelines" / "tidy.yaml"
    assert pipelines(workspace) == ["tidy"]
    assert load_pipeline(workspace, "tidy") == pipeline
    for name in ("a", "b"):
        store.add_version(workspace, name, "text", {"train": texts(50)}, {})
    assert clean(workspace, "a", load_pipeline(workspace, "tidy")).sha256 == clean(workspace, "b", load_pipeline(workspace, "tidy")).sha256
    save_pipeline(workspace, "tidy", Pipeline.parse([{"kind": "normalise"}]))
    assert len(load_pipeline(workspace, "tidy").steps) == 1
    delete_pipeline(workspace, "tidy")
    assert pipelines(workspace) == []
    with pytest.raises(NotFoundError, match="None has been saved"):
        load_pipeline(workspace, "tidy")
    for name in ("../up", "", "a/b", ".x"):
        with pytest.raises(DataError, match="cannot be called"):
            save_pipeline(workspace, name, pipeline)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps: [", "not YAML"),
        ("- kind: polish", "step 1"),
        ("steps:\n- kind: normalise\n- kind: length\n  minimum: many", "step 2, length, minimum"),
        ("stages: []", "stages"),
        ("just words", "cannot be used"),
    ],
)
def test_yaml_that_cannot_be_used_is_explained(text, told):
    with pytest.raises(DataError, match=told):
        Pipeline.from_yaml(text)


def test_every_step_describes_itself_for_a_form():
    specs = step_specs()
    assert [spec.kind for spec in specs] == [
        "normalise", "strip_html", "missing", "empty_turns", "exact_duplicates", "near_duplicates", "length", "language", "labels",
        "replace", "control_tokens", "personal",
    ]  # fmt: skip
    for spec in specs:
        assert spec.title
        assert spec.summary.endswith(".")
        for field in spec.fields:
            assert field.help.endswith("."), (spec.kind, field.path)
            assert field.type in ("int", "float", "text", "lines", "choice", "switch")
            assert field.title


@pytest.mark.parametrize(
    ("before", "after", "diff"),
    [
        ("a b c", "a x c", [("equal", "a "), ("delete", "b"), ("insert", "x"), ("equal", " c")]),
        ("same", "same", [("equal", "same")]),
        ("", "new", [("insert", "new")]),
        ("aa", "aa aa", [("equal", "aa"), ("insert", " aa")]),
        ("good film", "great film", [("delete", "good"), ("insert", "great"), ("equal", " film")]),
    ],
)
def test_differences_by_word(before, after, diff):
    assert diff_texts(before, after) == diff


@pytest.mark.parametrize(
    ("before", "after"),
    [("old", ""), ("the shop opens", "the shop never opens"), ("a  b\n", "a b"), ("x-y", "x y")],
)
def test_a_difference_joins_back_to_both_texts(before, after):
    diff = diff_texts(before, after)
    assert "".join(text for op, text in diff if op != "insert") == before
    assert "".join(text for op, text in diff if op != "delete") == after


def test_differences_of_long_texts_take_no_time():
    old, new = " ".join(map(str, range(20_000))), " ".join(map(str, range(20_000, 0, -1)))
    diff = diff_texts(old, new)
    assert "".join(text for op, text in diff if op != "insert") == old
    assert "".join(text for op, text in diff if op != "delete") == new


def test_cleaning_comes_up_without_torch():
    code = "import sys, studio.data.cleaning; print([name for name in ('torch', 'transformers', 'phonenumbers') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
