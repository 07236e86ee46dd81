"""What a person does in the Chat tab."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from studio.data import store
from studio.feedback.judgements import effective
from studio.inference import conversations
from tests.browser.conftest import PATIENCE, Server, Watched, choose, fill, open_tab, wait_until
from tests.browser.models_for_tests import add_model

SLOW = 6 * PATIENCE
EVIL = "<img src=x onerror=window.pwned=1> ![a](http://example.org/a.png)"


@pytest.fixture(autouse=True)
def models(server: Server) -> None:
    add_model(server.workspace, "left", 1)
    add_model(server.workspace, "right", 2)
    add_model(server.workspace, "long", 3, context=8192, endless=True)


def say(page: Page, text: str) -> None:
    page.locator("#chat-box textarea").fill(text)
    page.keyboard.press("Enter")


def answered(page: Page) -> None:
    """Wait until the answer is complete."""
    expect(page.locator("#chat-left .message.assistant .foot").last).to_contain_text("tokens/s", timeout=SLOW)
    expect(page.locator("#chat-send")).to_be_enabled(timeout=SLOW)


def test_an_answer_streams_and_stops(page: Page) -> None:
    open_tab(page, "Chat")
    choose(page, "chat-model", "long")
    page.locator("#chat-settings").get_by_text("System prompt and sampling").click()
    fill(page, "chat-max-new-tokens", "8000")
    fill(page, "chat-temperature", "0")
    say(page, "hello")
    text = page.locator("#chat-left .message.assistant .verbatim")
    expect(page.locator("#chat-stop")).to_be_enabled(timeout=SLOW)
    wait_until(lambda: text.count() > 0 and len(text.inner_text()) > 30, what="the first words")
    before = len(text.inner_text())
    wait_until(lambda: len(text.inner_text()) > before, what="more words")
    page.locator("#chat-stop").click()
    expect(page.locator("#chat-left .foot").last).to_contain_text("stopped by you", timeout=SLOW)
    expect(page.locator("#chat-send")).to_be_enabled()
    expect(page.locator("#chat-stop")).to_be_disabled()


def test_ask_again_edit_and_copy(page: Page) -> None:
    open_tab(page, "Chat")
    choose(page, "chat-model", "left")
    say(page, "where is my parcel")
    answered(page)
    first = page.locator("#chat-left .message.assistant .verbatim").inner_text()
    page.locator("#chat-left [data-act=retry]").click()
    expect(page.locator("#chat-left .message.assistant .verbatim")).not_to_have_text(first, timeout=SLOW)
    answered(page)
    page.locator("#chat-left .message.assistant [data-act=edit]").click()
    page.locator("#chat-left .editor textarea").fill("It is on its way.\n  <b>Tomorrow.</b>")
    page.locator("#chat-left .editor .save").click()
    expect(page.locator("#chat-left .message.assistant .verbatim")).to_have_text("It is on its way.\n  <b>Tomorrow.</b>")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#chat-left .message.assistant [data-act=copy]").click()
    wait_until(lambda: page.evaluate("navigator.clipboard.readText()") == "It is on its way.\n  <b>Tomorrow.</b>", what="the copied text")
    page.locator("#chat-left .message.user [data-act=edit]").click()
    page.locator("#chat-left .editor textarea").fill("where is my order")
    page.locator("#chat-left .editor .save").click()
    expect(page.locator("#chat-left .message.user .verbatim")).to_have_text("where is my order")
    answered(page)
    expect(page.locator("#chat-left .message")).to_have_count(2)
    page.locator("#chat-new").click()
    expect(page.locator("#chat-left")).to_contain_text("New conversation")


def test_markup_in_a_conversation_is_text(page: Page) -> None:
    open_tab(page, "Chat")
    choose(page, "chat-model", "left")
    say(page, EVIL)
    answered(page)
    expect(page.locator("#chat-left .message.user .verbatim")).to_have_text(EVIL)
    page.locator("#chat-left .message.assistant [data-act=edit]").click()
    page.locator("#chat-left .editor textarea").fill(EVIL)
    page.locator("#chat-left .editor .save").click()
    expect(page.locator("#chat-left .message.assistant .verbatim")).to_have_text(EVIL)
    assert page.locator("#chat-left img").count() == 0
    assert page.evaluate("window.pwned") is None


def test_a_second_model_answers_beside_the_first(page: Page) -> None:
    open_tab(page, "Chat")
    choose(page, "chat-model", "left")
    choose(page, "chat-second", "right")
    say(page, "hello")
    expect(page.locator("#chat-right .message.assistant .foot")).to_contain_text("tokens/s", timeout=SLOW)
    answered(page)
    expect(page.locator("#chat-left .message.assistant .role")).to_have_text("left")
    expect(page.locator("#chat-right .message.assistant .role")).to_have_text("right")


def test_judging_answers_by_keyboard_and_finding_it_again(page: Page, tabs: Watched, server: Server) -> None:
    open_tab(page, "Chat")
    choose(page, "chat-model", "left")
    choose(page, "chat-second", "right")
    before = len(effective(server.workspace, sources=["chat"]))
    asked = f"who of you two knows, {before}"
    say(page, asked)
    answered(page)
    left, right = page.locator("#chat-left .message.assistant"), page.locator("#chat-right .message.assistant")
    own = right.locator(".verbatim").inner_text()
    up = left.locator("[data-act=up]")
    up.press("Enter")
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(up).to_be_focused()
    expect(left.locator(".noted")).to_contain_text("Kept in the project Chat")
    right.locator("[data-act=better]").press("Space")
    expect(left.locator("[data-act=worse]")).to_have_attribute("aria-pressed", "true")
    right.locator("[data-act=down]").click()
    right.locator("[data-act=undo]").click()
    expect(right.locator("[data-act=down]")).to_have_attribute("aria-pressed", "false")
    right.locator("[data-act=edit]").click()
    right.locator(".editor textarea").fill("I am, of course.")
    page.keyboard.press("Control+Shift+Enter")
    expect(right.locator(".verbatim")).to_have_text("I am, of course.")
    page.locator("#chat-save").click()
    expect(page.locator("#chat-saved tr[data-key]").filter(has_text=asked)).to_have_count(2)
    given = [judgement.answer for judgement in effective(server.workspace, sources=["chat"])[before:]]
    assert [(a.acceptable, a.strength, a.edited) for a in given] == [([True], None, None), ([], 2, None), ([], None, "I am, of course.")]

    page = tabs.open(server.url, width=390, height=844, scheme="dark")
    open_tab(page, "Chat")
    saved = page.locator("#chat-saved tr[data-key]").filter(has_text=asked)
    saved.filter(has_text="left").click()
    expect(page.locator("#chat-left [data-act=up]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#chat-left")).to_contain_text("worse than right")
    saved.filter(has_text="right").click()
    expect(page.locator("#chat-left")).to_contain_text("Your text, kept as better")
    page.locator("#chat-left [data-act=original]").click()
    expect(page.locator("#chat-left .message.assistant .verbatim")).to_have_text(own)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert len(effective(server.workspace, sources=["chat"])) == before + 2


def test_save_reopen_delete_and_save_into_a_dataset(page: Page, tabs: Watched, server: Server) -> None:
    workspace = server.workspace
    open_tab(page, "Chat")
    choose(page, "chat-model", "left")
    say(page, "keep this conversation")
    answered(page)
    page.locator("#chat-save").click()
    saved = page.locator("#chat-saved tr[data-key]").filter(has_text="keep this conversation")
    expect(saved).to_have_count(1)
    page = tabs.open(server.url)
    open_tab(page, "Chat")
    saved = page.locator("#chat-saved tr[data-key]").filter(has_text="keep this conversation")
    saved.click()
    expect(page.locator("#chat-left .message.user .verbatim")).to_have_text("keep this conversation")
    box = page.locator("#chat-dataset input").first
    box.fill("from-chat")
    box.press("Enter")
    page.locator("#chat-to-dataset").click()
    expect(page.locator("#chat-dataset-said")).to_contain_text("from-chat version 1 has 1 row")
    row = store.rows(workspace, "from-chat")[0]
    assert row["messages"][0] == {"role": "user", "content": "keep this conversation"}
    page.locator("#chat-delete").click()
    expect(saved).to_have_count(0)
    page.locator("#chat-undo").click()
    expect(saved).to_have_count(1)
    assert any(c.title == "keep this conversation" for c in conversations.list_conversations(workspace))


def test_chat_on_a_phone(server: Server, tabs: Watched) -> None:
    page = tabs.open(server.url, width=390, height=844)
    open_tab(page, "Chat")
    choose(page, "chat-model", "left")
    say(page, "hello")
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
