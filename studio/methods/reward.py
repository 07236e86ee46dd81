"""Reward modelling: a head on the model says with one number how good an answer is, learned from pairs, rankings or ratings.

Pairs and rankings: Bradley-Terry within each ranking (Ouyang et al. 2022, https://arxiv.org/abs/2203.02155, equation 1) or Plackett-Luce
over the whole of it. Ratings: regression. All answers to one prompt go through the model together and count as one row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.methods.base import MethodSettings, TrainingJob
from studio.methods.encoding import RankedEncoder
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer


class Reward(MethodSettings):
    title: ClassVar[str] = "Reward model"
    summary: ClassVar[str] = "Learns to say with a number how good an answer is, from pairs, rankings or ratings."
    row_kinds: ClassVar[tuple[str, ...]] = ("preference", "ranking", "rating")
    task: ClassVar[str] = "reward"
    metrics: ClassVar[dict[str, str]] = {
        "order_accuracy": "order accuracy",
        "margin": "reward margin",
        "reward_mean": "mean reward",
        "reward_std": "spread of the rewards",
    }
    sequences: ClassVar[int] = 4
    usual_rate: ClassVar[float] = 0.5
    unheeded: ClassVar[tuple[str, ...]] = ("optim.label_smoothing", "optim.neftune_noise_alpha")

    kind: Literal["reward"] = "reward"
    loss: Literal["pairwise", "listwise"] = setting(
        "pairwise",
        "Loss",
        "pairwise: mean over the couples of a ranking (Bradley-Terry); listwise: the whole order (Plackett-Luce). Ratings use neither.",
        basic=True,
    )
    margins: bool = setting(True, "Heed margins", "Pairs that come with a margin are to differ by at least that much.")
    centering: float = setting(
        0.01, "Centering", "Holds the mean reward of a prompt's answers near 0, so that rewards of prompts can be compared.", ge=0, le=10
    )

    @property
    def encoder(self) -> RankedEncoder:
        """A prompt and the answers that were judged."""
        return RankedEncoder()

    def build(self, job: TrainingJob) -> Trainer:
        """Our trainer on rows of `sequences` with `ranks`, `margin` and `score`."""
        from studio.methods.ranked import build

        return build(self, job)
