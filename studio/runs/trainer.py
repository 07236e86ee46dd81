"""What the studio adds to any trainer: whole checkpoints, recovery from a lack of memory, evaluation without side effects.

`studio_trainer(SomeTrainer)` gives a subclass of any `transformers` or TRL trainer; call `attach` before `train`. Only torch code
imports this.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch

from studio.errors import RunError
from studio.inference.live import untouched
from studio.runs import checkpoints
from studio.runs.batches import is_out_of_memory, row_count, split, token_count
from studio.runs.folder import RunFolder

SPEEDS = ("runtime", "per_second", "preparation_time")
REMEDY = "Choose a smaller longest row, switch gradient checkpointing on, or use QLoRA or a smaller model; then resume the run."

T = TypeVar("T")


@dataclass
class Progress:
    """What a run knows about itself beyond the trainer's own state; saved in every checkpoint and taken up again.

    `micro_tokens` is the most tokens in one forward pass since memory ran out, `stale_evaluations` those since the best one, `finished`
    whether the training had reached its end.
    """

    tokens: int = 0
    seconds: float = 0.0
    micro_tokens: int | None = None
    micro_rows: int | None = None
    stale_evaluations: int = 0
    baseline: dict[str, float] = field(default_factory=dict)
    best: dict[str, Any] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    watchdog: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    finished: bool = False

    def save(self, path: Path) -> None:
        (path / checkpoints.STATE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    def load(self, path: Path) -> None:
        """Take up what `save` wrote into the checkpoint `path`."""
        values = json.loads((path / checkpoints.STATE).read_text(encoding="utf-8"))
        for item in fields(self):
            if item.name in values:
                setattr(self, item.name, values[item.name])


class StudioTrainer:
    """Mixed in before a trainer class by `studio_trainer`. Overrides hooks that `transformers.Trainer` calls; each says what for.

    A trainer whose batches hold several sequences of a row, block below block, says how many in `stacked`; one that knows more than the
    library saves writes it in `save_own_state`; one whose batches must not be divided is not `divisible` and divides what goes through the
    model itself, in `as_memory_allows`.
    """

    divisible = True

    folder: RunFolder
    progress: Progress
    keep_checkpoints: int
    keep_best: bool
    between_steps: Callable[[], None]
    after_evaluation: Callable[[], None]
    tasks: dict[str, Any]

    def attach(
        self,
        folder: RunFolder,
        progress: Progress,
        between_steps: Callable[[], None],
        after_evaluation: Callable[[], None],
        keep: int = 2,
        keep_best: bool = True,
        tasks: dict[str, Any] | None = None,
    ) -> None:
        """Tell the trainer where it saves, what it remembers and what to call after every step and evaluation; `keep` newest checkpoints
        stay, and the best one with `keep_best`; `tasks` are parts of the held-out rows to evaluate one by one as well."""
        self.folder, self.progress, self.between_steps, self.after_evaluation = folder, progress, between_steps, after_evaluation
        self.keep_checkpoints, self.keep_best, self.tasks = keep, keep_best, tasks or {}
        self._window: list[dict[str, Any]] = []
        self._done = 0
        self._counters: Any = None
        self._counted: list[torch.Tensor] = []
        self._looked_at = -1

    @property
    def _stacked(self) -> int:
        return getattr(self, "stacked", 1)

    def _send_telemetry(self) -> None:
        """Nothing is reported to anybody."""

    # Memory: the batches of one optimizer step are redone in smaller pieces

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> tuple[list[Any], Any]:
        """Remember the batches of this optimizer step, so that all of them can be redone."""
        batches, items = super().get_batch_samples(epoch_iterator, num_batches, device)  # type: ignore[misc]
        self._window, self._done, self._counters = batches, 0, self._snapshot("train")
        self._counted += [token_count(batch) for batch in batches]
        return batches, items

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Forward and backward; when memory runs out, all of this step so far again in smaller pieces, with the same loss and gradients."""
        self._done += 1
        loss = self._attempt(model, [inputs], num_items_in_batch)
        while loss is None:
            model.zero_grad()
            self._restore("train", self._counters)
            loss = self._attempt(model, self._window[: self._done], num_items_in_batch)
        return loss

    def _attempt(self, model: Any, batches: list[dict[str, Any]], items: Any) -> torch.Tensor | None:
        """Forward and backward of `batches`, and the loss of the last; when memory runs out nothing, and smaller pieces from then on."""
        piece: dict[str, Any] = {}
        loss = torch.tensor(0.0)
        try:
            for batch in batches:
                losses = []
                for piece in split(batch, self.progress.micro_tokens, self._stacked):
                    losses.append(self._piece_step(model, piece, batch, items))
                loss = torch.stack(losses).sum()
            return loss
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if not self.divisible:
                raise RunError("Memory ran out beside the model that learns.", REMEDY) from None
        self._shrink(piece)  # outside of the handler: the error's frames, and what they hold, are gone
        return None

    def _piece_step(self, model: Any, piece: dict[str, Any], batch: dict[str, Any], items: Any) -> torch.Tensor:
        """One piece of a batch. Where the loss is a mean over rows (no `items`), the piece counts by its share of the rows."""
        steps = self.current_gradient_accumulation_steps  # type: ignore[has-type]
        if items is None and piece is not batch:
            self.current_gradient_accumulation_steps = steps * row_count(batch) / row_count(piece)
        try:
            return super().training_step(model, dict(piece), items)  # type: ignore[misc]
        finally:
            self.current_gradient_accumulation_steps = steps

    def as_memory_allows(self, attempt: Callable[[int], T], rows: int, undo: Callable[[], None], fewest: int = 1) -> T:
        """What `attempt` gives that sends so many rows through the model at once: `rows`, or half as many as often as memory runs out.

        Before it tries again it calls `undo`. Raises `RunError` when even the `fewest` rows, of which others are a multiple, are too much.
        """
        while True:
            size = max(min(rows, self.progress.micro_rows or rows) // fewest * fewest, fewest)
            try:
                return attempt(size)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            undo()  # outside of the handler: the error's frames, and what they hold, are gone
            _free_memory()
            if size == fewest:
                raise RunError(f"Memory does not suffice for {'a single answer' if fewest == 1 else f'{fewest} answers'}.", REMEDY)
            self.progress.micro_rows = size // 2
            self.folder.log(
                f"Memory ran out with {size} answers at once. From now on at most {max(size // 2, fewest)} go through the model together "
                "and their gradients are added up; the result stays the same."
            )
            self.folder.write_status(micro_batch=self.progress.micro_rows)

    def count_tokens(self, tokens: torch.Tensor) -> None:
        """Tokens that the training saw beside those of its batches."""
        self._counted.append(tokens)

    def _shrink(self, piece: dict[str, Any]) -> None:
        """Halve what goes through the model at once; raises `RunError` when one row alone is too much."""
        rows, tokens = row_count(piece, self._stacked), int(piece["input_ids"].numel())
        _free_memory()
        if rows <= 1:
            raise RunError(f"Memory does not suffice for a single row of {tokens:,} tokens.", REMEDY)
        self.progress.micro_tokens, self.progress.micro_rows = max(tokens // 2, 1), (rows + 1) // 2
        self.folder.log(
            f"Memory ran out with {rows} rows ({tokens:,} tokens) at once. From now on at most {self.progress.micro_tokens:,} tokens go "
            "through the model together and their gradients are added up; the result stays the same."
        )
        self.folder.write_status(micro_batch=self.progress.micro_rows)

    def _snapshot(self, mode: str) -> Any:
        """The trainer's running metrics (TRL keeps lists of them), to go back to when a batch is redone."""
        metrics = getattr(self, "_metrics", {}).get(mode, {})
        return {key: list(values) for key, values in metrics.items()}, getattr(self, "_total_train_tokens", 0)

    def _restore(self, mode: str, counters: Any) -> None:
        if hasattr(self, "_metrics"):
            self._metrics[mode].clear()
            self._metrics[mode].update({key: list(values) for key, values in counters[0].items()})
            self._total_train_tokens = counters[1]

    # Evaluation

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluate and leave the random state as it was, so that how often one evaluates does not change the training."""
        self.folder.write_status(state="evaluating")
        with untouched(self.model):  # type: ignore[attr-defined]
            if hasattr(self.model.config, "use_cache"):  # type: ignore[attr-defined]
                self.model.config.use_cache = False  # type: ignore[attr-defined]
            metrics = super().evaluate(*args, **kwargs)  # type: ignore[misc]
            self.after_evaluation()
            return metrics

    def evaluation_loop(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> Any:
        """As the trainer's own; for a mix of datasets the metrics of each one's held-out rows come with it, as `eval_by_task`."""
        output = super().evaluation_loop(*args, metric_key_prefix=metric_key_prefix, **kwargs)  # type: ignore[misc]
        if self.tasks and metric_key_prefix == "eval":
            by_task = {}
            for name, rows in self.tasks.items():
                part = super().evaluation_loop(self.get_eval_dataloader(rows), name, metric_key_prefix="task")  # type: ignore[misc, attr-defined]
                figures = {key.removeprefix("task_"): value for key, value in part.metrics.items()}
                by_task[name] = {key: value for key, value in figures.items() if isinstance(value, float) and not key.endswith(SPEEDS)}
            output.metrics["eval_by_task"] = by_task
        return output

    def prediction_step(
        self, model: Any, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> tuple[Any, Any, Any]:
        """Loss, logits and labels of an evaluation batch, in smaller pieces when memory ran out."""
        counters = self._snapshot("eval")
        while True:
            piece: dict[str, Any] = {}
            results = []
            try:
                pieces = split(inputs, self.progress.micro_tokens, self._stacked)
                for piece in pieces:
                    results.append(super().prediction_step(model, dict(piece), prediction_loss_only, ignore_keys))  # type: ignore[misc]
                return _joined(results, [row_count(part) for part in pieces])
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            del results
            self._restore("eval", counters)
            self._shrink(piece)

    # Logging and what happens between steps

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the tokens seen so far; the history is in metrics.jsonl and not kept a second time."""
        if self._counted:
            self.progress.tokens += int(torch.stack(self._counted).sum())
            self._counted = []
        super().log(logs, start_time)  # type: ignore[misc]
        self.state.log_history.clear()  # type: ignore[attr-defined]

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """The best evaluation so far is saved, whatever the saving interval."""
        best = super()._determine_best_metric(metrics, trial)  # type: ignore[misc]
        if best and self.keep_best:
            self.control.should_save = True  # type: ignore[attr-defined]
        return best

    def _maybe_log_save_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """After each step, when it is logged, evaluated and saved: let people in."""
        super()._maybe_log_save_evaluate(*args, **kwargs)  # type: ignore[misc]
        if self.state.global_step != self._looked_at:  # type: ignore[attr-defined]
            self._looked_at = self.state.global_step  # type: ignore[attr-defined]
            self.between_steps()

    # Saving

    def saved_here(self) -> bool:
        """Whether there is a checkpoint of this very step."""
        return checkpoints.path_of(self.folder, self.state.global_step).exists()  # type: ignore[attr-defined]

    def save_now(self) -> None:
        """Save a checkpoint between two steps."""
        self._save_checkpoint(self.model, None)  # type: ignore[attr-defined]

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Weights and configuration only: no tokenizer, no `training_args.bin`, which would hold secrets, and of several adapters only the
        one that learns."""
        model: Any = self.model  # type: ignore[attr-defined]
        one = {"selected_adapters": model.active_adapters} if hasattr(model, "peft_config") else {}
        model.save_pretrained(output_dir, state_dict=state_dict, **one)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Save a whole checkpoint or none; raises `CheckpointError` when the disk is full or the weights are not finite."""
        state: Any = self.state  # type: ignore[attr-defined]
        step = state.global_step
        if not _finite(self.model):  # type: ignore[attr-defined]
            raise RunError(
                f"The weights are not finite any more after step {step}, so they were not saved.",
                "The checkpoint before is kept. Lower the learning rate or use the precision float32, and start again.",
            )
        self.folder.flush()  # what a checkpoint has seen must be in the history before the checkpoint is there
        self.folder.write_status(state="saving")
        self.store_flos()  # type: ignore[attr-defined]
        state.best_model_checkpoint = None
        with checkpoints.writing(self.folder, step) as path:
            self._save(str(path))
            self._save_optimizer_and_scheduler(str(path))  # type: ignore[attr-defined]
            self._save_scaler(str(path))  # type: ignore[attr-defined]
            self._save_rng_state(str(path))  # type: ignore[attr-defined]
            state.save_to_json(str(path / "trainer_state.json"))
            self.progress.save(path)
            if save_own := getattr(self, "save_own_state", None):
                save_own(path)
        checkpoints.rotate(self.folder, self.keep_checkpoints, state.best_global_step if self.keep_best else None)


@cache
def studio_trainer(cls: type) -> type:
    """The studio's subclass of a trainer class."""
    return type(f"Studio{cls.__name__}", (StudioTrainer, cls), {})


def _joined(results: list[tuple[Any, Any, Any]], rows: list[int]) -> tuple[Any, Any, Any]:
    """The results of the pieces of a batch as those of the batch: losses averaged by rows, logits and labels one below the other."""
    if len(results) == 1:
        return results[0]
    weights = torch.tensor(rows, dtype=torch.float32, device=results[0][0].device)
    loss = (torch.stack([result[0] for result in results]) * weights).sum() / weights.sum()
    logits, labels = (None if results[0][i] is None else torch.cat([result[i] for result in results]) for i in (1, 2))
    return loss, logits, labels


def _free_memory() -> None:
    """Give back what is no longer used, after memory ran out."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _finite(model: Any) -> bool:
    """Whether all weights that move are finite numbers."""
    sums = [parameter.detach().float().sum() for parameter in model.parameters() if parameter.requires_grad]
    return bool(torch.isfinite(torch.stack([total.cpu() for total in sums])).all()) if sums else True
