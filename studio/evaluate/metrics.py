"""Metrics: pure functions from predictions to numbers. No torch.

To add a metric, add a function here and name it in the report that should show it (`studio/evaluate/report.py`).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

LARGEST_EXPONENT = 700.0


@dataclass(frozen=True)
class ClassMetrics:
    """Precision, recall and F1 of one label; `support` is how many rows truly have it."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ClassificationReport:
    """Accuracy; precision, recall and F1 as unweighted means over the labels ("macro"); the same for each label.

    `majority_baseline` is the accuracy of always answering the most frequent label, `majority_label`. `confusion[i][j]` counts rows of the
    i-th label (in the order of `by_class`) that were taken for the j-th.
    """

    accuracy: float
    precision: float
    recall: float
    f1: float
    majority_baseline: float
    majority_label: str
    by_class: dict[str, ClassMetrics]
    confusion: list[list[int]]


def classification_report(y_true: list[str], y_pred: list[str], labels: list[str]) -> ClassificationReport:
    """Compare true and predicted labels (as names). Labels are `labels`, plus those that occur in the truth without being among them.

    Precision is TP / (TP + FP), recall TP / (TP + FN), F1 their harmonic mean, each 0 where the denominator is (van Rijsbergen 1979,
    Information Retrieval, chapter 7; computed by scikit-learn). Raises `ValueError` without rows or with lists of different length.
    """
    if not y_true or len(y_true) != len(y_pred):
        raise ValueError(f"{len(y_true)} true and {len(y_pred)} predicted labels cannot be compared")
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support  # slow to import

    names = list(dict.fromkeys([*labels, *y_true]))
    precision, recall, f1, support = precision_recall_fscore_support(y_true, y_pred, labels=names, zero_division=0.0)
    by_class = {name: ClassMetrics(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i])) for i, name in enumerate(names)}
    majority, count = Counter(y_true).most_common(1)[0]
    return ClassificationReport(
        accuracy=float(accuracy_score(y_true, y_pred)),
        precision=float(precision.mean()),
        recall=float(recall.mean()),
        f1=float(f1.mean()),
        majority_baseline=count / len(y_true),
        majority_label=majority,
        by_class=by_class,
        confusion=confusion_matrix(y_true, y_pred, labels=names).tolist(),
    )


def perplexity(loss: float) -> float:
    """exp of the mean negative log-likelihood a token, `loss` in nats (Jelinek et al. 1977, J. Acoust. Soc. Am. 62, S63)."""
    return math.exp(loss) if loss < LARGEST_EXPONENT else math.inf
