"""The quality report of the open dataset: the verdict, each finding with the button that mends it, and charts.

The report itself is made in `studio/data/quality`; the charts in `app/quality_charts.py`. A cleaning step that mends a finding is handed to
the Clean tab, where it is previewed first; a division of the rows becomes a version at once, since any version can be restored.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import gradio as gr

from app import html, quality_charts
from app.background import Told, followed
from app.choices import static
from app.dataset_care import Part
from app.figures import board, in_both
from app.guard import guarded, notice
from app.page import Page
from app.stopping import Stops
from studio.data import store
from studio.data.cleaning.personal import NAMES
from studio.data.quality import Finding, QualityReport, latest, report
from studio.data.splits import SplitSettings
from studio.errors import StudioError
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
PARTS_SHOWN = 3
BADGES = {"fix": ("To fix", "bad"), "look": ("Look at", "warn"), "info": ("Good to know", "quiet")}
PRESS = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-finding]");
  if (button) trigger("pick", {key: button.dataset.finding});
});
"""
NOT_YET = html.empty_state(
    "Not checked yet",
    "The report looks for repeated rows, held-out rows that training sees, personal data, missing and doubtful texts, labels and lengths, "
    "and says what to do about each. Nothing is changed.",
    "Check this dataset",
    "report-go",
)


class Findings(gr.HTML):
    """The findings; a press on one's button gives its number as `event.key`."""

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, js_on_load=PRESS, apply_default_css=False, **options)

    def get_block_name(self) -> str:
        return "html"


def verdict_html(found: QualityReport) -> str:
    """The verdict with what was looked at, and the main figures."""
    counted = f", counted with {found.model}" if found.tokens and found.model else ""
    kind = "good" if found.verdict == "Ready" else "bad"
    facts: list[tuple[str, object]] = [("Rows", f"{found.rows:,} ({', '.join(f'{n:,} {s}' for s, n in found.splits.items())})")]
    if found.tokens:
        truncated = (
            f", {html.plural(found.tokens.truncated, 'row')} cut at {found.max_length:,}" if found.tokens.truncated else ", no row is cut"
        )
        facts.append(("Tokens", f"{found.tokens.total:,}, {found.tokens.trained:,} of them trained on{truncated}"))
    length = found.lengths
    facts.append(("Length", f"median {length.median:,.0f}, 99 % under {length.p99:,.0f}, longest {length.maximum:,} {length.unit}"))
    if found.turns:
        facts.append(("Messages", f"{found.turns.mean:.1f} a conversation, {found.turns.system:,} with a system text"))
    repeated = found.duplicates
    facts.append(("Repeated", f"{repeated.exact:,} equal rows, {repeated.near:,} nearly equal"))
    if found.leakage.held_out:
        facts.append(("Leaks", f"{found.leakage.rows:,} of {found.leakage.held_out:,} held-out rows stand in the training rows too"))
    if found.personal:
        facts.append(("Personal data", ", ".join(f"{NAMES.get(name, name)} {count:,}" for name, count in found.personal.items())))
    if bias := found.length_bias:
        facts.append(("Longer answer chosen", f"{bias.share:.0%} of pairs, 95 % interval {bias.low:.0%} to {bias.high:.0%}"))
    return f'<div class="verdict {kind}">{html.heading(found.verdict, counted.removeprefix(", "))}</div>{html.facts(facts)}'


def findings_html(ws: Workspace, found: QualityReport) -> str:
    """Each finding: how much it matters, what it is, a few of its rows, and a button that mends it."""
    return "".join(_finding(ws, found.ref, number, each) for number, each in enumerate(found.findings))


def _finding(ws: Workspace, ref: str, number: int, found: Finding) -> str:
    words, kind = BADGES[found.severity]
    button = f'<button type="button" data-finding="{number}">{html.esc(found.button)}</button>' if found.fix and found.button else ""
    rows = "".join(_row(ws, ref, split, index) for split, index in found.rows[:PARTS_SHOWN])
    shown = f"<details><summary>Show rows</summary>{rows}</details>" if rows else ""
    return (
        f'<section class="finding {kind}"><h3>{html.badge(words)} {html.esc(found.title)}</h3>'
        f"<p>{html.esc(found.text)}</p>{shown}{button}</section>"
    )


