"""The lead's job in one go: a project from a comparison, results that follow the votes, a disagreement settled, a dataset that Train opens
on; then a project's own affairs, and on a phone a project from a file and a person more."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from studio import db, people
from studio.data import store
from studio.feedback import adjudication, judgements, projects, tasks
from studio.feedback.answers import Answer
from studio.feedback.settings import ProjectSettings
from tests.browser.conftest import PATIENCE, Server, Watched, fill, open_tab, upload

EVIL = "<img src=x onerror=window.pwned=1>"


def compare(server: Server, name: str, prompts: int) -> int:
    """A comparison of two models, made by hand."""
    asked = [[{"role": "user", "content": f"{name}: where is order {number}"}] for number in range(prompts)]
    with server.workspace.db.write() as session:
        comparison = db.Comparison(name=name, models=["base", "tuned"], prompts=asked, settings={})
        for number in range(prompts):
            for model in comparison.models:
                said = db.Candidate(prompt_index=number, model=model, text=f"{model} found {number} {EVIL}", tokens=4, seconds=0.1)
                said.finish_reason, said.provenance = "stop", {"model": model}
                comparison.candidates.append(said)
        session.add(comparison)
        session.flush()
        return comparison.id


def judge(server: Server, project: int, person: str, tuned_wins: bool = True, count: int = 99) -> None:
    """What somebody says of the first `count` items."""
    who = people.known_person(server.workspace, person)
    for task in tasks.tasks(server.workspace, project)[:count]:
        first = task.candidates[0].model == "tuned"
        answer = Answer(strength=-2 if first == tuned_wins else 2)
        judgements.record(server.workspace, task.id, who.id, answer, "label", f"{task.id}-{person}")


def inner(page: Page, name: str) -> None:
    page.locator("#label-parts").get_by_role("tab", name=name, exact=True).click()


def test_the_lead_makes_a_project_reads_the_votes_settles_and_trains(page: Page, server: Server) -> None:
    compare(server, "lead", 10)
    open_tab(page, "Label")
    page.locator("#label-new").click()
    expect(page.locator("#project-name input, #project-name textarea").first).to_have_value("Round 1: base against tuned")
    fill(page, "project-name", "The first round")
    fill(page, "project-overlap", "2")
    page.locator("#project-go").click()
    expect(page.locator("#label-title")).to_contain_text("The first round")
    expect(page.locator("#results-summary")).to_contain_text("No judgement yet")
    made = projects.get_project(server.workspace, "The first round")
    assert made.settings.overlap == 2

    judge(server, made.id, "Ada")
    expect(page.locator("#results-summary")).to_contain_text("tuned beats base", timeout=3 * PATIENCE)
    expect(page.locator("#chart-strengths .main-svg").first).to_be_visible()
    plot = page.locator("#chart-strengths .plot").element_handle()
    judge(server, made.id, "Bo", tuned_wins=False, count=1)
    expect(page.locator("#results-details")).to_contain_text("Bo")
    assert plot is not None
    assert plot.evaluate("node => node.isConnected")  # changed in place
    expect(page.locator("#results-pulse")).to_contain_text("judgements")

    page.locator("#results-settle").click()
    expect(page.locator("#split-list")).to_contain_text("Ada: ")
    expect(page.locator("#split-item")).to_contain_text(EVIL)
    expect(page.locator("#split-item")).not_to_contain_text("tuned is")
    page.locator("#split-item").get_by_label("A is much better").check()
    page.get_by_role("button", name="Settle it so").click()
    expect(page.locator("#split-said")).to_contain_text("Settled: A is much better")
    assert len(adjudication.queue(server.workspace, made.id, decided=True)) == 1

    inner(page, "Judgements")
    page.locator("#judgements-list tr[data-key]").first.click()
    expect(page.locator("#judgements-detail")).to_contain_text("settled")
    inner(page, "Results")
    page.locator("#results-train").click()
    expect(page.locator("#out-expected")).to_contain_text("11 judgements give")
    fill(page, "out-name", "first-votes")
    page.locator("#out-train").click()
    expect(page.locator("#tab-train")).to_be_visible(timeout=3 * PATIENCE)
    expect(page.locator("#tab-train")).to_contain_text("first-votes", timeout=3 * PATIENCE)
    assert store.get_version(server.workspace, "first-votes").kind == "preference"
    assert page.evaluate("window.pwned") is None


def test_guidelines_gold_pause_delete_and_undo(page: Page, server: Server) -> None:
    comparison = compare(server, "care", 3)
    made = projects.create_project(server.workspace, "Cared for", comparison, ProjectSettings(), "First.")
    open_tab(page, "Label")
    page.locator(f'#label-list tr[data-key="{made.id}"]').click()
    expect(page.locator("#label-title")).to_contain_text("Cared for")
    inner(page, "Items")
    page.locator("#items-list tr[data-key]").nth(1).click()
    page.locator("#items-item").get_by_label("B is better", exact=True).check()
    page.get_by_role("button", name="Make this a gold item").click()
    expect(page.locator("#items-said")).to_contain_text("with the right order B > A")
    inner(page, "Guidelines and settings")
    expect(page.locator("#care-guidelines textarea")).to_have_value("First.")
    fill(page, "care-guidelines", "Second.")
    page.locator("#care-save").click()
    expect(page.locator("#care-said")).to_contain_text("Version 2 of the guidelines")
    page.locator("#label-pause").click()
    expect(page.locator("#label-title")).to_contain_text("paused")
    assert projects.get_project(server.workspace, made.id).state == "paused"
    page.locator("#care-delete").click()
    page.locator("#care-delete-yes").click()
    expect(page.locator("#label-deleted")).to_contain_text("Cared for is deleted")
    expect(page.locator(f'#label-list tr[data-key="{made.id}"]')).to_have_count(0)
    page.locator("#label-undo").click()
    expect(page.locator("#label-title")).to_contain_text("Cared for")


def test_a_file_becomes_a_project_and_people_are_added(tabs: Watched, fresh_server: Server, tmp_path: Path) -> None:
    path = tmp_path / "bought.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"q {i}", "chosen": f"good {i}", "rejected": f"bad {i}"}) + "\n" for i in range(5)))
    page = tabs.open(fresh_server.url, width=390, height=844)
    page.evaluate("luthier.openTab('Label')")
    expect(page.locator("#label-empty")).to_contain_text("Find out which answers people prefer")
    page.get_by_role("button", name="New project", exact=True).click()
    expect(page.locator("#project-said")).to_contain_text("There is no comparison yet")
    upload(page, "project-file", path)
    expect(page.locator("#project-file")).to_contain_text("bought")
    page.locator("#project-go").click()
    expect(page.locator("#label-title")).to_contain_text("5 rows read, 5 items, 5 votes")
    expect(page.locator("#results-summary")).to_contain_text("5 judgements by 1 person")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.locator("#label-people").click()
    expect(page.locator("#people-note")).to_contain_text("Nobody has to log in")
    fill(page, "people-name", EVIL)
    page.locator("#people-add-go").click()
    expect(page.locator("#people-said")).to_contain_text("has no password yet and cannot log in")
    page.locator("#people-list tr[data-key]").filter(has_text=EVIL).click()
    page.locator("#people-remove").click()
    expect(page.locator("#people-removed")).to_contain_text("is removed and logged out")
    page.locator("#people-undo").click()
    expect(page.locator("#people-title")).to_contain_text(EVIL)
    assert [one.role for one in people.list_people(fresh_server.workspace) if one.name == EVIL] == ["annotator"]
