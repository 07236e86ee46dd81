"""Executes a run: from `recipe.yaml` in its folder to the finished model beside it, or from its newest whole checkpoint on.

`execute(run_dir)` is all that a worker, a child process or a test calls; the folder is its only input and output. Only torch code
imports this.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import math
import shutil
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import datasets
import torch
import transformers
from transformers import PrinterCallback, set_seed

from studio.db import now
from studio.device import lease, torch_threads
from studio.errors import CheckpointError, StudioError
from studio.methods.base import TrainingJob
from studio.methods.rewarded import RewardedMethod
from studio.models.adapt import trainable_parameters
from studio.models.loading import load_for_training
from studio.models.registry import ModelInfo, continues, get_model
from studio.quiet import quiet
from studio.recipe import Recipe
from studio.runs import checkpoints
from studio.runs.asks import refuse_all
from studio.runs.attend import Attendant
from studio.runs.callbacks import RunCallback
from studio.runs.folder import RunFolder
from studio.runs.product import write_model
from studio.runs.resolve import Resolved, resolve
from studio.runs.rows import TrainingRows, training_rows
from studio.runs.tokens import TokenRows, tokenise
from studio.runs.trainer import Progress, studio_trainer
from studio.runs.watchdog import Watchdog
from studio.workspace import Workspace

log = logging.getLogger(__name__)

OPTIMIZERS = {"adamw": "adamw_torch_fused", "adafactor": "adafactor", "sgd": "sgd"}


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `interrupted` means that it can go on when its message's reason is gone. `summary` holds its figures."""

    state: Literal["completed", "stopped", "failed", "interrupted"]
    message: str = ""
    summary: dict[str, Any] = field(default_factory=dict)


@dataclass
class Prepared:
    """All that a run needs in memory before its first step."""

    ws: Workspace
    folder: RunFolder
    recipe: Recipe
    info: ModelInfo
    rows: TrainingRows
    tokens: TokenRows
    resolved: Resolved
    model: Any
    tokenizer: Any
    checkpoint: Path | None
    progress: Progress


def execute(run_dir: Path) -> Outcome:
    """Train the run in `run_dir` to its end, or to where people stop it, and write the model.

    Never raises for what can go wrong in a run: the outcome's message says it in words, and a traceback goes to the log only.
    """
    folder = RunFolder(run_dir)
    outcome = Outcome("interrupted", "It was interrupted. It continues from its last checkpoint.")
    try:
        outcome = _guarded(folder)
    finally:
        _release_memory()
        _close(folder, outcome)
    return outcome


def _guarded(folder: RunFolder) -> Outcome:
    """The run, with whatever it raises turned into an outcome; no exception is kept, because it would hold the model."""
    try:
        folder.write_status(state="preparing", message="Waiting for the device", watchdog=[], best={}, micro_batch=None, eta_seconds=None)
        with lease.hold(folder.name, "preparing"):
            return _run(folder)
    except CheckpointError as error:
        folder_log(folder, str(error))
        return Outcome("interrupted", str(error))
    except StudioError as error:
        folder_log(folder, str(error))
        return Outcome("failed", str(error))
    except Exception as error:
        if checkpoints.is_disk_full(error):
            return Outcome("interrupted", str(checkpoints.disk_full(folder)))
        log.exception("The run %s crashed.", folder.name)
        folder_log(folder, traceback.format_exc())
        text = f"The training crashed: {type(error).__name__}: {error}."
        return Outcome("failed", f"{text} The details are in the log; resume continues from the last checkpoint.")


def folder_log(folder: RunFolder, text: str) -> None:
    """Log; a full disk must not hide why a run ended."""
    with suppress(OSError):
        folder.log(text)


def _close(folder: RunFolder, outcome: Outcome) -> None:
    """The last words in the folder. With a full disk they may not fit; the outcome says them to the caller anyway."""
    with suppress(OSError):
        folder.flush()
        refuse_all(folder, "The run has ended. Chat with its model instead.")
        folder.log(f"{outcome.state.capitalize()}. {outcome.message}".strip())
        folder.write_status(state=outcome.state, message=outcome.message, eta_seconds=None)


def _run(folder: RunFolder) -> Outcome:
    ws = Workspace(folder.path.parent.parent)
    recipe = folder.recipe()
    quiet()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    with torch_threads(recipe.compute.threads):
        run = prepare(ws, folder, recipe)
        trainer, callback = build_trainer(run)
        if not run.progress.finished:
            if folder.wanted() == "stop":
                message = "Stopped before its first step." if run.checkpoint is None else "Stopped where it was."
                return Outcome("stopped", message, _summary(run, trainer))
            trainer.train(resume_from_checkpoint=str(run.checkpoint) if run.checkpoint else None)
        if callback.failed:
            return Outcome("failed", _after_failure(folder, callback.reason), _summary(run, trainer))
        write_model(folder, recipe, run.info, run.tokenizer, run.rows, run.progress)
        if run.progress.finished:
            return Outcome("completed", callback.reason, _summary(run, trainer))
        where = f"Stopped at step {trainer.state.global_step} of {trainer.state.max_steps}."
        return Outcome("stopped", where, _summary(run, trainer))


