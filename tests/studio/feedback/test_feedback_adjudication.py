"""Items that people disagree about: which they are, in which order, and what a decision changes."""

from __future__ import annotations

import pytest

from studio import people
from studio.errors import AccessError, FeedbackError
from studio.feedback import judgements
from studio.feedback.adjudication import adjudicate, clash, queue
from studio.feedback.answers import Answer
from studio.feedback.projects import get_project, set_gold, tasks
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, vote


def test_the_surest_disagreements_come_first_and_leave_when_they_are_decided(workspace: Workspace) -> None:
    project = a_project(workspace, prompts=6)
    calm, slight, sharp, tie, gold, lone = (task.id for task in tasks(workspace, project.id))
    for id, strengths in ((calm, (2, 3)), (slight, (-1, 3)), (sharp, (-3, 2, 2)), (tie, (0, 3)), (gold, (-3, 3)), (lone, (3,))):
        for person, strength in zip(("ann", "bob", "eve"), strengths, strict=False):
            vote(workspace, id, person, strength=strength)
    set_gold(workspace, gold, [1, 2])
    found = queue(workspace, project.id)
    assert [(split.task.id, len(split.votes)) for split in found] == [(sharp, 3), (slight, 2)]
    assert [round(split.confidence, 2) for split in found] == [0.67, 0.33]
    lead = people.local_person(workspace)
    adjudicate(workspace, sharp, lead, Answer(strength=1))
    decided = adjudicate(workspace, sharp, lead, Answer(strength=-1))
    assert [split.task.id for split in queue(workspace, project.id)] == [slight]
    after = queue(workspace, project.id, decided=True)
    assert [split.decision.answer.strength for split in after if split.decision] == [-1]
    assert decided.source == "adjudication"
    assert len(judgements.effective(workspace, [project.id], ["adjudication"])) == 1
    assert get_project(workspace, project.id).judged == project.judged + 12 - 2  # gold items are not counted
    with pytest.raises(FeedbackError, match="gold"):
        adjudicate(workspace, gold, lead, Answer(strength=1))
    with pytest.raises(AccessError):
        adjudicate(workspace, slight, people.known_person(workspace, "ann"), Answer(strength=1))


def test_what_a_clash_is_in_each_way_of_judging() -> None:
    whole = clash([Answer(ranks=[1, 2, 3]), Answer(ranks=[3, 2, 1])], 3)
    neighbours = clash([Answer(ranks=[1, 2, 3]), Answer(ranks=[2, 1, 3])], 3)
    assert whole == (1.0, 1.0)
    assert neighbours == (0.5, pytest.approx(1 / 3))
    assert clash([Answer(ranks=[1, 1, 2]), Answer(ranks=[1, 2, 3])], 3) == (0.0, 0.0)
    assert clash([Answer(best=0), Answer(best=2)], 3)[0] == 1.0
    assert clash([Answer(ratings=[{"kind": 7}]), Answer(ratings=[{"kind": 3}])], 1) == (pytest.approx(1 / 3), 1.0)
    assert clash([Answer(ratings=[{"kind": 7}]), Answer(ratings=[{"kind": 5}])], 1) == (0.0, 0.0)
    assert clash([Answer(strength=1, acceptable=[True, None]), Answer(strength=2, acceptable=[False, None])], 2)[0] == pytest.approx(1 / 3)
