"""Items that people disagree about, the surest disagreements first, and the decision of somebody who leads.

Every vote becomes statements from -1 to 1: that one answer is better than another, how high an answer is rated, that it is acceptable. Two
people clash where their statements point in opposite directions, as surely as the less sure of the two. To let something else count as a
statement, add it in `_statements`.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from studio.errors import FeedbackError
from studio.feedback import judgements, tasks
from studio.feedback.answers import Answer, outcomes, ranks_of
from studio.feedback.judgements import ADJUDICATION
from studio.feedback.projects import get_project
from studio.feedback.settings import HIGHEST_RATING, LOWEST_RATING, STRONGEST
from studio.feedback.standing import JudgementInfo
from studio.feedback.tasks import TaskInfo
from studio.people import PersonInfo, require
from studio.workspace import Workspace

MIDDLE = (HIGHEST_RATING + LOWEST_RATING) / 2
MARK = 1 / STRONGEST
"""How sure a mark is: as a slight preference."""

Statement = tuple[str, int, int]


@dataclass(frozen=True)
class Split:
    """An item on which the `votes` clash. `confidence` (0 to 1) is how sure both sides of the sharpest clash are, `disagreement` the share
    of statements, of each two people, that clash; `decision` is the lead's judgement, where there is one."""

    task: TaskInfo
    votes: list[JudgementInfo]
    confidence: float
    disagreement: float
    decision: JudgementInfo | None = None


def queue(ws: Workspace, project_id: int, decided: bool = False) -> list[Split]:
    """The items of a project that wait for a decision, the surest clashes first; with `decided` those that have one, whatever was said.

    Gold items, whose answer is known, and repeats are left alone.
    """
    project = get_project(ws, project_id)
    known = {task.id: task for task in tasks.tasks(ws, project.id) if task.state != "gold"}
    given: dict[int, list[JudgementInfo]] = defaultdict(list)
    decisions: dict[int, JudgementInfo] = {}
    for row in judgements.effective(ws, [project.id]):
        if row.source == ADJUDICATION:
            decisions[row.task_id] = row
        elif not row.repeat and row.task_id in known:
            given[row.task_id].append(row)
    found: list[Split] = []
    for id, votes in given.items():
        confidence, disagreement = clash([vote.answer for vote in votes], len(known[id].candidates))
        if id in decisions if decided else confidence > 0 and id not in decisions:
            found.append(Split(known[id], votes, confidence, disagreement, decisions.get(id)))
    return sorted(found, key=lambda split: (-split.confidence, -split.disagreement, split.task.id))


def clash(answers: Sequence[Answer], count: int) -> tuple[float, float]:
    """How sure both sides of the sharpest clash are, and the share of statements that clash, of each two people about `count` answers."""
    said = [_statements(answer, count) for answer in answers]
    sharpest, clashes, compared = 0.0, 0, 0
    for one, other in combinations(said, 2):
        for about in one.keys() & other.keys():
            compared += 1
            if one[about] * other[about] < 0:
                clashes += 1
                sharpest = max(sharpest, min(abs(one[about]), abs(other[about])))
    return sharpest, clashes / compared if compared else 0.0


def _statements(answer: Answer, count: int) -> dict[Statement, float]:
    """What an answer says, each from -1 to 1 by what it is about."""
    found: dict[Statement, float] = {}
    ranks = ranks_of(answer, count)
    for each in outcomes(answer, count):
        sure = 1.0
        if answer.strength is not None:
            sure = abs(answer.strength) / STRONGEST
        elif answer.ranks is not None and ranks is not None:
            sure = abs(ranks[each.first] - ranks[each.second]) / (count - 1)
        found["better", each.first, each.second] = sure * (2 * each.result - 1)
    for index, by_criterion in enumerate(answer.ratings or []):
        for criterion, value in by_criterion.items():
            found[f"rating {criterion}", index, 0] = (value - MIDDLE) / (HIGHEST_RATING - MIDDLE)
    for index, mark in enumerate(answer.acceptable):
        if mark is not None:
            found["acceptable", index, 0] = MARK if mark else -MARK
    return found


def adjudicate(ws: Workspace, task_id: int, person: PersonInfo, answer: Answer, key: str = "") -> JudgementInfo:
    """Decide an item; the votes stay as they are, and an earlier decision is superseded. `answer` is in the order of the candidates.

    Raises `AccessError` for people who may only label, `FeedbackError` when the answer is not complete or there is nothing to decide.
    """
    require(person, "train")
    task = tasks.get_task(ws, task_id)
    if task.gold is not None:
        raise FeedbackError("This is a gold item: its right answer is known.", "Change what is right where gold items are set.")
    return judgements.record(ws, task_id, person.id, answer, ADJUDICATION, key or str(uuid.uuid4()))
