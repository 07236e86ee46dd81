"""What a person does in the Compare tab."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio.inference.compare import list_comparisons
from studio.models import registry
from tests.browser.conftest import PATIENCE, Server, Watched, choose, fill, open_tab, upload
from tests.browser.models_for_tests import add_model

SLOW = 6 * PATIENCE


@pytest.fixture(autouse=True)
def models(server: Server) -> None:
    for seed, name in enumerate(("left", "right"), 1):
        add_model(server.workspace, name, seed)
    add_model(server.workspace, "unending", 3, context=8192, endless=True)


def pick(page: Page, *names: str) -> None:
    """Choose models in the multiple choice."""
    box = page.locator("#compare-models input").first
    box.click()
    for name in names:
        box.fill(name)
        page.get_by_role("option", name=name, exact=True).first.click()
    page.keyboard.press("Escape")


def test_typed_prompts_side_by_side_kept_named_and_sent_to_labelling(page: Page) -> None:
    open_tab(page, "Compare")
    expect(page.locator("#compare-view")).to_contain_text("See what fine-tuning changed")
    pick(page, "left", "right")
    fill(page, "compare-prompt", "where is <b>my</b> parcel\n\nhello")
    expect(page.locator("#compare-counted")).to_contain_text("2 prompts")
    fill(page, "compare-n", "2")
    page.locator("#compare-go").click()
    expect(page.locator("#compare-view .answer .foot")).to_have_count(4, timeout=SLOW)
    expect(page.locator("#compare-go")).to_be_enabled(timeout=SLOW)
    expect(page.locator("#compare-view .answer-column h2")).to_have_text(["left", "right"])
    expect(page.locator("#compare-view .asked")).to_contain_text("where is <b>my</b> parcel")
    expect(page.locator("#compare-view .foot").first).to_contain_text("tokens/s")
    tops = [box["y"] for box in (h.bounding_box() for h in page.locator(".answer-column h2").all()) if box]
    assert tops[0] == tops[1]
    for unit in ("by word", "by letter", "by token"):
        choose(page, "compare-diff", unit)
        expect(page.locator("#compare-view .muted", has_text="Differences from left")).to_be_visible()
        expect(page.locator("#compare-view .answer-text ins").first).to_be_visible()
    page.get_by_text("How it was made").first.click()
    expect(page.locator("#compare-view .made dd").first).to_be_visible()
    page.locator("#compare-care").get_by_text("Name, delete").click()
    fill(page, "compare-name", "Opening hours")
    page.locator("#compare-rename").click()
    expect(page.locator("#compare-saved tr[aria-current=true]")).to_contain_text("Opening hours")
    page.locator("#compare-delete").click()
    page.locator("#compare-delete-yes").click()
    expect(page.locator("#compare-deleted")).to_contain_text("Opening hours is deleted")
    expect(page.locator("#compare-open")).not_to_be_visible()
    expect(page.locator("#compare-saved")).not_to_contain_text("Opening hours")
    page.locator("#compare-undo").click()
    expect(page.locator("#compare-head")).to_contain_text("Opening hours")
    expect(page.locator("#compare-saved tr[aria-current=true]")).to_contain_text("Opening hours")
    page.locator("#compare-label").click()
    expect(page.locator("#tab-label")).to_be_visible()
    expect(page.locator("#tab-compare")).not_to_be_visible()


def test_conversations_from_a_file_are_answered_turn_by_turn(page: Page, tmp_path: Path) -> None:
    said = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}, {"role": "user", "content": "thank you"}]
    (tmp_path / "talks.jsonl").write_text(json.dumps({"messages": said}) + "\n")
    open_tab(page, "Compare")
    pick(page, "left")
    page.locator("#compare-source").get_by_text("A file with prompts").click()
    upload(page, "compare-file", tmp_path / "talks.jsonl")
    expect(page.locator("#compare-file")).to_contain_text("talks")
    page.locator("#compare-turns input").click()
    page.locator("#compare-go").click()
    expect(page.locator("#compare-view .answer .role")).to_have_text(["Assistant", "User", "Assistant"], timeout=SLOW)
    expect(page.locator("#compare-view .answer")).to_contain_text("thank you")


def test_held_out_prompts_are_paged_and_reopened(page: Page, tabs: Watched, server: Server) -> None:
    open_tab(page, "Compare")
    pick(page, "left", "right")
    page.locator("#compare-source").get_by_text("Held-out rows of a dataset").click()
    choose(page, "compare-dataset", "chats")
    fill(page, "compare-count", "3")
    page.locator("#compare-go").click()
    expect(page.locator("#compare-pager")).to_contain_text("prompt 1 of 3", timeout=SLOW)
    expect(page.locator("#compare-go")).to_be_enabled(timeout=SLOW)
    expect(page.locator("#compare-head")).to_contain_text("6 answers")
    first = page.locator("#compare-view .asked").inner_text()
    page.locator("#compare-next").click()
    expect(page.locator("#compare-pager")).to_contain_text("prompt 2 of 3")
    assert page.locator("#compare-view .asked").inner_text() != first
    newest = list_comparisons(server.workspace)[0]
    page = tabs.open(server.url)
    open_tab(page, "Compare")
    page.locator(f'#compare-saved tr[data-key="{newest.id}"]').click()
    expect(page.locator("#compare-pager")).to_contain_text("prompt 1 of 3")
    expect(page.locator("#compare-view .answer")).to_have_count(2)


def test_what_cannot_be_compared_is_said(page: Page, tabs: Watched, server: Server) -> None:
    open_tab(page, "Compare")
    fill(page, "compare-prompt", "hello")
    page.locator("#compare-go").click()
    expect(page.locator("#compare-notice .notice.error")).to_contain_text("No model is chosen")
    expect(page.locator("#compare-go")).to_be_enabled()
    workspace, copy = server.workspace, server.root / "inbox" / "copy-of-left"
    if not copy.exists():
        shutil.copytree(Path(registry.get_model(workspace, "left").path), copy)
        registry.add_local(workspace, copy, "copy-of-left")
    page = tabs.open(server.url)
    open_tab(page, "Compare")
    pick(page, "left", "copy-of-left")
    fill(page, "compare-prompt", "hello")
    page.locator("#compare-go").click()
    expect(page.locator("#compare-notice .notice.error")).to_contain_text("same weights", timeout=SLOW)


def test_stop_keeps_what_there_is(page: Page) -> None:
    open_tab(page, "Compare")
    pick(page, "right", "unending")
    fill(page, "compare-prompt", "hello")
    page.locator("#compare-settings").get_by_text("Sampling").click()
    fill(page, "compare-max-new-tokens", "8000")
    fill(page, "compare-temperature", "0")
    page.locator("#compare-go").click()
    expect(page.locator("#compare-progress")).to_contain_text("1 of 2 answers", timeout=SLOW)
    page.locator("#compare-stop").click()
    expect(page.locator("#compare-notice")).to_contain_text("Stopped", timeout=SLOW)
    expect(page.locator("#compare-go")).to_be_enabled()
    expect(page.locator("#compare-view .answer").first).to_be_visible()


def test_columns_stack_on_a_phone(server: Server, tabs: Watched) -> None:
    page = tabs.open(server.url, width=390, height=844)
    page.evaluate("document.querySelector('#tab-compare-button')?.click()")
    if not page.locator("#compare-models").is_visible():
        page.locator(".overflow-menu button").first.click()
        page.get_by_text("Compare", exact=True).last.click()
    page.locator("#compare-saved tr[data-key]").last.click()
    expect(page.locator("#compare-view .answer-column")).to_have_count(2)
    first, second = (column.bounding_box() for column in page.locator("#compare-view .answer-column").all())
    assert first
    assert second
    assert second["y"] > first["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
