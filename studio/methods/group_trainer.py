"""The trainers of methods that draw a group of answers to each prompt (GRPO, RLOO): advantages within the group, the clipped surrogate.

A further one is a subclass of `GroupTrainer` with its `advantages`. Only torch code imports this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from studio.methods.base import TrainingJob
from studio.methods.policy import Experience, Forward, PolicyTrainer, build_policy
from studio.methods.policy_losses import group_advantages, leave_one_out_advantages, masked_mean, policy_loss, reference_divergence

if TYPE_CHECKING:
    from studio.methods.rewarded import GroupMethod

FLAT = 1e-6


class GroupTrainer(PolicyTrainer):
    """Every token of an answer has the advantage of the answer."""

    def advantages(self, experience: Experience) -> torch.Tensor:
        """How much better each answer is than others to its prompt, (rows,)."""
        raise NotImplementedError

    def prepare(self, experience: Experience) -> None:
        experience.more = {"advantages": self.advantages(experience)[:, None] * experience.mask}
        groups = experience.scores.view(-1, self.group)
        self.note(flat_groups=(groups.max(dim=1).values - groups.min(dim=1).values < FLAT).float().mean())

    def minibatch_loss(self, part: Experience, now: Forward) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        found = policy_loss(now.log_p, part.old_log_p, part.more["advantages"], part.mask, self.method.clip)
        return found.loss, found.figures


class GRPOTrainer(GroupTrainer):
    """Divergence from the reference is part of the loss."""

    def advantages(self, experience: Experience) -> torch.Tensor:
        return group_advantages(experience.scores, self.group, self.method.scale)

    def minibatch_loss(self, part: Experience, now: Forward) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        loss, figures = super().minibatch_loss(part, now)
        if self.method.kl_coefficient:
            loss = loss + self.method.kl_coefficient * masked_mean(reference_divergence(now.log_p, part.reference_log_p), part.mask)
        return loss, figures


class RLOOTrainer(GroupTrainer):
    """Divergence from the reference is taken from the reward."""

    def advantages(self, experience: Experience) -> torch.Tensor:
        divergence = ((experience.old_log_p - experience.reference_log_p) * experience.mask).sum(dim=1)
        return leave_one_out_advantages(experience.scores - self.method.kl_coefficient * divergence, self.group)


def build(cls: type, method: GroupMethod, job: TrainingJob) -> Any:
    """The trainer for rows of `prompt_ids`, `messages` and `reference`."""
    return build_policy(cls, method, job, group=method.group, epochs=method.epochs)
