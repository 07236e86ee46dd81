"""Each adaptation moves exactly the weights that it names, and what it made loads again with equal answers."""

from __future__ import annotations

import pytest
import torch

from studio.errors import ModelError
from studio.models import registry
from studio.models.adapt import linear_names, trainable_parameters
from studio.models.adaptations import IA3, AdaptationSettings, DoRA, Full, HeadOnly, LastLayers, LoRA, PromptTuning, QLoRA, RsLoRA
from studio.models.loading import load_for_inference, load_for_training
from studio.models.memory import trained_parameters
from studio.workspace import Workspace
from tests.studio.models.helpers import ARCHITECTURES, LABELS, add, logits, save_product, train

CASES = [
    (Full(), "causal"),
    (Full(), "classifier"),
    (LastLayers(layers=1), "causal"),
    (LastLayers(layers=1), "classifier"),
    (HeadOnly(), "classifier"),
    (LoRA(rank=4), "causal"),
    (LoRA(rank=4), "classifier"),
    (RsLoRA(rank=4), "causal"),
    (DoRA(rank=4), "causal"),
    (DoRA(rank=4), "classifier"),
    (IA3(), "causal"),
    (IA3(), "classifier"),
    (PromptTuning(virtual_tokens=4), "causal"),
    (QLoRA(rank=4), "causal"),
    (QLoRA(rank=4), "classifier"),
]
FINAL_NORMS = ("model.norm.", "transformer.ln_f.")
MARKS = {"ia3": "ia3_l", "prompt_tuning": "prompt_encoder"}


def should_move(name: str, adaptation: AdaptationSettings) -> bool:
    """What the adaptation's description says of one parameter, by its name."""
    kind = adaptation.model_dump()["kind"]
    head = name.startswith(("lm_head.", "score.")) or "modules_to_save" in name
    if kind == "full":
        return True
    if kind == "head":
        return head
    if kind == "last_layers":
        return head or ".1." in name or name.startswith(FINAL_NORMS)
    return MARKS.get(kind, "lora_") in name or "modules_to_save" in name


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("adaptation", "task"), CASES, ids=lambda value: getattr(value, "kind", value))
def test_trains_exactly_its_parameters_and_reloads(
    workspace: Workspace, architecture: str, adaptation: AdaptationSettings, task: str
) -> None:
    add(workspace, architecture)
    labels = LABELS if task == "classifier" else None
    model, tokenizer = load_for_training(workspace, architecture, adaptation, task, labels, device="cpu")
    assert model.config.use_cache is False

    moved = train(model, tokenizer, task)

    named = {name for name, _ in model.named_parameters()}
    assert moved == {name for name in named if should_move(name, adaptation)}
    trained = logits(model, tokenizer, task)
    save_product(workspace, "made", architecture, model, tokenizer, adaptation, task)
    again, tokenizer = load_for_inference(workspace, "made", device="cpu")
    torch.testing.assert_close(logits(again, tokenizer, task), trained, rtol=1e-4, atol=1e-5)
    assert not any(parameter.requires_grad for parameter in again.parameters())
    if task == "classifier":
        assert again.config.id2label == {0: "bad", 1: "good"}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_last_layers_leaves_the_input_embedding(workspace: Workspace, architecture: str) -> None:
    add(workspace, architecture)
    model, tokenizer = load_for_training(workspace, architecture, LastLayers(layers=1), device="cpu")
    before = model.get_input_embeddings().weight.detach().clone()
    train(model, tokenizer, "causal")
    assert torch.equal(model.get_input_embeddings().weight, before)
    assert not torch.equal(model.get_output_embeddings().weight, before)
    info = save_product(workspace, "made", architecture, model, tokenizer, LastLayers(layers=1), "causal")
    assert not info.tied
    assert info.parameters == sum(parameter.numel() for parameter in model.parameters())


