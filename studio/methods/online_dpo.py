"""Online preference optimisation: the model draws two answers to each prompt, a reward says which is better, and it learns to prefer that.

Guo et al. 2024, https://arxiv.org/abs/2402.04792, with the loss of DPO. Only the order of the rewards counts, not their size; two answers
with the same reward teach nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.methods.base import TrainingJob
from studio.methods.rewarded import RewardedMethod
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer


class OnlineDPO(RewardedMethod):
    title: ClassVar[str] = "Online preference optimisation"
    summary: ClassVar[str] = "Draws two answers to a prompt and learns to prefer the one with the higher reward (online DPO)."
    metrics: ClassVar[dict[str, str]] = {
        **RewardedMethod.metrics,
        "rewards/margins": "reward margin",
        "rewards/accuracies": "reward accuracy",
        "ties": "share of ties",
    }

    kind: Literal["online_dpo"] = "online_dpo"
    beta: float = setting(
        0.1, "Beta", "How closely the model stays to the one it starts from; larger stays closer.", basic=True, gt=0, le=100
    )
    epochs: int = setting(1, "Passes over a turn", "How often the answers of a turn are learned from.", ge=1, le=100)

    def build(self, job: TrainingJob) -> Trainer:
        """Our trainer on rows of `prompt_ids`, `messages` and `reference`."""
        from studio.methods.online_trainer import build

        return build(self, job)
