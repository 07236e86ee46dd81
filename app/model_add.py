"""Adding a model: a folder on this machine, or a model of the Hub where the workspace may use the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import html
from app.choices import static
from app.guard import guarded, notice
from app.page import Page
from studio.errors import ModelError, StudioError
from studio.models import registry
from studio.workspace import Workspace

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
NETWORK_HELP = (
    "Off, nothing of Luthier uses the network. On, this workspace may ask huggingface.co for the models that you name here; "
    "the site then learns this machine's address and what was asked for. Nothing of yours is sent."
)


@dataclass
class AddForm:
    """`done` are the events after which `added` holds the new model's name (or nothing)."""

    added: gr.State
    done: list[Any]
    close: gr.Button
    refresh: Any
    refreshed: list[Any]


def add_folder(ws: Workspace, path: str, name: str, base: str | None) -> registry.ModelInfo:
    """Register a folder. Raises `ModelError` that says what is missing."""
    if not path.strip():
        raise ModelError("No folder is given.", "Write the path of a folder in Hugging Face format.")
    return registry.add_local(ws, path.strip(), name.strip() or None, base or None)


def add_from_hub(ws: Workspace, repo: str, name: str) -> registry.ModelInfo:
    """Download a model. Raises `ModelError`, also when the network is not allowed."""
    if not repo.strip():
        raise ModelError("No model is named.", "Write it as owner/name.")
    return registry.add_hub(ws, repo.strip(), name.strip() or None)


def build(page: Page) -> AddForm:
    ws = page.workspace
    added = gr.State("")
    with gr.Row(elem_classes="tools"):
        static(html.heading("Add a model"), scale=1)
        close = gr.Button("Close", size="sm", elem_id="models-add-close", scale=0, min_width=80)
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=1, min_width=300):
            path = gr.Textbox("", 
                label="A folder on this machine", info="In Hugging Face format, with safetensors weights and a tokenizer.",
                elem_id="add-path",                 placeholder="/path/to/model",
            )  # fmt: skip
            base = gr.Dropdown([], label="Base model (only for an adapter)", elem_id="add-base")
            local_name = gr.Textbox("", label="Name (empty takes the folder's)", elem_id="add-local-name")
            local = gr.Button("Add the folder", size="md", elem_id="add-local")
        with gr.Column(scale=1, min_width=300):
            network = gr.Checkbox(label="Allow network for Hub downloads", info=NETWORK_HELP, elem_id="add-network")
            repo = gr.Textbox("", label="A model of the Hugging Face Hub", placeholder="owner/name", elem_id="add-repo")
            hub_name = gr.Textbox("", label="Name (empty takes the model's)", elem_id="add-hub-name")
            hub = gr.Button("Download", size="md", elem_id="add-hub", interactive=False)
    said = static(elem_id="add-said")

    def refresh() -> tuple[Any, ...]:
        allowed = registry.network_allowed(ws)
        return gr.update(choices=[("none", ""), *page.model_choices()], value=""), allowed, gr.update(interactive=allowed), ""

    def allow(on: bool) -> Any:
        registry.allow_network(ws, bool(on))
        return gr.update(interactive=bool(on))

    def take_folder(path: str, name: str, base: str | None) -> tuple[str, str]:
        try:
            info = add_folder(ws, path, name, base)
        except StudioError as error:
            return "", notice(error)
        return info.name, notice(f"{info.name} is added.", "info")

    def take_hub(repo: str, name: str) -> tuple[str, str]:
        try:
            info = add_from_hub(ws, repo, name)
        except StudioError as error:
            return "", notice(error)
        return info.name, notice(f"{info.name} is downloaded and added.", "info")

    network.input(guarded(allow), network, hub, **QUIET)
    from_folder = gr.on(
        [local.click, path.submit],
        guarded(take_folder),
        [path, local_name, base],
        [added, said],
        show_progress="minimal",
        api_visibility="private",
    )
    from_hub = hub.click(guarded(take_hub), [repo, hub_name], [added, said], show_progress="full", api_visibility="private")
    return AddForm(added, [from_folder, from_hub], close, refresh, [base, network, hub, said])
