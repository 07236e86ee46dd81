"""Leases: who gets which item, one at a time, never more people than the overlap, nobody twice; races, threads, gold and repeat items."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from studio import db, people
from studio.errors import FeedbackError
from studio.feedback import judgements, leases, projects
from studio.feedback.answers import Answer
from studio.feedback.leases import LeaseInfo, lease
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project

LATER = timedelta(minutes=16)


def person(ws: Workspace, name: str) -> int:
    return people.known_person(ws, name).id


def judge(ws: Workspace, held: LeaseInfo, strength: int = -1, **more: Any) -> None:
    judgements.submit(ws, held.id, held.person_id, Answer(strength=strength), f"key-{held.id}", **more)


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """What the jobs give when all start at the same moment; the first error is raised."""
    gate, results, errors = threading.Barrier(len(jobs)), [None] * len(jobs), []

    def run(place: int) -> None:
        gate.wait()
        try:
            results[place] = jobs[place]()
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def test_a_person_keeps_their_item_and_others_get_none_of_it(workspace: Workspace) -> None:
    info = a_project(workspace, 2, overlap=1)
    eve, ann, joe = (person(workspace, name) for name in ("eve", "ann", "joe"))
    first = lease(workspace, info.id, eve)
    again = lease(workspace, info.id, eve)
    assert first
    assert again
    assert (again.id, again.shown) == (first.id, first.shown)
    assert again.expires_at > first.expires_at
    other = lease(workspace, info.id, ann)
    assert other
    assert other.task_id != first.task_id
    assert lease(workspace, info.id, joe) is None
    leases.release(workspace, other.id, ann)
    assert lease(workspace, info.id, joe).task_id == other.task_id  # type: ignore[union-attr]


def test_an_item_whose_time_ran_out_goes_to_others_unless_somebody_shows_life(workspace: Workspace) -> None:
    info = a_project(workspace, 1, overlap=1)
    eve, ann = person(workspace, "eve"), person(workspace, "ann")
    start = db.now()
    held = lease(workspace, info.id, eve, now=start)
    assert held
    leases.heartbeat(workspace, held.id, eve, now=start + timedelta(minutes=10))
    assert lease(workspace, info.id, ann, now=start + LATER) is None
    assert lease(workspace, info.id, ann, now=start + 2 * LATER)
    with pytest.raises(FeedbackError, match="went to somebody else"):
        leases.heartbeat(workspace, held.id, eve, now=start + 2 * LATER)
    with pytest.raises(FeedbackError, match="no longer yours"):
        leases.heartbeat(workspace, held.id, ann)
    assert lease(workspace, info.id, eve, now=start + 2 * LATER) is None


def test_an_item_whose_time_ran_out_is_resumed_while_nobody_took_it(workspace: Workspace) -> None:
    info = a_project(workspace, 9, overlap=1)
    eve = person(workspace, "eve")
    start = db.now()
    held = lease(workspace, info.id, eve, now=start)
    back = lease(workspace, info.id, eve, now=start + timedelta(days=1))
    assert held
    assert back
    assert (back.id, back.shown) == (held.id, held.shown)


def test_two_people_racing_for_the_last_place_get_it_once(workspace: Workspace) -> None:
    for number in range(4):
        info = a_project(workspace, 1, name=f"race {number}", overlap=1)
        eve, ann = person(workspace, "eve"), person(workspace, "ann")
        got = at_once([lambda who=who, id=info.id: lease(workspace, id, who) for who in (eve, ann)])
        assert sorted(held is None for held in got) == [False, True]


def test_one_person_in_two_windows_holds_one_item(workspace: Workspace) -> None:
    info = a_project(workspace, 5)
    eve = person(workspace, "eve")
    got = at_once([lambda: lease(workspace, info.id, eve)] * 6)
    assert len({held.id for held in got}) == 1
    outcomes = at_once([lambda key=key: _try(workspace, got[0], key) for key in ("first", "second", "second")])
    assert len([outcome for outcome in outcomes if outcome == "refused"]) in (1, 2)
    assert len(judgements.effective(workspace, [info.id])) == 1


def _try(ws: Workspace, held: LeaseInfo, key: str) -> str:
    try:
        return judgements.submit(ws, held.id, held.person_id, Answer(strength=1), key).key
    except FeedbackError:
        return "refused"


def test_twenty_people_at_once_never_exceed_an_overlap_of_five(workspace: Workspace) -> None:
    info = a_project(workspace, 4, overlap=5)
    ids = [person(workspace, f"p{number}") for number in range(20)]
    most: Counter[int] = Counter()

    def work(who: int) -> None:
        while (held := lease(workspace, info.id, who)) is not None:
            with workspace.db.read() as session:
                taken = session.get_one(db.Task, held.task_id).judged
                taken += session.query(db.Lease).filter(db.Lease.task_id == held.task_id).count()
            most[held.task_id] = max(most[held.task_id], taken)
            judge(workspace, held)

    at_once([lambda who=who: work(who) for who in ids])
    rows = judgements.effective(workspace, [info.id])
    assert Counter(row.task_id for row in rows) == {task.id: 5 for task in projects.tasks(workspace, info.id)}
    assert max(Counter((row.task_id, row.person_id) for row in rows).values()) == 1
    assert {task.state for task in projects.tasks(workspace, info.id)} == {"done"}
    assert max(most.values()) <= 5


def test_nobody_meets_an_item_again_that_they_judged_or_skipped(workspace: Workspace) -> None:
    info = a_project(workspace, 6, overlap=3)
    eve = person(workspace, "eve")
    met = []
    while (held := lease(workspace, info.id, eve)) is not None:
        met.append(held.task_id)
        if len(met) % 2:
            judge(workspace, held)
        else:
            judgements.skip(workspace, held.id, eve, "cannot tell", "", f"skip-{held.id}")
    assert sorted(met) == [task.id for task in projects.tasks(workspace, info.id)]


def test_a_project_that_is_not_open_hands_out_nothing_but_takes_what_people_hold(workspace: Workspace) -> None:
    info = a_project(workspace, 2)
    eve = person(workspace, "eve")
    held = lease(workspace, info.id, eve)
    assert held
    projects.set_state(workspace, info.id, "paused")
    assert lease(workspace, info.id, eve) is None
    judge(workspace, held)
    assert len(judgements.effective(workspace, [info.id])) == 1


def test_gold_items_go_to_everybody_beside_the_overlap(workspace: Workspace) -> None:
    info = a_project(workspace, 4, overlap=1, gold_share=0.3)
    gold = projects.tasks(workspace, info.id)[2].id
    projects.set_gold(workspace, gold, [1, 2])
    for name in ("eve", "ann", "joe"):
        who, met = person(workspace, name), []
        while (held := lease(workspace, info.id, who)) is not None:
            met.append(held.task_id)
            judge(workspace, held)
        assert met.count(gold) == 1
    assert projects.get_project(workspace, info.id).judged == 3
    assert len(judgements.effective(workspace, [info.id])) == 6


def test_repeat_items_come_back_once_in_another_order_and_take_nobodys_place(workspace: Workspace) -> None:
    info = a_project(workspace, 14, overlap=1, repeat_share=0.5, models=("a", "b", "c"), mode="rank")
    eve, order, shown, repeated = person(workspace, "eve"), [], {}, []
    while (held := lease(workspace, info.id, eve)) is not None:
        if held.repeat:
            assert order.index(held.task_id) < len(order) - leases.BEFORE_REPEAT
            assert held.shown != shown[held.task_id]
            repeated.append(held.task_id)
        order.append(held.task_id)
        shown.setdefault(held.task_id, held.shown)
        judgements.submit(workspace, held.id, eve, Answer(ranks=[1, 2, 3]), f"key-{held.id}")
    assert repeated
    assert len(set(repeated)) == len(repeated)
    assert len(order) - len(repeated) == 14
    assert {task.judged for task in projects.tasks(workspace, info.id)} == {1}
    assert [row.task_id for row in judgements.effective(workspace, [info.id]) if row.repeat] == repeated


def test_training_items_that_are_worth_most_come_first_and_held_out_ones_at_random(workspace: Workspace) -> None:
    info = a_project(workspace, 60, models=("a", "b", "c"), overlap=1)
    sides = {task.id: task.side for task in projects.tasks(workspace, info.id)}
    kinds = {task.id: tuple(task.models) for task in projects.outline(workspace, [info.id])}
    eve = person(workspace, "eve")
    first = []
    for _ in range(50):
        held = lease(workspace, info.id, eve, choose=lambda models: float(models == ("b", "c")))
        assert held
        first.append(held.task_id)
        judge(workspace, held)
    train = [id for id in first if sides[id] == "train"]
    evaluated = [id for id in first if sides[id] == "held_out"]
    assert sum(kinds[id] == ("b", "c") for id in train) > 0.6 * len(train)
    assert len(evaluated) >= 4
    assert sum(kinds[id] == ("b", "c") for id in evaluated) < 0.8 * len(evaluated)


def test_everybody_sees_an_order_of_their_own(workspace: Workspace) -> None:
    info = a_project(workspace, 1, models=("a", "b", "c", "d"), mode="rank", overlap=30)
    orders = [lease(workspace, info.id, person(workspace, f"p{number}")).shown for number in range(12)]  # type: ignore[union-attr]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len({tuple(order) for order in orders}) > 6
    assert len({order[0] for order in orders}) > 1
