"""What the lead reads of the votes: charts that show the report's figures, sentences beside them, and words where there is nothing yet."""

from __future__ import annotations

import json

import gradio as gr
import pytest

from app import feedback_charts, figures, label_results, results_view
from app.page import Page
from studio import open as open_studio
from studio.feedback.report import report
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, vote

EVIL = "<img src=x onerror=window.pwned=1>"


@pytest.fixture
def judged(workspace: Workspace) -> int:
    """Twelve items, on which alpha nearly always wins; two people judge all of them."""
    project = a_project(workspace, 12, ("alpha", EVIL))
    from studio.feedback import tasks

    for number, task in enumerate(tasks.tasks(workspace, project.id)):
        first = task.candidates[0].model == "alpha"
        for person in ("Ada", EVIL):
            strength = (-2 if first else 2) * (1 if number % 6 else -1)
            vote(workspace, task.id, person, strength=strength, acceptable=[True, number % 2 == 0])
    return project.id


@pytest.mark.parametrize("dark", [False, True])
def test_the_charts_show_the_figures_of_the_report(workspace: Workspace, judged: int, dark: bool) -> None:
    found = report(workspace, [judged])
    charts = {chart.id: chart for chart in feedback_charts.figures(found, dark)}
    assert list(charts) == ["strengths", "matrix", "acceptable", "agreement", "bias"]
    assert all(chart.meaning for chart in charts.values())
    dots = charts["strengths"].figure.data[0]
    assert dots.x[0] == pytest.approx(100 * found.standings[0].win_rate)
    assert dots.x[0] + dots.error_x.array[0] == pytest.approx(100 * found.standings[0].win_high)
    cells = charts["matrix"].figure.data[0]
    assert cells.z[0][0] is None
    assert "alpha won 83 % of 24 comparisons" in charts["matrix"].meaning
    assert charts["strengths"].figure.layout.font.color == figures.colours_of(dark).text


def test_names_from_the_data_are_plain_text(workspace: Workspace, judged: int) -> None:
    found = report(workspace, [judged])
    shown = json.dumps(figures.in_both(lambda dark: feedback_charts.figures(found, dark)))
    words = results_view.summary(found) + results_view.details(found)
    drawn = json.dumps([{**chart, "meaning": ""} for chart in json.loads(shown)])  # titles and meanings are set as text
    assert "<img" not in drawn
    assert "<img" not in words
    assert "&lt;img src=x" in words


def test_the_summary_says_who_wins_and_how_sure_that_is(workspace: Workspace, judged: int) -> None:
    words = results_view.summary(report(workspace, [judged]))
    assert ">sure<" in words
    assert "alpha beats" in words
    assert "24 judgements by 2 people" in words
    assert "<strong>Ada</strong>" in results_view.details(report(workspace, [judged]))
    assert "Ada" not in results_view.details(report(workspace, [judged]), by_person=False)  # what viewers get


def test_only_models_of_this_workspace_can_be_compared_again(workspace: Workspace) -> None:
    project = a_project(workspace, 1, ("starter", "bought"))
    vote(workspace, 1, "Ada", strength=1)
    with gr.Blocks():
        results, _ = label_results.build(Page(open_studio(workspace.root)), gr.State(project.id))
    shown = dict(zip(results.outputs, results.drawn(project.id), strict=True))
    assert shown[results.models] == ["starter"]
    assert not shown[results.again]["interactive"]
    assert shown[results.acts]["visible"]


def test_before_the_first_judgement_the_next_step_is_said(workspace: Workspace) -> None:
    project = a_project(workspace, 2)
    found = report(workspace, [project.id])
    assert feedback_charts.figures(found) == []
    assert "No judgement yet" in results_view.summary(found)
    assert results_view.details(found) == ""


def test_the_pulse_changes_with_every_judgement(workspace: Workspace) -> None:
    project = a_project(workspace, 2, overlap=1)
    before = label_results.pulse_of(workspace, project.id)
    assert before["words"].startswith("0 of 2 judgements. ")
    vote(workspace, 1, "Ada", strength=1)
    after = label_results.pulse_of(workspace, project.id)
    assert after["stamp"] != before["stamp"]
    assert after["words"].startswith("1 of 2 judgements, the last one ")
    assert label_results.pulse_of(workspace, 99) == {"stamp": "", "words": ""}


@pytest.mark.parametrize(
    ("seconds", "words"), [(-1, "0 s ago"), (59, "59 s ago"), (61, "1 min ago"), (7300, "2 h ago"), (190_000, "2 days ago")]
)
def test_how_long_ago(seconds: float, words: str) -> None:
    assert label_results.ago(seconds) == words
