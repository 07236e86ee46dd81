"""Checkpoints of runs answer like models: found by name, loaded on their base, with the base's tokenizer; gone or damaged ones are told."""

from __future__ import annotations

import pytest
import torch

from studio.errors import ModelError, NotFoundError, RecipeError
from studio.models import registry
from studio.models.adaptations import AdaptationSettings, Full, LoRA
from studio.models.loading import load_for_inference, load_for_training
from studio.recipe import parse
from studio.runs.check import model_of
from studio.workspace import Workspace
from tests.studio.models.helpers import add, logits, run_with_checkpoints, save_product


@pytest.mark.parametrize("adaptation", [LoRA(rank=4), Full()], ids=["adapter", "full"])
def test_a_checkpoint_is_the_model_of_its_step(workspace: Workspace, adaptation: AdaptationSettings) -> None:
    add(workspace)
    trained = run_with_checkpoints(workspace, "bot-1", "llama", adaptation)
    assert [(c.name, c.run, c.step, c.model) for c in registry.list_checkpoints(workspace)] == [
        ("bot-1@step-2", "bot-1", 2, None), ("bot-1@step-1", "bot-1", 1, None),
    ]  # fmt: skip
    info = registry.get_model(workspace, "bot-1@step-2")
    assert (info.base, info.run, info.step, info.adapter, info.generates) == ("llama", "bot-1", 2, adaptation.peft, True)
    assert info.parameters == registry.get_model(workspace, "llama").parameters
    loaded, tokenizer = load_for_inference(workspace, "bot-1@step-2", "cpu")
    torch.testing.assert_close(logits(loaded, tokenizer, "causal"), logits(trained, tokenizer, "causal"), atol=1e-4, rtol=1e-4)
    assert registry.get_model(workspace, "bot-1@step-1").sha256 != info.sha256
    assert [m.name for m in registry.list_models(workspace) if m.source == "run"] == []


def test_a_checkpoint_of_a_continued_adapter_stands_on_its_base(workspace: Workspace) -> None:
    add(workspace)
    adaptation = LoRA(rank=4)
    model, tokenizer = load_for_training(workspace, "llama", adaptation)
    save_product(workspace, "first", "llama", model, tokenizer, adaptation, "causal")
    trained = run_with_checkpoints(workspace, "bot-2", "first", adaptation)
    info = registry.get_model(workspace, "bot-2@step-2")
    assert (info.base, info.continued_from) == ("llama", "first")
    loaded, tokenizer = load_for_inference(workspace, info.name, "cpu")
    torch.testing.assert_close(logits(loaded, tokenizer, "causal"), logits(trained, tokenizer, "causal"), atol=1e-4, rtol=1e-4)


def test_the_checkpoint_that_became_the_model_has_its_weights(workspace: Workspace) -> None:
    add(workspace)
    adaptation = LoRA(rank=4)
    model = run_with_checkpoints(workspace, "bot-3", "llama", adaptation)
    model.save_pretrained(workspace.runs / "bot-3" / "model")
    made = registry.register_run_model(workspace, "bot-3", "adapter", workspace.runs / "bot-3" / "model", "llama", 1)
    assert registry.get_model(workspace, "bot-3@step-2").sha256 == made.sha256
    assert {c.model for c in registry.list_checkpoints(workspace)} == {"bot-3"}


def test_what_is_gone_damaged_or_no_text_is_said(workspace: Workspace) -> None:
    add(workspace)
    run_with_checkpoints(workspace, "bot-4", "llama", LoRA(rank=4))
    run_with_checkpoints(workspace, "sorter-1", "llama", LoRA(rank=4), "classifier")
    assert {c.run for c in registry.list_checkpoints(workspace)} == {"bot-4"}
    with pytest.raises(ModelError, match="classifier"):
        registry.get_model(workspace, "sorter-1@step-1")
    with pytest.raises(NotFoundError, match=r"no checkpoint of step 9.*1, 2"):
        registry.get_model(workspace, "bot-4@step-9")
    with pytest.raises(NotFoundError, match="no run bot-5"):
        registry.get_model(workspace, "bot-5@step-1")
    weights = workspace.runs / "bot-4" / "checkpoints" / "checkpoint-1" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(ModelError, match=r"adapter_model\.safetensors is not as it was written"):
        registry.get_model(workspace, "bot-4@step-1")


def test_nothing_is_trained_from_a_checkpoint(workspace: Workspace) -> None:
    add(workspace)
    run_with_checkpoints(workspace, "bot-6", "llama", LoRA(rank=4))
    recipe = parse({"model": "bot-6@step-2", "data": {"sources": [{"name": "support"}]}})
    with pytest.raises(RecipeError, match="nothing can be trained from it"):
        model_of(workspace, recipe)
