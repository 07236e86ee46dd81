"""Learning from marks: answers that people called acceptable or not, without pairs.

Kahneman-Tversky optimisation, Ethayarajh et al. 2024, https://arxiv.org/abs/2402.01306: what counts is how far an answer's likelihood moves
from the reference, seen from the point where answers move on average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.methods.base import WITHOUT_DROPOUT, MethodSettings, TrainingJob
from studio.methods.encoding import MarkEncoder
from studio.settings import setting

if TYPE_CHECKING:
    from transformers import Trainer


class KTO(MethodSettings):
    title: ClassVar[str] = "Learning from marks"
    summary: ClassVar[str] = "Learns from answers marked acceptable or not, each by itself (KTO)."
    row_kinds: ClassVar[tuple[str, ...]] = ("unpaired",)
    metrics: ClassVar[dict[str, str]] = {
        "rewards/chosen": "reward of the acceptable",
        "rewards/rejected": "reward of the others",
        "rewards/margins": "reward margin",
        "logps/chosen": "log-probability of the acceptable",
        "logps/rejected": "log-probability of the others",
        "kl": "divergence from the reference",
    }
    sequences: ClassVar[int] = 2
    reference: ClassVar[bool] = True
    usual_rate: ClassVar[float] = 0.1
    unheeded: ClassVar[tuple[str, ...]] = WITHOUT_DROPOUT

    kind: Literal["kto"] = "kto"
    beta: float = setting(
        0.1, "Beta", "How closely the model stays to the one it starts from; larger stays closer.", basic=True, gt=0, le=100
    )
    loss: Literal["kto", "apo_zero_unpaired"] = setting(
        "kto", "Loss", "kto: as in the paper; apo_zero_unpaired: when acceptable answers are better than the model's own."
    )
    balance: bool = setting(
        True, "Balance the marks", "The rarer mark counts for more, so that both weigh the same in the loss.", basic=True
    )
    desirable_weight: float = setting(1.0, "Weight of the acceptable", "Times the balance.", gt=0, le=100)
    undesirable_weight: float = setting(1.0, "Weight of the others", "Times the balance.", gt=0, le=100)

    @property
    def encoder(self) -> MarkEncoder:
        """A prompt, an answer and its mark."""
        return MarkEncoder()

    def weights(self, acceptable: int, others: int) -> tuple[float, float]:
        """What an acceptable answer and another one count in the loss, for these counts of both (equation 8 of the paper)."""
        if not self.balance:
            return self.desirable_weight, self.undesirable_weight
        most = max(acceptable, others)
        return self.desirable_weight * most / acceptable, self.undesirable_weight * most / others

    def build(self, job: TrainingJob) -> Trainer:
        """TRL's trainer on rows of `prompt_ids`, `completion_ids` and `label`; raises `DataError` when all marks are the same."""
        from studio.methods.unpaired import build

        return build(self, job)
