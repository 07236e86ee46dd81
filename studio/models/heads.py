"""Heads that give numbers: labels in a config, a fresh head, a classifier or reward model made of a model that writes. Needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification

from studio.errors import ModelError
from studio.models.registry import REWARD_LABELS

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

HEADS = ("score", "classifier", "classification_head")


def classifier_head(model: nn.Module) -> nn.Module:
    """A classifier's head; raises `ModelError` when the model has none."""
    head = next((getattr(model, name) for name in HEADS if hasattr(model, name)), None)
    if head is None:
        raise ModelError(f"{type(model).__name__} has no classification head.", "Choose the method classify, or another adaptation.")
    return head


def label_settings(config: PretrainedConfig, labels: list[str]) -> None:
    """Write the labels, in order, into a model's config."""
    config.num_labels = len(labels)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: i for i, label in enumerate(labels)}
    config.problem_type = "regression" if labels == REWARD_LABELS else "single_label_classification"


def new_head(model: PreTrainedModel, labels: list[str]) -> None:
    """Replace a classifier's last linear layer by a random one for these labels, in place."""
    head = classifier_head(model)
    inner = [(name, module) for name, module in head.named_modules() if isinstance(module, nn.Linear)]
    if not inner:
        raise ModelError(f"The head of {type(model).__name__} cannot be replaced.", "Start from a model that is not a classifier.")
    name, old = inner[-1]
    fresh = nn.Linear(old.in_features, len(labels), bias=old.bias is not None, device=old.weight.device, dtype=old.weight.dtype)
    with torch.no_grad():
        fresh.weight.normal_(0.0, getattr(model.config, "initializer_range", 0.02))
        if fresh.bias is not None:
            fresh.bias.zero_()
    if name:
        parent = head.get_submodule(name.rpartition(".")[0])
        setattr(parent, name.rpartition(".")[2], fresh)
    else:
        setattr(model, next(key for key, module in model.named_children() if module is head), fresh)
    label_settings(model.config, labels)
    model.num_labels = len(labels)


def as_classifier(model: PreTrainedModel, labels: list[str]) -> PreTrainedModel:
    """A classifier with the backbone of a model that writes and a fresh head; shares the backbone's weights."""
    config = type(model.config).from_dict(model.config.to_dict())
    label_settings(config, labels)
    reference = next(model.parameters())
    classifier = AutoModelForSequenceClassification.from_config(config, attn_implementation=model.config._attn_implementation)
    classifier = classifier.to(device=reference.device, dtype=reference.dtype)
    setattr(classifier, classifier.base_model_prefix, model.base_model)
    return classifier
