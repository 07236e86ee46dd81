"""The trainer of online preference optimisation: two answers to a prompt become a pair. Only torch code imports this."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from studio.methods.base import TrainingJob
from studio.methods.policy import Experience, Forward, PolicyTrainer, build_policy
from studio.methods.policy_losses import preference_loss

if TYPE_CHECKING:
    from studio.methods.online_dpo import OnlineDPO


class OnlineTrainer(PolicyTrainer):
    """`more["better"]` (rows,) says of both answers of a pair which is better: 1 the first, -1 the second, 0 neither."""

    together = 2

    def prepare(self, experience: Experience) -> None:
        scores = experience.scores.view(-1, 2)
        better = (scores[:, 0] - scores[:, 1]).sign()
        experience.more = {"better": better.repeat_interleave(2)}
        self.note(ties=(better == 0).float().mean())
        compared = better != 0
        if compared.any():
            rewards = self.method.beta * ((experience.old_log_p - experience.reference_log_p) * experience.mask).sum(dim=1).view(-1, 2)
            margins = (better * (rewards[:, 0] - rewards[:, 1]))[compared]
            right = (margins > 0).float() + 0.5 * (margins == 0).float()
            self.note(**{"rewards/margins": margins.mean(), "rewards/accuracies": right.mean()})

    def minibatch_loss(self, part: Experience, now: Forward) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        log_p, reference = (((values * part.mask).sum(dim=1)).view(-1, 2) for values in (now.log_p, part.reference_log_p))
        return preference_loss(log_p, reference, part.more["better"][::2], self.method.beta), {}

    def weight(self, part: Experience) -> float:
        """Pairs of which one answer is better."""
        return float(part.more["better"].abs().sum()) / 2


def build(method: OnlineDPO, job: TrainingJob) -> OnlineTrainer:
    """The trainer for rows of `prompt_ids`, `messages` and `reference`."""
    return build_policy(OnlineTrainer, method, job, group=2, epochs=method.epochs)
