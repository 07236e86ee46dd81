"""What the browser tests share: a Chromium, a page that is being served from a fresh workspace, and helpers to drive it.

`server` serves one workspace for the whole session; `page` is a fresh tab on it. After each test `page` asserts that no request left this
machine and that nothing was written to the browser's console as an error. Use `fresh_server` for a workspace of one's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from studio.workspace import Workspace
from tests.tiny import make_model

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
START_SECONDS = 120
LOCAL = ("http://127.0.0.1:", "data:", "blob:", "about:")
LEAVING = ("AbortError: signal is aborted without reason", "Unexpected error Connection errored out.")
"""What Gradio's own client writes to the console when a page is left while one of its handlers runs."""

PATIENCE = 20_000
"""Milliseconds that an expectation waits; the machine may be busy."""

expect.set_options(timeout=PATIENCE)


@dataclass
class Server:
    """A page that a process of its own serves."""

    url: str
    root: Path
    process: subprocess.Popen[str] = field(repr=False)

    @property
    def workspace(self) -> Workspace:
        """The served workspace, for preparing it and for checking what the page did."""
        return Workspace(self.root)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser test that fails is tried once more, and reported as rerun: browser, server and training share a few cores."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


@contextlib.contextmanager
def serve(root: Path) -> Iterator[Server]:
    """Serve the workspace `root` from a child process until the block ends."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    log = root.with_name(root.name + ".log")
    with log.open("w") as errors:
        command = [sys.executable, "-m", "app", "--workspace", str(root), "--port", "0"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert " at http" in line, f"the page did not start: {line}{log.read_text()}"
            yield Server(line.split()[-1], root, process)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def prepare(root: Path) -> Workspace:
    """A workspace with a tiny model `tiny`, a chat dataset `chats` and a labelled one `labels`."""
    from studio.data import store
    from studio.models import registry

    workspace = Workspace(root)
    registry.add_local(workspace, make_model(root / "inbox" / "tiny"), "tiny")
    chats, labels = root / "inbox" / "chats.jsonl", root / "inbox" / "labels.csv"
    rows = [(f"where is order {i}", f"thank you the order {i} is good") for i in range(80)]
    chats.write_text("".join(json.dumps({"messages": [_said("user", q), _said("assistant", a)]}) + "\n" for q, a in rows))
    lines = [f"the film is great {i},good" if i % 2 else f"the film is awful {i},bad" for i in range(60)]
    labels.write_text("\n".join(["text,label", *lines]) + "\n")
    store.import_file(workspace, chats, "chats")
    store.import_file(workspace, labels, "labels")
    return workspace


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One prepared workspace, served for all tests: model `tiny`, datasets `chats` and `labels`."""
    root = tmp_path_factory.mktemp("served") / "workspace"
    prepare(root)
    with serve(root) as running:
        yield running


def chromium() -> str:
    """The browser of this machine."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "the browser tests need Chromium: apt-get install chromium"
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine, without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()


class Watched:
    """Opens pages and remembers what they requested and complained about."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.contexts: list[BrowserContext] = []
        self.outside: list[str] = []
        self.complaints: list[str] = []

    def open(
        self, url: str, width: int = 1440, height: int = 900, scheme: str = "light", usable: Callable[[Page], None] | None = None
    ) -> Page:
        """A new tab with its own cookies, on `url`, ready to use: the main page, or another that `usable` waits for."""
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True)
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.outside.append(request.url) if not request.url.startswith(LOCAL) else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.goto(url)
        (usable or ready)(page)
        return page

    def leave(self) -> None:
        """Close every tab."""
        while self.contexts:
            self.contexts.pop().close()

    def close(self) -> None:
        """Close every tab and assert that all was quiet."""
        self.leave()
        assert self.outside == [], f"requests left this machine: {self.outside}"
        complaints = [text for text in self.complaints if not text.startswith(LEAVING)]
        assert complaints == [], f"the console has errors: {complaints}"


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Watched]:
    """Opens tabs on any server: `tabs.open(server.url, width=390)`. Asserts at the end that they were quiet."""
    watched = Watched(browser)
    yield watched
    watched.close()


@pytest.fixture
def fresh_server(tmp_path: Path, tabs: Watched) -> Iterator[Server]:
    """An empty workspace, served for one test; its tabs are closed before the server is."""
    with serve(tmp_path / "workspace") as running:
        yield running
        tabs.leave()


@pytest.fixture
def page(tabs: Watched, server: Server) -> Page:
    """A fresh tab on the session's server."""
    return tabs.open(server.url)


def ready(page: Page) -> None:
    """Wait until the page can be used."""
    expect(page.get_by_role("tab", name="Train")).to_be_visible(timeout=START_SECONDS * 1000)


def open_tab(page: Page, label: str) -> Locator:
    """Open a tab by its label and give its panel."""
    page.get_by_role("tab", name=label, exact=True).click()
    panel = page.locator(f"#tab-{label.lower()}")
    expect(panel).to_be_visible()
    return panel


def fill(page: Page, element_id: str, value: str) -> None:
    """Type into a text or number field by its element id, and leave it, as a person does."""
    box = page.locator(f"#{element_id} input, #{element_id} textarea").first
    box.fill(value)
    box.blur()


def choose(page: Page, element_id: str, option: str) -> None:
    """Choose an option of a dropdown by (part of) its text."""
    page.locator(f"#{element_id} input").first.click()
    page.get_by_role("option").filter(has_text=option).first.click()
    page.keyboard.press("Escape")


def upload(page: Page, element_id: str, path: Path) -> None:
    """Give a file to an upload component or button."""
    page.locator(f"#{element_id} input[type=file], input#{element_id}[type=file]").first.set_input_files(str(path))


def wait_until(condition: Callable[[], bool], seconds: float = 60, what: str = "the condition") -> None:
    """Wait for something that shows on the server rather than on the page."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true in {seconds} s"
        time.sleep(0.1)