def _row(ws: Workspace, ref: str, split: str, index: int) -> str:
    row = store.rows(ws, ref, split, index, 1)
    return html.muted(f"{split}, row {index + 1}") + html.row_view(row[0]) if row else ""


def figures_of(found: QualityReport) -> list[dict[str, Any]]:
    """The charts as plain values, each in a light and a dark version."""
    return in_both(lambda dark: quality_charts.figures(found, dark))


def split_with(ws: Workspace, ref: str, fix: dict[str, Any]) -> store.VersionInfo:
    """A version divided as the finding says."""
    return store.resplit(ws, ref, SplitSettings(**{key: value for key, value in fix.items() if key != "kind"}))


def build(page: Page, selected: gr.State) -> Part:
    """The tab: what to count with, the check with its progress, the verdict, the findings and the charts."""
    ws, stops = page.workspace, Stops()
    step: gr.State = gr.State(None)
    with gr.Row(elem_classes="tools"):
        model = gr.Dropdown([], label="Count tokens with", elem_id="report-model", min_width=180, scale=1)
        limit = gr.Number(512, label="Longest row, tokens", minimum=8, precision=0, elem_id="report-limit", min_width=140, scale=0)
        go = gr.Button("Check this dataset", size="md", elem_id="report-go", scale=0, min_width=160)
        stop = gr.Button("Stop", size="md", elem_id="report-stop", scale=0, min_width=80, visible=False)
    said = static(elem_id="report-said")
    empty = static(NOT_YET, elem_id="report-empty")
    with gr.Column(visible=False, elem_id="report") as panel:
        verdict = static(elem_id="report-verdict")
        findings = Findings(elem_id="report-findings")
        figures = board("report-charts")
    shown = [empty, panel, verdict, findings, figures]

    def drawn(found: QualityReport | None) -> tuple[Any, ...]:
        if found is None:
            return gr.update(visible=True), gr.update(visible=False), "", "", []
        return gr.update(visible=False), gr.update(visible=True), verdict_html(found), findings_html(ws, found), figures_of(found)

    def show(ref: str) -> tuple[Any, ...]:
        choices = [("characters only", ""), *page.model_choices()]
        counted = "starter" if "starter" in dict(choices).values() else ""
        return gr.update(choices=choices, value=counted), "", *drawn(latest(ws, ref) if ref else None)

    def check(request: gr.Request, ref: str, name: str, longest: float) -> Iterator[tuple[Any, ...]]:
        busy, idle = (gr.update(visible=False), gr.update(visible=True)), (gr.update(visible=True), gr.update(visible=False))
        keep = (gr.skip(),) * len(shown)
        event = stops.begin(request)
        yield notice("Reading the rows.", "info"), *busy, *keep
        try:
            for news in followed(lambda told, ends: _report(ws, ref, name, int(longest or 512), told, ends), event):
                if isinstance(news, Told):
                    yield notice(news.words(), "info"), *busy, *keep
                elif isinstance(news, Future):
                    yield "", *idle, *drawn(news.result())
        except StudioError as error:
            yield notice(error), *idle, *keep
        finally:
            stops.end(request, event)

    def press(event: gr.EventData, ref: str) -> tuple[Any, str, str]:
        """A cleaning step for the Clean tab, or a new version divided anew."""
        found = latest(ws, ref)
        fix = found.findings[int(event.key)].fix if found else None
        if not fix or fix["kind"] != "split":
            return fix, ref, ""
        try:
            return None, split_with(ws, ref, fix).ref, ""
        except StudioError as error:
            return None, ref, notice(error)

    def halt(request: gr.Request) -> None:
        stops.stop(request)

    checked = go.click(guarded(check), [selected, model, limit], [said, go, stop, *shown], **QUIET)
    stop.click(halt, None, None, queue=False, **QUIET)
    pressed = findings.pick(guarded(press), selected, [step, selected, said], **QUIET)
    page.sends("clean_with", pressed.success, [step])
    return Part([model, said, *shown], show, [pressed], listed=[checked])


def _report(ws: Workspace, ref: str, model: str, limit: int, told: Any, stop: Any) -> QualityReport:
    """The report, with a model's tokens where one is named."""
    tokenizer = None
    if model:
        from studio.models.loading import load_tokenizer

        tokenizer = load_tokenizer(ws, model)
    return report(ws, ref, tokenizer, limit, told, stop, model)
