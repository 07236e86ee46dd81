"""The registry: adding, naming, deleting, lineage, the embedded model and the Hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studio.errors import ModelError, NotFoundError
from studio.models import registry
from studio.models.adaptations import IA3, LoRA
from studio.models.guidance import advice, good_for
from studio.models.loading import load_for_inference, load_for_training
from studio.workspace import Workspace
from tests.studio.models.helpers import LABELS, add, logits, save_product, train
from tests.tiny import make_model


def lora(ws: Workspace, name: str = "tuned", base: str = "llama") -> registry.ModelInfo:
    model, tokenizer = load_for_training(ws, base, LoRA(rank=4), device="cpu")
    train(model, tokenizer, "causal")
    return save_product(ws, name, base, model, tokenizer, LoRA(rank=4), "causal")


@pytest.fixture
def starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An assets folder of its own, with no embedded model yet; gives where that would be."""
    monkeypatch.setattr(registry, "assets_dir", lambda: tmp_path / "assets")
    return tmp_path / "assets" / "starter"


def test_the_embedded_model_registers_itself(workspace: Workspace, starter: Path) -> None:
    missing = registry.get_model(workspace, "starter")
    assert (missing.source, missing.kind, missing.available) == ("embedded", "base", False)
    assert [model.name for model in registry.list_models(workspace)] == ["starter"]
    assert "files are missing" in good_for(missing)
    with pytest.raises(ModelError, match="embedded model is missing"):
        load_for_inference(workspace, "starter", device="cpu")

    make_model(starter)
    present = registry.get_model(workspace, "starter")
    assert present.available
    assert present.parameters > 10_000
    assert present.id == missing.id
    (starter / "model.safetensors").write_bytes(b"torn")
    assert registry.list_models(workspace)[0].available is False


def test_the_embedded_model_stays(workspace: Workspace, starter: Path) -> None:
    with pytest.raises(ModelError, match="cannot be deleted"):
        registry.delete_model(workspace, "starter")
    with pytest.raises(ModelError, match="keeps its name"):
        registry.rename_model(workspace, "starter", "mine")
    assert registry.set_note(workspace, "starter", "small").note == "small"


def test_a_local_folder_stays_where_it_is(workspace: Workspace) -> None:
    info = add(workspace)
    assert info.path == workspace.root.parent / "llama"
    assert (info.kind, info.source, info.template, info.base, info.run) == ("base", "local", "own", None, None)
    assert len(info.sha256) == 64
    with pytest.raises(ModelError, match="already here under the name llama"):
        registry.add_local(workspace, info.path)


def test_names_are_unique(workspace: Workspace, tmp_path: Path) -> None:
    add(workspace)
    other = registry.add_local(workspace, make_model(tmp_path / "elsewhere" / "llama", "gpt2"))
    assert other.name == "llama-2"
    assert registry.add_local(workspace, make_model(tmp_path / "third"), "starter").name == "starter-2"
    with pytest.raises(ModelError, match="name llama is taken"):
        registry.rename_model(workspace, "llama-2", "llama")
    with pytest.raises(ModelError, match="cannot be a name"):
        registry.rename_model(workspace, "llama-2", "../llama")
    assert registry.rename_model(workspace, "llama-2", "my gpt").name == "my gpt"
    with pytest.raises(NotFoundError, match=r"no model llama-2\. Choose one of: .*my gpt"):
        registry.get_model(workspace, "llama-2")


def test_a_harmful_template_keeps_a_model_out(workspace: Workspace, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "bad", template="{{ 9 ** 99999999 }}")
    with pytest.raises(ModelError, match="is refused"):
        registry.add_local(workspace, folder)
    assert "bad" not in [model.name for model in registry.list_models(workspace)]


def test_the_product_of_a_run(workspace: Workspace) -> None:
    base = add(workspace)
    info = lora(workspace)
    assert (info.kind, info.source, info.base, info.run, info.adapter) == ("adapter", "run", "llama", "tuned", True)
    assert info.path == workspace.runs / "tuned" / "model"
    assert (info.architecture, info.parameters, info.layers) == (base.architecture, base.parameters, base.layers)
    assert info.adaptation is not None
    assert (info.adaptation["kind"], info.adaptation["rank"]) == ("lora", 4)
    assert info.sha256 != base.sha256
    moved = shutil.move(str(workspace.root), str(workspace.root.parent / "moved"))
    assert registry.get_model(Workspace(moved), "tuned").available


def test_the_labels_of_a_classifier_s_adapter_come_from_its_lineage(workspace: Workspace) -> None:
    add(workspace)
    model, tokenizer = load_for_training(workspace, "llama", LoRA(rank=4), "classifier", LABELS, device="cpu")
    first = save_product(workspace, "first", "llama", model, tokenizer, LoRA(rank=4), "classifier")
    with pytest.raises(ModelError, match="does not say which labels"):
        registry.register_run_model(workspace, "second", "classifier", first.path, "llama", 1)
    (first.path / "lineage.json").write_text('{"labels": ["bad", "good"]}')
    second = registry.register_run_model(workspace, "second", "classifier", first.path, "llama", 1)
    assert second.labels == LABELS
    assert "2 labels" in good_for(second)


