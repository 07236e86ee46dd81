"""The Compare tab: the same prompts answered by up to nine models or checkpoints, side by side, with their names.

How an answer looks stands in `app/comparison_view.py`, what is asked in `app/compare_prompts.py`, the list of comparisons in
`app/compare_shelf.py`; making and storing the answers in `studio/inference/compare.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import gradio as gr

from app import compare_prompts, compare_shelf, comparison_view, html, sampling_form
from app.background import Told, followed
from app.choices import kept, key_of, static
from app.guard import guarded, notice
from app.page import Page
from app.stopping import Stops
from studio.errors import ModelError, StudioError
from studio.inference import compare as comparing
from studio.inference.sampling import Sampling
from studio.models import registry
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
EMPTY = html.empty_state(
    "See what fine-tuning changed",
    "Choose up to nine models, write prompts or take the held-out rows of a dataset, and read the answers side by side. "
    "Each finished run of the Train tab is a model, and so is each checkpoint of a run.",
)


@dataclass
class CompareTab:
    """What other tabs may use: the chosen models and the number of the open comparison."""

    models: gr.Dropdown
    opened: gr.State


def generating_models(page: Page) -> list[tuple[str, str]]:
    """The models that write answers, all but classifiers and reward models; below them the checkpoints of runs."""
    writes = {m.name for m in registry.list_models(page.workspace) if m.generates}
    found = [(label, name) for label, name in page.model_choices() if name in writes]
    return found + [(f"{c.run}, step {c.step}  (checkpoint)", c.name) for c in registry.list_checkpoints(page.workspace)]


@dataclass
class Making:
    """A comparison being made: its number once there is one, and the model whose answer came last."""

    opened: int | None = None
    model: str = ""


@dataclass
class Bench:
    """The handlers of the tab. `running` are the comparisons that are being made now."""

    page: Page
    stops: Stops
    running: set[int] = field(default_factory=set)

    @property
    def ws(self) -> Workspace:
        return self.page.workspace

    def generate(self, request: gr.Request, models: list[str], n: float, name: str, *values: Any) -> Iterator[Any]:
        """Make a comparison and tell how far it is: opened, at, progress, Generate, Stop, notice. The view follows `progress`."""
        prompt_values, sampling = values[: -len(Sampling.model_fields)], values[-len(Sampling.model_fields) :]
        stop, making, trouble = self.stops.begin(request), Making(), ""
        try:
            if not models:
                raise ModelError("No model is chosen.", "Choose one or more at the top.")
            prompts = compare_prompts.prompts_for(self.ws, *prompt_values)
            settings, turns = sampling_form.read(sampling), bool(prompt_values[4])
            yield gr.skip(), 0, html.progress(0, 1, f"loading {html.plural(len(models), 'model')}"), *buttons(True), ""
            self.page.warm.ready()

            def work(progress: Callable[[int, int], None], stop: Event) -> None:
                made = comparing.compare(
                    self.ws, self.page.studio.engine, models, prompts, settings, int(n or 1), name, stop, turns, progress=progress
                )
                try:
                    for candidate in made:
                        making.opened, making.model = candidate.comparison_id, candidate.model
                        self.running.add(candidate.comparison_id)
                finally:
                    self.running.discard(making.opened or 0)

            for news in followed(work, stop):
                if not isinstance(news, Told):
                    trouble = notice("Stopped. The answers that were made are kept.", "info") if stop.is_set() else ""
                    news.result()
                    break
                words = news.words("answers") + (f"; {making.model} is answering" if making.model else "")
                yield making.opened or gr.skip(), gr.skip(), html.progress(news.done, news.total, words), *buttons(True), ""
        except StudioError as error:
            trouble = notice(error)
        finally:
            self.stops.end(request, stop)
        yield making.opened or gr.skip(), gr.skip(), "", *buttons(False), trouble

    def shown(self, opened: int | None, at: int, unit: str) -> tuple[Any, ...]:
        """The open comparison at prompt `at`: the prompt used, its title, HTML, the pager's words, its two buttons, the part around."""
        if not opened:
            return 0, "", EMPTY, "", gr.update(interactive=False), gr.update(interactive=False), gr.update(visible=False), gr.skip()
        comparison = comparing.get_comparison(self.ws, opened, max(at, 0))
        count, busy = len(comparison.prompts), opened in self.running
        if at >= count > 0:
            at, comparison = count - 1, comparing.get_comparison(self.ws, opened, count - 1)
        at = max(at, 0)
        title = html.heading(html.shorten(comparison.name, 70), comparison_view.answered(comparison))
        words = f'<span class="number">prompt {at + 1:,} of {count:,}</span>' if count else ""
        turns = gr.update(interactive=at > 0), gr.update(interactive=at < count - 1)
        view = comparison_view.prompt_view(self.ws, comparison, at, unit, busy) if count else html.muted("It has no prompts yet.")
        return at, title, view, words, *turns, gr.update(visible=True), gr.update(interactive=not busy and comparison.outputs > 0)

    def back(self, opened: int | None, at: int, unit: str) -> tuple[Any, ...]:
        return self.shown(opened, at - 1, unit)

    def forward(self, opened: int | None, at: int, unit: str) -> tuple[Any, ...]:
        return self.shown(opened, at + 1, unit)

    def reopen(self, event: gr.EventData, unit: str) -> tuple[Any, ...]:
        """An earlier comparison: its number, no notice, its view."""
        opened = int(key_of(event))
        return opened, "", *self.shown(opened, 0, unit)

    def halt(self, request: gr.Request) -> Any:
        self.stops.stop(request)
        return gr.update(interactive=False)

    def refresh(self, chosen: list[str] | None, ref: str | None, opened: int | None, wanted: str) -> tuple[Any, ...]:
        """The choices of the tab as the workspace is now."""
        models = kept(generating_models(self.page), chosen or [], [])
        return models, compare_prompts.refreshed(self.page, ref), *compare_shelf.listed(self.ws, opened, wanted)

    def take(self, names: list[str] | str) -> Any:
        """Another tab hands models over."""
        return gr.update(choices=generating_models(self.page), value=[names] if isinstance(names, str) else list(names))


