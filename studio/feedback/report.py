"""The report on the votes of labelling projects: who is better and how sure that is, how far people agree, who to look at.

`report` reads what counts and hands it to `studio/feedback/statistics`. A report is kept until something is judged, taken back or added,
so it can be asked for as often as a page likes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any, Literal, get_args

from sqlalchemy import func, select

from studio import db
from studio.errors import FeedbackError
from studio.feedback import judgements
from studio.feedback.judgements import JudgementInfo
from studio.feedback.opinions import RULE_NAMES, Rule
from studio.feedback.projects import get_project
from studio.feedback.statistics.results import Report
from studio.feedback.statistics.summary import Counts, summarise
from studio.feedback.statistics.votes import Item, Vote, features_of
from studio.feedback.tasks import TaskOutline, outline
from studio.workspace import Workspace

Side = Literal["", "train", "held_out"]
DRAWN_AT_RANDOM = ("label", "simulation")
AT_ONCE = 500


class _Kept:
    """The newest results by key, a few of them."""

    def __init__(self, most: int) -> None:
        self._most, self._lock, self._kept = most, Lock(), OrderedDict[Any, Any]()

    def get(self, key: Any) -> Any:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Any, value: Any) -> None:
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_REPORTS = _Kept(32)
_LOOKS = _Kept(200_000)


def report(ws: Workspace, project_ids: Sequence[int], length_controlled: bool = True, side: Side = "", rule: Rule = "all") -> Report:
    """What the votes of these projects are worth together; `side` narrows it down to held-out or training prompts.

    Who is better is told by `rule`: every first vote counts (`all`), or for each two answers what most people said (`majority`), or the
    lead's decision and elsewhere the majority (`adjudicated`). Raises `NotFoundError` for an unknown project and `FeedbackError` for an
    unknown side or rule.
    """
    if side not in get_args(Side) or rule not in RULE_NAMES:
        raise FeedbackError(
            f"Votes cannot be counted for {side or rule!r}.", "Choose train, held_out or both; and all, majority or adjudicated."
        )
    ids = sorted({get_project(ws, id).id for id in project_ids})
    key = (ws.root, tuple(ids), length_controlled, side, rule, _stamp(ws, ids))
    found = _REPORTS.get(key)
    if found is None:
        found = _make(ws, ids, length_controlled, side, rule)
        _REPORTS.put(key, found)
    return found


def _make(ws: Workspace, ids: list[int], length_controlled: bool, side: Side, rule: Rule) -> Report:
    tasks = [task for task in outline(ws, ids) if not side or task.side == side]
    items = _items(ws, tasks)
    votes = [_vote(row, items[row.task_id]) for row in judgements.effective(ws, ids) if row.task_id in items]
    ordinary = [task for task in tasks if task.gold is None]
    models = sorted({model for task in tasks for model in task.models})
    done = sum(task.judged >= task.overlap for task in ordinary)
    return summarise(votes, Counts(ids, side, rule, models, len(ordinary), done), length_controlled)


def _stamp(ws: Workspace, ids: Sequence[int]) -> tuple[Any, ...]:
    """Something that changes with every vote, taken back or not, and with every change of the tasks."""
    t, j = db.Task, db.Judgement
    counted = select(func.count(t.id), func.sum(t.overlap), func.sum(t.judged), func.count(t.gold), func.max(t.id))
    with ws.db.read() as session:
        newest = session.scalar(select(func.max(j.id)).where(j.project_id.in_(ids)))
        return (newest, *session.execute(counted.where(t.project_id.in_(ids))).one())


def _vote(row: JudgementInfo, item: Item) -> Vote:
    return Vote(
        item=item, person=row.person, answer=row.answer, shown=tuple(row.shown) if row.source in DRAWN_AT_RANDOM else None,
        seconds=row.active_seconds, repeat=row.repeat, adjudication=row.source == judgements.ADJUDICATION,
    )  # fmt: skip


def _items(ws: Workspace, tasks: Sequence[TaskOutline]) -> dict[int, Item]:
    looks = _looks(ws, {candidate for task in tasks for candidate in task.candidates})
    return {
        task.id: Item(
            task=task.id, prompt=task.prompt_sha256, models=tuple(task.models), features=tuple(looks[one] for one in task.candidates),
            gold=tuple(task.gold) if task.gold else None, reading=sum(task.lengths),
        )
        for task in tasks
    }  # fmt: skip


def _looks(ws: Workspace, candidates: set[int]) -> dict[int, tuple[int, ...]]:
    """What can be counted on the candidates' faces. They never change, so each is counted once."""
    found = {id: looks for id in candidates if (looks := _LOOKS.get((ws.root, id))) is not None}
    missing = sorted(candidates - found.keys())
    c = db.Candidate
    with ws.db.read() as session:
        for start in range(0, len(missing), AT_ONCE):
            for id, text, messages in session.execute(select(c.id, c.text, c.messages).where(c.id.in_(missing[start : start + AT_ONCE]))):
                found[id] = features_of(_said(text, messages))
                _LOOKS.put((ws.root, id), found[id])
    return found


def _said(text: str, messages: list[dict[str, Any]] | None) -> str:
    """All that the model said."""
    if not messages:
        return text
    return "\n".join(str(message.get("content") or "") for message in messages if message.get("role") == "assistant")
