"""Proximal policy optimisation: the model answers, a reward says how good each answer is, and small safe steps make better ones likelier.

Schulman et al. 2017, https://arxiv.org/abs/1707.06347, for language models as in Ziegler et al. 2019, https://arxiv.org/abs/1909.08593:
each answer is one episode, a value head says what to expect from each token on, and leaving the starting model costs reward.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.methods.base import TrainingJob
from studio.methods.rewarded import RewardedMethod
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer


class PPO(RewardedMethod):
    title: ClassVar[str] = "Proximal policy optimisation"
    summary: ClassVar[str] = "Answers prompts and learns from a reward for each answer, held near its start (PPO)."
    metrics: ClassVar[dict[str, str]] = {
        **RewardedMethod.metrics,
        "policy_loss": "policy loss",
        "value_loss": "value loss",
        "clip_fraction": "share of clipped tokens",
        "approx_kl": "divergence within a turn",
        "explained_variance": "explained variance",
        "kl_coefficient": "price of divergence",
    }

    kind: Literal["ppo"] = "ppo"
    epochs: int = setting(4, "Passes over a turn", "How often the answers of a turn are learned from.", basic=True, ge=1, le=100)
    kl_coefficient: float = setting(
        0.05, "Price of divergence", "Reward taken for each nat by which an answer leaves the starting model.", basic=True, ge=0, le=100
    )
    kl_target: float | None = setting(
        None,
        "Target divergence",
        "Adapts the price so that answers stay about this far from the start; empty keeps it.",
        unit="nats an answer",
        gt=0,
        le=10_000,
    )
    kl_horizon: int = setting(10_000, "Horizon of the price", "Answers over which an adaptive price may change by a fifth.", ge=1)
    clip: float = setting(
        0.2, "Clip range", "How far the probability of a token may move in a turn before the gradient stops.", gt=0, le=10
    )
    value_clip: float = setting(0.2, "Clip range of values", "The same for the predicted values.", gt=0, le=100)
    value_weight: float = setting(0.1, "Weight of the value loss", "Beside the policy's.", ge=0, le=100)
    entropy_weight: float = setting(
        0.0, "Reward for variety", "Weight of the entropy; keeps answers from all becoming the same.", ge=0, le=10
    )
    gamma: float = setting(1.0, "Gamma", "Discount from token to token.", gt=0, le=1)
    lam: float = setting(0.95, "Lambda", "From trusting the value head (0) to trusting the whole answer (1).", ge=0, le=1)
    whiten_rewards: bool = setting(False, "Whiten rewards", "Divides the rewards of a turn by their spread.")

    def build(self, job: TrainingJob) -> Trainer:
        """Our trainer on rows of `prompt_ids`, `messages` and `reference`."""
        from studio.methods.ppo_trainer import build

        return build(self, job)
