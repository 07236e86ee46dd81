"""Classification: a head on the model says which label a text has; accuracy, precision, recall and F1 by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.methods.base import MethodSettings, TrainingJob
from studio.methods.encoding import LabelEncoder
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer


class Classify(MethodSettings):
    title: ClassVar[str] = "Classification"
    summary: ClassVar[str] = "Learns to label texts, for example their sentiment."
    row_kinds: ClassVar[tuple[str, ...]] = ("labelled",)
    task: ClassVar[str] = "classifier"
    metric: ClassVar[str] = "eval_f1"
    greater_is_better: ClassVar[bool] = True
    metrics: ClassVar[dict[str, str]] = {"accuracy": "accuracy", "f1": "F1", "precision": "precision", "recall": "recall"}

    kind: Literal["classify"] = "classify"
    class_weights: Literal["none", "balanced"] = setting(
        "none", "Class weights", "balanced: rare labels count more in the loss, in inverse proportion to how often they occur.", basic=True
    )

    @property
    def encoder(self) -> LabelEncoder:
        """A text and the number of its label."""
        return LabelEncoder()

    def build(self, job: TrainingJob) -> Trainer:
        """transformers' trainer on rows of `input_ids` and `labels`, the index of the label."""
        from studio.methods.classifier import build

        return build(job, self.class_weights == "balanced")
