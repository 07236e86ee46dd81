"""Group-relative policy optimisation: several answers to each prompt, and those that are better than the others become likelier.

Shao et al. 2024, https://arxiv.org/abs/2402.03300: the other answers to a prompt take the place of a value head, and divergence from the
reference is part of the loss. The loss is a mean over the tokens of all answers, so that long answers do not count less for each token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.methods.base import TrainingJob
from studio.methods.rewarded import GroupMethod
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer


class GRPO(GroupMethod):
    title: ClassVar[str] = "Group-relative policy optimisation"
    summary: ClassVar[str] = "Draws several answers to a prompt and makes the better ones likelier, without a value head (GRPO)."

    kind: Literal["grpo"] = "grpo"
    kl_coefficient: float = setting(
        0.04, "Price of divergence", "Weight of the divergence from the starting model in the loss.", basic=True, ge=0, le=100
    )
    scale: bool = setting(
        True,
        "Scale by the spread",
        "Divides advantages by the spread of the rewards of a prompt's answers; off, prompts whose answers differ more count for more.",
    )

    def build(self, job: TrainingJob) -> Trainer:
        """Our trainer on rows of `prompt_ids`, `messages` and `reference`."""
        from studio.methods.group_trainer import GRPOTrainer, build

        return build(GRPOTrainer, self, job)