def prepare(ws: Workspace, folder: RunFolder, recipe: Recipe) -> Prepared:
    """Rows to tokens, what is left open decided, the model loaded, the checkpoint to go on from found."""
    folder.write_status(message="Reading the data")
    checkpoint = checkpoints.newest_complete(folder)
    rows = training_rows(ws, recipe, _rows_as_of(folder, checkpoint))
    info = get_model(ws, recipe.model)
    set_seed(recipe.seed)
    folder.write_status(message=f"Loading {recipe.model}")
    model, tokenizer = load_for_training(
        ws,
        recipe.model,
        recipe.adaptation,
        recipe.method.task,
        rows.labels,
        recipe.optim.precision,
        recipe.compute.device,
        recipe.optim.dropout,
    )
    folder.write_status(message="Turning rows into tokens")
    tokens = tokenise(tokenizer, rows, recipe)
    resolved = resolve(recipe, info, tokens.lengths, len(tokens.validation) if tokens.validation is not None else 0)
    progress = Progress()
    if checkpoint is not None:
        progress.load(checkpoint)
        folder.write_status(best=progress.best, watchdog=progress.events, micro_batch=progress.micro_rows)
    _start_log(folder, model, rows, tokens, resolved, checkpoint)
    _check_space(folder, model)
    return Prepared(ws, folder, recipe, info, rows, tokens, resolved, model, tokenizer, checkpoint, progress)


def _rows_as_of(folder: RunFolder, checkpoint: Path | None) -> datetime:
    """When the run first read its rows (in UTC): one that goes on from a checkpoint leaves out the prompts that were held out then, and no
    others, so that its rows stay the same."""
    known = folder.status().get("rows_as_of")
    if checkpoint is not None and known:
        return datetime.fromisoformat(known)
    folder.write_status(rows_as_of=(present := now()).isoformat())
    return present


def _start_log(folder: RunFolder, model: Any, rows: TrainingRows, tokens: TokenRows, resolved: Resolved, checkpoint: Path | None) -> None:
    """Say what is about to happen, and drop what was logged beyond the checkpoint."""
    step = int(checkpoint.name.rpartition("-")[2]) if checkpoint else -1
    folder.drop_metrics_after(step)
    if checkpoint:
        folder.log(f"Continuing from the checkpoint of step {step}.")
        return
    trainable, total = trainable_parameters(model)
    folder.log(f"Training {trainable:,} of {total:,} parameters on {len(tokens.lengths):,} rows ({tokens.tokens:,} tokens).")
    packed = f", packed into {resolved.sequences:,} sequences" if resolved.packing else ""
    recomputed = ", gradient checkpointing on" if resolved.gradient_checkpointing else ""
    folder.log(f"{resolved.steps:,} steps on {resolved.device} in {resolved.precision}{packed}{recomputed}.")
    if rows.left_out:
        folder.log(f"{rows.left_out:,} rows were left out: their prompts are held out for comparing models.")
    if tokens.left_out:
        folder.log(f"{tokens.left_out:,} rows were left out: they have nothing to train on.")
    if tokens.cut:
        folder.log(f"{tokens.cut:,} rows were cut, because they are longer than the longest row.")


def build_trainer(run: Prepared) -> tuple[Any, RunCallback]:
    """The method's trainer with the studio's callbacks; it is built right before it trains."""
    recipe, progress = run.recipe, run.progress
    watchdog = Watchdog(run.resolved.precision == "float16", recipe.method.limits)
    watchdog.restore(progress.watchdog)
    callback = RunCallback(run.folder, progress, recipe.method, watchdog, recipe.evaluation.early_stopping)
    job = TrainingJob(
        model=run.model,
        tokenizer=run.tokenizer,
        train=run.tokens.train,
        validation=run.tokens.validation,
        arguments=training_arguments(run),
        max_length=run.resolved.sequence_length,
        packing=run.resolved.packing,
        label_smoothing=recipe.optim.label_smoothing,
        trainer_class=studio_trainer,
        callbacks=[callback],
        labels=run.rows.labels,
        continued=continues(run.info, recipe.adaptation.model_dump(), recipe.method.task, run.rows.labels),
        **_drawing_and_judging(run),
    )
    trainer: Any = recipe.method.build(job)
    trainer.remove_callback(PrinterCallback)
    attendant = Attendant(run.folder, trainer, run.tokenizer, run.rows.labels, callback.start_clock, recipe.method.task)
    trainer.attach(
        run.folder,
        progress,
        between_steps=attendant,
        after_evaluation=lambda: attendant.sample(run.tokens.prompts, recipe.evaluation.sample_tokens),
        keep=recipe.evaluation.keep_checkpoints,
        keep_best=recipe.evaluation.keep == "best",
        tasks={name: run.tokens.validation.select(places) for name, places in run.tokens.tasks.items()} if run.tokens.validation else {},
    )
    return trainer, callback


