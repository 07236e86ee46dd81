"""What the judgements of a project are worth, live: verdicts, charts, people. A part of the Label tab, and alone the page of viewers.

Words and tables stand in `app/results_view.py`, charts in `app/feedback_charts.py`, statistics in `studio/feedback/report.py`. While the
results can be seen, `assets/js/pulse.js` asks for the newest judgement, and everything is drawn again when there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import feedback_charts, header, html, results_view
from app.choices import Choices, key_of, static
from app.figures import board, in_both
from app.guard import guarded
from app.label_part import NONE, QUIET, Part
from app.label_projects import EMPTY_RESULTS, projects_table, title_of
from app.page import Page
from app.theme import script
from studio import db
from studio.errors import NotFoundError
from studio.feedback import live, projects
from studio.feedback.report import report
from studio.models import registry
from studio.workspace import Workspace

SIDES = (("all prompts", ""), ("held-out prompts only", "held_out"), ("training prompts only", "train"))


class Pulse(gr.HTML):
    """The line that says how far a project is; fires `moved` when there are new judgements."""

    def __init__(self, ws: Workspace, **options: Any) -> None:
        def news(request: dict[str, Any]) -> dict[str, str]:
            return pulse_of(ws, int(request.get("project") or NONE))

        super().__init__(
            {"project": NONE, "stamp": ""},
            html_template='<p class="pulse muted" role="status"></p>',
            js_on_load=script("pulse.js"),
            server_functions=[news],
            apply_default_css=False,
            **options,
        )

    def get_block_name(self) -> str:
        return "html"


def pulse_of(ws: Workspace, project: int) -> dict[str, str]:
    """How far a project is, in words, and a stamp that changes with every judgement."""
    try:
        info = projects.get_project(ws, project)
    except NotFoundError:
        return {"stamp": "", "words": ""}
    newest, when = live.newest(ws, project)
    last = f", the last one {ago((db.now() - when).total_seconds())}" if when else ""
    words = f"{info.judged:,} of {html.plural(info.wanted, 'judgement')}{last}. This page follows along."
    return {"stamp": str(newest), "words": words}


def ago(seconds: float) -> str:
    """`12 s ago`, `3 min ago`, `2 days ago`."""
    whole = max(int(seconds), 0)
    for unit, size in (("day", 86400), ("h", 3600), ("min", 60)):
        if whole >= size:
            count = whole // size
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return f"{whole} s ago"


@dataclass
class Results:
    """The components, and what fills them. `place` is what `drawn` takes; `models` are the names that can be compared again.

    The buttons `begin` and `acts` are the lead's; without them, as viewers see it, single people are not shown.
    """

    ws: Workspace
    selected: gr.State
    begin: gr.Button | None = None
    acts: gr.Row | None = None
    again: gr.Button | None = None

    def lay_out(self) -> None:
        self.summary = static(results_view.WAITING, elem_id="results-summary")
        self.models = gr.State([])

    def lay_out_figures(self) -> None:
        """The figures, below whatever stands between the verdicts and them."""
        with gr.Row(elem_classes="tools bar"):
            self.pulse = Pulse(self.ws, elem_id="results-pulse", scale=1, min_width=200)
            self.side = gr.Dropdown(
                list(SIDES),
                value="",
                label="Prompts counted",
                show_label=False,
                container=False,
                elem_id="results-side",
                scale=0,
                min_width=210,
            )
        self.board = board("results-charts")
        self.details = static(elem_id="results-details")

    @property
    def outputs(self) -> list[Any]:
        shown = [self.summary, self.board, self.details, self.pulse, self.models]
        return [*shown, self.begin, self.acts, self.again] if self.begin is not None else shown

    @property
    def place(self) -> list[Any]:
        return [self.selected, self.side]

    def drawn(self, project: int, side: str = "") -> tuple[Any, ...]:
        """Updates of `outputs` for a project, or for none."""
        if not project:
            return ("", [], "", {"project": NONE, "stamp": ""}, [], *self._buttons(False, False))
        stamp = pulse_of(self.ws, project)["stamp"]  # before the report, so that what comes in between is not missed
        found = report(self.ws, [project], side=side)
        charts = in_both(lambda dark: feedback_charts.figures(found, dark))
        pulse = {"project": project, "stamp": stamp}
        waiting = results_view.WAITING if self.begin is not None else results_view.WATCHING
        words = results_view.summary(found, waiting), charts, results_view.details(found, by_person=self.begin is not None)
        known = [name for name in found.models if self._is_here(name)]
        return (*words, pulse, known, *self._buttons(bool(found.judgements), len(known) > 1))

    def _is_here(self, model: str) -> bool:
        """Whether a model is one of this workspace; those of imported files are not."""
        try:
            return bool(registry.get_model(self.ws, model))
        except NotFoundError:
            return False

    def _buttons(self, judged: bool, comparable: bool) -> tuple[Any, ...]:
        """Before there is a judgement one can only begin; on the page of viewers there are no buttons."""
        if self.begin is None:
            return ()
        return gr.update(visible=not judged), gr.update(visible=judged), gr.update(interactive=comparable)

    def connect(self) -> Any:
        """Draw again when there are new judgements, of which the event is given, and when other prompts shall count."""
        moved = self.pulse.moved(guarded(self.drawn), self.place, self.outputs, trigger_mode="always_last", **QUIET)
        self.side.input(guarded(self.drawn), self.place, self.outputs, trigger_mode="always_last", **QUIET)
        return moved


def build(page: Page, selected: gr.State) -> tuple[Results, Part]:
    """The part of the Label tab: verdicts, what to do next, figures, people."""
    results = Results(page.workspace, selected)
    results.lay_out()
    results.begin = gr.Button("Judge items yourself", variant="primary", size="md", elem_id="results-begin", elem_classes="own-width")
    with gr.Row(elem_classes="actions", visible=False) as results.acts:
        results.train = gr.Button("Train on these votes", variant="primary", size="md", elem_id="results-train", scale=0, min_width=170)
        results.settle = gr.Button("Settle disagreements", size="md", elem_id="results-settle", scale=0, min_width=160)
        results.again = gr.Button("Compare these models again", size="md", elem_id="results-again", scale=0, min_width=200)
    results.lay_out_figures()
    moved = results.connect()
    page.sends("compare", results.again.click, [results.models])
    return results, Part(results.outputs, results.drawn, changed=[moved])


def results_page(ws: Workspace) -> gr.Blocks:
    """The results alone, for those who may look and nothing else: every project, read only."""
    with gr.Blocks(title="Luthier: results", analytics_enabled=False, fill_width=True) as demo:
        header.small("Results of labelling")
        selected = gr.State(NONE)
        with gr.Row(elem_classes="tools bar"):
            heading = static(elem_id="results-heading", scale=1, min_width=160)
            wanted = gr.Textbox(
                "",
                placeholder="Filter by name or model",
                label="Filter",
                show_label=False,
                container=False,
                elem_id="results-filter",
                scale=1,
            )
        listing = Choices(elem_id="results-list", elem_classes="short-list")
        title = static(EMPTY_RESULTS, elem_id="results-title")
        with gr.Column(visible=False, elem_id="results-detail") as detail:
            results = Results(ws, selected)
            results.lay_out()
            results.lay_out_figures()
        results.connect()
        outputs = [selected, heading, listing, title, detail, *results.outputs]

        def opened(project: int, text: str, side: str) -> tuple[Any, ...]:
            known = projects.list_projects(ws)
            found = next((p for p in known if p.id == project), None) or (known[0] if known and not text else None)
            number = found.id if found else NONE
            table = projects_table(known, text, number)
            head = title_of(found) if found else EMPTY_RESULTS
            return (number, *table, head, gr.update(visible=bool(found)), *results.drawn(number, side))

        def choose(event: gr.EventData) -> int:
            return int(key_of(event))

        place: Any = [selected, wanted, results.side]
        listing.pick(guarded(choose), None, selected, **QUIET).success(guarded(opened), place, outputs, **QUIET)
        wanted.change(
            guarded(lambda text, project: projects_table(projects.list_projects(ws), text, project)),
            [wanted, selected], [heading, listing], trigger_mode="always_last", **QUIET,
        )  # fmt: skip
        demo.load(guarded(opened), place, outputs, **QUIET)
    return demo
