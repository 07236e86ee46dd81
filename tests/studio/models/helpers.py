"""What the tests of models share: a batch, a few real steps, and a run's product in the registry."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from studio.db import Run
from studio.models import registry
from studio.models.adaptations import AdaptationSettings
from studio.models.loading import load_for_training
from studio.models.registry import ModelInfo
from studio.runs import checkpoints
from studio.runs.folder import RunFolder
from studio.workspace import Workspace
from tests.tiny import make_model

ARCHITECTURES = ("llama", "qwen3", "gpt2")
LABELS = ["bad", "good"]


def add(ws: Workspace, architecture: str = "llama", name: str | None = None, template: str | None = "same") -> ModelInfo:
    """A tiny model in a folder outside the workspace, registered under its architecture's name."""
    name = name or architecture
    options = {} if template == "same" else {"template": template}
    return registry.add_local(ws, make_model(ws.root.parent / name, architecture, **options))


def batch(tokenizer: Any, task: str) -> dict[str, torch.Tensor]:
    """Two sentences as tensors, with labels for the task."""
    tokenizer.padding_side = "right"
    inputs = tokenizer(["the film is good thank you", "awful film"], return_tensors="pt", padding=True, return_token_type_ids=False)
    labels = torch.tensor([1, 0]) if task == "classifier" else inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
    return {**inputs, "labels": labels}


def snapshot(model: Any) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def train(model: Any, tokenizer: Any, task: str, steps: int = 2) -> set[str]:
    """Take real optimizer steps; gives the names of the parameters that moved."""
    before = snapshot(model)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01, weight_decay=0.0)
    inputs = batch(tokenizer, task)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        model(**inputs).loss.backward()
        optimizer.step()
    return {name for name, parameter in model.named_parameters() if not torch.equal(parameter.detach(), before[name])}


def logits(model: Any, tokenizer: Any, task: str) -> torch.Tensor:
    """The answers of a model to the batch, where it is not padding."""
    inputs = batch(tokenizer, task)
    del inputs["labels"]
    model.eval()
    with torch.no_grad():
        out = model(**inputs).logits.float()
    return out if task == "classifier" else out[:, -inputs["input_ids"].shape[1] :][inputs["attention_mask"] == 1]


def save_product(
    ws: Workspace,
    name: str,
    base: str,
    model: Any,
    tokenizer: Any,
    adaptation: AdaptationSettings,
    task: str,
    sources: Iterable[str] = ("support@3",),
) -> ModelInfo:
    """Store a trained model as a run's product does, and register it."""
    folder = ws.runs / name
    shutil.rmtree(folder, ignore_errors=True)
    target = folder / "model"
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    recipe = {
        "model": base,
        "method": {"kind": "classify" if task == "classifier" else "sft"},
        "adaptation": adaptation.model_dump(),
        "data": {"sources": [{"name": source, "weight": 1.0} for source in sources]},
    }
    with ws.db.write() as session:
        run = Run(name=name, state="completed", recipe=recipe, folder=ws.relative(folder))
        session.add(run)
        session.flush()
        run_id = run.id
    kind = "classifier" if task == "classifier" else "adapter" if adaptation.peft else "full"
    info = {"labels": LABELS} if task == "classifier" else {}
    return registry.register_run_model(ws, name, kind, Path(target), base, run_id, info)


def run_with_checkpoints(ws: Workspace, name: str, base: str, adaptation: AdaptationSettings, task: str = "causal") -> Any:
    """A run of two steps that keeps a checkpoint of each, as a trainer writes them: weights and configuration, no tokenizer."""
    labels = ["bad", "good"] if task == "classifier" else []
    model, tokenizer = load_for_training(ws, base, adaptation, task, labels)
    folder = RunFolder(ws.runs / name)
    recipe = {"model": base, "method": {"kind": "sft"}, "adaptation": adaptation.model_dump()}
    with ws.db.write() as session:
        session.add(Run(name=name, state="stopped", recipe=recipe, folder=ws.relative(folder.path)))
    for step in (1, 2):
        train(model, tokenizer, task, steps=1)
        with checkpoints.writing(folder, step) as path:
            model.save_pretrained(path)
            (path / "optimizer.pt").write_bytes(b"state")
    return model
