"""Supervised fine-tuning: next-token prediction on chats, on completions, or on plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.methods.base import MethodSettings, TrainingJob
from studio.methods.encoding import SequenceEncoder
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer


class SFT(MethodSettings):
    title: ClassVar[str] = "Supervised fine-tuning"
    summary: ClassVar[str] = "Learns to answer as the answers in the data do."
    row_kinds: ClassVar[tuple[str, ...]] = ("chat", "text")
    metrics: ClassVar[dict[str, str]] = {"token_accuracy": "token accuracy"}
    packs: ClassVar[bool] = True

    kind: Literal["sft"] = "sft"
    train_on: Literal["assistant", "last_answer", "everything"] = setting(
        "assistant",
        "Train on",
        "assistant: all that the assistant says; last_answer: only the last answer of a conversation; everything: prompts too.",
        basic=True,
    )

    @property
    def encoder(self) -> SequenceEncoder:
        """One sequence a row."""
        return SequenceEncoder(self.train_on)

    def build(self, job: TrainingJob) -> Trainer:
        """TRL's trainer on rows of `input_ids` and `labels`."""
        from studio.methods.supervised import build

        return build(job)
