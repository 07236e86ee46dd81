"""Tiny models: one in memory, several in a workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.inference.engine import Engine
from studio.models.registry import add_local
from studio.workspace import Workspace


@pytest.fixture(scope="session")
def loaded(tiny_model: Path) -> tuple[Any, Any]:
    """The tiny model and its tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(tiny_model).eval(), AutoTokenizer.from_pretrained(tiny_model)


@pytest.fixture(scope="session")
def model_folders(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of three models with different weights, of two adapters on the first, and of a classifier."""
    import torch
    from peft import LoraConfig, PromptTuningConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    top = tmp_path_factory.mktemp("folders")
    config = AutoConfig.from_pretrained(tiny_model)
    made: dict[str, Any] = {}
    for number, name in enumerate(("second", "third"), 1):
        torch.manual_seed(number)
        made[name] = AutoModelForCausalLM.from_config(config)
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    made["tuned"] = get_peft_model(base, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False))
    made["virtual"] = get_peft_model(
        AutoModelForCausalLM.from_pretrained(tiny_model), PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)
    )
    labels = {"id2label": {0: "bad", 1: "good"}, "label2id": {"bad": 0, "good": 1}}
    labelled = AutoConfig.from_pretrained(tiny_model, num_labels=2, **labels)
    made["labels"] = AutoModelForSequenceClassification.from_config(labelled)
    for name, model in made.items():
        model.save_pretrained(top / name)
        AutoTokenizer.from_pretrained(tiny_model).save_pretrained(top / name)
    return {"first": tiny_model} | {name: top / name for name in made}


@pytest.fixture
def models(workspace: Workspace, model_folders: dict[str, Path]) -> Workspace:
    """A workspace with the models first, second and third, the adapters tuned and virtual on the first, and the classifier labels."""
    for name, folder in model_folders.items():
        add_local(workspace, folder, name, base="first" if name in ("tuned", "virtual") else None)
    return workspace


@pytest.fixture
def engine(models: Workspace) -> Iterator[Engine]:
    """An engine on the workspace of `models`; everything is unloaded at the end."""
    engine = Engine(models)
    yield engine
    engine.unload()
