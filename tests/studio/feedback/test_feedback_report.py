"""The report of projects: what counts, for which side, and that it follows every vote."""

from __future__ import annotations

import pytest

from studio import db, people
from studio.errors import FeedbackError, NotFoundError
from studio.feedback import judgements
from studio.feedback.answers import Answer
from studio.feedback.leases import lease
from studio.feedback.projects import set_gold, tasks
from studio.feedback.report import report
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, vote


def test_votes_of_several_people_become_a_report(workspace: Workspace) -> None:
    project = a_project(workspace, prompts=7, models=("alpha", "beta", "gamma"), mode="rank", candidates=3)
    for task in tasks(workspace, project.id):
        for person, ranks in (("ada", [1, 2, 3]), ("bea", [1, 3, 2]), ("cyd", [1, 2, 3])):
            marks = [True, True, False]
            vote(workspace, task.id, person, ranks=ranks, acceptable=marks)
    found = report(workspace, [project.id])
    assert found.sentence == "21 judgements by 3 people; 0 of 7 items done."
    assert [one.model for one in found.standings] == ["alpha", "beta", "gamma"]
    assert found.models == ["alpha", "beta", "gamma"]
    assert found.agreement.raw == pytest.approx(1 - 2 / 9)  # of three couples all agree on two; on the third one of three people does not
    assert [(one.model, one.share) for one in found.acceptable] == [("alpha", 1.0), ("beta", 1.0), ("gamma", 0.0)]
    assert {one.person for one in found.annotators} == {"ada", "bea", "cyd"}
    assert found.verdicts[0].sentence.startswith("alpha beats beta")


def test_the_report_follows_votes_that_are_taken_back_and_gold_items(workspace: Workspace) -> None:
    project = a_project(workspace, prompts=3)
    ada = people.known_person(workspace, "ada")
    while (held := lease(workspace, project.id, ada.id)) is not None:
        first_shown = 0 if held.shown[0] == 0 else 1
        judgements.submit(workspace, held.id, ada.id, Answer(strength=3 if first_shown else -3), f"vote-{held.task_id}", 7.0, 9.0)
    found = report(workspace, [project.id])
    assert report(workspace, [project.id]) is found  # nothing changed, so it is not made again
    assert (found.judgements, found.standings[0].model, found.standings[0].games) == (3, "alpha", 3)
    assert found.annotators[0].median_seconds == 7.0
    assert found.biases[0].n == 3
    judgements.undo(workspace, project.id, ada.id, "back")
    assert report(workspace, [project.id]).judgements == 2
    set_gold(workspace, tasks(workspace, project.id, state="open")[0].id, [1, 2])
    assert report(workspace, [project.id]).tasks == 2


def test_sides_decisions_and_imports_are_told_apart(workspace: Workspace) -> None:
    project = a_project(workspace, prompts=6)
    some = tasks(workspace, project.id)
    with workspace.db.write() as session:
        for task in some[:2]:
            session.get_one(db.Task, task.id).side = "held_out"
        for task in some[2:]:
            session.get_one(db.Task, task.id).side = "train"
    for task in some:
        vote(workspace, task.id, "ada", "import", strength=-2)
    vote(workspace, some[0].id, "lead", "adjudication", strength=2)
    assert report(workspace, [project.id]).matrix.games[0][1] == 6
    assert report(workspace, [project.id]).judgements == 6
    assert report(workspace, [project.id], side="held_out").matrix.wins[0][1] == 1.0
    assert report(workspace, [project.id], side="held_out", rule="adjudicated").matrix.wins[0][1] == 0.5
    assert report(workspace, [project.id], side="train").tasks == 4
    assert report(workspace, [project.id]).biases[0].n == 0  # imported votes tell no order on the screen


def test_unknown_projects_and_ways_of_counting_are_refused(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no project 7"):
        report(workspace, [7])
    with pytest.raises(FeedbackError, match="all, majority or adjudicated"):
        report(workspace, [a_project(workspace).id], rule="loudest")  # type: ignore[arg-type]
