"""The questions that are asked of the tables at every vote, as statements that are built once.

Building a statement costs more than running it, so each stands here as a constant with named parameters (`project`, `person`, `task`,
`now`), made of the conditions at the top. A row of `judgements` stands when it is judged or skipped and no other supersedes it. A place at
a task is taken by a judgement that counts or by a lease of somebody else that has not run out; repeats take none. To ask something new at
every vote, add a constant, and look at its plan with EXPLAIN QUERY PLAN: nothing here may read whole tables.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, DateTime, bindparam, exists, func, select

from studio import db

t, lease, j = (table.__table__ for table in (db.Task, db.Lease, db.Judgement))
later = j.alias("later")
PROJECT: BindParameter[Any] = bindparam("project")
PERSON: BindParameter[Any] = bindparam("person")
TASK: BindParameter[Any] = bindparam("task")
NOW, MIDNIGHT = bindparam("now", type_=DateTime), bindparam("midnight", type_=DateTime)
ADJUDICATION = "adjudication"

STANDS = (j.c.state != "withdrawn") & ~exists().where(later.c.supersedes_id == j.c.id)
MINE = (j.c.person_id == PERSON) & (j.c.project_id == PROJECT) & (j.c.source == "label")
HAD = exists().where(j.c.task_id == t.c.id, j.c.person_id == PERSON, STANDS)
"""Whether the person has judged or skipped the task, and not taken it back."""

HOLDING = select(func.count()).where(lease.c.task_id == t.c.id, lease.c.person_id != PERSON, lease.c.repeat == 0, lease.c.expires_at > NOW)
PLACE = t.c.judged + HOLDING.scalar_subquery() < t.c.overlap
OPEN = (t.c.project_id == PROJECT) & (t.c.state == "open")
GOLD = (t.c.project_id == PROJECT) & (t.c.state == "gold")

had = select(exists().where(j.c.task_id == TASK, j.c.person_id == PERSON, STANDS))
place_left = select(t.c.id).where(t.c.id == TASK, PLACE)

_first = select(t.c.id).where(OPEN, ~HAD, PLACE).order_by(t.c.draw).limit(1)
_behind = t.c.draw > bindparam("behind")
_side, _models = t.c.side == bindparam("side"), t.c.models == bindparam("models", type_=t.c.models.type)
FIRST = {
    (): (_first.where(_behind), _first),
    ("side",): (_first.where(_side, _behind), _first.where(_side)),
    ("side", "models"): (_first.where(_side, _models, _behind), _first.where(_side, _models)),
}
"""The first free task by draw, narrowed down by these parameters: behind a place in the draw, and from the front."""

last_draw = select(t.c.draw).where(t.c.id == select(j.c.task_id).where(MINE).order_by(j.c.id.desc()).limit(1).scalar_subquery())
"""Where in the random order the person's newest act lies."""

kinds = select(t.c.side, t.c.models, func.count()).where(OPEN).group_by(t.c.side, t.c.models)
gold_item = select(t.c.id).where(GOLD, ~HAD).order_by(t.c.draw).limit(1)
acts = select(func.count()).where(MINE)
done_before = (
    select(j.c.id, j.c.task_id, j.c.repeat, j.c.state, j.c.supersedes_id, j.c.shown, t.c.state.label("task_state"))
    .join_from(j, t, t.c.id == j.c.task_id)
    .where(MINE)
    .order_by(j.c.id.desc())
    .limit(bindparam("window"))
)
"""The person's newest acts, from which repeat items are drawn."""

_skipped = select(j.c.task_id).where(MINE, j.c.state == "skipped")
_in_hands = select(lease.c.task_id).where(
    lease.c.project_id == PROJECT, lease.c.person_id != PERSON, lease.c.expires_at > NOW, lease.c.repeat == 0
)
left = select(
    select(func.count()).where(OPEN).scalar_subquery()
    - select(func.count()).where(OPEN, t.c.judged > 0, HAD).scalar_subquery()
    - select(func.count()).where(OPEN, t.c.judged == 0, t.c.id.in_(_skipped), HAD).scalar_subquery()
    - select(func.count()).where(OPEN, t.c.id.in_(_in_hands), ~HAD, ~PLACE).scalar_subquery()
)
"""All open tasks but those that the person has judged (only what somebody judged is looked at) or skipped, and those that others hold."""

gold_left = select(func.count()).where(GOLD, ~HAD)
counted = select(func.count(j.c.person_id.distinct())).where(
    j.c.task_id == TASK, j.c.state == "judged", j.c.repeat == 0, j.c.source != ADJUDICATION, STANDS
)
"""How many people's judgements of a task count."""

done_and_wanted = select(func.sum(func.min(t.c.judged, t.c.overlap)), func.sum(t.c.overlap)).where(
    t.c.project_id == PROJECT, t.c.state.in_(("open", "done"))
)
_judged, _back, _today = j.c.state == "judged", j.c.supersedes_id.is_not(None), j.c.created_at >= MIDNIGHT
_parts = (
    _judged, _back & (j.c.reason == ""), j.c.state == "skipped", _back & (j.c.reason != ""), _judged & _today,
    _back & (j.c.reason == "") & _today,
)  # fmt: skip
work = select(*(func.count().filter(part) for part in _parts)).where(MINE)
"""What a person did, from one index alone: judgements, those superseded, skips, those superseded (they have a reason), and today's."""
