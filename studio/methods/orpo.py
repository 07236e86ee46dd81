"""Odds ratio preference optimisation: supervised learning of the chosen answer and preference in one step, without a reference model.

Hong et al. 2024, https://arxiv.org/abs/2403.07691. It starts from a base model rather than from one that is tuned already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.methods.base import TrainingJob
from studio.methods.pairs import PairMethod
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer


class ORPO(PairMethod):
    title: ClassVar[str] = "Odds ratio preference optimisation"
    summary: ClassVar[str] = "Learns the chosen answers and to prefer them at once, without a reference model (ORPO)."

    kind: Literal["orpo"] = "orpo"
    beta: float = setting(
        0.1, "Beta", "Weight of the preference beside the imitation of the chosen answers (lambda in the paper).", basic=True, gt=0, le=100
    )

    def build(self, job: TrainingJob) -> Trainer:
        """Our trainer on rows of `prompt_ids`, `chosen_ids` and `rejected_ids`."""
        from studio.methods.reference_free import build

        return build(self, job)
