"""The trainer of PPO: advantages from a value head, the clipped surrogate, an adaptive price of divergence. Only torch code imports this.

The value head stands beside the model, so that the saved model is an ordinary one; it is saved with the checkpoints.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file

from studio.methods.base import TrainingJob
from studio.methods.policy import Experience, Forward, PolicyTrainer, build_policy
from studio.methods.policy_losses import (
    advantages_and_returns,
    masked_mean,
    next_kl_coefficient,
    policy_loss,
    token_rewards,
    value_loss,
    whiten,
)

if TYPE_CHECKING:
    from studio.methods.ppo import PPO

HEAD = "value_head.safetensors"


class PPOTrainer(PolicyTrainer):
    """`value_head` maps a hidden state to the reward that is still to come; `kl_coefficient` is the present price of divergence."""

    value_head: torch.nn.Linear
    kl_coefficient: float

    def prepare(self, experience: Experience) -> None:
        method: PPO = self.method
        mask = experience.mask
        values = self._values(experience) * mask
        log_ratio = experience.old_log_p - experience.reference_log_p
        rewards = token_rewards(experience.scores, log_ratio, mask, self.kl_coefficient)
        if method.whiten_rewards:
            rewards = whiten(rewards, mask, keep_mean=True)
        advantages, returns = advantages_and_returns(rewards, values, mask, method.gamma, method.lam)
        experience.more = {"values": values, "returns": returns, "advantages": whiten(advantages, mask)}
        unexplained = masked_mean((returns - values) ** 2, mask)
        spread = masked_mean((returns - masked_mean(returns, mask)) ** 2, mask)
        self.note(explained_variance=1 - unexplained / spread.clamp(min=1e-8), kl_coefficient=self.kl_coefficient)
        if method.kl_target:
            divergence = float((log_ratio * mask).sum(dim=1).mean())
            self.kl_coefficient = next_kl_coefficient(self.kl_coefficient, divergence, method.kl_target, len(mask), method.kl_horizon)

    def minibatch_loss(self, part: Experience, now: Forward) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        method: PPO = self.method
        found = policy_loss(now.log_p, part.old_log_p, part.more["advantages"], part.mask, method.clip)
        values = self.value_head(now.hidden.float()).squeeze(-1)
        valued = value_loss(values, part.more["values"], part.more["returns"], part.mask, method.value_clip)
        loss = found.loss + method.value_weight * valued
        if method.entropy_weight:
            loss = loss + method.entropy_weight * masked_mean(now.log_p * now.log_p.detach().exp(), part.mask)
        return loss, {"value_loss": valued, **found.figures}

    def _values(self, experience: Experience) -> torch.Tensor:
        def value(now: Forward) -> torch.Tensor:
            return self.value_head(now.hidden.float()).squeeze(-1)

        return self.read(value, experience.ids, experience.attention, self.minibatch)

    # -- the value head learns, is clipped and saved with the model

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        optimizer = super().create_optimizer(model)
        optimizer.add_param_group({"params": list(self.value_head.parameters()), "weight_decay": 0.0})
        return optimizer

    def _clip_grad_norm(self, model: Any) -> Any:
        if self.args.max_grad_norm > 0:
            torch.nn.utils.clip_grad_norm_(self.value_head.parameters(), self.args.max_grad_norm)
        return super()._clip_grad_norm(model)

    def _zero_gradients(self, model: Any) -> None:
        super()._zero_gradients(model)
        self.value_head.zero_grad()

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        self.value_head.zero_grad()  # the loop of the library knows only the model's gradients
        return super().training_step(model, inputs, num_items_in_batch)

    def own_state(self) -> dict[str, Any]:
        return {"kl_coefficient": self.kl_coefficient}

    def take_state(self, values: dict[str, Any]) -> None:
        self.kl_coefficient = float(values["kl_coefficient"])

    def save_own_state(self, path: Path) -> None:
        super().save_own_state(path)
        save_file({name: value.contiguous() for name, value in self.value_head.state_dict().items()}, path / HEAD)

    def load_own_state(self, path: Path) -> None:
        super().load_own_state(path)
        self.value_head.load_state_dict(load_file(path / HEAD))


def build(method: PPO, job: TrainingJob) -> PPOTrainer:
    """The trainer for rows of `prompt_ids`, `messages` and `reference`. The value head starts at 0: it expects nothing."""
    trainer = build_policy(PPOTrainer, method, job, epochs=method.epochs)
    hidden = job.model.config.get_text_config().hidden_size
    head = torch.nn.Linear(hidden, 1, device=trainer.accelerator.device)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    trainer.value_head, trainer.kl_coefficient = head, method.kl_coefficient
    return trainer
