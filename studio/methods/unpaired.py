"""The trainer that learns from marks: TRL's, on rows that are tokens already, with mismatched answers drawn over all rows.

The point from which gains and losses are seen is the mean log ratio of answers to other prompts. TRL takes them from the neighbours in a
batch, which must then be kept together; here each row brings the answer of a row with another prompt, so that batches may be shuffled.
Only torch code imports this; the settings are in `kto.py`.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from trl import KTOConfig, KTOTrainer

from studio.errors import DataError
from studio.methods.base import TrainingJob
from studio.methods.preference import drop_second_adapter, frozen_copy, trainer_of

if TYPE_CHECKING:
    from datasets import Dataset

    from studio.methods.kto import KTO

SMALLEST_BATCH = 2
"""TRL refuses batches of one; the estimate of the divergence needs several rows."""


class MarkTrainer(KTOTrainer):
    """Takes rows as they are: they have been tokens, and have had their mismatched answers, since before the plan."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset


def build(method: KTO, job: TrainingJob) -> MarkTrainer:
    """The trainer for rows of `prompt_ids`, `completion_ids` and `label`."""
    marks = job.train["label"]
    acceptable = sum(marks)
    if acceptable in (0, len(marks)):
        which = "acceptable" if acceptable else "not acceptable"
        raise DataError(f"All {len(marks)} answers are marked {which}.", "Add answers with the other mark, or learn from pairs with DPO.")
    weights = method.weights(acceptable, len(marks) - acceptable)
    rows = {"per_device_train_batch_size": max(job.arguments["per_device_train_batch_size"], SMALLEST_BATCH)}
    args = KTOConfig(
        **{**job.arguments, **rows, "neftune_noise_alpha": None, "train_sampling_strategy": "sequential"},
        beta=method.beta,
        loss_type=method.loss,
        desirable_weight=weights[0],
        undesirable_weight=weights[1],
        max_length=None,
    )
    seed = int(job.arguments["seed"])
    job.train = with_mismatched(job.train, job.max_length, seed)
    if job.validation is not None:
        job.validation = with_mismatched(job.validation, job.max_length, seed)
    reference = None if hasattr(job.model, "peft_config") else frozen_copy(job.model)
    trainer = trainer_of(MarkTrainer, job, args, reference)
    trainer.args.train_sampling_strategy = "random"
    if not job.continued:
        drop_second_adapter(trainer.model)
    return trainer


def with_mismatched(rows: Dataset, max_length: int, seed: int) -> Dataset:
    """`rows` with the column `KL_completion_ids`: for each row the answer of a random row with another prompt, cut to `max_length`.

    With one prompt only there is none, and a row's own answer stands in, as TRL does.
    """
    prompts, answers = rows["prompt_ids"], rows["completion_ids"]
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    partners = [0] * len(order)
    for place, row in enumerate(order):
        others = (order[(place + step) % len(order)] for step in range(1, len(order)))
        partners[row] = next((other for other in others if prompts[other] != prompts[row]), row)
    column = [answers[partner][: max(max_length - len(prompt), 1)] for prompt, partner in zip(prompts, partners, strict=True)]
    return rows.add_column("KL_completion_ids", column)
