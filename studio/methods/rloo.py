"""Reinforce, leave one out: several answers to each prompt, each measured against the mean of the others.

Ahmadian et al. 2024, https://arxiv.org/abs/2402.14740: an answer is one action, leaving the starting model costs reward, and what the other
answers got is the baseline. Passes over a turn after the first one are held by the clip of PPO.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.methods.base import TrainingJob
from studio.methods.rewarded import GroupMethod
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer


class RLOO(GroupMethod):
    title: ClassVar[str] = "Reinforce, leave one out"
    summary: ClassVar[str] = "Draws several answers to a prompt and measures each against the mean of the others (RLOO)."

    kind: Literal["rloo"] = "rloo"
    kl_coefficient: float = setting(
        0.05, "Price of divergence", "Reward taken for each nat by which an answer leaves the starting model.", basic=True, ge=0, le=100
    )

    def build(self, job: TrainingJob) -> Trainer:
        """Our trainer on rows of `prompt_ids`, `messages` and `reference`."""
        from studio.methods.group_trainer import RLOOTrainer, build

        return build(RLOOTrainer, self, job)
