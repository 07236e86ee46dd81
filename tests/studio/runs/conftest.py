"""Small real runs: a workspace with a tiny model and datasets, and a function that executes a recipe in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.data.splits import SplitSettings
from studio.data.store import import_file
from studio.fields import apply_overrides
from studio.models.registry import add_local
from studio.recipe import Recipe
from studio.runs.folder import RunFolder
from studio.workspace import Workspace

SMALL: dict[str, Any] = {
    "model": "tiny",
    "data.sources": "chats",
    "data.max_length": 64,
    "optim.learning_rate": 0.01,
    "optim.per_device_batch_size": 4,
    "optim.max_steps": 8,
    "optim.schedule": "linear",
    "evaluation.every": 4,
    "evaluation.samples": 1,
    "evaluation.sample_tokens": 4,
    "adaptation.rank": 4,
    "compute.device": "cpu",
    "compute.threads": 1,
}


@pytest.fixture
def studio_ws(workspace: Workspace, tiny_model: Path, chat_file: Callable[..., Path], label_file: Callable[..., Path]) -> Workspace:
    """A workspace with the model `tiny` and the datasets `chats` (36 + 4 rows) and `labels` (48 + 12 rows)."""
    add_local(workspace, tiny_model, "tiny")
    import_file(workspace, chat_file(40), "chats", split=SplitSettings(validation=0.1))
    import_file(workspace, label_file(60), "labels", split=SplitSettings(validation=0.2))
    return workspace


@pytest.fixture
def new_run(studio_ws: Workspace) -> Callable[..., RunFolder]:
    """Makes the folder of a run, not yet executed: the small recipe with some fields changed."""
    made = 0

    def make(name: str = "", **changes: Any) -> RunFolder:
        nonlocal made
        made += 1
        overrides = {path.replace("__", "."): value for path, value in changes.items()}
        lora = overrides.get("adaptation.kind", "lora") in ("lora", "rslora", "dora")
        small = {path: value for path, value in SMALL.items() if lora or path != "adaptation.rank"}
        folder = RunFolder(studio_ws.runs / (name or f"run-{made}"))
        folder.write_recipe(apply_overrides(Recipe(), {**small, **overrides}))
        return folder

    return make
