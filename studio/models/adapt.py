"""Applying an adaptation to a loaded model: which weights move. Needs torch and PEFT; the settings stand in `adaptations.py`.

To add an adaptation, write its settings class there and a branch in `adapt` here; `tests/studio/models/test_adapt.py` proves for each that
a training step moves exactly the weights that it names.

Tied embeddings: many small models use one tensor as input embedding and output head. Training the last layers must not move the input
of the frozen layers, so the head is first copied into a tensor of its own; the saved model is larger by that tensor and says so in its
config.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peft import IA3Config, LoraConfig, PeftModel, PromptTuningConfig, PromptTuningInit, TaskType, get_peft_model
from peft.utils.constants import (
    TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING,
    TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING,
)
from torch import nn
from transformers.pytorch_utils import Conv1D

from studio.errors import ModelError
from studio.models.adaptations import IA3, AdaptationSettings, DoRA, Full, HeadOnly, LastLayers, LowRank, PromptTuning, RsLoRA
from studio.models.heads import classifier_head

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel

KEY_VALUE = {"k_proj", "v_proj", "key", "value", "c_attn", "query_key_value", "qkv_proj", "Wqkv", "in_proj", "kv_b_proj"}
FEED_FORWARD = {"down_proj", "dense_4h_to_h", "fc2", "fc_out", "w2", "wo", "mlp.c_proj", "ffn.out_proj", "output.dense"}


def adapt(model: PreTrainedModel, adaptation: AdaptationSettings, task: str) -> Any:
    """The model with exactly the adaptation's weights trainable; `task` is "causal", "classifier" or "reward".

    Returns a PEFT model for adapters and the model itself otherwise. A model that is a PEFT model already (it continues its adapter) is
    returned as it is. Raises `ModelError` when the adaptation does not suit the model.
    """
    if isinstance(model, PeftModel):
        return model
    if adaptation.peft:
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        return get_peft_model(model, _peft_config(model, adaptation, task))
    if isinstance(adaptation, Full):
        for parameter in model.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
    elif isinstance(adaptation, HeadOnly):
        _train_only(model, [classifier_head(model)])
    elif isinstance(adaptation, LastLayers):
        _train_only(model, _last_modules(model, adaptation.layers, task))
    else:
        raise ModelError(f"The adaptation {adaptation.title} is not known here.", "Choose another adaptation.")
    return model


def trainable_parameters(model: nn.Module) -> tuple[int, int]:
    """How many parameters a step can move, and how many there are; 4-bit weights count as the numbers that they stand for."""
    trainable = total = 0
    for parameter in model.parameters():
        count = parameter.numel()
        if type(parameter).__name__ == "Params4bit":
            count *= 2 * parameter.element_size()  # two 4-bit numbers to a byte of storage
        total += count
        trainable += count if parameter.requires_grad else 0
    return trainable, total


def transformer_layers(model: nn.Module) -> nn.ModuleList:
    """The list of a model's transformer layers, found as the `ModuleList` that holds the most weights."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList) and len(module)]
    if not lists:
        raise ModelError(f"{type(model).__name__} has no list of layers.", "Choose full fine-tuning or another model.")
    return max(lists, key=lambda module: trainable_parameters(module)[1])


def linear_names(model: nn.Module) -> list[str]:
    """The names of the linear layers inside the transformer's layers (`q_proj`, `down_proj`); heads and embeddings are not among them."""
    names = {
        name.rsplit(".", 1)[-1]
        for name, module in transformer_layers(model).named_modules()
        if isinstance(module, (nn.Linear, Conv1D)) or type(module).__name__ == "Linear4bit"
    }
    return sorted(names)


def _train_only(model: nn.Module, modules: list[nn.Module]) -> None:
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for module in modules:
        for parameter in module.parameters():
            parameter.requires_grad_(parameter.is_floating_point())


def _last_modules(model: PreTrainedModel, count: int, task: str) -> list[nn.Module]:
    """The last `count` layers, what stands behind them in the backbone (the final norm), and the head."""
    layers = transformer_layers(model)
    if count > len(layers):
        raise ModelError(f"The model has {len(layers)} layers, and {count} are asked for.", f"Set layers to {len(layers)} or fewer.")
    if task != "causal":
        head = classifier_head(model)
    else:
        _untie(model)
        head = model.get_output_embeddings()
    return [*layers[len(layers) - count :], *_final_norms(model, layers), head]


