"""A classifier from its run to its answers: curves, the table by class, and labels with probabilities in the chat."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from studio.recipe import Recipe
from studio.runs import store
from tests.browser.conftest import PATIENCE, Server, choose, open_tab, wait_until


def _trained(server: Server) -> str:
    """A finished run of a classifier on the dataset `labels`."""
    done = [run.name for run in store.list_runs(server.workspace) if run.name.startswith("classes") and run.state == "completed"]
    if done:
        return done[0]
    recipe = Recipe.model_validate(
        {
            "name": "classes",
            "model": "tiny",
            "method": {"kind": "classify"},
            "data": {"sources": [{"name": "labels"}], "max_length": 32},
            "optim": {"max_steps": 24, "per_device_batch_size": 4, "learning_rate": 1e-2},
            "evaluation": {"every": 8},
        }
    )
    name = store.create_run(server.workspace, recipe).name
    wait_until(lambda: store.get_run(server.workspace, name).finished, 240, "the end of the classifier's run")
    run = store.get_run(server.workspace, name)
    assert run.state == "completed", run.message
    return name


def test_a_classifier_run_shows_its_metrics_and_each_class(page: Page, server: Server) -> None:
    name = _trained(server)
    open_tab(page, "Runs")
    page.locator(f'#run-list button[data-open="{name}"]').click()
    panel = page.locator('#live .chart[data-panel="classes"]')
    expect(panel).to_be_visible()
    for metric in ("accuracy", "F1", "precision", "recall"):
        expect(panel.locator(".legend").get_by_text(metric, exact=True)).to_be_visible()
    wait_until(lambda: int(panel.get_attribute("data-points") or 0) >= 3, what="a point for each evaluation")
    table = page.locator("#live .class-table table")
    assert table.locator("thead th").all_inner_texts() == ["Class", "Precision", "Recall", "F1", "Rows"]
    rows = {row[0]: [float(cell) for cell in row[1:]] for row in (line.split("\t") for line in table.locator("tbody tr").all_inner_texts())}
    assert set(rows) == {"good", "bad"}
    for precision, recall, f1, count in rows.values():
        assert all(0 <= value <= 1 for value in (precision, recall, f1))
        assert count >= 1


def test_the_chat_shows_the_probability_of_each_label(page: Page, server: Server) -> None:
    name = _trained(server)
    open_tab(page, "Chat")
    choose(page, "chat-model", name)
    expect(page.locator("#chat-left")).to_contain_text("probability of each of its labels")
    page.locator("#chat-box textarea").fill("the film is great 3")
    page.keyboard.press("Enter")
    bars = page.locator("#chat-left .message.assistant .bars .bar-row")
    expect(bars).to_have_count(2, timeout=6 * PATIENCE)
    shown = {line.split("\n")[0].strip(): float(line.split("\n")[-1].removesuffix(" %")) for line in bars.all_inner_texts()}
    assert set(shown) == {"good", "bad"}
    assert abs(sum(shown.values()) - 100) < 0.3
