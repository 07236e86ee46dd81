"""Whatever people do in whatever order, while time passes: places, counts and progress hold, and no vote is lost or doubled."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from studio import db, people
from studio.errors import FeedbackError
from studio.feedback import desk, judgements, leases, projects
from studio.feedback.answers import Answer
from studio.people import PersonInfo
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project


class Office:
    """Some people, their screens, and a clock."""

    def __init__(self, ws: Workspace, project: int, rng: random.Random) -> None:
        self.ws, self.project, self.rng, self.now = ws, project, rng, db.now()
        self.people = [people.known_person(ws, name) for name in ("eve", "ann", "joe")]
        self.screens: dict[int, dict[str, Any]] = {}
        self.acknowledged: set[str] = set()

    def act(self, key: str) -> None:
        """Something that somebody does; on an old screen perhaps, and perhaps sent twice."""
        rng = self.rng
        who = rng.choice(self.people)
        act = rng.choices(("vote", "skip", "undo", "beat", "release", "wait"), (10, 2, 4, 1, 1, 2))[0]
        if act == "wait":
            self.now += timedelta(minutes=rng.choice((1, 5, 16)))
        elif act == "undo":
            desk.undo(self.ws, self.project, who, key, now=self.now)
        else:
            if who.id not in self.screens or rng.random() < 0.85:
                given = desk.next_item(self.ws, self.project, who, now=self.now)
                assert given["progress"]["left_for_me"] == self.left(who)
                self.screens[who.id] = given["item"] or {"lease": 0}
            self.use(act, who, self.screens[who.id]["lease"], key)

    def use(self, act: str, who: PersonInfo, lease: int, key: str) -> None:
        ws, now = self.ws, self.now
        if act == "beat":
            desk.heartbeat(ws, self.project, who, lease, now=now)
        elif act == "release":
            leases.release(ws, lease, who.id)
        else:
            for _ in range(self.rng.choice((1, 1, 2))):
                if act == "skip":
                    desk.skip(ws, self.project, who, lease, "other", "", key, now=now)
                else:
                    desk.submit(ws, self.project, who, lease, key, Answer(strength=self.rng.randint(-3, 3)), now=now)
            self.acknowledged.add(key)

    def left(self, who: PersonInfo) -> int:
        """How many tasks are left for somebody, counted one by one."""
        tasks, rows, held = self.read()
        had = {row.task_id for row in rows if row.person_id == who.id}
        holding = Counter(lease.task_id for lease in held if lease.person_id != who.id)
        return sum(task.id not in had and (task.gold is not None or task.judged + holding[task.id] < task.overlap) for task in tasks)

    def read(self) -> tuple[list[db.Task], list[db.Judgement], list[db.Lease]]:
        """All tasks, the rows that stand, and the leases that take a place."""
        with self.ws.db.read() as session:
            rows = session.query(db.Judgement).all()
            gone = {row.supersedes_id for row in rows}
            standing = [row for row in rows if row.id not in gone and row.state != "withdrawn"]
            held = session.query(db.Lease).filter(db.Lease.expires_at > self.now, db.Lease.repeat == 0).all()
            return session.query(db.Task).all(), standing, held

    def check(self) -> None:
        tasks, rows, held = self.read()
        assert max(Counter((row.task_id, row.person_id, row.repeat) for row in rows).values(), default=1) == 1
        counts = Counter(row.task_id for row in rows if row.state == "judged" and not row.repeat)
        holding = Counter(lease.task_id for lease in held)
        for task in tasks:
            assert task.judged == counts[task.id]
            assert task.gold is not None or task.judged + holding[task.id] <= task.overlap
            assert task.state == ("gold" if task.gold else "done" if task.judged >= task.overlap else "open")
        assert self.acknowledged <= {row.key for row in judgements.history(self.ws, self.project)}
        assert {row.id for row in judgements.effective(self.ws)} == {row.id for row in rows if row.state == "judged"}


@pytest.mark.parametrize("seed", [1, 2])
def test_places_counts_and_progress_hold(workspace: Workspace, seed: int) -> None:
    rng = random.Random(seed)
    info = a_project(
        workspace, 8, models=("a", "b", "c") if seed == 1 else ("a", "b"), overlap=seed, shared_overlap=3, shared_share=0.3,
        gold_share=0.2, repeat_share=0.3,
    )  # fmt: skip
    projects.set_gold(workspace, projects.tasks(workspace, info.id)[3].id, [1, 2])
    office, refused = Office(workspace, info.id, rng), 0
    for number in range(110):
        try:
            office.act(f"{seed}-{number}")
        except FeedbackError:
            refused += 1
        if number % 10 == 0:
            office.check()
    office.check()
    assert refused < 30
    assert len(office.acknowledged) > 30