def _final_norms(model: nn.Module, layers: nn.ModuleList) -> list[nn.Module]:
    """The normalisation between the last layer and the head: siblings of the list of layers that stand behind it."""
    parent = next(module for module in model.modules() if any(child is layers for child in module.children()))
    siblings = list(parent.children())
    behind = siblings[next(i for i, child in enumerate(siblings) if child is layers) + 1 :]
    return [child for child in behind if "norm" in type(child).__name__.lower()]


def _untie(model: PreTrainedModel) -> None:
    """Give the output head a tensor of its own where it shares the input embedding's."""
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    if head is None or head.weight is not embedding.weight:
        return
    head.weight = nn.Parameter(embedding.weight.detach().clone())
    model.config.tie_word_embeddings = False
    model.all_tied_weights_keys = {}


def _peft_config(model: PreTrainedModel, adaptation: AdaptationSettings, task: str) -> PeftConfig:
    task_type = TaskType.CAUSAL_LM if task == "causal" else TaskType.SEQ_CLS
    if isinstance(adaptation, LowRank):
        targets = _targets(model, adaptation.targets)
        return LoraConfig(
            task_type=task_type,
            r=adaptation.rank,
            lora_alpha=adaptation.alpha,
            lora_dropout=adaptation.dropout,
            target_modules=targets,
            use_rslora=isinstance(adaptation, RsLoRA),
            use_dora=isinstance(adaptation, DoRA),
            fan_in_fan_out=_fan_in_fan_out(model, targets),
        )
    if isinstance(adaptation, IA3):
        targets, feed_forward = ia3_targets(model)
        return IA3Config(
            task_type=task_type,
            target_modules=targets,
            feedforward_modules=feed_forward,
            fan_in_fan_out=_fan_in_fan_out(model, targets),
        )
    if isinstance(adaptation, PromptTuning) and task == "causal":
        return PromptTuningConfig(
            task_type=task_type, num_virtual_tokens=adaptation.virtual_tokens, prompt_tuning_init=PromptTuningInit.SAMPLE_VOCAB
        )
    raise ModelError(f"{adaptation.title} cannot train this kind of model.", "Choose LoRA.")


def _targets(model: nn.Module, wanted: str) -> list[str]:
    known = linear_names(model)
    if wanted.strip() == "all-linear":
        return known
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    unknown = [name for name in names if name.rsplit(".", 1)[-1] not in known]
    if unknown or not names:
        raise ModelError(
            f"The model has no layers named {', '.join(unknown or [wanted])}.", f"Choose all-linear, or among: {', '.join(known)}."
        )
    return names


def ia3_targets(model: PreTrainedModel) -> tuple[list[str], list[str]]:
    """The layers that IA3 scales, and which of them are feed-forward: keys, values and the last feed-forward matrix (Liu et al. 2022,
    https://arxiv.org/abs/2205.05638). PEFT's defaults where it has them for this architecture, else found by their usual names."""
    names = [name for name, module in transformer_layers(model).named_modules() if isinstance(module, (nn.Linear, Conv1D))]
    model_type = getattr(model.config, "model_type", "")
    default = TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING.get(model_type, [])
    if default and all(_found(target, names) for target in default):
        return list(default), list(TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING.get(model_type, []))
    feed_forward = sorted(target for target in FEED_FORWARD if _found(target, names))
    attention = sorted(target for target in KEY_VALUE if _found(target, names))
    if not feed_forward or not attention:
        raise ModelError(f"IA3 does not know which layers of {type(model).__name__} to scale.", "Choose LoRA.")
    return attention + feed_forward, feed_forward


def _found(target: str, names: list[str]) -> bool:
    return any(name == target or name.endswith(f".{target}") for name in names)


def _fan_in_fan_out(model: nn.Module, targets: list[str]) -> bool:
    """Whether the targeted layers store their matrix transposed, as GPT-2's do."""
    found = [module for name, module in transformer_layers(model).named_modules() if any(_found(target, [name]) for target in targets)]
    return bool(found) and all(isinstance(module, Conv1D) for module in found)
