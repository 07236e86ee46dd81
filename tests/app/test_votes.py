"""Several annotators over HTTP at once while the server is killed; the long version is `tests/stress/votes.py`."""

from __future__ import annotations

from pathlib import Path

from tests.stress.votes import Plan, run


def test_no_vote_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    plan = Plan(people=8, votes=12, kills=1, pause=0.1)
    figures = run(plan, tmp_path)
    assert len(figures.acknowledged) == plan.total
    assert figures.sent_again > 0, "nobody noticed the kill"
