"""What a folder says about itself, and the refusals with their remedies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.errors import ModelError
from studio.models.inspect import inspect_folder
from tests.tiny import make_model


def change(folder: Path, file: str = "config.json", **values: object) -> None:
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_model(tmp_path / "tiny")


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gpt2"])
def test_facts(tmp_path: Path, architecture: str) -> None:
    from transformers import AutoModelForCausalLM

    info = inspect_folder(make_model(tmp_path / "tiny", architecture))
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "tiny")
    assert info.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert info.architecture == type(model).__name__
    assert (info.layers, info.hidden, info.context_length) == (2, 32, 256)
    assert info.vocabulary == model.config.vocab_size
    assert (info.template, info.dtype, info.generates, info.tied) == ("own", "float32", True, True)
    assert info.bytes == (tmp_path / "tiny" / "model.safetensors").stat().st_size


def test_a_template_may_be_missing(tmp_path: Path) -> None:
    assert inspect_folder(make_model(tmp_path / "tiny", template=None)).template == "none"


def test_the_license_comes_from_the_model_card_or_the_license_file(folder: Path) -> None:
    assert inspect_folder(folder).license == ""
    (folder / "LICENSE").write_text("                                 Apache License\n Version 2.0")
    assert inspect_folder(folder).license == "apache-2.0"
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: mit\n---\n# Tiny")
    assert inspect_folder(folder).license == "mit"


def test_shards_are_counted_together(folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    whole = inspect_folder(folder)
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(folder / "sharded", max_shard_size="50KB")
    for file in folder.glob("tokenizer*"):
        (folder / "sharded" / file.name).write_bytes(file.read_bytes())
    assert inspect_folder(folder / "sharded").parameters == whole.parameters
    shard = next((folder / "sharded").glob("model-00002*.safetensors"))
    shard.unlink()
    with pytest.raises(ModelError, match=f"lacks weight files that its index names: {shard.name}"):
        inspect_folder(folder / "sharded")


def test_labels_of_a_classifier(folder: Path) -> None:
    change(folder, architectures=["LlamaForSequenceClassification"], id2label={"1": "good", "0": "bad"})
    info = inspect_folder(folder)
    assert info.labels == ["bad", "good"]
    assert not info.generates


def refuse(folder: Path, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        inspect_folder(folder)
    assert caught.value.remedy


def test_refuses_pickles(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refuse(folder, r"as pytorch_model\.bin, a format that can run code")


def test_refuses_gguf(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model.Q4_K_M.gguf")
    refuse(folder, "is a GGUF model")
    refuse(folder / "model.Q4_K_M.gguf", "is a GGUF model")


def test_refuses_a_single_file(folder: Path) -> None:
    refuse(folder / "model.safetensors", "is a single file; a model is a folder")


def test_refuses_what_is_not_there(folder: Path) -> None:
    refuse(folder / "nothing", "There is no folder")
    refuse(folder.parent, r"has no config\.json")
    (folder / "model.safetensors").unlink()
    refuse(folder, r"has no \.safetensors weights")


def test_refuses_a_folder_without_a_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    refuse(folder, "has no tokenizer")


def test_refuses_an_unknown_architecture(folder: Path) -> None:
    change(folder, model_type="hyperllama", architectures=["HyperLlamaForCausalLM"], auto_map={"AutoConfig": "x.Config"})
    refuse(folder, r"does not know: HyperLlamaForCausalLM\. It comes with its own program code, which is never run")


def test_refuses_a_model_that_does_not_write(folder: Path) -> None:
    change(folder, model_type="vit", architectures=["ViTForImageClassification"])
    refuse(folder, "neither writes nor classifies text")


def test_refuses_quantised_weights(folder: Path) -> None:
    change(folder, quantization_config={"quant_method": "gptq", "bits": 4})
    refuse(folder, "quantised with gptq")


@pytest.mark.parametrize("keep", [0.5, 0.001])
def test_refuses_a_torn_file(folder: Path, keep: float) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * keep)])
    refuse(folder, "not a complete safetensors file")


def test_refuses_broken_settings(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    refuse(folder, r"config\.json cannot be read")


def test_looking_does_not_import_torch(folder: Path) -> None:
    program = (
        "import sys, studio.models.registry, studio.models.guidance, studio.models.memory\n"
        "from studio.models.inspect import inspect_folder\n"
        f"inspect_folder({str(folder)!r})\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
