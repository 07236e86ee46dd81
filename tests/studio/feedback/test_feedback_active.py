"""Training items come by what they teach, held-out items at random."""

from __future__ import annotations

from itertools import combinations

import pytest

from studio import people
from studio.data import held_out
from studio.feedback import active, judgements, leases
from studio.feedback.active import chooser
from studio.feedback.answers import Answer
from studio.feedback.judgements import NewJudgement, record_all
from studio.feedback.projects import ProjectInfo, tasks
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, vote

MODELS = ("alpha", "beta", "gamma")


def judged(ws: Workspace, project: ProjectInfo, models: set[str], strengths: list[int]) -> None:
    """Votes on the first items of two models, a strength each."""
    fitting = [task for task in tasks(ws, project.id) if {each.model for each in task.candidates} == models]
    who = people.known_person(ws, "ann").id
    rows = [NewJudgement(task.id, who, Answer(strength=s), "label", f"{task.id}") for task, s in zip(fitting, strengths, strict=False)]
    record_all(ws, rows)


def test_what_was_asked_least_is_worth_most(workspace: Workspace) -> None:
    project = a_project(workspace, prompts=20, models=MODELS)
    worth = chooser(workspace, project.id)
    first = {couple: worth(couple) for couple in combinations(MODELS, 2)}
    assert len({round(value, 9) for value in first.values()}) == 1
    assert worth(MODELS) == pytest.approx(sum(first.values()))
    judged(workspace, project, {"alpha", "beta"}, [-2, 2] * 8)
    worth = chooser(workspace, project.id)
    assert worth(("alpha", "gamma")) > worth(("alpha", "beta"))
    assert worth(("beta", "gamma")) > worth(("alpha", "beta"))
    assert worth(("alpha", "beta")) < first["alpha", "beta"]


def test_a_judgement_that_is_taken_back_teaches_nothing(workspace: Workspace) -> None:
    project = a_project(workspace, prompts=4, models=MODELS)
    before = chooser(workspace, project.id)(("alpha", "beta"))
    task = next(task for task in tasks(workspace, project.id) if {c.model for c in task.candidates} == {"alpha", "beta"})
    row = vote(workspace, task.id, "ann", strength=3)
    assert chooser(workspace, project.id)(("alpha", "beta")) < before
    judgements.withdraw(workspace, row.id, row.person_id, "back")
    assert chooser(workspace, project.id)(("alpha", "beta")) == pytest.approx(before)


def test_training_items_go_by_worth_and_held_out_items_at_random(workspace: Workspace) -> None:
    held_out.set_share(workspace, 0.5)
    project = a_project(workspace, prompts=60, models=MODELS, overlap=1)
    judged(workspace, project, {"alpha", "beta"}, [-2, 2, 2] * 10)
    bob = people.known_person(workspace, "bob").id
    got: dict[str, list[bool]] = {"train": [], "held_out": []}
    of_task = {task.id: task for task in tasks(workspace, project.id)}
    for number in range(50):
        held = leases.lease(workspace, project.id, bob, choose=chooser(workspace, project.id))
        assert held is not None
        task = of_task[held.task_id]
        got[task.side].append("gamma" in {each.model for each in task.candidates})
        judgements.submit(workspace, held.id, bob, Answer(strength=1 if number % 2 else -1), f"bob-{number}")
    open_share = 2 / 2.5  # of 60 couples of alpha and beta half are judged
    assert sum(got["train"]) / len(got["train"]) > 0.88
    assert abs(sum(got["held_out"]) / len(got["held_out"]) - open_share) < 0.2


def test_votes_are_followed_without_fitting_at_each(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    project = a_project(workspace, prompts=300, models=MODELS)
    judged(workspace, project, {"alpha", "beta"}, [-2, 2, 2] * 100)
    fits = 0
    fit = active.Standing._fit

    def counted(self: active.Standing) -> dict[tuple[str, str], float]:
        nonlocal fits
        fits += 1
        return fit(self)

    monkeypatch.setattr(active.Standing, "_fit", counted)
    some = [task for task in tasks(workspace, project.id) if {c.model for c in task.candidates} == {"beta", "gamma"}]
    for task in some[:10]:
        chooser(workspace, project.id)
        vote(workspace, task.id, "eve", strength=1)
    assert 1 <= fits <= 4
