"""The trainer of reward models: all answers to a prompt in one batch, K forward passes, and a loss within each ranking.

Shuffling the couples of a ranking apart would show each answer K - 1 times in an epoch, and overfits within one (Ouyang et al. 2022,
https://arxiv.org/abs/2203.02155, section 3.5). Only torch code imports this; the settings are in `reward.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import EvalLoopOutput

from studio.methods.base import TrainingJob

if TYPE_CHECKING:
    from studio.methods.reward import Reward

WEIGHT = "rankings"


def pairwise_loss(rewards: torch.Tensor, ranks: torch.Tensor, margin: torch.Tensor) -> torch.Tensor:
    """The mean over the couples of one ranking of -log sigmoid(better - worse - margin); `rewards` and `ranks` are (K,), ties give none."""
    better = ranks[:, None] < ranks[None, :]
    return -F.logsigmoid(rewards[:, None] - rewards[None, :] - margin)[better].mean()


def listwise_loss(rewards: torch.Tensor, ranks: torch.Tensor, margin: torch.Tensor) -> torch.Tensor:
    """The negative log-likelihood of one ranking under Plackett-Luce, by the number of its choices (Plackett 1975; Xia et al. 2008,
    https://doi.org/10.1145/1390156.1390306): each answer is chosen among itself and all that are worse. Answers that share a rank are not
    set against each other. `rewards` and `ranks` are (K,); `margin` has no part in it."""
    worse = ranks[:, None] < ranks[None, :]
    rivals = worse | torch.eye(len(ranks), dtype=torch.bool, device=ranks.device)
    alternatives = rewards[None, :].masked_fill(~rivals, float("-inf")).logsumexp(dim=1)
    choices = worse.any(dim=1)
    return (alternatives - rewards)[choices].mean()


LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "pairwise": pairwise_loss,
    "listwise": listwise_loss,
}


def ordered_right(rewards: torch.Tensor, truth: torch.Tensor) -> tuple[float, float, int]:
    """Of the couples of which `truth` says that one is better (a larger number is better): the share that `rewards` order so (ties count
    half), the mean of better minus worse, and how many couples there are."""
    better = truth[:, None] > truth[None, :]
    differences = (rewards[:, None] - rewards[None, :])[better]
    if not differences.numel():
        return 0.0, 0.0, 0
    right = (differences > 0).float() + 0.5 * (differences == 0).float()
    return float(right.mean()), float(differences.mean()), differences.numel()


class RewardTrainer(Trainer):
    """`groups` of a batch says which ranking each sequence belongs to. Its loss is a mean over rankings, or over rated answers.

    `scale` is the mean and the standard deviation of the ratings to train on, in which scores are measured.
    """

    method: Reward
    rated: bool
    scale: tuple[float, float]

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        rewards = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits[:, 0].float()
        loss = self._rating_loss(rewards, inputs) if self.rated else self._ranking_loss(rewards, inputs)
        if self.model.training:
            self._note(rewards.detach(), inputs)
        return (loss, rewards) if return_outputs else loss

    def _rating_loss(self, rewards: torch.Tensor, inputs: dict[str, Any]) -> torch.Tensor:
        mean, spread = self.scale
        return F.mse_loss(rewards, (inputs["scores"] - mean) / spread)

    def _ranking_loss(self, rewards: torch.Tensor, inputs: dict[str, Any]) -> torch.Tensor:
        losses = []
        for group in inputs["groups"].unique():
            mine = inputs["groups"] == group
            margin = inputs["margins"][mine][0] if self.method.margins else rewards.new_zeros(())
            loss = LOSSES[self.method.loss](rewards[mine], inputs["ranks"][mine], margin)
            losses.append(loss + self.method.centering * rewards[mine].mean() ** 2)
        return torch.stack(losses).mean()

    def _note(self, rewards: torch.Tensor, inputs: dict[str, Any]) -> None:
        found = self._metrics["train"]
        for name, value in self._figures(rewards, inputs).items():
            found[name].append(value)
        found[WEIGHT].append(float(inputs["groups"].unique().numel()))

    def _figures(self, rewards: torch.Tensor, inputs: dict[str, Any]) -> dict[str, float]:
        """Accuracy and margin as means over rankings (over all couples of rated answers), and the mean and the spread of the rewards."""
        if self.rated:
            results = [ordered_right(rewards, inputs["scores"])]
        else:
            groups = inputs["groups"]
            results = [ordered_right(rewards[groups == group], -inputs["ranks"][groups == group]) for group in groups.unique()]
        counted = [result for result in results if result[2]]
        figures = {"reward_mean": float(rewards.mean()), "reward_std": float(rewards.std(correction=0))}
        if counted:
            figures["order_accuracy"] = sum(result[0] for result in counted) / len(counted)
            figures["margin"] = sum(result[1] for result in counted) / len(counted)
        return figures

    def prediction_step(self, model: Any, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: Any = None) -> Any:
        """The loss and the rewards of an evaluation batch."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad():
            loss, rewards = self.compute_loss(model, inputs, return_outputs=True)
        return loss, rewards, None

    def evaluation_loop(self, dataloader: Any, description: str, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> EvalLoopOutput:
        """Figures over all held-out rows, so that they do not depend on how they were batched."""
        self.model.eval()
        total, rankings, seen = 0.0, 0, defaultdict(list)
        for batch in dataloader:
            loss, rewards, _nothing = self.prediction_step(self.model, batch, prediction_loss_only=False)
            count = int(batch["groups"].unique().numel())
            total += count * float(loss)
            seen["rewards"].append(rewards.cpu())
            seen["groups"].append(batch["groups"].cpu() + rankings)
            for name in ("ranks", "scores"):
                seen[name].append(batch[name].cpu())
            rankings += count
        together = {name: torch.cat(parts) for name, parts in seen.items()}
        figures = self._figures(together.pop("rewards"), together)
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in {"loss": total / max(rankings, 1), **figures}.items()}
        return EvalLoopOutput(predictions=None, label_ids=None, metrics=metrics, num_samples=len(dataloader.dataset))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """With the figures of the rankings since the last log, each batch weighed by its rankings."""
        if not any(key.startswith("eval_") for key in logs):
            found = self._metrics["train"]
            weights = found.pop(WEIGHT, [])
            for name, values in found.items():
                if len(values) == len(weights):
                    logs[name] = sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
            found.clear()
        super().log(logs, start_time)


def build(method: Reward, job: TrainingJob) -> RewardTrainer:
    """The trainer for rows of `sequences`, `ranks`, `margin` and `score`."""
    pad = job.tokenizer.pad_token_id
    job.model.config.pad_token_id = pad
    trainer = job.trainer_class(RewardTrainer)(
        model=job.model,
        args=TrainingArguments(**{**job.arguments, "neftune_noise_alpha": None}, remove_unused_columns=False),
        train_dataset=job.train,
        eval_dataset=job.validation,
        processing_class=job.tokenizer,
        data_collator=lambda rows: collate(rows, pad),
        callbacks=job.callbacks,
    )
    scores = torch.tensor(job.train["score"], dtype=torch.float64)
    trainer.method, trainer.rated = method, all(len(ranks) == 1 for ranks in job.train["ranks"])
    trainer.scale = (float(scores.mean()), float(scores.std(correction=0)) or 1.0)
    trainer.model_accepts_loss_kwargs = False  # the loss is a mean over rankings, not a sum over tokens
    trainer._metrics = {"train": defaultdict(list), "eval": defaultdict(list)}
    return trainer


def collate(rows: list[dict[str, Any]], pad: int) -> dict[str, torch.Tensor]:
    """All answers of the rows one below the other, padded on the right: `input_ids` and `attention_mask` (sequences, longest), `groups`,
    `ranks`, `margins` and `scores` (sequences,)."""
    sequences = [torch.tensor(ids) for row in rows for ids in row["sequences"]]
    counts = [len(row["sequences"]) for row in rows]

    def spread(values: list[Any], dtype: torch.dtype) -> torch.Tensor:
        return torch.tensor([value for value, count in zip(values, counts, strict=True) for _ in range(count)], dtype=dtype)

    return {
        "input_ids": pad_sequence(sequences, batch_first=True, padding_value=pad),
        "attention_mask": pad_sequence([torch.ones_like(ids) for ids in sequences], batch_first=True),
        "groups": spread(list(range(len(rows))), torch.long),
        "ranks": torch.tensor([rank for row in rows for rank in row["ranks"]]),
        "margins": spread([row["margin"] for row in rows], torch.float32),
        "scores": spread([row["score"] for row in rows], torch.float32),
    }