def test_more_last_layers_than_there_are(workspace: Workspace) -> None:
    add(workspace)
    with pytest.raises(ModelError, match="has 2 layers"):
        load_for_training(workspace, "llama", LastLayers(layers=3), device="cpu")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_linear_leaves_the_head_out(workspace: Workspace, architecture: str) -> None:
    add(workspace, architecture)
    for task in ("causal", "classifier"):
        model, _ = load_for_training(workspace, architecture, LoRA(rank=2), task, LABELS, device="cpu")
        adapted = {name for name, _ in model.named_parameters() if "lora_" in name}
        assert adapted
        assert not any("lm_head" in name or "score" in name for name in adapted)


def test_named_targets(workspace: Workspace) -> None:
    add(workspace)
    model, _ = load_for_training(workspace, "llama", LoRA(rank=2, targets="q_proj, v_proj"), device="cpu")
    assert {name.split(".")[-4] for name, _ in model.named_parameters() if "lora_" in name} == {"q_proj", "v_proj"}
    with pytest.raises(ModelError, match=r"no layers named nonsense.*q_proj"):
        load_for_training(workspace, "llama", LoRA(targets="nonsense"), device="cpu")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    "adaptation", [Full(), LastLayers(layers=1), LoRA(rank=4), DoRA(rank=4), PromptTuning(virtual_tokens=4)], ids=lambda a: a.kind
)
def test_the_estimate_counts_what_trains(workspace: Workspace, architecture: str, adaptation: AdaptationSettings) -> None:
    info = add(workspace, architecture)
    model, _ = load_for_training(workspace, architecture, adaptation, device="cpu")
    assert trained_parameters(info, adaptation, "causal") == pytest.approx(trainable_parameters(model)[0], rel=0.03)


def test_four_bit_weights_count_as_numbers(workspace: Workspace) -> None:
    info = add(workspace)
    model, _ = load_for_training(workspace, "llama", QLoRA(rank=4), device="cpu")
    packed = [module for module in model.modules() if hasattr(module, "support_avx512bf16_for_cpu")]
    assert packed
    assert not any(module.support_avx512bf16_for_cpu for module in packed)
    trainable, total = trainable_parameters(model)
    assert total - trainable == info.parameters


def test_four_bit_gradients_survive_an_evaluation(workspace: Workspace) -> None:
    add(workspace)
    torch.manual_seed(1)
    model, tokenizer = load_for_training(workspace, "llama", QLoRA(rank=4, dropout=0.0), device="cpu")
    first = model.state_dict()
    reference = {key: value.clone() for key, value in first.items() if "lora_" in key}
    train(model, tokenizer, "causal", steps=1)
    plain = {key: value.clone() for key, value in model.state_dict().items() if key in reference}
    model.load_state_dict(reference, strict=False)
    logits(model, tokenizer, "causal")
    train(model, tokenizer, "causal", steps=1)
    after_evaluation = model.state_dict()
    assert all(torch.equal(after_evaluation[key], value) for key, value in plain.items())


def test_without_bitsandbytes(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    add(workspace)
    monkeypatch.setattr("studio.models.loading.four_bit_problem", lambda target: "the library bitsandbytes is not installed")
    with pytest.raises(ModelError, match=r"QLoRA cannot run here.*luthier\[qlora\]"):
        load_for_training(workspace, "llama", QLoRA(), device="cpu")
    model, tokenizer = load_for_training(workspace, "llama", LoRA(rank=4), device="cpu")
    train(model, tokenizer, "causal")
    expected = logits(model, tokenizer, "causal")
    save_product(workspace, "four-bit", "llama", model, tokenizer, QLoRA(rank=4), "causal")
    again, tokenizer = load_for_inference(workspace, "four-bit", device="cpu")
    torch.testing.assert_close(logits(again, tokenizer, "causal"), expected, rtol=1e-4, atol=1e-5)


def test_linear_names_of_gpt2(workspace: Workspace) -> None:
    add(workspace, "gpt2")
    model, _ = load_for_training(workspace, "gpt2", Full(), device="cpu")
    assert linear_names(model) == ["c_attn", "c_fc", "c_proj"]
    assert registry.get_model(workspace, "gpt2").adapter is False
