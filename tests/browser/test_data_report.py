"""What a person does on the Report tab: check a dataset, read what is wrong, mend it, and see that it is ready."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from studio.data import store
from tests.browser.conftest import PATIENCE, Server, open_tab
from tests.browser.test_data import open_dataset

EVIL = "<img src=x onerror=window.pwned=1>"


@pytest.fixture
def doubtful(server: Server) -> str:
    """A fresh dataset with a leak, repeated rows, personal data and markup in a text."""
    name = f"doubtful-{len(store.list_datasets(server.workspace, deleted=True)) + len(store.list_datasets(server.workspace))}"
    rows = [{"text": f"thing number {i} does what the maker of number {i * 7} said it would", "label": "good"} for i in range(30)]
    rows += [{"text": f"part {i} of set {i * 3} broke and nobody at desk {i * 5} answered", "label": "bad"} for i in range(30)]
    extra = [rows[3], rows[3], {"text": f"write to ann@example.com {EVIL}", "label": "good"}]
    held = [rows[0], *({"text": f"held out note {i} about lamp {i * 11} and its shade", "label": "good"} for i in range(5))]
    store.add_version(server.workspace, name, "labelled", {"train": [*rows, *extra], "validation": held}, {"kind": "made"})
    return name


def check(page: Page) -> None:
    page.locator("#report-go").click()
    expect(page.locator("#report-verdict .verdict")).to_be_visible(timeout=4 * PATIENCE)


def test_a_report_names_what_is_wrong_and_each_button_mends_it(page: Page, server: Server, doubtful: str) -> None:
    open_tab(page, "Data")
    open_dataset(page, doubtful)
    page.get_by_role("tab", name="Report").click()
    expect(page.locator("#report-empty")).to_contain_text("Not checked yet")
    check(page)
    expect(page.locator("#report-verdict")).to_contain_text("to fix")
    expect(page.locator(f'#data-list tr[data-key="{doubtful}"] .badge')).to_contain_text("to fix")
    leak = page.locator(".finding").filter(has_text="Held-out rows that training sees")
    leak.locator("summary").click()
    expect(leak.locator("details")).to_contain_text("thing number 0")
    expect(page.locator("#report-charts figure .main-svg").first).to_be_visible(timeout=PATIENCE)
    leak.get_by_role("button").click()
    expect(page.locator("#data-title")).to_contain_text("v2", timeout=PATIENCE)
    assert store.get_version(server.workspace, doubtful).step["kind"] == "resplit"


def test_a_step_is_handed_to_the_clean_tab(page: Page, server: Server, doubtful: str) -> None:
    open_tab(page, "Data")
    open_dataset(page, doubtful)
    page.get_by_role("tab", name="Report").click()
    check(page)
    page.locator(".finding").filter(has_text="ersonal data").get_by_role("button").click()
    expect(page.get_by_role("tab", name="Clean")).to_have_attribute("aria-selected", "true", timeout=PATIENCE)
    expect(page.locator("#clean-steps")).to_contain_text("ersonal", timeout=PATIENCE)


def test_texts_of_rows_stay_texts(page: Page, server: Server, doubtful: str) -> None:
    open_tab(page, "Data")
    open_dataset(page, doubtful)
    page.get_by_role("tab", name="Report").click()
    check(page)
    for summary in page.locator("#report-findings summary").all():
        summary.click()
    expect(page.locator("#report-findings")).to_contain_text(EVIL)
    assert page.evaluate("window.pwned") is None
