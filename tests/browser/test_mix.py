"""Two datasets in one run: their caps and weights, what the plan says of the mix, and the figures of each while it runs."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from studio.data import store as datasets
from studio.data.schema import Row
from studio.recipe import Recipe
from studio.runs import store
from tests.browser.conftest import Server, Watched, choose, open_tab, wait_until


def _second(server: Server) -> None:
    """Another chat dataset beside `chats`, with held-out rows of its own."""

    def row(i: int) -> Row:
        return {"messages": [{"role": "user", "content": f"hello {i}"}, {"role": "assistant", "content": "the shop opens at nine"}]}

    if "hours" not in [version.dataset for version in datasets.list_datasets(server.workspace)]:
        sides = {"train": [row(i) for i in range(30)], "validation": [row(i) for i in range(30, 36)]}
        datasets.add_version(server.workspace, "hours", "chat", sides, {})


def _type(page: Page, element_id: str, value: str) -> None:
    """Type into a text field key by key: a text that is put there at once sends no input event."""
    box = page.locator(f"#{element_id} textarea, #{element_id} input").first
    box.fill("")
    box.press_sequentially(value)
    box.blur()


def test_two_datasets_have_weights_and_caps_and_the_plan_shows_the_mix(tabs: Watched, server: Server) -> None:
    _second(server)
    page = tabs.open(server.url)
    open_tab(page, "Train")
    choose(page, "field-model", "tiny")
    choose(page, "field-data-sources", "chats")
    expect(page.locator("#plan dl")).to_contain_text("to train on", timeout=60_000)
    expect(page.locator("#plan dl")).not_to_contain_text("Mix")
    expect(page.locator("#field-data-weights")).to_be_hidden()
    page.locator("#field-data-sources input").first.blur()
    choose(page, "field-data-sources", "hours")
    expect(page.locator("#field-data-weights")).to_be_visible()
    expect(page.locator("#field-data-caps")).to_be_visible()
    lines = page.locator("#plan dl")
    expect(lines).to_contain_text("chats 71% (72 rows", timeout=60_000)
    expect(lines).to_contain_text("hours 29% (30 rows")
    _type(page, "field-data-caps", "30, all")
    expect(lines).to_contain_text("chats 50% (30 rows", timeout=60_000)
    _type(page, "field-data-weights", "1, 1, 1")
    expect(page.locator("#field-data-weights .field-problem")).to_contain_text("2 datasets need 2 values")
    _type(page, "field-data-weights", "1, 3")
    expect(lines).to_contain_text("hours 75% (30 rows", timeout=60_000)


def test_a_run_of_a_mix_shows_the_figures_of_each_dataset(tabs: Watched, server: Server) -> None:
    _second(server)
    recipe = Recipe.model_validate(
        {
            "name": "mixed",
            "model": "tiny",
            "data": {"sources": [{"name": "chats", "cap": 20}, {"name": "hours"}], "max_length": 64},
            "optim": {"max_steps": 4, "per_device_batch_size": 4},
            "evaluation": {"every": 2},
        }
    )
    name = store.create_run(server.workspace, recipe).name
    wait_until(lambda: store.get_run(server.workspace, name).finished, 240, "the end of the run")
    run = store.get_run(server.workspace, name)
    assert run.state == "completed", run.message
    page = tabs.open(server.url)
    open_tab(page, "Runs")
    page.locator(f'#run-list button[data-open="{name}"]').click()
    table = page.locator("#live .class-table table")
    expect(table.locator("caption")).to_have_text("By dataset, at the newest evaluation")
    assert table.locator("thead th").all_inner_texts() == ["Dataset", "Loss", "Token accuracy"]
    rows = dict(line.split("\t", 1) for line in table.locator("tbody tr").all_inner_texts())
    assert set(rows) == {"chats", "hours"}
    for figures in rows.values():
        loss, accuracy = (float(figure) for figure in figures.split("\t"))
        assert loss > 0
        assert 0 <= accuracy <= 1
