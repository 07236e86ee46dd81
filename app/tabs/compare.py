"""The Compare tab: the same prompts answered by two or more models, side by side, with their names.

How an answer looks stands in `app/comparison_view.py`; making and storing the answers in `studio/inference/compare.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import comparison_view, html, sampling_form
from app.choices import Choices, kept, key_of, static
from app.guard import guarded, notice
from app.page import Page
from app.stopping import Stops
from studio.data import store
from studio.errors import DataError, ModelError, StudioError
from studio.inference import compare as comparing
from studio.models import registry
from studio.workspace import Workspace

TYPED, HELD_OUT = "One prompt that I write", "Held-out rows of a dataset"
KINDS_WITH_PROMPTS = ("chat", "prompt", "preference", "unpaired", "ranking", "rating")
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
EMPTY = html.empty_state(
    "See what fine-tuning changed",
    "Choose two or more models, write a prompt or take the held-out rows of a dataset, and read the answers side by side. "
    "Each finished run of the Train tab is a model.",
)


@dataclass
class CompareTab:
    """What other tabs may use: the chosen models and the number of the open comparison."""

    models: gr.Dropdown
    opened: gr.State


def generating_models(page: Page) -> list[tuple[str, str]]:
    """The models that write answers: all but classifiers."""
    writes = {m.name for m in registry.list_models(page.workspace) if m.generates}
    return [(label, name) for label, name in page.model_choices() if name in writes]


def held_out_split(ws: Workspace, ref: str) -> str | None:
    """The split whose rows were not trained on: validation, else test."""
    splits = store.get_version(ws, ref).splits
    return next((s for s in ("validation", "test") if splits.get(s)), None)


def held_out_prompts(ws: Workspace, ref: str, count: int) -> list[list[dict[str, str]]]:
    """The first `count` different prompts of the held-out split: each conversation up to its last answer. Raises `DataError`."""
    split = held_out_split(ws, ref)
    if split is None:
        raise DataError(
            f"{ref} has no held-out rows.", "Make a version with a validation split in the tab Data, or choose another dataset."
        )
    prompts: list[list[dict[str, str]]] = []
    for row in store.rows(ws, ref, split, 0, store.get_version(ws, ref).splits[split]):
        messages = list(row.get("prompt") or row.get("messages") or [])
        while messages and messages[-1]["role"] == "assistant":
            messages.pop()
        asked = [{"role": m["role"], "content": m["content"]} for m in messages]
        if asked and asked not in prompts:
            prompts.append(asked)
        if len(prompts) == count:
            break
    if not prompts:
        raise DataError(f"The held-out rows of {ref} have no prompts.", "Choose a dataset of chats.")
    return prompts


def prompts_for(ws: Workspace, source: str, text: str, system: str, ref: str | None, count: int) -> list[list[dict[str, str]]]:
    """What shall be asked. Raises `DataError` that says what is missing."""
    if source == HELD_OUT:
        if not ref:
            raise DataError("No dataset is chosen.", "Choose one with held-out rows.")
        return held_out_prompts(ws, ref, int(count))
    if not text.strip():
        raise DataError("The prompt is empty.", "Write what the models shall answer.")
    front = [{"role": "system", "content": system.strip()}] if system.strip() else []
    return [[*front, {"role": "user", "content": text.strip()}]]


def shown(ws: Workspace, opened: int | None, at: int, diff: bool) -> tuple[Any, ...]:
    """The open comparison at prompt `at`: the prompt used, its HTML, the pager's words, the two pager buttons, the pager."""
    if not opened:
        return 0, EMPTY, "", gr.update(interactive=False), gr.update(interactive=False), gr.update(visible=False)
    comparison = comparing.get_comparison(ws, opened)
    count = len(comparison.prompts)
    at = min(max(at, 0), count - 1)
    made = html.esc(comparison_view.answered(comparison))
    words = f'<span class="number">prompt {at + 1} of {count:,}</span>, <span class="muted">{made}</span>'
    turns = gr.update(interactive=at > 0), gr.update(interactive=at < count - 1)
    return at, comparison_view.prompt_view(comparison, at, diff), words, *turns, gr.update(visible=True)


