"""Direct preference optimisation: from pairs of answers straight to a model that prefers the better ones, without a reward model.

Rafailov et al. 2023, https://arxiv.org/abs/2305.18290. The implicit reward of an answer is beta times how much likelier the model makes it
than the model that it started from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import ValidationInfo, field_validator

from studio.methods.base import TrainingJob
from studio.methods.pairs import PairMethod
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer

SMOOTHED = ("robust", "exo_pair")
"""The losses that heed label smoothing."""


class DPO(PairMethod):
    title: ClassVar[str] = "Direct preference optimisation"
    summary: ClassVar[str] = "Learns from pairs of answers to prefer the better ones (DPO and its relatives)."
    reference: ClassVar[bool] = True

    kind: Literal["dpo"] = "dpo"
    beta: float = setting(
        0.1, "Beta", "How closely the model stays to the one it starts from; larger stays closer.", basic=True, gt=0, le=100
    )
    loss: Literal[
        "sigmoid",
        "ipo",
        "hinge",
        "robust",
        "exo_pair",
        "nca_pair",
        "bco_pair",
        "sppo_hard",
        "apo_zero",
        "apo_down",
        "discopop",
        "sigmoid_norm",
    ] = setting(
        "sigmoid",
        "Loss",
        "sigmoid: DPO itself; ipo: aims at a margin, learns less by heart; robust: for votes of which some are wrong; "
        "apo_zero: when chosen answers are better than the model's own, apo_down: when they are worse.",
        basic=True,
    )
    label_smoothing: float = setting(
        0.0, "Wrong votes", "Share of the pairs assumed to be the wrong way round; for the losses robust and exo_pair.", ge=0, lt=0.5
    )
    sft_weight: float = setting(
        0.0, "Weight of imitation", "Adds supervised learning of the chosen answers with this weight: keeps them likely.", ge=0, le=100
    )

    @field_validator("label_smoothing")
    @classmethod
    def _heeded(cls, value: float, info: ValidationInfo) -> float:
        loss = info.data.get("loss")
        if value and loss not in (None, *SMOOTHED):
            raise ValueError(f"the loss {loss} does not heed it; choose robust or exo_pair, or 0")
        if loss == "exo_pair" and not value:
            raise ValueError("the loss exo_pair needs more than 0; 0.001 is usual")
        return value

    def build(self, job: TrainingJob) -> Trainer:
        """TRL's trainer on rows of `prompt_ids`, `chosen_ids` and `rejected_ids`."""
        from studio.methods.preference import build

        return build(self, job)
