"""Which training item to ask about next: the one whose models' comparison is expected to teach most about who is better.

The worth of two models is by how much one more judgement is expected to lower the variance of the differences between models, by the
Bradley-Terry fit (`studio/feedback/statistics/bradley_terry.py`); of an item with several models it is the sum over its couples. Held-out
items never go by worth: `studio/feedback/leases.py` hands them out at random, and a quarter of the training items too. Votes are followed
as they come, and the fit is made anew when there are one in a hundred more, so that a vote waits for no more than reading what is new.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from itertools import combinations
from pathlib import Path

import numpy as np
from sqlalchemy import select

from studio import db
from studio.feedback.answers import Answer, outcomes
from studio.feedback.judgements import ADJUDICATION
from studio.feedback.leases import Chooser
from studio.feedback.statistics import bradley_terry
from studio.feedback.statistics.bradley_terry import Games
from studio.feedback.tasks import outline
from studio.workspace import Workspace

REFIT_SHARE = 0.01
REMEMBERED = 16

Game = tuple[str, str, float]


def chooser(ws: Workspace, project_id: int) -> Chooser:
    """The worth of asking about an item with given models, as the votes of a project stand now."""
    known = _memory.of(ws.root, project_id)
    known.follow(ws)
    return known.worth


class Standing:
    """What is known of a project's models, kept up with its votes; safe for threads."""

    def __init__(self, project_id: int) -> None:
        self.project_id = project_id
        self.values: dict[tuple[str, str], float] = {}
        self._guard = threading.Lock()
        self._tasks: dict[int, list[str]] = {}
        self._gold: set[int] = set()
        self._games: dict[int, list[Game]] = {}
        self._newest = 0
        self._unfitted = 0
        self._fitted = False

    def worth(self, models: tuple[str, ...]) -> float:
        """What one more judgement of an item with these models is worth."""
        return sum(self.values.get((a, b), 0.0) for a, b in combinations(sorted(models), 2))

    def follow(self, ws: Workspace) -> None:
        """Take in the votes that are new. While another thread does that, nothing: its values follow at once."""
        if not self._guard.acquire(blocking=not self._fitted):
            return
        try:
            self._unfitted += self._read(ws)
            if not self._fitted or self._unfitted > REFIT_SHARE * len(self._games):
                self.values = self._fit()
                self._fitted, self._unfitted = True, 0
        finally:
            self._guard.release()

    def _read(self, ws: Workspace) -> int:
        """Read the rows after the newest one that is known; how many there were."""
        j = db.Judgement
        query = select(j.id, j.task_id, j.state, j.supersedes_id, j.answer).where(
            j.project_id == self.project_id, j.id > self._newest, j.repeat == 0, j.source != ADJUDICATION
        )
        with ws.db.read() as session:
            rows = session.execute(query.order_by(j.id)).all()
        if any(row.task_id not in self._tasks for row in rows) or not self._tasks:
            for task in outline(ws, [self.project_id]):
                self._tasks[task.id] = task.models
                self._gold.update([task.id] if task.state == "gold" else [])
        for row in rows:
            self._newest = row.id
            if row.supersedes_id is not None:
                self._games.pop(row.supersedes_id, None)
            if row.state == "judged" and row.task_id not in self._gold:
                self._games[row.id] = self._games_of(row.task_id, row.answer)
        return len(rows)

    def _games_of(self, task_id: int, answer: dict[str, object]) -> list[Game]:
        models = self._tasks[task_id]
        found = outcomes(Answer.model_validate(answer), len(models))
        return [(models[o.first], models[o.second], o.result) for o in found if models[o.first] != models[o.second]]

    def _fit(self) -> dict[tuple[str, str], float]:
        names = sorted({name for models in self._tasks.values() for name in models})
        if len(names) < 2:
            return {}
        place = {name: index for index, name in enumerate(names)}
        games = [game for each in self._games.values() for game in each]
        first = np.array([place[one] for one, _, _ in games], dtype=np.int64)
        second = np.array([place[other] for _, other, _ in games], dtype=np.int64)
        result = np.array([won for _, _, won in games], dtype=np.float64)
        fitted = bradley_terry.fit(Games(len(names), first, second, result, np.arange(len(games), dtype=np.int64)))
        return bradley_terry.pair_values(fitted, names)


class _Memory:
    """The projects that were asked about last."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Path, int], Standing] = OrderedDict()
        self._guard = threading.Lock()

    def of(self, root: Path, project_id: int) -> Standing:
        with self._guard:
            known = self._known.setdefault((root, project_id), Standing(project_id))
            self._known.move_to_end((root, project_id))
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            return known


_memory = _Memory()
