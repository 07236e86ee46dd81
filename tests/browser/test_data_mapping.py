"""A file of an unknown make is mapped by hand, its roles are named, and the mapping serves the next file."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from studio.data import store
from studio.data.saved_mappings import mappings
from tests.browser.conftest import Server, choose, fill, open_tab, upload


def write_calls(path: Path, count: int) -> Path:
    """Conversations under a column and with roles that nobody knows."""
    rows = [
        {"talk": [{"role": "Client", "content": f"where is parcel {i}"}, {"role": "Agent", "content": f"parcel {i} is here"}], "desk": "b"}
        for i in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def add(page: Page, path: Path) -> None:
    open_tab(page, "Data")
    page.locator("#data-add").click()
    expect(page.locator("#data-import")).to_be_visible()
    upload(page, "import-files", path)
    expect(page.locator("#import-found")).to_contain_text(path.name)


def test_an_unknown_file_is_mapped_and_the_mapping_used_again(page: Page, server: Server, tmp_path: Path) -> None:
    add(page, write_calls(tmp_path / "calls-may.jsonl", 12))
    expect(page.locator("#import-found .notice")).to_contain_text("talk, desk")
    choose(page, "import-messages", "talk")
    expect(page.locator("#import-preview .set-aside")).to_contain_text("12 rows cannot be used")
    expect(page.locator("#import-asked-0")).to_contain_text("Who is “Client”?")
    choose(page, "import-asked-0", "the user")
    expect(page.locator("#import-preview .set-aside")).to_contain_text("12 rows cannot be used")
    choose(page, "import-asked-1", "the assistant")
    expect(page.locator("#import-preview .preview-row .message.user").first).to_contain_text("where is parcel 0")
    expect(page.locator("#import-preview .set-aside")).to_have_count(0)

    fill(page, "import-keep-name", "a/b")
    page.locator("#import-keep").click()
    expect(page.locator("#import-kept .notice.error")).to_contain_text("cannot be called")
    fill(page, "import-keep-name", "desk calls")
    page.locator("#import-keep").click()
    expect(page.locator("#import-kept .notice.info")).to_contain_text("desk calls is saved")
    assert mappings(server.workspace) == ["desk calls"]
    page.locator("#import-go").click()
    expect(page.locator("#data-title")).to_contain_text("calls-may")
    roles = [message["role"] for message in store.rows(server.workspace, "calls-may")[0]["messages"]]
    assert roles == ["user", "assistant"]

    add(page, write_calls(tmp_path / "calls-june.jsonl", 7))
    expect(page.locator("#import-found")).to_contain_text("the saved mapping desk calls fits")
    expect(page.locator("#import-preview .preview-row")).to_have_count(3)
    page.locator("#import-go").click()
    expect(page.locator("#data-title")).to_contain_text("calls-june")
    assert store.get_version(server.workspace, "calls-june").rows == 7


def test_another_reading_of_a_known_file(page: Page, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "marked.jsonl"
    rows = [{"prompt": f"where is order {i}", "completion": f"order {i} is here", "score": i % 5} for i in range(10)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    add(page, path)
    expect(page.locator("#import-found")).to_contain_text("recognised as rating, 90 % sure")
    page.get_by_role("button", name="Which column gives what").click()
    expect(page.locator("#import-readings tr[data-key]").first).to_contain_text("rating")
    page.locator("#import-readings tr[data-key]").filter(has_text="prompt-completion (chat)").click()
    expect(page.locator("#import-answer input").first).to_have_value("completion")
    expect(page.locator("#import-preview .message.assistant").first).to_contain_text("order 0 is here")
    page.locator("#import-go").click()
    expect(page.locator("#data-title")).to_contain_text("marked")
    assert store.get_version(server.workspace, "marked").kind == "chat"
