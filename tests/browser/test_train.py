"""The Train tab as a person uses it: choosing, being told what will happen, being told what is wrong, reading the recipe."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from studio.runs import store
from tests.browser.conftest import Server, Watched, choose, fill, open_tab, prepare, serve


def _ready(page: Page) -> None:
    open_tab(page, "Train")
    choose(page, "field-model", "tiny")
    choose(page, "field-data-sources", "chats")
    expect(page.locator("#plan dl")).to_contain_text("to train on", timeout=60_000)


def test_the_panel_says_what_will_happen_and_follows_the_form(page: Page) -> None:
    _ready(page)
    expect(page.locator("#plan dl")).to_contain_text("held out")
    before = page.locator("#plan dl").inner_text()
    fill(page, "field-optim-epochs", "6")
    expect(page.locator("#plan dl")).not_to_have_text(before)


def test_a_bad_value_shows_at_its_field_and_nothing_starts(page: Page, server: Server) -> None:
    _ready(page)
    before = len(store.list_runs(server.workspace))
    fill(page, "field-optim-learning_rate", "-1")
    problem = page.locator("#field-optim-learning_rate .field-problem")
    expect(problem).to_contain_text("greater than 0")
    page.locator("#start").click()
    expect(problem).to_be_visible()
    expect(page.locator("#plan")).to_contain_text("One field")
    assert len(store.list_runs(server.workspace)) == before
    fill(page, "field-optim-learning_rate", "0.01")
    expect(problem).to_have_count(0)
    expect(page.locator("#plan dl")).to_contain_text("to train on")


def test_a_problem_among_the_advanced_fields_opens_them(page: Page) -> None:
    _ready(page)
    page.locator("#advanced button.label-wrap").click()
    fill(page, "field-data-max_length", "2")
    expect(page.locator("#field-data-max_length .field-problem")).to_contain_text("8")
    page.locator("#advanced button.label-wrap").click()
    fill(page, "field-optim-epochs", "2")
    expect(page.locator("#field-data-max_length .field-problem")).to_be_visible()


def test_method_and_adaptation_switch_their_fields(page: Page) -> None:
    _ready(page)
    expect(page.locator("#field-adaptation-lora-rank")).to_be_visible()
    choose(page, "field-adaptation", "Prompt tuning")
    expect(page.locator("#field-adaptation-prompt_tuning-virtual_tokens")).to_be_visible()
    expect(page.locator("#field-adaptation-lora-rank")).to_be_hidden()
    choose(page, "field-adaptation", "Head only")
    expect(page.locator("#field-adaptation .field-problem")).to_contain_text("trains classifiers")


def test_presets_yaml_and_command(page: Page, tmp_path: Path) -> None:
    _ready(page)
    choose(page, "preset", "Instructions")
    expect(page.locator("#field-method-sft-train_on input")).to_have_value("last_answer")
    page.locator("#as-text button.label-wrap").click()
    expect(page.locator("#yaml")).to_contain_text("train_on: last_answer")
    expect(page.locator("#command")).to_contain_text("luthier train")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        "name: mine\nmodel: tiny\nmethod: {kind: sft}\nadaptation: {kind: dora, rank: 4}\ndata: {max_length: 128}\noptim: {warmup: 0.2}\n"
    )
    with page.expect_file_chooser() as chooser:
        page.locator("#load-yaml").click()
    chooser.value.set_files(str(recipe))
    expect(page.locator("#field-name textarea, #field-name input")).to_have_value("mine")
    expect(page.locator("#field-adaptation-dora-rank input")).to_have_value("4")
    expect(page.locator("#advanced")).to_contain_text("Advanced (2 changed)")


def test_a_remedy_changes_the_form(page: Page) -> None:
    _ready(page)
    page.locator("#advanced button.label-wrap").click()
    fill(page, "field-data-max_length", "8")
    remedy = page.locator("#plan button.remedy", has_text="Allow").or_(page.locator("#plan button.remedy")).first
    expect(remedy).to_be_visible()
    remedy.click()
    expect(page.locator("#field-data-max_length input")).not_to_have_value("8")


def test_measure_gives_the_time_of_a_step_memory_and_total_time(page: Page) -> None:
    _ready(page)
    plan = page.locator("#plan dl")
    expect(plan).not_to_contain_text("measured")
    page.locator("#measure").click()
    expect(page.locator("#train-said")).to_contain_text("Measuring a few real steps")
    expect(plan).to_contain_text("measured", timeout=120_000)
    lines = dict(zip(plan.locator("dt").all_inner_texts(), plan.locator("dd").all_inner_texts(), strict=True))
    assert re.fullmatch(r"[0-9.e-]+ s, [0-9,]+ tokens a second \(measured\)", lines["A step"]), lines
    assert re.fullmatch(r"about ([0-9]+ (s|min|h) ?)+\(measured\)", lines["Time"]), lines
    assert re.fullmatch(r"[0-9.]+ (MB|GB) at most \(measured\)", lines["Memory"]), lines
    expect(page.locator("#train-said")).not_to_contain_text("Measuring")


def test_a_start_with_a_bad_advanced_value_opens_advanced_and_names_the_field(page: Page, server: Server) -> None:
    _ready(page)
    before = len(store.list_runs(server.workspace))
    page.locator("#advanced button.label-wrap").click()
    page.locator("#field-optim-max_grad_norm input").fill("-3")
    page.locator("#advanced button.label-wrap").click()
    page.locator("#start").click()
    problem = page.locator("#field-optim-max_grad_norm .field-problem")
    expect(problem).to_be_visible()
    expect(problem).to_contain_text("0")
    expect(page.locator("#plan")).to_contain_text("One field")
    assert len(store.list_runs(server.workspace)) == before


WATCH_WAITING = """() => {
  window.waited = [];
  new MutationObserver(() => {
    const shown = document.querySelector('#plan .waiting');
    if (shown) window.waited.push(shown.textContent);
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


def test_the_first_plan_says_what_it_waits_for(tabs: Watched, tmp_path: Path) -> None:
    prepare(tmp_path / "workspace")
    with serve(tmp_path / "workspace") as running:
        page = tabs.open(running.url)
        open_tab(page, "Train")
        page.evaluate(WATCH_WAITING)
        choose(page, "field-model", "tiny")
        choose(page, "field-data-sources", "chats")
        expect(page.locator("#plan dl")).to_contain_text("to train on", timeout=120_000)
        for words in page.evaluate("window.waited"):  # nothing is said where the libraries were quicker than the person
            assert re.search("Loading the training libraries|Reading the model's tokenizer", words)
        expect(page.locator("#plan .waiting")).to_have_count(0)
        tabs.leave()
