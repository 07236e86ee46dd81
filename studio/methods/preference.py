"""The trainer of direct preference optimisation: TRL's, on rows that are tokens already, with means over pairs whatever the batches.

The reference is the model as it was before the first step. A new adapter that starts as nothing (LoRA and its relatives, IA3) is switched
off to get it back; an adapter that has learned before, or virtual tokens, are kept a second time, frozen; without an adapter the weights
that move are. Dropout is off, so that the model and its reference can be compared. Only torch code imports this; the settings are in
`dpo.py`.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from transformers.trainer_utils import EvalLoopOutput
from trl import DPOConfig, DPOTrainer

from studio.methods.base import TrainingJob

if TYPE_CHECKING:
    from studio.methods.dpo import DPO

PAIRS = "pairs"
REFERENCE = "ref"


class PreferenceTrainer(DPOTrainer):
    """A batch holds the chosen answers and below them the rejected ones; `stacked` tells those who divide batches."""

    stacked = 2

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        """The rows as they are: they have been tokens since before the plan."""
        return dataset

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        self._metrics["train" if self.model.training else "eval"][PAIRS].append(inputs["input_ids"].shape[0] // 2)
        return super()._compute_loss(model, inputs, return_outputs)

    def evaluation_loop(self, dataloader: Any, description: str, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> EvalLoopOutput:
        """The loss a pair over all held-out pairs, so that it does not depend on how they were batched."""
        self._metrics["eval"].clear()
        self.model.eval()
        total = pairs = 0.0
        for batch in dataloader:
            count = batch["input_ids"].shape[0] / 2
            total += count * float(self.prediction_step(self.model, batch, prediction_loss_only=True)[0])
            pairs += count
        metrics = {f"{metric_key_prefix}_loss": total / max(pairs, 1)}
        return EvalLoopOutput(predictions=None, label_ids=None, metrics=metrics, num_samples=len(dataloader.dataset))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Weigh what was collected since the last log by pairs; TRL takes the mean over batches."""
        found = self._metrics["train" if self.model.training else "eval"]
        pairs = found.pop(PAIRS, [])
        kept = {key: values for key, values in found.items() if key.startswith(("rewards/", "logps/"))}
        found.clear()
        for key, values in kept.items():
            found[key] = [sum(value * count for value, count in zip(values, pairs, strict=True)) / sum(pairs)]
        super().log(logs, start_time)


def build(method: DPO, job: TrainingJob) -> PreferenceTrainer:
    """The trainer for rows of `prompt_ids`, `chosen_ids` and `rejected_ids`."""
    losses = [method.loss, "sft"] if method.sft_weight else [method.loss]
    args = DPOConfig(
        **{**job.arguments, "neftune_noise_alpha": None},
        beta=method.beta,
        loss_type=losses,
        loss_weights=[1.0, method.sft_weight] if method.sft_weight else None,
        label_smoothing=method.label_smoothing,
        max_length=None,
    )
    reference = None if hasattr(job.model, "peft_config") else frozen_copy(job.model)
    trainer = trainer_of(PreferenceTrainer, job, args, reference)
    if not job.continued:
        drop_second_adapter(trainer.model)
    return trainer


def trainer_of(cls: type, job: TrainingJob, args: Any, reference: Any = None) -> Any:
    """A trainer of pairs with the studio's additions."""
    return job.trainer_class(cls)(
        model=job.model,
        ref_model=reference,
        args=args,
        train_dataset=job.train,
        eval_dataset=job.validation,
        processing_class=job.tokenizer,
        callbacks=job.callbacks,
    )


def drop_second_adapter(model: Any) -> None:
    """Remove the copy that TRL keeps of an adapter that it is given: switched off, a new adapter is its own reference."""
    if REFERENCE in getattr(model, "peft_config", {}) and not model.active_peft_config.is_prompt_learning:
        model.delete_adapter(REFERENCE)


def frozen_copy(model: Any) -> Any:
    """The model as it is, not to be trained; weights that do not move are shared with it."""
    shared = {id(parameter): parameter for parameter in model.parameters() if not parameter.requires_grad}
    return copy.deepcopy(model, shared).requires_grad_(False)
