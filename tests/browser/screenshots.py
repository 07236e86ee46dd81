"""Takes the README's screenshots from a demo workspace: `python -m tests.browser.screenshots --workspace DIR`.

Make the workspace with `luthier --workspace DIR demo --no-serve`, then a labelling project of its comparison with
`luthier --workspace DIR tasks create 1 --name "Round 1"`, and judge some of its items. `--all` takes every
tab at desktop and phone width, light and dark, for a critical look.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, chromium, open_tab, ready, serve

OUT = Path(__file__).parents[2] / "assets" / "screenshots"
TABS = ("Data", "Train", "Runs", "Compare", "Label", "Chat", "Models")
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


def visit(page: Page, label: str) -> None:
    """Open a tab with the demo's things in it, and wait until they are drawn."""
    panel = open_tab(page, label)
    if label == "Data":
        panel.get_by_text("support", exact=True).first.click()
    if label == "Train":
        open_tab(page, "Data").get_by_text("support", exact=True).first.click()
        page.get_by_role("button", name="Train on this").click()
        expect(page.locator("#tab-train").get_by_text("trained on", exact=False).first).to_be_visible(timeout=60_000)
    if label == "Runs":
        panel.get_by_text("support-bot", exact=False).first.click()
    if label == "Compare":
        panel.get_by_text("starter, support-bot", exact=False).first.click()
    if label == "Label":
        panel.locator("#label-list [data-key]").first.click()
    page.wait_for_timeout(4000)  # curves and panels draw themselves in a moment; a picture has nothing to wait for


def shoot(browser: Browser, url: str, out: Path, labels: tuple[str, ...], size: str, scheme: str, suffix: str) -> None:
    """One picture a tab into `out`."""
    width, height = SIZES[size]
    page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
    page.goto(url)
    ready(page)
    for label in labels:
        visit(page, label)
        page.screenshot(path=out / f"{label.lower().replace('runs', 'run')}{suffix}.png", full_page=size == "phone")
    page.context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with serve(options.workspace) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        if not options.all:
            shoot(browser, server.url, options.out, ("Train", "Runs", "Compare", "Label"), "desktop", "light", "")
            return
        for size in SIZES:
            for scheme in ("light", "dark"):
                shoot(browser, server.url, options.out, TABS, size, scheme, f"-{size}-{scheme}")


if __name__ == "__main__":
    main()
