"""The memory estimate: its parts, what makes it grow, and that it meets what autograd really keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from studio.device import DeviceInfo
from studio.models.adaptations import AdaptationSettings, DoRA, Full, HeadOnly, LastLayers, LoRA, QLoRA
from studio.models.inspect import Matrix
from studio.models.loading import load_for_training
from studio.models.memory import SCRATCH, MemoryEstimate, estimate
from studio.models.registry import ModelInfo
from studio.optim import Optim
from studio.workspace import Workspace
from tests.studio.models.helpers import add

CPU = DeviceInfo("cpu", "CPU", 8, 64 * 2**30, 60 * 2**30, False)
GPU = DeviceInfo("cuda", "GPU", 8, 24 * 2**30, 23 * 2**30, True)


@pytest.fixture
def eight_billion(workspace: Workspace) -> ModelInfo:
    """The shape of an 8B Llama with grouped key and value heads."""
    shapes = [("q_proj", 4096, 4096), ("o_proj", 4096, 4096), ("k_proj", 1024, 4096), ("v_proj", 1024, 4096)]
    shapes += [("gate_proj", 14336, 4096), ("up_proj", 14336, 4096), ("down_proj", 4096, 14336)]
    matrices = [Matrix(name, rows, columns, 32) for name, rows, columns in shapes]
    size = {"parameters": 8_030_261_248, "layers": 32, "hidden": 4096, "vocabulary": 128_256, "context_length": 8192}
    return replace(add(workspace), tied=False, matrices=matrices, **size)


def needs(
    info: ModelInfo, adaptation: AdaptationSettings, device: DeviceInfo = GPU, task: str = "causal", **optim: object
) -> MemoryEstimate:
    return estimate(info, adaptation, Optim(per_device_batch_size=1, **optim), 2048, task, device)


def test_the_usual_sizes_of_an_8b_model(eight_billion: ModelInfo) -> None:
    full = needs(eight_billion, Full())
    assert full.weights + full.gradients + full.optimizer == pytest.approx(18 * eight_billion.parameters, rel=0.001)
    assert not full.fits
    lora = needs(eight_billion, LoRA(), gradient_checkpointing="on")
    assert lora.weights / 2**30 == pytest.approx(15.1, abs=0.2)
    qlora = needs(eight_billion, QLoRA(), gradient_checkpointing="on")
    assert 5 < qlora.weights / 2**30 < 6
    assert qlora.fits


def test_what_makes_it_smaller_and_larger(eight_billion: ModelInfo) -> None:
    plain = needs(eight_billion, LoRA())
    assert needs(eight_billion, LoRA(), gradient_checkpointing="on").activations < plain.activations / 4
    assert needs(eight_billion, LoRA(rank=64)).optimizer == 4 * plain.optimizer
    assert needs(eight_billion, DoRA()).optimizer > plain.optimizer
    assert needs(eight_billion, Full(), optimizer="adafactor").optimizer < needs(eight_billion, Full()).optimizer / 100
    assert needs(eight_billion, Full(), optimizer="sgd").optimizer == 0
    assert needs(eight_billion, LoRA(), label_smoothing=0.1).activations > plain.activations
    assert needs(eight_billion, LoRA(), precision="float32").weights > 1.9 * plain.weights
    assert needs(eight_billion, LastLayers(layers=2)).total < needs(eight_billion, LastLayers(layers=8)).total
    assert needs(eight_billion, HeadOnly(), task="classifier").activations < plain.activations / 10
    assert plain.total == plain.weights + plain.gradients + plain.optimizer + plain.activations
    assert plain.available == GPU.free_bytes


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gpt2"])
@pytest.mark.parametrize("adaptation", [Full(), LoRA()], ids=lambda value: value.kind)
def test_activations_are_what_autograd_keeps(workspace: Workspace, architecture: str, adaptation: AdaptationSettings) -> None:
    info = add(workspace, architecture)
    model, _ = load_for_training(workspace, architecture, adaptation, precision="float32", device="cpu")
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    model.train()
    backbone = (model.get_base_model() if adaptation.peft else model).base_model
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        backbone(input_ids=torch.randint(0, 300, (4, 128)))
    measured = sum(storage.nbytes() for storage in kept.values())
    without_vocabulary = replace(info, vocabulary=0)
    optim = Optim(per_device_batch_size=4, precision="float32")
    said = estimate(without_vocabulary, adaptation, optim, 128, "causal", CPU).activations - SCRATCH
    assert said == pytest.approx(measured, rel=0.35)
