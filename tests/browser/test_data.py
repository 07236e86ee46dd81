"""What a person does in the Data tab."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from studio.data import store
from tests.browser.conftest import PATIENCE, Server, Watched, choose, fill, open_tab, upload, wait_until

EVIL = "<img src=x onerror=window.pwned=1>"


def start_import(page: Page, *paths: Path) -> None:
    """Open the panel and give it files."""
    open_tab(page, "Data")
    page.locator("#data-add").click()
    expect(page.locator("#data-import")).to_be_visible()
    if len(paths) == 1:
        upload(page, "import-files", paths[0])
    else:
        page.locator("#import-files input[type=file]").set_input_files([str(p) for p in paths])


def open_dataset(page: Page, name: str) -> None:
    page.locator(f'#data-list tr[data-key="{name}"]').click()
    expect(page.locator("#data-title")).to_contain_text(name)
    expect(page.locator("#data-rows tr[data-key]").first).to_be_visible()


def test_a_csv_is_recognised_previewed_and_imported(page: Page, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "film reviews.csv"
    path.write_text("text,label\n" + "".join(f"film number {i} was fine,{'good' if i % 2 else 'bad'}\n" for i in range(40)))
    start_import(page, path)
    expect(page.locator("#import-found")).to_contain_text("recognised as")
    expect(page.locator("#import-name input, #import-name textarea").first).to_have_value("film-reviews")
    expect(page.locator("#import-preview .preview-row")).to_have_count(3)
    page.locator("#import-go").click()
    expect(page.locator("#data-title")).to_contain_text("film-reviews")
    expect(page.locator("#data-title")).to_contain_text("40 rows (36 train, 4 validation)")
    expect(page.locator("#data-pager")).to_contain_text("1–40 of 40")
    assert store.get_version(server.workspace, "film-reviews").rows == 40


def test_two_files_at_once_one_alpaca_one_bad(page: Page, server: Server, tmp_path: Path) -> None:
    good, bad = tmp_path / "alpaca-two.json", tmp_path / "broken.json"
    good.write_text(json.dumps([{"instruction": f"say {i}", "input": "", "output": f"it is {i}"} for i in range(12)]))
    bad.write_bytes(b"\x89PNG\r\n\x1a\n")
    start_import(page, bad, good)
    expect(page.locator("#import-chosen tr[data-key]")).to_have_count(2)
    expect(page.locator("#import-found")).to_contain_text("alpaca-two.json")
    page.locator("#import-chosen tr[data-key]").filter(has_text="broken.json").click()
    expect(page.locator("#import-found .notice.error")).to_contain_text("broken.json")
    expect(page.locator("#import-go")).to_be_disabled()
    page.locator("#import-chosen tr[data-key]").filter(has_text="alpaca-two.json").click()
    expect(page.locator("#import-go")).to_be_enabled()
    page.locator("#import-go").click()
    expect(page.locator("#data-title")).to_contain_text("alpaca-two")
    assert store.get_version(server.workspace, "alpaca-two").kind == "chat"


def test_a_name_that_cannot_be_used_loses_nothing(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "kept.csv"
    path.write_text("text,label\nfine,good\nawful,bad\nnice,good\n")
    start_import(page, path)
    expect(page.locator("#import-preview .preview-row").first).to_be_visible()
    fill(page, "import-name", "../up")
    page.locator("#import-go").click()
    expect(page.locator("#import-notice .notice.error")).to_contain_text("cannot be called")
    expect(page.locator("#import-found")).to_contain_text("kept.csv")
    fill(page, "import-name", "kept")
    page.locator("#import-go").click()
    expect(page.locator("#data-title")).to_contain_text("kept")


def test_an_unknown_shape_is_mapped_by_hand(page: Page, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("zzz,yyy\n" + "".join(f"ask {i},tell {i}\n" for i in range(20)))
    start_import(page, path)
    expect(page.locator("#import-found .notice")).to_contain_text("zzz, yyy")
    expect(page.locator("#import-prompt")).to_be_visible()
    choose(page, "import-prompt", "zzz")
    box = page.locator("#import-answer input").first
    box.fill("so: {yyy}")
    box.press("Enter")
    expect(page.locator("#import-preview .preview-row").first).to_contain_text("so: tell 0")
    page.locator("#import-go").click()
    expect(page.locator("#data-title")).to_contain_text("odd")
    expect(page.locator("#data-rows")).to_contain_text("so: tell")
    assert store.get_version(server.workspace, "odd").rows == 20


def test_a_sample_with_one_click_in_an_empty_workspace(fresh_server: Server, tabs: Watched) -> None:
    page = tabs.open(fresh_server.url)
    expect(page.locator("#data-empty")).to_contain_text("Data is what a model learns from")
    page.locator("#data-add").click()
    page.locator("#import-samples tr[data-key]").first.click()
    expect(page.locator("#data-rows tr[data-key]").first).to_be_visible()
    expect(page.locator("#data-heading")).to_contain_text("Datasets (1)")


def test_rows_are_paged_searched_and_filtered(page: Page) -> None:
    open_tab(page, "Data")
    open_dataset(page, "chats")
    expect(page.locator("#data-pager")).to_contain_text("1–50 of 80")
    expect(page.locator("#data-back")).to_be_disabled()
    page.locator("#data-next").click()
    expect(page.locator("#data-pager")).to_contain_text("51–80 of 80")
    expect(page.locator("#data-next")).to_be_disabled()
    fill(page, "data-search", "order 77")
    expect(page.locator("#data-pager")).to_contain_text("1–1 of 1 match")
    expect(page.locator("#data-rows tr[data-key]")).to_have_count(1)
    fill(page, "data-search", "")
    choose(page, "data-split", "validation")
    expect(page.locator("#data-pager")).to_contain_text("1–8 of 8")


def test_a_row_as_conversation_and_as_tokens_by_keyboard(page: Page) -> None:
    open_tab(page, "Data")
    open_dataset(page, "chats")
    page.locator("#data-rows tr[data-key]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#data-row .message.assistant")).to_contain_text("thank you the order")
    page.locator("#data-view").get_by_text("Tokens").click()
    choose(page, "data-template", "tiny")
    expect(page.locator("#data-row .tokens .span.trained").first).to_contain_text("thank you the order", timeout=4 * PATIENCE)
    expect(page.locator("#data-row .facts")).to_contain_text("Trained on")
    fill(page, "data-longest", "8")
    expect(page.locator("#data-row .tokens .span.cut").first).to_be_visible()
    decoration = page.locator("#data-row .tokens .span.cut").first.evaluate("e => getComputedStyle(e).textDecorationLine")
    assert decoration == "line-through"
    page.locator("#data-count").click()
    expect(page.locator("#data-totals")).to_contain_text("80 rows", timeout=4 * PATIENCE)


def test_a_row_with_markup_is_text(tabs: Watched, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "evil.jsonl"
    row = {"messages": [{"role": "user", "content": EVIL}, {"role": "assistant", "content": EVIL + " `${alert(1)}` {{value}}"}]}
    path.write_text((json.dumps(row) + "\n") * 3)
    store.import_file(server.workspace, path, "evil")
    page = tabs.open(server.url)
    open_tab(page, "Data")
    open_dataset(page, "evil")
    page.locator("#data-rows tr[data-key]").first.click()
    expect(page.locator("#data-row .message.assistant .verbatim")).to_have_text(EVIL + " `${alert(1)}` {{value}}")
    assert page.evaluate("window.pwned") is None
    assert page.locator("#data-detail img").count() == 0


def test_versions_rename_delete_and_undo(tabs: Watched, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "care.csv"
    path.write_text("text,label\n" + "".join(f"text {i},{'a' if i % 2 else 'b'}\n" for i in range(40)))
    store.import_file(server.workspace, path, "care")
    page = tabs.open(server.url)
    open_tab(page, "Data")
    open_dataset(page, "care")
    page.get_by_role("tab", name="Versions and splits").click()
    fill(page, "split-validation", "25")
    page.locator("#split-go").click()
    expect(page.locator("#data-title")).to_contain_text("v2, 40 rows (30 train, 10 validation)")
    page.locator('#data-versions tr[data-key="care@1"]').click()
    expect(page.locator("#data-title")).to_contain_text("v1, 40 rows")
    page.get_by_role("tab", name="Name and delete").click()
    fill(page, "data-name", "cared-for")
    page.locator("#data-rename").click()
    expect(page.locator("#data-title")).to_contain_text("cared-for")
    page.locator("#data-delete").click()
    expect(page.locator("#data-delete-question")).to_contain_text("2 versions")
    page.locator("#data-delete-yes").click()
    expect(page.locator("#data-deleted")).to_contain_text("cared-for is deleted")
    expect(page.locator('#data-list tr[data-key="cared-for"]')).to_have_count(0)
    page.locator("#data-undo").click()
    expect(page.locator("#data-title")).to_contain_text("cared-for")
    wait_until(lambda: any(v.dataset == "cared-for" for v in store.list_datasets(server.workspace)), what="the dataset is back")


def test_train_on_this_carries_the_dataset_over(page: Page) -> None:
    open_tab(page, "Data")
    open_dataset(page, "chats")
    page.locator("#data-train").click()
    expect(page.locator("#tab-train")).to_be_visible()
    expect(page.locator("#tab-train")).to_contain_text("chats")


def test_nothing_is_cut_off_on_a_phone(server: Server, tabs: Watched) -> None:
    page = tabs.open(server.url, width=390, height=844)
    open_dataset(page, "chats")
    page.locator("#data-rows tr[data-key]").first.click()
    expect(page.locator("#data-row .message").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_all_recognised_files_are_imported_at_once(page: Page, server: Server, tmp_path: Path) -> None:
    films, orders, broken = tmp_path / "films.csv", tmp_path / "orders.jsonl", tmp_path / "picture.json"
    films.write_text("text,label\n" + "".join(f"film {i} was fine,{'good' if i % 2 else 'bad'}\n" for i in range(20)))
    orders.write_text("".join(json.dumps({"prompt": f"where is order {i}", "completion": f"order {i} is here"}) + "\n" for i in range(20)))
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    start_import(page, films, orders, broken)
    expect(page.locator("#import-chosen tr[data-key]")).to_have_count(3)
    page.locator("#import-all").click()
    for name, words in (("films.csv", "imported as films"), ("orders.jsonl", "imported as orders"), ("picture.json", "cannot be read")):
        expect(page.locator("#import-chosen tr[data-key]").filter(has_text=name)).to_contain_text(words)
    for name in ("films", "orders"):
        expect(page.locator(f'#data-list tr[data-key="{name}"]')).to_be_visible()
        assert store.get_version(server.workspace, name).rows == 20


def test_an_empty_workspace_leads_to_a_sample(tabs: Watched, fresh_server: Server) -> None:
    page = tabs.open(fresh_server.url)
    page.get_by_role("button", name="Add data or take a sample").click()
    expect(page.locator("#import-samples tr[data-key]").first).to_be_visible()
    page.locator("#import-samples tr[data-key]").first.click()
    expect(page.locator("#data-rows tr[data-key]").first).to_be_visible()
