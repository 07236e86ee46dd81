"""The routes of the labelling screen: a person's way through items, what is refused and how, and that nothing names a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest
from fastapi.testclient import TestClient

from app.gate import COOKIE
from app.server import application
from studio import people
from studio.db import Candidate, Comparison
from studio.feedback import judgements, projects
from studio.feedback.settings import ProjectSettings
from studio.workspace import Workspace

PASSWORD = "right horse"
SETTINGS = ProjectSettings(mode="pair", overlap=1, shared_share=0, gold_share=0, repeat_share=0)
Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def project(workspace: Workspace) -> int:
    """Three pairs, with guidelines."""
    with workspace.db.write() as session:
        asked = [[{"role": "user", "content": f"where is order {number}"}] for number in range(3)]
        comparison = Comparison(name="both", models=["SECRET-A", "SECRET-B"], prompts=asked, settings={})
        for number, model in ((number, model) for number in range(3) for model in comparison.models):
            said = Candidate(prompt_index=number, model=model, text=f"{number} from {ord(model[-1])}", tokens=3, seconds=0.1)
            said.finish_reason, said.provenance = "stop", {"model": model}
            comparison.candidates.append(said)
        session.add(comparison)
        session.flush()
        made = comparison.id
    return projects.create_project(workspace, "round 1", made, SETTINGS, guidelines="Be fair.").id


@pytest.fixture
def browser(workspace: Workspace) -> TestClient:
    for name, role in (("ada", "admin"), ("ina", "annotator"), ("ben", "annotator"), ("vic", "viewer")):
        people.add_person(workspace, name, role, PASSWORD)  # type: ignore[arg-type]
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Markdown("main")
    return TestClient(application(blocks, workspace), base_url="http://127.0.0.1", follow_redirects=False)


@pytest.fixture
def ask(browser: TestClient, workspace: Workspace) -> Ask:
    """`ask("ina", "next", project=1)` gives the status and the JSON."""
    tokens: dict[str, str] = {}

    def send(name: str, route: str, **body: Any) -> tuple[int, dict[str, Any]]:
        token = tokens.setdefault(name, people.log_in(workspace, name, PASSWORD)) if name not in tokens else tokens[name]
        answer = browser.post(f"/api/label/{route}", json=body, headers={"Cookie": f"{COOKIE}={token}"})
        assert "SECRET" not in answer.text
        return answer.status_code, answer.json()

    return send


def act(project: int, item: dict[str, Any], key: str, strength: int = 1) -> dict[str, Any]:
    return {
        "project": project,
        "lease": item["lease"],
        "key": key,
        "answer": {"strength": strength},
        "active_seconds": 2,
        "wall_seconds": 3,
    }


def test_a_person_works_through_items(ask: Ask, project: int, workspace: Workspace) -> None:
    assert ask("ina", "projects")[1]["projects"] == [{"id": project, "name": "round 1", "mode": "pair", "done": 0, "left": 3}]
    assert ask("ina", "guidelines", project=project)[1]["text"] == "Be fair."
    assert ask("ina", "state", project=project)[1]["project"]["name"] == "round 1"
    first = ask("ina", "next", project=project)[1]["item"]
    assert ask("ina", "heartbeat", project=project, lease=first["lease"])[0] == 200
    status, said = ask("ina", "submit", **act(project, first, "key-number-1"))
    second = said["item"]
    assert (status, said["progress"]["done_by_me"], second["lease"] != first["lease"]) == (200, 1, True)
    again = ask("ina", "submit", **act(project, first, "key-number-1"))
    assert (again[0], again[1]["item"]["lease"]) == (200, second["lease"]), "sending a vote twice stores it once"
    skip = {"project": project, "lease": second["lease"], "reason": "cannot tell", "note": "", "key": "key-number-2"}
    assert ask("ina", "skip", **skip)[0] == 200
    back = ask("ina", "undo", project=project, key="key-number-3")[1]["item"]
    assert back["task_number"] == second["task_number"]
    assert [row.person for row in judgements.effective(workspace)] == ["ina"]


def test_two_people_never_hold_the_same_item(ask: Ask, project: int) -> None:
    ina, ben = (ask(name, "next", project=project)[1]["item"] for name in ("ina", "ben"))
    assert ina["task_number"] != ben["task_number"]
    status, said = ask("ben", "submit", **act(project, ina, "key-number-1"))
    assert (status, sorted(said)) == (409, ["error", "remedy"])
    assert ask("ina", "submit", **act(project, ina, "key-number-1"))[0] == 200


REFUSED: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("vic", "next", {}, 403),
    ("vic", "submit", {"lease": 1, "key": "key-number-1", "answer": {"strength": 1}}, 403),
    ("ina", "next", {"project": 99}, 404),
    ("ina", "next", {"project": "x"}, 400),
    ("ina", "next", {"other": 1}, 400),
    ("ina", "submit", {"lease": 1, "key": "short", "answer": {"strength": 1}}, 400),
    ("ina", "submit", {"lease": 1, "key": "key-number-1", "answer": {"strength": 9}}, 409),
    ("ina", "submit", {"lease": 99, "key": "key-number-1", "answer": {"strength": 1}}, 409),
    ("ina", "skip", {"lease": 99, "key": "key-number-1", "reason": "cannot tell"}, 409),
)
"""Who asks which route for what, and the status of the answer."""


def test_what_is_refused_says_why_and_stores_nothing(ask: Ask, project: int, workspace: Workspace) -> None:
    for name, route, body, status in REFUSED:
        answered, said = ask(name, route, **{"project": project, **body})
        assert answered == status, (name, route, body)
        assert said["error"]
        assert said["remedy"]
    assert judgements.effective(workspace) == []


def test_the_local_person_labels_without_an_account(workspace: Workspace, project: int) -> None:
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Markdown("main")
    browser = TestClient(application(blocks, workspace), base_url="http://127.0.0.1")
    item = browser.post("/api/label/next", json={"project": project}).json()["item"]
    assert browser.post("/api/label/submit", json=act(project, item, "key-number-1")).status_code == 200
    assert judgements.effective(workspace)[0].person == people.local_person(workspace).name