def buttons(busy: bool) -> tuple[Any, Any]:
    """Generate and Stop: one of them can be pressed."""
    return gr.update(interactive=not busy), gr.update(interactive=busy)


def build(page: Page) -> CompareTab:
    bench = Bench(page, Stops())
    opened, at = gr.State(None), gr.State(0)
    with gr.Column(elem_id="compare-panel"):
        with gr.Row(elem_classes="tools"):
            models = gr.Dropdown(
                [], multiselect=True, max_choices=comparing.MOST_MODELS, label="Models and checkpoints, up to nine",
                elem_id="compare-models", scale=5, min_width=240,
            )  # fmt: skip
            n = gr.Number(
                1, label="Answers to each prompt", minimum=1, maximum=comparing.MOST_SAMPLES, precision=0, elem_id="compare-n", scale=1,
                min_width=130,
            )  # fmt: skip
        prompts = compare_prompts.build()
        with gr.Accordion("Sampling and name", open=False, elem_id="compare-settings"), gr.Row(elem_classes="tools"):
            sampling = sampling_form.build("compare")
            name = gr.Textbox(
                "", label="Name of the comparison", info="Empty takes the first prompt.", elem_id="compare-title", min_width=140
            )
        with gr.Row(elem_classes="tools"):
            go = gr.Button("Generate", variant="primary", size="md", elem_id="compare-go", scale=0, min_width=110)
            stop = gr.Button("Stop", size="md", interactive=False, elem_id="compare-stop", scale=0, min_width=90)
            progress = static(elem_id="compare-progress", scale=1, min_width=200)
        trouble = static(elem_id="compare-notice")
    with gr.Column(visible=False, elem_id="compare-open") as part:
        with gr.Row(elem_classes="tools bar"):
            title = static(elem_id="compare-head", scale=1, min_width=200)
            send = gr.Button("Send all to labelling", size="md", elem_id="compare-label", scale=0, min_width=170)
        with gr.Row(elem_classes="tools pager"):
            back = gr.Button("‹ Back", size="sm", interactive=False, elem_id="compare-back", scale=0, min_width=64)
            forward = gr.Button("Next ›", size="sm", interactive=False, elem_id="compare-next", scale=0, min_width=64)
            words = static(elem_id="compare-pager", scale=1, min_width=120)
            unit = gr.Dropdown(
                list(comparison_view.UNITS), value=comparison_view.OFF, label="Differences from the first model", show_label=False,
                container=False, elem_id="compare-diff", scale=0, min_width=210,
            )  # fmt: skip
    view = comparison_view.Answers(EMPTY, elem_id="compare-view")
    shelf = compare_shelf.build(page, opened)

    place = [opened, at, unit]
    shows = [at, title, view, words, back, forward, part, send]
    asks = [models, n, name, *prompts.inputs, *sampling]
    made = gr.on([go.click], guarded(bench.generate), asks, [opened, at, progress, go, stop, trouble], concurrency_limit=2, **QUIET)
    made.failure(lambda: ("", *buttons(False)), None, [progress, go, stop], **QUIET)
    made.then(guarded(bench.shown), place, shows, **QUIET).then(*shelf.relist, **QUIET)
    for event in (progress.change, unit.change):
        event(guarded(bench.shown), place, shows, trigger_mode="always_last", **QUIET)
    stop.click(guarded(bench.halt), None, stop, queue=False, **QUIET)
    back.click(guarded(bench.back), place, shows, **QUIET)
    forward.click(guarded(bench.forward), place, shows, **QUIET)
    shelf.listing.pick(guarded(bench.reopen), unit, [opened, trouble, *shows], **QUIET)
    for event in (shelf.removed, shelf.restored):
        event.success(guarded(bench.shown), place, shows, **QUIET)
    now = [models, prompts.ref, *shelf.relist[2]]
    page.refreshes("compare", bench.refresh, now, [models, prompts.ref, opened, shelf.wanted])
    page.receives("compare", bench.take, [models], tab="compare")
    page.sends("label", send.click, [opened])
    return CompareTab(models, opened)
