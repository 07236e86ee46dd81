"""What a person does in the Augment tab: balance, noise, and drafts of a model that they decide on."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from studio.data import store
from studio.data.augment.drafts import drafts
from studio.data.schema import Row
from tests.browser.conftest import PATIENCE, Server, Watched, choose, fill, open_tab, wait_until
from tests.browser.models_for_tests import add_model


def _fresh(server: Server, name: str, kind: str, rows: list[Row]) -> str:
    """A new dataset with training rows only; gives its name, which is another one when the test is tried again."""
    taken = [version.dataset for version in store.list_datasets(server.workspace)]
    name = next(each for each in (name, *(f"{name}-{number}" for number in range(2, 10))) if each not in taken)
    store.add_version(server.workspace, name, kind, {"train": rows}, {})
    return name


def _chats(server: Server, name: str) -> str:
    """A fresh chat dataset of twelve rows."""
    rows: list[Row] = [
        {"messages": [{"role": "user", "content": f"where is order {i}"}, {"role": "assistant", "content": f"the order {i} is good"}]}
        for i in range(12)
    ]
    return _fresh(server, name, "chat", rows)


def _open(page: Page, name: str) -> None:
    """The Augment tab of a dataset."""
    open_tab(page, "Data")
    page.locator(f'#data-list tr[data-key="{name}"]').click()
    expect(page.locator("#data-title")).to_contain_text(name)
    page.get_by_role("tab", name="Augment", exact=True).click()
    expect(page.locator("#augment-way input")).not_to_have_value("")


def _added(server: Server, name: str) -> list[Row]:
    version = store.get_version(server.workspace, name)
    return [row for row in store.rows(server.workspace, version.ref, "train", 0, 1000) if row.get("augmented")]


def test_labels_are_balanced_after_a_preview(tabs: Watched, server: Server) -> None:
    rows = [{"text": f"fine {i}", "label": "good"} for i in range(9)] + [{"text": f"poor {i}", "label": "bad"} for i in range(3)]
    name = _fresh(server, "lopsided", "labelled", rows)
    page = tabs.open(server.url)
    _open(page, name)
    choose(page, "augment-way", "Balance the classes")
    fill(page, "augment-balance-strength", "7")
    page.locator("#augment-preview").click()
    expect(page.locator("#augment-balance-strength .field-problem")).to_have_text("Input should be less than or equal to 1.")
    expect(page.locator("#augment-balance-strength .field-problem")).to_be_in_viewport()
    fill(page, "augment-balance-strength", "1")
    page.locator("#augment-preview").click()
    table = page.locator("#augment-said table")
    expect(table.locator("tbody tr").filter(has_text="bad")).to_have_text(re.compile(r"bad\s*3\s*9"))
    expect(table.locator("tbody tr").filter(has_text="good")).to_have_text(re.compile(r"good\s*9\s*9"))
    expect(page.locator(".field-problem")).to_have_count(0)
    page.locator("#augment-go").click()
    expect(page.locator("#data-title")).to_contain_text("v2, 18 rows (18 train), 6 rows added (balance the classes)")
    expect(page.locator("#augment-said")).to_contain_text("Version 2: 6 rows added")
    expect(page.locator("#augment-way input")).to_have_value("Balance the classes")
    page.get_by_role("tab", name="Versions and splits").click()
    expect(page.locator(f'#data-versions tr[data-key="{name}@2"]')).to_contain_text("6 rows added (balance the classes)")
    assert {row["label"] for row in _added(server, name)} == {"bad"}


def test_typing_noise_for_conversations(tabs: Watched, server: Server) -> None:
    name = _chats(server, "typos")
    page = tabs.open(server.url)
    _open(page, name)
    fill(page, "augment-noise-share", "0.5")
    fill(page, "augment-noise-errors", "0.3")
    page.locator("#augment-preview").click()
    expect(page.locator("#augment-said")).to_contain_text("12 training rows would become 18: 6 added.")
    pair = page.locator("#augment-said .pair").first.locator(".message.user")
    assert pair.first.inner_text() != pair.last.inner_text()
    page.locator("#augment-go").click()
    expect(page.locator("#data-title")).to_contain_text("v2, 18 rows (18 train), 6 rows added (typing noise)")
    assert [row["augmented"] for row in _added(server, name)] == ["typing noise"] * 6


def test_drafts_of_a_model_are_corrected_accepted_rejected_and_added(tabs: Watched, server: Server) -> None:
    add_model(server.workspace, "writer", 3)
    name = _chats(server, "scarce")
    page = tabs.open(server.url)
    _open(page, name)
    choose(page, "augment-way", "Paraphrases by a model")
    choose(page, "augment-model", "writer")
    fill(page, "augment-paraphrase-rows", "5")
    page.locator("#augment-how button.label-wrap").click()
    fill(page, "augment-sampling-max-new-tokens", "8")
    fill(page, "augment-sampling-seed", "1")
    page.locator("#augment-write").click()
    expect(page.locator("#drafts-heading")).to_contain_text("5 to review", timeout=6 * PATIENCE)
    expect(page.locator("#augment-said")).to_contain_text("5 new drafts to review.")
    expect(page.locator("#augment-stop")).to_be_hidden()
    expect(page.locator("#draft-source")).to_contain_text("Paraphrase by writer, made from this row")

    fill(page, "draft-text", "")
    page.locator("#draft-accept").click()
    expect(page.locator("#draft-said")).to_contain_text("The draft is empty.")
    fill(page, "draft-text", "when does my order come")
    page.locator("#draft-accept").click()
    expect(page.locator("#drafts-heading")).to_contain_text("4 to review, 1 accepted")
    page.locator("#draft-reject").click()
    expect(page.locator("#drafts-heading")).to_contain_text("3 to review, 1 accepted, 1 rejected")
    page.locator("#draft-undo").click()
    expect(page.locator("#drafts-heading")).to_contain_text("4 to review, 1 accepted")
    page.locator("#draft-reject").click()
    expect(page.locator("#drafts-heading")).to_contain_text("3 to review, 1 accepted, 1 rejected")
    fill(page, "draft-answer", "it comes at nine")
    page.locator("#draft-rest").click()
    expect(page.locator("#drafts-heading")).to_contain_text("0 to review, 4 accepted, 1 rejected")
    expect(page.locator("#draft-accept")).to_be_hidden()
    assert store.get_version(server.workspace, name).number == 1, "nothing is added before the person says so"

    page.locator("#draft-add").click()
    expect(page.locator("#data-title")).to_contain_text("v2, 16 rows (16 train), 4 drafts of a model added")
    expect(page.locator("#drafts")).to_be_hidden()
    rows = _added(server, name)
    assert [row["augmented"] for row in rows] == ["paraphrase by writer"] * 4
    assert rows[0]["messages"][0]["content"] == "when does my order come"
    assert rows[1]["messages"][-1]["content"] == "it comes at nine"
    assert {draft.state for draft in drafts(server.workspace, name, None)} == {"added", "rejected"}


def test_writing_can_be_stopped(tabs: Watched, server: Server) -> None:
    add_model(server.workspace, "endless-writer", 5, context=8192, endless=True)
    name = _chats(server, "patient")
    page = tabs.open(server.url)
    _open(page, name)
    choose(page, "augment-way", "New examples by a model")
    choose(page, "augment-model", "endless-writer")
    fill(page, "augment-examples-rows", "400")
    page.locator("#augment-how button.label-wrap").click()
    fill(page, "augment-sampling-max-new-tokens", "4000")
    page.locator("#augment-write").click()
    expect(page.locator("#augment-said")).to_contain_text("endless-writer is writing")
    expect(page.locator("#augment-write")).to_be_disabled()
    page.locator("#augment-stop").click()
    expect(page.locator("#augment-said")).to_contain_text("Stopped. No new draft", timeout=6 * PATIENCE)
    expect(page.locator("#augment-stop")).to_be_hidden()
    expect(page.locator("#augment-write")).to_be_enabled()
    assert drafts(server.workspace, name, None) == []
    wait_until(lambda: page.locator("#drafts").is_hidden(), what="no drafts to review")