def buttons(busy: bool) -> tuple[Any, Any]:
    """Generate and Stop: one of them can be pressed."""
    return gr.update(interactive=not busy), gr.update(interactive=busy)


@dataclass
class Bench:
    """The handlers of the tab."""

    page: Page
    stops: Stops

    def generate(
        self, request: gr.Request, models: list[str], source: str, text: str, system: str, ref: str, count: int, n: int, *sampling: Any
    ) -> Iterator[Any]:
        """Make a comparison and tell how far it is: opened, at, progress, list, Generate, Stop, notice. The view follows `progress`."""
        ws, stop = self.page.workspace, self.stops.begin(request)
        opened, done, total, trouble = None, 0, 0, ""
        try:
            if len(models or []) < 2:
                raise ModelError("A comparison needs two models or more.", "Choose another model at the top.")
            prompts = prompts_for(ws, source, text, system, ref, count)
            total = len(prompts) * len(models) * int(n)
            settings = sampling_form.read(sampling)
            yield gr.skip(), 0, html.progress(0, total, f"0 of {total:,} answers; loading {models[0]}"), gr.skip(), *buttons(True), ""
            self.page.warm.ready()
            for candidate in comparing.compare(ws, self.page.studio.engine, models, prompts, settings, int(n), stop=stop):
                opened, done = candidate.comparison_id, done + 1
                words = f"{done:,} of {html.plural(total, 'answer')}; {candidate.model} is answering"
                yield opened, gr.skip(), html.progress(done, total, words), gr.skip(), *buttons(True), ""
            if stop.is_set():
                trouble = notice(f"Stopped: {done:,} of {total:,} answers were made and are kept.", "info")
        except StudioError as error:
            trouble = notice(error)
        finally:
            self.stops.end(request, stop)
        table = comparison_view.saved_table(comparing.list_comparisons(ws), opened)
        yield opened if opened else gr.skip(), gr.skip(), "", table, *buttons(False), trouble

    def back(self, opened: int | None, at: int, diff: bool) -> tuple[Any, ...]:
        return shown(self.page.workspace, opened, at - 1, diff)

    def forward(self, opened: int | None, at: int, diff: bool) -> tuple[Any, ...]:
        return shown(self.page.workspace, opened, at + 1, diff)

    def stay(self, opened: int | None, at: int, diff: bool) -> tuple[Any, ...]:
        return shown(self.page.workspace, opened, at, diff)

    def reopen(self, event: gr.EventData, diff: bool) -> tuple[Any, ...]:
        """An earlier comparison: its number, the list with its row marked, no notice, its view."""
        opened, ws = int(key_of(event)), self.page.workspace
        table = comparison_view.saved_table(comparing.list_comparisons(ws), opened)
        return opened, table, "", *shown(ws, opened, 0, diff)

    def halt(self, request: gr.Request) -> Any:
        self.stops.stop(request)
        return gr.update(interactive=False)

    def refresh(self, chosen: list[str] | None, ref: str | None, opened: int | None) -> tuple[Any, ...]:
        """The choices of the tab as the workspace is now."""
        ws = self.page.workspace
        data = [(label, r) for label, r in self.page.dataset_choices() if store.get_version(ws, r).kind in KINDS_WITH_PROMPTS]
        return (
            kept(generating_models(self.page), chosen or [], []),
            kept(data, ref, data[0][1] if data else None),
            comparison_view.saved_table(comparing.list_comparisons(ws), opened),
        )

    def take(self, names: list[str] | str) -> Any:
        """Another tab hands models over."""
        return gr.update(choices=generating_models(self.page), value=[names] if isinstance(names, str) else list(names))


