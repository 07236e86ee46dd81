"""Measures a few real steps of a recipe on its longest rows: seconds, tokens and memory. Nothing is kept.

The rows, the model and the trainer are those of the training itself (`studio/runs/execute.py`). Only torch code imports this.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers.trainer_utils import SaveStrategy

from studio.device import lease
from studio.errors import DataError, RunError
from studio.recipe import Recipe
from studio.runs import execute
from studio.runs.check import pinned
from studio.runs.folder import RunFolder
from studio.runs.packing import batches
from studio.workspace import Workspace

WARM_STEPS = 1
MEASURED_STEPS = 4
FORWARD_SHARE = 1 / 3
"""An evaluation costs about a third of a training step a token: the forward pass without the backward one."""

LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Measurement:
    """`seconds_per_step` on the longest rows, `tokens_per_second` without padding, `peak_bytes` of the GPU or else of the whole process,
    and `total_seconds` predicted for the run: its steps at their usual length and its evaluations."""

    seconds_per_step: float
    peak_bytes: int
    tokens_per_second: float
    total_seconds: float


def measure(ws: Workspace, recipe: Recipe) -> Measurement:
    """Train `recipe` for a few steps and forget it. Raises `RecipeError` or `DataError` when it cannot run, `RunError` when it fails."""
    recipe = pinned(ws, recipe)
    try:
        with lease.hold("A measurement", "a few steps"), tempfile.TemporaryDirectory(prefix=".measure-", dir=ws.root) as folder:
            return _measured(ws, recipe, RunFolder(Path(folder)))
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _measured(ws: Workspace, recipe: Recipe, folder: RunFolder) -> Measurement:
    run = execute.prepare(ws, folder, recipe)
    trainer, callback = execute.build_trainer(_shortened(run))
    trainer.args.save_strategy = SaveStrategy.NO
    with _peak_memory() as peak:
        trainer.train()
    if callback.failed:
        raise RunError(callback.reason, "Change the recipe before it is trained.")
    folder.flush()
    rows = [row for row in folder.read_metrics()[0] if "loss" in row]
    times, tokens = [row["time"] for row in rows], [row["tokens"] for row in rows]
    if len(rows) < 2:
        raise RunError("The measurement ended before its second step.", "Choose a recipe of at least two steps.")
    seconds = statistics.median(later - earlier for earlier, later in pairwise(times))
    tokens_per_step = (tokens[-1] - tokens[0]) / (len(tokens) - 1)
    per_token = seconds / tokens_per_step
    return Measurement(seconds, peak[0], 1 / per_token, per_token * (_training_tokens(run) + _evaluation_tokens(run)))


def _shortened(run: execute.Prepared) -> execute.Prepared:
    """The run with a few steps, on its longest rows, without evaluation."""
    steps = WARM_STEPS + MEASURED_STEPS
    wanted = max(1, round(run.resolved.rows_per_step * steps))
    lengths = run.tokens.lengths
    if not lengths:
        raise DataError("No row of these datasets has anything to train on.", "Look at the rows in the data tab, or train on everything.")
    longest = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)[:wanted]
    tokens = replace(run.tokens, train=run.tokens.train.select(longest), validation=None, lengths=[lengths[i] for i in longest])
    optim = run.recipe.optim.model_copy(update={"max_steps": steps})
    return replace(run, tokens=tokens, recipe=run.recipe.model_copy(update={"optim": optim}))


def _training_tokens(run: execute.Prepared) -> float:
    """Tokens that the whole run computes: padding counts where rows are not packed."""
    lengths, resolved = run.tokens.lengths, run.resolved
    epoch = sum(lengths) if resolved.packing else sum(max(batch) * len(batch) for batch in batches(lengths, resolved.batch_size))
    return epoch * run.recipe.method.sequences * resolved.epochs


def _evaluation_tokens(run: execute.Prepared) -> float:
    """Tokens of all evaluations, the one before the first step included, weighed by what they cost."""
    if run.tokens.validation is None:
        return 0.0
    return FORWARD_SHARE * run.tokens.held_out_tokens * (run.resolved.evaluations + 1)


@contextmanager
def _peak_memory() -> Iterator[list[int]]:
    """A list whose only element becomes the peak memory of what runs inside, in bytes."""
    peak = [0]
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        yield peak
        peak[0] = torch.cuda.max_memory_allocated()
        return
    process, done = psutil.Process(), threading.Event()

    def look() -> Any:
        while not done.is_set():
            peak[0] = max(peak[0], process.memory_info().rss)
            done.wait(LOOK_SECONDS)

    thread = threading.Thread(target=look, name="luthier-memory", daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