def test_lineage_reaches_the_first_model(workspace: Workspace) -> None:
    add(workspace)
    lora(workspace)
    model, tokenizer = load_for_training(workspace, "tuned", IA3(), device="cpu")
    save_product(workspace, "twice", "tuned", model, tokenizer, IA3(), "causal", ["praise@2", "support"])
    assert registry.lineage(workspace, "twice") == [
        "twice was made by the run twice with sft and ia3 on praise@2, support, starting from tuned.",
        "tuned was made by the run tuned with sft and lora of rank 4 on support@3, starting from llama.",
        f"llama was added from the folder {workspace.root.parent / 'llama'}.",
    ]


def test_deleting_and_restoring(workspace: Workspace) -> None:
    add(workspace)
    lora(workspace)
    with pytest.raises(ModelError, match="llama is the base of tuned"):
        registry.delete_model(workspace, "llama")
    registry.delete_model(workspace, "tuned")
    registry.delete_model(workspace, "llama")
    assert {model.name for model in registry.list_models(workspace, deleted=True)} == {"tuned", "llama"}
    with pytest.raises(ModelError, match="Restore llama first"):
        registry.restore_model(workspace, "tuned")
    registry.restore_model(workspace, "llama")
    assert registry.restore_model(workspace, "tuned").base == "llama"
    model, tokenizer = load_for_inference(workspace, "tuned", device="cpu")
    assert logits(model, tokenizer, "causal").shape[-1] == model.config.vocab_size
    with pytest.raises(NotFoundError, match="no deleted model"):
        registry.restore_model(workspace, "tuned")


def test_a_local_adapter_needs_its_base(workspace: Workspace, tmp_path: Path) -> None:
    add(workspace)
    expected_model, tokenizer = load_for_training(workspace, "llama", LoRA(rank=4), device="cpu")
    train(expected_model, tokenizer, "causal")
    expected_model.save_pretrained(tmp_path / "adapter")
    with pytest.raises(ModelError, match="it needs the model that it was trained on"):
        registry.add_local(workspace, tmp_path / "adapter")
    info = registry.add_local(workspace, tmp_path / "adapter", base="llama")
    assert (info.kind, info.base, info.adapter) == ("adapter", "llama", True)
    model, tokenizer = load_for_inference(workspace, "adapter", device="cpu")
    assert logits(model, tokenizer, "causal").allclose(logits(expected_model, tokenizer, "causal"), atol=1e-5)
    assert registry.continues(info, LoRA(rank=4).model_dump(), "causal")
    assert not registry.continues(info, LoRA(rank=8).model_dump(), "causal")


def test_a_pickled_adapter_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    add(workspace)
    model, _ = load_for_training(workspace, "llama", LoRA(rank=4), device="cpu")
    model.save_pretrained(tmp_path / "adapter")
    (tmp_path / "adapter" / "adapter_model.safetensors").rename(tmp_path / "adapter" / "adapter_model.bin")
    with pytest.raises(ModelError, match="can run code"):
        registry.add_local(workspace, tmp_path / "adapter", base="llama")


def test_the_network_is_asked_for(workspace: Workspace) -> None:
    assert registry.network_allowed(workspace) is False
    with pytest.raises(ModelError, match="does not use the network"):
        registry.add_hub(workspace, "some/model")
    registry.allow_network(workspace, True)
    assert registry.network_allowed(workspace) is True
    with pytest.raises(ModelError, match="neither a folder"):
        registry.add_hub(workspace, "not a model")
    registry.allow_network(workspace, False)
    assert registry.network_allowed(workspace) is False


def test_a_hub_that_cannot_be_reached(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.allow_network(workspace, True)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"cannot be reached to download some/model.*copy the model's folder"):
        registry.add_hub(workspace, "some/model")
    assert not any(workspace.models.iterdir())


def test_guidance_speaks_of_this_machine(workspace: Workspace) -> None:
    from studio.device import DeviceInfo

    info = add(workspace)
    assert "31k parameters" in good_for(info)
    roomy = advice(info, DeviceInfo("cpu", "CPU", 2, 16 * 2**30, 8 * 2**30, False))
    assert [entry.adaptation for entry in roomy] == ["full", "last_layers", "lora", "rslora", "dora", "qlora", "ia3", "prompt_tuning"]
    assert all(entry.fits for entry in roomy)
    assert roomy[1].sentence.startswith("Last layers of 2 fits")
    tight = advice(info, DeviceInfo("cpu", "CPU", 2, 2**20, 2**20, False))
    assert not any(entry.fits for entry in tight)
    assert "does not fit" in tight[0].sentence