def which_source(source: str) -> tuple[Any, ...]:
    """The fields of the chosen kind of prompts."""
    return gr.update(visible=source == TYPED), gr.update(visible=source == HELD_OUT)


def build(page: Page) -> CompareTab:
    bench = Bench(page, Stops())
    opened, at = gr.State(None), gr.State(0)
    with gr.Column(elem_id="compare-panel"):
        with gr.Row(elem_classes="tools"):
            models = gr.Dropdown([], multiselect=True, label="Models", elem_id="compare-models", scale=5, min_width=240)
            n = gr.Number(
                1,
                label="Answers to each prompt",
                minimum=1,
                maximum=comparing.MOST_SAMPLES,
                precision=0,
                elem_id="compare-n",
                scale=1,
                min_width=130,
            )
        source = gr.Radio([TYPED, HELD_OUT], value=TYPED, label="Prompts", show_label=False, container=False, elem_id="compare-source")
        with gr.Row(elem_classes="tools") as typed:
            text = gr.Textbox("", label="Prompt", lines=2, max_lines=8, elem_id="compare-prompt", scale=3, min_width=240)
            system = gr.Textbox(
                "", label="System prompt (may stay empty)", lines=2, max_lines=8, elem_id="compare-system", scale=2, min_width=200
            )
        with gr.Row(elem_classes="tools", visible=False) as held_out:
            ref = gr.Dropdown([], label="Dataset", elem_id="compare-dataset", scale=3, min_width=200)
            count = gr.Number(
                20, label="Prompts at most", minimum=1, maximum=1000, precision=0, elem_id="compare-count", scale=1, min_width=130
            )
        with gr.Accordion("Sampling", open=False, elem_id="compare-settings"), gr.Row(elem_classes="tools"):
            sampling = sampling_form.build("compare")
        with gr.Row(elem_classes="tools"):
            go = gr.Button("Generate", variant="primary", size="md", elem_id="compare-go", scale=0, min_width=110)
            stop = gr.Button("Stop", size="md", interactive=False, elem_id="compare-stop", scale=0, min_width=90)
            progress = static(elem_id="compare-progress", scale=1, min_width=200)
        trouble = static(elem_id="compare-notice")
    with gr.Row(elem_classes="tools pager", visible=False) as pager:
        back = gr.Button("‹ Back", size="sm", interactive=False, elem_id="compare-back", scale=0, min_width=64)
        forward = gr.Button("Next ›", size="sm", interactive=False, elem_id="compare-next", scale=0, min_width=64)
        words = static(elem_id="compare-pager", scale=1, min_width=200)
        diff = gr.Checkbox(False, label="Show differences", elem_id="compare-diff", container=False, scale=0, min_width=160)
    view = static(EMPTY, elem_id="compare-view")
    listing = Choices(elem_id="compare-saved", elem_classes="short-list")

    place = [opened, at, diff]
    shows = [at, view, words, back, forward, pager]
    makes = [opened, at, progress, listing, go, stop, trouble]
    asks = [models, source, text, system, ref, count, n, *sampling]
    made = gr.on([go.click], guarded(bench.generate), asks, makes, concurrency_limit=2, **QUIET)
    made.then(guarded(bench.stay), place, shows, **QUIET)
    progress.change(guarded(bench.stay), place, shows, trigger_mode="always_last", **QUIET)
    stop.click(guarded(bench.halt), None, stop, queue=False, **QUIET)
    source.change(which_source, source, [typed, held_out], **QUIET)
    back.click(guarded(bench.back), place, shows, **QUIET)
    forward.click(guarded(bench.forward), place, shows, **QUIET)
    diff.change(guarded(bench.stay), place, shows, **QUIET)
    listing.pick(guarded(bench.reopen), diff, [opened, listing, trouble, *shows], **QUIET)
    page.refreshes("compare", bench.refresh, [models, ref, listing], [models, ref, opened])
    page.receives("compare", bench.take, [models], tab="compare")
    return CompareTab(models, opened)
