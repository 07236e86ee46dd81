"""Simple preference optimisation: the reward is how likely the model makes a token of the answer, so length gains nothing; no reference.

Meng et al. 2024, https://arxiv.org/abs/2405.14734.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.methods.base import TrainingJob
from studio.methods.pairs import PairMethod
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer


class SimPO(PairMethod):
    title: ClassVar[str] = "Simple preference optimisation"
    summary: ClassVar[str] = "Learns from pairs without a reference model, with rewards that do not grow with length (SimPO)."

    kind: Literal["simpo"] = "simpo"
    beta: float = setting(2.0, "Beta", "Scale of the reward; 2 to 10 are usual.", basic=True, gt=0, le=100)
    gamma: float = setting(1.0, "Gamma", "By how much the chosen answer's reward shall be larger.", basic=True, ge=0, le=100)
    sft_weight: float = setting(
        0.0, "Weight of imitation", "Adds supervised learning of the chosen answers with this weight: keeps them likely.", ge=0, le=100
    )

    def build(self, job: TrainingJob) -> Trainer:
        """Our trainer on rows of `prompt_ids`, `chosen_ids` and `rejected_ids`."""
        from studio.methods.reference_free import build

        return build(self, job)
