"""The trainer of supervised fine-tuning: TRL's, with one pass for the loss whatever its kind, and an evaluation weighted by tokens.

Only torch code imports this; the settings are in `sft.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.trainer_utils import EvalLoopOutput
from trl import SFTConfig, SFTTrainer
from trl.trainer.utils import add_fused_lm_head

from studio.methods.base import TrainingJob


class SupervisedTrainer(SFTTrainer):
    """Sums of negative log-likelihood, right tokens and trained tokens are collected on the device and read once a logged step."""

    smoothing = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        base = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
        add_fused_lm_head(base, outputs=("log_probs", "is_top1"))  # without the entropy, which nobody reads
        self.model_accepts_loss_kwargs = True  # the loss below divides by the tokens of the whole step, whatever the model's own does

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        """Negative log-likelihood a trained token, over all tokens of the optimizer step when their number is given."""
        inputs = {**inputs, "use_cache": False}
        if self.aux_loss_enabled:
            inputs["output_router_logits"] = True
        smooth = self.smoothing > 0 and self.model.training
        outputs, loss, sums = (self._smoothed if smooth else self._plain)(model, inputs)
        items = sums[2] if num_items_in_batch is None else num_items_in_batch
        loss = loss / torch.as_tensor(items).clamp(min=1)
        if self.aux_loss_enabled:
            steps = 1 if num_items_in_batch is None else self.current_gradient_accumulation_steps
            loss = loss + self.router_aux_loss_coef * outputs.aux_loss / steps
        self._metrics["train" if self.model.training else "eval"]["sums"].append(sums)
        return (loss, outputs) if return_outputs else loss

    def _plain(self, model: Any, inputs: dict[str, Any]) -> tuple[Any, torch.Tensor, torch.Tensor]:
        outputs = model(**inputs, fused_lm_head=True)
        loss = -outputs.log_probs.float().sum()
        return outputs, loss, _sums(loss, outputs.is_top1.sum(), outputs.label_mask.sum())

    def _smoothed(self, model: Any, inputs: dict[str, Any]) -> tuple[Any, torch.Tensor, torch.Tensor]:
        """With label smoothing (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567): needs the logits, but only one pass."""
        labels = inputs["labels"][:, 1:]
        outputs = model(**{key: value for key, value in inputs.items() if key != "labels"})
        mask = labels != -100
        logits = outputs.logits[:, -labels.shape[1] - 1 : -1][mask].float()
        loss = torch.nn.functional.cross_entropy(logits, labels[mask], reduction="sum", label_smoothing=self.smoothing)
        return outputs, loss, _sums(loss, (logits.argmax(-1) == labels[mask]).sum(), mask.sum())

    def evaluation_loop(self, dataloader: Any, description: str, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> EvalLoopOutput:
        """The loss a token over all held-out tokens, so that it does not depend on how they were batched."""
        self._metrics["eval"].clear()
        self.model.eval()
        for batch in dataloader:
            self.prediction_step(self.model, batch, prediction_loss_only=True)
        loss, right, tokens = torch.stack(self._metrics["eval"].pop("sums")).sum(0).tolist()
        metrics = {f"{metric_key_prefix}_loss": loss / max(tokens, 1), f"{metric_key_prefix}_token_accuracy": right / max(tokens, 1)}
        return EvalLoopOutput(predictions=None, label_ids=None, metrics=metrics, num_samples=len(dataloader.dataset))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the share of right tokens since the last logged step."""
        sums = self._metrics["train"].pop("sums", None) if self.model.training else None
        if sums:
            _, right, tokens = torch.stack(sums).sum(0).tolist()
            logs["token_accuracy"] = right / max(tokens, 1)
        super().log(logs, start_time)


def build(job: TrainingJob) -> SupervisedTrainer:
    """The trainer for rows that are tokens and labels already (`input_ids`, `labels` with -100 where nothing is trained)."""
    args = SFTConfig(
        **job.arguments,
        packing=job.packing,
        max_length=job.max_length if job.packing else None,
        dataset_kwargs=None,
    )
    trainer = job.trainer_class(SupervisedTrainer)(
        model=job.model,
        args=args,
        train_dataset=job.train,
        eval_dataset=job.validation,
        processing_class=job.tokenizer,
        callbacks=job.callbacks,
    )
    trainer.smoothing = job.label_smoothing
    return trainer


def _sums(loss: torch.Tensor, right: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    return torch.stack([loss.detach().double(), right.double(), tokens.double()])
