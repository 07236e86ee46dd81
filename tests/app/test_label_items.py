"""Items as the lead sees them: what people said in words, the fields of each mode, settling, gold items, the table of judgements."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app import label_items, label_judgements, task_view
from app.label_judgements import Asked
from studio import people
from studio.errors import FeedbackError
from studio.feedback import adjudication, judgements, tasks
from studio.feedback.answers import Answer
from studio.feedback.settings import ProjectSettings
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, vote

EVIL = "<img src=x onerror=window.pwned=1>"


def request_of(ws: Workspace) -> Any:
    """A request as the gate leaves it, from whoever sits at this machine."""
    return SimpleNamespace(scope={"state": {"person": people.local_person(ws)}})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"strength": -3}, "A is much better"),
        ({"strength": 0}, "the same"),
        ({"ranks": [2, 1, 2]}, "B > A = C"),
        ({"best": 2, "acceptable": [None, False, True]}, "C is best; B not acceptable, C acceptable"),
        ({"ratings": [{"helpful": 5}, {"helpful": 2}]}, "A: helpful 5; B: helpful 2"),
    ],
)
def test_an_answer_in_words(answer: dict[str, Any], words: str) -> None:
    assert task_view.said(Answer(**answer)) == words


@pytest.mark.parametrize(
    ("mode", "values", "wanted"),
    [
        ("pair", {"strength": "-2"}, {"strength": -2}),
        ("forced", {"strength": "1"}, {"strength": 1}),
        ("rank", {"rank-0": "2", "rank-1": "1", "rank-2": "2"}, {"ranks": [2, 1, 2]}),
        ("best", {"best": "1", "mark-0": "no", "mark-1": ""}, {"best": 1, "acceptable": [False, None, None]}),
    ],
)
def test_the_fields_of_a_mode_become_an_answer(mode: str, values: dict[str, str], wanted: dict[str, Any]) -> None:
    count = 2 if mode in ("pair", "forced") else 3
    assert task_view.answer_of(values, ProjectSettings(mode=mode), count) == Answer(**wanted)


def test_ratings_are_asked_for_every_criterion(workspace: Workspace) -> None:
    settings = ProjectSettings(mode="rating", criteria="helpful\nkind")
    values = {"rating-0-0": "5", "rating-0-1": "6", "rating-1-0": "2", "rating-1-1": ""}
    with pytest.raises(FeedbackError, match="B is not rated for “kind”"):
        task_view.answer_of(values, settings, 2)
    said = task_view.answer_of({**values, "rating-1-1": "1"}, settings, 2)
    assert said.ratings == [{"helpful": 5, "kind": 6}, {"helpful": 2, "kind": 1}]


def test_what_is_not_chosen_is_asked_for() -> None:
    with pytest.raises(FeedbackError, match="Nothing is chosen"):
        task_view.answer_of({}, ProjectSettings(), 2)
    with pytest.raises(FeedbackError, match="Answer B has no rank"):
        task_view.answer_of({"rank-0": "1"}, ProjectSettings(mode="rank"), 2)


def test_a_disagreement_is_settled_blind_and_leaves_the_list(workspace: Workspace) -> None:
    project = a_project(workspace, 2, ("alpha", EVIL))
    for person, strength in (("Ada", -3), ("Bo", 3)):
        vote(workspace, 1, person, strength=strength, comment=EVIL)
    part = label_items.Disagreements(workspace, None, "split", lambda task: [("settle", "Settle it so", True)], marks=True)  # type: ignore[arg-type]
    _, table, number, item, _ = part.show(project.id)
    assert (number, "Ada: A is much better; Bo: B is much better" in table) == (1, True)
    assert "<img" not in item
    assert 'data-act="settle"' in item
    assert "alpha</span>" not in item  # no model is named
    event: Any = SimpleNamespace(task="1", values={"strength": "-1"}, what="settle")
    table, number, _, words = part.settle(request_of(workspace), event, project.id, "waiting")
    assert "Nothing to settle" in table
    assert number == 0
    assert "A is slightly better" in words
    assert adjudication.queue(workspace, project.id) == []
    assert "A is slightly better" in part.next_of(project.id, "settled")[0]
    assert "checked" in part.item(1, project.id)


def test_a_gold_item_is_marked_and_unmarked(workspace: Workspace) -> None:
    project = a_project(workspace, 2)
    part = label_items.AllItems(workspace, None, "items", label_items._gold_buttons)  # type: ignore[arg-type]
    event: Any = SimpleNamespace(task="2", values={"strength": "3"}, what="gold")
    words, table, *_ = part.mark(event, project.id, "gold", "")
    assert tasks.get_task(workspace, 2).gold == [2, 1]
    assert "1 item" in words
    assert "B &gt; A" in table
    event.what = "plain"
    part.mark(event, project.id, "gold", "")
    assert tasks.get_task(workspace, 2).gold is None


def test_judgements_are_filtered_searched_and_shown_with_their_origin(workspace: Workspace) -> None:
    project = a_project(workspace, 60, overlap=1)
    for number in range(1, 56):
        vote(workspace, number, "Ada" if number % 5 else "Bo", strength=1)
    first = judgements.effective(workspace, [project.id])[0]
    changed = judgements.record(
        workspace, 1, first.person_id, Answer(strength=-1, comment=f"on second thoughts {EVIL}"), "label", "again", first.id
    )
    table, words, start, more = label_judgements.page_of(workspace, project.id, Asked(), 0)
    assert (words, start, more) == ("1–50 of 55", 0, True)
    assert "<img" not in table
    assert label_judgements.page_of(workspace, project.id, Asked("all rows"), 50)[1] == "51–56 of 56"
    assert label_judgements.page_of(workspace, project.id, Asked(person="Bo"), 0)[1] == "1–11 of 11"
    assert label_judgements.page_of(workspace, project.id, Asked(search="second THOUGHTS"), 0)[1] == "1–1 of 1"
    assert label_judgements.page_of(workspace, project.id, Asked("taken back or changed"), 0)[1] == "1–1 of 1"
    whole = label_judgements.detail(workspace, project.id, changed.id)
    assert "alpha" in whole
    assert "under the key again" in whole
    assert whole.count("is slightly better") == 3  # what is said, and both rows of this person
    assert "<img" not in whole
