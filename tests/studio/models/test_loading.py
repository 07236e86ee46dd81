"""Loading: chains of adapters, continued and merged; classifiers; tokenizers; foreign settings; clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from studio.errors import ModelError
from studio.models import registry
from studio.models.adaptations import IA3, DoRA, Full, HeadOnly, LoRA, PromptTuning, QLoRA
from studio.models.loading import load_for_inference, load_for_training, load_tokenizer
from studio.models.templates import FALLBACK_TEMPLATE
from studio.workspace import Workspace
from tests.studio.models.helpers import LABELS, add, logits, save_product, train


def product(ws: Workspace, name: str, base: str, adaptation, task: str = "causal") -> torch.Tensor:
    """Train two steps and register the outcome; gives its answers as they were in training."""
    model, tokenizer = load_for_training(ws, base, adaptation, task, LABELS if task == "classifier" else None, device="cpu")
    train(model, tokenizer, task)
    save_product(ws, name, base, model, tokenizer, adaptation, task)
    return logits(model, tokenizer, task)


def answers(ws: Workspace, name: str, task: str = "causal") -> torch.Tensor:
    model, tokenizer = load_for_inference(ws, name, device="cpu")
    return logits(model, tokenizer, task)


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "adaptation", [LoRA(rank=4), DoRA(rank=4), IA3(), PromptTuning(virtual_tokens=4), QLoRA(rank=4)], ids=lambda a: a.kind
)
def test_the_same_adapter_continues(workspace: Workspace, adaptation) -> None:
    add(workspace)
    first = product(workspace, "first", "llama", adaptation)
    model, tokenizer = load_for_training(workspace, "first", adaptation, device="cpu")
    assert isinstance(model, PeftModel)
    close(logits(model, tokenizer, "causal"), first)
    assert train(model, tokenizer, "causal")
    info = save_product(workspace, "second", "first", model, tokenizer, adaptation, "causal")
    assert (info.base, info.continued_from) == ("llama", "first")
    close(answers(workspace, "second"), logits(model, tokenizer, "causal"))
    assert "continuing the adapter first" in registry.lineage(workspace, "second")[0]


def test_another_adapter_is_merged_first(workspace: Workspace) -> None:
    add(workspace)
    first = product(workspace, "first", "llama", LoRA(rank=4))
    model, tokenizer = load_for_training(workspace, "first", LoRA(rank=8), device="cpu")
    close(logits(model, tokenizer, "causal"), first)
    second = product(workspace, "second", "first", LoRA(rank=8))
    assert registry.get_model(workspace, "second").base == "first"
    close(answers(workspace, "second"), second)
    close(product(workspace, "third", "second", Full()), answers(workspace, "third"))
    assert registry.get_model(workspace, "third").adapter is False


def test_four_bits_on_top_of_a_merged_adapter(workspace: Workspace) -> None:
    add(workspace)
    product(workspace, "first", "llama", IA3())
    second = product(workspace, "second", "first", QLoRA(rank=4))
    close(answers(workspace, "second"), second)


def test_prompt_tuning_cannot_be_merged(workspace: Workspace) -> None:
    add(workspace)
    product(workspace, "tuned", "llama", PromptTuning(virtual_tokens=4))
    with pytest.raises(ModelError, match=r"cannot be merged.*start from llama"):
        load_for_training(workspace, "tuned", LoRA(), device="cpu")


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_classifier_on_a_tuned_model_keeps_its_backbone(workspace: Workspace, architecture: str) -> None:
    add(workspace, architecture)
    product(workspace, "tuned", architecture, LoRA(rank=4))
    tuned, _ = load_for_inference(workspace, "tuned", device="cpu")
    classifier, _ = load_for_training(workspace, "tuned", HeadOnly(), "classifier", LABELS, device="cpu")
    expected = dict(tuned.base_model.named_parameters())
    assert all(torch.equal(parameter, expected[name]) for name, parameter in classifier.base_model.named_parameters())
    close(product(workspace, "labelled", "tuned", LoRA(rank=4), "classifier"), answers(workspace, "labelled", "classifier"))


@pytest.mark.parametrize("adaptation", [LoRA(rank=4), Full()], ids=lambda a: a.kind)
def test_a_classifier_keeps_its_head_for_the_same_labels_only(workspace: Workspace, adaptation) -> None:
    add(workspace)
    expected = product(workspace, "labelled", "llama", adaptation, "classifier")
    model, tokenizer = load_for_training(workspace, "labelled", adaptation, "classifier", LABELS, device="cpu")
    close(logits(model, tokenizer, "classifier"), expected)
    other, tokenizer = load_for_training(workspace, "labelled", adaptation, "classifier", ["a", "b", "c"], device="cpu")
    assert logits(other, tokenizer, "classifier").shape == (2, 3)
    assert list(other.config.id2label.values()) == ["a", "b", "c"]
    swapped, tokenizer = load_for_training(workspace, "labelled", adaptation, "classifier", ["good", "bad"], device="cpu")
    assert not torch.allclose(logits(swapped, tokenizer, "classifier"), expected)


def test_tasks_that_do_not_fit(workspace: Workspace) -> None:
    add(workspace)
    product(workspace, "labelled", "llama", HeadOnly(), "classifier")
    with pytest.raises(ModelError, match="is a classifier and writes no text"):
        load_for_training(workspace, "labelled", LoRA(), device="cpu")
    with pytest.raises(ModelError, match="at least two labels"):
        load_for_training(workspace, "llama", LoRA(), "classifier", ["one"], device="cpu")


def test_precision(workspace: Workspace) -> None:
    add(workspace)
    adapted, _ = load_for_training(workspace, "llama", LoRA(rank=4), precision="bfloat16", device="cpu")
    types = {parameter.dtype for name, parameter in adapted.named_parameters() if "lora_" in name}
    assert types == {torch.float32}
    assert adapted.get_input_embeddings().weight.dtype == torch.bfloat16
    full, _ = load_for_training(workspace, "llama", Full(), precision="bfloat16", device="cpu")
    assert {parameter.dtype for parameter in full.parameters()} == {torch.float32}


def test_dropout_is_set_where_the_model_has_it(workspace: Workspace) -> None:
    add(workspace, "gpt2")
    model, _ = load_for_training(workspace, "gpt2", Full(), device="cpu", dropout=0.25)
    assert model.config.attn_pdrop == model.transformer.h[0].mlp.dropout.p == 0.25
    still, _ = load_for_training(workspace, "gpt2", Full(), device="cpu")
    assert still.transformer.h[0].mlp.dropout.p == 0.0


def test_a_model_without_a_template_gets_a_plain_one(workspace: Workspace) -> None:
    info = add(workspace, template=None)
    assert info.template == "none"
    tokenizer = load_tokenizer(workspace, "llama")
    assert tokenizer.chat_template == FALLBACK_TEMPLATE
    messages = [
        {"role": "system", "content": "be good"},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "thank you"},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    assert text == "be good\n\nUser: hello\nAssistant: thank you<|end|>\n"
    prompt = tokenizer.apply_chat_template(messages[:2], tokenize=False, add_generation_prompt=True)
    assert text.startswith(prompt)
    encoded = tokenizer.apply_chat_template(messages, return_assistant_tokens_mask=True, return_dict=True)
    said = [token for token, ours in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if ours]
    assert tokenizer.decode(said) == " thank you<|end|>"


def test_a_padding_token_is_found(workspace: Workspace, tmp_path: Path) -> None:
    info = add(workspace)
    file = info.path / "tokenizer_config.json"
    config = json.loads(file.read_text())
    del config["pad_token"]
    file.write_text(json.dumps(config))
    assert load_tokenizer(workspace, "llama").pad_token is not None


def test_an_adapter_without_a_tokenizer_uses_its_base_s(workspace: Workspace) -> None:
    add(workspace)
    product(workspace, "tuned", "llama", LoRA(rank=4))
    for file in registry.get_model(workspace, "tuned").path.glob("tokenizer*"):
        file.unlink()
    assert len(load_tokenizer(workspace, "tuned")) == len(load_tokenizer(workspace, "llama"))


def test_an_adapter_never_loads_the_base_that_its_file_names(workspace: Workspace) -> None:
    add(workspace)
    expected = product(workspace, "tuned", "llama", LoRA(rank=4))
    file = registry.get_model(workspace, "tuned").path / "adapter_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"base_model_name_or_path": "somebody/else", "auto_mapping": {"parent_library": "os"}}))
    close(answers(workspace, "tuned"), expected)


def test_foreign_settings_are_stripped_and_the_folder_is_left_alone(workspace: Workspace) -> None:
    info = add(workspace)
    expected = answers(workspace, "llama")
    config_file, tokenizer_file = info.path / "config.json", info.path / "tokenizer_config.json"
    code = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model", "AutoTokenizer": ["evil.Tokenizer", None]}
    foreign = {"auto_map": code, "_attn_implementation": "somebody/kernel", "attn_implementation": "somebody/kernel", "use_kernels": True}
    config_file.write_text(json.dumps(json.loads(config_file.read_text()) | foreign))
    tokenizer_file.write_text(json.dumps(json.loads(tokenizer_file.read_text()) | {"auto_map": code}))
    (info.path / "evil.py").write_text("raise SystemExit('foreign code ran')")
    before = {path.name: path.read_bytes() for path in info.path.iterdir()}
    close(answers(workspace, "llama"), expected)
    model, _ = load_for_inference(workspace, "llama", device="cpu")
    assert model.config._attn_implementation == "sdpa"
    assert not hasattr(model.config, "auto_map")
    assert {path.name: path.read_bytes() for path in info.path.iterdir()} == before


def test_missing_tensors_are_not_made_up(workspace: Workspace) -> None:
    from safetensors.torch import load_file, save_file

    info = add(workspace)
    file = info.path / "model.safetensors"
    tensors = load_file(file)
    del tensors["model.layers.1.mlp.down_proj.weight"]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lack 1 tensors: model\.layers\.1\.mlp\.down_proj\.weight"):
        load_for_inference(workspace, "llama", device="cpu")


def test_files_that_are_gone(workspace: Workspace) -> None:
    info = add(workspace)
    (info.path / "config.json").unlink()
    assert registry.get_model(workspace, "llama").available is False
    with pytest.raises(ModelError, match="are not at"):
        load_for_inference(workspace, "llama", device="cpu")
