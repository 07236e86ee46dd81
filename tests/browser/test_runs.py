"""The Runs tab as a person uses it: watching a run, stopping and continuing it, asking it, coming back to it, deleting it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from studio.recipe import Recipe
from studio.runs import store
from tests.browser.conftest import Server, Watched, choose, fill, open_tab, wait_until

LONG = 400


def _recipe(name: str, steps: int = LONG, **optim: object) -> Recipe:
    return Recipe.model_validate(
        {
            "name": name,
            "model": "tiny",
            "data": {"sources": [{"name": "chats"}], "max_length": 64},
            "optim": {"max_steps": steps, "per_device_batch_size": 2, "learning_rate": 1e-2, **optim},
            "evaluation": {"every": 20, "samples": 2, "sample_tokens": 8, "save_every": 20},
        }
    )


def _queue(server: Server, name: str, steps: int = LONG) -> str:
    return store.create_run(server.workspace, _recipe(name, steps)).name


def _state(server: Server, name: str) -> str:
    return store.get_run(server.workspace, name).state


def _open_run(page: Page, name: str) -> None:
    open_tab(page, "Runs")
    page.locator(f'#run-list button[data-open="{name}"]').click()
    expect(page.locator("#live .run-name")).to_have_text(name)


def _points(page: Page) -> int:
    return int(page.locator('#live .chart[data-panel="loss"]').get_attribute("data-points") or 0)


def test_start_watch_ask_stop_and_continue(page: Page, server: Server) -> None:
    open_tab(page, "Train")
    choose(page, "field-model", "tiny")
    choose(page, "field-data-sources", "chats")
    fill(page, "field-name", "watched")
    fill(page, "field-optim-epochs", "60")
    fill(page, "field-optim-per_device_batch_size", "2")
    expect(page.locator("#plan dl")).to_contain_text("to train on", timeout=60_000)
    page.locator("#start").click()
    expect(page.locator("#live .run-name")).to_have_text("watched-1")
    wait_until(lambda: _points(page) > 5, 120, "points on the loss curve")
    first = _points(page)
    wait_until(lambda: _points(page) > first, 60, "new points on the loss curve")
    expect(page.locator("#live .run-where")).to_contain_text("step")
    expect(page.locator("#header .holder")).to_contain_text("watched-1")

    page.locator("#try-prompt textarea").fill("where is order 1")
    page.locator("#try-ask").click()
    expect(page.locator("#try-answer .sample")).to_contain_text("Step", timeout=60_000)

    page.reload()
    open_tab(page, "Runs")
    expect(page.locator("#live .run-name")).to_have_text("watched-1")
    wait_until(lambda: _points(page) > first, 60, "the curve after a reload")

    page.locator("#run-stop").click()
    wait_until(lambda: _state(server, "watched-1") == "stopped", 60, "the stop")
    expect(page.locator("#live .badge")).to_have_text("stopped and saved")
    expect(page.locator("#run-resume")).to_be_visible()
    at = _points(page)
    page.locator("#run-resume").click()
    wait_until(lambda: _points(page) > at, 120, "the continued curve")
    page.locator("#run-stop").click()
    wait_until(lambda: _state(server, "watched-1") == "stopped", 60, "the second stop")


def test_two_viewers_zoom_and_pause(tabs: Watched, server: Server) -> None:
    name = _queue(server, "viewed", 2000)
    first, second = tabs.open(server.url), tabs.open(server.url)
    _open_run(first, name)
    _open_run(second, name)
    for page in (first, second):
        wait_until(lambda page=page: _points(page) > 5, 120, "points for each viewer")
    zoom = "Plotly.relayout(document.querySelector('#live .chart[data-panel=loss] .plot'), {'xaxis.range': [1, 4]})"
    first.evaluate(zoom)
    seen = _points(first)
    wait_until(lambda: _points(first) > seen, 60, "new points")
    assert first.evaluate("document.querySelector('#live .chart[data-panel=loss] .plot').layout.xaxis.range") == [1, 4]
    second.locator("#run-pause").click()
    for page in (first, second):
        expect(page.locator("#live .badge")).to_have_text("paused")
        expect(page.locator("#run-resume")).to_be_visible()
    first.locator("#run-resume").click()
    expect(second.locator("#live .badge")).to_have_text("training")
    first.locator("#run-stop").click()
    wait_until(lambda: _state(server, name) == "stopped", 60, "the stop")


def test_queue_order_notes_and_undo_of_a_deletion(tabs: Watched, server: Server) -> None:
    blocker = _queue(server, "blocker", 5000)
    wait_until(lambda: _state(server, blocker) == "running", 60, "the start of the blocker")
    one, two = _queue(server, "waiting"), _queue(server, "waiting")
    page = tabs.open(server.url)
    _open_run(page, two)
    expect(page.locator("#live .run-where")).to_contain_text("place 2")
    page.locator(f'#run-list button[aria-label="Move {two} up in the queue"]').click()
    expect(page.locator("#live .run-where")).to_contain_text("place 1")
    assert store.get_run(server.workspace, one).position == 2

    page.get_by_text("Name and note").click()
    fill(page, "run-note", "<img src=x onerror=alert(1)>")
    page.locator("#run-save").click()
    expect(page.locator(f'#run-list tr[data-run="{two}"] .note')).to_have_text("<img src=x onerror=alert(1)>")
    assert page.locator("#run-list .note img").count() == 0

    page.locator("#run-delete").click()
    page.locator("#run-delete-sure").click()
    expect(page.locator(f'#run-list tr[data-run="{two}"]')).to_have_count(0)
    page.locator("#run-undo").click()
    expect(page.locator(f'#run-list tr[data-run="{two}"]')).to_have_count(1)

    page.locator(f'#run-list input[data-tick="{one}"]').check()
    page.locator(f'#run-list input[data-tick="{blocker}"]').check()
    expect(page.locator("#run-difference")).to_contain_text("optim.max_steps")
    for name in (one, blocker):
        store.stop_run(server.workspace, name)
    wait_until(lambda: _state(server, blocker) == "stopped", 60, "the stop")


def test_a_recipe_is_cloned_into_the_form(page: Page, server: Server) -> None:
    name = _queue(server, "cloned", 7)
    wait_until(lambda: _state(server, name) == "completed", 120, "the end of a short run")
    _open_run(page, name)
    page.locator("#run-clone").click()
    expect(page.locator("#start")).to_be_visible()
    expect(page.locator("#field-name textarea, #field-name input")).to_have_value("cloned")
    expect(page.locator("#field-optim-per_device_batch_size input")).to_have_value("2")
