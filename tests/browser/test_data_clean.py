"""Cleaning a dataset as a person does: steps, preview, a version, and the same pipeline on another dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from studio.data import store
from studio.data.cleaning import load_pipeline, pipelines
from studio.workspace import Workspace
from tests.browser.conftest import PATIENCE, Server, Watched, choose, fill, open_tab

SLOW = 3 * PATIENCE


def add_messy(workspace: Workspace, folder: Path, start: str, rows: int = 12) -> str:
    """A new dataset of chats in which three rows repeat the first one and two hold HTML; gives its name."""
    name = f"{start}-{len(store.list_datasets(workspace))}"
    path = folder / f"{name}.jsonl"
    pairs = [(f"where is order {i}", f"{name} order {i} is on its way") for i in range(rows)] + [
        ("where is order 0", f"{name} order 0 is on its way")
    ] * 3
    pairs[4] = (pairs[4][0], f"<p>{pairs[4][1]}</p>")
    pairs[5] = (pairs[5][0], f"<b>{pairs[5][1]}</b>")
    path.write_text("".join(json.dumps({"prompt": q, "completion": a}) + "\n" for q, a in pairs))
    return store.import_file(workspace, path, name).dataset


def open_clean(page: Page, name: str) -> Locator:
    """The Clean tab of a dataset."""
    open_tab(page, "Data")
    page.locator(f'#data-list tr[data-key="{name}"]').click()
    expect(page.locator("#data-title")).to_contain_text(name)
    page.locator(".inner-tabs").get_by_role("tab", name="Clean", exact=True).click()
    expect(page.locator("#clean-add tr[data-key]").first).to_be_visible()
    return page.locator("#clean-steps")


def add(page: Page, kind: str, count: int) -> None:
    """Add a step from the list; there are `count` of them then."""
    page.locator(f'#clean-add tr[data-key="{kind}"]').click()
    expect(page.locator("#clean-steps [data-step]")).to_have_count(count)


def test_steps_are_previewed_applied_saved_and_used_again(server: Server, tabs: Watched, tmp_path: Path) -> None:
    dusty, dirty = (add_messy(server.workspace, tmp_path, start) for start in ("dusty", "dirty"))
    page = tabs.open(server.url)
    steps = open_clean(page, dusty)
    expect(steps).to_contain_text("No steps yet")
    add(page, "strip_html", 1)
    add(page, "exact_duplicates", 2)
    choose(page, "clean-exact-duplicates-compare", "prompt")
    expect(steps).to_contain_text("Compare: prompt")
    page.locator("#clean-preview").click()
    effects = page.locator("#clean-effects")
    expect(effects).to_contain_text(f"15 rows of {dusty}@1 would become 12", timeout=SLOW)
    expect(effects).to_contain_text("3 rows removed, 2 changes to rows")
    mark = effects.locator("del").first
    expect(mark).to_have_text("<p>")
    assert mark.evaluate("e => getComputedStyle(e).textDecorationLine") == "line-through"
    steps.get_by_role("button", name="Move up Exact duplicates, step 2").click()
    expect(steps.locator("[data-step]").first).to_contain_text("Exact duplicates")
    expect(page.locator("#clean-stale")).to_contain_text("have changed since this preview")
    fill(page, "pipeline-name", "tidy-chats")
    page.locator("#pipeline-save").click()
    expect(page.locator("#pipeline-said")).to_contain_text("tidy-chats is saved with 2 steps")
    assert "tidy-chats" in pipelines(server.workspace)
    expect(page.locator("#clean-go")).to_have_text("Make version 2")
    page.locator("#clean-go").click()
    expect(page.locator("#clean-said")).to_contain_text(f"{dusty} v2 is made: 12 of 15 rows kept", timeout=SLOW)
    expect(page.locator("#data-title")).to_contain_text("v2, 12 rows")
    texts = [row["messages"][-1]["content"] for row in store.rows(server.workspace, dusty)]
    assert sorted(texts) == sorted(f"{dusty} order {i} is on its way" for i in range(12))

    steps.get_by_role("button", name="Remove Exact duplicates, step 1").click()
    expect(steps.locator("[data-step]")).to_have_count(1)
    open_clean(page, dirty)
    expect(page.locator("#clean-go")).to_have_text("Make version 2")
    page.locator("#pipeline-load").click()
    expect(steps.locator("[data-step]")).to_have_count(2)
    page.locator("#clean-go").click()
    expect(page.locator("#data-title")).to_contain_text("v2, 12 rows", timeout=SLOW)
    assert store.get_version(server.workspace, dirty).step["counts"]["removed"] == 3
    kept = load_pipeline(server.workspace, "tidy-chats")
    assert [step.kind for step in kept.steps] == ["exact_duplicates", "strip_html"]
    assert store.get_version(server.workspace, dirty).step["pipeline"] == kept.to_yaml()


def test_a_wrong_value_is_told_at_its_field_and_yaml_is_read(server: Server, tabs: Watched, tmp_path: Path) -> None:
    mistaken = add_messy(server.workspace, tmp_path, "mistaken")
    page = tabs.open(server.url)
    steps = open_clean(page, mistaken)
    add(page, "near_duplicates", 1)
    fill(page, "clean-near-duplicates-threshold", "7")
    expect(page.locator("#clean-near-duplicates-threshold .field-problem")).to_contain_text("less than or equal to 1")
    expect(steps).to_contain_text("to mend")
    page.locator("#clean-go").click()
    expect(page.locator("#clean-said .notice.error")).to_contain_text("Step 1 cannot be used")
    assert store.get_version(server.workspace, mistaken).number == 1
    fill(page, "clean-near-duplicates-threshold", "0.9")
    expect(page.locator(".field-problem")).to_have_count(0)
    page.get_by_role("button", name="The steps as YAML").click()
    code = page.locator("#clean-yaml .cm-content")
    expect(code).to_contain_text("threshold: 0.9")
    code.fill("steps:\n- kind: length\n  maximum: 10\n- kind: bleach\n")
    page.locator("#clean-use-yaml").click()
    expect(page.locator("#clean-yaml-said .notice.error")).to_contain_text("step 2")
    code.fill("steps:\n- kind: length\n  maximum: 10\n")
    page.locator("#clean-use-yaml").click()
    expect(steps).to_contain_text("At most: 10")
    page.locator("#clean-preview").click()
    expect(page.locator("#clean-effects")).to_contain_text("would become 0", timeout=SLOW)
    page.locator("#clean-go").click()
    expect(page.locator("#clean-said .notice.error")).to_contain_text(f"No row of {mistaken}@1 would be left", timeout=SLOW)
    page.locator("#clean-undo").click()
    expect(steps).to_contain_text("Near duplicates")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_cleaning_fits_a_phone(server: Server, tabs: Watched, tmp_path: Path, scheme: str) -> None:
    small = add_messy(server.workspace, tmp_path, f"small-{scheme}")
    page = tabs.open(server.url, width=390, height=844, scheme=scheme)
    open_clean(page, small)
    add(page, "strip_html", 1)
    page.locator("#clean-preview").click()
    expect(page.locator("#clean-effects ins, #clean-effects del").first).to_be_visible(timeout=SLOW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    first = page.locator("#clean-add").bounding_box()
    listed = page.locator("#clean-steps").bounding_box()
    assert first is not None
    assert listed is not None
    assert first["y"] < listed["y"]
