"""Bringing data in through the page: workbooks, archives, the inbox, several files as one, and the rows set aside to download."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import openpyxl
from playwright.sync_api import Page, expect

from studio.data import store
from tests.browser.conftest import Server, choose, fill, open_tab
from tests.browser.test_data import start_import


def test_a_sheet_of_a_workbook_is_chosen_and_imported(page: Page, server: Server, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Reviews"
    book.active.append(["text", "label"])
    book.create_sheet("Questions").append(["prompt", "completion"])
    for i in range(12):
        book["Reviews"].append([f"film {i}", "good" if i % 2 else "bad"])
        book["Questions"].append([f"ask {i}", f"tell {i}"])
    book.save(tmp_path / "filing.xlsx")
    start_import(page, tmp_path / "filing.xlsx")
    expect(page.locator("#import-found")).to_contain_text("text-label")
    expect(page.locator("#import-found")).to_contain_text("there are also: Questions")
    choose(page, "import-sheet", "Questions")
    expect(page.locator("#import-found")).to_contain_text("prompt-completion")
    expect(page.locator("#import-preview .preview-row").first).to_contain_text("tell 0")
    page.locator("#import-go").click()
    expect(page.locator("#data-title")).to_contain_text("filing")
    assert store.get_version(server.workspace, "filing").kind == "chat"


def test_several_files_become_one_dataset(page: Page, server: Server, tmp_path: Path) -> None:
    archive, table = tmp_path / "first.zip", tmp_path / "second.csv"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("inside.jsonl", "".join(json.dumps({"text": f"packed {i}", "label": "a"}) + "\n" for i in range(6)))
    table.write_text("text,label\n" + "".join(f"plain {i},b\n" for i in range(4)))
    start_import(page, archive, table)
    expect(page.locator("#import-chosen tr[data-key]")).to_have_count(2)
    fill(page, "import-name", "joined")
    page.locator("#import-together").click()
    expect(page.locator("#data-title")).to_contain_text("joined")
    expect(page.locator("#data-title")).to_contain_text("10 rows")
    rows = store.rows(server.workspace, "joined")
    assert {row["source"] for row in rows} == {"inside.jsonl", "second.csv"}


def test_a_file_of_the_inbox_and_the_rows_set_aside(page: Page, server: Server) -> None:
    lines = [json.dumps({"text": f"row {i}"}) for i in range(20)]
    (server.workspace.inbox / "found here.jsonl").write_text("\n".join([*lines, "{broken", '{"text": ""}']))
    open_tab(page, "Data")
    page.locator("#data-add").click()
    page.locator("#import-inbox tr[data-key]").filter(has_text="found here.jsonl").click()
    expect(page.locator("#import-found")).to_contain_text("found here.jsonl")
    expect(page.locator("#import-preview")).to_contain_text("cannot be used")
    page.locator("#import-go").click()
    expect(page.locator("#data-title")).to_contain_text("found-here")
    expect(page.locator("#data-title")).to_contain_text("2 set aside")
    page.get_by_role("tab", name="Versions").click()
    with page.expect_download() as started:
        page.locator("#data-bad-rows").click()
    kept = [json.loads(line) for line in Path(started.value.path()).read_text().splitlines()]
    assert [(row["line"], row["text"]) for row in kept] == [(21, "{broken"), (22, '{"text": ""}')]


def test_the_hub_is_asked_only_where_a_person_allowed_it(page: Page, server: Server) -> None:
    open_tab(page, "Data")
    page.locator("#data-add").click()
    page.get_by_role("button", name="From the Hugging Face Hub").click()
    fill(page, "hub-repo", "somebody/some-data")
    page.locator("#hub-go").click()
    expect(page.locator("#hub-said .notice.error")).to_contain_text("does not use the network")
    expect(page.locator("#hub-go")).to_be_visible()
    expect(page.locator("#hub-allowed input")).not_to_be_checked()
