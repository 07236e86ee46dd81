"""The desk: blind items ready for JSON, each act with the next item, progress that is right, and no question that reads whole tables."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import Select

from studio import db, people
from studio.errors import FeedbackError, NotFoundError
from studio.feedback import desk, judgements, projects, queries
from studio.feedback.answers import Answer
from studio.people import PersonInfo
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, asked


def known(ws: Workspace, name: str) -> PersonInfo:
    return people.known_person(ws, name)


def test_an_item_holds_all_that_a_screen_needs_and_nothing_that_gives_the_models_away(workspace: Workspace) -> None:
    info = a_project(workspace, 1, models=("alpha", "beta", "gamma"), mode="rank", marks=False)
    eve = known(workspace, "eve")
    given = desk.next_item(workspace, info.id, eve)
    item = given["item"]
    assert set(item) == {
        "lease", "task_number", "mode", "prompt", "cards", "criteria", "marks", "edits", "guideline", "previous", "expires_at",
    }  # fmt: skip
    assert (item["mode"], item["prompt"], item["marks"], item["edits"], item["guideline"]) == ("rank", asked(0), False, True, 1)
    assert sorted(card["text"] for card in item["cards"]) == ["alpha found order 0", "beta found order 0", "gamma found order 0"]
    assert all(set(card) == {"text", "messages"} for card in item["cards"])
    asked_for = desk.state(workspace, info.id, eve)
    assert asked_for["guidelines"] == {"number": 1, "text": "Which one helps more?"}
    assert asked_for["project"] == {"id": info.id, "name": "orders", "mode": "rank", "state": "open"}
    for sent in (given, asked_for, desk.projects_for(workspace, eve)):
        text = json.dumps(sent)
        assert "provenance" not in text
        assert "candidates" not in text
        assert all(f'"{model}"' not in text for model in info.models)


def test_each_act_gives_the_next_item_and_progress(workspace: Workspace) -> None:
    info = a_project(workspace, 4, overlap=2)
    eve, ann = known(workspace, "eve"), known(workspace, "ann")
    given = desk.next_item(workspace, info.id, eve)
    assert given["progress"] == {"done_by_me": 0, "today": 0, "left_for_me": 4, "project_done": 0, "project_wanted": 8}
    first = given["item"]
    given = desk.submit(workspace, info.id, eve, first["lease"], "vote 1", Answer(strength=-2, acceptable=[True, False]), 2.0, 3.0)
    assert given["item"]["task_number"] != first["task_number"]
    assert given["progress"] == {"done_by_me": 1, "today": 1, "left_for_me": 3, "project_done": 1, "project_wanted": 8}
    given = desk.skip(workspace, info.id, eve, given["item"]["lease"], "cannot tell", "", "skip 1")
    assert (given["progress"]["done_by_me"], given["progress"]["left_for_me"], given["undoable"]) == (1, 2, 2)
    given = desk.undo(workspace, info.id, eve, "undo 1")
    assert (given["item"]["previous"], given["progress"]["left_for_me"], given["undoable"]) == (None, 3, 1)
    given = desk.undo(workspace, info.id, eve, "undo 2")
    assert given["item"]["task_number"] == first["task_number"]
    assert [card["text"] for card in given["item"]["cards"]] == [card["text"] for card in first["cards"]]
    assert (given["item"]["previous"]["strength"], given["item"]["previous"]["acceptable"]) == (-2, [True, False])
    assert given["progress"] == {"done_by_me": 0, "today": 0, "left_for_me": 4, "project_done": 0, "project_wanted": 8}
    assert desk.heartbeat(workspace, info.id, eve, given["item"]["lease"])["expires_at"] > given["item"]["expires_at"]
    assert desk.next_item(workspace, info.id, ann)["progress"]["left_for_me"] == 4
    assert desk.projects_for(workspace, ann) == [{"id": info.id, "name": "orders", "mode": "pair", "done": 0, "left": 4}]


def test_what_others_hold_is_not_left_for_me(workspace: Workspace) -> None:
    info = a_project(workspace, 3, overlap=1)
    held = desk.next_item(workspace, info.id, known(workspace, "ann"))["item"]
    given = desk.next_item(workspace, info.id, known(workspace, "eve"))
    assert given["progress"]["left_for_me"] == 2
    desk.submit(workspace, info.id, known(workspace, "ann"), held["lease"], "vote", Answer(strength=0))  # and holds the next one
    assert desk.next_item(workspace, info.id, known(workspace, "eve"))["progress"]["left_for_me"] == 1


def test_the_end_a_pause_and_a_deleted_project_are_told_apart(workspace: Workspace) -> None:
    info = a_project(workspace, 1)
    eve = known(workspace, "eve")
    lease = desk.next_item(workspace, info.id, eve)["item"]["lease"]
    done = desk.submit(workspace, info.id, eve, lease, "vote", Answer(strength=0))
    assert (done["item"], done["state"], done["progress"]["left_for_me"]) == (None, "open", 0)
    projects.set_state(workspace, info.id, "paused")
    assert desk.next_item(workspace, info.id, eve)["state"] == "paused"
    assert desk.projects_for(workspace, eve) == []
    with pytest.raises(FeedbackError, match="is paused"):
        desk.undo(workspace, info.id, eve, "undo")
    projects.delete_project(workspace, info.id)
    with pytest.raises(NotFoundError):
        desk.next_item(workspace, info.id, eve)


def test_a_refused_act_changes_nothing(workspace: Workspace) -> None:
    info = a_project(workspace, 2, mode="forced")
    eve = known(workspace, "eve")
    item = desk.next_item(workspace, info.id, eve)["item"]
    with pytest.raises(FeedbackError, match="A tie is not possible"):
        desk.submit(workspace, info.id, eve, item["lease"], "vote", Answer(strength=0))
    again = desk.next_item(workspace, info.id, eve)
    assert (again["item"]["lease"], again["undoable"]) == (item["lease"], 0)
    assert judgements.history(workspace, info.id) == []


def test_what_is_asked_at_every_vote_reads_no_whole_table(workspace: Workspace) -> None:
    statements: list[Any] = [value for value in vars(queries).values() if isinstance(value, Select)]
    statements += [statement for both in queries.FIRST.values() for statement in both]
    names = dict.fromkeys(("project", "person", "task", "window", "behind", "key"), 1) | {"side": "train", "models": ["a"]}
    with workspace.db.engine.connect() as connection:
        for statement in statements:
            named = statement.params(now=db.now(), midnight=db.now(), **names)
            query = str(named.compile(connection.engine, compile_kwargs={"render_postcompile": True}))
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (None,) * query.count("?")).all()
            steps = [row[3] for row in plan]
            assert not [step for step in steps if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"], query


def test_labelling_needs_no_torch() -> None:
    code = "import sys, studio.feedback.desk; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
