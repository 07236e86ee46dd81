"""The trainer of classifiers: padded batches, class weights, label smoothing, and accuracy, precision, recall and F1 by class.

Only torch code imports this; the settings are in `classify.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from sklearn.metrics import precision_recall_fscore_support
from torch.nn.utils.rnn import pad_sequence
from transformers import Trainer, TrainingArguments

from studio.methods.base import TrainingJob


def build(job: TrainingJob, balanced: bool) -> Trainer:
    """The trainer for rows with `input_ids` and `labels` (the index of the label); `balanced` weighs rare labels more."""
    pad = job.tokenizer.pad_token_id
    job.model.config.pad_token_id = pad
    weights = class_weights(job.train["labels"], len(job.labels)) if balanced else None
    return job.trainer_class(Trainer)(
        model=job.model,
        args=TrainingArguments(**job.arguments),
        train_dataset=job.train,
        eval_dataset=job.validation,
        processing_class=job.tokenizer,
        data_collator=lambda rows: collate(rows, pad),
        compute_metrics=lambda prediction: scores(prediction.label_ids, prediction.predictions.argmax(-1), job.labels),
        compute_loss_func=loss_function(weights, job.label_smoothing),
        callbacks=job.callbacks,
    )


def collate(rows: list[dict[str, Any]], pad: int) -> dict[str, torch.Tensor]:
    """Rows as tensors, padded on the right to the longest of them."""
    ids = [torch.tensor(row["input_ids"]) for row in rows]
    return {
        "input_ids": pad_sequence(ids, batch_first=True, padding_value=pad),
        "attention_mask": pad_sequence([torch.ones_like(row) for row in ids], batch_first=True),
        "labels": torch.tensor([row["labels"] for row in rows]),
    }


def class_weights(labels: list[int], count: int) -> list[float]:
    """Weights in inverse proportion to how often each label occurs (King and Zeng 2001), with a mean of 1 over the rows."""
    occurs = Counter(labels)
    return [len(labels) / (len(occurs) * occurs[label]) if occurs[label] else 0.0 for label in range(count)]


def loss_function(weights: list[float] | None, smoothing: float) -> Callable[..., torch.Tensor]:
    """Cross-entropy, summed over the rows and divided by the rows of the whole optimizer step, so that pieces of a batch add up."""

    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        logits = outputs.logits.float()
        weight = None if weights is None else torch.tensor(weights, device=logits.device)
        total = torch.nn.functional.cross_entropy(logits, labels, weight, reduction="sum", label_smoothing=smoothing)
        return total / (labels.numel() if num_items_in_batch is None else num_items_in_batch)

    return loss


def scores(truth: Any, predicted: Any, labels: list[str]) -> dict[str, Any]:
    """Accuracy, and precision, recall and F1 as means over the labels that occur (macro) and for each label."""
    numbers = list(range(len(labels)))
    precision, recall, f1, support = precision_recall_fscore_support(truth, predicted, labels=numbers, zero_division=0)
    seen = [number for number in numbers if support[number] or (predicted == number).any()]
    return {
        "accuracy": float((truth == predicted).mean()),
        "precision": float(precision[seen].mean()),
        "recall": float(recall[seen].mean()),
        "f1": float(f1[seen].mean()),
        "by_class": {
            label: {"precision": float(precision[i]), "recall": float(recall[i]), "f1": float(f1[i]), "rows": int(support[i])}
            for i, label in enumerate(labels)
        },
    }
