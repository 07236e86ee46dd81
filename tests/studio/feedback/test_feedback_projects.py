"""Projects: which items a comparison gives, how many people judge each, guidelines, gold items, states and names."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from studio import db
from studio.data import held_out
from studio.errors import FeedbackError, NotFoundError
from studio.feedback import items, projects
from studio.feedback.items import Output
from studio.feedback.settings import ProjectSettings
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, asked, vote


def output(id: int, model: str, text: str = "", prompt: int = 0, finish_reason: str = "stop") -> Output:
    return Output(id, prompt, model, text or f"{model} {id}", None, finish_reason)


def couples(outputs: list[Output], models: list[str], **settings: Any) -> list[list[int]]:
    made = items.items_of([asked(0), asked(1)], outputs, models, ProjectSettings(**settings))
    return [item.candidates for item in made]


def test_pairs_are_of_different_models_and_of_whole_and_different_answers() -> None:
    outputs = [
        output(1, "a"), output(2, "a"), output(3, "b"), output(4, "b", finish_reason="length"), output(5, "c", finish_reason="error"),
        output(6, "c", "b 3 "), output(7, "c", finish_reason="cancelled"), output(8, "a", prompt=1), output(9, "c", prompt=1),
    ]  # fmt: skip
    assert couples(outputs, ["a", "b", "c"]) == [[1, 3], [2, 3], [8, 9]]


def test_the_samples_of_a_single_model_meet_each_other() -> None:
    assert couples([output(i, "a") for i in (1, 2, 3)], ["a"]) == [[1, 2], [1, 3], [2, 3]]


@pytest.mark.parametrize("mode", ["rank", "best", "rating"])
def test_sets_hold_every_answer_with_the_models_spread_over_them(mode: str) -> None:
    outputs = [output(i, "ab"[i % 2]) for i in range(1, 8)]
    sets = couples(outputs, ["a", "b"], mode=mode, candidates=4)
    assert sorted(id for group in sets for id in group) == list(range(1, 8))
    assert sorted(len(group) for group in sets) == [3, 4]
    assert all({id % 2 for id in group} == {0, 1} for group in sets)
    assert sets == couples(outputs, ["a", "b"], mode=mode, candidates=4)


def test_an_answer_that_is_left_over_meets_one_of_another_model() -> None:
    sets = couples([output(1, "a"), output(2, "b"), output(3, "c")], ["a", "b", "c"], mode="rank", candidates=2)
    assert [len(group) for group in sets] == [2, 2]
    assert {id for group in sets for id in group} == {1, 2, 3}
    assert couples([output(1, "a"), output(2, "a")], ["a"], mode="rating", candidates=1) in ([[1], [2]], [[2], [1]])


def test_a_comparison_that_gives_no_item_is_refused_and_says_why() -> None:
    with pytest.raises(FeedbackError, match=r"Of its 3 answers 1 failed, 1 the same as another cannot be used.*at least two models"):
        couples([output(1, "a", "x"), output(2, "b", "x"), output(3, "b", finish_reason="error")], ["a", "b"])
    with pytest.raises(FeedbackError, match="no answers yet"):
        couples([], ["a", "b"])
    with pytest.raises(FeedbackError, match="at least two answers"):
        couples([output(1, "a")], ["a"], mode="rank", candidates=1)


def test_several_people_judge_the_shared_items(workspace: Workspace) -> None:
    info = a_project(workspace, 20, overlap=1, shared_overlap=3, shared_share=0.2)
    assert Counter(task.overlap for task in projects.tasks(workspace, info.id)) == {1: 16, 3: 4}
    assert (info.tasks, info.wanted, info.judged, info.models) == (20, 28, 0, ["alpha", "beta"])


def test_overlap_can_be_changed_while_people_judge(workspace: Workspace) -> None:
    info = a_project(workspace, 2, overlap=1)
    task = projects.tasks(workspace, info.id)[0]
    vote(workspace, task.id, "eve", strength=1)
    assert projects.get_task(workspace, task.id).state == "done"
    changed = projects.change_overlap(workspace, info.id, overlap=2)
    assert (changed.settings.overlap, changed.wanted, changed.judged) == (2, 4, 1)
    assert projects.get_task(workspace, task.id).state == "open"
    vote(workspace, task.id, "ann", strength=1)
    with pytest.raises(FeedbackError, match="People for each item: input should be"):
        projects.change_overlap(workspace, info.id, overlap=0)
    lowered = projects.change_overlap(workspace, info.id, overlap=1)
    assert (lowered.wanted, lowered.judged, projects.get_task(workspace, task.id).judged) == (2, 1, 2)


def test_every_change_of_the_guidelines_is_a_version(workspace: Workspace) -> None:
    info = a_project(workspace)
    assert projects.set_guidelines(workspace, info.id, " Which one helps more? ", "ann").number == 1
    assert projects.set_guidelines(workspace, info.id, "Which one is right?", "ann").number == 2
    assert [(g.number, g.text, g.author) for g in projects.guidelines(workspace, info.id)] == [
        (1, "Which one helps more?", ""),
        (2, "Which one is right?", "ann"),
    ]
    assert projects.get_project(workspace, info.id).guideline == projects.guidelines(workspace, info.id)[1]


def test_gold_items_do_not_count_towards_what_is_wanted(workspace: Workspace) -> None:
    info = a_project(workspace, 3, overlap=1)
    first = projects.tasks(workspace, info.id)[0]
    gold = projects.set_gold(workspace, first.id, [2, 1])
    assert (gold.state, gold.gold) == ("gold", [2, 1])
    assert [task.id for task in projects.tasks(workspace, info.id, state="gold")] == [first.id]
    info = projects.get_project(workspace, info.id)
    assert (info.tasks, info.gold, info.wanted) == (3, 1, 2)
    with pytest.raises(FeedbackError, match="2 answers need 2 ranks"):
        projects.set_gold(workspace, first.id, [1])
    assert projects.set_gold(workspace, first.id, None).state == "open"


def test_a_prompt_is_on_the_same_side_in_every_project(workspace: Workspace) -> None:
    held_out.set_share(workspace, 0.5)
    first = projects.tasks(workspace, a_project(workspace, 12, name="first").id)
    held_out.set_share(workspace, 0.0)
    second = projects.tasks(workspace, a_project(workspace, 14, name="second", round=2, mode="rank").id)
    sides = {task.prompt_sha256: task.side for task in first}
    assert set(sides.values()) == {"train", "held_out"}
    assert all(sides.get(task.prompt_sha256, "train") == task.side for task in second)
    assert len(projects.tasks(workspace, first[0].project_id, side="train")) == Counter(sides.values())["train"]


def test_projects_are_named_paused_deleted_and_restored(workspace: Workspace) -> None:
    info = a_project(workspace, name="orders")
    with pytest.raises(FeedbackError, match="called orders already"):
        projects.create_project(workspace, " orders ", info.comparison_id, ProjectSettings())
    assert projects.rename_project(workspace, info.id, "parcels").name == "parcels"
    assert projects.get_project(workspace, "parcels").id == projects.get_project(workspace, str(info.id)).id == info.id
    assert projects.set_state(workspace, info.id, "paused").state == "paused"
    projects.delete_project(workspace, info.id)
    assert projects.list_projects(workspace) == []
    assert [deleted.name for deleted in projects.list_projects(workspace, deleted=True)] == ["parcels"]
    with pytest.raises(NotFoundError):
        projects.get_project(workspace, "parcels")
    assert projects.restore_project(workspace, info.id).state == "paused"


def test_the_outline_tells_what_the_tasks_do_without_their_texts(workspace: Workspace) -> None:
    info = a_project(workspace, 2, models=("alpha", "beta", "gamma"), mode="rank")
    projects.set_gold(workspace, projects.tasks(workspace, info.id)[0].id, [1, 1, 2])
    for whole, short in zip(projects.tasks(workspace, info.id), projects.outline(workspace, [info.id]), strict=True):
        assert short.candidates == [candidate.id for candidate in whole.candidates]
        assert short.models == [candidate.model for candidate in whole.candidates]
        assert short.lengths == [len(candidate.text) for candidate in whole.candidates]
        assert (short.gold, short.side, short.state, short.overlap) == (whole.gold, whole.side, whole.state, whole.overlap)


def test_items_can_be_added_to_a_project(workspace: Workspace) -> None:
    info = a_project(workspace, 1)
    candidates = [candidate.id for candidate in projects.tasks(workspace, info.id)[0].candidates]
    added = projects.add_items(workspace, info.id, [projects.NewItem(asked(7), candidates, ["alpha", "beta"])])
    assert [task.prompt for task in projects.tasks(workspace, info.id) if task.id in added] == [asked(7)]
    with workspace.db.read() as session:
        draws = {row.draw for row in session.query(db.Task)}
    assert len(draws) == 2
