"""Rows are filtered, changed in place, undone and saved as a version; versions are compared, restored and exported."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from studio.data import edits, store
from tests.browser.conftest import PATIENCE, Server, Watched, choose, fill, open_tab, wait_until


@pytest.fixture
def tickets(server: Server, tmp_path: Path) -> str:
    """A dataset of 60 conversations; gives its name."""
    name = tmp_path.name.replace("_", "-")[:40].strip("-")
    rows = [[{"role": "user", "content": f"where is order {i}"}, {"role": "assistant", "content": f"order {i} is here"}] for i in range(60)]
    path = tmp_path / "tickets.jsonl"
    path.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in rows))
    return store.import_file(server.workspace, path, name).dataset


def open_dataset(tabs: Watched, server: Server, name: str) -> Page:
    """A fresh tab on the dataset's newest version."""
    page = tabs.open(server.url)
    open_tab(page, "Data")
    page.locator(f'#data-list tr[data-key="{name}"]').click()
    expect(page.locator("#data-title")).to_contain_text(name)
    expect(page.locator("#data-pager")).to_contain_text("of 60")
    return page


def open_row(page: Page, key: str) -> None:
    page.locator(f'#data-rows tr[data-key="{key}"]').click()
    expect(page.locator("#data-row .message").first).to_be_visible()


def answer_box(page: Page) -> Locator:
    return page.locator("#data-row-editor .edit-list textarea").nth(1)


def test_rows_are_filtered_by_length_and_split(tabs: Watched, server: Server, tickets: str) -> None:
    page = open_dataset(tabs, server, tickets)
    fill(page, "data-search", "order 1")
    expect(page.locator("#data-pager")).to_contain_text("of 11 matches")
    fill(page, "data-shortest", "33")
    expect(page.locator("#data-pager")).to_contain_text("of 10 matches")
    choose(page, "data-split", "validation")
    expect(page.locator("#data-pager")).not_to_contain_text("of 10 matches")
    choose(page, "data-split", "all splits")
    choose(page, "data-order", "longest first")
    expect(page.locator("#data-pager")).to_contain_text("of 10 matches")
    fill(page, "data-search", "no such words")
    expect(page.locator("#data-rows")).to_contain_text("No row is left by these filters")


def test_a_message_is_edited_undone_and_saved(tabs: Watched, server: Server, tickets: str) -> None:
    page = open_dataset(tabs, server, tickets)
    open_row(page, "train:2")
    page.locator("#data-row-edit").click()
    answer_box(page).fill("")
    page.locator("#data-row-editor [data-act=save]").click()
    expect(page.locator("#data-row-said .notice.error")).to_contain_text("message 2 of conversation (assistant) is empty")
    answer_box(page).fill("it was lost, and we send it again")
    page.locator("#data-row-editor [data-act=save]").click()
    expect(page.locator("#data-draft-words")).to_contain_text("1 change not yet saved")
    expect(page.locator("#data-row .message.assistant")).to_contain_text("we send it again")
    assert len(edits.pending(server.workspace, tickets).changes) == 1
    page.locator("#data-draft-undo").click()
    expect(page.locator("#data-draft-words")).to_contain_text("No changes to save")
    expect(page.locator("#data-row .message.assistant")).not_to_contain_text("we send it again")
    page.locator("#data-draft-redo").click()
    expect(page.locator("#data-row .message.assistant")).to_contain_text("we send it again")
    page.locator("#data-row-remove").click()
    expect(page.locator("#data-pager")).to_contain_text("of 59")
    page.locator("#data-draft-undo").click()
    expect(page.locator("#data-pager")).to_contain_text("of 60")
    page.locator("#data-row-add").click()
    page.locator("#data-row-editor .edit-list textarea").nth(0).fill("may I pay by card")
    answer_box(page).fill("yes")
    page.locator("#data-row-editor [data-act=more]").click()
    page.locator("#data-row-editor .edit-list textarea").nth(2).fill("and in cash")
    answer_box(page).press("Control+Enter")
    expect(page.locator("#data-draft-words")).to_contain_text("2 changes not yet saved")
    page.locator("#data-draft-save").click()
    expect(page.locator("#data-title")).to_contain_text("v2, 61 rows")
    expect(page.locator("#data-draft")).to_be_hidden()
    info = store.get_version(server.workspace, tickets)
    assert info.step["counts"] == {"read": 60, "kept": 61, "edited": 1, "added": 1, "removed": 0}
    assert store.rows(server.workspace, tickets, "train", 2, 1)[0]["messages"][1]["content"] == "it was lost, and we send it again"


def test_versions_are_compared_restored_and_exported(tabs: Watched, server: Server, tickets: str) -> None:
    row = store.rows(server.workspace, tickets)[0]
    row["messages"][1]["content"] = "nobody knows"
    edits.edit(server.workspace, f"{tickets}@1", "train", 0, row)
    edits.commit(server.workspace, f"{tickets}@1")
    page = open_dataset(tabs, server, tickets)
    expect(page.locator("#data-title")).to_contain_text("v2, 60 rows")
    page.get_by_role("tab", name="Versions and splits").click()
    expect(page.locator("#data-versions")).to_contain_text("rows changed by hand: 1 edited")
    expect(page.locator("#data-used-by")).to_contain_text("no run yet")
    expect(page.locator("#data-restore")).to_be_disabled()
    page.locator("#data-diff").click()
    expect(page.locator("#data-difference")).to_contain_text("1 row")
    expect(page.locator("#data-difference ins").first).to_contain_text("nobody")
    page.locator(f'#data-versions tr[data-key="{tickets}@1"]').click()
    expect(page.locator("#data-title")).to_contain_text("v1, 60 rows")
    page.locator("#data-restore").click()
    expect(page.locator("#data-title")).to_contain_text("v3, 60 rows")
    assert store.get_version(server.workspace, tickets).step["from"] == f"{tickets}@1"
    fill(page, "data-note", "the edit was a mistake")
    page.locator("#data-note-keep").click()
    expect(page.locator("#data-versions")).to_contain_text("the edit was a mistake")
    page.locator("#export-prepare").click()
    expect(page.locator("#export-download")).to_contain_text(f"{tickets}-v3-jsonl.zip", timeout=2 * PATIENCE)
    with page.expect_download() as download:
        page.locator("#export-download").click()
    names = sorted(Path(name).name for name in zipfile.ZipFile(download.value.path()).namelist() if not name.endswith("/"))
    assert names == ["README.md", "train.jsonl", "validation.jsonl"]


def test_two_people_do_not_overwrite_each_other(tabs: Watched, server: Server, tickets: str) -> None:
    page = open_dataset(tabs, server, tickets)
    open_row(page, "train:5")
    page.locator("#data-row-edit").click()
    answer_box(page).fill("mine")
    row = store.rows(server.workspace, tickets, "train", 5, 1)[0]
    row["messages"][1]["content"] = "theirs"
    edits.edit(server.workspace, tickets, "train", 5, row)
    page.locator("#data-row-editor [data-act=save]").click()
    expect(page.locator("#data-row-said .notice.error")).to_contain_text("changed by somebody else")
    expect(answer_box(page)).to_have_value("mine")
    page.locator("#data-row-editor [data-act=cancel]").click()
    expect(page.locator("#data-row .message.assistant")).to_contain_text("theirs")
    page.locator("#data-draft-discard").click()
    wait_until(lambda: not edits.pending(server.workspace, tickets).changes, what="the draft is discarded")
    expect(page.locator("#data-row .message.assistant")).to_contain_text("is here")
