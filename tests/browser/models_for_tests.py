"""Tiny models with weights of their own, for tests that need several."""

from __future__ import annotations

from pathlib import Path

from studio.models import registry
from studio.workspace import Workspace
from tests.tiny import make_model


def add_model(workspace: Workspace, name: str, seed: int, context: int = 256, endless: bool = False) -> None:
    """Register a random model under `name`, unless it is there; another seed gives other weights, and an `endless` one never ends."""
    if name in [m.name for m in registry.list_models(workspace)]:
        return
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    folder: Path = make_model(workspace.inbox / name)
    config = AutoConfig.from_pretrained(folder)
    config.max_position_embeddings = context
    model = AutoModelForCausalLM.from_config(config)
    torch.manual_seed(seed)
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.5)
    if endless:
        model.get_input_embeddings().weight.data[config.eos_token_id] = 0  # tied: the end's logit is 0, and another one is above
    model.save_pretrained(folder)
    registry.add_local(workspace, folder, name)
