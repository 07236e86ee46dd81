"""The trainer of preference methods that need no reference model: ORPO, SimPO, CPO. The losses are functions of log-probabilities.

All take the log-probability of the answer alone, never that of the prompt. Only torch code imports this; the settings are in `orpo.py`,
`simpo.py` and `cpo.py`. To add a method, add its loss here and name it in `LOSSES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from trl import DPOConfig

from studio.methods.base import TrainingJob
from studio.methods.pairs import PairMethod
from studio.methods.preference import PAIRS, PreferenceTrainer, drop_second_adapter, trainer_of

SMALLEST = 1e-6
"""How far from certainty a mean probability is taken to be at least, so that its odds stay finite."""


@dataclass(frozen=True)
class Answers:
    """Log-probabilities of one side of a batch: `total` of each answer (rows,), its `tokens` (rows,)."""

    total: torch.Tensor
    tokens: torch.Tensor

    @property
    def mean(self) -> torch.Tensor:
        """The mean log-probability of a token (rows,)."""
        return self.total / self.tokens.clamp(min=1)

    @property
    def imitation(self) -> torch.Tensor:
        """The cross-entropy of a token over the whole batch, a scalar."""
        return -self.total.sum() / self.tokens.sum().clamp(min=1)


Scored = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""The loss of the batch (a scalar), the rewards of the chosen and of the rejected answers (rows,)."""


def orpo_loss(method: Any, chosen: Answers, rejected: Answers) -> Scored:
    """Imitation of the chosen answer plus `beta` times the log-sigmoid of the log odds ratio; Hong et al. 2024, equations 4 to 7,
    https://arxiv.org/abs/2403.07691. Odds are of the mean probability of a token."""
    log_odds = _log_odds(chosen.mean) - _log_odds(rejected.mean)
    loss = chosen.imitation - method.beta * F.logsigmoid(log_odds).mean()
    return loss, method.beta * chosen.mean, method.beta * rejected.mean


def _log_odds(log_p: torch.Tensor) -> torch.Tensor:
    log_p = log_p.clamp(max=-SMALLEST)
    return log_p - torch.log(-torch.expm1(log_p))


def simpo_loss(method: Any, chosen: Answers, rejected: Answers) -> Scored:
    """The reward is `beta` times the mean log-probability of a token, and the chosen one's is to be larger by `gamma`; Meng et al. 2024,
    equation 6, https://arxiv.org/abs/2405.14734."""
    better, worse = method.beta * chosen.mean, method.beta * rejected.mean
    loss = -F.logsigmoid(better - worse - method.gamma).mean()
    if method.sft_weight:
        loss = loss + method.sft_weight * chosen.imitation
    return loss, better, worse


def cpo_loss(method: Any, chosen: Answers, rejected: Answers) -> Scored:
    """DPO's loss with a uniform reference, plus imitation of the chosen answer; Xu et al. 2024, equation 5,
    https://arxiv.org/abs/2401.08417."""
    better, worse = method.beta * chosen.total, method.beta * rejected.total
    margin = better - worse
    each = {
        "sigmoid": lambda: -F.logsigmoid(margin),
        "hinge": lambda: torch.relu(1 - margin),
        "ipo": lambda: (margin / method.beta - 1 / (2 * method.beta)) ** 2,
    }[method.loss]()
    return each.mean() + method.sft_weight * chosen.imitation, better, worse


LOSSES = {"orpo": orpo_loss, "simpo": simpo_loss, "cpo": cpo_loss}


class ReferenceFreeTrainer(PreferenceTrainer):
    """Computes the loss of `method` from the model that learns alone."""

    method: Any

    def _precompute_ref_logps(self, dataset: Any, *_: Any) -> Any:
        """Nothing: there is no reference."""
        return dataset

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        metrics = self._metrics["train" if self.model.training else "eval"]
        chosen, rejected = self._answers(model, inputs)
        loss, better, worse = LOSSES[self.method.kind](self.method, chosen, rejected)
        better, worse = better.detach(), worse.detach()
        figures = {
            "rewards/chosen": better,
            "rewards/rejected": worse,
            "rewards/margins": better - worse,
            "rewards/accuracies": (better > worse).float(),
            "logps/chosen": chosen.total.detach(),
            "logps/rejected": rejected.total.detach(),
        }
        metrics[PAIRS].append(len(better))
        for name, values in figures.items():
            metrics[name].append(values.mean().item())
        return loss

    def _answers(self, model: Any, inputs: dict[str, Any]) -> tuple[Answers, Answers]:
        """Both sides of a batch, whose upper half holds the chosen and whose lower half the rejected answers."""
        mask = inputs["completion_mask"]
        labels = inputs["input_ids"].masked_fill(mask == 0, -100)
        outputs = model(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], labels=labels, use_cache=False, fused_lm_head=True
        )
        trained = mask[:, 1:]
        log_probabilities = outputs.log_probs[:, -trained.shape[1] :].float()  # virtual tokens stand before the row's own
        totals, tokens = (log_probabilities * trained).sum(dim=1).chunk(2), trained.sum(dim=1).chunk(2)
        return Answers(totals[0], tokens[0]), Answers(totals[1], tokens[1])


def build(method: PairMethod, job: TrainingJob) -> ReferenceFreeTrainer:
    """The trainer for rows of `prompt_ids`, `chosen_ids` and `rejected_ids`."""
    adapter = hasattr(job.model, "peft_config")
    args = DPOConfig(**{**job.arguments, "neftune_noise_alpha": None}, max_length=None, precompute_ref_log_probs=not adapter)
    trainer = trainer_of(ReferenceFreeTrainer, job, args)
    drop_second_adapter(trainer.model)
    trainer.method = method
    return trainer
