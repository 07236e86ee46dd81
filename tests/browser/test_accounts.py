"""People with accounts: each in their own browser, each with their own page, and nobody with more than their role allows."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from studio import people
from studio.db import Candidate, Comparison
from studio.feedback import projects
from studio.feedback.settings import ProjectSettings
from studio.workspace import Workspace
from tests.browser.conftest import START_SECONDS, Server, Watched, ready

PASSWORD = "right horse"
REFUSED = ("status of 401 (Unauthorized)", "status of 429 (Too Many Requests)")
"""What the browser itself writes to the console when a password is wrong, and when a page is left whose person has logged out."""


def prepare(ws: Workspace, prompts: int = 6) -> None:
    """A project of pairs that one person each judges, and one person of each role, two who label."""
    for name, role in (("ada", "admin"), ("ina", "annotator"), ("ben", "annotator"), ("vic", "viewer")):
        people.add_person(ws, name, role, PASSWORD)  # type: ignore[arg-type]
    asked = [[{"role": "user", "content": f"where is order {number}"}] for number in range(prompts)]
    with ws.db.write() as session:
        comparison = Comparison(name="both", models=["base", "tuned"], prompts=asked, settings={})
        for number in range(prompts):
            for model in comparison.models:
                said = Candidate(
                    prompt_index=number, model=model, text=f"{model} says {number}", tokens=3, seconds=0.1, finish_reason="stop"
                )
                said.provenance = {}
                comparison.candidates.append(said)
        session.add(comparison)
        session.flush()
        made = comparison.id
    projects.create_project(ws, "round 1", made, ProjectSettings(mode="pair", overlap=1, shared_share=0, gold_share=0, repeat_share=0))


def at_login(page: Page) -> None:
    expect(page.get_by_role("button", name="Log in")).to_be_visible(timeout=START_SECONDS * 1000)


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill in the form as a person does."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def test_each_person_has_their_own_page_and_no_other(tabs: Watched, fresh_server: Server) -> None:
    prepare(fresh_server.workspace)
    url = fresh_server.url
    ina, ben, vic, ada = (tabs.open(url + path, usable=at_login) for path in ("/label", "/label", "/", "/"))
    log_in(ina, "ina", "a guess")
    expect(ina.get_by_role("alert")).to_contain_text("The name or the password is wrong.")
    expect(ina.get_by_label("Name")).to_have_value("ina")
    items = []
    for page, name in ((ina, "ina"), (ben, "ben")):
        log_in(page, name)
        expect(page).to_have_url(f"{url}/label/")
        expect(page.locator("#labelling")).to_contain_text("where is order")
        expect(page.locator("#labelling")).to_contain_text(name)
        assert page.get_by_role("tab").count() == 0
        items.append(page.locator("#labelling").inner_text().split("where is order ")[1][0])
    assert items[0] != items[1], "two people have the same item, which one is to judge"
    ina.goto(url)
    expect(ina).to_have_url(f"{url}/label/")
    for path in ("/gradio_api/info", "/results/", "/config", "/plotly.min.js"):
        assert ina.request.get(url + path).status == 403
    assert ina.request.post(f"{url}/gradio_api/run/predict", data={"fn_index": 0, "data": []}).status == 403
    log_in(vic, "vic")
    expect(vic).to_have_url(f"{url}/results/")
    expect(vic.locator("#header .person")).to_contain_text("vic")
    expect(vic.get_by_text("round 1").first).to_be_visible()
    log_in(ada, "ada")
    ready(ada)
    expect(ada.locator("#header .person")).to_contain_text("ada")
    ada.get_by_role("button", name="Log out").click()
    at_login(ada)
    ada.goto(url)
    at_login(ada)
    for guess in range(6):
        log_in(ada, "ada", f"guess {guess}")
        expect(ada.get_by_role("alert")).to_contain_text("Wait" if guess == 5 else "wrong")
    expect(ben.locator("#labelling")).to_contain_text("where is order")
    tabs.complaints[:] = [text for text in tabs.complaints if not text.endswith(REFUSED)]
