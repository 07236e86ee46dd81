"""Scores, weights and losses of classifiers are those of the textbook, and pieces of a batch add up."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from studio.methods.classifier import class_weights, collate, loss_function, scores


def test_scores_by_hand() -> None:
    truth, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])
    found = scores(truth, predicted, ["a", "b", "c", "never"])
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["by_class"]["a"] == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "rows": 3})
    assert found["by_class"]["b"] == pytest.approx({"precision": 2 / 3, "recall": 1.0, "f1": 0.8, "rows": 2})
    assert found["f1"] == pytest.approx((2 / 3 + 0.8 + 0) / 3)


def test_rare_labels_weigh_more_and_the_mean_is_one() -> None:
    weights = class_weights([0] * 9 + [1], 3)
    assert weights[1] == pytest.approx(9 * weights[0])
    assert 0.9 * weights[0] + 0.1 * weights[1] == pytest.approx(1.0)
    assert weights[2] == 0.0


def test_losses_of_pieces_add_up() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 0])
    loss = loss_function([0.5, 1.0, 2.0], smoothing=0.1)
    whole = loss(SimpleNamespace(logits=logits), labels, num_items_in_batch=6)
    parts = [loss(SimpleNamespace(logits=logits[i : i + 2]), labels[i : i + 2], num_items_in_batch=6) for i in (0, 2, 4)]
    assert sum(parts) == pytest.approx(float(whole))
    plain = loss_function(None, 0.0)(SimpleNamespace(logits=logits), labels)
    assert float(plain) == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)))


def test_rows_are_padded_on_the_right() -> None:
    batch = collate([{"input_ids": [5, 6, 7], "labels": 1}, {"input_ids": [8], "labels": 0}], pad=9)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [1, 0]
