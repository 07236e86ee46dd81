"""A dataset of the Hugging Face Hub by its id, for workspaces that may use the network: fetched on a thread of its own, with progress."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.background import Told, followed
from app.choices import static
from app.guard import guarded, notice
from app.page import Page
from app.stopping import Stops
from studio.data.hub import import_hub
from studio.errors import StudioError
from studio.network import allow_network, network_allowed

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
HELP = "On, this workspace may ask huggingface.co for what you name here; the site then learns this machine's address. Nothing is sent."


@dataclass
class HubForm:
    """`done` is the event after which `imported` holds the new version's ref (or nothing); `show()` gives updates for `outputs`."""

    done: Any
    show: Any
    outputs: list[Any]


def build(page: Page, imported: gr.State) -> HubForm:
    """The fields, closed until somebody wants them."""
    ws, stops = page.workspace, Stops()
    with gr.Accordion("From the Hugging Face Hub", open=False, elem_id="import-hub"):
        allowed = gr.Checkbox(label="Allow the network", info=HELP, elem_id="hub-allowed")
        with gr.Row(elem_classes="tools"):
            repo = gr.Textbox("", label="Dataset", placeholder="owner/name", max_lines=1, elem_id="hub-repo", min_width=200, scale=2)
            split = gr.Textbox("", label="Split", info="Empty takes all.", max_lines=1, elem_id="hub-split", min_width=120)
            config = gr.Textbox(
                "", label="Configuration", info="Where there are several.", max_lines=1, elem_id="hub-config", min_width=140
            )
            rows = gr.Number(0, label="Rows at most", info="0 takes all.", precision=0, minimum=0, elem_id="hub-rows", min_width=120)
            go = gr.Button("Fetch", size="md", elem_id="hub-go", scale=0, min_width=80)
            stop = gr.Button("Stop", size="md", visible=False, elem_id="hub-stop", scale=0, min_width=80)
        said = static(elem_id="hub-said")

    def show() -> tuple[Any, ...]:
        return network_allowed(ws), ""

    def fetch(request: gr.Request, repo: str, split: str, config: str, rows: float) -> Iterator[tuple[Any, ...]]:
        busy, idle = (gr.update(visible=False), gr.update(visible=True)), (gr.update(visible=True), gr.update(visible=False))
        event = stops.begin(request)
        yield gr.skip(), notice("Asking the Hub.", "info"), *busy
        try:
            for news in followed(
                lambda told, ends: import_hub(
                    ws,
                    repo.strip(),
                    split.strip(),
                    config.strip(),
                    max_rows=int(rows or 0),
                    progress=lambda done, *_: told(done, 0),
                    stop=ends,
                ),
                event,
            ):
                if isinstance(news, Told):
                    yield gr.skip(), notice(f"{news.done:,} rows read.", "info"), *busy
                elif isinstance(news, Future):
                    version = news.result()
                    yield version.ref, notice(f"{version.dataset} is imported.", "info"), *idle
        except StudioError as error:
            yield "", notice(error), *idle
        finally:
            stops.end(request, event)

    def halt(request: gr.Request) -> None:
        stops.stop(request)

    allowed.input(guarded(lambda on: allow_network(ws, bool(on))), allowed, None, **QUIET)
    done = go.click(guarded(fetch), [repo, split, config, rows], [imported, said, go, stop], **QUIET)
    stop.click(halt, None, None, queue=False, **QUIET)
    return HubForm(done, show, [allowed, said])
