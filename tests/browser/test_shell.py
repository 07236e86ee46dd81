"""The shell as a person meets it: the first visit, the header, the empty states, a phone, the dark."""

from __future__ import annotations

import urllib.error
import urllib.request

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Watched, open_tab

TABS = ["Data", "Train", "Runs", "Compare", "Label", "Chat", "Models"]


def test_first_visit_shows_every_tab_and_says_what_each_is_for(tabs: Watched, fresh_server: Server) -> None:
    page = tabs.open(fresh_server.url)
    expect(page.locator("h1")).to_have_text("Luthier")
    assert page.locator("h1").count() == 1
    assert page.locator('#tabs button[role="tab"]').all_inner_texts() == TABS
    expect(page.locator("#header .workspace")).to_have_text("workspace")
    expect(page.locator("#header .chip")).to_contain_text("GB")
    expect(page.locator("#header .holder")).to_have_text("device is free")
    open_tab(page, "Train")
    expect(page.locator("#plan")).to_contain_text("Choose a dataset")
    open_tab(page, "Runs")
    expect(page.locator("#runs-empty")).to_contain_text("No runs yet")
    expect(page.locator("#run-detail")).to_be_hidden()
    for label in TABS:
        open_tab(page, label)
    page.locator("#runs-empty button", has_text="Train").dispatch_event("click")
    expect(page.locator("#start")).to_be_visible()


def test_a_phone_in_the_dark_has_no_sideways_scrolling(tabs: Watched, server: Server) -> None:
    page = tabs.open(server.url, width=390, height=844, scheme="dark")
    for label in TABS:
        open_tab(page, label)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert "dark" in (page.locator("body").get_attribute("class") or "")


def test_the_header_of_a_phone_has_two_lines(tabs: Watched, server: Server) -> None:
    page = tabs.open(server.url, width=390, height=844)
    parts = page.locator("#header h1, #header span, #header button").all()
    assert len({round((box["y"] + box["height"] / 2) / 10) for part in parts if (box := part.bounding_box())}) == 2


def test_a_tab_of_the_overflow_menu_can_be_opened_by_name(tabs: Watched, server: Server) -> None:
    page = tabs.open(server.url, width=240, height=844)
    assert page.evaluate("luthier.openTab('Models')")
    expect(page.locator("#tab-models")).to_be_visible()


def test_the_keys_of_the_screen(page: Page) -> None:
    open_tab(page, "Chat")
    page.locator("#chat-box textarea").fill("")
    page.locator("#chat-box textarea").press("?")
    expect(page.locator("#keys")).to_have_count(0)
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Shift+Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_have_count(0)
    open_tab(page, "Data")
    page.locator("#header .help").click()
    expect(page.locator("#keys")).to_contain_text("next and previous row")


def test_a_line_moves_while_the_server_works(page: Page) -> None:
    page.evaluate(
        "new MutationObserver(() => { if (document.querySelector('.busy-line.on')) window.sawWork = 1; })"
        ".observe(document.body, { subtree: true, childList: true, attributes: true })"
    )
    open_tab(page, "Models")
    page.wait_for_function("window.sawWork")
    expect(page.locator(".busy-line.on")).to_have_count(0)


def _status(url: str, method: str = "GET", **headers: str) -> int:
    request = urllib.request.Request(url, method=method, headers=headers, data=b"{}" if method == "POST" else None)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_other_sites_and_other_names_are_kept_out(server: Server) -> None:
    join = f"{server.url}/gradio_api/queue/join"
    assert _status(server.url) == 200
    assert _status(server.url, Host="evil.example") == 400
    assert _status(join, "POST", Origin="http://evil.example") == 403
    assert _status(join, "POST", Origin="null") == 403
    assert _status(join, "POST", Origin=server.url) != 403


def test_every_answer_carries_the_security_headers(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/plotly.min.js") as answer:
        headers = {name.lower(): value for name, value in answer.headers.items()}
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert "access-control-allow-origin" not in headers
