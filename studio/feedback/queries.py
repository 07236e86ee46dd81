"""The questions that are asked of the tables at every vote, as statements that are built once.

Building a statement costs more than running it, so each stands here as a constant with named parameters (`project`, `person`, `task`,
`now`), made of the conditions at the top. A row of `judgements` stands when it is judged or skipped and no other supersedes it. A place at
a task is taken by a judgement that counts or by a lease of somebody else that has not run out; repeats take none. To ask something new at
every vote, add a constant, and look at its plan with EXPLAIN QUERY PLAN: nothing here may read whole tables.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import BindParameter, ColumnElement, DateTime, FromClause, Table, bindparam, case, exists, func, select, update

from studio import db

t, lease, j, g, p = (cast(Table, table.__table__) for table in (db.Task, db.Lease, db.Judgement, db.Guideline, db.Project))
later = j.alias("later")
PROJECT: BindParameter[Any] = bindparam("project")
PERSON: BindParameter[Any] = bindparam("person")
TASK: BindParameter[Any] = bindparam("task")
NOW, MIDNIGHT = bindparam("now", type_=DateTime), bindparam("midnight", type_=DateTime)
ADJUDICATION = "adjudication"

STANDS = (j.c.state != "withdrawn") & ~exists().where(later.c.supersedes_id == j.c.id)
MINE = (j.c.person_id == PERSON) & (j.c.project_id == PROJECT) & (j.c.source == "label")


def _had(task: FromClause) -> ColumnElement[bool]:
    """Whether the person has judged or skipped the task, and not taken it back."""
    return exists().where(j.c.task_id == task.c.id, j.c.person_id == PERSON, STANDS)


def _place(task: FromClause) -> ColumnElement[bool]:
    """Whether the task has a place for the person beside those who judged it and those who hold it."""
    held = lease.alias("held")
    taken = select(func.count()).where(held.c.task_id == task.c.id, held.c.person_id != PERSON, held.c.repeat == 0, held.c.expires_at > NOW)
    return task.c.judged + taken.scalar_subquery() < task.c.overlap


HAD, PLACE = _had(t), _place(t)
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

kinds = select(t.c.side, t.c.models, func.count()).where(OPEN).group_by(t.c.side, t.c.models)
gold_item = select(t.c.id).where(GOLD, ~HAD).order_by(t.c.draw).limit(1)
_newest = select(j.c.task_id).where(MINE).order_by(j.c.id.desc()).limit(1).scalar_subquery()
turn = select(
    select(func.count()).where(MINE).scalar_subquery(), select(t.c.draw).where(t.c.id == _newest).scalar_subquery().label("behind")
)
"""How many acts of the person there are, and where in the random order the newest lies: they go on behind it, so as not to look through all
that they had already, and begin at the front again when they come to the end."""

done_before = (
    select(j.c.id, j.c.task_id, j.c.repeat, j.c.state, j.c.supersedes_id, j.c.shown, t.c.state.label("task_state"))
    .join_from(j, t, t.c.id == j.c.task_id)
    .where(MINE)
    .order_by(j.c.id.desc())
    .limit(bindparam("window"))
)
"""The person's newest acts, from which repeat items are drawn."""

passed, taken, gold = (t.alias(name) for name in ("passed", "taken", "gold"))
_passed = (
    select(func.count(passed.c.id.distinct()))
    .join_from(j, passed, passed.c.id == j.c.task_id)
    .where(MINE, j.c.state == "skipped", STANDS, passed.c.state == "open", passed.c.judged == 0)
)
_taken = (
    select(func.count(taken.c.id.distinct()))
    .join_from(lease, taken, taken.c.id == lease.c.task_id)
    .where(lease.c.project_id == PROJECT, lease.c.person_id != PERSON, lease.c.expires_at > NOW, lease.c.repeat == 0)
    .where(taken.c.state == "open", ~_had(taken), ~_place(taken))
)
_gold = select(func.count()).where(gold.c.project_id == PROJECT, gold.c.state == "gold", ~_had(gold))
progress = select(
    func.sum(func.min(t.c.judged, t.c.overlap)),
    func.sum(t.c.overlap),
    func.count().filter((t.c.state == "open") & ~((t.c.judged > 0) & HAD)),
    _passed.scalar_subquery(),
    _taken.scalar_subquery(),
    _gold.scalar_subquery(),
).where(t.c.project_id == PROJECT, t.c.state.in_(("open", "done")))
"""How many judgements a project has and wants. Then what is left for a person: the open tasks but those that they have judged (only what
somebody judged is looked at); of these, how many they skipped, and how many others hold to the last place; and gold items beside them."""

counted = select(func.count(j.c.person_id.distinct())).where(
    j.c.task_id == TASK, j.c.state == "judged", j.c.repeat == 0, j.c.source != ADJUDICATION, STANDS
)
"""How many people's judgements of a task count."""

recount = (
    update(t)
    .where(t.c.id == TASK)
    .values(
        judged=counted.scalar_subquery(),
        state=case((t.c.gold.is_not(None), "gold"), (counted.scalar_subquery() >= t.c.overlap, "done"), else_="open"),
    )
)
"""Counts a task anew after something was added to its judgements."""

settings = select(p.c.settings).where(p.c.id == PROJECT)
known = select(j.c.id).where(j.c.key == bindparam("key"))
guideline = select(func.max(g.c.number)).where(g.c.project_id == PROJECT)
_judged, _back, _today = j.c.state == "judged", j.c.supersedes_id.is_not(None), j.c.created_at >= MIDNIGHT
_parts = (
    _judged, _back & (j.c.reason == ""), j.c.state == "skipped", _back & (j.c.reason != ""), _judged & _today,
    _back & (j.c.reason == "") & _today,
)  # fmt: skip
work = select(*(func.count().filter(part) for part in _parts)).where(MINE)
"""What a person did, from one index alone: judgements, those superseded, skips, those superseded (they have a reason), and today's."""