def _drawing_and_judging(run: Prepared) -> dict[str, Any]:
    """What a method needs that learns from its own answers."""
    if not isinstance(run.recipe.method, RewardedMethod):
        return {}
    from studio.inference.judging import judge_of
    from studio.inference.rollouts import roll_out

    return {"roll_out": roll_out, "judge": judge_of(run.ws, run.recipe.method, run.recipe.compute.device)}


def training_arguments(run: Prepared) -> dict[str, Any]:
    """Keyword arguments common to all `TrainingArguments`, from the recipe and what was resolved."""
    optim, resolved, method = run.recipe.optim, run.resolved, run.recipe.method
    evaluates = run.tokens.validation is not None
    return {
        "output_dir": str(run.folder.checkpoints_path),
        "per_device_train_batch_size": resolved.batch_size,
        "per_device_eval_batch_size": resolved.batch_size,
        "gradient_accumulation_steps": resolved.accumulation,
        "num_train_epochs": optim.epochs,
        "max_steps": optim.max_steps or -1,
        "learning_rate": optim.learning_rate,
        "lr_scheduler_type": optim.schedule,
        "warmup_steps": math.ceil(optim.warmup * resolved.steps),
        "optim": OPTIMIZERS[optim.optimizer],
        "weight_decay": optim.weight_decay,
        "adam_beta2": optim.adam_beta2,
        "max_grad_norm": optim.max_grad_norm,
        "neftune_noise_alpha": optim.neftune_noise_alpha,
        "bf16": resolved.precision == "bfloat16",
        "fp16": resolved.precision == "float16",
        "activation_checkpointing": resolved.gradient_checkpointing,
        "use_cpu": resolved.device == "cpu",
        "dataloader_pin_memory": resolved.device != "cpu",
        "seed": run.recipe.seed,
        "data_seed": run.recipe.seed,
        "eval_strategy": "steps" if evaluates else "no",
        "eval_steps": resolved.eval_every,
        "eval_on_start": evaluates and run.checkpoint is None,
        "metric_for_best_model": method.metric if evaluates else None,
        "greater_is_better": method.greater_is_better if evaluates else None,
        "save_strategy": "steps",
        "save_steps": resolved.save_every,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
    }


def _summary(run: Prepared, trainer: Any) -> dict[str, Any]:
    """The figures of a run, for lists and comparisons: before and after, best, speed."""
    progress = run.progress
    summary: dict[str, Any] = {
        "steps": int(trainer.state.global_step) or _saved_step(run.checkpoint),
        "rows": len(run.tokens.lengths),
        "held_out": len(run.rows.validation) if run.rows.validation is not None else 0,
        "seconds": round(progress.seconds, 2),
        "tokens": progress.tokens,
        "tokens_per_second": round(progress.tokens / max(progress.seconds, 1e-9), 1),
        "metric": run.recipe.method.metric,
        "best": progress.best,
        "baseline": progress.baseline,
        "final": progress.last,
        "watchdog": progress.events,
        "packing": run.resolved.packing,
        "precision": run.resolved.precision,
        "device": run.resolved.device,
    }
    if run.rows.labels:
        summary["labels"] = run.rows.labels
    if torch.cuda.is_available():
        summary["peak_memory"] = torch.cuda.max_memory_allocated()
    return summary


def _saved_step(checkpoint: Path | None) -> int:
    if checkpoint is None:
        return 0
    return int(json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))["global_step"])


def _after_failure(folder: RunFolder, reason: str) -> str:
    """What is left of a run that had to end."""
    steps = checkpoints.steps(folder)
    kept = f"The checkpoint of step {steps[-1]} is from before and was kept." if steps else "No checkpoint had been saved before."
    return f"{reason} {kept}"


def _check_space(folder: RunFolder, model: Any) -> None:
    """Refuse to start a training whose first checkpoint would not fit on the disk."""
    trainable, total = trainable_parameters(model)
    adapter = hasattr(model, "peft_config")
    needed = trainable * 12 if adapter else total * 4 + trainable * 8
    free = shutil.disk_usage(folder.path).free
    if free < 2 * needed:
        gib = 2**30
        raise CheckpointError(
            f"The disk has {free / gib:.1f} GB free, and the checkpoints of this run need about {2 * needed / gib:.1f} GB.",
            "Free some space, or keep the workspace on a larger disk, then resume the run.",
        )


def _release_memory() -> None:
    """Give the memory of a finished run back to the device and to the system."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if hasattr(library, "malloc_trim"):
            library.malloc_trim(0)
