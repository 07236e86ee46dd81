"""Preference and ranking files become projects: with their annotators' votes, their models' names, and as tasks alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio import people
from studio.data import store
from studio.errors import DataError, FeedbackError
from studio.feedback import judgements
from studio.feedback.imports import as_tasks, imported
from studio.feedback.projects import tasks
from studio.feedback.settings import ProjectSettings
from studio.feedback.training import rows_for
from studio.inference.compare import list_comparisons
from studio.workspace import Workspace
from tests.studio.feedback.judged import asked, said

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows as JSON lines and gives the file's path."""

    def to_file(rows: list[dict[str, Any]], name: str) -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return to_file


def pair(number: int, votes: Any, models: str = "red_blue", a: str = "short", b: str = "long and kind") -> dict[str, Any]:
    return {"prompt": "Be brief.", "input": f"text {number}", "response_a": a, "response_b": b, "votes": votes, "models": models}


def test_three_annotators_keep_their_votes_and_their_ties(workspace: Workspace, write: Write) -> None:
    rows = [pair(0, [1, 1, 2]), pair(1, [0, 0, 0]), pair(2, [2, 2, 2], a=""), pair(1, [2, 1, 0], "red_green")]
    rows += [pair(3, [1, 1, 1], a="same", b="same"), {**pair(4, [1, 1, 1]), "prompt": "", "input": ""}]
    info = as_tasks(workspace, write(rows, "jury.jsonl"))
    assert (info.name, info.mode, info.source, info.models) == ("jury", "pair", "import", ["blue", "green", "red"])
    assert (info.tasks, info.wanted, info.judged) == (4, 12, 12)
    assert {task.state for task in tasks(workspace, info.id)} == {"done"}
    first, _, empty, other = tasks(workspace, info.id)
    assert first.prompt == [{"role": "user", "content": "Be brief.\n\ntext 0"}]
    assert [(each.model, each.text) for each in first.candidates] == [("red", "short"), ("blue", "long and kind")]
    assert [each.text for each in empty.candidates] == ["", "long and kind"]
    assert {each.model for each in other.candidates} == {"red", "green"}
    rows_ = judgements.effective(workspace, [info.id])
    said_ = {(row.task_id, row.person): row.answer.strength for row in rows_}
    assert [said_[first.id, f"jury annotator {n}"] for n in (1, 2, 3)] == [-2, -2, 2]
    assert Counter(row.answer.strength for row in rows_) == {-2: 3, 0: 4, 2: 5}
    assert not people.get_person(workspace, "jury annotator 1").can_log_in
    told = imported(workspace, info.id)
    assert told is not None
    assert (told.read, told.items, told.votes, told.set_aside) == (6, 4, 12, 2)
    assert [bad.line for bad in told.bad_rows] == [5, 6]
    every = rows_for(workspace, [info.id], "preference").splits
    assert sum(len(part) for part in every.values()) == 8
    assert not any("margin" in row for part in every.values() for row in part)


def test_rankings_come_in_whole(workspace: Workspace, write: Write) -> None:
    rows = [{"prompt": asked(n), "ranked": [f"best {n}", f"good {n}", f"bad {n}"][: 3 - n % 2], "synthetic": [True] * 3} for n in range(4)]
    rows += [{"prompt": asked(9), "ranked": [f"{n}" for n in range(12)]}]
    info = as_tasks(workspace, write(rows, "ranked.jsonl"), name="Replies")
    assert (info.mode, info.models, info.tasks, info.judged, info.settings.candidates) == ("rank", ["ranked"], 4, 4, 3)
    assert [row.answer.ranks for row in judgements.effective(workspace, [info.id])] == [[1, 2, 3], [1, 2], [1, 2, 3], [1, 2]]
    told = imported(workspace, info.id)
    assert told is not None
    assert [bad.reason for bad in told.bad_rows] == ["there are 12 answers; at most 9 stand side by side"]


def test_single_labels_and_tasks_without_votes(workspace: Workspace, write: Write) -> None:
    rows = [{"prompt": f"q{n}", "response_a": "one", "response_b": "two", "label": 1 + n % 2, "subset": "hard"} for n in range(6)]
    path = write(rows, "bar.jsonl")
    voted = as_tasks(workspace, path)
    assert [row.answer.strength for row in judgements.effective(workspace, [voted.id])] == [-2, 2] * 3
    assert {row.person for row in judgements.effective(workspace, [voted.id])} == {"bar"}
    bare = as_tasks(
        workspace, path, name="again", votes=False, settings=ProjectSettings(mode="forced", overlap=2), guidelines="Look twice."
    )
    assert (bare.judged, bare.mode, bare.guideline and bare.guideline.text) == (0, "forced", "Look twice.")
    assert {task.state for task in tasks(workspace, bare.id)} == {"open"}
    assert imported(workspace, bare.id) is not None
    with pytest.raises(FeedbackError, match="again"):
        as_tasks(workspace, path, name="again")
    assert len(list_comparisons(workspace)) == 2


def test_rows_about_the_same_answers_are_one_item_with_several_votes(workspace: Workspace) -> None:
    def row(number: int, better: str, worse: str, person: str) -> dict[str, Any]:
        return {"prompt": asked(number), "chosen": said(better), "rejected": said(worse), "annotator": person}

    splits = {"train": [row(0, "a", "b", "ann"), row(0, "b", "a", "bob"), row(1, "a", "b", "ann"), row(0, "a", "b", "ann")]}
    store.add_version(workspace, "prefs", "preference", splits, {"kind": "test"})
    info = as_tasks(workspace, "prefs")
    assert (info.name, info.tasks, info.judged, info.settings.overlap) == ("prefs", 2, 3, 2)
    given = judgements.effective(workspace, [info.id])
    assert [(row.person, row.answer.strength) for row in given] == [("ann", -2), ("bob", 2), ("ann", -2)]
    told = imported(workspace, info.id)
    assert told is not None
    assert [bad.reason for bad in told.bad_rows] == ["ann has judged these answers in an earlier row"]


def test_what_cannot_be_judged_is_refused_in_words(workspace: Workspace, write: Write) -> None:
    with pytest.raises(FeedbackError, match="nothing to compare"):
        as_tasks(workspace, write([{"prompt": "q", "completion": "a"}] * 3, "answers.jsonl"))
    with pytest.raises(DataError, match="not clear"):
        as_tasks(workspace, write([{"x": 1, "y": 2}] * 3, "numbers.jsonl"))
    ranked = write([{"prompt": "q", "ranked": ["a", "b", "c"]}], "ranked.jsonl")
    with pytest.raises(FeedbackError, match="by pair"):
        as_tasks(workspace, ranked, settings=ProjectSettings(mode="pair"))
    same = write([{"prompt": "q", "response_a": "x", "response_b": "x", "winner": "a"}], "same.jsonl")
    with pytest.raises(FeedbackError, match="None of the 1 rows"):
        as_tasks(workspace, same)
