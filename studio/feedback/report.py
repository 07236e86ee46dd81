"""The report on the votes of labelling projects: who is better and how sure that is, how far people agree, who to look at.

`report` reads what counts and hands it to `studio/feedback/statistics`. A report is kept until something is judged, taken back or added,
so it can be asked for as often as a page likes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal, TypeVar, get_args
from weakref import WeakKeyDictionary

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio import db
from studio.errors import FeedbackError
from studio.feedback.judgements import ADJUDICATION
from studio.feedback.opinions import RULE_NAMES, Rule
from studio.feedback.projects import get_project
from studio.feedback.standing import JudgementInfo, infos, superseded
from studio.feedback.statistics.results import Report
from studio.feedback.statistics.summary import Counts, summarise
from studio.feedback.statistics.votes import Item, Vote, features_of
from studio.feedback.tasks import TaskOutline, outline
from studio.workspace import Workspace

T = TypeVar("T")
Side = Literal["", "train", "held_out"]
DRAWN_AT_RANDOM = ("label", "simulation")
AT_ONCE = 500
MOST_REPORTS, MOST_REMEMBERED = 32, 300_000


@dataclass
class _Memory:
    """What is kept for a workspace while it is open: the last reports, and rows and looks, which never change, by their numbers."""

    reports: dict[Any, Report] = field(default_factory=dict)
    rows: dict[int, JudgementInfo] = field(default_factory=dict)
    looks: dict[int, tuple[int, ...]] = field(default_factory=dict)


_MEMORIES: WeakKeyDictionary[db.Database, _Memory] = WeakKeyDictionary()
_GUARD = Lock()


def _memory(ws: Workspace) -> _Memory:
    with _GUARD:
        return _MEMORIES.setdefault(ws.db, _Memory())


def _remembered(known: dict[int, T], ids: Sequence[int], load: Callable[[list[int]], dict[int, T]]) -> dict[int, T]:
    """What stands under these numbers; only what is not `known` is loaded."""
    found = {id: value for id in ids if (value := known.get(id)) is not None}
    new = load([id for id in ids if id not in found])
    if len(known) + len(new) > MOST_REMEMBERED:
        known.clear()
    known.update(new)
    return found | new


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
    key = (tuple(ids), length_controlled, side, rule, _stamp(ws, ids))
    kept = _memory(ws).reports
    found = kept.get(key)
    if found is None:
        found = _make(ws, ids, length_controlled, side, rule)
        with _GUARD:
            kept[key] = found
            for oldest in list(kept)[:-MOST_REPORTS]:
                del kept[oldest]
    return found


def _make(ws: Workspace, ids: list[int], length_controlled: bool, side: Side, rule: Rule) -> Report:
    tasks = [task for task in outline(ws, ids) if not side or task.side == side]
    items = _items(ws, tasks)
    votes = [_vote(row, items[row.task_id]) for row in _judgements(ws, ids) if row.task_id in items]
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


def _judgements(ws: Workspace, ids: Sequence[int]) -> list[JudgementInfo]:
    """What `judgements.effective` gives, oldest first."""
    j = db.Judgement
    counting = select(j.id).where(j.project_id.in_(ids), j.state == "judged", ~superseded(j)).order_by(j.id)
    with ws.db.read() as session:
        numbers = session.scalars(counting).all()
        rows = _remembered(_memory(ws).rows, numbers, lambda new: {row.id: row for row in infos(session, new)})
    return [rows[number] for number in numbers]


def _vote(row: JudgementInfo, item: Item) -> Vote:
    return Vote(
        item=item, person=row.person, answer=row.answer, shown=tuple(row.shown) if row.source in DRAWN_AT_RANDOM else None,
        seconds=row.active_seconds, repeat=row.repeat, adjudication=row.source == ADJUDICATION,
    )  # fmt: skip


def _items(ws: Workspace, tasks: Sequence[TaskOutline]) -> dict[int, Item]:
    candidates = sorted({candidate for task in tasks for candidate in task.candidates})
    with ws.db.read() as session:
        looks = _remembered(_memory(ws).looks, candidates, lambda new: _looks(session, new))
    return {
        task.id: Item(
            task=task.id, prompt=task.prompt_sha256, models=tuple(task.models), features=tuple(looks[one] for one in task.candidates),
            gold=tuple(task.gold) if task.gold else None, reading=sum(task.lengths),
        )
        for task in tasks
    }  # fmt: skip


def _looks(session: Session, candidates: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """What can be counted on the candidates' faces."""
    c = db.Candidate
    found: dict[int, tuple[int, ...]] = {}
    for start in range(0, len(candidates), AT_ONCE):
        for id, text, messages in session.execute(select(c.id, c.text, c.messages).where(c.id.in_(candidates[start : start + AT_ONCE]))):
            found[id] = features_of(_said(text, messages))
    return found


def _said(text: str, messages: list[dict[str, Any]] | None) -> str:
    """All that the model said."""
    if not messages:
        return text
    return "\n".join(str(message.get("content") or "") for message in messages if message.get("role") == "assistant")
