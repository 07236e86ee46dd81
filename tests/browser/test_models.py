"""What a person does in the Models tab."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from studio.models import registry
from tests.browser.conftest import Server, Watched, fill, open_tab
from tests.browser.models_for_tests import add_model
from tests.tiny import make_model


def test_a_model_shows_what_it_is_and_what_fits(page: Page) -> None:
    open_tab(page, "Models")
    page.locator('#models-list tr[data-key="tiny"]').click()
    expect(page.locator("#models-title")).to_contain_text("tiny")
    expect(page.locator("#models-advice")).to_contain_text("✓ fits")
    expect(page.locator("#models-facts")).to_contain_text("256 tokens")
    expect(page.locator("#models-lineage")).to_contain_text("was added from the folder")
    fill(page, "models-filter", "no such model")
    expect(page.locator("#models-list")).to_contain_text("No model has such a name")


def test_add_a_folder_and_say_what_is_wrong_with_another(page: Page, tmp_path: Path, server: Server) -> None:
    open_tab(page, "Models")
    page.locator("#models-add").click()
    fill(page, "add-path", str(tmp_path / "nowhere"))
    page.locator("#add-local").click()
    expect(page.locator("#add-said .notice.error")).to_be_visible()
    fill(page, "add-path", str(make_model(tmp_path / "added")))
    page.locator("#add-local").click()
    expect(page.locator("#add-said")).to_contain_text("added is added")
    expect(page.locator("#models-title")).to_contain_text("added")
    expect(page.locator("#add-hub")).to_be_disabled()
    page.locator("#add-network input").check()
    expect(page.locator("#add-hub")).to_be_enabled()
    page.locator("#add-network input").uncheck()
    expect(page.locator("#add-hub")).to_be_disabled()
    assert not registry.network_allowed(server.workspace)


def test_rename_note_delete_undo(tabs: Watched, server: Server) -> None:
    add_model(server.workspace, "passing", 9)
    page = tabs.open(server.url)
    open_tab(page, "Models")
    page.locator('#models-list tr[data-key="passing"]').click()
    expect(page.locator("#models-title")).to_contain_text("passing")
    page.locator("#models-care").get_by_text("Name, note, delete").click()
    fill(page, "models-name", "starter")
    page.locator("#models-rename").click()
    expect(page.locator("#models-said .notice.error")).to_contain_text("taken")
    fill(page, "models-name", "staying")
    page.locator("#models-rename").click()
    expect(page.locator("#models-title")).to_contain_text("staying")
    fill(page, "models-note", "a note")
    page.locator("#models-note-save").click()
    expect(page.locator("#models-said")).to_contain_text("saved")
    assert registry.get_model(server.workspace, "staying").note == "a note"
    page.locator("#models-delete").click()
    page.locator("#models-delete-yes").click()
    expect(page.locator('#models-list tr[data-key="staying"]')).to_have_count(0)
    page.locator("#models-undo").click()
    expect(page.locator("#models-title")).to_contain_text("staying")


def test_chat_and_train_take_the_model_along(page: Page) -> None:
    open_tab(page, "Models")
    page.locator('#models-list tr[data-key="tiny"]').click()
    expect(page.locator("#models-title")).to_contain_text("tiny")
    page.locator("#models-chat").click()
    expect(page.locator("#tab-chat")).to_be_visible()
    expect(page.locator("#chat-model input").first).to_have_value("tiny")
    open_tab(page, "Models")
    page.locator("#models-train").click()
    expect(page.locator("#tab-train")).to_be_visible()


def test_models_on_a_phone(server: Server, tabs: Watched) -> None:
    page = tabs.open(server.url, width=390, height=844)
    open_tab(page, "Models")
    expect(page.locator("#models-advice table")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
