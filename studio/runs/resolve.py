"""What "auto" and "empty" mean for one run: device, precision, packing, checkpointing, batch, steps and intervals.

The plan shows what `resolve` says and the training does it, so there is one function. It needs the lengths of the rows and no torch. To
decide another setting, add it to `Resolved` and decide it here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from studio import device as devices
from studio.device import DeviceInfo
from studio.models.adaptations import AdaptationSettings
from studio.models.memory import MemoryEstimate, estimate
from studio.models.registry import ModelInfo
from studio.optim import Optim
from studio.recipe import Recipe
from studio.runs.packing import ISOLATING, packed_cost, packed_sequences, padded_cost

WORTH_PACKING = 0.85
"""Packing is chosen when it costs at most this share of padded batches."""

MORE_ROWS_AT_MOST = 1.5
"""Packing is not chosen when a step would then see more than this many times the rows that were asked for."""

INTERVALS = 10
"""Evaluations in a run whose recipe does not say how often."""


@dataclass(frozen=True)
class Resolved:
    """Every setting that a recipe may leave open, decided.

    `batch_size` counts rows, or with packing sequences of up to `sequence_length` tokens (never longer than `data.max_length`); both are
    chosen so that a step sees about as many rows as the recipe asks for (`rows_per_step`). `eval_every` is `None` when nothing is held out.
    """

    device: str
    precision: str
    packing: bool
    sequence_length: int
    gradient_checkpointing: bool
    batch_size: int
    accumulation: int
    sequences: int
    rows_per_step: float
    steps: int
    steps_per_epoch: int
    epochs: float
    eval_every: int | None
    save_every: int
    memory: MemoryEstimate
    machine: DeviceInfo

    @property
    def evaluations(self) -> int:
        """Evaluations in the run, the one at its end included."""
        return 0 if self.eval_every is None else math.ceil(self.steps / self.eval_every)


def resolve(recipe: Recipe, model: ModelInfo, lengths: Sequence[int], held_out: int, scale: float = 1.0) -> Resolved:
    """Decide all that `recipe` leaves open.

    `lengths` are the rows to train on in their order, in tokens, cut to `data.max_length`, without rows that have nothing to train;
    `held_out` is the number of rows to evaluate on; `scale` is how many rows each length stands for, where only a sample was measured.
    """
    machine = _machine(recipe)
    packing, sequence_length, batch_size = _packing(recipe, model, lengths)
    sequences = round(scale * (packed_sequences(lengths, sequence_length) if packing else len(lengths)))
    steps_per_epoch = updates(sequences, batch_size, recipe.optim.gradient_accumulation)
    steps = recipe.optim.max_steps or math.ceil(recipe.optim.epochs * steps_per_epoch)
    interval = max(1, math.ceil(steps / INTERVALS))
    eval_every = min(recipe.evaluation.every or interval, steps) if held_out else None
    precision = _precision(recipe, machine)
    longest = sequence_length if packing else min(recipe.data.max_length, max(lengths, default=1))
    checkpointing, memory = _checkpointing(recipe, model, machine, precision, batch_size, longest)
    return Resolved(
        device=machine.kind,
        precision=precision,
        packing=packing,
        sequence_length=sequence_length,
        gradient_checkpointing=checkpointing,
        batch_size=batch_size,
        accumulation=recipe.optim.gradient_accumulation,
        sequences=sequences,
        rows_per_step=batch_size * recipe.optim.gradient_accumulation * scale * len(lengths) / max(sequences, 1),
        steps=steps,
        steps_per_epoch=steps_per_epoch,
        epochs=steps / steps_per_epoch,
        eval_every=eval_every,
        save_every=recipe.evaluation.save_every or eval_every or interval,
        memory=memory,
        machine=machine,
    )


def updates(sequences: int, batch_size: int, accumulation: int) -> int:
    """Optimizer steps in an epoch, as transformers' Trainer counts them: the last, smaller batch counts, and so does a last group of fewer
    batches than `accumulation`."""
    return max(math.ceil(math.ceil(sequences / batch_size) / accumulation), 1)


def _machine(recipe: Recipe) -> DeviceInfo:
    """The device that the recipe chooses; a CPU chosen on a machine with a GPU counts with the machine's memory."""
    machine = devices.describe()
    if recipe.compute.device != "cpu" or machine.kind == "cpu":
        return machine
    memory = psutil.virtual_memory()
    return DeviceInfo("cpu", "CPU", machine.cores, memory.total, memory.available, False)


def _precision(recipe: Recipe, machine: DeviceInfo) -> str:
    if recipe.optim.precision != "auto":
        return recipe.optim.precision
    if machine.kind == "cpu":
        return "float32"
    return "bfloat16" if machine.bfloat16 else "float16"


def _packing(recipe: Recipe, model: ModelInfo, lengths: Sequence[int]) -> tuple[bool, int, int]:
    """Whether to pack, the length of a sequence, and how many of them (or of rows) make a batch."""
    rows, longest_allowed = recipe.optim.per_device_batch_size, recipe.data.max_length
    unpacked = (False, longest_allowed, rows)
    if recipe.optim.packing == "off" or not may_pack(recipe, model) or not lengths:
        return unpacked
    wanted = math.ceil(rows * sum(lengths) / len(lengths))
    if wanted <= longest_allowed:
        length, batch = max(wanted, *lengths, 8), 1
    else:
        length, batch = longest_allowed, max(1, round(wanted / longest_allowed))
    if recipe.optim.packing == "on":
        return True, length, batch
    rows_in_batch = batch * len(lengths) / packed_sequences(lengths, length)
    hidden = model.hidden or 1024
    quicker = packed_cost(sum(lengths), batch * length, hidden) <= WORTH_PACKING * padded_cost(lengths, rows, hidden)
    return (True, length, batch) if quicker and rows_in_batch <= MORE_ROWS_AT_MOST * rows else unpacked


def may_pack(recipe: Recipe, model: ModelInfo) -> bool:
    """Whether packed rows train as separate rows would: only where the method packs, without virtual tokens, on attention that keeps
    documents apart."""
    return recipe.method.packs and recipe.adaptation.kind != "prompt_tuning" and model.architecture in ISOLATING


def memory_needed(
    recipe: Recipe, model: ModelInfo, optim: Optim, longest: int, machine: DeviceInfo, adaptation: AdaptationSettings | None = None
) -> MemoryEstimate:
    """The memory of the recipe with these settings of the optimisation and, if given, another adaptation."""
    method = recipe.method
    return estimate(model, adaptation or recipe.adaptation, optim, longest, method.task, machine, method.sequences, method.reference)


def _checkpointing(
    recipe: Recipe, model: ModelInfo, machine: DeviceInfo, precision: str, batch_size: int, longest: int
) -> tuple[bool, MemoryEstimate]:
    """Whether to recompute activations, and the memory that the run then needs: only when it would not fit without."""
    asked = recipe.optim.gradient_checkpointing

    def needed(checkpointing: bool) -> MemoryEstimate:
        update = {
            "precision": precision,
            "per_device_batch_size": batch_size,
            "gradient_checkpointing": "on" if checkpointing else "off",
        }
        optim: Optim = recipe.optim.model_copy(update=update)
        return memory_needed(recipe, model, optim, longest, machine)

    if asked != "auto":
        return asked == "on", needed(asked == "on")
    without = needed(False)
    if without.fits or recipe.adaptation.kind == "prompt_tuning":
        return False, without
    return True, needed(True)
