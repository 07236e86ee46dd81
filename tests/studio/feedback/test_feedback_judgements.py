"""Judgements: stored once, in the task's own order, never overwritten; taken back as often as wanted; nothing lost by a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta

import pytest

from studio import db
from studio.errors import FeedbackError
from studio.feedback import judgements, projects
from studio.feedback.answers import Answer, Flag
from studio.feedback.judgements import NewJudgement, effective, history, record, record_all, submit, undo
from studio.feedback.leases import LeaseInfo, lease
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, vote
from tests.studio.feedback.test_feedback_leases import LATER, at_once, person


def take(ws: Workspace, project_id: int, who: int) -> LeaseInfo:
    held = lease(ws, project_id, who)
    assert held is not None
    return held


def test_an_answer_about_positions_is_stored_about_candidates_and_comes_back(workspace: Workspace) -> None:
    info = a_project(workspace, 1, models=("a", "b", "c", "d"), mode="rank", overlap=12)
    for number in range(6):
        who = person(workspace, f"p{number}")
        held = take(workspace, info.id, who)
        said = Answer(
            ranks=[1, 2, 2, 4], acceptable=[True, None, False, None], edited="better", edited_from=1, flags=[Flag(reason="harmful")],
            comment="so",
        )  # fmt: skip
        stored = submit(workspace, held.id, who, said, f"key-{number}", active_seconds=3.5, wall_seconds=float("nan"))
        assert stored.answer.ranks is not None
        assert [stored.answer.ranks[candidate] for candidate in held.shown] == [1, 2, 2, 4]
        assert [stored.answer.acceptable[candidate] for candidate in held.shown] == [True, None, False, None]
        assert stored.answer.edited_from == held.shown[1]
        assert (stored.shown, stored.guideline, stored.active_seconds, stored.wall_seconds) == (held.shown, 1, 3.5, 0.0)
        back = undo(workspace, info.id, who, f"undo-{number}")
        assert back is not None
        assert (back.task_id, back.shown, back.previous) == (held.task_id, held.shown, said)


def test_what_stood_on_the_left_wins_whatever_it_was(workspace: Workspace) -> None:
    for mode, said in (
        ("pair", Answer(strength=-3)),
        ("best", Answer(best=0)),
        ("rating", Answer(ratings=[{"helpful": 7}, {"helpful": 2}])),
    ):
        info = a_project(workspace, 1, name=mode, mode=mode, criteria="helpful")
        left = set()
        for number in range(7):
            who = person(workspace, f"p{number}")
            held = take(workspace, info.id, who)
            stored = submit(workspace, held.id, who, said, f"{mode}-{number}").answer
            rated = [rating["helpful"] for rating in stored.ratings or []]
            pair = None if stored.strength is None else int(stored.strength > 0)
            winner = {"pair": pair, "best": stored.best, "rating": rated.index(7) if rated else None}[mode]
            assert winner == held.shown[0]
            left.add(winner)
        assert left == {0, 1}


def test_an_untouched_ranking_cannot_be_submitted_and_the_item_stays(workspace: Workspace) -> None:
    info = a_project(workspace, 1, models=("a", "b", "c"), mode="rank")
    who = person(workspace, "eve")
    held = take(workspace, info.id, who)
    for answer in (Answer(), Answer(ranks=[1, 2]), Answer(ranks=[1, 2, 0]), Answer(acceptable=[True, True, True])):
        with pytest.raises(FeedbackError):
            submit(workspace, held.id, who, answer, "key")
    assert history(workspace, info.id) == []
    assert take(workspace, info.id, who).id == held.id


def test_an_act_that_is_sent_again_is_stored_once(workspace: Workspace) -> None:
    info = a_project(workspace, 3)
    eve, ann = person(workspace, "eve"), person(workspace, "ann")
    held = take(workspace, info.id, eve)
    rows = at_once([lambda: submit(workspace, held.id, eve, Answer(strength=2), "one")] * 8)
    assert len({row.id for row in rows}) == 1
    assert submit(workspace, held.id, eve, Answer(strength=-3), "one") == rows[0]
    with pytest.raises(FeedbackError, match="somebody else"):
        submit(workspace, take(workspace, info.id, ann).id, ann, Answer(strength=1), "one")
    first = undo(workspace, info.id, eve, "back")
    assert undo(workspace, info.id, eve, "back") == first
    assert len(history(workspace, info.id)) == 2


def test_a_page_left_open_cannot_answer_for_the_item_that_came_after(workspace: Workspace) -> None:
    info = a_project(workspace, 3)
    who = person(workspace, "eve")
    old = take(workspace, info.id, who)
    submit(workspace, old.id, who, Answer(strength=1), "first window")
    assert take(workspace, info.id, who).id != old.id
    with pytest.raises(FeedbackError, match="no longer yours"):
        submit(workspace, old.id, who, Answer(strength=-1), "second window")


def test_a_late_answer_counts_while_the_place_is_free(workspace: Workspace) -> None:
    info = a_project(workspace, 1, overlap=1)
    eve, ann = person(workspace, "eve"), person(workspace, "ann")
    start = db.now()
    held = lease(workspace, info.id, eve, now=start)
    assert held
    taken = lease(workspace, info.id, ann, now=start + LATER)
    assert taken
    with pytest.raises(FeedbackError, match="Nothing else is lost"):
        submit(workspace, held.id, eve, Answer(strength=1), "late", now=start + LATER)
    assert submit(workspace, taken.id, ann, Answer(strength=1), "later", now=start + timedelta(days=2)).person == "ann"
    assert projects.get_task(workspace, held.task_id).judged == 1


def test_undo_goes_back_as_far_as_wanted_and_forward_again(workspace: Workspace) -> None:
    info = a_project(workspace, 4, overlap=1)
    who = person(workspace, "eve")
    order = []
    for strength in (-3, -2, -1):
        held = take(workspace, info.id, who)
        order.append(held)
        submit(workspace, held.id, who, Answer(strength=strength), f"key {strength}")
    waiting = take(workspace, info.id, who)
    for number, (held, strength) in enumerate(zip(reversed(order), (-1, -2, -3), strict=True)):
        back = undo(workspace, info.id, who, f"undo {number}")
        assert back is not None
        assert (back.task_id, back.shown, back.previous) == (held.task_id, held.shown, Answer(strength=strength))
    assert undo(workspace, info.id, who, "nothing left") is None
    assert effective(workspace) == []
    assert {task.judged for task in projects.tasks(workspace, info.id)} == {0}
    met = []
    for number in range(4):
        held = take(workspace, info.id, who)
        met.append(held.task_id)
        submit(workspace, held.id, who, Answer(strength=3), f"again {number}")
    assert met == [*(held.task_id for held in order), waiting.task_id]
    assert len(effective(workspace)) == 4
    assert Counter(row.state for row in history(workspace, info.id)) == {"judged": 7, "withdrawn": 3}
    assert {task.state for task in projects.tasks(workspace, info.id)} == {"done"}


def test_a_place_that_undo_gave_up_is_kept_for_that_person_until_their_time_runs_out(workspace: Workspace) -> None:
    info = a_project(workspace, 1, overlap=1)
    eve, ann = person(workspace, "eve"), person(workspace, "ann")
    submit(workspace, take(workspace, info.id, eve).id, eve, Answer(strength=1), "vote")
    assert undo(workspace, info.id, eve, "undo")
    assert lease(workspace, info.id, ann) is None
    assert lease(workspace, info.id, ann, now=db.now() + LATER)


def test_a_skip_is_taken_back_only_while_the_item_has_a_place(workspace: Workspace) -> None:
    info = a_project(workspace, 2, overlap=1)
    eve, ann = person(workspace, "eve"), person(workspace, "ann")
    with pytest.raises(FeedbackError, match="Choose one of: cannot tell"):
        judgements.skip(workspace, take(workspace, info.id, eve).id, eve, "bored", "", "no reason")
    voted = take(workspace, info.id, eve)
    submit(workspace, voted.id, eve, Answer(strength=1), "vote")
    skipped = take(workspace, info.id, eve)
    row = judgements.skip(workspace, skipped.id, eve, "not my field", "chemistry", "skip")
    assert (row.state, row.reason, row.answer.comment) == ("skipped", "not my field", "chemistry")
    back = undo(workspace, info.id, eve, "undo skip")
    assert back is not None
    assert (back.task_id, back.previous) == (skipped.task_id, None)
    judgements.skip(workspace, back.id, eve, "not my field", "", "skip again")
    assert take(workspace, info.id, ann).task_id == skipped.task_id
    passed_over = undo(workspace, info.id, eve, "undo the vote")
    assert passed_over is not None
    assert passed_over.task_id == voted.task_id


def test_votes_from_elsewhere_are_recorded_changed_and_adjudicated(workspace: Workspace) -> None:
    info = a_project(workspace, 1, overlap=2)
    task = projects.tasks(workspace, info.id)[0].id
    eve, ann = person(workspace, "eve"), person(workspace, "ann")
    first = vote(workspace, task, "eve", "import", strength=2)
    with pytest.raises(FeedbackError, match="judged this item already"):
        vote(workspace, task, "eve", "import", strength=-2)
    changed = record(workspace, task, eve, Answer(strength=-2), "import", "changed", supersedes=first.id)
    with pytest.raises(FeedbackError, match="changed or taken back"):
        record(workspace, task, eve, Answer(strength=0), "import", "too late", supersedes=first.id)
    with pytest.raises(FeedbackError, match="only by the person who gave it"):
        record(workspace, task, ann, Answer(strength=0), "import", "not mine", supersedes=changed.id)
    for strength in (1, 3):
        record(workspace, task, ann, Answer(strength=strength), judgements.ADJUDICATION, f"adjudicated {strength}")
    assert [(row.source, row.answer.strength) for row in effective(workspace)] == [("import", -2), ("adjudication", 3)]
    assert [row.id for row in effective(workspace, [info.id], ["import"])] == [changed.id]
    assert projects.get_task(workspace, task).judged == 1
    judgements.withdraw(workspace, changed.id, eve, "taken back")
    assert projects.get_task(workspace, task).judged == 0
    assert lease(workspace, info.id, ann) is None


def test_many_votes_are_recorded_together_or_not_at_all(workspace: Workspace) -> None:
    info = a_project(workspace, 3)
    eve = person(workspace, "eve")
    rows = [NewJudgement(task.id, eve, Answer(strength=1), "import", f"row {task.id}") for task in projects.tasks(workspace, info.id)]
    with pytest.raises(FeedbackError):
        record_all(workspace, [*rows, NewJudgement(rows[0].task_id, eve, Answer(ranks=[1, 2]), "import", "wrong")])
    assert history(workspace, info.id) == []
    assert [row.key for row in record_all(workspace, rows)] == [row.key for row in rows]
    assert record_all(workspace, rows) == effective(workspace)


VOTER = """
import sys
from studio.errors import FeedbackError
from studio.feedback import desk, judgements
from studio.feedback.answers import Answer
from studio.people import known_person
from studio.workspace import Workspace
ws, project, name = Workspace(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
who = known_person(ws, name)
given = desk.next_item(ws, project, who)
while given["item"]:
    lease = given["item"]["lease"]
    given = desk.submit(ws, project, who, lease, f"{name}-{lease}", Answer(strength=1))
    print(f"{name}-{lease}", flush=True)
"""


def test_processes_that_are_killed_while_they_vote_lose_and_double_nothing(workspace: Workspace) -> None:
    info = a_project(workspace, 200, overlap=1, shared_overlap=2, shared_share=0.2, choice="uniform")
    acknowledged: list[str] = []

    def start(name: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", VOTER, str(workspace.root), str(info.id), name], stdout=subprocess.PIPE, text=True)

    def read(voter: subprocess.Popen[str], votes: int) -> None:
        assert voter.stdout is not None
        acknowledged.extend(line.strip() for line, _ in zip(voter.stdout, range(votes), strict=False))

    voters = [start(name) for name in ("eve", "ann")]
    readers = [threading.Thread(target=read, args=(voter, 30)) for voter in voters]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    for voter in voters:
        voter.send_signal(signal.SIGKILL)
        assert voter.stdout is not None
        acknowledged.extend(line.strip() for line in voter.stdout if line.endswith("\n"))
        assert voter.wait() == -9
    rows = effective(Workspace(workspace.root), [info.id])
    assert len(acknowledged) >= 60
    assert set(acknowledged) <= {row.key for row in rows}
    assert max(Counter((row.task_id, row.person_id) for row in rows).values()) == 1
    counts = Counter(row.task_id for row in rows)
    assert max(counts.values()) <= 2
    assert {task.id: task.judged for task in projects.tasks(workspace, info.id) if task.judged} == counts
